// C7: patterns over argument values. The matcher agrees with RegExp where RegExp can be trusted, and is linear
// where RegExp is not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileConstraint, encodeConstraint } from '../src/args/index.ts';
import { Matcher } from '../src/args/automaton.ts';
import { patternProblem } from '../src/args/pattern.ts';
import { LIMITS } from '../src/limits.ts';
import { expectShares, runs } from './args-values.ts';

/** `n` letters a and b without a pattern (xorshift). */
const noise = (n: number): string => {
  let x = 2463534242;
  let out = '';
  while (out.length < n) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out += (x & 0x10000) === 0 ? 'a' : 'b';
  }
  return out;
};
const matches = (pattern: string, text: string): boolean => new Matcher(pattern).test(text);

describe('C7 patterns', () => {
  it.each<[pattern: string, yes: string[], no: string[]]>([
    ['', [''], ['a', '\n']],
    ['abc', ['abc'], ['xabc', 'abcx', 'ABC', 'abc\n', '\nabc', 'ab', '']],
    ['a|bc', ['a', 'bc'], ['ac', 'abc', '', 'b']],
    ['a|', ['a', ''], ['aa']],
    ['|a', ['a', ''], ['b']],
    ['(ab)+', ['ab', 'abab'], ['', 'aba', 'a']],
    ['(?:ab)*c', ['c', 'abc'], ['ac']],
    ['a?b*c+', ['c', 'abcc', 'bbc'], ['ab', 'aac']],
    ['a{2}', ['aa'], ['a', 'aaa']],
    ['a{2,}', ['aa', 'aaaaa'], ['a', '']],
    ['a{1,3}', ['a', 'aaa'], ['', 'aaaa']],
    ['a{0}', [''], ['a']],
    ['a{0,1}', ['', 'a'], ['aa']],
    ['(a|b){2}', ['ab', 'ba', 'aa'], ['a', 'abc']],
    ['(a*)*', ['', 'aaa'], ['b']],
    ['(a*)+b', ['b', 'aab'], ['a']],
    ['(a?){3}', ['', 'a', 'aaa'], ['aaaa']],
    ['[a-c]x', ['ax', 'cx'], ['dx', '-x']],
    ['[^a-c]', ['d', '\n', 'é', '😀'], ['a', 'b', '', 'dd']],
    ['[-a]', ['-', 'a'], ['b']],
    ['[a-]', ['-', 'a'], ['b']],
    ['[a^]', ['a', '^'], ['b']],
    ['[.*+?()|{}$]', ['.', '*', '+', '?', '(', ')', '|', '{', '}', '$'], ['a', '']],
    ['[\\d_]+', ['12_3'], ['a', '', '٣']],
    ['[^\\s]+', ['ab'], ['a b', '', '\t']],
    ['\\d{3}-\\d{4}', ['555-1234'], ['555-123', '５５５-1234', '555-12345']],
    ['\\w+', ['aZ09_'], ['é', 'a b', '', 'a-b']],
    ['\\s', [' ', '\t', '\n', '\r', '\f', '\v'], ['\u00a0', '\u2028', 'a']],
    ['\\D\\W\\S', ['a-b'], ['1-b', 'aab', 'a- ']],
    ['.', ['a', '\t', '\0', 'é', '😀'], ['\n', '\r', '\u2028', '\u2029', '', 'ab']],
    ['.*', ['', 'abc'], ['a\nb']],
    ['a\\.b', ['a.b'], ['axb']],
    ['\\n\\r\\t', ['\n\r\t'], ['nrt']],
    ['\\\\\\/\\-\\]\\[', ['\\/-]['], ['']],
    ['[\\]\\[\\-\\\\]', [']', '[', '-', '\\'], ['a']],
    ['é😀[😀-😃]', ['é😀😀', 'é😀😃'], ['é😀', 'e\u0301😀😀', 'é😀😄']],
    ['a/b:c@d"e\'#%&,;<=>`~ !', ['a/b:c@d"e\'#%&,;<=>`~ !'], ['']],
  ])('%j', (pattern, yes, no) => {
    for (const text of yes) expect([text, matches(pattern, text)]).toEqual([text, true]);
    for (const text of no) expect([text, matches(pattern, text)]).toEqual([text, false]);
  });

  it.each([
    ['^a$', /anchor/],
    ['a^', /anchor/],
    ['$', /anchor/],
    ['\\bword', /unknown escape/],
    ['(a)\\1', /unknown escape/],
    ['(?=a)', /special/],
    ['(?!a)', /special/],
    ['(?<=a)b', /special/],
    ['(?<n>a)', /special/],
    ['(?i)a', /special/],
    ['(?i:a)', /special/],
    ['(?', /special/],
    ['a*?', /repetition of a repetition/],
    ['a++', /repetition of a/],
    ['a{2}{3}', /repetition of a/],
    ['a**', /repetition of a/],
    ['*', /repetition of nothing/],
    ['a|*', /repetition of nothing/],
    ['(+)', /repetition of nothing/],
    ['{2}', /repetition of nothing/],
    ['a{', /malformed/],
    ['a{x}', /malformed/],
    ['a{1', /malformed/],
    ['a{1,x}', /malformed/],
    ['a{,3}', /malformed/],
    ['a{3,2}', /before it begins/],
    ['a{1025}', /beyond 1024/],
    ['a{99999999999999999999}', /beyond 1024/],
    ['(a', /not closed/],
    ['a)', /not opened/],
    ['[a', /not closed/],
    ['[', /not closed/],
    ['[]', /empty class/],
    ['[^]', /empty class/],
    ['[b-a]', /before it begins/],
    ['[a-\\d]', /ends in a class/],
    ['[[:alpha:]]', /unescaped \[/],
    ['a]', /unescaped \]/],
    ['a}', /unescaped }/],
    ['\\', /backslash at the end/],
    ['\\x41', /unknown escape/],
    ['\\u0041', /unknown escape/],
    ['\\p{L}', /unknown escape/],
    ['\\é', /unknown escape/],
    ['\\ ', /unknown escape/],
    ['\\0', /unknown escape/],
    ['\\cA', /unknown escape/],
    ['\\a', /unknown escape/],
    ['\ud800', /lone surrogate/],
    ['(a{32}){33}', /more than 1024 states/],
    [`${'('.repeat(33)}a${')'.repeat(33)}`, /deeper than 32/],
    ['((((((a{0}){1000}){1000}){1000}){1000}){1000}){1000}', /more than 1024 states/],
    ['(((|){1000}){1000}){1000}', /more than 1024 states/],
    ['a'.repeat(1025), /more than 1024 bytes/],
    ['é'.repeat(513), /more than 1024 bytes/],
  ])('%j is refused', (pattern, why) => {
    expect(patternProblem(pattern)).toMatch(why);
    expect(() => new Matcher(pattern)).toThrow(TypeError);
    expect(() => encodeConstraint({ kind: 'pattern', pattern })).toThrow(/pattern/);
  });

  it.each([
    ['a{1022}', 'a{1023}'],
    ['(a|b){255}', '(a|b){341}'],
    ['a{0,511}', 'a{0,512}'],
    ['(|){340}', '(|){341}'],
  ])('the limit of states is the same for the validation and the build: %s, %s', (most, more) => {
    expect(patternProblem(most)).toBe(null);
    expect(new Matcher(most).states).toBeLessThanOrEqual(LIMITS.patternStates);
    expect(patternProblem(more)).toMatch(/more than 1024 states/);
    expect(() => new Matcher(more)).toThrow(/more than 1024 states/);
  });

  it('covers the whole value: no prefix, no line, no case, no look-alike', () => {
    const check = compileConstraint({ kind: 'pattern', pattern: '[a-z]+@example\\.com' });
    expect(check('jane@example.com')).toBe(null);
    for (const value of [
      'jane@example.com\n',
      '\njane@example.com',
      'x\njane@example.com\ny',
      'jane@example.com.evil.org',
      'jane@examplexcom',
      'Jane@example.com',
      'jane@EXAMPLE.com',
      'jаne@example.com',
      'jane＠example.com',
      'jane@example。com',
      'jane@example.com\0',
      '',
      'jane@example.com ',
      'jane@example.com\u2028',
      'e\u0301@example.com',
    ]) {
      expect(check(value)).toBe('must match "[a-z]+@example\\.com"');
    }
    for (const value of [null, true, 1, ['jane@example.com'], { a: 1 }, undefined])
      expect(check(value)).not.toBe(null);
  });
});

describe('C7 catastrophic backtracking', () => {
  const cases: readonly (readonly [string, (n: number) => string])[] = [
    ['(a+)+b', (n) => 'a'.repeat(n)],
    ['(a|a)*b', (n) => 'a'.repeat(n)],
    ['(a|aa)+b', (n) => 'a'.repeat(n)],
    ['(.*a){20}', (n) => 'a'.repeat(n) + 'b'],
    ['(a?){50}a{50}', (n) => 'a'.repeat(n)],
    ['([a-zA-Z]+)*1', (n) => 'a'.repeat(n)],
    ['(\\w+\\s?)*x', (n) => 'word '.repeat(n / 5)],
    ['(a*)*(a*)*(a*)*b', (n) => 'a'.repeat(n)],
    // Sets of states that keep changing: the table fills, again and again.
    ['(a|b)*a(a|b){12}', noise],
    ['[ab]*a[ab]{200}', noise],
    ['([ab]*a[ab]{12}c?)*', noise],
  ];
  it.each(cases)('%s takes steps in proportion to the length', (pattern, text) => {
    for (const n of [1000, 2000, 4000, 8000]) {
      const matcher = new Matcher(pattern);
      matcher.test(text(n));
      // A state is left once and followed once a character; the start adds one round for each filling of the table.
      expect(matcher.steps).toBeLessThanOrEqual((2 * n + 10) * matcher.states);
    }
  });

  it('a table that is full changes no answer', () => {
    const text = noise(3000);
    const matcher = new Matcher('[ab]*a[ab]{11}');
    for (let end = 2900; end < 3000; end++) {
      expect(matcher.test(text.slice(0, end))).toBe(text[end - 12] === 'a');
    }
    // What was read before the table was dropped still counts: here, whether it was an even number of letters.
    const even = new Matcher('([ab][ab])*a[ab]{23}');
    for (let end = 2900; end < 3000; end++) {
      expect(even.test(text.slice(0, end))).toBe(end % 2 === 0 && text[end - 24] === 'a');
    }
    // Ends outside the alphabet, after the table has been given up.
    expect(matcher.test(`${text}c`)).toBe(false);
    expect(matcher.test(`${text}😀`)).toBe(false);
    expect(new Matcher('([ab]*a[ab]{11})?[^c]').test(`${text.slice(0, 2000)}a${'b'.repeat(11)}😀`)).toBe(
      true,
    );
  });

  it('a value too long for its pattern is refused by a fixed rule, before any step', () => {
    const pattern = '(a|b){0,200}';
    const check = compileConstraint({ kind: 'pattern', pattern });
    const { states } = new Matcher(pattern);
    // 768 + 32 m + (32 + n + 1 + 64) x states (SPEC.md section 9).
    const most = Math.floor((LIMITS.checkSteps - 768 - 32 * pattern.length) / states) - 97;
    expect(check('a'.repeat(200))).toBe(null);
    expect(check('a'.repeat(most))).toMatch(/^must match/);
    expect(check('a'.repeat(most + 1))).toBe('must be short enough to be checked');
    // All the arguments there can be, against a pattern of ordinary size.
    expect(compileConstraint({ kind: 'pattern', pattern: '[\\w\\s.,;:!?]*' })('word '.repeat(13_000))).toBe(
      null,
    );
  });
});

describe('properties', () => {
  // A grammar of patterns that both understand alike; subjects hold no white space but ASCII, where \s means the same.
  const atom = fc.oneof(
    fc.constantFrom('a', 'b', 'c', '\\.', '.', '\\d', '\\w', '\\s', '\\D', '\\W', '\\S', '\\n', 'é', '😀'),
    fc.constantFrom('[ab]', '[^ab]', '[a-c]', '[^\\d]', '[\\w-]', '[^a-c😀]', '[\\s.]', '[0-9a]'),
  );
  const regular = fc.letrec<{ re: string }>((tie) => ({
    re: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      atom,
      fc.tuple(tie('re'), tie('re')).map(([a, b]) => a + b),
      fc.tuple(tie('re'), tie('re')).map(([a, b]) => `(${a}|${b})`),
      fc
        .tuple(tie('re'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '{0}'))
        .map(([a, quantifier]) => `(?:${a})${quantifier}`),
    ),
  })).re;
  const subject = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', '.', '1', ' ', '\n', '-', 'é', '😀'),
    maxLength: 8,
  });

  it('the matcher and RegExp agree on short values', () => {
    const came = { matched: 0, unmatched: 0 };
    fc.assert(
      fc.property(regular, fc.array(subject, { minLength: 10, maxLength: 10 }), (pattern, subjects) => {
        const theirs = new RegExp(`^(?:${pattern})$`, 'u');
        const ours = new Matcher(pattern);
        for (const text of subjects) came[theirs.test(text) ? 'matched' : 'unmatched']++;
        expect(subjects.filter((text) => ours.test(text))).toEqual(
          subjects.filter((text) => theirs.test(text)),
        );
      }),
      runs(1000),
    );
    expectShares(came, 0.05);
  });

  it('what RegExp refuses is refused', () => {
    const came = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?\\.^$-,0123:=!<dwsn/'), maxLength: 8 }),
        (pattern) => {
          // Escapes that the `u` flag alone refuses.
          came[patternProblem(pattern) === null ? 'taken' : 'refused']++;
          if (patternProblem(pattern) !== null || /\\[-,:=!<]/.test(pattern)) return;
          const theirs = new RegExp(`^(?:${pattern})$`, 'u');
          const ours = new Matcher(pattern);
          const subjects = ['', 'a', 'ab', 'b1', '-', '\n'];
          expect(subjects.filter((text) => ours.test(text))).toEqual(
            subjects.filter((text) => theirs.test(text)),
          );
        },
      ),
      runs(3000),
    );
    expectShares(came, 0.06);
  });
});

// C7: how many states a pattern has, what its automaton is charged in bytes and steps, and where the classes and the
// syntax of patterns end.
import { describe, expect, it } from 'vitest';
import { compileConstraint } from '../src/args/index.ts';
import { Matcher } from '../src/args/automaton.ts';
import { patternBytes, patternProblem } from '../src/args/pattern.ts';
import { countStates } from '../src/args/thompson.ts';
import { LIMITS } from '../src/limits.ts';

const matches = (pattern: string, text: string): boolean => new Matcher(pattern).test(text);
const weight = (pattern: string): number => new Matcher(pattern).weight;

/** `n` letters a and b without a pattern (xorshift). */
const noise = (n: number, letters = 'ab'): string => {
  const [a = '', b = ''] = letters;
  let x = 2463534242;
  const out: string[] = [];
  while (out.length < n) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    out.push((x & 0x10000) === 0 ? a : b);
  }
  return out.join('');
};

describe('states of a pattern (SPEC.md section 9)', () => {
  it.each([
    ['', 2],
    ['a', 2],
    ['ab', 3],
    ['()', 2],
    ['()a()', 4],
    ['a|b', 4],
    ['a|b|c', 6],
    ['|', 4],
    ['ab|c|', 7],
    ['a*', 3],
    ['a+', 4],
    ['a?', 4],
    ['a{0}', 2],
    ['a{3}', 5],
    ['a{2,4}', 8],
    ['a{2,}', 5],
    ['(ab){0,2}', 8],
    ['(a|b){2}', 8],
    ['(ab|c)*d', 7],
    ['((a*)*)*', 5],
    ['[a-z]{9}', 11],
    ['a{9}', 11],
    ['a{10}', 12],
  ])('%s has %i, counted and built', (pattern, states) => {
    expect(countStates(pattern)).toBe(states);
    expect(new Matcher(pattern).states).toBe(states);
  });

  it('are 1024 at most, of 1024 bytes at most', () => {
    for (const [most, more] of [
      ['a{1022}', 'a{1023}'],
      ['(a|b){255}', '(a|b){341}'],
      ['a{0,511}', 'a{0,512}'],
      ['a{1021,}', 'a{1022,}'],
    ] as const) {
      expect(patternProblem(most)).toBe(null);
      expect(new Matcher(most).states).toBe(countStates(most));
      expect(patternProblem(more)).toBe('pattern: more than 1024 states');
      expect(() => new Matcher(more)).toThrow('more than 1024 states');
    }
  });

  it('a repetition of 1024 and a pattern of 1024 bytes are not too long in themselves', () => {
    expect(countStates('a{1024}')).toBe('more than 1024 states');
    expect(countStates('a{1025}')).toBe('a repetition beyond 1024');
    const longest = 'é'.repeat(LIMITS.textBytes / 2);
    expect(countStates(longest)).toBe(LIMITS.textBytes / 2 + 1);
    expect(matches(longest, longest)).toBe(true);
    expect(countStates(`${longest}a`)).toBe('more than 1024 bytes');
    expect(() => new Matcher(`${longest}a`)).toThrow('more than 1024 bytes');
    expect(patternProblem(1)).toBe('pattern: expected a text');
  });
});

describe('C7 where the syntax ends', () => {
  it.each<[pattern: string, yes: string[], no: string[]]>([
    // Ranges that touch, overlap, hold each other, in any order.
    ['[a-cd-f]', ['a', 'c', 'd', 'f'], ['`', 'g']],
    ['[d-fa-c]', ['a', 'c', 'd', 'f'], ['`', 'g']],
    ['[a-db-f]', ['a', 'b', 'd', 'e', 'f'], ['`', 'g']],
    ['[a-fb-c]', ['a', 'c', 'd', 'f'], ['`', 'g']],
    ['[a-ce-g]', ['a', 'c', 'e', 'g'], ['`', 'd', 'h']],
    ['[^a-ce-g]', ['`', 'd', 'h', '\0', '\u{10ffff}'], ['a', 'c', 'e', 'g']],
    ['[ca]', ['a', 'c'], ['b']],
    ['[a-a]', ['a'], ['`', 'b']],
    ['[b][a]', ['ba'], ['ab', 'bb']],
    // The ends of all that there is.
    ['[^\0-a]', ['b', '\u{10ffff}'], ['\0', 'a']],
    ['[^a-\u{10ffff}]', ['\0', '`'], ['a', '\u{10ffff}']],
    ['[^\0-\u{10fffe}]', ['\u{10ffff}'], ['\0', '\u{10fffe}']],
    ['[^\\s\\S]', [], ['', 'a', ' ', '\0']],
    ['[\\s\\S]', ['a', ' ', '\0', '\u{10ffff}'], ['', 'ab']],
    // Where ASCII ends, and where a code point is two units.
    ['\u007f', ['\u007f'], ['\u0080', '~']],
    ['\u0080', ['\u0080'], ['\u007f', '\u0081']],
    ['[\u0080-\uffff]', ['\u0080', '\uffff'], ['\u007f', '\u{10000}']],
    ['.\u{10000}.', ['a\u{10000}b'], ['a\u{10001}b', 'a\u{10000}', '\ud800']],
    ['.', ['\u0009', '\u000b', '\u000c', '\u000e', '\u2027', '\u202a'], ['\u000a', '\u000d', '\u2028', '\u2029']],
    ['\\d', ['0', '9'], ['/', ':']],
    ['\\D', ['/', ':'], ['0', '9']],
    ['\\w', ['0', '9', 'A', 'Z', '_', 'a', 'z'], ['/', ':', '@', '[', '^', '`', '{']],
    ['\\W', ['/', ':', '@', '[', '^', '`', '{'], ['0', '9', 'A', 'Z', '_', 'a', 'z']],
    ['\\s', ['\t', '\n', '\r', ' '], ['\u0008', '\u000e', '\u001f', '!']],
    ['\\S', ['\u0008', '\u000e', '\u001f', '!'], ['\t', '\r', ' ']],
    // Every sign of ASCII may be escaped, from the first to the last.
    ['\\!\\/\\:\\@\\[\\^\\`\\{\\~', ['!/:@[^`{~'], ['']],
    ['[\\!-\\/]', ['!', '-', '/'], [' ', '0']],
    ['[\\n-\\r]', ['\n', '\v', '\r'], ['\t', '-']],
    ['[\\d-]', ['0', '-'], ['a']],
    ['[\\s\\d]', ['0', ' '], ['a']],
    ['[--a]', ['-', 'a', '0'], [',', 'b']],
    ['[a-c-]', ['a', 'b', '-'], ['d']],
    ['[\\]-a]', [']', '^', 'a'], ['[', 'b']],
    ['a{2,2}', ['aa'], ['a', 'aaa']],
    ['a{9}', ['aaaaaaaaa'], ['aaaaaaaa', 'aaaaaaaaaa']],
    ['a{0,9}', ['', 'aaaaaaaaa'], ['aaaaaaaaaa']],
    ['a{10}', ['aaaaaaaaaa'], ['a', 'aaaaaaaaa']],
    ['a{03}', ['aaa'], ['aa']],
    ['(a|b|c)d', ['ad', 'bd', 'cd'], ['a', 'd', 'abd']],
    ['(?:a)(b)', ['ab'], ['a']],
    ['a(|b)c', ['ac', 'abc'], ['a', 'abbc']],
    ['(ab){1,2}c', ['abc', 'ababc'], ['c', 'abababc']],
    ['(a|b){2,}', ['ab', 'bab'], ['a', '']],
    [`${'('.repeat(32)}a${')'.repeat(32)}`, ['a'], ['']],
  ])('%j', (pattern, yes, no) => {
    expect(patternProblem(pattern)).toBe(null);
    expect(yes.filter((text) => !matches(pattern, text))).toEqual([]);
    expect(no.filter((text) => matches(pattern, text))).toEqual([]);
  }); // prettier-ignore

  it.each([
    ['\\ ', 'an unknown escape'],
    ['\\\u007f', 'an unknown escape'],
    ['\\\u001f', 'an unknown escape'],
    ['\\1', 'an unknown escape'],
    ['\\9', 'an unknown escape'],
    ['\\A', 'an unknown escape'],
    ['\\Z', 'an unknown escape'],
    ['\\_', 'an unknown escape'],
    ['\\a', 'an unknown escape'],
    ['\\z', 'an unknown escape'],
    ['[\\d-z]', 'a range that begins with a class'],
    ['[\\s-z]', 'a range that begins with a class'],
    ['[a-\\s]', 'a range that ends in a class'],
    ['[a-\\d]', 'a range that ends in a class'],
    ['[b-a]', 'a range that ends before it begins'],
    ['[a-', 'a class that is not closed'],
    ['[^', 'a class that is not closed'],
    ['[a\\', 'a backslash at the end'],
    ['[[]', 'an unescaped [ in a class'],
    ['a{3,0}', 'a repetition that ends before it begins'],
    ['a{3,2}', 'a repetition that ends before it begins'],
    ['a{}', 'a malformed repetition'],
    ['a{1,2', 'a malformed repetition'],
    ['a{1', 'a malformed repetition'],
    ['a{/}', 'a malformed repetition'],
    ['a{:}', 'a malformed repetition'],
    ['a*{2}', 'a repetition of a repetition'],
    ['a?+', 'a repetition of a repetition'],
    ['a{2}*', 'a repetition of a repetition'],
    ['a{1,3}?', 'a repetition of a repetition'],
    ['a)b', 'a parenthesis that was not opened'],
    ['(a|b', 'a parenthesis that is not closed'],
    ['(?a)', 'a group with a special meaning'],
    [`${'('.repeat(33)}a${')'.repeat(33)}`, 'groups deeper than 32'],
  ])('%j is refused: %s', (pattern, why) => {
    expect(patternProblem(pattern)).toBe(`pattern: ${why}`);
  });
});

let built = 0;

describe('L16 what a matcher keeps and takes', () => {
  // 2048, 16 a state, 64 a set, 8 for each bound of a set and of a class, the table in two bytes a place, 4 for each
  // member that there is room for (256 and 16 a state), 160 for each deterministic state that there is room for.
  const letters = (n: number): string =>
    String.fromCharCode(...Array.from({ length: n }, (_, i) => 0x100 + 2 * i));
  it.each([
    ['a', 2048 + 16 * 2 + 64 * 1 + 8 * (2 + 2) + 2 * 16 * 3 + 4 * (256 + 32) + 160 * 16],
    ['[^a]', 2048 + 16 * 2 + 64 * 1 + 8 * (4 + 3) + 2 * 16 * 4 + 4 * (256 + 32) + 160 * 16],
    ['abc', 2048 + 16 * 4 + 64 * 3 + 8 * (6 + 4) + 2 * 32 * 5 + 4 * (256 + 64) + 160 * 32],
    ['a{99}', 2048 + 16 * 101 + 64 * 1 + 8 * (2 + 2) + 2 * 256 * 3 + 4 * (256 + 1616) + 160 * 256],
    [letters(60), 2048 + 16 * 61 + 64 * 60 + 8 * (120 + 120) + 2 * 67 * 121 + 4 * (256 + 976) + 160 * 67],
    [letters(300), 2048 + 16 * 301 + 64 * 300 + 8 * (600 + 600) + 2 * 16 * 601 + 4 * (256 + 4816) + 160 * 16],
  ])('%s weighs %i bytes', (pattern, bytes) => {
    expect(weight(pattern)).toBe(bytes);
  }); // prettier-ignore

  it('sets that are the same weigh the same, however they are written', () => {
    for (const [one, other] of [
      ['[a-cd-f]', '[a-f]'],
      ['[d-fa-c]', '[a-f]'],
      ['[a-fb-c]', '[a-f]'],
      ['[^\0-`]', '[a-\u{10ffff}]'],
      ['[^b-\u{10ffff}]', '[\0-a]'],
    ] as const)
      expect([one, weight(one)]).toEqual([one, weight(other)]);
  });

  it('what was matched once takes no step the next time', () => {
    for (const [pattern, texts] of [
      ['[ab]*a[ab]{5}', [noise(60)]],
      ['(a|bc|d)*x', ['abcdx', 'abcd', 'abe', '']],
      ['😀+é', ['😀😀é', '😀é']],
    ] as const)
      for (const text of texts) {
        const matcher = new Matcher(pattern);
        const answer = matcher.test(text);
        const { steps } = matcher;
        expect(steps).toBeGreaterThan(0);
        expect([matcher.test(text), matcher.steps]).toEqual([answer, steps]);
      }
  });

  it('an automaton is built for the first value, kept under its pattern, and weighed', () => {
    // Another one at each run: what one run has built, the next would find.
    const pattern = `(never|used){3}elsewhere${++built}`;
    const check = compileConstraint({ kind: 'pattern', pattern });
    const before = patternBytes();
    expect(check(1)).toBe(`must match "${pattern}"`);
    expect(patternBytes()).toBe(before);
    expect(check('x')).toBe(`must match "${pattern}"`);
    // 128 and its key for an entry (bounded-map.ts).
    const kept = before + 128 + 2 * pattern.length + weight(pattern);
    expect(patternBytes()).toBe(kept);
    expect(check(`neverusednever${pattern.slice(15)}`)).toBe(null);
    expect(compileConstraint({ kind: 'pattern', pattern })('x')).not.toBe(null);
    expect(patternBytes()).toBe(kept);
  });

  // The sets of states keep changing. What is kept of them is dropped twice when there is no room for a state or for its
  // members, and then no more is kept; each answer depends on what was read before. Steps are those measured, pinned: an
  // automaton that kept more or less than it has room for would take others.
  it.each([
    ['[ab]*a[ab]{11}', 'ab', 26_164],
    ['([ab][ab])*a[ab]{23}', 'ab', 23_430],
    ['[😀😁]*😀[😀😁]{40}', '\u{1f600}\u{1f601}', 67_515],
  ])('a full table changes no answer: %s', (pattern, two, steps) => {
    const letters = [...two];
    const text = [...noise(300)].map((letter) => letters[letter === 'a' ? 0 : 1]!);
    const matcher = new Matcher(pattern);
    const back = Number(/\{(\d+)\}$/.exec(pattern)![1]) + 1;
    const pairs = pattern.startsWith('(');
    for (let end = 296; end < 300; end++)
      expect(matcher.test(text.slice(0, end).join(''))).toBe(
        text[end - back] === letters[0] && (!pairs || (end - back) % 2 === 0),
      );
    expect(matcher.test(`${text.join('')}c`)).toBe(false);
    expect(matcher.steps).toBe(steps);
  });

  it.each([
    // Six states are reached from the start, three of them read; the one that accepts. Whatever ways lead to a state, it is
    // looked at once a character.
    ['(a?|b?)c', 'c', 6 + 3 + 1],
    ['(a*|b*)c', 'c', 6 + 3 + 1],
    ['(a|a)c', 'ac', 3 + 2 + 1 + 1 + 1],
  ])('a state that is reached twice is looked at once: %s', (pattern, text, steps) => {
    const matcher = new Matcher(pattern);
    expect([matcher.test(text), matcher.steps]).toEqual([true, steps]);
  });

  it('as many states as there is room for, one after the other', () => {
    const matcher = new Matcher('a{1000}');
    expect(['a'.repeat(1000), 'a'.repeat(999), 'a'.repeat(1001)].map((text) => matcher.test(text))).toEqual([true, false, false]);
    expect(matcher.steps).toBe(6008);
  }); // prettier-ignore
});

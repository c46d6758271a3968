// Tool names and patterns, data labels: what matches, and the set algebra of the displays.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../src/limits.ts';
import {
  compileTools,
  coversTools,
  intersectTools,
  isLabel,
  isToolName,
  isToolPattern,
  matchesAny,
  matchLabel,
  matchTool,
} from '../src/patterns.ts';
import { runs } from './args-values.ts';

describe('tool names', () => {
  it.each([
    'a',
    'web_search',
    'Web-Search',
    'mcp/github/list_issues',
    'a.b/c.d',
    '0',
    '-',
    '_',
    '__proto__',
    'constructor',
  ])('%s is one', (name) => {
    expect(isToolName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '/',
    '.a',
    'a.',
    'a..b',
    'a//b',
    'a./b',
    '/a',
    'a/',
    'a b',
    ' a',
    'a ',
    'a*',
    '*',
    'a\n',
    'a\0',
    '\0',
    'a\0b',
    'ａ',
    'web_seаrch',
    'é',
    'a:b',
    'a\\b',
    'a%2eb',
    '../a',
    'a/../b',
    'a\u200b',
    'a\ud83d\ude00',
    'a\ud800',
    'a@b',
    '\u212a',
    'a'.repeat(LIMITS.nameBytes + 1),
  ])('C7 %j is none', (name) => {
    expect(isToolName(name)).toBe(false);
  });

  it('the longest has 256 bytes', () => {
    expect(isToolName('a'.repeat(LIMITS.nameBytes))).toBe(true);
    expect(isToolPattern(`${'a'.repeat(LIMITS.nameBytes - 1)}*`)).toBe(true);
    expect(isToolPattern(`${'a'.repeat(LIMITS.nameBytes)}*`)).toBe(false);
  });
});

describe('patterns', () => {
  it.each(['a', 'a.b', 'a.*', 'a/*', 'a.b/*', 'a*', 'a.b*', 'web_*', '*', 'a-*', '_*'])(
    '%s is one',
    (pattern) => {
      expect(isToolPattern(pattern)).toBe(true);
    },
  );

  it.each([
    '',
    '**',
    '*a',
    'a*b',
    '.*',
    '/*',
    'a.*.b',
    'a..*',
    'a./*',
    'a**',
    'a.**',
    '*.a',
    '*.*',
    '*/*',
    'a *',
    'a.*\n',
    '*\0',
    'é*',
    '?',
    'a?',
    '[a]',
    'a.*/*',
  ])('%j is none, and is never skipped', (pattern) => {
    expect(isToolPattern(pattern)).toBe(false);
    // A deny list that dropped a pattern would be open.
    expect(() => compileTools(['a', pattern])).toThrow(TypeError);
    expect(() => matchTool(pattern, 'a')).toThrow(TypeError);
    expect(() => intersectTools(['a'], [pattern])).toThrow(TypeError);
    expect(() => coversTools([pattern], ['a'])).toThrow(TypeError);
  });

  const table: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
    ['a', ['a'], ['A', 'ab', 'a.b', 'a/b', 'b', '']],
    ['a.b', ['a.b'], ['a/b', 'a.b.c', 'a.bc', 'a', 'axb']],
    [
      'a.*',
      ['a.b', 'a.b.c', 'a.b/c'],
      ['a', 'a.', 'a/b', 'ab', 'ab.c', 'A.b', 'x.a.b', 'a..b', 'a.b.', 'a.*', 'a.b\n'],
    ],
    ['a/*', ['a/b', 'a/b/c', 'a/b.c'], ['a', 'a/', 'a.b', 'a//b', 'a/b/', 'ab/c']],
    [
      'web_*',
      ['web_', 'web_search', 'web_-'],
      ['web', 'web_a.b', 'web_/x', 'Web_a', 'xweb_a', 'web_a b', 'web_é'],
    ],
    ['a.b*', ['a.b', 'a.bc'], ['a.b.c', 'a.b/c', 'a.', 'a', 'a/b']],
    ['*', ['a', 'web_search', '-'], ['a.b', 'a/b', '', '*', 'a b', '\0']],
  ];
  it.each(table)('%s', (pattern, yes, no) => {
    const compiled = compileTools([pattern]);
    for (const tool of yes)
      expect([tool, matchTool(pattern, tool), compiled(tool)]).toEqual([tool, true, true]);
    for (const tool of no)
      expect([tool, matchTool(pattern, tool), compiled(tool)]).toEqual([tool, false, false]);
  });

  it('E10 names that mean something to an engine are names', () => {
    const compiled = compileTools(['web_search']);
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'has'])
      expect(compiled(name)).toBe(false);
    expect(compileTools(['__proto__'])('__proto__')).toBe(true);
  });

  it('an empty list names nothing (law L2)', () => {
    expect(compileTools([])('a')).toBe(false);
    expect(intersectTools([], ['a'])).toEqual([]);
    expect(intersectTools(['a'], [])).toEqual([]);
    expect(coversTools([], ['a'])).toBe(false);
    expect(coversTools(['a'], [])).toBe(true);
  });
});

// Few letters, so that patterns meet.
const segment = fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 2 });
const name = fc
  .tuple(segment, fc.array(fc.tuple(fc.constantFrom('.', '/'), segment), { maxLength: 3 }))
  .map(([first, rest]) => first + rest.map((part) => part.join('')).join(''));
const pattern = fc.oneof(
  name,
  name.map((n) => `${n}.*`),
  name.map((n) => `${n}/*`),
  name.map((n) => `${n}*`),
  fc.constant('*'),
);
const list = fc.array(pattern, { maxLength: 5 });
const names = fc.array(name, { minLength: 30, maxLength: 30 });

/** A name of the pattern that no list of a few others is likely to single out. */
const witness = (p: string): string[] =>
  p.endsWith('.*') || p.endsWith('/*')
    ? [`${p.slice(0, -1)}Zq9`, `${p.slice(0, -1)}Zq9/Zq9`, `${p.slice(0, -1)}Zq9.Zq9`]
    : p.endsWith('*')
      ? [`${p.slice(0, -1)}Zq9`]
      : [p];

describe('properties', () => {
  it('compiled and single patterns agree', () => {
    const came = { matched: 0, unmatched: 0 };
    fc.assert(
      fc.property(list, names, (patterns, tools) => {
        const compiled = compileTools(patterns);
        const expected = tools.map((tool) => patterns.some((p) => matchTool(p, tool)));
        for (const matched of expected) came[matched ? 'matched' : 'unmatched']++;
        expect(tools.map(compiled)).toEqual(expected);
        expect(tools.map((tool) => matchesAny(patterns, tool))).toEqual(expected);
      }),
      runs(300),
    );
    for (const [way, times] of Object.entries(came)) expect(times, way).toBeGreaterThan(300);
  });

  it('a name that matches is a name', () => {
    const came = { matched: 0, 'a name, unmatched': 0, 'no name': 0 };
    fc.assert(
      fc.property(list, fc.string({ unit: fc.constantFrom(...'ab_./* \0é') }), (patterns, text) => {
        for (const candidate of [text, ...patterns]) {
          const matched = matchesAny(patterns, candidate);
          came[matched ? 'matched' : isToolName(candidate) ? 'a name, unmatched' : 'no name']++;
          if (compileTools(patterns)(candidate)) expect(isToolName(candidate)).toBe(true);
          if (matched) expect(isToolName(candidate)).toBe(true);
        }
      }),
      runs(1000),
    );
    for (const [way, times] of Object.entries(came)) expect(times, way).toBeGreaterThan(8);
  });

  it('intersection is exactly what both lists name, in patterns, without repetition', () => {
    const came = { nothing: 0, something: 0 };
    fc.assert(
      fc.property(list, list, names, (a, b, tools) => {
        const both = intersectTools(a, b);
        came[both.length === 0 ? 'nothing' : 'something']++;
        expect(both.every(isToolPattern)).toBe(true);
        const [inA, inB, inBoth] = [compileTools(a), compileTools(b), compileTools(both)];
        const more = [...tools, ...a.flatMap(witness), ...b.flatMap(witness)];
        expect(more.filter(inBoth)).toEqual(more.filter((tool) => inA(tool) && inB(tool)));
        for (const [i, p] of both.entries()) {
          const others = both.filter((_, j) => j !== i);
          expect(coversTools(others, [p])).toBe(false);
        }
        expect(coversTools(a, both) && coversTools(b, both)).toBe(true);
        expect([...intersectTools(b, a)].toSorted()).toEqual([...both].toSorted());
      }),
      runs(500),
    );
    for (const [way, times] of Object.entries(came)) expect(times, way).toBeGreaterThan(50);
  });

  it('covering is what names say: a true answer has no exception, a false one has a witness', () => {
    const came = { covered: 0, uncovered: 0 };
    // Two lists that are made apart seldom cover each other.
    const pairs = fc.oneof(
      fc.tuple(list, list),
      fc.tuple(list, list).map(([a, more]) => [[...more, ...a], a] as const),
    );
    fc.assert(
      fc.property(pairs, names, ([a, b], tools) => {
        const [inA, inB] = [compileTools(a), compileTools(b)];
        const candidates = [...tools, ...b.flatMap(witness)];
        const exception = candidates.find((tool) => inB(tool) && !inA(tool));
        // An empty list is covered by any.
        if (b.length > 0) came[exception === undefined ? 'covered' : 'uncovered']++;
        expect(coversTools(a, b)).toBe(exception === undefined);
        expect(coversTools(a, a)).toBe(true);
      }),
      runs(500),
    );
    for (const [way, times] of Object.entries(came)) expect(times, way).toBeGreaterThan(50);
  });
});

describe('data labels', () => {
  it.each(['public', 'internal:research', 'a:b:c', 'customer:acme.com', 'PII', 'a-b_c', 'v1.2'])(
    '%s is one',
    (label) => {
      expect(isLabel(label)).toBe(true);
    },
  );

  it.each(['', ':', 'a:', ':a', 'a::b', 'a b', 'a*', 'a:*', '*', 'é', 'a\n', 'a/b', 'a\0', 'a'.repeat(257)])(
    '%j is none',
    (label) => {
      expect(isLabel(label)).toBe(false);
      expect(matchLabel(label, label)).toBe(false);
    },
  );

  it.each([
    ['internal', 'internal', true],
    ['internal', 'internal:research', true],
    ['internal', 'internal:research:q3', true],
    ['internal:research', 'internal:research:q3', true],
    ['internal', 'internals', false],
    ['internal', 'internals:research', false],
    ['internal', 'internal.research', false],
    ['internal', 'internal-research', false],
    ['internal:research', 'internal', false],
    ['internal:research', 'internal:researchers', false],
    ['internal', 'Internal', false],
    ['internal', 'internal:', false],
    ['internal', 'public:internal', false],
    ['internal:', 'internal:research', false],
    ['', 'internal', false],
  ])('%s covers %s: %s', (scope, label, covered) => {
    expect(matchLabel(scope, label)).toBe(covered);
  });
});

// What a check is charged: the table of SPEC.md section 9, row by row. A second verifier that charges otherwise gives
// another answer for the same call, so each figure here is worked out from the table and not from the code.
import { describe, expect, it } from 'vitest';
import {
  Arguments,
  canonicalJson,
  compileArgs,
  compileConstraint,
  type Check,
  type Constraint,
  type Json,
} from '../src/args/index.ts';
import { alternatives, isTextList, newWork, readTexts, spend } from '../src/args/check.ts';
import { LIMITS } from '../src/limits.ts';

const TOO_LONG = 'must be short enough to be checked';
const json = (value: unknown): Json => {
  const made = Arguments.from({ value });
  if (!Arguments.is(made)) throw new Error(made.message);
  return made.value['value']!;
};
/** Steps that a check takes for a value which it lets pass. */
const taken = (check: Check, value: unknown): number => {
  const work = { left: LIMITS.checkSteps };
  expect(check(json(value), work)).toBe(null);
  return LIMITS.checkSteps - work.left;
};

describe('steps of SPEC.md section 9', () => {
  const rows: readonly (readonly [Constraint, unknown, number])[] = [
    // Texts, numbers, booleans and null cost nothing to compare.
    [{ kind: 'equals', value: 'abc' }, 'abc', 0],
    [{ kind: 'oneOf', values: [1, 'a', null] }, null, 0],
    [{ kind: 'range', min: 1 }, 7, 0],
    // 48, 16 for each object and list, 16 for each name or item; once for all values of oneOf.
    [{ kind: 'equals', value: [] }, [], 48 + 16],
    [{ kind: 'equals', value: {} }, {}, 48 + 16],
    [{ kind: 'equals', value: [1, 2] }, [1, 2], 48 + 3 * 16],
    [{ kind: 'equals', value: { a: 1, b: 'x', c: true } }, { c: true, b: 'x', a: 1 }, 48 + 4 * 16],
    [{ kind: 'equals', value: [[1], { a: [] }] }, [[1], { a: [] }], 48 + 3 * 16 + 2 * 16 + 2 * 16 + 16],
    [{ kind: 'oneOf', values: [[1], [2], { a: 1 }] }, { a: 1 }, 48 + 2 * 16],
    // A text's length in code units; a list's is there to be read.
    [{ kind: 'length', max: 9 }, 'abc😀', 5],
    [{ kind: 'length', max: 9 }, ['abc', 1], 0],
    // Pattern `ab*`: accepting, a, b, the fork of the star.
    [{ kind: 'pattern', pattern: 'ab*' }, 'abb', 768 + 32 * 3 + (32 + 4 + 4) * 4],
    [{ kind: 'pattern', pattern: 'ab*' }, `a${'b'.repeat(62)}`, 768 + 32 * 3 + (32 + 64 + 64) * 4],
    [{ kind: 'pattern', pattern: 'ab*' }, `a${'b'.repeat(99)}`, 768 + 32 * 3 + (32 + 101 + 64) * 4],
    [{ kind: 'subpath', roots: ['/a', '/b'] }, '/b/cd', 16 + 4 * 5 + 4 * 2],
    [{ kind: 'subpath', roots: ['/a'] }, '/a/é', 16 + 64 * 4 + 4],
    [{ kind: 'url', hosts: ['a.b', 'c.d'] }, 'https://a.b/%20', 16 + 4 * 15 + 4 * 2],
    [{ kind: 'url', hosts: ['a.b'], paths: ['/x', '/y'] }, 'https://a.b/x', 16 + 8 * 13 + 4 * 3],
    [{ kind: 'url', hosts: ['a.b'], paths: ['/x'] }, 'https://a.b/x/%41', 16 + 64 * 17 + 4 * 2],
    [{ kind: 'cidr', networks: ['10.0.0.0/8', '::/0'] }, '10.1.2.3', 256 + 8 * 2],
    [{ kind: 'email', domains: ['a.b', 'c.d'] }, 'x@c.d', 4 * (5 + 2)],
    // Four for each item and each constraint, and what these take.
    [{ kind: 'each', constraint: { kind: 'length', max: 9 } }, ['ab', 'c', ''], 4 * 3 + 3],
    [
      { kind: 'all', constraints: [{ kind: 'length', max: 9 }, { kind: 'length', min: 1 }] },
      'abc',
      4 * 2 + 2 * 3,
    ],
  ]; // prettier-ignore
  it.each(rows)('%j of %j', (constraint, value, steps) => {
    const check = compileConstraint(constraint);
    expect(taken(check, value)).toBe(steps);
    // With exactly so many it holds, with one less it does not; what was prepared makes nothing cheaper.
    expect(check(json(value), { left: steps })).toBe(null);
    if (steps > 0) expect(check(json(value), { left: steps - 1 })).toBe(TOO_LONG);
    expect(taken(check, value)).toBe(steps);
  });

  it('an e-mail address is charged for 256 code units at most', () => {
    const check = compileConstraint({ kind: 'email', domains: ['a.b'] });
    for (const [length, steps] of [[255, 4 * 256], [256, 4 * 257], [257, 4 * 257], [9999, 4 * 257]]) {
      const work = { left: LIMITS.checkSteps };
      expect(check(`${'x'.repeat(length! - 4)}@a.b`, work)).toMatch(/^must be one bare/);
      expect(LIMITS.checkSteps - work.left).toBe(steps);
    }
  }); // prettier-ignore

  it('four for each argument that a caveat names, there or not', () => {
    const rules = new Map<string, Constraint>([
      ['a', { kind: 'length', max: 9 }],
      ['b', { kind: 'absent' }],
      ['c', { kind: 'range', min: 1 }],
    ]);
    const check = compileArgs(rules, true);
    const work = { left: LIMITS.checkSteps };
    expect(check({ a: 'xyz', c: 2 }, work)).toBe(null);
    expect(LIMITS.checkSteps - work.left).toBe(3 * 4 + 3);
    expect(check({ a: 'xyz', c: 2 }, { left: 15 })).toBe(null);
    expect(check({ a: 'xyz', c: 2 }, { left: 14 })).toBe(`"c" ${TOO_LONG}`);
    expect(check({ a: 'xyz', c: 2 }, { left: 6 })).toBe(`"a" ${TOO_LONG}`);
    expect(check({ a: 'xyz', c: 2 }, { left: 3 })).toBe(`"a" ${TOO_LONG}`);
  });

  it('items and members are charged before any of them is looked at', () => {
    const each = compileConstraint({ kind: 'each', constraint: { kind: 'range', max: 5 } });
    expect(each([9, 9, 9], { left: 11 })).toBe(TOO_LONG);
    expect(each([9, 9, 9], { left: 12 })).toMatch(/^must be a list/);
    const all = compileConstraint({
      kind: 'all',
      constraints: [
        { kind: 'range', max: 5 },
        { kind: 'range', min: 1 },
      ],
    });
    expect(all(9, { left: 7 })).toBe(TOO_LONG);
    expect(all(9, { left: 8 })).toBe('must be a number at most 5');
  });

  it('what runs out of steps below a list says so', () => {
    const each = compileConstraint({ kind: 'each', constraint: { kind: 'length', max: 5 } });
    expect(each(['abc', 'abc'], { left: 13 })).toBe(TOO_LONG);
    expect(each(['abc', 'abcdef'], { left: 20 })).toBe('must be a list whose every item must have a length at most 5');
  }); // prettier-ignore
});

describe('a value whose canonical text is longer than 1024 bytes', () => {
  const repeated = <T>(n: number, item: T): T[] => Array.from({ length: n }, () => item);
  /** 145 names of two letters, each for a digit, and one more. */
  const object = (last: string): unknown =>
    Object.fromEntries([
      ...repeated(145, 1).map((one, i) => [String.fromCharCode(97 + Math.floor(i / 26), 97 + (i % 26)), one]),
      [last, 1],
    ]);

  it.each<[string, unknown, unknown]>([
    ['digits and a text', [...repeated(510, 1), ''], [...repeated(510, 1), 'x']],
    ['texts without characters', repeated(341, ''), repeated(342, '')],
    ['one text', ['x'.repeat(1020)], ['x'.repeat(1021)]],
    ['names', object('zzz'), object('zzzz')],
    ['one name', { ['n'.repeat(1018)]: 1 }, { ['n'.repeat(1019)]: 1 }],
    ['lists', repeated(341, []), repeated(342, [])],
    ['objects', repeated(341, {}), repeated(342, {})],
  ])('is no value of a token, and one of 1024 is: %s', (_, most, more) => {
    const [value, longer] = [json(most), json(more)];
    expect(canonicalJson(value)).toHaveLength(1024);
    expect(compileConstraint({ kind: 'equals', value })(json(most))).toBe(null);
    expect(compileConstraint({ kind: 'equals', value })(longer)).toMatch(/^must be/);
    expect(compileConstraint({ kind: 'oneOf', values: [[], value] })(json(most))).toBe(null);
    expect(compileConstraint({ kind: 'oneOf', values: [[], value] })(longer)).toMatch(/^must be/);
    expect(() => compileConstraint({ kind: 'equals', value: longer })).toThrow(TypeError);
  });

  it('is not looked through to its end: neither its items nor its names are charged one by one', () => {
    const charged = (value: unknown): number => {
      const work = { left: LIMITS.checkSteps };
      expect(compileConstraint({ kind: 'equals', value: [1] })(json(value), work)).not.toBe(null);
      return LIMITS.checkSteps - work.left;
    };
    const item = repeated(9, 1);
    // Of 500 lists of nine the first fifty or so outgrow every value of a token.
    expect(charged(repeated(500, item))).toBeLessThan(48 + 16 * 501 + 60 * 160);
    // A list of texts ends at the first that is too long, wherever the short ones are.
    expect(charged([['x'.repeat(1100)], ...repeated(100, [])])).toBe(48 + 16 * 102 + 16 * 2);
    expect(charged([{ ['x'.repeat(1100)]: 1 }, [], []])).toBe(48 + 16 * 4 + 16 * 2);
    expect(charged({ a: ['x'.repeat(1100)], b: [], c: [] })).toBe(48 + 16 * 4 + 16 * 2);
    // Each list of one takes three of the room for 1024 bytes, each object of one seven; the one that finds none is charged.
    expect(charged(repeated(300, [1]))).toBe(48 + 16 * 301 + 32 * 242);
    expect(charged(repeated(200, { a: 1 }))).toBe(48 + 16 * 201 + 32 * 118);
    expect(charged([...repeated(342, ''), []])).toBe(48 + 16 * 344);
    expect(charged(['x'.repeat(1016), [], [], []])).toBe(48 + 16 * 5 + 16 * 2);
    // A list that is itself too long: its items are not looked into.
    expect(charged(repeated(1100, [1]))).toBe(48 + 16 * 1101);
    expect(charged(Object.fromEntries(repeated(300, [1]).map((list, i) => [`a${i}`, list])))).toBe(48 + 16 * 301);
  }); // prettier-ignore

  it('that would take more steps than are left ends there', () => {
    const check = compileConstraint({ kind: 'equals', value: [1] });
    expect(check([1], { left: 79 })).toBe(TOO_LONG);
    expect(check([1], { left: 80 })).toBe(null);
    expect(check([[[[1]]]], { left: 48 + 16 })).toBe(TOO_LONG);
    const oneOf = compileConstraint({ kind: 'oneOf', values: [[1]] });
    expect(oneOf([1], { left: 79 })).toBe(TOO_LONG);
    expect(oneOf([1], { left: 80 })).toBe(null);
  });
});

describe('the parts of a check', () => {
  it('steps are taken off what is left, or off those of one call', () => {
    expect(newWork()).toEqual({ left: LIMITS.checkSteps });
    expect(spend(undefined, LIMITS.checkSteps)).toBe(true);
    expect(spend(undefined, LIMITS.checkSteps + 1)).toBe(false);
    const work = { left: 5 };
    expect([spend(work, 2), work.left, spend(work, 3), work.left]).toEqual([true, 3, true, 0]);
    expect([spend(work, 1), work.left]).toEqual([false, -1]);
  });

  it('a list of texts has one to LIMITS.listItems, each of LIMITS.textBytes at most', () => {
    const any = (): boolean => true;
    const list = (n: number): string[] => Array.from({ length: n }, () => 'a');
    expect([[], list(1), list(LIMITS.listItems), list(LIMITS.listItems + 1)].map((l) => isTextList(l, any))).toEqual([false, true, true, false]);
    expect(isTextList(['é'.repeat(LIMITS.textBytes / 2)], any)).toBe(true);
    expect(isTextList([`${'é'.repeat(LIMITS.textBytes / 2)}a`], any)).toBe(false);
    expect(isTextList(['a', 'b'], (text) => text === 'a')).toBe(false);
    for (const other of ['a', [1], ['a', 1], [['a']], null, { 0: 'a', length: 1 }]) expect(isTextList(other, any)).toBe(false);
  }); // prettier-ignore

  it('operands that are all texts are a frozen list', () => {
    expect(readTexts(['a', ''])).toEqual(['a', '']);
    expect(readTexts([])).toEqual([]);
    expect(Object.isFrozen(readTexts(['a']))).toBe(true);
    for (const other of [1, null, ['a']]) expect(readTexts(['a', other])).toBe(null);
  });

  it('alternatives are named up to the fourth', () => {
    const said = [0, 1, 2, 3, 4, 5, 7].map((n) => alternatives('abcdefg'.slice(0, n).split('').filter(Boolean)));
    expect(said).toEqual([
      '',
      'a',
      'a or b',
      'a, b or c',
      'a, b, c or d',
      'a, b, c, d or one of 1 more',
      'a, b, c, d or one of 3 more',
    ]);
    expect(alternatives([1, 2], (n) => 'x'.repeat(63 + n))).toBe(`${'x'.repeat(64)} or ${'x'.repeat(64)}...`);
  }); // prettier-ignore
});

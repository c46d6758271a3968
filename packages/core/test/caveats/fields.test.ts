// Each kind of caveat, field by field: what is written is read back, what can't be read is not written, a body of
// another shape is malformed, and what it says for people.
import { describe, expect, it } from 'vitest';
import {
  caveatWords,
  encodeCbor,
  restrict,
  type Caveat,
  type Cbor,
  type Restriction,
} from '../../src/index.ts';
import { MALFORMED, Reader } from '../../src/cbor/index.ts';
import { CAVEATS, encodeCaveat, isRestriction, kindOf, readCaveat } from '../../src/caveats/index.ts';
import { isMethod, isPathPattern, isPlainPath, matchPath, pathOf } from '../../src/caveats/http-path.ts';

const bytes = (n: number, of = 7): Uint8Array => new Uint8Array(n).fill(of);
const read = (value: Cbor | Uint8Array): Caveat | 'malformed' => {
  try {
    return readCaveat(new Reader(value instanceof Uint8Array ? value : encodeCbor(value)));
  } catch (error) {
    if (error === MALFORMED) return 'malformed';
    throw error;
  }
};
const TIMES = { plain: (t: number): string => `T${t}`, fromNow: (t: number): string => `${t} from now` };
const many = (n: number): string[] => Array.from({ length: n }, (_, i) => `t${i}`);

const fields = encodeCbor([bytes(32, 1), 'helper', 5, bytes(16, 2)]);
const delegation: Caveat = {
  type: 'delegate',
  to: bytes(32, 1),
  label: 'helper',
  time: 5,
  nonce: bytes(16, 2),
  fields,
  signature: bytes(64, 3),
};

/** Caveat, its wire form, its words. */
const ALL: readonly (readonly [Caveat, Cbor, string])[] = [
  [restrict.expires(9), [1, [null, 9]], 'expires T9 (9 from now)'],
  [restrict.notBefore(0), [1, [0, null]], 'not before T0 (0 from now)'],
  [{ type: 'time', notBefore: 1, expires: 9 }, [1, [1, 9]], 'not before T1 (1 from now), expires T9 (9 from now)'],
  [restrict.audience('a', 'b'), [2, ['a', 'b']], 'only at a, b'],
  [restrict.audience(), [2, []], 'only at no service'],
  [restrict.tools('a', 'b.*'), [3, ['a', 'b.*']], 'only a, b.*'],
  [restrict.tools(), [3, []], 'only no tool'],
  [restrict.tools(...many(256)), [3, many(256)], `only ${many(256).join(', ')}`],
  [restrict.deny('a'), [4, ['a']], 'never a'],
  [restrict.args(['a', 'b'], { x: { kind: 'absent' } }), [5, [['a', 'b'], new Map([['x', [11]]]), false]], 'for a, b: x must be left out'],
  [restrict.args(['a'], {}, { closed: true }), [5, [['a'], new Map(), true]], 'for a: no other argument'],
  [restrict.data('public'), [6, ['public']], 'only data under public'],
  [restrict.data(), [6, []], 'only data under no label'],
  [restrict.calls(5), [7, [[1, 5, 0, null, null, null]]], 'at most 5 calls'],
  [restrict.externalCalls(5), [7, [[2, 5, 0, null, null, null]]], 'at most 5 external calls'],
  [restrict.sum('n', 5, ['pay']), [7, [[4, 5, 0, 'n', null, ['pay']]]], 'at most 5 of n for pay'],
  [restrict.budget(), [7, []], 'nothing to spend'],
  [restrict.depth(1), [8, 1], 'at most 1 delegation follows'],
  [restrict.depth(0), [8, 0], 'at most 0 delegations follow'],
  [delegation, [9, [fields, bytes(64, 3)]], 'to "helper" at T5, as its delegator claims'],
  [{ type: 'seal', key: bytes(32, 1), signature: bytes(64, 3) }, [10, [bytes(32, 1), bytes(64, 3)]], expect.stringContaining("by the issuer's key ambpub_issuer_") as string],
  [restrict.http(['GET', 'PUT'], ['/a', '/b/*']), [11, [['GET', 'PUT'], ['/a', '/b/*']]], 'only GET, PUT on /a, /b/*'],
  [restrict.http([], []), [11, [[], []]], 'only no method on no path'],
  [restrict.net('10.0.0.0/8'), [12, ['10.0.0.0/8']], 'only from 10.0.0.0/8'],
  [restrict.net(), [12, []], 'only from no network'],
  [restrict.once(), [13, null], 'one use in all'],
  [restrict.note('why "so"'), [14, 'why "so"'], '"why \\"so\\""'],
  [restrict.flow('refuse', 'a'), [15, [['a'], 1]], 'after untrusted content: refuse a'],
  [restrict.flow('named', 'a'), [15, [['a'], 2]], 'after untrusted content: only named destinations for a'],
  [restrict.flow('approval', 'a', 'b'), [15, [['a', 'b'], 3]], 'after untrusted content: approval for a, b'],
]; // prettier-ignore

describe('a caveat', () => {
  it('of every kind has rows here', () => {
    expect([...new Set(ALL.map(([c]) => c.type))].toSorted()).toEqual(CAVEATS.map((k) => k.type).toSorted());
  });

  it.each(ALL.map(([c, wire, words]) => [c.type, c, wire, words] as const))(
    '%s is written, read back and said',
    (_, c, wire, words) => {
      expect(encodeCaveat(c)).toEqual(encodeCbor(wire));
      expect(read(wire)).toEqual(c);
      expect(caveatWords(c, TIMES)).toEqual(words);
      expect(isRestriction(c)).toBe(c.type !== 'seal' && c.type !== 'delegate');
      // One number more, one field more, one byte more.
      expect(read([...(wire as Cbor[]), 0])).toBe('malformed');
      expect(read(Uint8Array.of(...encodeCbor(wire), 0))).toBe('malformed');
      expect(read([(wire as Cbor[])[0]!])).toBe('malformed');
    },
  );

  it.each<readonly [string, Cbor]>([
    ['time: neither', [1, [null, null]]], ['time: one', [1, [5]]], ['time: negative', [1, [-1, null]]], ['time: text', [1, ['5', null]]], ['time: three', [1, [1, 2, 3]]],
    ['audience: no name', [2, ['']]], ['audience: no list', [2, 'a']], ['tools: no pattern', [3, ['a b']]], ['tools: number', [3, [5]]], ['tools: many', [3, many(257)]],
    ['deny: none', [4, []]], ['deny: no pattern', [4, ['..']]],
    ['args: nothing asked', [5, [['a'], new Map(), false]]], ['args: no tools', [5, [[], new Map([['x', [11]]]), false]]],
    ['args: closed by a number', [5, [['a'], new Map([['x', [11]]]), 1]]], ['args: two fields', [5, [['a'], new Map([['x', [11]]])]]], ['args: a list', [5, [['a'], [], true]]],
    ['args: no name', [5, [['a'], new Map([['', [11]]]), false]]], ['args: a number for a name', [5, [['a'], new Map([[5, [11]]]), false]]],
    ['args: closed by nothing', [5, [['a'], new Map([['x', [11]]]), null]]],
    ['args: no constraint', [5, [['a'], new Map([['x', [99]]]), false]]], ['args: many', [5, [['a'], new Map(many(257).map((n) => [n, [11]])), false]]],
    ['data: no label', [6, ['a b']]], ['budget: a pool', [7, [[1, 5, 0, null, 'p', null]]]], ['budget: no list', [7, null]],
    ['budget: many', [7, Array.from({ length: 17 }, () => [1, 5, 0, null, null, null])]],
    ['depth: negative', [8, -1]], ['depth: nothing', [8, null]],
    ['delegate: a short signature', [9, [fields, bytes(63)]]], ['delegate: no bytes', [9, ['x', bytes(64)]]], ['delegate: three', [9, [fields, bytes(64), 0]]],
    ['delegate: a short key', [9, [encodeCbor([bytes(31), 'h', 5, bytes(16)]), bytes(64)]]], ['delegate: no label', [9, [encodeCbor([bytes(32), '', 5, bytes(16)]), bytes(64)]]],
    ['delegate: a short nonce', [9, [encodeCbor([bytes(32), 'h', 5, bytes(15)]), bytes(64)]]], ['delegate: five', [9, [encodeCbor([bytes(32), 'h', 5, bytes(16), 0]), bytes(64)]]],
    ['delegate: a byte more', [9, [Uint8Array.of(...fields, 0), bytes(64)]]],
    ['seal: a short key', [10, [bytes(31), bytes(64)]]], ['seal: a long signature', [10, [bytes(32), bytes(65)]]], ['seal: one', [10, [bytes(32)]]],
    ['http: a method in lower case', [11, [['get'], ['/a']]]], ['http: a path without a slash', [11, [['GET'], ['a']]]], ['http: one list', [11, [['GET']]]], ['http: three', [11, [['GET'], ['/a'], []]]],
    ['net: a name', [12, ['localhost']]], ['net: host bits', [12, ['10.0.0.1/8']]], ['once: something', [13, 0]], ['once: false', [13, false]],
    ['note: none', [14, '']], ['note: a line feed', [14, 'a\nb']], ['note: bytes', [14, bytes(3)]],
    ['flow: no tools', [15, [[], 1]]], ['flow: rule 0', [15, [['a'], 0]]], ['flow: rule 4', [15, [['a'], 4]]], ['flow: one', [15, [['a']]]],
    ['number 0', [0, null]], ['the next number', [CAVEATS.at(-1)!.number + 1, null]], ['no number', ['time', null]], ['no list', 5],
  ])('E11 is malformed: %s', (_, wire) => {
    expect(read(wire)).toBe('malformed');
  }); // prettier-ignore

  it.each<readonly [string, unknown]>([
    ['time: expected not-before or expires', { type: 'time' }],
    ['expires: expected a whole number', restrict.expires(0.5)],
    ['expires: expected a whole number', restrict.expires(-1)],
    ['not before: expected a whole number', restrict.notBefore(Number.NaN)],
    ['audience: expected at most 256', restrict.audience('')],
    ['tools: expected at most 256', restrict.tools('a b')],
    ['tools: expected at most 256', restrict.tools(...many(257))],
    ['deny: expected one or more', restrict.deny()],
    ['deny: expected at most 256', restrict.deny('..')],
    ['args: expected argument names', restrict.args(['a'], { '': { kind: 'absent' } })],
    ['args: expected a constraint, or closed', restrict.args(['a'], {})],
    [
      'args closed: expected true or false',
      restrict.args(['a'], { x: { kind: 'absent' } }, { closed: 1 as never }),
    ],
    ['args tools: expected one or more', restrict.args([], { x: { kind: 'absent' } })],
    [
      'args: expected at most 256',
      restrict.args(['a'], Object.fromEntries(many(257).map((n) => [n, { kind: 'absent' as const }]))),
    ],
    ['data: expected at most 256', restrict.data('a b')],
    [
      'budget: at most 16 entries',
      restrict.budget(...Array.from({ length: 17 }, () => ({ unit: 'calls' as const, limit: 1 }))),
    ],
    ['budget pool: a name, and only in a grant', restrict.budget({ unit: 'calls', limit: 1, pool: 'p' })],
    ['depth: expected a whole number', restrict.depth(-1)],
    ['http methods: expected at most 256', restrict.http(['get'], ['/a'])],
    ['http paths: expected at most 256', restrict.http(['GET'], ['a'])],
    ['net: expected at most 256', restrict.net('10.0.0.1/8')],
    ['note: expected 1 to 1024', restrict.note('')],
    ['flow tools: expected one or more', restrict.flow('refuse')],
    ['flow: expected refuse, named or approval', restrict.flow('block' as never, 'a')],
    ['caveat: expected a known type', { type: 'nothing' }],
  ])('is not written: %s', (message, c) => {
    expect(() => encodeCaveat(c as Restriction)).toThrow(message);
  });

  it('args: closed only when it is said, 256 arguments at most', () => {
    const x = { x: { kind: 'absent' } } as const;
    expect([
      restrict.args(['a'], x),
      restrict.args(['a'], x, {}),
      restrict.args(['a'], x, { closed: false }),
    ]).toEqual(
      [1, 2, 3].map(() => ({ type: 'args', tools: ['a'], args: new Map(Object.entries(x)), closed: false })),
    );
    expect(restrict.args(['a'], x, { closed: true }).closed).toBe(true);
    expect(restrict.args(['a'], x, Object.create({ closed: true }) as object).closed).toBe(false);
    const most = restrict.args(
      ['a'],
      Object.fromEntries(many(256).map((n) => [n, { kind: 'absent' as const }])),
    );
    expect(read(encodeCaveat(most))).toEqual(most);
  });

  it('budget: by rate, by cost, of 16 entries at most', () => {
    const made = [restrict.rate(5, 60), restrict.cost('microusd', 9)];
    expect(made.map((c) => c.budgets)).toEqual([
      [{ unit: 'calls', limit: 5, window: 60, sliding: true }],
      [{ unit: 'cost', argument: 'microusd', limit: 9 }],
    ]);
    expect(made.map(encodeCaveat)).toEqual([
      encodeCbor([7, [[1, 5, -60, null, null, null]]]),
      encodeCbor([7, [[5, 9, 0, 'microusd', null, null]]]),
    ]);
    const most = restrict.budget(...Array.from({ length: 16 }, () => ({ unit: 'calls' as const, limit: 1 })));
    expect(read(encodeCaveat(most))).toMatchObject({ budgets: most.budgets });
  });

  // What authorities are compared by (`diff`, `authority`): one text for each limit, and why nothing is left.
  it.each<readonly [Restriction, number, boolean]>([
    [restrict.expires(9), 0, false],
    [restrict.audience(), 0, false],
    [restrict.tools(), 0, false],
    [restrict.deny('a'), 0, false],
    [restrict.args(['a'], { x: { kind: 'absent' }, y: { kind: 'absent' } }, { closed: true }), 3, false],
    [restrict.args(['a'], { x: { kind: 'absent' } }), 1, false],
    [restrict.data(), 0, false],
    [restrict.budget(), 0, true],
    [restrict.calls(0), 0, false],
    [restrict.depth(0), 0, false],
    [restrict.http(['GET'], ['/a']), 1, false],
    [restrict.http([], ['/a']), 1, true],
    [restrict.http(['GET'], []), 1, true],
    [restrict.net('10.0.0.0/8'), 1, false],
    [restrict.net(), 1, true],
    [restrict.once(), 1, false],
    [restrict.note('n'), 0, false],
    [restrict.flow('refuse', 'a'), 1, false],
  ])('%j has so many limits, and leaves nothing or not', (c, n, nothing) => {
    const kind = kindOf(c);
    if (!kind.mayAppend) throw new Error('test');
    const limits = kind.limits(c);
    expect(limits).toHaveLength(n);
    if (!nothing) for (const limit of limits) expect(limit).toMatch(/\w/);
    expect((kind.empty?.(c) ?? null) !== null).toBe(nothing);
    if (c.type === 'args') for (const limit of limits) expect(limit).toContain('a: ');
  });

  it('of an unknown type never counts as holding', () => {
    expect(() => kindOf({ type: 'nothing' } as unknown as Caveat)).toThrow('caveat: unknown type');
    expect(isRestriction({ type: 'nothing' } as unknown as Caveat)).toBe(false);
    expect(Object.isFrozen(restrict)).toBe(true);
    expect(Object.keys(restrict)).not.toContain('seal');
  });
});

describe('methods and paths', () => {
  it('are matched as they stand', () => {
    for (const m of ['GET', 'A', 'A'.repeat(32)]) expect(isMethod(m), m).toBe(true);
    for (const m of ['', 'get', 'G T', 'GET\n', '1', 'A'.repeat(33)]) expect(isMethod(m), m).toBe(false);
    const plain = [
      '/',
      '/a',
      '/a/',
      '/a/b',
      '/a%20b',
      '/a;b=c',
      "/-._~!$&'()*+,;=:@",
      `/${'a'.repeat(1023)}`,
    ];
    for (const p of plain) expect(isPlainPath(p), p).toBe(true);
    const other = [
      '',
      'a',
      '//',
      '/a//b',
      '/.',
      '/..',
      '/a/..',
      '/a/./b',
      '/a/../b',
      '/%2e',
      '/a%2E',
      '/a b',
      '/a?b',
      '/a#b',
      '/a%2',
      '/a%zz',
      `/${'a'.repeat(1024)}`,
    ];
    for (const p of other) expect(isPlainPath(p), p).toBe(false);
    for (const p of ['/*', '/a/*', '/a', '/', `/${'a'.repeat(1021)}/*`])
      expect(isPathPattern(p), p).toBe(true);
    for (const p of [`/${'a'.repeat(1022)}/*`, `/${'a'.repeat(1024)}`])
      expect(isPathPattern(p), p).toBe(false);
    for (const p of ['*', '/a*', '/*/a', '/a/**', '', '/a/*/*', '/../*'])
      expect(isPathPattern(p), p).toBe(false);
    for (const [pattern, path, ok] of [['/a', '/a', true], ['/a', '/a/', false], ['/a', '/ab', false], ['/a/*', '/a/b', true], ['/a/*', '/a/b/c', true],
      ['/a/*', '/a/', false], ['/a/*', '/a', false], ['/a/*', '/ab/c', false], ['/*', '/a', true], ['/*', '/', false]] as const)
      expect(matchPath(pattern, path), `${pattern} ${path}`).toBe(ok); // prettier-ignore
    expect(['/a', '/a?b', '/a?b?c', '/?'].map(pathOf)).toEqual(['/a', '/a', '/a', '/']);
  });
});

// Entries of the list and the index over them (`revocations.ts`), without a store.
import { AmbitError, type RevocationSubject } from '@ambit/core';
import { describe, expect, test } from 'vitest';
import { type Revocation, type RevocationInput, type RevocationKind } from '../src/index.ts';
import {
  checkRevocation,
  nameKey,
  namesOf,
  revocationOf,
  RevocationView,
  storeRevoker,
} from '../src/revocations.ts';
import { hex, id, NOW } from '../src/testing/make.ts';

const DIGEST = id('d');
const GLOBAL: readonly RevocationKind[] = ['node', 'model', 'holder'];
const valueOf = (kind: RevocationKind): string =>
  kind === 'token' ? hex('t') : GLOBAL.includes(kind) ? DIGEST : 'a name';
const KINDS = ['token', 'node', 'session', 'user', 'operator', 'model', 'holder', 'key'] as const;
const input = (kind: RevocationKind, more: Partial<RevocationInput> = {}): RevocationInput => ({
  kind,
  value: valueOf(kind),
  reason: 'lost',
  ...(GLOBAL.includes(kind) ? {} : { issuer: 'acme' }),
  ...more,
});

describe('an entry', () => {
  test.each(KINDS)('of kind %s is copied as it is and frozen, with an end or without one', (kind) => {
    const given = { ...input(kind), other: 1 };
    const checked = checkRevocation(given);
    expect(checked).toEqual(input(kind));
    expect(Object.keys(checked).toSorted()).toEqual(Object.keys(input(kind)).toSorted());
    expect(Object.isFrozen(checked)).toBe(true);
    expect(checkRevocation(input(kind, { expires: NOW }))).toEqual({ ...input(kind), expires: NOW });
  });

  test.each<[string, unknown]>([
    ['another kind', input('all' as RevocationKind, { issuer: 'acme' })],
    ...KINDS.map((kind): [string, unknown] => {
      const { issuer: _, ...none } = input(kind);
      const other = GLOBAL.includes(kind) ? { ...none, issuer: 'acme' } : none;
      return [`${kind}, whose issuer is ${GLOBAL.includes(kind) ? 'there' : 'missing'}`, other];
    }),
    ['an empty value', input('user', { value: '' })],
    ['a value of 257 characters', input('user', { value: 'a'.repeat(257) })],
    ...['\0', '\u001f', '\u007f', '\n'].map((char): [string, unknown] => [
      `a value with ${JSON.stringify(char)}`,
      input('user', { value: `a${char}b` }),
    ]),
    ['a value that begins with a control character', input('user', { value: '\na' })],
    ['a value that ends with one', input('user', { value: 'a\n' })],
    ...['\ud800', '\udfff', 'a\udc00b'].map((value): [string, unknown] => [
      `a value with half a character ${JSON.stringify(value)}`,
      input('user', { value }),
    ]),
    ['an issuer that ends within a character', input('user', { issuer: 'acme\ud83d' })],
    ...[12_345, null, true, ['x'], { toString: () => 'x' }].flatMap((wrong): [string, unknown][] => [
      [`a value that is no text: ${JSON.stringify(wrong)}`, input('user', { value: wrong as string })],
      [`an issuer that is no text: ${JSON.stringify(wrong)}`, input('user', { issuer: wrong as string })],
    ]),
    ['an empty issuer', input('user', { issuer: '' })],
    ['an issuer with a control character', input('user', { issuer: 'a\0' })],
    ['an issuer of 257 characters', input('user', { issuer: 'a'.repeat(257) })],
    ...[
      hex('t').toUpperCase(),
      hex('t') + '0',
      `0${hex('t')}`,
      hex('t').slice(1),
      `g${hex('t').slice(1)}`,
    ].map((value): [string, unknown] => [`a token ${value}`, input('token', { value })]),
    ...GLOBAL.flatMap((kind) =>
      [DIGEST.slice(1), `${DIGEST}A`, `=${DIGEST}`, `${DIGEST}=`, `=${DIGEST.slice(1)}`].map(
        (value): [string, unknown] => [`a ${kind} ${value}`, input(kind, { value })],
      ),
    ),
    ['a reason that is no text', input('user', { reason: ['x'] as unknown as string })],
    ['a reason of 1,025 characters', input('user', { reason: 'x'.repeat(1025) })],
    ['an end that is not whole', input('user', { expires: 1.5 })],
    ['an end that is no number', input('user', { expires: '5' as unknown as number })],
  ])('%s is refused as such', (_what, wrong) => {
    let thrown: unknown;
    try {
      checkRevocation(wrong as RevocationInput);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AmbitError);
    expect(thrown).toMatchObject({ code: 'input_invalid' });
  });

  test('at its bounds is taken: 256 characters, one of them beyond the first plane, and a reason of 1,024', () => {
    for (const value of ['a', 'a'.repeat(256), '\u{1f511}'.repeat(256), ' ', '\u0080'])
      expect(checkRevocation(input('user', { value, issuer: value }))).toMatchObject({
        value,
        issuer: value,
      });
    const reason = 'x'.repeat(1024);
    expect(checkRevocation(input('user', { reason, expires: 0 }))).toMatchObject({ reason, expires: 0 });
    expect(checkRevocation(input('user', { reason: '' }))).toMatchObject({ reason: '' });
  });

  test('has a reason without halves of characters, which one reader of JSON or another refuses', () => {
    for (const [reason, kept] of [
      ['\ud83d', '\ufffd'],
      ['a\ude00 \u{1f600}', 'a\ufffd \u{1f600}'],
    ] as const)
      expect(checkRevocation(input('user', { reason }))).toMatchObject({ reason: kept });
  });

  test('says in its refusal whether an issuer is missing or too much', () => {
    const { issuer: _, ...none } = input('user');
    expect(() => checkRevocation(none)).toThrow('user needs issuer');
    expect(() => checkRevocation(input('node', { issuer: 'acme' }))).toThrow('node has no issuer');
  });

  test('is a row, and a row is it', () => {
    const full = revocationOf(7, ['user', 'acme', 'a', 'lost', NOW, NOW + 1]);
    expect(full).toEqual({ ...input('user', { value: 'a', expires: NOW + 1 }), seq: 7, time: NOW });
    expect(Object.isFrozen(full)).toBe(true);
    const bare = revocationOf(8, ['node', null, DIGEST, '', NOW, null]);
    expect(Object.keys(bare).toSorted()).toEqual(['kind', 'reason', 'seq', 'time', 'value']);
  });
});

const SUBJECT: RevocationSubject = {
  issuer: 'acme',
  token: hex('t'),
  key: 'k1',
  operator: 'op',
  model: id('m'),
  session: 's',
  user: 'u',
  nodes: [id('n1'), id('n2')],
  holders: [id('h1'), id('h2')],
};
const NAMES: readonly (readonly [RevocationKind, string])[] = [
  ['token', hex('t')],
  ['node', id('n1')],
  ['node', id('n2')],
  ['session', 's'],
  ['user', 'u'],
  ['operator', 'op'],
  ['model', id('m')],
  ['holder', id('h1')],
  ['holder', id('h2')],
  ['key', 'k1'],
];
const entry = (
  seq: number,
  kind: RevocationKind,
  value: string,
  more: Partial<Revocation> = {},
): Revocation => ({
  ...input(kind, { value }),
  seq,
  time: NOW,
  ...more,
});

describe("a token's names", () => {
  test('are its own, with the issuer where they belong to one', () => {
    expect(namesOf(SUBJECT)).toEqual(
      NAMES.map(([kind, value]) => [kind, GLOBAL.includes(kind) ? undefined : 'acme', value]),
    );
  });

  test('are none where it has none: what is absent or empty is not asked about', () => {
    const bare: RevocationSubject = { issuer: 'acme', token: hex('t'), key: '', nodes: [], holders: [''] };
    expect(namesOf(bare)).toEqual([['token', 'acme', hex('t')]]);
  });

  test('are told apart as texts', () => {
    const keys = [
      nameKey(['user', 'acme', 'a']),
      nameKey(['session', 'acme', 'a']),
      nameKey(['user', 'acm', 'ea']),
      nameKey(['node', undefined, 'a']),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(keys[3]).toBe('node\0\0a');
  });
});

describe('an index', () => {
  const found = (view: RevocationView, subject: RevocationSubject = SUBJECT): number | undefined =>
    view.find(subject)?.seq;

  test.each(NAMES)('finds a token by its %s %s, and no other', (kind, value) => {
    const view = new RevocationView();
    expect(found(view)).toBe(undefined);
    view.take([
      entry(1, kind, kind === 'token' ? hex('other') : GLOBAL.includes(kind) ? id('other') : 'other'),
    ]);
    expect(found(view)).toBe(undefined);
    view.take([entry(2, kind, value)]);
    expect(found(view)).toBe(2);
    const global = GLOBAL.includes(kind);
    expect(found(view, { ...SUBJECT, issuer: 'other' })).toBe(global ? 2 : undefined);
  });

  test('finds nothing by a name that the token has not, nor by one of another kind', () => {
    const view = new RevocationView();
    view.take([entry(1, 'user', 'undefined'), entry(2, 'model', id('x')), entry(3, 'session', 'u')]);
    const { user: _, model: __, ...bare } = SUBJECT;
    expect([found(view, bare), found(view)]).toEqual([undefined, undefined]);
    view.take([entry(4, 'key', 'k1')]);
    expect(found(view, bare)).toBe(4);
  });

  test('says what was new to it, in order, and knows the highest number', () => {
    const view = new RevocationView();
    const seqs = (entries: readonly Revocation[]): number[] => view.take(entries).map(({ seq }) => seq);
    expect(view.cursor).toBe(0);
    expect(seqs([entry(5, 'user', 'a'), entry(3, 'user', 'b')])).toEqual([5, 3]);
    expect(view.cursor).toBe(5);
    expect(seqs([entry(5, 'user', 'a'), entry(4, 'user', 'a')])).toEqual([]);
    expect(seqs([entry(6, 'user', 'a')])).toEqual([6]);
    expect([view.cursor, view.size]).toEqual([6, 2]);
    view.take([entry(7, 'session', 'a')]);
    expect(view.size).toBe(3);
  });

  test('keeps of two entries of a name the one that ends last', () => {
    const ends = (...expires: (number | undefined)[]): number | undefined => {
      const view = new RevocationView();
      view.take(expires.map((at, i) => entry(i + 1, 'user', 'u', at === undefined ? {} : { expires: at })));
      return found(view);
    };
    expect(ends(NOW, NOW + 1)).toBe(2);
    expect(ends(NOW + 1, NOW)).toBe(1);
    expect(ends(NOW, NOW)).toBe(1);
    expect(ends(undefined, NOW)).toBe(1);
    expect(ends(NOW, undefined)).toBe(2);
    expect(ends(undefined, undefined)).toBe(1);
  });

  test('drops what has ended, and forgets up to a number', () => {
    const view = new RevocationView();
    view.take([
      entry(1, 'user', 'a', { expires: NOW }),
      entry(2, 'session', 'b', { expires: NOW + 1 }),
      entry(3, 'user', 'u'),
    ]);
    view.drop(NOW - 1);
    expect(view.size).toBe(3);
    view.drop(NOW);
    expect(view.size).toBe(2);
    view.drop(NOW + 1);
    expect([view.size, found(view)]).toEqual([1, 3]);
    view.take([entry(4, 'session', 'x')]);
    view.forget(2);
    expect(view.size).toBe(2);
    view.forget(3);
    expect([view.size, found(view), view.cursor]).toEqual([1, undefined, 4]);
    view.take([entry(5, 'user', 'y'), entry(6, 'key', 'k')]);
    view.forget(6);
    expect(view.size).toBe(0);
  });
});

test('a runtime revokes a node by its own end, at a clock of milliseconds', async () => {
  const added: unknown[] = [];
  const store = {
    revocations: { add: (...args: unknown[]) => (added.push(args), Promise.resolve()) },
  } as unknown as Parameters<typeof storeRevoker>[0];
  await storeRevoker(store, () => NOW * 1000 + 999)(DIGEST, NOW + 5, 'over');
  expect(added).toEqual([[{ kind: 'node', value: DIGEST, reason: 'over', expires: NOW + 5 }, NOW]]);
});

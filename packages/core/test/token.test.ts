// The grant and what surrounds it, field by field: each wrong value is refused when it is written, with a sentence that
// names the field, and when it is read; each right one at its bounds is read back.
import { describe, expect, it } from 'vitest';
import {
  attenuate,
  budgetWords,
  decodeCbor,
  delegate,
  encodeCbor,
  evidence,
  isName,
  isNote,
  mint,
  mintBearer,
  mintSealed,
  PublicKey,
  restrict,
  type Budget,
  type Caveat,
  type Cbor,
} from '../src/index.ts';
import { MALFORMED, Reader } from '../src/cbor/index.ts';
import { LIMITS } from '../src/limits.ts';
import { readBudgets } from '../src/token/budget.ts';
import {
  counterCount,
  earliestExpiry,
  requireWithinLimits,
  unverifiedContents,
} from '../src/token/contents.ts';
import {
  items,
  itemStart,
  readEvidence,
  readFrame,
  readToken,
  tokenText,
  writeFrame,
} from '../src/token/frame.ts';
import { encodeGrant, readGrant, readSelectors, type Grant } from '../src/token/grant.ts';
import { Prefixes } from '../src/token/prefix.ts';
import {
  baseSpec,
  bytes16,
  holder,
  issuerSigner,
  itemsOf,
  keyring,
  mintBase,
  NOW,
  verifierWith,
} from './sample.ts';

const bytes = (n: number, of = 7): Uint8Array => new Uint8Array(n).fill(of);
const plain: Grant = {
  tokenId: bytes16(7),
  keyId: 'k1',
  issuer: 'iam',
  issuedAt: 1000,
  expires: 2000,
  operator: { id: 'acme' },
  model: { id: 'm', digest: bytes(32) },
  session: 's',
  user: 'u',
  tools: ['read'],
  deny: [],
  budgets: [],
  delegations: 0,
};
const full: Grant = {
  ...plain,
  audience: 'svc',
  holder: bytes(32, 9),
  operator: { id: 'acme', config: bytes(32, 8) },
  data: ['public'],
  deny: ['raw.*'],
  budgets: [
    { unit: 'calls', limit: 3 },
    { unit: 'sum', limit: 9, window: 60, argument: 'amount', pool: 'p', tools: ['pay'] },
  ],
  delegations: 16,
};
const many = (n: number): string[] => Array.from({ length: n }, (_, i) => `t${i}`);
const read = (grant: Uint8Array): Grant | 'malformed' => {
  try {
    return readGrant(new Reader(grant));
  } catch (error) {
    if (error === MALFORMED) return 'malformed';
    throw error;
  }
};

describe('a grant that is written', () => {
  it('is read back: the least, the most, and each bound', () => {
    for (const g of [
      plain,
      full,
      { ...full, tools: [], data: [] },
      { ...full, tools: many(256), data: many(256), deny: many(256) },
      { ...plain, issuedAt: 0, expires: 1 },
      { ...plain, expires: Number.MAX_SAFE_INTEGER },
      { ...full, budgets: Array.from({ length: 16 }, (_, i) => ({ unit: 'calls' as const, limit: i })) },
      { ...full, delegations: 1 },
      { ...plain, user: 'u'.repeat(256) },
    ]) {
      const again = read(encodeGrant(g));
      expect(again).toEqual({
        audience: undefined,
        holder: undefined,
        data: undefined,
        ...g,
        operator: { config: undefined, ...g.operator },
      });
      expect(again).not.toBe('malformed');
      expect(encodeGrant(again as Grant)).toEqual(encodeGrant(g));
    }
  });

  it.each<readonly [string, string, Partial<Record<keyof Grant, unknown>>]>([
    ['tools', 'tools: expected tool patterns', { tools: ['a b'] }],
    ['tools, no list', 'tools: expected tool patterns', { tools: 'read' }],
    ['tools, no text', 'tools: expected tool patterns', { tools: [5] }],
    ['too many tools', 'tools: expected tool patterns', { tools: many(257) }],
    ['deny', 'deny: expected tool patterns', { deny: ['a..b'] }],
    ['data', 'data: expected data labels', { data: ['a b'] }],
    [
      'budgets',
      'budgets: at most 16',
      { budgets: Array.from({ length: 17 }, () => ({ unit: 'calls', limit: 1 })) },
    ],
    ['a pool twice', 'budgets: a pool is named twice', { budgets: [full.budgets[1], full.budgets[1]] }],
    ['expires', 'expires: expected whole', { expires: 1.5 }],
    ['expires before 1970', 'expires: expected whole', { expires: -1 }],
    ['issued at', 'issued at: expected whole', { issuedAt: -1 }],
    ['issued at, no number', 'issued at: expected whole', { issuedAt: '5' }],
    ['expires at once', 'expires: expected a time after', { expires: 1000 }],
    ['delegations', 'delegations: expected 0 to 16', { delegations: 17 }],
    ['delegations below none', 'delegations: expected 0 to 16', { delegations: -1 }],
    ['half a delegation', 'delegations: expected 0 to 16', { delegations: 0.5 }],
    ['issuer', 'issuer: expected 1 to 256', { issuer: '' }],
    ['user', 'user: expected 1 to 256', { user: 'u'.repeat(257) }],
    ['user, no text', 'user: expected 1 to 256', { user: 5 }],
    ['token id', 'token id: expected 16 bytes', { tokenId: bytes(15) }],
    ['token id, no bytes', 'token id: expected 16 bytes', { tokenId: Array.from(bytes(16)) }],
    ['key id', 'key id: expected 1 to 256', { keyId: '' }],
    ['operator', 'operator: expected 1 to 256', { operator: { id: '' } }],
    [
      'operator configuration',
      'operator configuration digest: expected 32',
      { operator: { id: 'a', config: bytes(31) } },
    ],
    ['model', 'model: expected 1 to 256', { model: { id: '', digest: bytes(32) } }],
    ['model digest', 'model digest: expected 32', { model: { id: 'm', digest: bytes(33) } }],
    ['session', 'session: expected 1 to 256', { session: 'a\nb' }],
    ['audience', 'audience: expected 1 to 256', { audience: '' }],
    ['holder', 'holder: expected 32 bytes', { holder: bytes(31) }],
  ])('is refused for its %s', (_, message, change) => {
    expect(() => encodeGrant({ ...full, ...change } as Grant)).toThrow(message);
  });
});

describe('a grant that is read', () => {
  const map = decodeCbor(encodeGrant(full))!.value as Map<number, Cbor>;
  const changed = (key: number, value?: Cbor): Uint8Array => {
    const copy = new Map(map);
    if (value === undefined) copy.delete(key);
    else copy.set(key, value);
    return encodeCbor(copy);
  };
  const cose = (m: readonly (readonly [number, Cbor])[]): Cbor => new Map([[1, new Map(m)]]);

  it('is whole as the writer made it', () => {
    expect(read(encodeCbor(map))).toMatchObject({ issuer: 'iam', delegations: 16 });
  });

  it('E9 is malformed without any of the fields that a grant must have', () => {
    for (const key of [1, 2, 4, 6, 7, -1, -2, -3, -4, -5])
      expect(read(changed(key)), String(key)).toBe('malformed');
    for (const key of [3, 8, -6, -7, -8, -9]) expect(read(changed(key)), String(key)).not.toBe('malformed');
  });

  it.each<readonly [number, readonly Cbor[]]>([
    [1, ['', 'a\nb', 5, null, 'x'.repeat(257)]],
    [2, ['', 'a\nb', 5, 'x'.repeat(257)]],
    [3, ['', 'a\nb', null]],
    [4, [1000, 999, -1, '2000', null]],
    [5, [0, 'x']],
    [6, [2000, 2001, -1, null]],
    [7, [bytes(15), bytes(17), 'x', null]],
    [8, [bytes(32), null, new Map(), new Map([[2, new Map()]]),
      cose([[1, 1], [-1, 6]]), cose([[1, 2], [-1, 6], [-2, bytes(32)]]), cose([[1, 1], [-1, 5], [-2, bytes(32)]]),
      cose([[1, 1], [-1, 6], [-2, bytes(31)]]), cose([[1, 1], [-1, 6], [-3, bytes(32)]]),
      cose([[1, 1], [-2, 6], [-3, bytes(32)]]), cose([[2, 1], [-1, 6], [-2, bytes(32)]]),
      cose([[1, 1], [-1, 6], [-2, bytes(32)], [-3, 0]]),
      new Map<number, Cbor>([[1, new Map<number, Cbor>([[1, 1], [-1, 6], [-2, bytes(32)]])], [2, 0]])]],
    [-1, ['', null]],
    [-2, [[], ['acme', bytes(31)], ['acme', bytes(32), 1], ['', bytes(32)], 'acme']],
    [-3, [['m'], ['m', bytes(31)], ['', bytes(32)], ['m', bytes(32), 1]]],
    [-4, ['', 'a\u2028b']],
    [-5, [['a b'], 'read', [5], many(257)]],
    [-6, [['a b'], null, many(257)]],
    [-7, [[], ['a..b'], many(257)]],
    [-8, [[], [[5, 1, 0, null, null, null]], Array.from({ length: 17 }, () => [1, 1, 0, null, null, null])]],
    [-9, [0, 17, -1, null, '1']],
    [-10, [0]],
  ])('E11 is malformed with another value under %i', (key, values) => {
    for (const value of values) expect(read(changed(key, value)), JSON.stringify(value)).toBe('malformed');
  }); // prettier-ignore

  it('E7 ends where its map ends', () => {
    const encoded = encodeGrant(plain);
    expect(read(Uint8Array.of(...encoded, 0))).toBe('malformed');
    expect(read(encoded.subarray(0, -1))).toBe('malformed');
  });

  it('gives its selectors before anything else is looked at', () => {
    expect(readSelectors(new Reader(encodeGrant(full)))).toEqual({
      keyId: 'k1',
      audience: 'svc',
      issuer: 'iam',
    });
    expect(readSelectors(new Reader(encodeGrant(plain)))).toEqual({
      keyId: 'k1',
      audience: undefined,
      issuer: 'iam',
    });
    for (const key of [1, -1]) expect(() => readSelectors(new Reader(changed(key)))).toThrow();
  });
});

describe('a budget', () => {
  const wire = (change: Partial<Record<number, Cbor>>): Cbor =>
    [4, 9, 60, 'amount', 'p', ['pay']].map((v, i) => (i in change ? change[i]! : v));
  const readOne = (entry: Cbor, inGrant = true): unknown => {
    try {
      return readBudgets(new Reader(encodeCbor([entry])), inGrant)[0];
    } catch (error) {
      if (error === MALFORMED) return 'malformed';
      throw error;
    }
  };

  it('is read field by field', () => {
    expect(readOne(wire({}))).toEqual(full.budgets[1]);
    expect(readOne(wire({ 2: 0, 4: null, 5: null }))).toEqual({ unit: 'sum', limit: 9, argument: 'amount' });
    for (const [i, unit] of ['calls', 'external', 'bytes'].entries())
      expect(readOne(wire({ 0: i + 1, 3: null }))).toMatchObject({ unit, limit: 9, window: 60, pool: 'p' });
    expect(readOne(wire({}), false)).toBe('malformed');
    expect(readOne(wire({ 4: null }), false)).toMatchObject({ unit: 'sum', argument: 'amount' });
    const wrong = [
      { 0: 0 },
      { 0: 6 },
      { 0: 1 },
      { 3: null },
      { 3: '' },
      { 4: '' },
      { 5: [] },
      { 5: ['a b'] },
      { 1: -1 },
      { 1: null },
      { 2: null },
    ];
    for (const change of wrong)
      expect(readOne(wire(change as Record<number, Cbor>)), JSON.stringify(change)).toBe('malformed');
    expect(readOne([1, 1, 0, null, null])).toBe('malformed');
    expect(readOne([1, 1, 0, null, null, null, null])).toBe('malformed');
  });

  it('names a pool once for one counter', () => {
    const both = (...budgets: Budget[]): unknown => read(encodeGrant({ ...full, budgets }));
    const one: Budget = { unit: 'calls', limit: 5, pool: 'p' };
    for (const other of [{ pool: 'q' }, { unit: 'external' as const }, { window: 60 }])
      expect(both(one, { ...one, ...other })).not.toBe('malformed');
    const sum: Budget = { unit: 'sum', limit: 5, pool: 'p', argument: 'a' };
    expect(both(sum, { ...sum, argument: 'b' })).not.toBe('malformed');
    // The limit and the tools are no part of a counter's name.
    for (const same of [{}, { limit: 6 }, { tools: ['x'] }])
      expect(() => both(one, { ...one, ...same })).toThrow('a pool is named twice');
    expect(both({ unit: 'calls', limit: 5 }, { unit: 'calls', limit: 5 })).not.toBe('malformed');
  });

  it.each<readonly [string, unknown]>([
    ['unit: expected calls', { unit: 'coins', limit: 1 }],
    ['limit: expected a whole', { unit: 'calls', limit: -1 }],
    ['limit: expected a whole', { unit: 'calls', limit: 0.5 }],
    ['limit: expected a whole', { unit: 'calls', limit: '5' }],
    ['window: expected whole', { unit: 'calls', limit: 1, window: 0 }],
    ['window: expected whole', { unit: 'calls', limit: 1, window: 1.5 }],
    ['argument: needed for sum', { unit: 'sum', limit: 1 }],
    ['argument: needed for sum', { unit: 'calls', limit: 1, argument: 'a' }],
    ['argument: expected a name', { unit: 'sum', limit: 1, argument: '' }],
    ['pool: a name', { unit: 'calls', limit: 1, pool: '' }],
    ['tools: expected 1 to 256', { unit: 'calls', limit: 1, tools: [] }],
    ['tools: expected 1 to 256', { unit: 'calls', limit: 1, tools: ['a b'] }],
  ])('is refused when written: %s', (message, budget) => {
    expect(() => encodeGrant({ ...full, budgets: [budget as Budget] })).toThrow(`budget ${message}`);
  });

  it('has words', () => {
    expect(budgetWords({ unit: 'calls', limit: 5 })).toBe('5 calls');
    expect(budgetWords({ unit: 'external', limit: 5, window: 60 })).toBe('5 external calls per 60 s');
    expect(budgetWords({ unit: 'bytes', limit: 5, tools: ['a', 'b'] })).toBe('5 bytes for a, b');
    expect(budgetWords(full.budgets[1]!)).toBe('9 of amount per 60 s for pay in pool p');
  });
});

describe('names and notes', () => {
  it('are bounded in bytes, not in characters', () => {
    for (const [text, ok] of [['a'.repeat(256), true], ['a'.repeat(257), false], ['', false], ['é'.repeat(128), true],
      ['é'.repeat(129), false], ['€'.repeat(85), true], ['€'.repeat(86), false], ['~ !', true], ['\x7f', false], ['\x1f', false]] as const)
      expect(isName(text), text).toBe(ok); // prettier-ignore
    for (const [text, ok] of [['a'.repeat(1024), true], ['a'.repeat(1025), false], ['', false], ['é'.repeat(512), true],
      ['é'.repeat(513), false], ['a\tb', false], ['zero\u200bwidth', true], ['right\u202eto', false]] as const)
      expect(isNote(text), text).toBe(ok); // prettier-ignore
    for (const text of ['zero\u200bwidth', 'soft\u00adhyphen', 'right\u202eto', 'line\u2028', '\ud800'])
      expect(isName(text), text).toBe(false);
  });
});

describe('the chain of a token, unverified', () => {
  const key = (n: number): Uint8Array => bytes(32, n);
  const to = (n: number): Caveat => ({
    type: 'delegate',
    to: key(n),
    label: 'x',
    time: 1,
    nonce: bytes(16),
    fields: bytes(1),
    signature: bytes(64),
  });

  it('ends with its earliest expiry, and counts its counters', () => {
    expect(earliestExpiry(full, [])).toBe(2000);
    expect(
      earliestExpiry(full, [restrict.expires(1500), restrict.expires(1700), restrict.notBefore(1)]),
    ).toBe(1500);
    expect(earliestExpiry(full, [restrict.expires(2500)])).toBe(2000);
    expect(counterCount(full, [])).toBe(2);
    expect(
      counterCount(plain, [
        restrict.calls(1),
        restrict.note('n'),
        restrict.budget({ unit: 'calls', limit: 1 }, { unit: 'bytes', limit: 1 }),
      ]),
    ).toBe(3);
  });

  it('is refused beyond its limits before it is written', () => {
    const notes = (n: number): Caveat[] => Array.from({ length: n }, () => restrict.note('n'));
    const check =
      (caveats: Caveat[], size = 10) =>
      (): void =>
        requireWithinLimits(plain, caveats, bytes(size));
    expect(check(notes(128))).not.toThrow();
    expect(check(notes(129))).toThrow('More than 128 caveats.');
    expect(check(Array.from({ length: 16 }, () => to(1)))).not.toThrow();
    expect(check(Array.from({ length: 17 }, () => to(1)))).toThrow('More than 16 delegations.');
    expect(check(Array.from({ length: 16 }, () => restrict.calls(1)))).not.toThrow();
    expect(check(Array.from({ length: 17 }, () => restrict.calls(1)))).toThrow('More than 16 budget entries');
    expect(check([], 16_384)).not.toThrow();
    expect(check([], 16_385)).toThrow('The token would exceed 16384 bytes.');
  });

  it.each([
    ['', 'got nothing'],
    ['amb1_aa bb', 'white space'],
    ['ambsec_root_x', 'This is a secret key'],
    ['ambpub_holder_x', 'This is a public key'],
    ['ambp1_x', 'This is a proof'],
    ['hello', 'A token begins with amb1_'],
    ['amb1_AAAA', 'The token is cut, changed, or of a version'],
    ['ambe1_AAAA', 'The token is cut, changed, or of a version'],
  ])('says what %j is', (text, message) => {
    expect(() => unverifiedContents(text)).toThrow(message);
    expect(() => unverifiedContents(undefined as unknown as string)).toThrow(
      new TypeError('token: expected a text'),
    );
  });
});

describe('the frame of a token', () => {
  const grant = bytes(40, 1);
  const caveats = [bytes(3, 2), bytes(0), bytes(30, 3)];
  const tail = bytes(32, 4);
  const whole = writeFrame([grant, ...caveats], tail);

  it('finds each item where it lies', () => {
    const f = readFrame(whole)!;
    expect(f.items).toBe(4);
    expect(items(f)).toEqual([grant, ...caveats]);
    expect(whole.subarray(f.tailAt)).toEqual(tail);
    // Heads: two bytes for 24 to 255, one below.
    expect([0, 1, 2, 3].map((i) => itemStart(f, i))).toEqual([2, f.caveatsAt, f.spans[3], f.spans[5]]);
    expect(f.spans[0]).toBe(4);
    expect(f.caveatsAt).toBe(45);
    expect(() => writeFrame([], tail)).toThrow('expected the grant first');
  });

  it('E8 is none when it is cut, longer, of another version, or has too many caveats', () => {
    for (let n = 0; n < whole.length; n++) expect(readFrame(whole.subarray(0, n)), String(n)).toBeNull();
    expect(readFrame(Uint8Array.of(...whole, 0))).toBeNull();
    for (const version of [0, 2, 23])
      expect(readFrame(Uint8Array.of(whole[0]!, version, ...whole.subarray(2)))).toBeNull();
    expect(readFrame(writeFrame([grant], bytes(31)))).toBeNull();
    expect(readFrame(writeFrame([grant], bytes(33)))).toBeNull();
    const of = (n: number): Uint8Array =>
      writeFrame([grant, ...Array.from({ length: n }, () => bytes(1))], tail);
    expect(readFrame(of(128))?.items).toBe(129);
    expect(readFrame(of(129))).toBeNull();
    const sized = (n: number): Uint8Array => writeFrame([bytes(n)], tail);
    const room = LIMITS.tokenBytes - (sized(1000).length - 1000);
    expect(readFrame(sized(room))).not.toBeNull();
    expect(readFrame(sized(room + 1))).toBeNull();
  });

  it('E12 has one text, and one evidence without the tail', () => {
    const text = tokenText(whole);
    expect(readToken(text)?.items).toBe(4);
    for (const other of [` ${text}`, `${text}=`, text.slice(1), text.replace('amb1_', 'ambe1_'), `${text}A`])
      expect(readToken(other)).toBeNull();
    const log = evidence(text)!;
    const kept = readEvidence(log)!;
    expect(items(kept)).toEqual([grant, ...caveats]);
    expect(kept.tailAt).toBe(-1);
    expect(log.length).toBeLessThan(text.length - 40);
    for (const other of [text, `${log}=`, ` ${log}`, log.replace('ambe1_', 'amb1_')])
      expect(readEvidence(other)).toBeNull();
    expect(evidence(log)).toBeNull();
    expect(readFrame(whole, true)).toBeNull();
    expect(() => attenuate(log.replace(log, evidence(mintBase())!), restrict.note('n'))).toThrow(
      'This is evidence',
    );
  });

  it('has a digest for each prefix, whatever the order in which they are asked for', () => {
    const inOrder = new Prefixes(readFrame(whole)!);
    const forward = [0, 1, 2, 3].map((i) => inOrder.at(i));
    const backward = new Prefixes(readFrame(whole)!);
    expect([3, 2, 1, 0].map((i) => backward.at(i)).reverse()).toEqual(forward);
    const mixed = new Prefixes(readFrame(whole)!);
    expect([1, 3, 0, 2, 3].map((i) => mixed.at(i))).toEqual([1, 3, 0, 2, 3].map((i) => forward[i]));
    expect(inOrder.all()).toBe(inOrder.at(3));
    for (const i of [-1, 4, Number.NaN]) expect(() => inOrder.at(i)).toThrow('prefix: expected 0 to 3');
    // D(0) is that of the grant alone, however many caveats follow.
    expect(new Prefixes(readFrame(writeFrame([grant], tail))!).at(0)).toEqual(forward[0]);
  });
});

describe('minting and delegating', () => {
  it('takes keys of the right use only', async () => {
    const issuerKey = issuerSigner.publicKey as unknown as PublicKey<'holder'>;
    for (const wrong of [undefined, issuerKey, {}]) {
      const spec = { ...baseSpec, holder: wrong as PublicKey<'holder'> };
      expect(() => mint(keyring, spec)).toThrow('holder: expected a PublicKey of a holder');
      await expect(mintSealed(keyring, spec, issuerSigner as never)).rejects.toThrow(
        'holder: expected a PublicKey of a holder',
      );
      const to = { to: wrong as PublicKey<'holder'>, label: 'x', time: NOW };
      expect(() => delegate(mintBase(), to, holder(0))).toThrow('to: expected a PublicKey of a holder');
    }
    const to = { to: holder(1).publicKey, label: 'x', time: NOW };
    expect(() => delegate(mintBase(), to, issuerSigner as unknown as ReturnType<typeof holder>)).toThrow(
      'signer: expected a holder',
    );
    expect(() => delegate(mintBase(), to, holder(2))).toThrow('this is another key');
    expect(() => delegate(mintBase(), { ...to, to: holder(0).publicKey }, holder(0))).toThrow(
      'in the chain already',
    );
    expect(() => delegate(mintBase({ delegations: 0 }), to, holder(0))).toThrow();
    expect(() => delegate(mintBase(), { ...to, restrictions: [restrict.depth(0)] }, holder(0))).toThrow();
    expect(() => delegate(mintBase(), { ...to, time: -1 }, holder(0))).toThrow('time: expected Unix seconds');
    expect(() => delegate(mintBase(), { ...to, time: Number.NaN }, holder(0))).toThrow(
      'time: expected Unix seconds',
    );
    expect(() => delegate(mintBase(), { ...to, nonce: bytes(15) }, holder(0))).toThrow(
      'nonce: expected 16 bytes',
    );
    expect(() => delegate(mintBase(), { ...to, label: '' }, holder(0))).toThrow('label: expected 1 to 256');
  });

  it('writes the time of a delegation in whole seconds, and a nonce of its own', () => {
    const to = { to: holder(1).publicKey, label: 'x', time: 1234.9 };
    const [a, b] = [delegate(mintBase(), to, holder(0)), delegate(mintBase(), to, holder(0))];
    expect(a).not.toBe(b);
    expect(unverifiedContents(a).caveats).toMatchObject([{ type: 'delegate', time: 1234, label: 'x' }]);
  });

  it('gives each token an id of its own', () => {
    const { tokenId: _, ...spec } = baseSpec;
    const ids = [mint(keyring, spec), mint(keyring, spec)].map((t) => unverifiedContents(t).grant.tokenId);
    expect(ids[0]).not.toEqual(ids[1]);
    expect(ids[0]).toHaveLength(16);
  });

  it('refuses a pool without a seal, and a bearer token with delegations', () => {
    const budgets: Budget[] = [{ unit: 'calls', limit: 1, pool: 'p' }];
    expect(() => mintBase({ budgets })).toThrow('A pooled budget holds across audiences');
    expect(unverifiedContents(mintBase({ budgets }, issuerSigner)).caveats).toMatchObject([{ type: 'seal' }]);
    expect(() => mintBase({ budgets: [{ unit: 'calls', limit: 1 }] })).not.toThrow();
    const { holder: _, ...spec } = baseSpec;
    expect(() => mintBearer(keyring, spec)).toThrow("can't be delegated");
    expect(() => mintBearer(keyring, { ...spec, delegations: 0 })).not.toThrow();
    const { delegations: __, ...without } = spec;
    expect(unverifiedContents(mintBearer(keyring, without)).grant.delegations).toBe(0);
  });

  it('appends restrictions before the seal, and seals alike with a key that answers later', async () => {
    const spec = { ...baseSpec, restrictions: [restrict.note('first'), restrict.tools('web_search')] };
    const sealed = mint(keyring, spec, issuerSigner);
    expect(unverifiedContents(sealed).caveats.map((c) => c.type)).toEqual(['note', 'tools', 'seal']);
    const later = {
      publicKey: issuerSigner.publicKey,
      sign: (...a: Parameters<typeof issuerSigner.sign>) => Promise.resolve(issuerSigner.sign(...a)),
    };
    expect(await mintSealed(keyring, spec, later)).toBe(sealed);
    expect(verifierWith({ requireSeal: true }).identify(sealed).ok).toBe(true);
    expect(itemsOf(mint(keyring, spec))).toEqual(itemsOf(sealed).slice(0, 3));
  });

  it('refuses what is no restriction', () => {
    for (const type of ['delegate', 'seal', 'nothing', undefined])
      expect(() => attenuate(mintBase(), { type } as unknown as ReturnType<typeof restrict.note>)).toThrow(
        `restriction: unknown type ${String(type)}`,
      );
  });
});

// What a verifier remembers, and what it does not: who is kept, for how long, and what a second showing costs. The
// answers themselves are the same, warm or cold (law L6); these tests look at the objects.
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  attenuate,
  delegate,
  encodeCbor,
  LABELS,
  mint,
  mintBearer,
  prove,
  restrict,
  type AuthenticToken,
  type Presentation,
  type Verifier,
} from '../src/index.ts';
import { Prefixes } from '../src/token/prefix.ts';
import { encodeGrant } from '../src/token/grant.ts';
import { readContents } from '../src/token/contents.ts';
import { readToken } from '../src/token/frame.ts';
import { partsOf } from '../src/verify/authentic.ts';
import { TokenCache } from '../src/verify/cache.ts';
import { verifiedParts } from '../src/verify/verified.ts';
import {
  AUDIENCE,
  baseSpec,
  bytes16,
  COLD,
  holder,
  issuerSigner,
  itemsOf,
  keyring,
  mintBase,
  NOW,
  provedAt,
  remac,
  search,
  T0,
  verifierWith,
  withRawCaveats,
} from './sample.ts';

const token = mintBase();
const shown = (t = token, more: Partial<Presentation> = {}): Presentation => ({
  token: t,
  proof: provedAt(t, NOW),
  call: search,
  now: NOW,
  ...more,
});
function identified(v: Verifier, t = token): AuthenticToken {
  const found = v.identify(t);
  if (!found.ok) throw new Error(found.code);
  return found.token;
}
function verified(v: Verifier, t = token): AuthenticToken {
  const answer = v.verify(shown(t));
  if (!answer.ok) throw new Error(answer.code);
  return verifiedParts(answer.token).token;
}
const code = (t: string, v = verifierWith(COLD)): string => {
  const answer = v.identify(t);
  return answer.ok ? 'ok' : answer.code;
};
/** Genuine tokens that nobody has shown. */
const flood = (v: Verifier, n: number): void => {
  for (let i = 0; i < n; i++) identified(v, mintBase({ tokenId: bytes16(i % 256), user: `u${i}` }));
};

describe('K1 what is kept', () => {
  afterEach(() => vi.restoreAllMocks());

  it('is on probation until a holder has proved it, with few others', () => {
    const v = verifierWith();
    const first = identified(v);
    expect(identified(v)).toBe(first);
    flood(v, 200);
    expect(identified(v)).not.toBe(first);
  });

  it('stays, once it is proved, however many come that are not', () => {
    const v = verifierWith();
    const first = verified(v);
    flood(v, 200);
    expect(identified(v)).toBe(first);
    expect(verified(v)).toBe(first);
  });

  it('is as many as the configuration says, on probation too', () => {
    for (const way of [verified, identified]) {
      const v = verifierWith({ cache: { tokens: 4 } });
      const first = way(v);
      for (let i = 0; i < 10; i++) way(v, mintBase({ tokenId: bytes16(i + 20) }));
      expect(identified(v)).not.toBe(first);
    }
    const none = verifierWith({ cache: { tokens: 0 } });
    expect(verified(none)).not.toBe(verified(none));
  });

  it('is written once: a second showing, good or bad, writes nothing', () => {
    const v = verifierWith();
    const set = vi.spyOn(TokenCache.prototype, 'set');
    const bad = shown(token, { proof: 'ambp1_x' });
    const writes = (p: Presentation): number => {
      set.mockClear();
      v.verify(p);
      return set.mock.calls.length;
    };
    expect([bad, bad, shown(), shown(), bad].map(writes)).toEqual([1, 0, 1, 0, 0]);
  });

  it('gives its children what was read of it, whether it was proved or not', () => {
    const parent = attenuate(token, restrict.calls(3));
    const child = attenuate(parent, restrict.note('n'));
    for (const way of [verified, identified]) {
      const v = verifierWith();
      const [a, b] = [partsOf(way(v, parent)), partsOf(identified(v, child))];
      expect(b.grant).toBe(a.grant);
      expect(b.caveats[0]).toBe(a.caveats[0]);
      expect(b.caveats).toHaveLength(2);
    }
    const cold = verifierWith(COLD);
    expect(partsOf(identified(cold, child)).grant).not.toBe(partsOf(identified(cold, parent)).grant);
  });
});

describe('an answer', () => {
  it('P1 takes a proof that is no text for a mistake of the caller', () => {
    for (const proof of [5, null, {}, Promise.resolve('x')])
      expect(() => verifierWith().verify(shown(token, { proof: proof as never }))).toThrow(
        new TypeError('proof: expected a text'),
      );
  });

  it('L2 names the caveat whose time is over, and none for the grant', () => {
    const at = (t: string, now: number): unknown =>
      verifierWith().verify({ token: t, proof: provedAt(t, now), call: search, now });
    const many = attenuate(
      token,
      restrict.note('n'),
      restrict.expires(NOW + 60),
      restrict.expires(NOW + 30),
      restrict.expires(NOW + 10),
    );
    const hurried = (now: number): unknown => at(many, now);
    expect(hurried(NOW)).toMatchObject({ ok: true });
    expect(hurried(NOW + 10)).toMatchObject({ ok: false, code: 'expired', caveat: 3 });
    expect(hurried(NOW + 30)).toMatchObject({ ok: false, code: 'expired', caveat: 2 });
    expect(hurried(NOW + 60)).toMatchObject({ ok: false, code: 'expired', caveat: 1 });
    expect(hurried(T0 + 1800)).toMatchObject({ ok: false, code: 'expired', caveat: -1 });
    expect(hurried(T0 - 31)).toMatchObject({ ok: false, code: 'not_yet_valid', caveat: -1 });
    const later = attenuate(token, restrict.notBefore(NOW + 100));
    expect(at(later, NOW + 69)).toMatchObject({ ok: false, code: 'not_yet_valid', caveat: 0 });
    expect(at(later, NOW + 70)).toMatchObject({ ok: true });
  });
});

describe('limits behind the MAC', () => {
  it('S a token has at most 16 counters', () => {
    const budget = (i: number): readonly [number, unknown[]] => [7, [[1, i + 1, 0, null, null, null]]];
    const grown = (n: number): string =>
      withRawCaveats(token, ...(Array.from({ length: n }, (_, i) => budget(i)) as never[]));
    expect(code(grown(16))).toBe('ok');
    expect(code(grown(17))).toBe('token_invalid');
  });

  it('D3 a token has at most 16 delegations', () => {
    let t = mintBase({ delegations: 16 });
    for (let i = 1; i <= 16; i++)
      t = delegate(t, { to: holder(i).publicKey, label: `d${i}`, time: T0 }, holder(i - 1));
    expect(code(t)).toBe('ok');
    const link = itemsOf(t).at(-1)!;
    expect(code(remac([...itemsOf(t), link]))).toBe('token_invalid');
  });

  it('D11 a bearer token may be sealed, and is never delegable, sealed or not', () => {
    const { holder: _, ...spec } = baseSpec;
    const v = verifierWith({ ...COLD, bearer: true });
    const bearer = mintBearer(keyring, { ...spec, delegations: 0 });
    const { grant } = readContents(readToken(bearer)!)!;
    const sealed = (g: Uint8Array): string => {
      const digest = new Prefixes(readToken(remac([g]))!).all();
      const fields = [issuerSigner.publicKey.bytes, issuerSigner.sign(LABELS.seal, digest)];
      return remac([g, encodeCbor([10, fields])]);
    };
    const plain = itemsOf(bearer)[0]!;
    const delegable = encodeGrant({ ...grant, delegations: 1 });
    expect([bearer, sealed(plain)].map((t) => code(t, v))).toEqual(['ok', 'ok']);
    expect(code(remac([delegable]), v)).toBe('delegation_invalid');
    expect(code(sealed(delegable), v)).toBe('delegation_invalid');
    const link = itemsOf(delegate(token, { to: holder(1).publicKey, label: 'b', time: T0 }, holder(0)));
    expect(code(remac([plain, link.at(-1)!]), v)).toBe('delegation_invalid');
  });

  it('S13 only a sealed grant may name a pool, at any place among its budgets', () => {
    const own = { unit: 'calls', limit: 5 } as const;
    const pooled = { unit: 'bytes', limit: 5, pool: 'team' } as const;
    for (const budgets of [[pooled], [own, pooled], [pooled, own]]) {
      const sealed = mint(keyring, { ...baseSpec, budgets }, issuerSigner);
      expect(code(sealed)).toBe('ok');
      const bare = verifierWith(COLD).identify(remac([itemsOf(sealed)[0]!]));
      expect(bare).toMatchObject({ ok: false, code: 'seal_required', caveat: -1 });
    }
    expect(code(remac([itemsOf(mint(keyring, { ...baseSpec, budgets: [own] }, issuerSigner))[0]!]))).toBe(
      'ok',
    );
  });
});

it('P a proof that was made elsewhere is refused whichever cache the token is in', () => {
  const v = verifierWith();
  const elsewhere = prove(token, search, { audience: 'mail.acme.com', time: NOW }, holder(0));
  for (let i = 0; i < 2; i++)
    expect(v.verify(shown(token, { proof: elsewhere }))).toMatchObject({ code: 'proof_invalid' });
  expect(v.verify(shown()).ok).toBe(true);
  expect(v.verify(shown(token, { proof: elsewhere }))).toMatchObject({ code: 'proof_invalid' });
  expect(v.audience).toBe(AUDIENCE);
});

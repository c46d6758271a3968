// What a verified token shows: every field, exactly; and that only a verifier makes one.
import { describe, expect, it } from 'vitest';
import {
  attenuate,
  delegate,
  forCaller,
  mint,
  mintBearer,
  prove,
  restrict,
  revocationSubject,
  toBase64url,
  type Presentation,
} from '../src/index.ts';
import { AuthenticToken, partsOf } from '../src/verify/authentic.ts';
import { VerifiedToken } from '../src/verify/verified.ts';
import {
  AUDIENCE,
  baseSpec,
  bytes16,
  holder,
  ISSUER,
  issuerSigner,
  keyring,
  makeCall,
  mintBase,
  NOW,
  search,
  T0,
  verifierWith,
} from './sample.ts';

const hex = (byte: string): string => byte.repeat(32);
const key = (i: number): string => toBase64url(holder(i).publicKey.bytes);
const budgets = [
  { unit: 'calls' as const, limit: 5 },
  { unit: 'bytes' as const, limit: 900, window: 60, tools: ['files.*'] },
];

function rich(): string {
  const sealed = mint(keyring, { ...baseSpec, deny: ['files.raw'], budgets }, issuerSigner);
  const to = { to: holder(1).publicKey, label: 'helper', time: T0 + 5, nonce: bytes16(0x0b) };
  const child = delegate(sealed, { ...to, restrictions: [restrict.expires(T0 + 900)] }, holder(0));
  return attenuate(child, restrict.note('for the helper'));
}

describe('the view of a genuine token', () => {
  const genuine = (): AuthenticToken => {
    const found = verifierWith().identify(rich());
    if (!found.ok) throw new Error(found.message);
    return found.token;
  };

  it('shows every field of grant, chain and seal', () => {
    const token = genuine();
    const { view } = token;
    const { prefixes } = partsOf(token);
    expect(view).toEqual({
      verifiedBy: 'mac',
      tokenId: '07'.repeat(16),
      keyId: 'k1',
      issuer: ISSUER,
      audience: AUDIENCE,
      issuedAt: T0,
      expires: T0 + 900,
      operator: { id: 'acme-corp', config: hex('51') },
      model: { id: 'razorsec-agent-v2.1', digest: hex('52') },
      session: 'agt-2026-03-01-a7f3e2',
      user: 'analyst-jane@acme.com',
      tools: ['web_search', 'files.*', 'mail/send'],
      data: ['public', 'internal'],
      deny: ['files.raw'],
      budgets: [
        { unit: 'calls', limit: 5 },
        { unit: 'bytes', limit: 900, window: 60, tools: ['files.*'] },
      ],
      holder: key(1),
      // Caveats: the seal, the restriction, the delegation, the note.
      chain: [
        { id: toBase64url(prefixes.at(0)), holder: key(0), caveat: -1 },
        { id: toBase64url(prefixes.at(3)), holder: key(1), label: 'helper', time: T0 + 5, caveat: 2 },
      ],
      delegationsLeft: 2,
      sealedBy: toBase64url(issuerSigner.publicKey.bytes),
      digest: toBase64url(prefixes.all()),
    });
    expect(token.expires).toBe(T0 + 900);
    expect(JSON.parse(JSON.stringify({ token }))).toEqual({ token: JSON.parse(JSON.stringify(view)) });
    // The chain covers what stands before: four ids of four prefixes.
    expect(new Set([0, 1, 2, 3, 4].map((i) => toBase64url(prefixes.at(i)))).size).toBe(5);
  });

  it('is one frozen object, and so is all in it', () => {
    const token = genuine();
    const { view } = token;
    expect(token.view).toBe(view);
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(view)).toBe(true);
  });

  it('says null for what a token does not have', () => {
    const { holder: _, audience: __, data: ___, ...spec } = baseSpec;
    const bearer = mintBearer(keyring, { ...spec, operator: { id: 'acme' }, delegations: 0 });
    const seen = verifierWith({ bearer: true, keys: keyring.domainKeys() }).identify(bearer);
    expect(seen.ok && seen.token.view).toMatchObject({
      audience: null,
      operator: { id: 'acme', config: null },
      data: null,
      deny: [],
      budgets: [],
      holder: null,
      chain: [],
      delegationsLeft: 0,
      sealedBy: null,
      expires: T0 + 1800,
    });
  });

  it('tells a revocation list what the token can be revoked by', () => {
    const { view } = genuine();
    expect(revocationSubject(view)).toEqual({
      issuer: ISSUER,
      token: '07'.repeat(16),
      key: 'k1',
      operator: 'acme-corp',
      model: toBase64url(new Uint8Array(32).fill(0x52)),
      session: 'agt-2026-03-01-a7f3e2',
      user: 'analyst-jane@acme.com',
      nodes: view.chain.map((n) => n.id),
      holders: [key(0), key(1)],
    });
    const { tokenId: _, keyId: __, chain: ___, ...names } = view;
    expect(revocationSubject(names)).toMatchObject({ token: '', key: '', nodes: [], holders: [] });
    for (const digest of [
      '',
      '51',
      hex('51').slice(2),
      `${hex('51')}51`,
      hex('5g'),
      hex('51').replace('5', 'x'),
    ])
      expect(() => revocationSubject({ ...names, model: { digest } }), digest).toThrow(
        '64 hexadecimal digits',
      );
  });
});

describe('a token verified for a call', () => {
  const present = (now: number, more: Partial<Presentation> = {}): Presentation => {
    const token = mintBase();
    return {
      token,
      proof: prove(token, search, { audience: AUDIENCE, time: now }, holder(0)),
      call: search,
      now,
      ...more,
    };
  };

  it('P2 holds the call, the time, the service and the kind of proof', () => {
    const shown = verifierWith().verify(present(NOW));
    if (!shown.ok) throw new Error(shown.message);
    expect(shown.token.call).toBe(search);
    expect(shown.token.now).toBe(NOW);
    expect(shown.token.audience).toBe(AUDIENCE);
    expect(shown.token.proof).toBe('signed');
    expect(shown.token.view).toMatchObject({ holder: key(0), digest: expect.stringMatching(/^[\w-]{43}$/) });
    expect(JSON.stringify(shown.token)).toBe(JSON.stringify(shown.token.view));
    expect(Object.isFrozen(shown.token)).toBe(true);
    expect(verifierWith().audience).toBe(AUDIENCE);
    expect(verifierWith().sessionOffer).toBeNull();
  });

  it('P4 has the highest time that the verifier has seen', () => {
    const verifier = verifierWith();
    expect(verifier.verify(present(NOW + 20)).ok).toBe(true);
    const back = verifier.verify(present(NOW));
    expect(back.ok && back.token.now).toBe(NOW + 20);
  });

  it('is made by verifiers only', () => {
    const make = (Type: unknown, ...args: unknown[]): unknown =>
      Reflect.construct(Type as new (...args: unknown[]) => object, args);
    expect(() => make(AuthenticToken, Symbol('authentic'), {})).toThrow('only a verifier makes one');
    expect(() => make(VerifiedToken, Symbol('verified'), {}, search, {}, NOW, {})).toThrow('only a verifier');
  });

  it('a time that is none is a mistake of the caller', () => {
    for (const now of [-1, Number.NaN, Infinity, -Infinity, '1772373900', null, undefined])
      expect(() => verifierWith().verify({ ...present(NOW), now: now as number }), String(now)).toThrow(
        new RangeError('now: expected Unix seconds'),
      );
    const zero = verifierWith().verify({ ...present(NOW), now: 0 });
    expect(zero).toMatchObject({ ok: false, code: 'not_yet_valid' });
    for (const token of [undefined, null, 5, {}] as unknown[])
      expect(() => verifierWith().verify({ ...present(NOW), token: token as string })).toThrow('token: ');
    for (const token of [undefined, null, 5, {}] as unknown[])
      expect(() => verifierWith().identify(token as string)).toThrow(new TypeError('token: expected a text'));
  });
});

it('F1 a caller is told token_invalid until the token is known to be genuine, and the code from then on', () => {
  const verifier = verifierWith();
  const other = verifier.identify(mintBase({ audience: 'mail.acme.com' }));
  if (other.ok) throw new Error('genuine?');
  expect(other).toMatchObject({ code: 'wrong_audience', unverified: true });
  expect(forCaller(other)).toMatchObject({ ok: false, code: 'token_invalid' });
  expect(forCaller(other)).not.toHaveProperty('unverified');
  expect(forCaller(other).message).not.toBe(other.message);
  const late = verifier.verify({ token: mintBase(), call: search, now: NOW });
  if (late.ok) throw new Error('without a proof?');
  expect(late.code).toBe('proof_missing');
  expect(late.unverified).toBeUndefined();
  expect(forCaller(late)).toBe(late);
});

it('S9 a token that was shown before is found again, and answers as it did', () => {
  const verifier = verifierWith();
  const token = mintBase();
  const first = verifier.identify(token);
  const again = verifier.identify(token);
  expect(first.ok && again.ok && again.token === first.token).toBe(true);
  const cold = verifierWith({ cache: { tokens: 0 } });
  const [a, b] = [cold.identify(token), cold.identify(token)];
  expect(a.ok && b.ok && a.token !== b.token).toBe(true);
  const call = makeCall({ tool: 'web_search' });
  const proof = prove(token, call, { audience: AUDIENCE, time: NOW }, holder(0));
  for (let i = 0; i < 3; i++) expect(verifier.verify({ token, proof, call, now: NOW }).ok).toBe(true);
});

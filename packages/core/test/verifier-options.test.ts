// A verifier's configuration: each mistake is told when the verifier is made, and each option does what it says.
import { describe, expect, it } from 'vitest';
import {
  AmbitError,
  createVerifier,
  delegate,
  deriveKey,
  encodeCbor,
  evaluate,
  Keyring,
  mint,
  mintBearer,
  prove,
  publicKey,
  SecretKey,
  signer,
  type VerifierOptions,
} from '../src/index.ts';
import { nodeProvider } from '../src/node.ts';
import { LABELS } from '../src/labels.ts';
import { readToken, tokenText, writeFrame } from '../src/token/frame.ts';
import { Prefixes } from '../src/token/prefix.ts';
import {
  AUDIENCE,
  baseSpec,
  facts,
  holder,
  ISSUER,
  issuerSecret,
  issuerSigner,
  itemsOf,
  keyring,
  mintBase,
  NOW,
  remac,
  rootKey,
  seals,
  search,
  T0,
  verifiedAt,
  verifierWith,
} from './sample.ts';

const own = keyring.exportFor(AUDIENCE);
const made =
  (more: object): (() => unknown) =>
  () =>
    createVerifier({ audience: AUDIENCE, keys: own, provider: nodeProvider, ...more });

describe('a configuration', () => {
  it.each<readonly [string, object, typeof TypeError | typeof RangeError | typeof AmbitError]>([
    ['an audience that is no name', { audience: '' }, AmbitError],
    ['keys that are none', { keys: [{ issuer: ISSUER, keyId: 'k1', audience: AUDIENCE }] }, TypeError],
    ['a key of another audience', { keys: keyring.exportFor('mail.acme.com') }, TypeError],
    ['a key given twice', { keys: [...own, ...own] }, TypeError],
    ['a domain key given twice', { keys: [...keyring.domainKeys(), ...keyring.domainKeys()] }, TypeError],
    ['no key at all', { keys: [] }, TypeError],
    ['no key, said by absence', { keys: undefined }, TypeError],
    ['a seal key that is none', { seals: [{ issuer: ISSUER, key: new Uint8Array(32) }] }, TypeError],
    ['a seal key of a holder', { seals: [{ issuer: ISSUER, key: holder(0).publicKey }] }, TypeError],
    ['a seal key that looks like one', { seals: [{ issuer: ISSUER, key: { use: 'issuer', bytes: new Uint8Array(32) } }] }, TypeError],
    ['a seal of no issuer', { seals: [{ issuer: '', key: issuerSigner.publicKey }] }, AmbitError],
    ['a federated issuer without a seal key', { federated: [ISSUER] }, TypeError],
    ['a federated issuer with the seal key of another', { federated: ['other'], seals }, TypeError],
    ['one of two federated issuers without', { federated: [ISSUER, 'other'], seals }, TypeError],
    ['a tool pattern that is none', { signedProofTools: ['web_*', 'a b'] }, TypeError],
    ...(['proofAge', 'skew'] as const).flatMap((field) =>
      [-1, 0.5, Number.NaN, Infinity, '30'].map((n) => [`${field} ${n}`, { [field]: n }, RangeError] as const)),
    ...(['tokens', 'delegations'] as const).flatMap((field) =>
      [-1, 0.5, Number.NaN, '30'].map((n) => [`cache.${field} ${n}`, { cache: { [field]: n } }, RangeError] as const)),
  ])('is refused with %s', (_, more, error) => {
    expect(made(more)).toThrow(error);
  }); // prettier-ignore

  it.each<readonly [string, object]>([
    ['zeros', { proofAge: 0, skew: 0, cache: { tokens: 0, delegations: 0 } }],
    ['own and domain keys of one id', { keys: [...own, ...keyring.domainKeys()] }],
    ['a federated issuer and no key', { keys: [], federated: [ISSUER], seals }],
    ['a federated issuer and no key, said by absence', { keys: undefined, federated: [ISSUER], seals }],
    ['two seal keys of one issuer', { federated: [ISSUER], seals: [...seals, { issuer: ISSUER, key: publicKey(new SecretKey('issuer', new Uint8Array(32).fill(9)), nodeProvider) }] }],
    ['one seal key of two issuers', { federated: [ISSUER, 'other'], seals: [...seals, { issuer: 'other', key: seals[0]!.key }] }],
  ])('is taken with %s', (_, more) => {
    expect(made(more)).not.toThrow();
  }); // prettier-ignore

  it('says by default that seals are not demanded and bearer tokens are not taken', () => {
    const { holder: _, ...spec } = baseSpec;
    const bearer = mintBearer(keyring, { ...spec, delegations: 0 });
    expect(verifierWith().identify(mintBase()).ok).toBe(true);
    expect(verifierWith().identify(bearer)).toMatchObject({ code: 'bearer_refused' });
    expect(verifierWith({ bearer: true }).identify(bearer).ok).toBe(true);
    expect(verifierWith({ requireSeal: true }).identify(mintBase())).toMatchObject({ code: 'seal_required' });
    expect([verifierWith().bearer, verifierWith({ bearer: true }).bearer]).toEqual([false, true]);
  });

  it('that demands a seal says of a token whether it has none or one by a key that is not known', () => {
    const said = [mintBase(), mintBase({}, issuerSigner)].map((token) => {
      const answer = verifierWith({ requireSeal: true, seals: [] }).identify(token);
      return answer.ok ? 'ok' : answer.message;
    });
    expect(said[0]).toContain('it has none');
    expect(said[1]).toContain('its seal key is not known');
  });

  it('has session proofs enough for every tool unless it names some', () => {
    expect(made({ signedProofTools: [] })).not.toThrow();
    expect(made({})).not.toThrow();
  });
});

describe('keys', () => {
  it('are told apart by issuer, by side and by id', () => {
    const other = new Keyring('other-iam', [{ keyId: 'k1', status: 'current', root: rootKey }]);
    const { audience: _, ...spec } = baseSpec;
    const tokens = [mint(keyring, baseSpec), mint(keyring, spec), mint(other, baseSpec), mint(other, spec)];
    const answers = (keys: VerifierOptions['keys']): readonly boolean[] =>
      tokens.map((t) => verifierWith({ keys: keys! }).identify(t).ok);
    expect(answers(own)).toEqual([true, false, false, false]);
    expect(answers(keyring.domainKeys())).toEqual([false, true, false, false]);
    expect(answers(other.exportFor(AUDIENCE))).toEqual([false, false, true, false]);
    expect(answers([...own, ...keyring.domainKeys(), ...other.domainKeys()])).toEqual([
      true,
      true,
      false,
      true,
    ]);
    // Of an issuer that is not known at all, nothing is said: not even that.
    expect(verifierWith({ keys: own }).identify(tokens[3]!)).toMatchObject({
      code: 'token_invalid',
      unverified: true,
    });
    expect(deriveKey(ISSUER, keyring.current, null).audience).toBeNull();
  });
});

describe('keys that are gone, and issuers that are known by their seal alone', () => {
  const code = (token: string, more: Partial<VerifierOptions>): string => {
    const answer = verifierWith(more).identify(token);
    return answer.ok ? 'ok' : `${answer.code}${answer.unverified === true ? ', unverified' : ''}`;
  };
  const sealed = mintBase({}, issuerSigner);
  const stripped = (token: string): string => tokenText(writeFrame(itemsOf(token), new Uint8Array(32)));
  const federated = { keys: [], federated: [ISSUER] };

  it('F6 a retired key is told to those whose MAC it made, and an unknown one to nobody', () => {
    const rotated = keyring.rotate();
    const keys = rotated.retire('k1').exportFor(AUDIENCE);
    expect(code(mintBase(), { keys })).toBe('key_retired');
    expect(code(stripped(mintBase()), { keys })).toBe('token_invalid, unverified');
    expect(code(mint(rotated, baseSpec), { keys })).toBe('ok');
    expect(code(mint(rotated, baseSpec), { keys: own })).toBe('token_invalid, unverified');
  });

  it('F11 a federated issuer’s tokens are taken for their seal, whatever their tail; of others, none', () => {
    expect([code(sealed, federated), code(stripped(sealed), federated)]).toEqual(['ok', 'ok']);
    const seen = verifierWith(federated).identify(sealed);
    expect(seen.ok && seen.token.view.verifiedBy).toBe('signatures');
    expect(code(mintBase(), federated)).toBe('seal_required, unverified');
    const other = new Keyring('other-iam', [{ keyId: 'k1', status: 'current', root: rootKey }]);
    expect(code(mint(other, baseSpec, issuerSigner), federated)).toBe('token_invalid, unverified');
  });

  it('F11 a key that is held decides alone: the seal does not help a MAC that is wrong', () => {
    const both = { federated: [ISSUER] };
    expect([code(sealed, both), code(stripped(sealed), both)]).toEqual(['ok', 'token_invalid, unverified']);
    expect(code(mintBase(), both)).toBe('ok');
  });
});

describe('seal keys', () => {
  const sealed = mintBase({}, issuerSigner);
  const code = (more: Partial<VerifierOptions>): string => {
    const answer = verifierWith({ requireSeal: true, ...more }).identify(sealed);
    return answer.ok ? 'ok' : answer.code;
  };
  const key = publicKey(issuerSecret, nodeProvider);
  const pin = { issuer: ISSUER, key };

  it('count for the issuer and the operators that they are pinned to, by any of their pins', () => {
    expect(code({ seals: [pin] })).toBe('ok');
    expect(code({ seals: [{ issuer: 'other', key }] })).toBe('seal_invalid');
    expect(code({ seals: [{ ...pin, operators: ['acme-corp'] }] })).toBe('ok');
    expect(code({ seals: [{ ...pin, operators: ['other', 'acme-corp'] }] })).toBe('ok');
    expect(code({ seals: [{ ...pin, operators: ['other'] }] })).toBe('seal_invalid');
    expect(code({ seals: [{ ...pin, operators: [] }] })).toBe('seal_invalid');
    expect(code({ seals: [{ issuer: 'other', key, operators: ['acme-corp'] }] })).toBe('seal_invalid');
    expect(code({ seals: [{ issuer: 'other', key }, pin] })).toBe('ok');
    expect(code({ seals: [pin, { issuer: 'other', key }] })).toBe('ok');
    expect(code({ seals: [{ ...pin, operators: ['other'] }, pin] })).toBe('ok');
    const rogue = signer(new SecretKey('issuer', new Uint8Array(32).fill(9)), nodeProvider);
    expect(code({ seals: [{ issuer: ISSUER, key: rogue.publicKey }] })).toBe('seal_required');
  });
});

it('F10 a seal stands once, before every delegation, over what precedes it', () => {
  const [grant, seal] = itemsOf(mintBase({}, issuerSigner));
  const link = itemsOf(delegate(mintBase(), { to: holder(1).publicKey, label: 'b', time: T0 }, holder(0)))[1];
  const code = (...contents: (Uint8Array | undefined)[]): string => {
    const answer = verifierWith().identify(remac(contents as Uint8Array[]));
    return answer.ok ? 'ok' : answer.code;
  };
  const note = encodeCbor([14, 'x']);
  expect([code(grant, seal), code(grant, seal, note), code(grant, link)]).toEqual(['ok', 'ok', 'ok']);
  for (const wrong of [[grant, seal, seal], [grant, link, seal], [grant, note, seal], [grant, link, seal, seal]])
    expect(code(...wrong)).toBe('seal_invalid'); // prettier-ignore
  const zero = encodeCbor([10, [issuerSigner.publicKey.bytes, new Uint8Array(64)]]);
  expect(code(grant, zero)).toBe('seal_invalid');
  // Out of place it counts for nothing, whoever signed it.
  const sealOver = (...items: (Uint8Array | undefined)[]): Uint8Array => {
    const { bytes } = issuerSigner.publicKey;
    const before = new Prefixes(readToken(remac(items as Uint8Array[]))!).all();
    return encodeCbor([10, [bytes, issuerSigner.sign(LABELS.seal, before)]]);
  };
  expect(code(grant, sealOver(grant))).toBe('ok');
  for (const items of [[grant, seal], [grant, link], [grant, link, note]])
    expect(code(...items, sealOver(...items))).toBe('seal_invalid'); // prettier-ignore
});

describe('times', () => {
  it('P4 a nonce is claimed for age, skew and one second', () => {
    const expires = (more: Partial<VerifierOptions>): number | undefined => {
      const verified = verifiedAt(mintBase(), NOW, search, verifierWith(more));
      const answer = evaluate(verified, facts());
      return answer.ok === false ? undefined : answer.charges.replay?.expires;
    };
    expect(expires({})).toBe(NOW + 60 + 30 + 1);
    expect(expires({ proofAge: 7, skew: 5 })).toBe(NOW + 7 + 5 + 1);
  });

  it('age and skew bound a proof, to the second', () => {
    const verifier = (): ReturnType<typeof verifierWith> => verifierWith({ proofAge: 7, skew: 5 });
    const code = (time: number): string => {
      const proof = prove(mintBase(), search, { audience: AUDIENCE, time }, holder(0));
      const answer = verifier().verify({ token: mintBase(), proof, call: search, now: NOW });
      return answer.ok ? 'ok' : answer.code;
    };
    expect([NOW - 8, NOW - 7, NOW + 5, NOW + 6].map(code)).toEqual([
      'proof_expired',
      'ok',
      'ok',
      'proof_expired',
    ]);
    const begun = (now: number): boolean => {
      const proof = prove(mintBase(), search, { audience: AUDIENCE, time: now }, holder(0));
      return verifier().verify({ token: mintBase(), proof, call: search, now }).ok;
    };
    expect([T0 - 6, T0 - 5, T0 + 1799, T0 + 1800].map(begun)).toEqual([false, true, true, false]);
  });
});

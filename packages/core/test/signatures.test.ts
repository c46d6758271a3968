// What the walk over a token's signatures must do beyond the attack catalogue: found by mutation testing.
import { describe, expect, it } from 'vitest';
import {
  attenuate,
  createVerifier,
  delegate,
  deriveKey,
  Keyring,
  mint,
  restrict,
  SecretKey,
  signer,
} from '../src/index.ts';
import type { Provider } from '../src/index.ts';
import { nodeProvider } from '../src/node.ts';
import { tokenText } from '../src/token/frame.ts';
import { encodeGrant } from '../src/token/grant.ts';
import { newToken } from '../src/token/mac.ts';

const NOW = 1_772_373_600;
const keyring = Keyring.create('iam');
const a = signer(SecretKey.generate('holder'), nodeProvider);
const b = signer(SecretKey.generate('holder'), nodeProvider);
const seal = signer(SecretKey.generate('issuer'), nodeProvider);
const who = {
  operator: { id: 'acme' },
  model: { id: 'm', digest: new Uint8Array(32) },
  session: 's',
  user: 'u',
  tools: ['read'],
  issuedAt: NOW,
  expires: NOW + 900,
};

function counting(): { provider: Provider; calls: () => number } {
  let n = 0;
  return {
    provider: { ...nodeProvider, verify: (k, m, s) => (n++, nodeProvider.verify(k, m, s)) },
    calls: () => n,
  };
}

describe('signatures of a token', () => {
  it('D11 a grant without a holder that allows delegations is refused, though its MAC is right', () => {
    const grant = {
      ...who,
      tokenId: new Uint8Array(16),
      keyId: 'k1',
      issuer: 'iam',
      deny: [],
      budgets: [],
    };
    const key = deriveKey('iam', keyring.current, null).unsafeBytes();
    const verifier = createVerifier({ audience: 'x', keys: keyring.domainKeys(), bearer: true });
    const forged = tokenText(newToken(key, [encodeGrant({ ...grant, delegations: 1 })]));
    expect(verifier.identify(forged)).toMatchObject({ ok: false, code: 'delegation_invalid' });
    const plain = tokenText(newToken(key, [encodeGrant({ ...grant, delegations: 0 })]));
    expect(verifier.identify(plain).ok).toBe(true);
  });

  it('a seal and a delegation seen before are not verified again, in any descendant', () => {
    const { provider, calls } = counting();
    const verifier = createVerifier({
      audience: 'x',
      keys: keyring.domainKeys(),
      seals: [{ issuer: 'iam', key: seal.publicKey }],
      provider,
    });
    const root = mint(keyring, { ...who, delegations: 1, holder: a.publicKey }, seal);
    const derived = delegate(root, { to: b.publicKey, label: 'b', time: NOW }, a);
    expect(verifier.identify(derived).ok).toBe(true);
    expect(calls()).toBe(2);
    for (const limit of [1, 2, 3]) {
      expect(verifier.identify(attenuate(derived, restrict.calls(limit))).ok).toBe(true);
    }
    expect(calls()).toBe(2);
    // What is found good is remembered, whatever the rest of the token comes to (R13).
    const fresh = counting();
    const strict = createVerifier({
      audience: 'x',
      keys: keyring.domainKeys(),
      provider: fresh.provider,
      requireSeal: true,
    });
    expect(strict.identify(derived).ok).toBe(false);
    expect(strict.identify(derived).ok).toBe(false);
    expect(fresh.calls()).toBe(1);
  });
});

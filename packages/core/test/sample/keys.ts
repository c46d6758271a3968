// Fixed keys, times, a grant, a verifier and a call: what all suites of core begin with.
import {
  createVerifier,
  deriveKey,
  Keyring,
  mint,
  parseCall,
  publicKey,
  SecretKey,
  signer,
  type Call,
  type Facts,
  type HolderGrantSpec,
  type Provider,
  type Signer,
  type Verifier,
  type VerifierOptions,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';

export const LONG: boolean = process.env['AMBIT_LONG'] === '1';
/** 2026-03-01T14:00:00Z */
export const T0 = 1_772_373_600;
export const NOW: number = T0 + 300;
export const AUDIENCE = 'search.acme.com';
export const ISSUER = 'acme-iam';

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);
/** A fixed 16-byte value. */
export const bytes16 = (n: number): Uint8Array => new Uint8Array(16).fill(n);

export const rootKey = new SecretKey('root', seed(0x11));
export const keyring = new Keyring(ISSUER, [{ keyId: 'k1', status: 'current', root: rootKey }]);
export const issuerSecret = new SecretKey('issuer', seed(0x22));
export const issuerSigner: Signer<'issuer'> = signer(issuerSecret, nodeProvider);
/** Holders 0 to 19, in the order in which chains use them. */
export const holders: readonly Signer<'holder'>[] = Array.from({ length: 20 }, (_, i) =>
  signer(new SecretKey('holder', seed(0x40 + i)), nodeProvider),
);
export const holder = (i: number): Signer<'holder'> => holders[i]!;
export const x25519Secret = new SecretKey('x25519', seed(0x33));

/** The verification key of this audience, as bytes: what lets a test forge. */
export const K: Uint8Array = deriveKey(ISSUER, keyring.current, AUDIENCE).unsafeBytes();

export const baseSpec: HolderGrantSpec = {
  operator: { id: 'acme-corp', config: seed(0x51) },
  model: { id: 'razorsec-agent-v2.1', digest: seed(0x52) },
  session: 'agt-2026-03-01-a7f3e2',
  user: 'analyst-jane@acme.com',
  tools: ['web_search', 'files.*', 'mail/send'],
  data: ['public', 'internal'],
  delegations: 3,
  issuedAt: T0,
  expires: T0 + 1800,
  audience: AUDIENCE,
  tokenId: bytes16(0x07),
  holder: holder(0).publicKey,
};

export const mintBase = (more: Partial<HolderGrantSpec> = {}, seal?: Signer<'issuer'>): string =>
  mint(keyring, { ...baseSpec, ...more }, seal);

export const seals = [{ issuer: ISSUER, key: publicKey(issuerSecret, nodeProvider) }];

/** A verifier of AUDIENCE with noble's place taken by node:crypto; colder with `cache: {tokens: 0, delegations: 0}`. */
export const verifierWith = (more: Partial<VerifierOptions> = {}): Verifier =>
  createVerifier({
    audience: AUDIENCE,
    keys: keyring.exportFor(AUDIENCE),
    seals,
    provider: nodeProvider,
    ...more,
  });
export const COLD = { cache: { tokens: 0, delegations: 0 } } as const;

export const facts = (more: Partial<Facts> = {}): Facts => ({ now: NOW, data: [], ...more });

/** A call that is known to be well-formed. */
export function makeCall(input: Parameters<typeof parseCall>[0]): Call {
  const made = parseCall(input);
  if (!made.ok) throw new TypeError(`test call: ${made.message}`);
  return made.call;
}
export const search: Call = makeCall({ tool: 'web_search', args: { q: 'macaroons' } });

/** Counts what a verifier asks of a provider. */
export function countingProvider(
  inner: Provider = nodeProvider,
): Provider & { calls: number; verifies: number } {
  const counting = {
    name: inner.name,
    calls: 0,
    verifies: 0,
    verify(k: Uint8Array, m: Uint8Array, s: Uint8Array): boolean {
      counting.calls++;
      counting.verifies++;
      return inner.verify(k, m, s);
    },
    sign: (s: Uint8Array, m: Uint8Array): Uint8Array => inner.sign(s, m),
    publicKey: (s: Uint8Array): Uint8Array => inner.publicKey(s),
    x25519(s: Uint8Array, p: Uint8Array): Uint8Array | null {
      counting.calls++;
      return inner.x25519(s, p);
    },
    x25519PublicKey: (s: Uint8Array): Uint8Array => inner.x25519PublicKey(s),
  };
  return counting;
}

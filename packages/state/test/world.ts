// Real tokens for the tests of `authorize`: an issuer, two services, agents.
import {
  Keyring,
  SecretKey,
  parseCall,
  createVerifier,
  mint,
  prove,
  publicKey,
  signer,
  type Call,
  type Facts,
  type HolderGrantSpec,
  type Signer,
  type Verifier,
  type VerifierOptions,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  createAuthorizer,
  type Authorized,
  type Authorizer,
  type AuthorizerOptions,
  type Store,
} from '../src/index.ts';
import type { Denial } from '@ambit/core';
import { LATER, NOW } from '../src/testing/make.ts';

export const ISSUER = 'acme-iam';
export const AUDIENCE = 'pay.acme.com';
export const SESSION = 'agt-1';
const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);
export const root: SecretKey<'root'> = new SecretKey('root', seed(1));
export const keyring: Keyring = new Keyring(ISSUER, [{ keyId: 'k1', status: 'current', root }]);
export const agent = (n: number): Signer<'holder'> =>
  signer(new SecretKey('holder', seed(10 + n)), nodeProvider);
export const issuerKey: SecretKey<'issuer'> = new SecretKey('issuer', seed(99));
export const sealer: Signer<'issuer'> = signer(issuerKey, nodeProvider);
export const sealKey = { issuer: ISSUER, key: publicKey(issuerKey, nodeProvider) };

export const spec: HolderGrantSpec = {
  operator: { id: 'acme-corp', config: seed(50) },
  model: { id: 'agent-v2', digest: seed(51) },
  session: SESSION,
  user: 'jane@acme.com',
  tools: ['pay', 'search'],
  delegations: 3,
  issuedAt: NOW,
  expires: LATER,
  audience: AUDIENCE,
  holder: agent(0).publicKey,
};
export const token = (more: Partial<HolderGrantSpec> = {}, seal?: Signer<'issuer'>): string =>
  mint(keyring, { ...spec, ...more }, seal);

export const verifier = (more: Partial<VerifierOptions> = {}): Verifier =>
  createVerifier({ audience: AUDIENCE, keys: keyring.exportFor(AUDIENCE), provider: nodeProvider, ...more });

export function makeCall(tool: string, args: { readonly [name: string]: unknown } = {}): Call {
  const made = parseCall({ tool, args });
  if (!made.ok) throw new TypeError(made.message);
  return made.call;
}
export const pay = (amount: number): Call => makeCall('pay', { amount });
export const facts = (more: Partial<Facts> = {}): Facts => ({ now: NOW, data: [], ...more });

/** An authorizer over a store whose session is open. */
export async function authorizer(store: Store, more: Partial<AuthorizerOptions> = {}): Promise<Authorizer> {
  if ((await store.sessions.get(ISSUER, SESSION)) === null)
    await store.sessions.open({ issuer: ISSUER, id: SESSION, operator: 'acme-corp', expires: LATER }, NOW);
  return createAuthorizer({ verifier: verifier(), store, ...more });
}

/** Shows a token with a fresh signed proof. */
export const use = (
  to: Authorizer,
  text: string,
  what: Call,
  by: Signer<'holder'> = agent(0),
  f: Facts = facts(),
): Promise<Authorized | Denial> =>
  to.authorize({
    token: text,
    proof: prove(text, what, { audience: AUDIENCE, time: f.now }, by),
    call: what,
    facts: f,
  });

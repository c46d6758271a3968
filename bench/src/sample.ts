// The authority that every benchmark measures: two tools, two data labels, three denied tools, an expiry, a
// user and a session; and caveats that narrow it one by one, of the kinds a macaroon peer can say as well.
import {
  attenuate,
  parseCall,
  delegate,
  Keyring,
  mint,
  mintBearer,
  restrict,
  SecretKey,
  signer,
  type Call,
  type GrantSpec,
  type Restriction,
  type Signer,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';

export const NOW = 1_772_373_600;
export const AUDIENCE = 'search.acme.com';
export const keyring: Keyring = Keyring.create('iam.acme.com');
export const holder: Signer<'holder'> = signer(SecretKey.generate('holder'), nodeProvider);
export const RAW_ARGS = '{"q":"macaroons"}';
export const facts = { now: NOW, data: ['public'], external: true } as const;

export const spec = (): GrantSpec => ({
  operator: { id: 'acme-corp' },
  model: { id: 'agent-v2.1', digest: new Uint8Array(32).fill(7) },
  session: 'agt-2026-03-01-a7f3e2',
  user: 'analyst-jane@acme.com',
  tools: ['web_search', 'read_internal_docs'],
  data: ['public', 'internal:research'],
  deny: ['external_email', 'file_write', 'code_exec'],
  issuedAt: NOW,
  expires: NOW + 1800,
  audience: AUDIENCE,
});

/** The i-th narrowing: tools, expiry, deny, data, audience, in turn. */
export function narrowing(i: number): Restriction {
  switch (i % 5) {
    case 0:
      return restrict.tools('web_search', 'read_internal_docs');
    case 1:
      return restrict.expires(NOW + 1700 - i);
    case 2:
      return restrict.deny('code_exec');
    case 3:
      return restrict.data('public', 'internal:research');
    default:
      return restrict.audience(AUDIENCE);
  }
}

export const narrowings = (n: number): Restriction[] => Array.from({ length: n }, (_, i) => narrowing(i));
export const bearerToken = (caveats: number): string =>
  attenuate(mintBearer(keyring, spec()), ...narrowings(caveats));
export const heldToken = (caveats: number, delegations = 0): string =>
  attenuate(mint(keyring, { ...spec(), delegations, holder: holder.publicKey }), ...narrowings(caveats));

/** A token delegated `n` times; the last holder's signer comes with it. */
export function delegatedToken(caveats: number, n: number): { token: string; by: Signer<'holder'> } {
  let token = heldToken(caveats, n);
  let by = holder;
  for (let i = 0; i < n; i++) {
    const next = signer(SecretKey.generate('holder'), nodeProvider);
    token = delegate(token, { to: next.publicKey, label: `agent-${i}`, time: NOW }, by);
    by = next;
  }
  return { token, by };
}

/** The call, its arguments parsed from text as they arrive. */
export function freshCall(tool = 'web_search', args: string = RAW_ARGS): Call {
  const made = parseCall({ tool, args });
  if (!made.ok) throw new Error(made.message);
  return made.call;
}

/** A text with the same characters in memory of its own: no cached hash, as from a socket. */
export const freshText = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

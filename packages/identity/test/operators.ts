// Configurations and actors the tests share: real keys, made from fixed seeds.
import { publicKey, SecretKey, signer } from '@ambit/core';
import type { PublicKey, Signer } from '@ambit/core';
import { readOperator, type Operator, type RevocationView } from '../src/index.ts';

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);

export const modelSecret: SecretKey<'model'> = new SecretKey('model', seed(1));
export const otherModelSecret: SecretKey<'model'> = new SecretKey('model', seed(2));
export const issuerSecret: SecretKey<'issuer'> = new SecretKey('issuer', seed(3));
export const partnerSecret: SecretKey<'issuer'> = new SecretKey('issuer', seed(4));
export const holderSecret: SecretKey<'holder'> = new SecretKey('holder', seed(5));

export const modelSigner: Signer<'model'> = signer(modelSecret);
export const modelKey: PublicKey<'model'> = publicKey(modelSecret);
export const issuerKey: PublicKey<'issuer'> = publicKey(issuerSecret);
export const partnerKey: PublicKey<'issuer'> = publicKey(partnerSecret);
export const holderKey: PublicKey<'holder'> = publicKey(holderSecret);

/** A small configuration; `edit` changes the text before it is read. */
export function acme(edit: (text: string) => string = (t) => t): Operator {
  return readOperator(edit(ACME));
}

export const ACME = `ambit: 1
operator: acme-corp
issuer: razorsec-iam-service
keys: { seal-1: ${issuerKey.toString()} }
signers:
  ml-platform: ${modelKey.toString()}
  ml-lab: ${publicKey(otherModelSecret).toString()}
tools:
  web_search: { external: true, data: [public], untrusted: true, writes: false }
  read_internal_docs: { external: false, data: [internal:research], untrusted: false, writes: false }
  read_customers: { external: false, data: [internal:customers], untrusted: false, writes: false, signedProof: true }
  fs.*: { external: false, data: [internal:research], untrusted: false, writes: true }
  fs.read: { external: false, data: [internal:research], untrusted: false, writes: false }
  ping: { external: false, data: [], untrusted: false, writes: false, proceed: true }
allow:
  deny: [code_exec, fs.format]
models:
  agent-v2: { signers: [ml-platform], deny: [fs.delete] }
groups:
  junior: { tools: [web_search, read_internal_docs], data: [public, internal:research], life: 10m }
  senior: { tools: [web_search, read_internal_docs, read_customers, fs.*, ping], data: [public, internal] }
  docs: { tools: [read_internal_docs], data: [internal:research] }
  crm: { tools: [read_customers], data: [internal:customers] }
users:
  jane: { groups: [junior] }
  sam: { groups: [senior] }
  pat: { groups: [docs, crm], deny: [web_search] }
sessions:
  default: { life: 15m, delegations: 1, budgets: [{ unit: calls, limit: 50 }] }
  most: { life: 1h, delegations: 2, budgets: [{ unit: calls, limit: 200 }, { unit: external, limit: 20 }] }
federation:
  partner-labs:
    issuer: partner-iam
    keys: { seal-1: ${partnerKey.toString()} }
    tools: [web_search, read_customers]
    data: [public]
    life: 5m
    delegations: 1
`;

/** A revocation list with nothing on it. */
export const nothingRevoked: RevocationView = { isRevoked: () => ({ ok: true }) };

// The issuer's side: binding a grant by the four layers, minting it, the session it stands in, and what is revoked,
// spent or changed afterwards. Services import `@ambit/guard`, agents `@ambit/agent`; neither imports this.
export {
  openAuthority,
  type Authority,
  type Issued,
  type OpenAuthorityOptions,
  type Revoke,
} from './authority.ts';
export type { Ask } from './door/ask.ts';
export { mintedToken } from './door/minted.ts';
export * from './budgets.ts';
export * from './configuration.ts';
export * from './grant.ts';
export * from './issuer.ts';
export * from './revocations.ts';
export {
  duringSession,
  mintInSession,
  newSessionId,
  openSession,
  type Minted,
  type Minting,
  type SessionRefusal,
} from './session.ts';

// The issuer's side: binding a grant by the four layers, minting it, and the session it stands in. Services import
// `@ambit/guard`, agents `@ambit/agent`; neither imports this.
export * from './grant.ts';
export * from './issuer.ts';
export {
  duringSession,
  mintInSession,
  newSessionId,
  openSession,
  type Minted,
  type Minting,
  type SessionRefusal,
} from './session.ts';

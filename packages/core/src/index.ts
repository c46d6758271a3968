// Ambit core: a capability token for AI agents, and the two questions a service asks of it.
//
// THE IDEA. A token says which tools an agent may call, with which arguments, on which data, for whom, until
// when and how often. It is a macaroon: a chain of HMACs over a grant and its caveats. Its holder can
// append a caveat, because the last MAC of the chain (the tail) is the key of the next; a caveat can't be taken
// away, because the key it needs is not in the token. Authority is the grant AND every caveat, each evaluated on its
// own, so a descendant can only ever allow less. There is no logic that compares authorities and could be wrong.
//
// NOT A BEARER SECRET. The grant names the holder's Ed25519 key, and each use carries a proof made with it over
// audience, token, tool, arguments, time and a nonce. A sub-agent gets a derived token: its delegator appends
// restrictions, then a `delegate` caveat that names the sub-agent's key, signed by the delegator's own. So a
// token carries who acted for whom, and anyone can check the chain of holders.
//
// KEYS. The issuer's root key never leaves it. A service gets the key derived for its own audience; broken into,
// it can mint for itself only.
//
// WIRE. `amb1_` and base64url of canonical CBOR [version, grant, [caveat, ...], tail]. MACs, signatures and
// digests cover the bytes that arrived. One encoding is accepted. See SPEC.md.
//
// USE, at the issuer, the agent, and the service:
//
//   const token = mint(keyring, { ...who, tools: ['web_search'], holder: agent.publicKey, issuedAt, expires });
//   const narrow = attenuate(token, restrict.calls(5));
//   const proof = prove(narrow, call, { audience: 'search.acme.com', time }, agent);
//
//   const shown = verifier.verify({ token: narrow, proof, call, now });   // genuine, valid now, and theirs?
//   if (shown.ok) decision = authorize(shown.token, facts, ledger);       // may this call run?
//
// Verification touches no policy, authorization takes nothing that was not verified (the types see to it), and no
// state is touched before everything stateless has passed. Denials are values with a stable code; exceptions
// mean misuse. Core is pure and synchronous: no I/O, no clock, no node: import.
//
// WHAT IT DOES NOT DO. It can't stop a holder that gives its private key away or relays requests for another.
// Counters, nonces and revocations live in a ledger (`@ambit/state`). It bounds what an agent can do; it does
// not make what it does wise.

// Names, numbers and forms shared by everything.
export * from './codes.ts';
export * from './limits.ts';
export { STEPS } from './args/steps.ts';
export { nearest } from './nearest.ts';
export { ownOptions, Problems } from './problems.ts';
export { secondsUntil, spanSeconds, type Span } from './times.ts';
export { LABELS, type Label, type LabelName } from './labels.ts';
export { foldText } from './fold.ts';
export {
  concat,
  copyOf,
  equal,
  fromBase64url,
  fromHex,
  fromUtf8,
  own,
  toBase64url,
  toHex,
  utf8,
} from './bytes.ts';
export {
  CborWriter,
  decode as decodeCbor,
  encode as encodeCbor,
  MAJOR as CBOR_MAJOR,
  type Cbor,
  type CborMap,
} from './cbor/index.ts';
export * from './crypto/index.ts';

// Keys, and who signs.
export { prefixOf, PublicKey, publicKey, SecretKey, type PublicUse, type SecretUse } from './keys/key.ts';
export { deriveKey, Keyring, VerificationKey, type KeyStatus, type RootKey } from './keys/keyring.ts';
export { signer, type AsyncSigner, type Signer } from './keys/signer.ts';

// The token: its contents, making one, narrowing it.
export { BUDGET_UNITS, budgetWords, type Budget, type BudgetUnit } from './token/budget.ts';
export { LONGEST_SLIDING, spanOf, stepOf } from './token/budget-window.ts';
export type { Grant } from './token/grant.ts';
export { evidence, EVIDENCE_PREFIX, TOKEN_PREFIX, VERSION } from './token/frame.ts';
export { isName, isNote } from './token/names.ts';
export { caveatWords, restrict, type Caveat, type CaveatOf, type Restriction } from './caveats/index.ts';
export type { TimeWords } from './caveats/kind.ts';
export { isExpired } from './caveats/time.ts';
export { mint, mintBearer, mintSealed, type GrantSpec, type HolderGrantSpec } from './token/mint.ts';
export { attenuate, delegate, delegateLater, type Delegation } from './token/narrow.ts';

// The call: tool, arguments, constraints.
export type { Call, Facts, FlowFacts, HttpContext } from './call.ts';
export { parseCall, type CallInput } from './make-call.ts';
export { Arguments } from './args/arguments.ts';
export { canonicalJson } from './args/canonical.ts';
export { parseJson, type Json, type JsonArray, type JsonObject, type JsonResult } from './args/json.ts';
export { snapshotJson } from './args/snapshot.ts';
export { inCidr, isCidr, parseAddress, parseCidr, unmapAddress } from './args/cidr.ts';
export { constraintProblem, describeConstraint, type Constraint } from './args/constraint.ts';
export * from './patterns.ts';

// Proofs of possession.
export { prove, proveLater, type ProofOptions } from './proof/prove.ts';
export { PROOF_PREFIX, proofText, readProof, type Proof } from './proof/proof.ts';
export { bodyDigest } from './proof/statement.ts';
export {
  OFFER_PREFIX,
  offerText,
  ProofSession,
  readOffer,
  type SessionOffer,
  type SessionTiming,
  type UnsafeSessionState,
} from './proof/proof-session.ts';
export type { SessionTableOptions } from './proof/session-table.ts';
export { SequenceWindow, type WindowAnswer } from './proof/window.ts';

// Verify, then authorize.
export { createVerifier, Verifier, type Identification, type Verification } from './verify/verifier.ts';
export type { Presentation, SealKey, VerifierOptions } from './verify/options.ts';
export type { AuthenticToken, ChainNode, TokenView, VerifiedBy } from './verify/authentic.ts';
export { giveUseBack, takeUse, type VerifiedToken } from './verify/verified.ts';
export { revocationSubject, type Revocable, type RevocationSubject } from './verify/revocable.ts';
export type { ProofKind } from './verify/possession.ts';
export type {
  Charges,
  CounterCharge,
  Ledger,
  LedgerAnswer,
  NonceClaim,
  ProofClaim,
  SequenceClaim,
} from './charges.ts';
export {
  evaluate,
  authorize,
  isFree,
  type Allowed,
  type Conditional,
  type Decision,
} from './authorize/authorize.ts';
export { asksForFlow } from './authorize/asks.ts';
export { explain, type Explanation, type CheckOutcome } from './authorize/explain.ts';
export { listCounters, type CounterView } from './authorize/counters.ts';

// For people: unverified views.
export { inspect, type Inspection } from './inspect/inspect.ts';
export { effectiveAuthority, withoutEffect, type Authority } from './inspect/authority.ts';
export { diff, type DiffRow } from './inspect/diff.ts';

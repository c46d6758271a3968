// The one table of denial and error codes: sentence, HTTP status, exit code of the command line. Help,
// documentation, problem bodies and exit states are generated from it. Codes are stable: never renamed.
// Before a token's MAC is checked a caller learns `token_invalid` and nothing else (DESIGN section 9).

/** Sentence: what is wrong and what to do. status: HTTP. exit: of `ambit`. */
export interface CodeEntry {
  readonly sentence: string;
  readonly status: number;
  readonly exit: 1 | 2 | 3 | 4 | 70;
}

const row = (sentence: string, status: number, exit: CodeEntry['exit']): CodeEntry =>
  Object.freeze({ sentence, status, exit });

/** All codes. */
export const CODES = Object.freeze({
  // The token itself, and the keys it asks for.
  token_invalid: row('The token is malformed, forged or not for this verifier; ask its issuer for another.', 401, 3),
  token_missing: row('No token was presented; attach one.', 401, 3),
  wrong_audience: row('The token is for another service; ask for one whose audience is this service.', 401, 1),
  key_retired: row('The key that minted this token has been retired; ask the issuer for a new token.', 401, 1),
  bearer_refused: row('The token has no holder key and this verifier takes no bearer tokens; mint it with a holder.', 401, 1),
  seal_required: row('This verifier needs a token sealed by its issuer; mint it with a seal.', 401, 1),
  seal_invalid: row('The issuer seal does not verify; ask the issuer for a new token.', 401, 1),
  not_federated: row('The issuer is not among those this verifier accepts by signature.', 401, 1),
  delegation_invalid: row('A delegation in the token is not signed by the holder before it; derive it again.', 401, 1),
  delegation_exceeded: row('The token allows no further delegation; ask for one that is delegable.', 401, 1),
  // Time.
  expired: row('The token has expired; ask for a fresh one.', 401, 1),
  not_yet_valid: row('The token is not valid yet; check the clock or wait.', 401, 1),
  // Proof of possession.
  proof_missing: row('The token needs a proof made with its holder\'s key; attach one to every call.', 401, 1),
  proof_invalid: row('The proof does not match this token, call and holder; prove exactly what you send.', 401, 1),
  proof_expired: row('The proof is too old or from the future; check the clock and prove again.', 401, 1),
  proof_signature_required: row('This tool needs a signed proof; a session proof is not enough.', 401, 1),
  replayed: row('This proof was used before; make a new one for every call.', 401, 1),
  ticket_invalid: row('The session ticket does not match this verifier, token or holder; sign a new one.', 401, 1),
  ticket_expired: row('The session ticket has expired; sign a new one.', 401, 1),
  session_unknown: row('The verifier does not know this proof session; present a new ticket.', 401, 1),
  session_limit: row('Too many proof sessions are open for this holder; let one expire or reuse one.', 429, 1),
  // Authority.
  tool_not_granted: row('The tool is not among those this token grants.', 403, 1),
  tool_denied: row('The tool is on the deny list.', 403, 1),
  tool_invalid: row('The tool name is not made of segments of A-Z, a-z, 0-9, _ and - joined by . or /.', 400, 3),
  audience_refused: row('A caveat limits this token to other services.', 403, 1),
  argument_refused: row('An argument is outside what the token allows.', 403, 1),
  arguments_invalid: row('The arguments are not plain JSON that every reader understands alike.', 400, 3),
  data_refused: row('The call touches data outside the scope of this token.', 403, 1),
  data_unknown: row('It is not known which data the call touches; classify the tool in the configuration.', 403, 1),
  fact_missing: row('A fact that a caveat needs was not supplied by the enforcement point.', 403, 1),
  http_refused: row('The method or path is outside what the token allows.', 403, 1),
  net_refused: row('The client address is outside the networks this token allows.', 403, 1),
  flow_refused: row('Untrusted content has entered this session and the token forbids this call after it.', 403, 1),
  approval_required: row('Untrusted content has entered this session; this call needs approval by a person.', 403, 1),
  // State.
  ledger_required: row('The token carries a budget, a once or a proof that must be remembered, and no ledger was supplied.', 403, 1),
  budget_exceeded: row('A budget of this token or of an ancestor is used up.', 403, 1),
  once_used: row('The token may be used once and was used before.', 403, 1),
  budget_amount: row('The amount to be charged is not a whole number from 0 to 2^53-1.', 403, 1),
  store_unavailable: row('The state store did not answer; the call is denied until it does.', 503, 4),
  store_corrupt: row('The state store is damaged; restore it before any call is allowed.', 503, 4),
  store_full: row('The state store has no room; free some before any call is allowed.', 503, 4),
  revoked: row('The token, or something it depends on, was revoked.', 401, 1),
  revocations_stale: row('The revocation list is older than allowed, or was rolled back; fetch a new one.', 503, 4),
  // Identity.
  session_closed: row('The session is closed; open a new one.', 401, 1),
  session_not_found: row('The session is not known; open one by minting.', 401, 1),
  operator_unknown: row('The operator is not registered here.', 403, 1),
  config_changed: row('The operator configuration has changed since this token was minted; ask for a new one.', 401, 1),
  config_invalid: row('The operator configuration is not valid.', 500, 3),
  model_unknown: row('The model is not admitted by the operator configuration.', 403, 1),
  model_unattested: row('The model artifact has no valid attestation by a trusted signer.', 403, 1),
  model_tampered: row('The model artifact does not match its attested digest.', 403, 1),
  model_signer_unknown: row('The attestation is signed by someone the configuration does not trust.', 403, 1),
  model_revoked: row('The model digest was revoked.', 403, 1),
  user_unknown: row('The user is not known to the operator.', 403, 1),
  user_not_entitled: row('The user may not do this, so no agent may do it for them.', 403, 1),
  entitlements_unavailable: row('The user\'s current rights could not be read; the call is denied.', 503, 4),
  authority_empty: row('Nothing is left when operator, model, user and request are intersected.', 403, 1),
  // Audit.
  audit_unavailable: row('The audit log did not take the record; no call runs unlogged.', 503, 4),
  audit_corrupt: row('The audit log is damaged; verify and restore it before going on.', 503, 4),
  audit_refused: row('The record was refused by the audit log.', 400, 3),
  witness_unavailable: row('Too few witnesses have cosigned the checkpoint.', 503, 4),
  witness_conflict: row('A witness has seen another history of this log; investigate a fork or rollback.', 503, 4),
  // Enforcement point.
  method_not_allowed: row('The method is not one this guard lets through.', 403, 1),
  request_invalid: row('The request is malformed.', 400, 3),
  request_too_large: row('The request is larger than the guard accepts.', 413, 3),
  upstream_failed: row('The guarded server did not answer.', 502, 4),
  behavior_narrowed: row('The behaviour of this session broke its pattern; it has been narrowed.', 403, 1),
  // Command line and library use.
  usage: row('The command was not understood; see --help.', 400, 2),
  input_invalid: row('The input is malformed.', 400, 3),
  key_invalid: row('The key is malformed or of another type.', 400, 3),
  key_unknown: row('No key with this id is in the keyring.', 400, 3),
  key_exposed: row('The secret file can be read by others; chmod 600 it.', 500, 4),
  file_missing: row('The file does not exist.', 404, 4),
  file_exists: row('The file exists and is not overwritten.', 409, 4),
  io_failed: row('Reading or writing failed.', 500, 4),
  internal: row('This is a bug in Ambit; please report it.', 500, 70),
} as const);

/** A stable code. */
export type DenialCode = keyof typeof CODES;

/** A denial is a value (law L9). It names what denied and holds no secret. */
export interface Denial {
  readonly ok: false;
  readonly code: DenialCode;
  /** One sentence for people: what was refused and what would have been allowed. */
  readonly message: string;
  /** Index of the caveat that denied; -1 for the grant; absent when no caveat did. */
  readonly caveat?: number;
}

/** A denial; `detail` is appended to the code's own sentence. */
export function deny(code: DenialCode, detail?: string, caveat?: number): Denial {
  const sentence = CODES[code].sentence;
  const message = detail === undefined ? sentence : `${sentence} (${detail})`;
  return caveat === undefined ? { ok: false, code, message } : { ok: false, code, message, caveat };
}

/**
 * Thrown by the functions that make things (mint, attenuate, delegate, key parsing) when their input is not
 * usable. Verification never throws it. The message holds no secret.
 */
export class AmbitError extends Error {
  readonly code: DenialCode;
  constructor(code: DenialCode, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? CODES[code].sentence : detail, options);
    this.name = 'AmbitError';
    this.code = code;
  }
}

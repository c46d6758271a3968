// The one table of denial and error codes: sentence, HTTP status, exit code of the command line. Help,
// documentation, problem bodies and exit states are generated from it. Codes are stable: never renamed.
// Before a token's MAC is checked a caller learns `token_invalid` and nothing else (docs/design.md section 9).

/** Sentence: what is wrong and what to do. status: HTTP. exit: of `ambit`. */
export interface CodeEntry {
  readonly sentence: string;
  readonly status: number;
  readonly exit: 1 | 2 | 3 | 4 | 70;
}

/** The table: code, sentence, HTTP status, exit code. `CODES` is the form to read it in. */
export const CODE_TABLE = {
  // The token itself, and the keys it asks for.
  token_invalid: [
    'The token is malformed, forged or not for this verifier; ask the issuer for a new one.',
    401,
    3,
  ],
  token_missing: ['No token was presented; attach one.', 401, 3],
  wrong_audience: ['The token is for another service; ask for one whose audience is this service.', 401, 1],
  key_retired: ['The key that minted this token has been retired; ask the issuer for a new token.', 401, 1],
  bearer_refused: [
    'The token has no holder key, and this verifier accepts no bearer tokens; mint it with a holder.',
    401,
    1,
  ],
  seal_required: ['This verifier needs a token sealed by its issuer; mint it with a seal.', 401, 1],
  seal_invalid: ['The issuer seal does not verify; ask the issuer for a new token.', 401, 1],
  not_federated: ['This verifier accepts no tokens of this issuer by signatures alone.', 401, 1],
  delegation_invalid: [
    'A delegation in the token is not signed by the previous holder; derive the token again.',
    401,
    1,
  ],
  delegation_exceeded: ['The token allows no further delegation; ask for one that can be delegated.', 401, 1],
  // Time.
  expired: ['The token has expired; ask for a fresh one.', 401, 1],
  not_yet_valid: ['The token is not valid yet; check the clock or wait.', 401, 1],
  // Proof of possession.
  proof_missing: ["The token needs a proof made with its holder's key; attach one to each call.", 401, 1],
  proof_invalid: [
    'The proof does not match this token, call and holder; prove exactly the call you send.',
    401,
    1,
  ],
  proof_expired: ['The proof is too old or from the future; check the clock and prove again.', 401, 1],
  proof_signature_required: ['This tool needs a signed proof; a session proof is not enough.', 401, 1],
  replayed: ['This proof has been used; make a new one for each call.', 401, 1],
  ticket_invalid: [
    'The session ticket does not match this verifier, token or holder; sign a new one.',
    401,
    1,
  ],
  ticket_expired: ['The session ticket has expired; sign a new one.', 401, 1],
  session_unknown: ['The verifier does not know this proof session; present a new ticket.', 401, 1],
  session_limit: ['Too many proof sessions are open for this holder; let one expire or reuse one.', 429, 1],
  // Authority.
  tool_not_granted: ['The tool is not among those this token grants.', 403, 1],
  tool_denied: ['The tool is on the deny list.', 403, 1],
  tool_invalid: [
    'Invalid tool name: use segments of A-Z, a-z, 0-9, `_` or `-`, separated by `.` or `/`.',
    400,
    3,
  ],
  audience_refused: ['A caveat limits this token to other services.', 403, 1],
  argument_refused: ['An argument is outside what the token allows.', 403, 1],
  arguments_invalid: [
    'The arguments are not unambiguous JSON; avoid duplicate names, unsafe numbers and invalid Unicode.',
    400,
    3,
  ],
  data_refused: ['The call touches data outside the scope of this token.', 403, 1],
  data_unknown: ['The data labels of this call are unknown; classify the tool in the configuration.', 403, 1],
  fact_missing: ['The enforcement point did not supply a fact that a caveat needs.', 403, 1],
  http_refused: ['The method or path is outside what the token allows.', 403, 1],
  net_refused: ['The client address is outside the networks this token allows.', 403, 1],
  flow_refused: [
    'Untrusted content has entered this session, and the token forbids this call from then on.',
    403,
    1,
  ],
  approval_required: [
    'Untrusted content has entered this session; this call needs approval by a person.',
    403,
    1,
  ],
  // State.
  ledger_required: [
    'This token needs a ledger (budget, one-time use or replay check), and none was supplied.',
    403,
    1,
  ],
  budget_exceeded: ['A budget of this token or of an ancestor is used up.', 403, 1],
  once_used: ['The token can be used once, and it has been used.', 403, 1],
  budget_amount: ['The amount to charge must be a whole number from 0 to 2^53-1.', 403, 1],
  store_unavailable: ['The state store did not answer; the call is denied until it does.', 503, 4],
  store_corrupt: ['The state store is damaged; restore it before any call is allowed.', 503, 4],
  store_full: ['The state store has no room; free some before any call is allowed.', 503, 4],
  revoked: ['The token, or something it depends on, was revoked.', 401, 1],
  revocations_stale: [
    'The revocation list is older than allowed, or was rolled back; fetch a new one.',
    503,
    4,
  ],
  // Identity.
  session_closed: ['The session is closed; open a new one.', 401, 1],
  session_not_found: ['The session is unknown; mint a token to open one.', 401, 1],
  operator_unknown: ['The operator is not registered here.', 403, 1],
  config_changed: [
    'The operator configuration has changed since this token was minted; ask for a new one.',
    401,
    1,
  ],
  config_invalid: ['The operator configuration is invalid.', 500, 3],
  model_unknown: ['The model is not admitted by the operator configuration.', 403, 1],
  model_unattested: ['The model artifact has no valid attestation by a trusted signer.', 403, 1],
  model_tampered: ['The model artifact does not match its attested digest.', 403, 1],
  model_signer_unknown: ['The attestation is signed by someone the configuration does not trust.', 403, 1],
  model_revoked: ['The model digest was revoked.', 403, 1],
  user_unknown: ['The user is not known to the operator.', 403, 1],
  user_not_entitled: ["The user is not entitled to this, so an agent can't do it for them.", 403, 1],
  entitlements_unavailable: ["The user's current rights could not be read; the call is denied.", 503, 4],
  authority_empty: [
    'Operator, model, user and request have no authority in common; ask for tools that all of them allow.',
    403,
    1,
  ],
  // Audit.
  audit_unavailable: [
    'The audit log could not store the record; the call is denied, because no call runs unlogged.',
    503,
    4,
  ],
  audit_corrupt: ['The audit log is damaged; verify and restore it.', 503, 4],
  audit_refused: ['The audit log refused the record.', 400, 3],
  witness_unavailable: ['Too few witnesses have cosigned the checkpoint.', 503, 4],
  witness_conflict: [
    'A witness has seen a different history of this log; look for a fork or a rollback.',
    503,
    4,
  ],
  // Enforcement point.
  method_not_allowed: ['The guard does not allow this method.', 403, 1],
  request_invalid: ['The request is malformed.', 400, 3],
  request_too_large: ['The request is larger than the guard allows.', 413, 3],
  request_timeout: ['The request took too long to arrive.', 408, 4],
  service_failed: ['The service failed on this request; its operator has the cause in the log.', 500, 4],
  upstream_failed: ['The guarded server did not answer.', 502, 4],
  behavior_narrowed: ['This session deviated from its usual pattern, and the guard restricts it.', 403, 1],
  // An agent.
  service_unreachable: ['The service could not be reached; check the URL and that the service runs.', 502, 4],
  // Command line and library use.
  usage: ['Invalid command line; see --help.', 400, 2],
  input_invalid: ['The input is malformed.', 400, 3],
  key_invalid: ['The key is malformed or of another type.', 400, 3],
  key_unknown: ['The keyring has no key with this id.', 400, 3],
  key_exposed: ['Other users can read this secret file; run chmod 600 on it.', 500, 4],
  file_missing: ['The file does not exist.', 404, 4],
  file_exists: ['The file exists and will not be overwritten.', 409, 4],
  io_failed: ['Reading or writing failed.', 500, 4],
  internal: ['This is a bug in Ambit; please report it.', 500, 70],
} as const;

/** A stable code. */
export type DenialCode = keyof typeof CODE_TABLE;

/** All codes. */
export const CODES: Readonly<Record<DenialCode, CodeEntry>> = Object.freeze(
  Object.fromEntries(
    Object.entries(CODE_TABLE).map(([code, [sentence, status, exit]]) => [
      code,
      Object.freeze({ sentence, status, exit }),
    ]),
  ) as Record<DenialCode, CodeEntry>,
);

/** A denial is a value (law L9). It names what denied and holds no secret. */
export interface Denial {
  readonly ok: false;
  readonly code: DenialCode;
  /** One sentence for people: what was refused and what would have been allowed. */
  readonly message: string;
  /** Index of the caveat that denied; -1 for the grant; absent when no caveat did. */
  readonly caveat?: number;
  /** What is left of the budget that denied, in its unit. */
  readonly left?: number;
  /** Unix seconds at which the window of that budget ends; absent when it is counted in all. */
  readonly resets?: number;
  /** Set when the token's MAC (or seal) has not passed: a caller is told `token_invalid` only (`forCaller`). */
  readonly unverified?: true;
}

/** A list of a token as words of a denial: eight items, whoever chose how many there are (attack K7). */
export function shortList(items: readonly string[], none = 'none'): string {
  if (items.length === 0) return none;
  return `${items.slice(0, 8).join(', ')}${items.length > 8 ? ', ...' : ''}`;
}

/** What a caller may be told: of a token that did not verify, one code and nothing else (docs/design.md section 9). */
export const forCaller = (denial: Denial): Denial =>
  denial.unverified === true ? deny('token_invalid') : denial;

/** The most characters of a denial's detail: it travels in a header. */
const DETAIL = 600;

/** Whether an answer is a denial, by its own `ok`: an inherited one (a polluted Object.prototype) says nothing. */
export const isDenial = (answer: object): answer is Denial =>
  Object.hasOwn(answer, 'ok') && (answer as { readonly ok: unknown }).ok === false;

/** A denial; `detail` is appended to the code's own sentence. */
export function deny(code: DenialCode, detail?: string, caveat?: number): Denial {
  const sentence = CODES[code].sentence;
  const short = detail !== undefined && detail.length > DETAIL ? `${detail.slice(0, DETAIL)}...` : detail;
  const message = short === undefined ? sentence : `${sentence} (${short})`;
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

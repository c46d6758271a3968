// One call, one decision: verify, assess, then the state, in the order of law L8. Signature and policy first,
// because they change no state; then revocation and the session, at every use, whether or not the token
// was cached; then one trip to the store that charges everything in one atomic step; then revocation again,
// because that trip took time, and what was revoked during it is out. A store that fails or is
// slow denies, unless the operator has listed the tool as one that may proceed; the decision then says so, and
// `onProceed` is called first, because a call without its charges must not go unlogged.
import { evaluate, compileTools, deny, fromHex, isFree, isToolPattern, toBase64url } from '@ambit/core';
import type { Call, Charges, Denial, Facts, TokenView, VerifiedToken, Verifier } from '@ambit/core';
import type { Budgets, FaultCode, Reservation } from './budgets.ts';
import type { RevocationSubject } from './revocations.ts';
import type { Session } from './sessions.ts';
import type { Store } from './store.ts';

/** What an authorizer works with. */
export interface AuthorizerOptions {
  readonly verifier: Verifier;
  readonly store: Store;
  /** Charges go here instead of `store.budgets`: leases (`lease.ts`). */
  readonly budgets?: Budgets;
  /**
   * Whether a token's session has to be open in the store. Default true. False leaves it to the revocation
   * list, for services that don't share the issuer's sessions.
   */
  readonly requireOpenSession?: boolean;
  /** Tools whose calls proceed, uncharged, when the store fails: patterns, or a test. Default: none. */
  readonly proceedOnFault?: readonly string[] | ((tool: string) => boolean);
  /** Told of every call that proceeds so, before the decision is given. */
  readonly onProceed?: (proceeded: {
    readonly tool: string;
    readonly code: FaultCode | 'revocations_stale';
    readonly digest: string;
  }) => void;
}

/** One call. `now` is the time of everything; facts may depend on the token, and may be refused for it. */
export interface PresentedCall {
  readonly token: string;
  readonly proof?: string | undefined;
  readonly call: Call;
  /** The facts, or what finds them for a verified token: the operator's tool table and the identity layers. */
  readonly facts: Facts | ((token: VerifiedToken) => Facts | Denial);
  /** Unix seconds; default `facts.now`, and needed when facts are found later. */
  readonly now?: number;
}

/** The call may run. */
export interface Authorized {
  readonly ok: true;
  readonly token: VerifiedToken;
  readonly charges: Charges;
  /** To be settled after the call, or released before it; null when nothing was charged. */
  readonly reservation: Reservation | null;
  readonly session: Session | null;
  /** The fault in spite of which the call proceeds; null as a rule. */
  readonly fault: FaultCode | 'revocations_stale' | null;
}

/** Decides about calls. Rejects for misuse alone. */
export interface Authorizer {
  /** `verifier.verify`, the facts, then `admit`. */
  authorize(request: PresentedCall): Promise<Authorized | Denial>;
  /** All that follows verification, for a caller that has verified the token itself. */
  admit(token: VerifiedToken, facts: Facts): Promise<Authorized | Denial>;
  /** Gives back what a call did not use; `amounts` as for `Budgets.settle`. */
  settle(decision: Authorized, amounts: readonly number[]): Promise<boolean>;
  /** Gives everything back; only before the call has begun. */
  release(decision: Authorized): Promise<boolean>;
}

const subjects = new WeakMap<TokenView, RevocationSubject>();

/** Everything of a token that a revocation may name. Views are shared by all uses of a token's bytes. */
export function subjectOf(view: TokenView): RevocationSubject {
  let subject = subjects.get(view);
  if (subject === undefined) {
    subject = Object.freeze({
      issuer: view.issuer,
      token: view.tokenId,
      key: view.keyId,
      operator: view.operator.id,
      // The list writes digests in base64url, as the identity layers do; the view has hexadecimal.
      model: toBase64url(fromHex(view.model.digest) ?? new Uint8Array()),
      session: view.session,
      user: view.user,
      nodes: view.chain.map((node) => node.id),
      holders: view.chain.map((node) => node.holder),
    });
    subjects.set(view, subject);
  }
  return subject;
}

const FAULTS: ReadonlySet<string> = new Set(['store_unavailable', 'store_corrupt', 'store_full']);
const isFault = (code: string): code is FaultCode => FAULTS.has(code);

/** An authorizer; throws TypeError for options that make none. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { verifier, store, onProceed } = options;
  const budgets = options.budgets ?? store.budgets;
  const listed = options.proceedOnFault ?? [];
  if (typeof listed !== 'function' && !listed.every(isToolPattern))
    throw new TypeError('proceedOnFault: expected tool patterns');
  const mayProceed = typeof listed === 'function' ? listed : compileTools(listed);

  async function admit(token: VerifiedToken, facts: Facts): Promise<Authorized | Denial> {
    const assessed = evaluate(token, facts);
    if (assessed.ok === false) return assessed;
    const { charges } = assessed;
    const { view, call } = token;
    const now = Math.floor(Math.max(facts.now, token.now));
    // Set when the store failed and the operator lets this tool proceed. The remaining checks still run.
    let fault: Authorized['fault'] = null;
    const excuse = (code: FaultCode | 'revocations_stale'): Denial | null => {
      if (!mayProceed(call.tool)) return deny(code);
      fault ??= code;
      return null;
    };

    const subject = subjectOf(view);
    const revoked = (): Denial | null => {
      const answer = store.revocations.isRevoked(subject);
      if (answer.ok) return null;
      if (answer.code !== 'revoked') return excuse(answer.code);
      const { kind, reason } = answer.entry;
      return deny('revoked', reason === '' ? kind : `${kind}: ${reason}`);
    };
    const out = revoked();
    if (out !== null) return out;
    let session: Session | null = null;
    if (options.requireOpenSession !== false) {
      const asked = store.sessions.check(view.issuer, view.session, now);
      const answer = asked instanceof Promise ? await asked : asked;
      if (answer.ok) session = answer.session;
      else if (answer.code === 'session_closed' || answer.code === 'session_not_found')
        return deny(answer.code);
      else {
        const denial = excuse(answer.code);
        if (denial !== null) return denial;
      }
    }
    let reservation: Reservation | null = null;
    if (!isFree(charges)) {
      const answer = await budgets.reserve(charges, now);
      if (answer.ok) reservation = answer.reservation;
      else if (isFault(answer.code)) {
        const denial = excuse(answer.code);
        if (denial !== null) return denial;
      } else
        return deny(
          answer.code,
          answer.left === undefined ? undefined : `${answer.left} left`,
          answer.caveat,
        );
    }
    // Asked again, because there was a wait: what was revoked meanwhile (a closed session among it) is out.
    if (session !== null || reservation !== null) {
      const late = revoked();
      if (late !== null) {
        if (reservation !== null) await budgets.release(reservation);
        return late;
      }
    }
    if (fault !== null) onProceed?.({ tool: call.tool, code: fault, digest: view.digest });
    return { ok: true, token, charges, reservation, session, fault };
  }

  return {
    admit,
    authorize: async ({ token, proof, call, facts: given, now: time }) => {
      const at = time ?? (typeof given === 'function' ? Number.NaN : given.now);
      const verified = verifier.verify({ token, proof, call, now: at });
      if (!verified.ok) return verified;
      const facts = typeof given === 'function' ? given(verified.token) : given;
      return 'ok' in facts ? facts : admit(verified.token, facts);
    },
    settle: async ({ reservation }, amounts) => reservation === null || budgets.settle(reservation, amounts),
    release: async ({ reservation }) => reservation === null || budgets.release(reservation),
  };
}

// One call, one decision: verify, assess, then the state, in the order of law L8. Signature and policy first,
// because they change no state; then revocation and the session, at every use, whether or not the token
// was cached; then one trip to the store that charges everything in one atomic step; then revocation again,
// because that trip took time, and what was revoked during it is out. A store that fails or is
// slow denies, unless the operator has listed the tool as one that may proceed; the decision then says so, and
// `onProceed` is called first, because a call without its charges must not go unlogged.
import {
  evaluate,
  compileTools,
  deny,
  isDenial,
  isFree,
  isToolPattern,
  revocationSubject,
} from '@ambit/core';
import type { Call, Charges, Denial, Facts, TokenView, VerifiedToken, Verifier } from '@ambit/core';
import type { Budgets, FaultCode, Refused, Reservation } from './budgets.ts';
import type { RevocationKind, RevocationSubject } from './revocations.ts';
import type { Session } from './sessions.ts';
import type { Store } from './store.ts';

/** What an authorizer works with. */
export interface AuthorizerOptions {
  readonly verifier: Verifier;
  readonly store: Store;
  /** Charges go here instead of `store.budgets`: leases (`lease.ts`). */
  readonly budgets?: Budgets;
  /**
   * Whether a token's session has to be open in the store; or for which issuers. Default true. False leaves it to
   * the revocation list, for services that don't share the issuer's sessions.
   */
  readonly requireOpenSession?: boolean | ((issuer: string) => boolean) | undefined;
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

/** What the state said to one question about a call; `kind`: what a revocation names. */
export type StateAnswer =
  | { readonly answer: 'allowed' | 'not_asked' }
  | { readonly answer: 'refused'; readonly denial: Denial; readonly kind?: RevocationKind };

/** The decision about a verified call, and the two answers of the state that it was made with. */
export interface Admission {
  readonly verdict: Authorized | Denial;
  /** Not revoked; `not_asked` also when the list could not be trusted and the tool proceeds regardless. */
  readonly revocation: StateAnswer;
  /** Open; or not revoked, where a session doesn't have to be open in this store. */
  readonly session: StateAnswer;
}

/** Decides about calls. Rejects for misuse alone. */
export interface Authorizer {
  /** `verifier.verify`, the facts, then `admit`. */
  authorize(request: PresentedCall): Promise<Authorized | Denial>;
  /** All that follows verification, for a caller that has verified the token itself. */
  admit(token: VerifiedToken, facts: Facts): Promise<Admission>;
  /** Gives back what a call did not use; `amounts` as for `Budgets.settle`. */
  settle(decision: Authorized, amounts: readonly number[]): Promise<boolean>;
  /** Gives everything back; only before the call has begun. */
  release(decision: Authorized): Promise<boolean>;
}

const subjects = new WeakMap<TokenView, RevocationSubject>();

// Views are shared by all uses of a token's bytes.
function subjectOf(view: TokenView): RevocationSubject {
  let subject = subjects.get(view);
  if (subject === undefined) {
    subject = Object.freeze(revocationSubject(view));
    subjects.set(view, subject);
  }
  return subject;
}

const FAULTS: ReadonlySet<string> = new Set(['store_unavailable', 'store_corrupt', 'store_full']);
const ALLOWED: StateAnswer = Object.freeze({ answer: 'allowed' });
const NOT_ASKED: StateAnswer = Object.freeze({ answer: 'not_asked' });
const refused = (denial: Denial, kind?: RevocationKind): StateAnswer => ({
  answer: 'refused',
  denial,
  ...(kind === undefined ? {} : { kind }),
});

/** A fault of the store: null when the operator lets the call proceed in spite of it. */
type Excuse = (code: FaultCode | 'revocations_stale') => Denial | null;

const isFault = (code: string): code is FaultCode => FAULTS.has(code);

/** The denial of a store that answered: with what is left and until when, so that a caller knows when to come again. */
function refusal({ code, caveat, left, resets }: Refused): Denial {
  if (left === undefined) return deny(code, undefined, caveat);
  if (resets === undefined) return { ...deny(code, `${left} left`, caveat), left };
  const until = new Date(resets * 1000).toISOString().replace('.000', '');
  return { ...deny(code, `${left} left until ${until}`, caveat), left, resets };
}

/** An authorizer; throws TypeError for options that make none. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const { verifier, store, onProceed } = options;
  const budgets = options.budgets ?? store.budgets;
  const listed = options.proceedOnFault ?? [];
  if (typeof listed !== 'function' && !listed.every(isToolPattern))
    throw new TypeError('proceedOnFault: expected tool patterns');
  const required = options.requireOpenSession ?? true;
  const requiresSession = typeof required === 'function' ? required : (): boolean => required;
  const mayProceed = typeof listed === 'function' ? listed : compileTools(listed);

  function askRevocation(view: TokenView, excuse: Excuse): StateAnswer {
    const answer = store.revocations.isRevoked(subjectOf(view));
    if (answer.ok) return ALLOWED;
    if (answer.code !== 'revoked') {
      const denial = excuse(answer.code);
      return denial === null ? NOT_ASKED : refused(denial);
    }
    const { kind, reason } = answer.entry;
    return refused(deny('revoked', reason === '' ? kind : `${kind}: ${reason}`), kind);
  }

  async function askSession(
    view: TokenView,
    now: number,
    excuse: Excuse,
  ): Promise<{ readonly answer: StateAnswer; readonly session: Session | null }> {
    const asked = store.sessions.check(view.issuer, view.session, now);
    const found = asked instanceof Promise ? await asked : asked;
    if (found.ok) return { answer: ALLOWED, session: found.session };
    const { code } = found;
    const closed = code === 'session_closed' || code === 'session_not_found';
    const denial = closed ? deny(code) : excuse(code);
    return { answer: denial === null ? NOT_ASKED : refused(denial), session: null };
  }

  async function charge(
    charges: Charges,
    now: number,
    excuse: Excuse,
  ): Promise<{ readonly denial: Denial | null; readonly reservation: Reservation | null }> {
    if (isFree(charges)) return { denial: null, reservation: null };
    const answer = await budgets.reserve(charges, now);
    if (answer.ok) return { denial: null, reservation: answer.reservation };
    if (isFault(answer.code)) return { denial: excuse(answer.code), reservation: null };
    return { denial: refusal(answer), reservation: null };
  }

  async function admit(token: VerifiedToken, facts: Facts): Promise<Admission> {
    const assessed = evaluate(token, facts);
    if (assessed.ok === false) return { verdict: assessed, revocation: NOT_ASKED, session: NOT_ASKED };
    const { charges } = assessed;
    const { view, call } = token;
    const now = Math.floor(Math.max(facts.now, token.now));
    // Set when the store failed and the operator lets this tool proceed. The remaining checks still run.
    let fault: Authorized['fault'] = null;
    const excuse: Excuse = (code) => {
      if (!mayProceed(call.tool)) return deny(code);
      fault ??= code;
      return null;
    };

    const revocation = askRevocation(view, excuse);
    if (revocation.answer === 'refused')
      return { verdict: revocation.denial, revocation, session: NOT_ASKED };
    const unasked = { answer: revocation, session: null };
    const { answer, session } = requiresSession(view.issuer) ? await askSession(view, now, excuse) : unasked;
    if (answer.answer === 'refused') return { verdict: answer.denial, revocation, session: answer };
    const { denial, reservation } = await charge(charges, now, excuse);
    if (denial !== null) return { verdict: denial, revocation, session: answer };
    // Asked again, because there was a wait: what was revoked meanwhile (a closed session among it) is out.
    if (session !== null || reservation !== null) {
      const late = askRevocation(view, excuse);
      if (late.answer === 'refused') {
        if (reservation !== null) await budgets.release(reservation);
        return { verdict: late.denial, revocation: late, session: answer };
      }
    }
    if (fault !== null) onProceed?.({ tool: call.tool, code: fault, digest: view.digest });
    const verdict = { ok: true as const, token, charges, reservation, session, fault };
    return { verdict, revocation, session: answer };
  }

  return {
    admit,
    authorize: async ({ token, proof, call, facts: given, now: time }) => {
      const at = time ?? (typeof given === 'function' ? Number.NaN : given.now);
      const verified = verifier.verify({ token, proof, call, now: at });
      if (!verified.ok) return verified;
      const facts = typeof given === 'function' ? given(verified.token) : given;
      return isDenial(facts) ? facts : (await admit(verified.token, facts)).verdict;
    },
    settle: async ({ reservation }, amounts) => reservation === null || budgets.settle(reservation, amounts),
    release: async ({ reservation }) => reservation === null || budgets.release(reservation),
  };
}

// What follows verification, in the order of law L8: policy first, because it changes no state; then revocation
// and the session, at every use, whether or not the token was cached, and where the server has to be asked about
// both, at the same time; then one trip to the store that charges everything in one atomic step; then revocation again, when the answer is given (`delivery.ts`), because until then
// time has passed, and what was revoked meanwhile is out. A store that fails or is slow denies, unless the operator
// has listed the tool as one that may proceed; the decision then says so, and `onProceed` is called first,
// because a call without its charges must not go unlogged.
import { deny, evaluate, giveUseBack, isFree, revocationSubject, takeUse } from '@ambit/core';
import type { Charges, Denial, Facts, TokenView, VerifiedToken } from '@ambit/core';
import type { Budgets, FaultCode, Refused, Reservation } from './budgets.ts';
import { Delivery } from './delivery.ts';
import type { RevocationAnswer, RevocationKind, RevocationSubject } from './revocations.ts';
import type { Session } from './sessions.ts';
import type { Store } from './store.ts';

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

/** Told of every call that proceeds in spite of a fault. */
export type OnProceed = (proceeded: {
  readonly tool: string;
  readonly code: FaultCode | 'revocations_stale';
  readonly digest: string;
}) => void;

/** What the state is asked with. */
export interface Asked {
  readonly store: Store;
  readonly budgets: Budgets;
  readonly requiresSession: (issuer: string) => boolean;
  readonly mayProceed: (tool: string) => boolean;
  readonly onProceed: OnProceed | undefined;
}

function judgeRevocation(answer: RevocationAnswer, excuse: Excuse): StateAnswer {
  if (answer.ok) return ALLOWED;
  if (answer.code !== 'revoked') {
    const denial = excuse(answer.code);
    return denial === null ? NOT_ASKED : refused(denial);
  }
  const { kind, reason } = answer.entry;
  return refused(deny('revoked', reason === '' ? kind : `${kind}: ${reason}`), kind);
}

async function askSession(
  { store }: Asked,
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

/** Both questions about a call; the session's answer may be missing where the token is revoked. */
async function askBoth(
  asked: Asked,
  view: TokenView,
  now: number,
  excuse: Excuse,
): Promise<{
  readonly revocation: StateAnswer;
  readonly found: Awaited<ReturnType<typeof askSession>> | null;
}> {
  const { revocations } = asked.store;
  const subject = subjectOf(view);
  const needed = asked.requiresSession(view.issuer);
  const asking = revocations.ask?.(subject) ?? null;
  if (asking !== null) {
    const [answer, found] = await Promise.all([asking, needed ? askSession(asked, view, now, excuse) : null]);
    return { revocation: judgeRevocation(answer, excuse), found };
  }
  const revocation = judgeRevocation(revocations.isRevoked(subject), excuse);
  const found = needed && revocation.answer !== 'refused' ? await askSession(asked, view, now, excuse) : null;
  return { revocation, found };
}

/** Questions again for one call, when the list has grown so much since it was asked that it is not held any more. */
const AGAIN = 3;

/** The last look, when the answer is given. `ask`: whether the server may still be asked. */
async function lastLook(
  { revocations }: Store,
  delivery: Delivery,
  view: TokenView,
  ask: boolean,
): Promise<RevocationAnswer> {
  const subject = subjectOf(view);
  for (let again = 0; ; again++) {
    await delivery.turn();
    const asking = ask && again < AGAIN ? (revocations.ask?.(subject) ?? null) : null;
    if (asking === null) return revocations.isRevoked(subject);
    const answer = await asking;
    if (!answer.ok) return answer;
  }
}

async function charge(
  { budgets }: Asked,
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

/** Decides about verified calls over one store. */
export function createAdmit(asked: Asked): (token: VerifiedToken, facts: Facts) => Promise<Admission> {
  const { revocations } = asked.store;
  const delivery = new Delivery(revocations.unread === undefined ? null : () => revocations.unread!());

  return async (token, facts) => {
    const assessed = evaluate(token, facts);
    if (assessed.ok === false) return { verdict: assessed, revocation: NOT_ASKED, session: NOT_ASKED };
    const { charges } = assessed;
    const { view, call } = token;
    const now = Math.floor(Math.max(facts.now, token.now));
    // Set when the store failed and the operator lets this tool proceed. The remaining checks still run.
    let fault: Authorized['fault'] = null;
    const excuse: Excuse = (code) => {
      if (!asked.mayProceed(call.tool)) return deny(code);
      fault ??= code;
      return null;
    };

    const { revocation, found } = await askBoth(asked, view, now, excuse);
    if (revocation.answer === 'refused')
      return { verdict: revocation.denial, revocation, session: NOT_ASKED };
    const { answer, session } = found ?? { answer: revocation, session: null };
    if (answer.answer === 'refused') return { verdict: answer.denial, revocation, session: answer };
    // Before the wait for the store: of two that hold one verified token, one runs its call.
    if (!takeUse(token)) return { verdict: deny('replayed'), revocation, session: answer };
    const { denial, reservation } = await charge(asked, charges, now, excuse);
    if (denial !== null) {
      giveUseBack(token);
      return { verdict: denial, revocation, session: answer };
    }
    // What was revoked meanwhile (a closed session among it) is out.
    const late = judgeRevocation(await lastLook(asked.store, delivery, view, fault === null), excuse);
    if (late.answer === 'refused') {
      if (reservation !== null) await asked.budgets.release(reservation);
      return { verdict: late.denial, revocation: late, session: answer };
    }
    if (fault !== null) asked.onProceed?.({ tool: call.tool, code: fault, digest: view.digest });
    const verdict = { ok: true as const, token, charges, reservation, session, fault };
    return { verdict, revocation, session: answer };
  };
}

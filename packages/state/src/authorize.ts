// One call, one decision: verify, then the facts, then what `admission.ts` asks of policy and state.
import { compileTools, isDenial, isToolPattern } from '@ambit/core';
import type { Call, Denial, Facts, VerifiedToken, Verifier } from '@ambit/core';
import { createAdmit, type Admission, type Authorized, type OnProceed } from './admission.ts';
import type { Budgets } from './budgets.ts';
import type { Store } from './store.ts';

export type { Admission, Authorized, StateAnswer } from './admission.ts';

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
  readonly onProceed?: OnProceed | undefined;
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
  const admit = createAdmit({ store, budgets, requiresSession, mayProceed, onProceed });

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

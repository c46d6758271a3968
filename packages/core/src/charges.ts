// What a decision would cost in state: given to a ledger only after the MAC, the delegations, the proof and
// every stateless caveat have passed (laws L8, L10). The ids are digests, so nothing about a token or its
// tail can be read from a store's keys (L12).
import type { CallRequest } from './call.ts';
import type { Denial, DenialCode } from './codes.ts';
import type { Budget, BudgetUnit } from './token/budget.ts';

/** One counter of a chain. Every descendant of the caveat that made it shares the id. */
export interface CounterCharge {
  /** base64url of SHA-256(label || D up to and with the caveat, entry, unit, argument, window); 43 characters. */
  readonly id: string;
  readonly unit: BudgetUnit;
  /** For `sum` and `cost`: what is added up. */
  readonly argument?: string;
  /** A whole number from 0 to 2^53-1, reserved now; settling may lower it, never raise it. */
  readonly amount: number;
  readonly limit: number;
  /** Seconds of the window, or 0 for a total. */
  readonly window: number;
  /** Seconds of a step of a sliding window; 0 for a fixed window and a total. */
  readonly step: number;
  /** Start of the current window (Unix seconds, a multiple of `window`) or step; 0 for a total. */
  readonly windowStart: number;
  /** Unix seconds after which the row may be dropped: the token's expiry, or the end of the window if earlier. */
  readonly expires: number;
  /** Index of the caveat that imposes it; -1 for the grant. For explanations only. */
  readonly caveat: number;
}

/** A key that may be claimed once until `expires` (Unix seconds): a nonce of a proof, or a `once` caveat. */
export interface NonceClaim {
  /** base64url, 43 characters. */
  readonly id: string;
  readonly expires: number;
  /** Index of the `once` caveat, or -1 for the proof's nonce. */
  readonly caveat: number;
}

/** The nonce of a signed proof. */
export interface ProofClaim extends NonceClaim {
  /**
   * Unix seconds before which no verifier has taken the proof: its time less the skew. A ledger that has lost its
   * rows can tell by it, however late the claim arrives, which proofs may have been claimed in them.
   */
  readonly from: number;
}

/** Which of the two a charge is. */
export const isCounterCharge = (c: CounterCharge | NonceClaim): c is CounterCharge =>
  Object.hasOwn(c, 'amount');

/** A number of a session proof, to be accepted once by all replicas that share the session's window. */
export interface SequenceClaim {
  /** base64url of the session id, 43 characters. */
  readonly session: string;
  readonly sequence: number;
  /** Unix seconds: the end of the session's ticket. */
  readonly expires: number;
  /** The epoch of that ticket, 32 hexadecimal digits: the number counts in windows of this epoch and in no others. */
  readonly epoch: string;
}

/** One counter or `once` of a chain: what a call would cost there. */
export interface ChargeRule {
  readonly caveat: number;
  readonly name: string;
  /** The entry and its counter's id; null for `once` and for an empty list. */
  readonly counts: { readonly budget: Budget; readonly id: string } | null;
  /** Null: this call costs nothing here. A denial: the amount can't be known, or is over the whole limit. */
  charge(r: CallRequest): CounterCharge | NonceClaim | Denial | null;
}

/** Everything one call needs from state; it is applied in one atomic step, wholly or not at all. */
export interface Charges {
  /**
   * base64url of D(0), 43 characters (empty when nothing is charged): the token that all descendants grew from. Stores bound the rows one root
   * may hold by counters and `once` claims that its holders appended (attack S12).
   */
  readonly root: string;
  /**
   * base64url of a SHA-256, 43 characters: what has to live together so that a call is charged in one atomic
   * step on a sharded store. It is `root`; but when the grant names a pool it is the digest of (counter label,
   * issuer), the same for every token of the issuer that names any pool, because those share counters.
   */
  readonly partitionKey: string;
  readonly counters: readonly CounterCharge[];
  readonly once: readonly NonceClaim[];
  /** The signed proof's nonce; null for a session proof (its window was claimed before) and for bearer tokens. */
  readonly replay: ProofClaim | null;
  /** Set only when the verifier's session windows are shared and so the ledger's to keep; null otherwise. */
  readonly sequence: SequenceClaim | null;
}

/** A ledger's answer: all was applied, or nothing was and this is why. */
export type LedgerAnswer =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: Extract<
        DenialCode,
        | 'budget_exceeded'
        | 'budget_amount'
        | 'replayed'
        | 'once_used'
        | 'store_unavailable'
        | 'store_corrupt'
        | 'store_full'
      >;
      /** Index of the caveat that denied; -1 for the grant or the proof. */
      readonly caveat: number;
      /** What is left of the counter that denied. */
      readonly left?: number;
      /** Unix seconds at which there may be room again; absent for a total. */
      readonly resets?: number;
    };

/**
 * A synchronous ledger for `authorize`. Stores that answer later implement `Budgets` of `@ambit/state` and are
 * driven by `authorize` there.
 */
export interface Ledger {
  /** Applies all charges or none. `now` is Unix seconds. Must not throw for a full or denied charge. */
  apply(charges: Charges, now: number): LedgerAnswer;
}

// What to do about an alert, as data that the guard acts on. Responses only take away: they demand more for a
// call, or append caveats, or revoke. None is undone by a program; a person releases a session, and both the
// response and the release go to the audit log.
import { restrict } from '@ambit/core';
import type { Restriction } from '@ambit/core';
import type { Alert } from './monitor.ts';

/** From mildest to hardest. */
export const ACTIONS: readonly [
  'alert',
  'signed_proof',
  'approval',
  'narrow',
  'revoke_session',
  'revoke_node',
] = Object.freeze(['alert', 'signed_proof', 'approval', 'narrow', 'revoke_session', 'revoke_node'] as const);
export type Action = (typeof ACTIONS)[number];

/** At p <= level, this action; with `afterIngest` only when untrusted content came in before. */
export interface Rung {
  readonly level: number;
  readonly action: Action;
  readonly afterIngest?: boolean;
}

/**
 * The default ladder. Held calls at 1 in 200: on the development runs 1 in 100 cost benign runs and stopped no attack
 * that flow let through. A level below 1/(n+1) for n calibration sessions is never reached: narrowing needs 499.
 */
export const DEFAULT_LADDER: readonly Rung[] = Object.freeze([
  { level: 0.05, action: 'alert' },
  { level: 0.01, action: 'signed_proof', afterIngest: true },
  { level: 0.005, action: 'approval', afterIngest: true },
  { level: 0.002, action: 'narrow', afterIngest: true },
] as const);

/** What the guard is to do in a session until a person releases it. */
export interface BehaviorResponse {
  readonly session: string;
  readonly action: Action;
  /** The alert's audit index and p-value: why. */
  readonly because: { readonly index: number; readonly p: number; readonly sentence: string };
  /** For `narrow`: caveats to evaluate beside the token's own. They are appended, so they can only narrow. */
  readonly restrictions: readonly Restriction[];
}

/** The hardest action whose rung the alert reaches; null if none. */
export const actionFor = (alert: Alert, ladder: readonly Rung[] = DEFAULT_LADDER): Action | null => {
  let chosen: Action | null = null;
  for (const rung of ladder) {
    if (alert.p > rung.level || (rung.afterIngest === true && alert.ingest === undefined)) continue;
    if (chosen === null || ACTIONS.indexOf(rung.action) > ACTIONS.indexOf(chosen)) chosen = rung.action;
  }
  return chosen;
};

/** Keeps the responses in force, one a session: the hardest so far. */
export class Responses {
  readonly #ladder: readonly Rung[];
  readonly #narrowed: readonly string[];
  readonly #inForce: Map<string, BehaviorResponse> = new Map();

  /** `narrowed`: tool patterns (writes, calls outside) that `narrow` denies. */
  constructor(narrowed: readonly string[], ladder: readonly Rung[] = DEFAULT_LADDER) {
    this.#narrowed = narrowed;
    this.#ladder = ladder;
  }

  /** Takes an alert in; the new response if it is harder than the one in force, for the log and the guard. */
  on(alert: Alert): BehaviorResponse | null {
    const action = actionFor(alert, this.#ladder);
    if (action === null) return null;
    const before = this.#inForce.get(alert.session);
    if (before !== undefined && ACTIONS.indexOf(before.action) >= ACTIONS.indexOf(action)) return null;
    const narrows = ACTIONS.indexOf(action) >= ACTIONS.indexOf('narrow') && this.#narrowed.length > 0;
    const response: BehaviorResponse = {
      session: alert.session,
      action,
      because: {
        index: alert.index,
        p: alert.p,
        sentence: alert.evidence[0]?.sentence ?? 'The session deviated from its usual pattern.',
      },
      restrictions: narrows ? [restrict.deny(...this.#narrowed)] : [],
    };
    this.#inForce.set(alert.session, response);
    return response;
  }

  /** The response in force in a session; undefined for none. */
  of(session: string): BehaviorResponse | undefined {
    return this.#inForce.get(session);
  }

  /** A person lifts the response. Revocations stay: a revoked node or session needs a new token. */
  release(
    session: string,
    person: string,
  ): { readonly session: string; readonly person: string; readonly was: Action } | null {
    if (person === '') throw new TypeError('person: expected a name');
    const response = this.#inForce.get(session);
    if (response === undefined || response.action.startsWith('revoke')) return null;
    this.#inForce.delete(session);
    return { session, person, was: response.action };
  }
}

// Learning on line without being taught by an attacker. A finished session waits in quarantine; it is learnt only
// if it was never flagged, refused after untrusted content or reported, and if the baseline with it stays near
// the anchor that a person approved. Slow drift adds up against that anchor, however small each step is.
import type { Baseline } from './baseline.ts';
import { divergence } from './compare.ts';
import { learn } from './learn.ts';
import type { SessionEvents } from './learn.ts';

/** How fast and how far a baseline may move. */
export interface OnlineOptions {
  /** Seconds that a session waits; default one day. */
  readonly quarantine?: number;
  /** Bits of divergence from the anchor at which learning stops and a person is asked; default 0.15. */
  readonly drift?: number;
  /** Sessions waiting or kept; the oldest go first; default 1,000. */
  readonly sessions?: number;
  /** Share of the sessions that one group (user, day) may be; default 0.25. */
  readonly share?: number;
}

interface Waiting extends SessionEvents {
  readonly id: string;
  readonly closed: number;
}

/** What a step of learning did. */
export interface Step {
  readonly learnt: number;
  readonly baseline: Baseline;
  /** Bits from the anchor; above the limit nothing was learnt and `stopped` is true. */
  readonly drift: number;
  readonly stopped: boolean;
}

/** The sessions of one deployment that a baseline is made from. */
export class OnlineLearner {
  readonly #quarantine: number;
  readonly #drift: number;
  readonly #limit: number;
  readonly #share: number;
  #anchor: Baseline;
  #current: Baseline;
  #kept: SessionEvents[];
  #waiting: Waiting[] = [];

  /** `approved`: the sessions behind the baseline that a person approved. */
  constructor(deployment: string, approved: readonly SessionEvents[], options: OnlineOptions = {}) {
    this.#quarantine = options.quarantine ?? 86_400;
    this.#drift = options.drift ?? 0.15;
    this.#limit = options.sessions ?? 1000;
    this.#share = options.share ?? 0.25;
    this.#kept = approved.slice(-this.#limit);
    this.#anchor = learn(deployment, approved);
    this.#current = this.#anchor;
  }

  get baseline(): Baseline {
    return this.#current;
  }

  /** A session has ended at `closed` (Unix seconds). Tainted ones are dropped here and never learnt. */
  close(id: string, session: SessionEvents, closed: number): void {
    if (session.tainted === true) return;
    this.#waiting.push({ ...session, id, closed });
    if (this.#waiting.length > this.#limit) this.#waiting.shift();
  }

  /** An incident: sessions that wait and are named are dropped. */
  incident(...ids: readonly string[]): void {
    this.#waiting = this.#waiting.filter((waiting) => !ids.includes(waiting.id));
  }

  /** Learns what has waited long enough. */
  step(now: number): Step {
    const ripe = this.#waiting.filter((waiting) => now - waiting.closed >= this.#quarantine);
    if (ripe.length === 0)
      return { learnt: 0, baseline: this.#current, drift: this.#distance(this.#current), stopped: false };
    const pool = [...this.#kept, ...this.#capped(ripe)].slice(-this.#limit);
    const next = learn(this.#current.deployment, pool);
    next.generation = this.#current.generation + 1;
    const drift = this.#distance(next);
    if (drift > this.#drift) return { learnt: 0, baseline: this.#current, drift, stopped: true };
    const learnt = pool.length - this.#kept.length;
    this.#waiting = this.#waiting.filter((waiting) => !ripe.includes(waiting));
    this.#kept = pool;
    this.#current = next;
    return { learnt, baseline: next, drift, stopped: false };
  }

  /** A person has looked and accepts the current pattern, or what waits, as the new anchor. */
  approve(person: string): void {
    if (person === '') throw new TypeError('person: expected a name');
    this.#anchor = this.#current;
  }

  #distance(base: Baseline): number {
    return Math.max(
      divergence(this.#anchor.tools, base.tools),
      divergence(this.#anchor.classTransitions, base.classTransitions),
    );
  }

  /** No group may make up more than its share of the whole, so that one user can't teach a fleet. */
  #capped(ripe: readonly Waiting[]): readonly Waiting[] {
    const most = Math.max(1, Math.floor(this.#share * (this.#kept.length + ripe.length)));
    const groups = new Map<string, number>();
    for (const session of this.#kept) groups.set(session.group, (groups.get(session.group) ?? 0) + 1);
    return ripe.filter((session) => {
      const n = (groups.get(session.group) ?? 0) + 1;
      if (n > most) return false;
      groups.set(session.group, n);
      return true;
    });
  }
}

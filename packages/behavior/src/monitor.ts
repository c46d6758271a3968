// The live monitor of one deployment's sessions: event in, alert or nothing out. An alert names the call, the
// ingestion before it, and each detector that spoke, with its p-value and a sentence, so that a person can follow
// it and a program can compute it again from the log and the baseline's digest.
import type { Baseline, DetectorName } from './baseline.ts';
import { DETECTORS } from './baseline.ts';
import { fuse, pValue } from './conformal.ts';
import type { AgentEvent } from './event.ts';
import type { Scores } from './session.ts';
import { SessionWatch } from './session.ts';

/** What one detector says of one event. */
export interface Evidence {
  readonly detector: DetectorName;
  readonly score: number;
  /** Chance that a benign session of this deployment ever scores as high. */
  readonly p: number;
  readonly sentence: string;
}

/** A break in the pattern. */
export interface Alert {
  readonly session: string;
  readonly tool: string;
  readonly kind: AgentEvent['kind'];
  readonly time: number;
  /** Audit index of the event, -1 if it has none. */
  readonly index: number;
  /** Calibrated p-value of everything together: the stated false-alarm rate per session at this level. */
  readonly p: number;
  readonly statistic: number;
  /** Strongest first; at least one. */
  readonly evidence: readonly Evidence[];
  /** Untrusted content before it: audit index (-1 if unknown), and calls since; absent if none came in. */
  readonly ingest?: { readonly index: number; readonly calls: number };
  readonly baseline: { readonly deployment: string; readonly generation: number };
}

/** How a monitor behaves. */
export interface MonitorOptions {
  /** Alerts are raised at p <= level; default 0.05. */
  readonly level?: number;
  /** Sessions watched at once; the one that was quiet longest is dropped; default 4,096. */
  readonly maxSessions?: number;
}

const SENTENCES: Readonly<Record<DetectorName, (tool: string, since: number) => string>> = {
  order: (tool, since) => `${tool} rarely follows what came before it${after(since)}.`,
  provenance: (tool, since) =>
    `An argument of ${tool} does not come from the user or a trusted source${after(since)}.`,
  intent: (tool, since) => `Nothing in the request asks for ${tool}${after(since)}.`,
  repeat: (tool) => `${tool} is called more often in this session than in any usual one.`,
  volume: () => 'More data moves than in usual sessions.',
  rate: () => 'Calls come faster than usual.',
  novelty: (tool) =>
    `${tool} is used with a destination or a set of arguments that this deployment has not used before.`,
  refusals: () => 'More calls are refused than usual.',
};
const after = (since: number): string =>
  since < 0
    ? ''
    : since === 0
      ? ', right after untrusted content came in'
      : `, ${String(since)} calls after untrusted content came in`;

interface Watched {
  readonly watch: SessionWatch;
  worst: number;
  flagged: boolean;
}

/** Watches sessions against one baseline. Synchronous, no I/O, deterministic. */
export class Monitor {
  readonly #baseline: Baseline;
  readonly #level: number;
  readonly #limit: number;
  readonly #sessions: Map<string, Watched> = new Map();

  constructor(baseline: Baseline, options: MonitorOptions = {}) {
    const { level = 0.05, maxSessions = 4096 } = options;
    if (!(level > 0 && level < 1)) throw new RangeError('level: expected a rate between 0 and 1');
    if (baseline.calibration.length !== DETECTORS.length + 1)
      throw new RangeError('baseline: not calibrated; use learn()');
    this.#baseline = baseline;
    this.#level = level;
    this.#limit = maxSessions;
  }

  /** Takes an event in; an alert if the pattern breaks further than it had before in this session. */
  event(event: AgentEvent): Alert | null {
    let watched = this.#sessions.get(event.session);
    if (watched === undefined) {
      if (this.#sessions.size >= this.#limit) {
        const oldest = this.#sessions.keys().next();
        if (oldest.done !== true) this.#sessions.delete(oldest.value);
      }
      watched = { watch: new SessionWatch(this.#baseline), worst: 0, flagged: false };
      this.#sessions.set(event.session, watched);
    }
    const { watch } = watched;
    const since = watch.callsSinceIngest;
    const scores = watch.scores(event);
    const { calibration } = this.#baseline;
    const statistic = fuse(calibration, scores);
    if (statistic <= watched.worst) return null;
    watched.worst = statistic;
    const p = pValue(calibration[DETECTORS.length] ?? [], statistic);
    if (p > this.#level) return null;
    watched.flagged = true;
    return {
      session: event.session,
      tool: event.tool,
      kind: event.kind,
      time: event.time,
      index: event.index ?? -1,
      p,
      statistic,
      evidence: this.#evidence(event, scores, since),
      ...(since < 0 ? {} : { ingest: { index: watch.ingestIndex, calls: since } }),
      baseline: { deployment: this.#baseline.deployment, generation: this.#baseline.generation },
    };
  }

  /** Ends a session; whether it was ever flagged, and the watch to learn from. */
  close(session: string): { readonly flagged: boolean; readonly watch: SessionWatch } | undefined {
    const watched = this.#sessions.get(session);
    this.#sessions.delete(session);
    return watched;
  }

  #evidence(event: AgentEvent, scores: Scores, since: number): readonly Evidence[] {
    return DETECTORS.map((detector, i): Evidence => {
      const score = scores[i] ?? 0;
      const sorted = this.#baseline.calibration[i] ?? [];
      const p = score > 0 ? pValue(sorted, score) : 1;
      return { detector, score, p, sentence: SENTENCES[detector](event.tool, since) };
    })
      .filter(({ p }) => p < 0.5)
      .sort((a, b) => a.p - b.p);
  }
}

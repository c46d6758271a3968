// Learning a baseline from finished sessions: five folds by group (a task, a day), each fold scored by a baseline
// that never saw its group, so that calibration is honest about what is new; then one baseline from all.
import type { Baseline } from './baseline.ts';
import { BASELINE_LIMITS, DETECTORS, emptyBaseline } from './baseline.ts';
import { fuse, thin } from './conformal.ts';
import type { AgentEvent } from './event.ts';
import { SessionWatch } from './session.ts';

/** A finished session. */
export interface SessionEvents {
  /** Sessions that resemble each other by construction: the same task, the same day. */
  readonly group: string;
  readonly events: readonly AgentEvent[];
  /** Flagged, held, or cut short: never learnt from. */
  readonly tainted?: boolean;
}

/** How to learn. */
export interface LearnOptions {
  readonly folds?: number;
  /** Detectors to leave out; they score 0. */
  readonly without?: readonly string[];
}

const fit = (deployment: string, sessions: readonly SessionEvents[]): Baseline => {
  const base = emptyBaseline(deployment);
  const empty = emptyBaseline(deployment);
  for (const session of sessions) {
    const watch = new SessionWatch(empty);
    for (const event of session.events) watch.scores(event);
    watch.learn(base);
  }
  return base;
};

/** Highest score of each detector in a session, and each event's vector. */
export const sessionScores = (
  base: Baseline,
  events: readonly AgentEvent[],
): { peaks: Float64Array; each: Float64Array[] } => {
  const watch = new SessionWatch(base);
  const peaks = new Float64Array(DETECTORS.length);
  const each = events.map((event) => {
    const scores = watch.scores(event).slice();
    for (let i = 0; i < peaks.length; i += 1) peaks[i] = Math.max(peaks[i] ?? 0, scores[i] ?? 0);
    return scores;
  });
  return { peaks, each };
};

/**
 * Learns a calibrated baseline. Tainted sessions are skipped. Deterministic: the same sessions in the same order
 * give the same baseline. RangeError without two groups, since nothing could be calibrated.
 */
export const learn = (
  deployment: string,
  sessions: readonly SessionEvents[],
  options: LearnOptions = {},
): Baseline => {
  const clean = sessions.filter((session) => session.tainted !== true);
  const groups = [...new Set(clean.map((session) => session.group))].sort();
  if (groups.length < 2)
    throw new RangeError('sessions: expected two groups or more, to calibrate on what is new');
  const folds = Math.min(options.folds ?? 5, groups.length);
  const foldOf = new Map(groups.map((group, i) => [group, i % folds]));
  const scored: { each: Float64Array[]; peaks: Float64Array }[] = [];
  for (let fold = 0; fold < folds; fold += 1) {
    const base = fit(
      deployment,
      clean.filter((session) => foldOf.get(session.group) !== fold),
    );
    for (const session of clean)
      if (foldOf.get(session.group) === fold) scored.push(sessionScores(base, session.events));
  }
  const base = fit(deployment, clean);
  const { calibration: limit } = BASELINE_LIMITS;
  const byDetector = DETECTORS.map((name, i) =>
    options.without?.includes(name) === true
      ? []
      : thin(
          scored.map(({ peaks }) => peaks[i] ?? 0),
          limit,
        ),
  );
  const fused = scored.map(({ each }) =>
    each.reduce((worst, scores) => Math.max(worst, fuse(byDetector, scores)), 0),
  );
  base.calibration = [...byDetector, thin(fused, limit)];
  return base;
};

// The pattern of one deployment: what is counted over its sessions. Everything is a bounded table of numbers, so a
// baseline can be read by a person, saved, compared and digested; nothing in it is a text that came from outside.
import type { Moments } from './moments.ts';
import { moments } from './moments.ts';

const NAMES = ['order', 'provenance', 'intent', 'repeat', 'volume', 'rate', 'novelty', 'refusals'] as const;

/** The detectors, in the order of all vectors of scores. */
export const DETECTORS: typeof NAMES = Object.freeze(NAMES);
export type DetectorName = (typeof DETECTORS)[number];

/** Bounds of a baseline. */
export const BASELINE_LIMITS: {
  readonly transitions: 4096;
  readonly destinations: 4096;
  readonly shapes: 1024;
  readonly tools: 512;
  readonly calibration: 1024;
} = Object.freeze({
  /** Pairs and triples of tools. */
  transitions: 4096,
  destinations: 4096,
  shapes: 1024,
  tools: 512,
  /** Sessions whose highest scores are kept for calibration: a p-value no smaller than 1 in 1,025. */
  calibration: 1024,
});

/** Counts over sessions. */
export interface Baseline {
  readonly version: 1;
  readonly deployment: string;
  /** Rises with each change. */
  generation: number;
  sessions: number;
  readonly tools: Map<string, number>;
  readonly classes: Map<string, number>;
  /** `previous>tool` and `before>previous>tool`, with the number of contexts under `previous>` and `...>previous>`. */
  readonly transitions: Map<string, number>;
  /** The same for classes: what is left when a tool is new. */
  readonly classTransitions: Map<string, number>;
  readonly shapes: Map<string, number>;
  readonly destinations: Map<string, number>;
  /** Calls of one effect in a session: log(1 + n). */
  readonly repeats: Moments;
  /** log(1 + bytes) of an effect's arguments. */
  readonly outBytes: Moments;
  /** log(1 + bytes) sent by effects in a session. */
  readonly sessionOut: Moments;
  /** log(1 + bytes) that a session takes in. */
  readonly sessionIn: Moments;
  /** log(seconds) between calls. */
  readonly gaps: Moments;
  readonly refusals: Moments;
  /** For each detector the highest score of each calibration session, ascending; last the fused statistic. */
  calibration: number[][];
}

/** An empty baseline. */
export const emptyBaseline = (deployment: string): Baseline => ({
  version: 1,
  deployment,
  generation: 0,
  sessions: 0,
  tools: new Map(),
  classes: new Map(),
  transitions: new Map(),
  classTransitions: new Map(),
  shapes: new Map(),
  destinations: new Map(),
  repeats: moments(),
  outBytes: moments(),
  sessionOut: moments(),
  sessionIn: moments(),
  gaps: moments(),
  refusals: moments(),
  calibration: [],
});

/** Adds one to a bounded table: when it is full, what was never counted before is left out. */
export const count = (table: Map<string, number>, key: string, limit: number, by = 1): void => {
  const known = table.get(key);
  if (known !== undefined) table.set(key, known + by);
  else if (table.size < limit) table.set(key, by);
};

/**
 * Bits of surprise of `next` after `previous` and `before`: orders two, one and zero interpolated (each order's weight
 * grows with the evidence for its context), and under all of them the same for classes. Never infinite.
 */
export const surprisal = (
  base: Baseline,
  before: string,
  previous: string,
  next: string,
  classes: readonly [previous: string, next: string],
): number => {
  const total = base.tools.get('') ?? 0;
  const kinds = base.classes.get('') ?? 0;
  const classZero = ((base.classes.get(classes[1]) ?? 0) + 0.5) / (kinds + 5);
  const context = base.classTransitions.get(`${classes[0]}>`) ?? 0;
  const classOne =
    ((base.classTransitions.get(`${classes[0]}>${classes[1]}`) ?? 0) + 2 * classZero) / (context + 2);
  const within = ((base.tools.get(next) ?? 0) + 0.5) / ((base.classes.get(classes[1]) ?? 0) + 1);
  const zero = ((base.tools.get(next) ?? 0) + 4 * classOne * Math.min(1, within)) / (total + 4);
  const one =
    ((base.transitions.get(`${previous}>${next}`) ?? 0) + 2 * zero) /
    ((base.transitions.get(`${previous}>`) ?? 0) + 2);
  const two =
    ((base.transitions.get(`${before}>${previous}>${next}`) ?? 0) + 2 * one) /
    ((base.transitions.get(`${before}>${previous}>`) ?? 0) + 2);
  return -Math.log2(Math.max(two, 1e-9));
};

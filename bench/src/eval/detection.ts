// Detection alone: baselines learnt from benign runs, scores of runs whose task (or model) was never seen.
import { DETECTORS, Monitor, actionFor, fuse, learn, sessionScores } from '@ambit/behavior';
import type { AgentEvent, Baseline, SessionEvents } from '@ambit/behavior';
import { SUITES } from './traces.ts';
import type { Trace } from './traces.ts';

/** A run with its events. */
export interface Observed {
  readonly trace: Trace;
  readonly events: readonly AgentEvent[];
}

/** Scores of one run under a baseline that knew neither its task nor, in the split by model, its model. */
export interface Scored {
  readonly trace: Trace;
  readonly attacked: boolean;
  readonly fused: number;
  readonly withoutIntent: number;
  readonly detectors: readonly number[];
}

const FOLDS = 5;
const INTENT = DETECTORS.indexOf('intent');

const sessionsOf = (runs: readonly Observed[]): readonly SessionEvents[] =>
  runs.map(({ trace, events }) => ({ group: trace.user_task, events }));

/** Folds of the tasks of a suite, in the order of their names. */
export const foldsOf = (names: readonly string[], folds: number): ReadonlyMap<string, number> =>
  new Map([...new Set(names)].sort().map((name, i) => [name, i % folds]));

const score = (base: Baseline, { trace, events }: Observed): Scored => {
  const { peaks, each } = sessionScores(base, events);
  const calibration = base.calibration.slice(0, DETECTORS.length);
  const worst = (without: number): number =>
    each.reduce((most, scores) => {
      const kept = scores.slice();
      if (without >= 0) kept[without] = 0;
      return Math.max(most, fuse(calibration, kept));
    }, 0);
  return {
    trace,
    attacked: trace.kind === 'attacked',
    fused: worst(-1),
    withoutIntent: worst(INTENT),
    detectors: [...peaks],
  };
};

/** Scores benign runs and hijacks, each under a baseline from benign runs of other tasks, or of other models. */
export const scoreAll = (runs: readonly Observed[], split: 'task' | 'model'): readonly Scored[] =>
  SUITES.flatMap((suite) => {
    const here = runs.filter(({ trace }) => trace.suite === suite);
    const key = ({ trace }: Observed): string => (split === 'task' ? trace.user_task : trace.model);
    const names = here.map(key);
    const folds = split === 'task' ? FOLDS : new Set(names).size;
    const foldOf = foldsOf(names, folds);
    return Array.from({ length: folds }, (_, fold) => fold).flatMap((fold) => {
      const base = learn(
        suite,
        sessionsOf(here.filter((run) => run.trace.kind === 'benign' && foldOf.get(key(run)) !== fold)),
      );
      return here.filter((run) => foldOf.get(key(run)) === fold).map((run) => score(base, run));
    });
  });

/** Baselines for live use on one model: other models' benign runs of other tasks only. */
export class LiveBaselines {
  readonly #runs: readonly Observed[];
  readonly #known: Map<string, Baseline> = new Map();
  readonly #folds: ReadonlyMap<string, number>;

  constructor(runs: readonly Observed[]) {
    this.#runs = runs.filter(({ trace }) => trace.kind === 'benign' && trace.defense === 'none');
    this.#folds = new Map(
      SUITES.flatMap((suite) =>
        [
          ...foldsOf(
            this.#runs.filter(({ trace }) => trace.suite === suite).map(({ trace }) => trace.user_task),
            FOLDS,
          ),
        ].map(([task, fold]) => [`${suite}/${task}`, fold] as const),
      ),
    );
  }

  /** The baseline for a run: it never saw the run's task nor its model. */
  for(trace: Trace): Baseline {
    const fold = this.#folds.get(`${trace.suite}/${trace.user_task}`) ?? 0;
    const key = `${trace.suite} ${trace.model} ${String(fold)}`;
    let base = this.#known.get(key);
    if (base === undefined) {
      base = learn(
        trace.suite,
        sessionsOf(
          this.#runs.filter(
            (run) =>
              run.trace.suite === trace.suite &&
              run.trace.model !== trace.model &&
              this.#folds.get(`${run.trace.suite}/${run.trace.user_task}`) !== fold,
          ),
        ),
      );
      this.#known.set(key, base);
    }
    return base;
  }
}

/** Indices of the calls that the monitor would hold, with the default ladder. */
export const heldCalls = (base: Baseline, events: readonly AgentEvent[]): ReadonlySet<number> => {
  const monitor = new Monitor(base);
  const held = new Set<number>();
  let narrowed = false;
  for (const event of events) {
    const alert = monitor.event(event);
    const action = alert === null ? null : actionFor(alert);
    const acts = event.class !== 'read';
    if (event.kind === 'call' && acts && event.index !== undefined) {
      if (narrowed || action === 'approval' || action === 'narrow') held.add(event.index);
    }
    if (action === 'narrow') narrowed = true;
  }
  return held;
};

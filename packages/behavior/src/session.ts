// One session under watch: an event comes in, a vector of scores comes out. State is a few numbers, two small maps
// with limits and a ring of times, under 6 KB; an event costs a handful of look-ups.
import type { Baseline } from './baseline.ts';
import { BASELINE_LIMITS, DETECTORS, count, surprisal } from './baseline.ts';
import type { AgentEvent, CallEvent } from './event.ts';
import { observe, poissonTail, zScore } from './moments.ts';

/** Weight of an anomaly by the number of calls since untrusted content came in; then what the session keeps. */
const WINDOW: readonly number[] = [1, 1, 0.8, 0.5, 0.4, 0.3];
const AFTER_WINDOW = 0.25;
const NO_INGEST = 0.15;
const TIMES = 64;
const TOOLS = 64;
const DESTINATIONS = 64;
const TRANSITIONS = 256;
/** CUSUM of the bytes that leave: allowance and scale in standard deviations. */
const ALLOWANCE = 0.5;

/** The scores of one event, in the order of DETECTORS; 0 is nothing, and higher is rarer. */
export type Scores = Float64Array;

/** Follows a session against a baseline. `baseline` is read only. */
export class SessionWatch {
  readonly #base: Baseline;
  #before = '';
  #previous = '';
  #previousClass = '';
  #calls = 0;
  #sinceIngest = -1;
  #ingestIndex = -1;
  #in = 0;
  #out = 0;
  #cusum = 0;
  #refusals = 0;
  #firstTime = Number.NaN;
  readonly #times: Float64Array = new Float64Array(TIMES);
  readonly #effects: Map<string, number> = new Map();
  readonly #destinations: Set<string> = new Set();
  /** What the session did, for learning at its end: keys as in the baseline. */
  readonly #seen: Map<string, number> = new Map();
  readonly #scores: Scores = new Float64Array(DETECTORS.length);

  constructor(baseline: Baseline) {
    this.#base = baseline;
  }

  /** Weight of an anomaly now. */
  get ingestWeight(): number {
    if (this.#sinceIngest < 0) return NO_INGEST;
    return WINDOW[this.#sinceIngest] ?? AFTER_WINDOW;
  }

  /** Index of the last record with which untrusted content came in; -1 for none. */
  get ingestIndex(): number {
    return this.#ingestIndex;
  }

  /** Calls since then; -1 for none. */
  get callsSinceIngest(): number {
    return this.#sinceIngest;
  }

  /** Takes an event in. The vector returned is used again by the next call. */
  scores(event: AgentEvent): Scores {
    const s = this.#scores.fill(0);
    switch (event.kind) {
      case 'call':
        this.#call(event, s);
        break;
      case 'ingest':
        this.#in += event.bytes;
        if (!event.trusted) {
          this.#sinceIngest = 0;
          this.#ingestIndex = event.index ?? -1;
        }
        s[4] = Math.max(0, zScore(this.#base.sessionIn, Math.log1p(this.#in), 0.7) - 2) * 0.5;
        break;
      case 'refusal':
        this.#refusals += 1;
        s[7] = poissonTail(this.#refusals, this.#base.refusals.mean + 0.2);
        break;
      case 'outcome':
        break;
    }
    return s;
  }

  #call(event: CallEvent, s: Scores): void {
    const base = this.#base;
    const effect = event.class !== 'read' && event.class !== 'fetch';
    const acts = effect || event.class === 'fetch';
    const weight = this.ingestWeight;
    const bits = surprisal(base, this.#before, this.#previous, event.tool, [
      this.#previousClass,
      event.class,
    ]);
    s[0] = bits * (acts ? weight : 0.1);
    s[1] = event.grade * weight;
    s[2] = acts && event.requested === false ? weight : 0;
    if (effect) {
      const times = (this.#effects.get(event.tool) ?? 0) + 1;
      if (this.#effects.size < TOOLS || times > 1) this.#effects.set(event.tool, times);
      s[3] = Math.max(0, zScore(base.repeats, Math.log(times), 0.35));
      this.#out += event.bytes;
      const residual = zScore(base.outBytes, Math.log1p(event.bytes), 0.5);
      this.#cusum = Math.max(0, this.#cusum + residual - ALLOWANCE);
      s[4] = Math.max(this.#cusum, Math.max(0, zScore(base.sessionOut, Math.log1p(this.#out), 0.7) - 1));
    }
    s[5] = this.#pace(event.time);
    let fresh = base.shapes.size > 0 && !base.shapes.has(`${event.tool}(${event.shape})`) ? 0.5 : 0;
    for (const destination of event.destinations) {
      if (!base.destinations.has(destination) && event.grade > 0)
        fresh = Math.max(fresh, 0.5 + event.grade / 2);
      if (this.#destinations.size < DESTINATIONS) this.#destinations.add(destination);
    }
    s[6] = acts ? fresh * weight : 0;
    this.#note(event);
    this.#before = this.#previous;
    this.#previous = event.tool;
    this.#previousClass = event.class;
    this.#calls += 1;
    if (this.#sinceIngest >= 0) this.#sinceIngest += 1;
  }

  /** Machine speed: the calls of the last minute against the baseline's pace; and over the whole session. */
  #pace(time: number): number {
    const slot = this.#calls % TIMES;
    const oldest = this.#calls >= TIMES ? (this.#times[slot] ?? time) : (this.#times[0] ?? time);
    const known = Math.min(this.#calls, TIMES);
    this.#times[slot] = time;
    if (Number.isNaN(this.#firstTime)) this.#firstTime = time;
    const typical = this.#base.gaps.n < 8 ? Number.NaN : Math.exp(this.#base.gaps.mean);
    if (known < 4 || Number.isNaN(typical)) return 0;
    const span = Math.max(time - oldest, 0.001);
    return poissonTail(known, (2 * span) / typical);
  }

  #note(event: CallEvent): void {
    const note = (key: string): void => count(this.#seen, key, TRANSITIONS);
    note(`t${event.tool}`);
    note(`c${event.class}`);
    note(`p${this.#previous}>${event.tool}`);
    note(`p${this.#before}>${this.#previous}>${event.tool}`);
    note(`k${this.#previousClass}>${event.class}`);
    note(`s${event.tool}(${event.shape})`);
    if (event.class !== 'read' && event.class !== 'fetch')
      note(`b${String(Math.round(Math.log1p(event.bytes) * 4))}`);
    const gap = event.time - this.#lastGap;
    if (gap > 0) note(`g${String(Math.round(Math.log(Math.max(gap, 0.01)) * 4))}`);
    this.#lastGap = event.time;
  }
  #lastGap = Number.NaN;

  /**
   * Adds the session to a baseline, once, at its end. Each entry counts at most `cap` times, so that no single
   * session moves a baseline far (poisoning by repetition).
   */
  learn(into: Baseline, cap = 3): void {
    const { transitions, shapes, tools } = BASELINE_LIMITS;
    for (const [key, times] of this.#seen) {
      const by = Math.min(times, cap);
      const name = key.slice(1);
      const stem = name.slice(0, name.lastIndexOf('>') + 1);
      switch (key[0]) {
        case 't':
          count(into.tools, name, tools, by);
          count(into.tools, '', tools, by);
          break;
        case 'c':
          count(into.classes, name, tools, by);
          count(into.classes, '', tools, by);
          break;
        case 'p':
          count(into.transitions, name, transitions, by);
          count(into.transitions, stem, transitions, by);
          break;
        case 'k':
          count(into.classTransitions, name, transitions, by);
          count(into.classTransitions, stem, transitions, by);
          break;
        case 's':
          count(into.shapes, name, shapes, by);
          break;
        case 'b':
          for (let i = 0; i < by; i += 1) observe(into.outBytes, Number(name) / 4);
          break;
        case 'g':
          for (let i = 0; i < by; i += 1) observe(into.gaps, Number(name) / 4);
          break;
        default:
      }
    }
    for (const times of this.#effects.values()) observe(into.repeats, Math.log(times));
    for (const destination of this.#destinations)
      count(into.destinations, destination, BASELINE_LIMITS.destinations);
    observe(into.sessionOut, Math.log1p(this.#out));
    observe(into.sessionIn, Math.log1p(this.#in));
    observe(into.refusals, this.#refusals);
    into.sessions += 1;
    into.generation += 1;
  }
}

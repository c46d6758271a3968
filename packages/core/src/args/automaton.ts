// `pattern`: matching in linear time (attack C7). A pattern becomes a Thompson automaton of at most
// LIMITS.patternStates states; a value is run through it by the subset construction, made state by state as
// values ask for it and kept in a table of bounded size. No backtracking: a character costs one look-up in the
// table, or at worst one pass over the states. (Thompson 1968; Cox, "Regular Expression Matching".)
import { LIMITS } from '../limits.ts';
import type { Check, Kind, Work } from './check.ts';
import { spend, TOO_LONG } from './check.ts';
import type { PatternConstraint } from './kinds.ts';
import type { Bounds, Regular } from './regular.ts';
import { parseRegular } from './regular.ts';
import { printable, utf8Length } from './text.ts';

/** A nondeterministic automaton. State 0 accepts; others read a code point of `sets`, or fork without reading. */
interface Automaton {
  readonly sets: (Bounds | null)[];
  readonly next: number[];
  /** The second way of a fork, or -1. */
  readonly fork: number[];
  start: number;
}

/** Thrown by `add` alone, when an automaton outgrows its limit. */
const TOO_LARGE = Object.freeze({ tooLarge: true });

function add(a: Automaton, set: Bounds | null, next: number, fork = -1): number {
  if (a.sets.length >= LIMITS.patternStates) throw TOO_LARGE;
  a.sets.push(set);
  a.next.push(next);
  a.fork.push(fork);
  return a.sets.length - 1;
}

/** Adds what `node` reads before going on at `next`; every call adds a state, which bounds the whole build. */
function build(a: Automaton, node: Regular, next: number): number {
  if (node.op === 'set') return add(a, node.bounds, next);
  if (node.op === 'either') {
    const ways = node.branches.map((branch) => build(a, branch, next));
    return ways.reduceRight((rest, way) => add(a, null, way, rest));
  }
  let entry: number;
  if (node.op === 'sequence') {
    if (node.parts.length === 0) return add(a, null, next);
    entry = next;
    for (let i = node.parts.length - 1; i >= 0; i--) entry = build(a, node.parts[i]!, entry);
    return entry;
  }
  entry = add(a, null, next);
  if (node.max < 0) a.fork[entry] = build(a, node.body, entry);
  for (let i = node.min; i < node.max; i++) entry = add(a, null, build(a, node.body, entry), next);
  for (let i = 0; i < node.min; i++) entry = build(a, node.body, entry);
  return entry;
}

/** How many states `build` adds for `node`, without adding any; beyond every limit for nested repetitions. */
function statesOf(node: Regular): number {
  if (node.op === 'set') return 1;
  if (node.op === 'either') return node.branches.reduce((n, b) => n + statesOf(b) + 1, -1);
  if (node.op === 'sequence')
    return Math.max(
      1,
      node.parts.reduce((n, p) => n + statesOf(p), 0),
    );
  const body = statesOf(node.body);
  const optional = node.max < 0 ? body : (node.max - node.min) * (body + 1);
  return 1 + optional + node.min * body;
}

/** The automaton of a pattern, or a phrase that says what is wrong with it. */
function automaton(pattern: string): Automaton | string {
  if (utf8Length(pattern) > LIMITS.textBytes) return `more than ${LIMITS.textBytes} bytes`;
  const parsed = parseRegular(pattern);
  if (typeof parsed === 'string') return parsed;
  const a: Automaton = { sets: [null], next: [-1], fork: [-1], start: 0 };
  try {
    a.start = build(a, parsed, 0);
  } catch (thrown) {
    if (thrown !== TOO_LARGE) throw thrown;
    return `more than ${LIMITS.patternStates} states`;
  }
  return a;
}

/** Entries of the table of one pattern: 16 KiB, enough for every pattern that is not made to fill it. */
const TABLE = 8192;
/** Once a value has filled the table so many times, the rest of it is matched without one. */
const REFILLS = 2;
const DEAD = 0;
const START = 1;

/** A compiled pattern. Throws TypeError for a malformed one: see `patternProblem`. */
export class Matcher {
  /** Looks at states of the automaton so far: what tests of linear time count. */
  steps = 0;
  readonly #a: Automaton;
  /** Where the classes of code points begin that the pattern does not tell apart; class 0 begins at 0. */
  readonly #bounds: readonly number[];
  readonly #ascii: Uint16Array;
  readonly #classes: number;
  /** Room for so many deterministic states; when they are used up, all are dropped and made again. */
  readonly #limit: number;
  /** Where each deterministic state gets with each class, or -1; made at first use, as is all that follows. */
  #table: Int16Array = new Int16Array(0);
  /** What each deterministic state represents: reading and accepting states, sorted. */
  #members: Uint16Array[] = [];
  readonly #ids: Map<string, number> = new Map();
  // Scratch of `advance`: when a state was last reached, states still to follow, states found.
  #mark: Uint32Array = new Uint32Array(0);
  #stack: Uint16Array = new Uint16Array(0);
  #found: Uint16Array = new Uint16Array(0);
  #round = 0;

  constructor(pattern: string) {
    const a = automaton(pattern);
    if (typeof a === 'string') throw new TypeError(`pattern: ${a}`);
    this.#a = a;
    const bounds = new Set<number>();
    for (const set of new Set(a.sets)) set?.forEach((c) => bounds.add(c));
    bounds.delete(0);
    this.#bounds = [...bounds].toSorted((x, y) => x - y);
    this.#classes = this.#bounds.length + 1;
    this.#limit = Math.max(16, Math.min(256, Math.floor(TABLE / this.#classes)));
    this.#ascii = Uint16Array.from({ length: 128 }, (_, c) => upperBound(this.#bounds, c));
  }

  /** States of the automaton: what a character may cost at worst. */
  get states(): number {
    return this.#a.sets.length;
  }

  /** Whether the whole of `text` matches. */
  test(text: string): boolean {
    if (this.#members.length === 0) this.#reset();
    let state = START;
    let refills = 0;
    for (let i = 0; i < text.length; i++) {
      const cls = this.#classAt(text, i);
      if ((text.charCodeAt(i) & 0xfc00) === 0xd800) i++;
      const known = this.#table[state * this.#classes + cls]!;
      if (known >= 0) state = known;
      else {
        const count = this.#advance(this.#members[state]!, this.#members[state]!.length, cls);
        const members = this.#found.slice(0, count).sort();
        if (this.#members.length === this.#limit) {
          if (refills++ === REFILLS) return this.#simulate(text, i + 1, members);
          this.#reset();
          state = this.#id(members);
        } else {
          const to = this.#id(members);
          this.#table[state * this.#classes + cls] = to;
          state = to;
        }
      }
      if (state === DEAD) return false;
    }
    return this.#members[state]![0] === 0;
  }

  /** The rest of a match, from `i` on, one pass over the states a character. */
  #simulate(text: string, i: number, members: Uint16Array): boolean {
    let states = members;
    let count = members.length;
    // Two arrays take turns, so that nothing is allocated for a character.
    let spare: Uint16Array = new Uint16Array(this.states);
    for (; i < text.length && count > 0; i++) {
      count = this.#advance(states, count, this.#classAt(text, i));
      if ((text.charCodeAt(i) & 0xfc00) === 0xd800) i++;
      states = this.#found;
      this.#found = spare;
      spare = states;
    }
    return states.subarray(0, count).includes(0);
  }

  #classAt(text: string, i: number): number {
    const c = text.charCodeAt(i);
    return c < 128 ? this.#ascii[c]! : upperBound(this.#bounds, text.codePointAt(i)!);
  }

  #reset(): void {
    const states = this.states;
    if (this.#mark.length === 0) {
      this.#table = new Int16Array(this.#limit * this.#classes);
      this.#mark = new Uint32Array(states);
      this.#stack = new Uint16Array(states);
      this.#found = new Uint16Array(states);
    }
    this.#table.fill(-1);
    this.#members = [];
    this.#ids.clear();
    this.#id(new Uint16Array(0));
    this.#nextRound();
    this.#id(this.#found.slice(0, this.#follow(this.#a.start, 0)).sort());
  }

  /** The number of a set of states, which is new or known. */
  #id(members: Uint16Array): number {
    const key = String.fromCharCode(...members);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#members.push(members) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }

  /** Collects in `#found` where the first `size` of `states` get by reading a code point of class `cls`; how many those are. */
  #advance(states: Uint16Array, size: number, cls: number): number {
    const { sets, next } = this.#a;
    const c = cls === 0 ? 0 : this.#bounds[cls - 1]!;
    let count = 0;
    this.#nextRound();
    this.steps += size;
    for (let i = 0; i < size; i++) {
      const set = sets[states[i]!]!;
      // Odd: behind the beginning of a range, and not behind its end.
      if (set !== null && (upperBound(set, c) & 1) === 1) count = this.#follow(next[states[i]!]!, count);
    }
    return count;
  }

  #nextRound(): void {
    if (++this.#round <= 0xffff_ffff) return;
    this.#mark.fill(0);
    this.#round = 1;
  }

  /** Adds to `#found` all reading and accepting states that `state` leads to and that this round has not seen. */
  #follow(state: number, count: number): number {
    const mark = this.#mark;
    const round = this.#round;
    if (mark[state] === round) return count;
    const { sets, next, fork } = this.#a;
    const stack = this.#stack;
    let depth = 1;
    mark[state] = round;
    stack[0] = state;
    while (depth > 0) {
      const at = stack[--depth]!;
      this.steps++;
      if (sets[at] !== null || at === 0) {
        this.#found[count++] = at;
        continue;
      }
      const first = next[at]!;
      const second = fork[at]!;
      if (mark[first] !== round) {
        mark[first] = round;
        stack[depth++] = first;
      }
      if (second >= 0 && mark[second] !== round) {
        mark[second] = round;
        stack[depth++] = second;
      }
    }
    return count;
  }
}

/** How many of the sorted numbers are at most `c`. */
function upperBound(sorted: readonly number[], c: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= c) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What is wrong with a pattern, or null. */
export function patternProblem(pattern: unknown): string | null {
  if (typeof pattern !== 'string') return 'pattern: expected a text';
  if (utf8Length(pattern) > LIMITS.textBytes) return `pattern: more than ${LIMITS.textBytes} bytes`;
  const parsed = parseRegular(pattern);
  if (typeof parsed === 'string') return `pattern: ${parsed}`;
  // Counted, not built: a token is parsed before its proof is checked, and anyone who has its bytes can append a
  // thousand patterns of a thousand states each (law L8). State 0 is the one that accepts.
  return 1 + statesOf(parsed) > LIMITS.patternStates
    ? `pattern: more than ${LIMITS.patternStates} states`
    : null;
}

/** `pattern`: a text that the whole pattern matches. */
export const pattern: Kind<PatternConstraint> = {
  code: 5,
  fields: ['pattern'],
  problem: (constraint) => patternProblem(constraint.pattern),
  phrase: (constraint) => `must match "${printable(constraint.pattern)}"`,
  write: (constraint) => [constraint.pattern],
  read([text, ...more]) {
    return typeof text === 'string' && more.length === 0 ? { kind: 'pattern', pattern: text } : null;
  },
  compile(constraint): Check {
    const phrase = pattern.phrase(constraint);
    const matcher = new Matcher(constraint.pattern);
    return (value, work?: Work) => {
      if (typeof value !== 'string') return phrase;
      // The worst case is charged, not the actual one, so that an answer never depends on earlier calls.
      if (!spend(work, (value.length + 1) * matcher.states)) return TOO_LONG;
      return matcher.test(value) ? null : phrase;
    };
  },
};

// `pattern`: matching in linear time (attack C7). A pattern becomes a Thompson automaton of at most
// LIMITS.patternStates states; a value is run through it by the subset construction, made state by state as
// values ask for it and kept in a table of bounded size. No backtracking: a character costs one look-up in the
// table, or at worst one pass over the states. (Thompson 1968; Cox, "Regular Expression Matching".)
import { LIMITS } from '../limits.ts';
import type { Check, Kind, Work } from './check.ts';
import { spend, TOO_LONG } from './check.ts';
import type { PatternConstraint } from './kinds.ts';
import type { Ranges, Regular } from './regular.ts';
import { parseRegular } from './regular.ts';
import { quote, utf8Length } from './text.ts';

/** A nondeterministic automaton. State 0 accepts; others read a code point of `sets`, or fork without reading. */
interface Automaton {
  readonly sets: (Ranges | null)[];
  readonly next: number[];
  /** The second way of a fork, or -1. */
  readonly fork: number[];
  start: number;
}

/** Thrown by `add` alone, when an automaton outgrows its limit. */
const TOO_LARGE = Object.freeze({ tooLarge: true });

function add(a: Automaton, set: Ranges | null, next: number, fork = -1): number {
  if (a.sets.length >= LIMITS.patternStates) throw TOO_LARGE;
  a.sets.push(set);
  a.next.push(next);
  a.fork.push(fork);
  return a.sets.length - 1;
}

/** Adds what `node` reads before going on at `next`; every call adds a state, which bounds the whole build. */
function build(a: Automaton, node: Regular, next: number): number {
  switch (node.op) {
    case 'set':
      return add(a, node.ranges, next);
    case 'sequence':
      if (node.parts.length === 0) return add(a, null, next);
      return node.parts.reduceRight((then, part) => build(a, part, then), next);
    case 'either':
      return node.branches
        .map((branch) => build(a, branch, next))
        .reduceRight((rest, one) => add(a, null, one, rest));
    case 'repeat': {
      let entry: number;
      if (node.max < 0) {
        entry = add(a, null, next);
        a.fork[entry] = build(a, node.body, entry);
      } else {
        entry = add(a, null, next);
        for (let i = node.min; i < node.max; i++) entry = add(a, null, build(a, node.body, entry), next);
      }
      for (let i = 0; i < node.min; i++) entry = build(a, node.body, entry);
      return entry;
    }
  }
}

/** The automaton of a pattern, or a phrase that says what is wrong with it. */
function automaton(pattern: string): Automaton | string {
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

/** Entries of the table of one pattern: 32 KiB, enough for every pattern that is not made to fill it. */
const TABLE = 8192;
const DEAD = 0;
const START = 1;

/** A compiled pattern. Throws TypeError for a malformed one: see `patternProblem`. */
export class Matcher {
  /** Passes over states of the automaton so far: what tests of linear time count. */
  steps = 0;
  readonly #a: Automaton;
  /** Where the classes of code points begin that the pattern does not tell apart; class 0 begins at 0. */
  readonly #bounds: readonly number[];
  readonly #ascii: Uint16Array;
  readonly #classes: number;
  /** Room for so many deterministic states; when they are used up, all are dropped and made again. */
  readonly #limit: number;
  #table: Int32Array = new Int32Array(0);
  #members: Int32Array[] = [];
  #ids: Map<string, number> = new Map();
  readonly #mark: Uint8Array;

  constructor(pattern: string) {
    const a = automaton(pattern);
    if (typeof a === 'string') throw new TypeError(`pattern: ${a}`);
    this.#a = a;
    this.#mark = new Uint8Array(a.sets.length);
    const bounds = new Set<number>();
    for (const set of new Set(a.sets)) set?.forEach((c, i) => bounds.add(i % 2 === 0 ? c : c + 1));
    bounds.delete(0);
    this.#bounds = [...bounds].toSorted((x, y) => x - y);
    this.#classes = this.#bounds.length + 1;
    this.#limit = Math.max(16, Math.min(256, Math.floor(TABLE / this.#classes)));
    this.#ascii = Uint16Array.from({ length: 128 }, (_, c) => this.#classOf(c));
  }

  /** States of the automaton: what a character may cost at worst. */
  get states(): number {
    return this.#a.sets.length;
  }

  /** Whether the whole of `text` matches. */
  test(text: string): boolean {
    if (this.#members.length === 0) this.#reset();
    let state = START;
    for (let i = 0; i < text.length; i++) {
      let c = text.charCodeAt(i);
      let cls: number;
      if (c < 128) cls = this.#ascii[c]!;
      else {
        if ((c & 0xfc00) === 0xd800) c = text.codePointAt(i++)!;
        cls = this.#classOf(c);
      }
      const to = this.#table[state * this.#classes + cls]!;
      state = to >= 0 ? to : this.#step(state, cls);
      if (state === DEAD) return false;
    }
    return this.#members[state]![0] === 0;
  }

  #classOf(c: number): number {
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#bounds[middle]! <= c) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #reset(): void {
    this.#table = new Int32Array(this.#limit * this.#classes).fill(-1);
    this.#members = [];
    this.#ids.clear();
    this.#id(new Int32Array(0));
    this.#id(this.#collect([this.#a.start]));
  }

  /** The number of a set of states, which is new or known. */
  #id(members: Int32Array): number {
    const key = String.fromCharCode(...members);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#members.push(members) - 1;
      this.#ids.set(key, id);
    }
    return id;
  }

  /** Where a set of states gets by reading a code point of class `cls`. */
  #step(from: number, cls: number): number {
    const { sets, next } = this.#a;
    const c = cls === 0 ? 0 : this.#bounds[cls - 1]!;
    const seeds: number[] = [];
    for (const state of this.#members[from]!) {
      const set = sets[state];
      if (set && contains(set, c)) seeds.push(next[state]!);
    }
    const members = this.#collect(seeds);
    if (this.#members.length === this.#limit) {
      this.#reset();
      return this.#id(members);
    }
    return (this.#table[from * this.#classes + cls] = this.#id(members));
  }

  /** All reading and accepting states that `stack` leads to without reading, in order. */
  #collect(stack: number[]): Int32Array {
    const { sets, next, fork } = this.#a;
    const mark = this.#mark.fill(0);
    let count = 0;
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (mark[state] !== 0) continue;
      if (sets[state] !== null || state === 0) {
        mark[state] = 2;
        count++;
        continue;
      }
      mark[state] = 1;
      if (fork[state]! >= 0) stack.push(fork[state]!);
      stack.push(next[state]!);
    }
    this.steps += mark.length;
    const out = new Int32Array(count);
    for (let state = 0, i = 0; i < count; state++) if (mark[state] === 2) out[i++] = state;
    return out;
  }
}

function contains(set: Ranges, c: number): boolean {
  for (let i = 0; i < set.length; i += 2) if (c >= set[i]! && c <= set[i + 1]!) return true;
  return false;
}

/** What is wrong with a pattern as a text of a token, or null. */
export function patternProblem(pattern: unknown): string | null {
  if (typeof pattern !== 'string' || utf8Length(pattern) > LIMITS.textBytes) {
    return `pattern: expected a text of at most ${LIMITS.textBytes} bytes`;
  }
  const a = automaton(pattern);
  return typeof a === 'string' ? `pattern: ${a}` : null;
}

/** `pattern`: a text that the whole pattern matches. */
export const pattern: Kind<PatternConstraint> = {
  code: 5,
  fields: ['pattern'],
  problem: (constraint) => patternProblem(constraint.pattern),
  phrase: (constraint) => `must match ${quote(constraint.pattern)}`,
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

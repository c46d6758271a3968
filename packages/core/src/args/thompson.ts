// A pattern's Thompson automaton: built, or only counted. At most LIMITS.patternStates states, in eight bytes each.
import { LIMITS } from '../limits.ts';
import type { Bounds, Regular } from './regular.ts';
import { parseRegular } from './regular.ts';
import { utf8Length } from './text.ts';

/** An automaton while it is built. State 0 accepts; others read a code point of `sets`, or fork without reading. */
interface Plan {
  readonly sets: (Bounds | null)[];
  readonly next: number[];
  /** The second way of a fork, or -1. */
  readonly fork: number[];
}

/** A nondeterministic automaton as it is kept: eight bytes a state. */
export interface Automaton {
  /** The sets of code points that states read, each once. */
  readonly sets: readonly Bounds[];
  /** Which of the sets a state reads, or -1. */
  readonly reads: Int16Array;
  readonly next: Int16Array;
  readonly fork: Int16Array;
  readonly start: number;
}

/** Thrown by `add` alone, when an automaton outgrows its limit. */
const TOO_LARGE = Object.freeze({ tooLarge: true });

function add(a: Plan, set: Bounds | null, next: number, fork = -1): number {
  if (a.sets.length >= LIMITS.patternStates) throw TOO_LARGE;
  a.sets.push(set);
  a.next.push(next);
  a.fork.push(fork);
  return a.sets.length - 1;
}

/** Adds what `node` reads before going on at `next`; every call adds a state, which bounds the whole build. */
function build(a: Plan, node: Regular, next: number): number {
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
export function automaton(pattern: string): Automaton | string {
  if (utf8Length(pattern) > LIMITS.textBytes) return `more than ${LIMITS.textBytes} bytes`;
  const parsed = parseRegular(pattern);
  if (typeof parsed === 'string') return parsed;
  const plan: Plan = { sets: [null], next: [-1], fork: [-1] };
  let start: number;
  try {
    start = build(plan, parsed, 0);
  } catch (thrown) {
    if (thrown !== TOO_LARGE) throw thrown;
    return `more than ${LIMITS.patternStates} states`;
  }
  const numbers = new Map<Bounds, number>();
  const reads = new Int16Array(plan.sets.length);
  for (let i = 0; i < reads.length; i++) {
    const set = plan.sets[i]!;
    if (set !== null && !numbers.has(set)) numbers.set(set, numbers.size);
    reads[i] = set === null ? -1 : numbers.get(set)!;
  }
  const sets = [...numbers.keys()];
  return { sets, reads, next: new Int16Array(plan.next), fork: new Int16Array(plan.fork), start };
}

/** The states of a pattern, counted and not built; or a phrase that says what is wrong with it. */
export function countStates(pattern: string): number | string {
  if (utf8Length(pattern) > LIMITS.textBytes) return `more than ${LIMITS.textBytes} bytes`;
  const parsed = parseRegular(pattern);
  if (typeof parsed === 'string') return parsed;
  // State 0 is the one that accepts.
  const states = 1 + statesOf(parsed);
  return states > LIMITS.patternStates ? `more than ${LIMITS.patternStates} states` : states;
}

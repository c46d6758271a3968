// `pattern`: matching in linear time (attack C7). A pattern becomes a Thompson automaton of at most
// LIMITS.patternStates states; a value is run through it by the subset construction, made state by state as
// values ask for it and kept in a table of bounded size. No backtracking: a character costs one look-up in the
// table, or at worst one pass over the states. (Thompson 1968; Cox, "Regular Expression Matching".)
// What it keeps is compact and bounded by the number of its states (`weight`), since a holder chooses the pattern
// and the value (law L16).
import { automaton, type Automaton } from './thompson.ts';

/** Entries of the table of one pattern: 16 KiB, enough for every pattern that is not made to fill it. */
const TABLE = 8192;
/** What is kept of deterministic states, in states of the automaton, for each state that it has, and at least. */
const ROOM = 16;
const LEAST_ROOM = 256;
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
  /** Members of all deterministic states together may be so many. */
  readonly #room: number;
  /** Where each deterministic state gets with each class, or -1; made at first use, as is all that follows. */
  #table: Int16Array = new Int16Array(0);
  /** What each deterministic state represents: reading and accepting states, sorted. */
  #members: Uint16Array[] = [];
  #used = 0;
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
    for (const set of a.sets) for (let i = 0; i < set.length; i++) bounds.add(set[i]!);
    bounds.delete(0);
    this.#bounds = [...bounds].toSorted((x, y) => x - y);
    this.#classes = this.#bounds.length + 1;
    // No more for a small one than it is likely to need: a table costs its allocation, however little of it is used.
    this.#limit = Math.max(16, Math.min(256, 8 * a.reads.length, Math.floor(TABLE / this.#classes)));
    this.#room = LEAST_ROOM + ROOM * this.states;
    this.#ascii = new Uint16Array(128);
    let cls = 0;
    for (let c = 0; c < 128; c++) {
      while (cls < this.#bounds.length && this.#bounds[cls]! <= c) cls++;
      this.#ascii[c] = cls;
    }
  }

  /** States of the automaton: what a character may cost at worst. */
  get states(): number {
    return this.#a.reads.length;
  }

  /** Bytes it may come to hold, whatever is matched: automaton, classes, table, members and their keys, scratch. */
  get weight(): number {
    const { sets } = this.#a;
    const bounds = sets.reduce((n, set) => n + set.length, this.#bounds.length);
    return 2048 + 16 * this.states + 64 * sets.length + 8 * bounds + 2 * this.#limit * this.#classes + 4 * this.#room + 160 * this.#limit; // prettier-ignore
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
        if (this.#members.length === this.#limit || this.#used + count > this.#room) {
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
    this.#used = 0;
    this.#ids.clear();
    this.#id(new Uint16Array(0));
    this.#nextRound();
    this.#id(this.#found.slice(0, this.#follow(this.#a.start, 0)).sort());
  }

  /** The number of a set of states, which is new or known. */
  #id(members: Uint16Array): number {
    // By `apply`: spreading goes through an iterator, which is ten times as much.
    const key = String.fromCharCode.apply(null, members as unknown as number[]);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#members.push(members) - 1;
      this.#used += members.length;
      this.#ids.set(key, id);
    }
    return id;
  }

  /** Collects in `#found` where the first `size` of `states` get by reading a code point of class `cls`; how many those are. */
  #advance(states: Uint16Array, size: number, cls: number): number {
    const { sets, reads, next } = this.#a;
    const c = cls === 0 ? 0 : this.#bounds[cls - 1]!;
    let count = 0;
    this.#nextRound();
    this.steps += size;
    for (let i = 0; i < size; i++) {
      const set = reads[states[i]!]!;
      // Odd: behind the beginning of a range, and not behind its end.
      if (set >= 0 && (upperBound(sets[set]!, c) & 1) === 1) count = this.#follow(next[states[i]!]!, count);
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
    const { reads, next, fork } = this.#a;
    const stack = this.#stack;
    let depth = 1;
    mark[state] = round;
    stack[0] = state;
    while (depth > 0) {
      const at = stack[--depth]!;
      this.steps++;
      if (reads[at]! >= 0 || at === 0) {
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

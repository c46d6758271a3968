// What a check of an argument costs in steps, of which one call has LIMITS.checkSteps: one block. A second verifier has
// to charge the same to give the same answer, so the table of SPEC.md section 9 is written from these.

/** Costs in steps. `n` is the length of the value in UTF-16 code units. */
export const STEPS = {
  /** Asking one constraint at all: an argument, a constraint of `all`, an item under `each`. */
  constraint: 4,
  /** Comparing an object or a list with values of the token. */
  compared: 48,
  /** Each object and list in such a value, and each of their members. */
  member: 16,
  /**
   * Building an automaton, each step worth a look at a state (10 ns): its arrays and tables, whatever its size; a code
   * unit of the pattern, which may be a class of its own; and a state. A token has room for more small patterns than
   * the cache has places, and a list asks for all of them again at every item.
   */
  pattern: 768,
  unit: 32,
  state: 32,
  /** Characters that may each make a new deterministic state, which is sorted and keyed: as much again. */
  tabled: 64,
  /** A path or URL, whatever its length. */
  text: 16,
  /** A code unit of an ASCII path, or of a URL whose path is not looked at. */
  ascii: 4,
  /** A code unit of a URL whose path is looked at. */
  path: 8,
  /** A code unit that has to be folded, or stands in a URL with escapes: NFKC makes up to 18 of one. */
  folded: 64,
  /** A root, host or path of the list. */
  rule: 4,
  /** An address, which is at most 45 characters long and held against the ranges that carry IPv4. */
  address: 256,
  /** A network of the list. */
  network: 8,
  /** A code unit of a mail address, up to `mailLength`, and a domain of the list. */
  mail: 4,
  mailLength: 256,
} as const;

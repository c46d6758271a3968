// What a compiled constraint is, and what one kind of constraint has to provide. A check gives null when the
// constraint holds, and otherwise one phrase that says what would have been allowed. The phrase is made when the
// constraint is compiled, from the token's own text: a caller's value is never repeated in it.
import type { Cbor } from '../cbor/value.ts';
import { LIMITS } from '../limits.ts';
import type { Json } from './json.ts';
import { cut, utf8Length } from './text.ts';

/** Steps left for the checks of one call (LIMITS.checkSteps): one object, counted down by all of them. */
export interface Work {
  left: number;
}

/**
 * A compiled constraint. `value` is undefined when the argument is absent, which fails every constraint but
 * `absent`. Without `work` a check has LIMITS.checkSteps of its own.
 */
export type Check = (value: Json | undefined, work?: Work) => string | null;

/** Fresh steps for one call. */
export function newWork(): Work {
  return { left: LIMITS.checkSteps };
}

/** Takes `steps` off; false when there are not so many left, and the check has to fail. */
export function spend(work: Work | undefined, steps: number): boolean {
  if (work === undefined) return steps <= LIMITS.checkSteps;
  work.left -= steps;
  return work.left >= 0;
}

/** What fails for want of steps says this. */
export const TOO_LONG = 'must be short enough to be checked';

/** One kind of constraint: its number on the wire, its validation, its two forms and its check. */
export interface Kind<C> {
  /** The first item of its array on the wire (table in `constraint.ts`). */
  readonly code: number;
  /** The fields it may have besides `kind`: an unknown one is refused, since a misspelt bound would not bind. */
  readonly fields: readonly string[];
  /** What is wrong with a constraint, or null. Looks at types as well: callers may be untyped. */
  problem(constraint: C, depth: number): string | null;
  /** What the check asks for, as a phrase that follows the argument's name: `must be ...`. */
  phrase(constraint: C): string;
  /** Operands on the wire. Called for sound constraints only. */
  write(constraint: C): readonly Cbor[];
  /** The constraint of these operands, or null when they have another shape; `problem` looks at the rest. */
  read(operands: readonly Cbor[], depth: number): C | null;
  /** The check, with everything prepared that does not depend on the value. Sound constraints only. */
  compile(constraint: C): Check;
}

/** Whether `list` is 1 to LIMITS.listItems texts that are all of one form. */
export function isTextList(list: unknown, valid: (text: string) => boolean): list is readonly string[] {
  if (!Array.isArray(list) || list.length === 0 || list.length > LIMITS.listItems) return false;
  return list.every(
    (item) => typeof item === 'string' && utf8Length(item) <= LIMITS.textBytes && valid(item),
  );
}

/** Operands that are all texts, as a frozen list; null when one is not. */
export function readTexts(operands: readonly Cbor[]): readonly string[] | null {
  const out: string[] = [];
  for (const operand of operands) {
    if (typeof operand !== 'string') return null;
    out.push(operand);
  }
  return Object.freeze(out);
}

/** `a`, `a or b`, `a, b or c`, cut after the fourth; each cut to 64. */
export function alternatives<T>(items: readonly T[], show: (item: T) => string = String): string {
  const shown = items.slice(0, 4).map((item) => cut(show(item), 64));
  const rest = items.length - shown.length;
  const last = rest > 0 ? `one of ${rest} more` : (shown.pop() ?? '');
  return shown.length === 0 ? last : `${shown.join(', ')} or ${last}`;
}

// Lists of texts in grants and caveats: bounded, every item of the right form. An empty list is legal where it
// is read (it allows nothing, law L2); what we write is asked for explicitly.
import { MALFORMED, type Reader } from '../cbor/index.ts';
import { LIMITS } from '../limits.ts';

/** Whether `n` is a whole number from 0 to 2^53-1. Not -0, which no encoding has. */
export const isWhole = (n: unknown): n is number =>
  Number.isSafeInteger(n) && (n as number) >= 0 && !Object.is(n, -0);

/** Whether `value` is an array of 0 to 256 texts that all pass `valid`. */
export function isList(value: unknown, valid: (text: string) => boolean): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= LIMITS.listItems &&
    value.every((item) => typeof item === 'string' && valid(item))
  );
}

/**
 * Reads a list of texts of at most `max` bytes, frozen where it leaves this package and not here (80 ns a list, cold);
 * a text that is not `valid` makes the token malformed.
 */
export function readList(
  reader: Reader,
  valid: (text: string) => boolean,
  max: number = LIMITS.nameBytes,
): readonly string[] {
  const n = reader.array();
  if (n > LIMITS.listItems) throw MALFORMED;
  const items: string[] = [];
  for (let i = 0; i < n; i++) items.push(reader.textThat(valid, max));
  return items;
}

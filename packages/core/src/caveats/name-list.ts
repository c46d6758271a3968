// Lists of tool patterns and names in caveats. An empty list allows nothing and is legal where it does so; where no
// item would mean no restriction, an empty list is no legal form, written or read (law L2).
import { MALFORMED, type Reader } from '../cbor/index.ts';
import { AmbitError } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { isToolPattern } from '../patterns.ts';
import { isList, isWhole, readList } from '../token/lists.ts';

/** Throws AmbitError `input_invalid`: what can't be written as asked. */
export const fail = (what: string): never => {
  throw new AmbitError('input_invalid', `${what}.`);
};

/** The items, if they are at most 256 of the right form; else AmbitError `input_invalid` that names the field. */
export function writeList(
  what: string,
  items: readonly string[],
  valid: (text: string) => boolean,
): readonly string[] {
  if (!isList(items, valid)) fail(`${what}: expected at most ${LIMITS.listItems} of the right form`);
  return items;
}

/** Tool patterns, one or more: for caveats that an empty list would make void. */
export const writeTools = (what: string, tools: readonly string[]): readonly string[] =>
  tools.length > 0 ? writeList(what, tools, isToolPattern) : fail(`${what}: expected one or more`);

/** Reads tool patterns, one or more. Throws MALFORMED. */
export function readTools(r: Reader): readonly string[] {
  const tools = readList(r, isToolPattern);
  if (tools.length === 0) throw MALFORMED;
  return tools;
}

/** A whole number from 0 to 2^53-1; else AmbitError `input_invalid` that names the field. */
export function writeWhole(what: string, n: number): number {
  if (!isWhole(n)) fail(`${what}: expected a whole number`);
  return n;
}

/** The items for people; `none` for an empty list. */
export const listWords = (items: readonly string[], none: string): string =>
  items.length === 0 ? none : items.join(', ');

// Results as values: their scalars, and the one form in which words are compared. Linear, whatever a result holds:
// a run of dots is looked at from its beginning only.
import { foldText } from '@ambit/core';

/** JSON as it came from a tool, already parsed. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Lower case, words and the signs that occur inside names and addresses, one blank around everything. */
export const normaliseText = (text: string): string =>
  ` ${foldText(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}@._:/+-]+/gu, ' ')
    .replace(/(?<![.:])[.:]+(?= |$)/g, '')
    .trim()} `;

/** Visits every scalar of a JSON value, keys of maps included (they carry names in many tools' answers). */
export const scalars = (
  value: JsonValue,
  visit: (scalar: string | number | boolean, key: string) => void,
  key = '',
  depth = 0,
): void => {
  if (value === null || depth > 16) return;
  if (typeof value === 'object') {
    if (Array.isArray(value)) {
      for (const item of value as readonly JsonValue[]) scalars(item, visit, key, depth + 1);
    } else {
      for (const [name, item] of Object.entries(value)) {
        if (typeof item === 'object' || !/^[\w-]+$/.test(name)) visit(name, '');
        scalars(item, visit, name, depth + 1);
      }
    }
    return;
  }
  visit(value, key);
};

// The strict reader of JSON arguments (RFC 8259, narrowed to what RFC 7493 and RFC 8785 let every reader
// understand alike). JSON.parse keeps the last of two equal names, rounds big integers and turns 1e999 into
// infinity: a checker and a tool could then see different calls (attacks P5, G2). Here such texts are refused.
//   - names: unique after unescaping; `__proto__` is refused, because a tool that assigns it to an ordinary
//     object would set a prototype; `constructor` and all others are just names of a null-prototype object;
//   - numbers: IEEE doubles; refused are -0, |n| > 2^53-1 (so infinities too) and non-zero texts that read as 0;
//   - strings: no lone surrogate, raw or escaped; no Unicode normalization;
//   - the text: UTF-8 without a byte order mark, no trailing bytes, bounded in size and depth before recursion.
import { fromUtf8 } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { JsonReader, REFUSED } from './json-reader.ts';
import type { Json } from './json-value.ts';
import { utf8Length } from './text.ts';

export type { Json, JsonArray, JsonObject } from './json-value.ts';

/**
 * A value, or the reason for refusing it (one phrase with the place; no control characters). `canonical` is there
 * when the text read was its own RFC 8785 form already, as most are.
 */
export type JsonResult =
  | { readonly ok: true; readonly value: Json; readonly canonical?: string }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads one JSON text: UTF-8 bytes, or a string. At most LIMITS.argumentBytes of UTF-8 (numbers whose
 * canonical form is longer count as that form, so `canonicalJson(value)` always fits the same limit) and
 * LIMITS.argumentDepth containers deep. Linear time. Throws TypeError for an input of another type. `limit` is for
 * whole messages that hold arguments, which are then bounded by themselves.
 */
export function parseJson(input: Uint8Array | string, limit: number = LIMITS.argumentBytes): JsonResult {
  let text: string | null;
  if (typeof input === 'string') {
    text = input;
    if (text.length > limit) return tooLarge(limit);
    // Only a text that could be too long is counted: a code unit is at most three bytes.
    if (text.length * 3 > limit && utf8Length(text) > limit) return tooLarge(limit);
  } else if (input instanceof Uint8Array) {
    if (input.length > limit) return tooLarge(limit);
    text = fromUtf8(input);
    if (text === null) return { ok: false, reason: 'not well-formed UTF-8' };
  } else {
    throw new TypeError('parseJson: input must be a Uint8Array or a string');
  }
  const reader = new JsonReader(text, limit);
  try {
    const value = reader.document();
    return reader.canonical ? { ok: true, value, canonical: text } : { ok: true, value };
  } catch (thrown) {
    if (thrown !== REFUSED) throw thrown;
    return { ok: false, reason: `character ${reader.pos}: ${reader.reason}` };
  }
}

const tooLarge = (limit: number): JsonResult => ({ ok: false, reason: `longer than ${limit} bytes` });

// The canonical text of arguments (RFC 8785, JCS) and its digest. ECMAScript's own Number::toString and string
// quoting are what RFC 8785 sections 3.2.2.2 and 3.2.2.3 prescribe; names are sorted by UTF-16 code units
// (3.2.3), which is what the default comparison of strings does.
import { sha256Range } from '../crypto/sha256.ts';
import { LABELS } from '../labels.ts';
import { LIMITS } from '../limits.ts';
import type { Json, JsonArray, JsonObject } from './json.ts';

/** The RFC 8785 text of a checked value (one that `parseJson` or `snapshotJson` returned). */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string') return textOf(value);
  if (typeof value !== 'object' || value === null) return String(value);
  return isArray(value) ? arrayText(value) : objectText(value);
}

/** A string in quotes. Short ones without anything to escape, which most are, are not worth the call. */
function textOf(text: string): string {
  if (text.length > 64) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c === 0x22 || c === 0x5c) return JSON.stringify(text);
  }
  return `"${text}"`;
}

/** Array.isArray does not narrow to a readonly array. */
export function isArray(value: JsonArray | JsonObject): value is JsonArray {
  return Array.isArray(value);
}

function arrayText(items: JsonArray): string {
  let out = '[';
  for (let i = 0; i < items.length; i++) {
    if (i > 0) out += ',';
    out += canonicalJson(items[i]!);
  }
  return `${out}]`;
}

function objectText(object: JsonObject): string {
  const names = Object.keys(object);
  // Most callers write names in order already, and engines list integer-like ones first: look before sorting.
  for (let i = 1; i < names.length; i++) {
    if (names[i - 1]! > names[i]!) {
      names.sort();
      break;
    }
  }
  let out = '{';
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    out += i > 0 ? ',' : '';
    out += `${textOf(name)}:${canonicalJson(object[name]!)}`;
  }
  return `${out}}`;
}

const encoder = new TextEncoder();
const label = LABELS.arguments.bytes;
// Label and text are laid out once and hashed in place: the canonical text of arguments never outgrows
// LIMITS.argumentBytes (see parseJson and snapshotJson). Made at first use, so that importing costs nothing.
let input: Uint8Array | null = null;

function laidOut(): Uint8Array {
  const out = new Uint8Array(label.length + LIMITS.argumentBytes);
  out.set(label);
  return out;
}

/**
 * SHA-256(label || UTF-8 of `canonical`): what a proof covers of the arguments. 32 bytes. Throws RangeError for
 * a text longer than LIMITS.argumentBytes, which no arguments have.
 */
export function argumentsDigest(canonical: string): Uint8Array {
  input ??= laidOut();
  // Short ASCII in place: cheaper than a call into the encoder, and what most arguments are.
  const start = label.length;
  if (canonical.length <= 128) {
    let i = 0;
    for (; i < canonical.length; i++) {
      const c = canonical.charCodeAt(i);
      if (c > 127) break;
      input[start + i] = c;
    }
    if (i === canonical.length) return sha256Range(input, start + i);
  }
  const { read, written } = encoder.encodeInto(canonical, input.subarray(start));
  if (read !== canonical.length) throw new RangeError('argumentsDigest: canonical text is too long');
  return sha256Range(input, start + written);
}

// The outer form of a token, `[version, grant, [caveat, ...], tail]`: where each item lies in the bytes that
// arrived, so that MACs and digests cover those bytes and never a re-encoding (law L7). Only sizes are read
// here (laws L6, L8). The text forms are base64url behind a prefix that people and secret scanners recognize.
import { base64urlLength, concat, fromBase64url, fromBase64urlShared, toBase64url } from '../bytes.ts';
import { byteString, head, MALFORMED, Reader, TYPE } from '../cbor/index.ts';
import { LIMITS } from '../limits.ts';

/** The version this core speaks; any other is refused. */
export const VERSION = 1;
/** Prefix of a token. */
export const TOKEN_PREFIX = 'amb1_';
/** Prefix of the evidence form: the same without the tail, for logs and auditors. */
export const EVIDENCE_PREFIX = 'ambe1_';
const TAIL_BYTES = 32;

/** Where the items of a token lie. Item 0 is the grant, item i+1 caveat i. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** (start, end) of the content of every item. A plain array: a typed one costs more to make than to read. */
  readonly spans: readonly number[];
  /** Number of items: 1 + caveats. */
  readonly items: number;
  /** Where the first caveat's head lies. */
  readonly caveatsAt: number;
  /** Where the tail lies; -1 in the evidence form. */
  readonly tailAt: number;
}

/** Where item i begins, its head included. */
export function itemStart(f: Frame, i: number): number {
  return i === 0 ? 2 : i === 1 ? f.caveatsAt : f.spans[2 * i - 1]!;
}

/** Finds the items; null when the outer form is not that of a token (or of evidence, when `evidence`). */
export function readFrame(bytes: Uint8Array, evidence = false): Frame | null {
  if (bytes.length > LIMITS.tokenBytes) return null;
  try {
    const r = new Reader(bytes);
    r.array(evidence ? 3 : 4);
    if (r.uint() !== VERSION) return null;
    const grantLength = r.head(TYPE.bytes);
    const grantStart = r.pos;
    // A length that goes beyond the end is found where the next head is read, or the end is looked for.
    r.pos += grantLength;
    const count = r.array();
    if (count > LIMITS.caveats) return null;
    const caveatsAt = r.pos;
    const spans = [grantStart, grantStart + grantLength];
    for (let i = 1; i <= count; i++) {
      const n = r.head(TYPE.bytes);
      spans.push(r.pos, r.pos + n);
      r.pos += n;
    }
    let tailAt = -1;
    if (!evidence) {
      if (r.head(TYPE.bytes) !== TAIL_BYTES) return null;
      tailAt = r.pos;
      r.pos += TAIL_BYTES;
    }
    r.done();
    return { bytes, spans, items: count + 1, caveatsAt, tailAt };
  } catch (error) {
    if (error === MALFORMED) return null;
    throw error;
  }
}

/** The frame of a token in text form; null for anything that is not one, white space included (attack E12). */
export function readToken(text: string): Frame | null {
  if (
    !text.startsWith(TOKEN_PREFIX) ||
    text.length > TOKEN_PREFIX.length + base64urlLength(LIMITS.tokenBytes)
  )
    return null;
  const bytes = fromBase64urlShared(text, TOKEN_PREFIX.length);
  return bytes === null ? null : readFrame(bytes);
}

/** The frame of the evidence form in text; null for anything else. */
export function readEvidence(text: string): Frame | null {
  if (
    !text.startsWith(EVIDENCE_PREFIX) ||
    text.length > EVIDENCE_PREFIX.length + base64urlLength(LIMITS.tokenBytes)
  ) {
    return null;
  }
  const bytes = fromBase64url(text, EVIDENCE_PREFIX.length);
  return bytes === null ? null : readFrame(bytes, true);
}

/** The content of item i, as a view. */
export const item = (f: Frame, i: number): Uint8Array => f.bytes.subarray(f.spans[2 * i], f.spans[2 * i + 1]);

/** The contents of all items, as views: grant first. */
export const items = (f: Frame): Uint8Array[] => Array.from({ length: f.items }, (_, i) => item(f, i));

/** The bytes of a token: items (grant first) and tail; without a tail, of the evidence form. */
export function writeFrame(contents: readonly Uint8Array[], tail: Uint8Array | null): Uint8Array {
  const [grant, ...caveats] = contents;
  if (grant === undefined) throw new TypeError('contents: expected the grant first, got nothing');
  return concat(
    Uint8Array.of(tail === null ? 0x83 : 0x84, VERSION),
    byteString(grant),
    head(TYPE.array, caveats.length),
    ...caveats.map(byteString),
    ...(tail === null ? [] : [byteString(tail)]),
  );
}

/** The text form of token bytes. */
export const tokenText = (bytes: Uint8Array): string => TOKEN_PREFIX + toBase64url(bytes);

/** The evidence form of a token's text: what may be kept in a log. Null when it is no token. */
export function evidence(text: string): string | null {
  const frame = readToken(text);
  return frame === null ? null : EVIDENCE_PREFIX + toBase64url(writeFrame(items(frame), null));
}

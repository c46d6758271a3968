// The chain of one token: s0 = HMAC(K, label || version || grant), s(i+1) = HMAC(s(i), caveat i), tail = the
// last (docs/design.md section 3). The kernel does the hashing; this file fixes what goes into it.
import { concat } from '../bytes.ts';
import { chain, chainFrom } from '../crypto/index.ts';
import { LABELS } from '../labels.ts';
import { VERSION, writeFrame, type Frame } from './frame.ts';

const PREFIX = concat(LABELS.grant.bytes, Uint8Array.of(VERSION));

/** The tail that `key` gives the items of `frame`, into `out` (32 bytes). */
export function tailOf(key: Uint8Array, frame: Frame, out: Uint8Array): void {
  chain(key, PREFIX, frame.bytes, frame.spans, frame.items, out);
}

/** The tail of `frame` when the first `from` items gave `tail`. */
export function tailFrom(tail: Uint8Array, frame: Frame, from: number, out: Uint8Array): void {
  chainFrom(tail, frame.bytes, frame.spans, from, frame.items, out);
}

function spansOf(contents: readonly Uint8Array[]): { bytes: Uint8Array; spans: number[] } {
  const spans: number[] = [];
  let at = 0;
  for (const c of contents) spans.push(at, (at += c.length));
  return { bytes: concat(...contents), spans };
}

/** A new token over `contents` (grant first) under a verification key. */
export function newToken(key: Uint8Array, contents: readonly Uint8Array[]): Uint8Array {
  const { bytes, spans } = spansOf(contents);
  const tail = new Uint8Array(32);
  chain(key, PREFIX, bytes, spans, contents.length, tail);
  return writeFrame(contents, tail);
}

/** A token extended by caveats: `tail` belongs to `contents`, `more` is appended. */
export function extendToken(
  contents: readonly Uint8Array[],
  tail: Uint8Array,
  more: readonly Uint8Array[],
): Uint8Array {
  const { bytes, spans } = spansOf(more);
  const next = new Uint8Array(32);
  chainFrom(tail, bytes, spans, 0, more.length, next);
  return writeFrame([...contents, ...more], next);
}

// Entry bundles (C2SP tlog-tiles): up to 256 entries, each behind its length in two bytes, big-endian.

/** The longest entry: what two bytes of length can say. */
export const MAX_ENTRY_BYTES = 0xffff;

/** Entries, each behind its length. Throws RangeError for one that is too long. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  let n = 0;
  for (const entry of entries) n += 2 + entry.length;
  const out = new Uint8Array(n);
  n = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES)
      throw new RangeError(`entry: expected at most ${MAX_ENTRY_BYTES} bytes, got ${entry.length}`);
    out[n] = entry.length >> 8;
    out[n + 1] = entry.length & 0xff;
    out.set(entry, n + 2);
    n += 2 + entry.length;
  }
  return out;
}

/** The entries of a bundle as views, or null when the lengths do not add up. */
export function parseBundle(bytes: Uint8Array): Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + 2 > bytes.length) return null;
    const end = at + 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
    if (end > bytes.length) return null;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

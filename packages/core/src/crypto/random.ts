// Random bytes from the platform: `crypto.getRandomValues` (W3C Web Cryptography) in Node, browsers and workers.

interface RandomSource {
  getRandomValues(bytes: Uint8Array): Uint8Array;
}

/** `n` random bytes. Throws TypeError where the platform has no `crypto`. */
export function randomBytes(n: number): Uint8Array {
  const source = (globalThis as { crypto?: RandomSource }).crypto;
  if (source === undefined) throw new TypeError('globalThis.crypto: expected Web Cryptography');
  const out = new Uint8Array(n);
  // The platform gives 65,536 bytes a call at most.
  for (let at = 0; at < n; at += 65_536) source.getRandomValues(out.subarray(at, at + 65_536));
  return out;
}

// The compression function of SHA-256 (FIPS 180-4, section 6.2.2), the one loop that the price of a token
// hangs on. It exists because every stock API pays 2 to 6 us a link for objects and calls, where the hash itself
// takes 0.2 us a block. Sixteen rounds are written out, so that no round moves its registers, and all words
// live in locals. Measured against this form (Node 20, medians of ratios within one run): all 64 rounds written
// out 0.89, but with three times the source, 10 KB more in a bundle and twice the time for the first tokens of
// a process; words in memory 1.2; rolled 2.0. h + K + w come first in their sum: last, they cost 16 %.
// WebAssembly came within 15 % of the longest form, which is too little gain for a binary that can't be reviewed.

/** The round constants: the fractional bits of the cube roots of the first 64 primes. */
// prettier-ignore
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** The initial state: the fractional bits of the square roots of the first eight primes. */
// prettier-ignore
export const INITIAL: Int32Array = new Int32Array([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/**
 * `to` = the state `from` (8 words) with the block `words` (16 big-endian words) taken in; `to` may be `from` or
 * `words`, else only its first 8 words change. Sums of rotations are nested: ror6 ^ ror11 ^ ror25 of x is ror6 of
 * (x ^ ror5 of (x ^ ror14 of x)). More than 80 lines: sixteen rounds are written out, for the reasons above.
 */
// prettier-ignore
export function compress(from: Int32Array, words: Int32Array, to: Int32Array): void {
  let a = from[0]!, b = from[1]!, c = from[2]!, d = from[3]!, e = from[4]!, f = from[5]!, g = from[6]!, h = from[7]!;
  let w0 = words[0]!, w1 = words[1]!, w2 = words[2]!, w3 = words[3]!, w4 = words[4]!, w5 = words[5]!, w6 = words[6]!, w7 = words[7]!;
  let w8 = words[8]!, w9 = words[9]!, w10 = words[10]!, w11 = words[11]!, w12 = words[12]!, w13 = words[13]!, w14 = words[14]!, w15 = words[15]!;
  let t = 0, u = 0;
  for (let k = 0; ; k += 16) {
    t = e ^ (e >>> 14 | e << 18); t = e ^ (t >>> 5 | t << 27);
    u = h + K[k]! + w0 + (g ^ e & (f ^ g)) + (t >>> 6 | t << 26) | 0; d = d + u | 0;
    t = a ^ (a >>> 9 | a << 23); t = a ^ (t >>> 11 | t << 21);
    h = u + (t >>> 2 | t << 30) + (a & b ^ c & (a ^ b)) | 0;
    t = d ^ (d >>> 14 | d << 18); t = d ^ (t >>> 5 | t << 27);
    u = g + K[k + 1]! + w1 + (f ^ d & (e ^ f)) + (t >>> 6 | t << 26) | 0; c = c + u | 0;
    t = h ^ (h >>> 9 | h << 23); t = h ^ (t >>> 11 | t << 21);
    g = u + (t >>> 2 | t << 30) + (h & a ^ b & (h ^ a)) | 0;
    t = c ^ (c >>> 14 | c << 18); t = c ^ (t >>> 5 | t << 27);
    u = f + K[k + 2]! + w2 + (e ^ c & (d ^ e)) + (t >>> 6 | t << 26) | 0; b = b + u | 0;
    t = g ^ (g >>> 9 | g << 23); t = g ^ (t >>> 11 | t << 21);
    f = u + (t >>> 2 | t << 30) + (g & h ^ a & (g ^ h)) | 0;
    t = b ^ (b >>> 14 | b << 18); t = b ^ (t >>> 5 | t << 27);
    u = e + K[k + 3]! + w3 + (d ^ b & (c ^ d)) + (t >>> 6 | t << 26) | 0; a = a + u | 0;
    t = f ^ (f >>> 9 | f << 23); t = f ^ (t >>> 11 | t << 21);
    e = u + (t >>> 2 | t << 30) + (f & g ^ h & (f ^ g)) | 0;
    t = a ^ (a >>> 14 | a << 18); t = a ^ (t >>> 5 | t << 27);
    u = d + K[k + 4]! + w4 + (c ^ a & (b ^ c)) + (t >>> 6 | t << 26) | 0; h = h + u | 0;
    t = e ^ (e >>> 9 | e << 23); t = e ^ (t >>> 11 | t << 21);
    d = u + (t >>> 2 | t << 30) + (e & f ^ g & (e ^ f)) | 0;
    t = h ^ (h >>> 14 | h << 18); t = h ^ (t >>> 5 | t << 27);
    u = c + K[k + 5]! + w5 + (b ^ h & (a ^ b)) + (t >>> 6 | t << 26) | 0; g = g + u | 0;
    t = d ^ (d >>> 9 | d << 23); t = d ^ (t >>> 11 | t << 21);
    c = u + (t >>> 2 | t << 30) + (d & e ^ f & (d ^ e)) | 0;
    t = g ^ (g >>> 14 | g << 18); t = g ^ (t >>> 5 | t << 27);
    u = b + K[k + 6]! + w6 + (a ^ g & (h ^ a)) + (t >>> 6 | t << 26) | 0; f = f + u | 0;
    t = c ^ (c >>> 9 | c << 23); t = c ^ (t >>> 11 | t << 21);
    b = u + (t >>> 2 | t << 30) + (c & d ^ e & (c ^ d)) | 0;
    t = f ^ (f >>> 14 | f << 18); t = f ^ (t >>> 5 | t << 27);
    u = a + K[k + 7]! + w7 + (h ^ f & (g ^ h)) + (t >>> 6 | t << 26) | 0; e = e + u | 0;
    t = b ^ (b >>> 9 | b << 23); t = b ^ (t >>> 11 | t << 21);
    a = u + (t >>> 2 | t << 30) + (b & c ^ d & (b ^ c)) | 0;
    t = e ^ (e >>> 14 | e << 18); t = e ^ (t >>> 5 | t << 27);
    u = h + K[k + 8]! + w8 + (g ^ e & (f ^ g)) + (t >>> 6 | t << 26) | 0; d = d + u | 0;
    t = a ^ (a >>> 9 | a << 23); t = a ^ (t >>> 11 | t << 21);
    h = u + (t >>> 2 | t << 30) + (a & b ^ c & (a ^ b)) | 0;
    t = d ^ (d >>> 14 | d << 18); t = d ^ (t >>> 5 | t << 27);
    u = g + K[k + 9]! + w9 + (f ^ d & (e ^ f)) + (t >>> 6 | t << 26) | 0; c = c + u | 0;
    t = h ^ (h >>> 9 | h << 23); t = h ^ (t >>> 11 | t << 21);
    g = u + (t >>> 2 | t << 30) + (h & a ^ b & (h ^ a)) | 0;
    t = c ^ (c >>> 14 | c << 18); t = c ^ (t >>> 5 | t << 27);
    u = f + K[k + 10]! + w10 + (e ^ c & (d ^ e)) + (t >>> 6 | t << 26) | 0; b = b + u | 0;
    t = g ^ (g >>> 9 | g << 23); t = g ^ (t >>> 11 | t << 21);
    f = u + (t >>> 2 | t << 30) + (g & h ^ a & (g ^ h)) | 0;
    t = b ^ (b >>> 14 | b << 18); t = b ^ (t >>> 5 | t << 27);
    u = e + K[k + 11]! + w11 + (d ^ b & (c ^ d)) + (t >>> 6 | t << 26) | 0; a = a + u | 0;
    t = f ^ (f >>> 9 | f << 23); t = f ^ (t >>> 11 | t << 21);
    e = u + (t >>> 2 | t << 30) + (f & g ^ h & (f ^ g)) | 0;
    t = a ^ (a >>> 14 | a << 18); t = a ^ (t >>> 5 | t << 27);
    u = d + K[k + 12]! + w12 + (c ^ a & (b ^ c)) + (t >>> 6 | t << 26) | 0; h = h + u | 0;
    t = e ^ (e >>> 9 | e << 23); t = e ^ (t >>> 11 | t << 21);
    d = u + (t >>> 2 | t << 30) + (e & f ^ g & (e ^ f)) | 0;
    t = h ^ (h >>> 14 | h << 18); t = h ^ (t >>> 5 | t << 27);
    u = c + K[k + 13]! + w13 + (b ^ h & (a ^ b)) + (t >>> 6 | t << 26) | 0; g = g + u | 0;
    t = d ^ (d >>> 9 | d << 23); t = d ^ (t >>> 11 | t << 21);
    c = u + (t >>> 2 | t << 30) + (d & e ^ f & (d ^ e)) | 0;
    t = g ^ (g >>> 14 | g << 18); t = g ^ (t >>> 5 | t << 27);
    u = b + K[k + 14]! + w14 + (a ^ g & (h ^ a)) + (t >>> 6 | t << 26) | 0; f = f + u | 0;
    t = c ^ (c >>> 9 | c << 23); t = c ^ (t >>> 11 | t << 21);
    b = u + (t >>> 2 | t << 30) + (c & d ^ e & (c ^ d)) | 0;
    t = f ^ (f >>> 14 | f << 18); t = f ^ (t >>> 5 | t << 27);
    u = a + K[k + 15]! + w15 + (h ^ f & (g ^ h)) + (t >>> 6 | t << 26) | 0; e = e + u | 0;
    t = b ^ (b >>> 9 | b << 23); t = b ^ (t >>> 11 | t << 21);
    a = u + (t >>> 2 | t << 30) + (b & c ^ d & (b ^ c)) | 0;
    if (k === 48) break;
    w0 = w0 + ((w1 >>> 7 | w1 << 25) ^ (w1 >>> 18 | w1 << 14) ^ w1 >>> 3) + w9 + ((w14 >>> 17 | w14 << 15) ^ (w14 >>> 19 | w14 << 13) ^ w14 >>> 10) | 0;
    w1 = w1 + ((w2 >>> 7 | w2 << 25) ^ (w2 >>> 18 | w2 << 14) ^ w2 >>> 3) + w10 + ((w15 >>> 17 | w15 << 15) ^ (w15 >>> 19 | w15 << 13) ^ w15 >>> 10) | 0;
    w2 = w2 + ((w3 >>> 7 | w3 << 25) ^ (w3 >>> 18 | w3 << 14) ^ w3 >>> 3) + w11 + ((w0 >>> 17 | w0 << 15) ^ (w0 >>> 19 | w0 << 13) ^ w0 >>> 10) | 0;
    w3 = w3 + ((w4 >>> 7 | w4 << 25) ^ (w4 >>> 18 | w4 << 14) ^ w4 >>> 3) + w12 + ((w1 >>> 17 | w1 << 15) ^ (w1 >>> 19 | w1 << 13) ^ w1 >>> 10) | 0;
    w4 = w4 + ((w5 >>> 7 | w5 << 25) ^ (w5 >>> 18 | w5 << 14) ^ w5 >>> 3) + w13 + ((w2 >>> 17 | w2 << 15) ^ (w2 >>> 19 | w2 << 13) ^ w2 >>> 10) | 0;
    w5 = w5 + ((w6 >>> 7 | w6 << 25) ^ (w6 >>> 18 | w6 << 14) ^ w6 >>> 3) + w14 + ((w3 >>> 17 | w3 << 15) ^ (w3 >>> 19 | w3 << 13) ^ w3 >>> 10) | 0;
    w6 = w6 + ((w7 >>> 7 | w7 << 25) ^ (w7 >>> 18 | w7 << 14) ^ w7 >>> 3) + w15 + ((w4 >>> 17 | w4 << 15) ^ (w4 >>> 19 | w4 << 13) ^ w4 >>> 10) | 0;
    w7 = w7 + ((w8 >>> 7 | w8 << 25) ^ (w8 >>> 18 | w8 << 14) ^ w8 >>> 3) + w0 + ((w5 >>> 17 | w5 << 15) ^ (w5 >>> 19 | w5 << 13) ^ w5 >>> 10) | 0;
    w8 = w8 + ((w9 >>> 7 | w9 << 25) ^ (w9 >>> 18 | w9 << 14) ^ w9 >>> 3) + w1 + ((w6 >>> 17 | w6 << 15) ^ (w6 >>> 19 | w6 << 13) ^ w6 >>> 10) | 0;
    w9 = w9 + ((w10 >>> 7 | w10 << 25) ^ (w10 >>> 18 | w10 << 14) ^ w10 >>> 3) + w2 + ((w7 >>> 17 | w7 << 15) ^ (w7 >>> 19 | w7 << 13) ^ w7 >>> 10) | 0;
    w10 = w10 + ((w11 >>> 7 | w11 << 25) ^ (w11 >>> 18 | w11 << 14) ^ w11 >>> 3) + w3 + ((w8 >>> 17 | w8 << 15) ^ (w8 >>> 19 | w8 << 13) ^ w8 >>> 10) | 0;
    w11 = w11 + ((w12 >>> 7 | w12 << 25) ^ (w12 >>> 18 | w12 << 14) ^ w12 >>> 3) + w4 + ((w9 >>> 17 | w9 << 15) ^ (w9 >>> 19 | w9 << 13) ^ w9 >>> 10) | 0;
    w12 = w12 + ((w13 >>> 7 | w13 << 25) ^ (w13 >>> 18 | w13 << 14) ^ w13 >>> 3) + w5 + ((w10 >>> 17 | w10 << 15) ^ (w10 >>> 19 | w10 << 13) ^ w10 >>> 10) | 0;
    w13 = w13 + ((w14 >>> 7 | w14 << 25) ^ (w14 >>> 18 | w14 << 14) ^ w14 >>> 3) + w6 + ((w11 >>> 17 | w11 << 15) ^ (w11 >>> 19 | w11 << 13) ^ w11 >>> 10) | 0;
    w14 = w14 + ((w15 >>> 7 | w15 << 25) ^ (w15 >>> 18 | w15 << 14) ^ w15 >>> 3) + w7 + ((w12 >>> 17 | w12 << 15) ^ (w12 >>> 19 | w12 << 13) ^ w12 >>> 10) | 0;
    w15 = w15 + ((w0 >>> 7 | w0 << 25) ^ (w0 >>> 18 | w0 << 14) ^ w0 >>> 3) + w8 + ((w13 >>> 17 | w13 << 15) ^ (w13 >>> 19 | w13 << 13) ^ w13 >>> 10) | 0;
  }
  to[0] = from[0]! + a; to[1] = from[1]! + b; to[2] = from[2]! + c; to[3] = from[3]! + d;
  to[4] = from[4]! + e; to[5] = from[5]! + f; to[6] = from[6]! + g; to[7] = from[7]! + h;
}

// Text forms of bytes, and keys made of them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64url, fromBase64url, keyOf32, toBase64url } from '../src/bytes.ts';

const bytesOf = (n: number, seed: number): Uint8Array =>
  Uint8Array.from({ length: n }, (_, i) => (i * 31 + seed * 17 + ((i * seed) >> 3)) & 255);

describe('toBase64url', () => {
  test('writes what Node writes, for each length around those at which it changes its way', () => {
    for (const n of [...Array.from({ length: 200 }, (_, i) => i), 3070, 3071, 3072, 3073, 3074, 70_000]) {
      const bytes = bytesOf(n, n + 1);
      expect(toBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
    }
  });

  test('a text does not change when others are written or read after it', () => {
    const text = toBase64url(bytesOf(40, 1));
    const copy = Buffer.from(text).toString('latin1');
    toBase64url(bytesOf(60, 2));
    decodeBase64url(toBase64url(bytesOf(90, 3)), 0, new Uint8Array(90));
    expect(text).toBe(copy);
  });

  test('what is written is read, also after a text that made the reader take more room', () => {
    for (const n of [1, 5000, 2, 20_000, 3]) {
      const bytes = bytesOf(n, 9);
      expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
    }
  });
});

describe('keyOf32', () => {
  const all = fc.uint8Array({ minLength: 32, maxLength: 32 });

  test('two keys are equal when the bytes are, in each place and bit of them', () => {
    fc.assert(
      fc.property(all, fc.nat(31), fc.nat(7), (bytes, place, bit) => {
        const other = Uint8Array.from(bytes);
        expect(keyOf32(other)).toBe(keyOf32(bytes));
        other[place]! ^= 1 << bit;
        expect(keyOf32(other)).not.toBe(keyOf32(bytes));
      }),
    );
    const zeros = keyOf32(new Uint8Array(32));
    for (let i = 0; i < 256; i++) {
      const one = new Uint8Array(32);
      one[i >> 3] = 1 << (i & 7);
      expect(keyOf32(one), `bit ${i}`).not.toBe(zeros);
    }
  });

  test.each([0, 16, 31, 33, 64])('%d bytes make none: two lengths could give the same text', (n) => {
    expect(() => keyOf32(new Uint8Array(n))).toThrow(`expected 32 bytes, got ${n}`);
  });
});

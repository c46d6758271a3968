// SHA-256 against FIPS 180-4's examples, NIST's short vectors, @noble/hashes and node:crypto.
import { createHash } from 'node:crypto';
import { sha256 as noble } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../src/bytes.ts';
import { Sha256, sha256 } from '../src/crypto/index.ts';
import { nativeHasher, nativeSha256 } from '../src/node.ts';

const LONG = process.env['AMBIT_LONG'] === '1';
const unhex = (hex: string): Uint8Array => fromHex(hex)!;
const native = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('vectors', () => {
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    [
      'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
      'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1',
    ],
  ])('FIPS 180-4: "%s"', (text, digest) => expect(toHex(sha256(utf8(text)))).toBe(digest));

  it.each([
    ['d3', '28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1'],
    ['11af', '5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98'],
    ['74ba2521', 'b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e'],
    [
      '5a86b737eaea8ee976a0a24da63e7ed7eefad18a101c1211e2b3650c5187c2a8a650547208251f6d4237e661c7bf4c77f335390394c37fa1a9f9be836ac28509',
      '42e61e174fbb3897d6dd6cef3dd2802fe67b331953b06114a65c772859dfc1aa',
    ],
  ])('NIST CAVP short message %s', (message, digest) => expect(toHex(sha256(unhex(message)))).toBe(digest));

  it('FIPS 180-4: a million times "a", whole and in pieces of every size', () => {
    const digest = 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0';
    const bytes = new Uint8Array(1_000_000).fill(0x61);
    expect(toHex(sha256(bytes))).toBe(digest);
    const running = new Sha256();
    for (let at = 0, n = 0; at < bytes.length; at += n) {
      n = Math.min((n % 200) + 1, bytes.length - at);
      running.update(bytes, at, at + n);
    }
    expect(toHex(running.digest())).toBe(digest);
  });
});

describe('agreement with @noble/hashes and node:crypto', () => {
  it('on every length from 0 to 1,000, at every offset of a word', () => {
    const buffer = new Uint8Array(1_004);
    for (let i = 0; i < buffer.length; i++) buffer[i] = (i * 197 + (i >> 3)) & 0xff;
    for (let length = 0; length <= 1_000; length++) {
      const bytes = buffer.subarray(length & 3, (length & 3) + length);
      const digest = toHex(sha256(bytes));
      expect(digest).toBe(toHex(noble(bytes)));
      expect(digest).toBe(native(bytes));
      expect(digest).toBe(toHex(nativeSha256(bytes)));
    }
  });

  it('on messages cut anywhere, with a digest taken at every cut', () => {
    const message = fc.uint8Array({ maxLength: 1_000 });
    fc.assert(
      fc.property(message, fc.array(fc.nat(1_000), { maxLength: 12 }), (bytes, cuts) => {
        const running = new Sha256();
        const ours: string[] = [];
        const reference: string[] = [];
        const parts: Uint8Array[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]
          .map((c) => Math.min(c, bytes.length))
          .sort((a, b) => a - b)) {
          running.update(bytes, at, cut);
          parts.push(bytes.subarray(at, cut));
          at = cut;
          ours.push(toHex(running.digest()));
          reference.push(native(bytes.subarray(0, cut)));
        }
        expect(ours).toEqual(reference);
        expect(toHex(sha256(...parts))).toBe(native(bytes));
      }),
      { numRuns: LONG ? 20_000 : 200 },
    );
  });

  it('on a clone and its original, which go separate ways', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (prefix, left, right) => {
        const original = new Sha256().update(prefix);
        const copy = original.clone().update(left);
        original.update(right);
        expect(toHex(copy.digest())).toBe(native(Buffer.concat([prefix, left])));
        expect(toHex(original.digest())).toBe(native(Buffer.concat([prefix, right])));
      }),
    );
  });

  it(
    'on a message of more than 2^29 bytes, whose bit count takes two words',
    { skip: !LONG, timeout: 600_000 },
    () => {
      const piece = new Uint8Array(2 ** 24).fill(7);
      const ours = new Sha256();
      const theirs = nativeHasher();
      for (let i = 0; i < 33; i++) {
        ours.update(piece);
        theirs.update(piece);
      }
      expect(toHex(ours.digest())).toBe(toHex(theirs.digest()));
    },
  );
});

it('a range outside the bytes is refused, not read as zeros', () => {
  const bytes = new Uint8Array(8);
  for (const [start, end] of [
    [-1, 4],
    [5, 4],
    [0, 9],
    [9, 9],
    [Number.NaN, 4],
    [0, Number.NaN],
  ] as const) {
    expect(() => new Sha256().update(bytes, start, end)).toThrow(RangeError);
  }
});

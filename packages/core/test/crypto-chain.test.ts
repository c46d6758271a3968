// HMAC, HKDF and the chain kernel against their RFCs, @noble/hashes and node:crypto.
import { createHmac, hkdfSync } from 'node:crypto';
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex, utf8 } from '../src/bytes.ts';
import {
  chain,
  chainFrom,
  chainStart,
  hkdfSha256,
  HmacKey,
  hmacSha256,
  randomBytes,
  sha256,
} from '../src/crypto/index.ts';

const LONG = process.env['AMBIT_LONG'] === '1';
const unhex = (hex: string): Uint8Array => fromHex(hex)!;
const native = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
};

describe('vectors', () => {
  it.each([
    [
      '1',
      '0b'.repeat(20),
      toHex(utf8('Hi There')),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    [
      '2',
      toHex(utf8('Jefe')),
      toHex(utf8('what do ya want for nothing?')),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      '3',
      'aa'.repeat(20),
      'dd'.repeat(50),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    ],
    [
      '4',
      '0102030405060708090a0b0c0d0e0f10111213141516171819',
      'cd'.repeat(50),
      '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    ],
    [
      '5, truncated',
      '0c'.repeat(20),
      toHex(utf8('Test With Truncation')),
      'a3b6167473100ee06e0c796c2955552b',
    ],
    [
      '6',
      'aa'.repeat(131),
      toHex(utf8('Test Using Larger Than Block-Size Key - Hash Key First')),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      '7',
      'aa'.repeat(131),
      toHex(
        utf8(
          'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
        ),
      ),
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ])('RFC 4231, case %s', (_, key, message, mac) => {
    expect(toHex(hmacSha256(unhex(key), unhex(message))).slice(0, mac.length)).toBe(mac);
  });

  it.each([
    [
      '1',
      '0b'.repeat(22),
      '000102030405060708090a0b0c',
      'f0f1f2f3f4f5f6f7f8f9',
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    ],
    [
      '2',
      Array.from({ length: 80 }, (_, i) => i.toString(16).padStart(2, '0')).join(''),
      Array.from({ length: 80 }, (_, i) => (i + 0x60).toString(16)).join(''),
      Array.from({ length: 80 }, (_, i) => (i + 0xb0).toString(16)).join(''),
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    ],
    [
      '3, empty salt and info',
      '0b'.repeat(22),
      '',
      '',
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    ],
  ])('RFC 5869, case %s', (_, key, salt, info, output) => {
    const length = output.length / 2;
    expect(toHex(hkdfSha256(unhex(key), unhex(salt), unhex(info), length))).toBe(output);
    if (salt === '') expect(toHex(hkdfSha256(unhex(key), undefined, unhex(info), length))).toBe(output);
  });
});

describe('agreement with @noble/hashes and node:crypto', () => {
  it('HMAC on every message length from 0 to 1,000, with keys of every length from 0 to 200', () => {
    for (let length = 0; length <= 1_000; length++) {
      const key = randomBytes(length % 201);
      const message = randomBytes(length);
      const mac = toHex(hmacSha256(key, message));
      expect(mac).toBe(toHex(nobleHmac(nobleSha256, key, message)));
      expect(mac).toBe(toHex(native(key, message)));
    }
  });

  it('HKDF on every output length that is asked for, and the two ends', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.option(fc.uint8Array()),
        fc.uint8Array(),
        fc.integer({ min: 1, max: 300 }),
        (key, salt, info, n) => {
          const ours = toHex(hkdfSha256(key, salt ?? undefined, info, n));
          expect(ours).toBe(toHex(nobleHkdf(nobleSha256, key, salt ?? undefined, info, n)));
          expect(ours).toBe(
            toHex(new Uint8Array(hkdfSync('sha256', key, salt ?? new Uint8Array(0), info, n))),
          );
        },
      ),
    );
    // No output at all is for us alone: noble and the OpenSSL of Node 24 refuse to derive nothing.
    expect(hkdfSha256(utf8('k'), undefined, utf8('i'), 0)).toHaveLength(0);
    expect(hkdfSha256(utf8('k'), undefined, utf8('i'))).toHaveLength(32);
    expect(hkdfSha256(utf8('k'), undefined, utf8('i'), 8_160)).toHaveLength(8_160);
    for (const n of [-1, 8_161, 1.5, Number.NaN]) {
      expect(() => hkdfSha256(utf8('k'), undefined, utf8('i'), n)).toThrow(RangeError);
    }
  });
});

/** A chain as a token has it: links of any length, anywhere in one array that starts at any offset. */
const links = fc.record({
  key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  prefix: fc.uint8Array({ maxLength: 140 }),
  parts: fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 20 }),
  offset: fc.nat(9),
  buffer: fc.boolean(),
});
type Links = typeof links extends fc.Arbitrary<infer T> ? T : never;

function layout({ parts, offset, buffer }: Links): { bytes: Uint8Array; spans: Int32Array } {
  const size = parts.reduce((sum, part) => sum + part.length + 1, offset);
  const whole = buffer ? Buffer.alloc(size + offset) : new Uint8Array(size + offset);
  const bytes = whole.subarray(offset);
  // More spans than links: what lies behind `count` is not looked at.
  const spans = new Int32Array(2 * parts.length + 2).fill(-1);
  let at = 0;
  parts.forEach((part, i) => {
    spans[2 * i] = ++at;
    bytes.set(part, at);
    at += part.length;
    spans[2 * i + 1] = at;
  });
  return { bytes, spans };
}

describe('the chain', () => {
  it('is HMAC under HMAC, by node:crypto, whole and resumed at every link', () => {
    fc.assert(
      fc.property(links, (given) => {
        const { key, prefix, parts } = given;
        const { bytes, spans } = layout(given);
        const tails: Uint8Array[] = [];
        for (const [i, part] of parts.entries()) {
          tails.push(i === 0 ? native(key, prefix, part) : native(tails[i - 1]!, part));
        }
        const tail = toHex(tails.at(-1)!);
        const out = new Uint8Array(32);
        chain(key, prefix, bytes, spans, parts.length, out);
        expect(toHex(out)).toBe(tail);
        chainStart(key, prefix, bytes, spans[0]!, spans[1]!, out);
        expect(toHex(out)).toBe(toHex(tails[0]!));
        for (const [i, parent] of tails.entries()) {
          const child = parent.slice();
          chainFrom(child, bytes, spans, i + 1, parts.length, child);
          expect(toHex(child)).toBe(tail);
        }
      }),
      { numRuns: LONG ? 20_000 : 200 },
    );
  });

  it('links of 0 to 1,000 bytes, each after another: nothing is left over from the one before', () => {
    const bytes = randomBytes(1_200);
    const key = randomBytes(32);
    const spans = new Int32Array(4);
    const out = new Uint8Array(32);
    for (let n = 0; n <= 1_000; n++) {
      spans.set([n & 7, (n & 7) + n, 1_000 - n, 1_000]);
      chain(key, bytes.subarray(0, n % 70), bytes, spans, 2, out);
      const parent = native(key, bytes.subarray(0, n % 70), bytes.subarray(n & 7, (n & 7) + n));
      expect(toHex(out)).toBe(toHex(native(parent, bytes.subarray(1_000 - n, 1_000))));
    }
  });

  it('shares its scratch with nobody: any order of calls gives the same answers', () => {
    const calls = fc.array(fc.tuple(fc.nat(4), fc.uint8Array({ maxLength: 150 })), { maxLength: 30 });
    fc.assert(
      fc.property(calls, (sequence) => {
        for (const [kind, bytes] of sequence) {
          const key = sha256(bytes);
          const spans = Int32Array.of(0, bytes.length);
          const out = new Uint8Array(32);
          if (kind === 0) expect(toHex(hmacSha256(bytes, bytes))).toBe(toHex(native(bytes, bytes)));
          if (kind === 1) chain(key, bytes, bytes, spans, 1, out);
          if (kind === 2) chainStart(key, bytes, bytes, 0, bytes.length, out);
          if (kind === 3) chainFrom(key, bytes, spans, 0, 1, out);
          if (kind === 1 || kind === 2) expect(toHex(out)).toBe(toHex(native(key, bytes, bytes)));
          if (kind === 3) expect(toHex(out)).toBe(toHex(native(key, bytes)));
        }
      }),
      { numRuns: LONG ? 10_000 : 100 },
    );
  });

  it('resumed at its end is the tail it was given', () => {
    const tail = randomBytes(32);
    const out = new Uint8Array(32);
    chainFrom(tail, new Uint8Array(0), new Int32Array(0), 0, 0, out);
    expect(out).toEqual(tail);
  });

  it('writes the last link and nothing else: inputs stay as they were', () => {
    const key = randomBytes(32);
    const bytes = randomBytes(64);
    const spans = Int32Array.of(0, 20, 20, 64);
    const before = toHex(bytes) + toHex(key) + spans.join();
    const wide = new Uint8Array(34).fill(0xee);
    chain(key, utf8('p'), bytes, spans, 2, wide.subarray(1, 33));
    expect(toHex(bytes) + toHex(key) + spans.join()).toBe(before);
    expect([wide[0], wide[33]]).toEqual([0xee, 0xee]);
  });

  it('L8: lengths and spans are checked before anything is hashed or written', () => {
    const key = new Uint8Array(32);
    const none = new Uint8Array(0);
    const bytes = new Uint8Array(10);
    const out = new Uint8Array(32).fill(0xee);
    const good = Int32Array.of(0, 10);
    expect(() => chain(new Uint8Array(31), none, bytes, good, 1, out)).toThrow(RangeError);
    expect(() => chain(key, none, bytes, good, 1, new Uint8Array(31))).toThrow(RangeError);
    expect(() => chain(key, none, bytes, good, 0, out)).toThrow(RangeError);
    expect(() => chain(key, none, bytes, good, 2, out)).toThrow(RangeError);
    expect(() => chain(key, none, bytes, good, Number.NaN, out)).toThrow(RangeError);
    for (const bad of [
      [-1, 3],
      [4, 3],
      [0, 11],
      [11, 11],
    ]) {
      expect(() => chain(key, none, bytes, Int32Array.from(bad), 1, out)).toThrow(RangeError);
      expect(() => chain(key, none, bytes, Int32Array.from([0, 10, ...bad]), 2, out)).toThrow(RangeError);
      expect(() => chainFrom(key, bytes, Int32Array.from(bad), 0, 1, out)).toThrow(RangeError);
      expect(() => chainStart(key, none, bytes, bad[0]!, bad[1]!, out)).toThrow(RangeError);
    }
    expect(() => chainStart(new Uint8Array(33), none, bytes, 0, 1, out)).toThrow(RangeError);
    expect(() => chainFrom(new Uint8Array(33), bytes, good, 0, 1, out)).toThrow(RangeError);
    expect(() => chainFrom(key, bytes, good, -1, 1, out)).toThrow(RangeError);
    expect(() => chainFrom(key, bytes, good, 2, 1, out)).toThrow(RangeError);
    expect(out).toEqual(new Uint8Array(32).fill(0xee));
  });
});

describe('a key that is used again', () => {
  it('gives what node:crypto gives for every length up to 300, and knows a wrong MAC by any bit', () => {
    const secret = randomBytes(32);
    const key = new HmacKey(secret);
    for (let end = 0; end <= 300; end++) {
      const message = randomBytes(320);
      const mac = native(secret, message.subarray(0, end));
      expect(toHex(key.mac(message, end))).toBe(toHex(mac));
      expect(key.verify(message, end, mac)).toBe(true);
      mac[end & 31]! ^= 1 << (end & 7);
      expect(key.verify(message, end, mac)).toBe(false);
    }
  });

  it('refuses another length of key and an end outside the message; a MAC of another length is wrong', () => {
    expect(() => new HmacKey(new Uint8Array(31))).toThrow(RangeError);
    const key = new HmacKey(new Uint8Array(32));
    const mac = key.mac(new Uint8Array(3));
    for (const end of [-1, 4, Number.NaN]) {
      expect(() => key.mac(new Uint8Array(3), end)).toThrow(RangeError);
      expect(() => key.verify(new Uint8Array(3), end, mac)).toThrow(RangeError);
    }
    expect(key.verify(new Uint8Array(3), 3, mac.subarray(0, 31))).toBe(false);
  });
});

it('random bytes: as many as asked for, past the limit of one call too, and never the same', () => {
  for (const n of [0, 1, 32, 65_536, 200_001]) expect(randomBytes(n)).toHaveLength(n);
  expect(randomBytes(200_001).subarray(-64)).not.toEqual(new Uint8Array(64));
  expect(new Set(Array.from({ length: 1_000 }, () => toHex(randomBytes(16)))).size).toBe(1_000);
});

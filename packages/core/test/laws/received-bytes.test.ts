// L7 MAC what arrived: MACs, signatures and digests cover received bytes, and one encoding is accepted.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode as decodeX } from 'cbor-x';
import { decodeCbor, encodeCbor, type Cbor } from '@ambit/core';
import {
  COLD,
  generations,
  itemsOf,
  K,
  lineageArb,
  mintBase,
  remac,
  tailOf,
  verifierWith,
} from '../sample.ts';
import { tokenText, writeFrame } from '../../src/token/frame.ts';

const cborArb: fc.Arbitrary<Cbor> = fc.letrec<{ value: Cbor }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(true, false, null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.oneof(fc.integer(), fc.string({ maxLength: 5 })), tie('value')), { maxLength: 5 })
      .map((e) => new Map(e)),
  ),
})).value;

test('L7 what the encoder writes is read back, by our reader and by cbor-x', () => {
  fc.assert(
    fc.property(cborArb, (value) => {
      const bytes = encodeCbor(value);
      const read = decodeCbor(bytes);
      expect(read).not.toBeNull();
      expect(encodeCbor(read!.value)).toEqual(bytes);
      expect(() => decodeX(bytes) as unknown).not.toThrow();
    }),
    { numRuns: 1000 },
  );
});

test('L7 one encoding a value: whatever the reader accepts, the encoder would have written', () => {
  let [tried, accepted] = [0, 0];
  fc.assert(
    fc.property(
      cborArb,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      (value, flips) => {
        tried++;
        const bytes = encodeCbor(value).slice();
        for (const [at, to] of flips) bytes[at % bytes.length] = to;
        const read = decodeCbor(bytes);
        if (read === null) return;
        accepted++;
        expect(encodeCbor(read.value)).toEqual(bytes);
      },
    ),
    { numRuns: 20_000 },
  );
  expect(accepted / tried).toBeGreaterThan(1 / 40);
});

test('L7 every token we write decodes with cbor-x to the same items', () => {
  fc.assert(
    fc.property(lineageArb, (l) => {
      const { token } = generations(l).at(-1)!;
      const contents = itemsOf(token);
      const [version, grant, caveats, tail] = decodeX(writeFrame(contents, tailOf(token))) as [
        number,
        Buffer,
        Buffer[],
        Buffer,
      ];
      expect(version).toBe(1);
      expect([grant, ...caveats].map((b) => Buffer.from(b).toString('hex'))).toEqual(
        contents.map((b) => Buffer.from(b).toString('hex')),
      );
      expect(Buffer.from(tail)).toHaveLength(32);
      for (const bytes of contents) expect(encodeCbor(decodeCbor(bytes)!.value)).toEqual(bytes);
    }),
    { numRuns: 100 },
  );
});

test('L7 another encoding of the same grant is another token: refused for its MAC, and under a MAC of its own for its form', () => {
  const [grant] = itemsOf(mintBase());
  // The issue time as an integer of eight bytes; the map with its head of two bytes.
  const wider = (bytes: Uint8Array): Uint8Array => {
    const at = Buffer.from(bytes).indexOf(Buffer.from([0x06, 0x1a]));
    return new Uint8Array([...bytes.subarray(0, at + 1), 0x1b, 0, 0, 0, 0, ...bytes.subarray(at + 2)]);
  };
  const headed = new Uint8Array([0xb8, grant![0]! & 31, ...grant!.subarray(1)]);
  for (const other of [wider(grant!), headed]) {
    const v = verifierWith(COLD);
    expect(v.identify(tokenText(writeFrame([other], tailOf(mintBase()))))).toMatchObject({
      code: 'token_invalid',
      unverified: true,
    });
    const answer = v.identify(remac([other], K));
    expect(answer).toMatchObject({ ok: false, code: 'token_invalid' });
    expect(!answer.ok && answer.message).toContain('malformed');
  }
});

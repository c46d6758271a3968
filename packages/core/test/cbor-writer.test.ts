// The buffer that all encoding shares: used again, given up when it has grown, never mixed up, and left empty.
import { expect, test } from 'vitest';
import { CborWriter, concat, encodeCbor, equal, toHex, utf8, type Cbor } from '@ambit/core';
import { byteString, head } from '../src/cbor/index.ts';

test('a value that encodes another while it is read gets the bytes of its own', () => {
  const inner: Cbor = ['inner', 1, new Uint8Array(40)];
  const expected = toHex(encodeCbor(inner));
  const seen: string[] = [];
  class Sly extends Map<number, Cbor> {
    override *[Symbol.iterator](): MapIterator<[number, Cbor]> {
      for (const entry of super.entries()) {
        seen.push(toHex(encodeCbor(inner)));
        yield entry;
      }
    }
  }
  const entries: [number, Cbor][] = [[2, 'two'], [1, ['one', new Map([[7, 'x']])]]]; // prettier-ignore
  expect(toHex(encodeCbor(['before', new Sly(entries), 'after']))).toBe(
    toHex(encodeCbor(['before', new Map(entries), 'after'])),
  );
  expect(seen).toEqual([expected, expected]);
});

test('what could not be encoded leaves nothing behind', () => {
  const value: Cbor = ['a', 1];
  const expected = toHex(encodeCbor(value));
  for (const bad of [
    ['x'.repeat(5000), 0.5],
    ['y', '\ud800'],
    ['z', new Map([['k', -0]])],
  ] as Cbor[]) {
    expect(() => encodeCbor(bad)).toThrow(RangeError);
    expect(toHex(encodeCbor(value))).toBe(expected);
  }
});

test.each([1000, 1023, 1024, 65_535, 65_536, 300_000])(
  'a value of %i bytes and more is written whole',
  (n) => {
    const bytes = new Uint8Array(n).fill(5);
    const texts = ['a'.repeat(n), `${'b'.repeat(n)}\u00e9\u{1f600}`] as const;
    const expected = [Uint8Array.of(0x84), byteString(bytes), ...texts.flatMap(written), head(0, n)];
    expect(equal(encodeCbor([bytes, ...texts, n]), concat(...expected))).toBe(true);
    expect(toHex(encodeCbor([1, 'small']))).toBe('820165736d616c6c');
  },
);
const written = (text: string): Uint8Array[] => [head(3, utf8(text).length), utf8(text)];

test('a writer ends at its limit with the error that was given, and clearing leaves no byte', () => {
  const writer = new CborWriter(32, 64, () => new Error('longer than an entry'));
  writer.text('a secret of thirty-two characters');
  expect(writer.at).toBe(35);
  expect(() => writer.byteString(new Uint8Array(30))).toThrow('longer than an entry');
  writer.clear();
  expect([...writer.bytes]).toEqual(Array.from({ length: writer.bytes.length }, () => 0));
  writer.raw(new Uint8Array(64));
  expect(() => writer.simple(true)).toThrow('longer than an entry');
  expect(writer.copy()).toEqual(new Uint8Array(64));
});

test('a text that is not printable ASCII is left to the caller', () => {
  const writer = new CborWriter(64);
  writer.integer(-1);
  for (const text of ['\u00e9', 'a\n', '\u007f', 'aaaa\ud800']) expect(writer.ascii(text)).toBe(false);
  expect(toHex(writer.copy())).toBe('20');
  expect(writer.ascii(' ~')).toBe(true);
  writer.text('\u00e9');
  expect(toHex(writer.copy())).toBe('2062207e62c3a9');
});

// The reader and the writer of the one encoding, method by method: bounds, ends, copies, and what is remembered of texts.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encodeCbor as encode, decodeCbor as decode, type Cbor } from '../src/index.ts';
import { MALFORMED, Reader } from '../src/cbor/index.ts';
import { compareBytes } from '../src/cbor/write.ts';

const hex = (h: string): Uint8Array => Uint8Array.from(Buffer.from(h.replaceAll(' ', ''), 'hex'));
/** What reading throws; null when it throws nothing. */
function thrown(read: () => unknown): unknown {
  try {
    read();
    return null;
  } catch (error) {
    return error;
  }
}
type Read = (r: Reader) => unknown;
const long = 'x'.repeat(1024);

// Each stands in longer memory, behind three bytes and before others that would go on with it.
const ITEMS: readonly (readonly [string, Uint8Array, Read, unknown])[] = [
  ['peek', hex('05'), (r) => (r.peek(), r.uint()), 5],
  ['uint', hex('17'), (r) => r.uint(), 23],
  ['uint of 1 byte', hex('18 18'), (r) => r.uint(), 24],
  ['uint of 2 bytes', hex('19 0100'), (r) => r.uint(), 256],
  ['uint of 4 bytes', hex('1a 00010000'), (r) => r.uint(), 65536],
  ['uint of 8 bytes', hex('1b 0000000100000000'), (r) => r.uint(), 2 ** 32],
  ['the largest', hex('1b 001fffffffffffff'), (r) => r.uint(), 2 ** 53 - 1],
  ['int', hex('38 18'), (r) => r.int(), -25],
  ['the smallest', hex('3b 001ffffffffffffe'), (r) => r.int(), -(2 ** 53 - 1)],
  ['bytes', hex('43 010203'), (r) => r.byteString(), hex('010203')],
  ['bytes of a size', hex('43 010203'), (r) => r.byteString(3), hex('010203')],
  ['no bytes', hex('40'), (r) => r.byteString(), hex('')],
  ['bytes into an array', hex('43 010203'), (r) => r.byteStringInto(new Uint8Array(3)), hex('010203')],
  ['text', hex('63 616263'), (r) => r.text(), 'abc'],
  ['text of other letters', hex('62 c3a9'), (r) => r.text(), 'é'],
  ['text at most so long', hex('63 616263'), (r) => r.text(3), 'abc'],
  ['the longest text', encode(long), (r) => r.text(), long],
  ['text that passes', hex('63 616263'), (r) => r.textThat((t) => t === 'abc', 3), 'abc'],
  ['array', hex('82 01 02'), (r) => [r.array(), r.uint(), r.uint()], [2, 1, 2]],
  ['array of a size', hex('82 01 02'), (r) => [r.array(2), r.uint(), r.uint()], [2, 1, 2]],
  ['map', hex('a1 01 02'), (r) => [r.map(), r.uint(), r.uint()], [1, 1, 2]],
  ['true', hex('f5'), (r) => r.simple(), true],
  ['false', hex('f4'), (r) => r.simple(), false],
  ['null', hex('f6'), (r) => r.simple(), null],
  ['nothing', hex('f6'), (r) => (r.nothing() ? 'nothing' : r.simple()), 'nothing'],
  ['a value', hex('83 01 61 61 a1 6162 f6'), (r) => r.value(), [1, 'a', new Map([['b', null]])]],
];
const SKIPPED = ['17', '38 18', '43 010203', '63 616263', '82 01 8102', 'a2 01 02 03 a0', 'f4', 'f5', 'f6'];

describe('the reader', () => {
  it.each([
    ...ITEMS,
    ...SKIPPED.map((h) => [`skip ${h}`, hex(h), (r: Reader) => r.skip(), undefined] as const),
    ['skip the longest text', encode(long), (r: Reader) => r.skip(), undefined] as const,
    ['skip long bytes', encode(new Uint8Array(2000)), (r: Reader) => r.skip(), undefined] as const,
  ])('E13 reads %s up to its end, and nothing behind it', (_, item, read, value) => {
    const start = 3;
    const end = start + item.length;
    // Bytes behind are those of the item again, so that reading on would find what it looks for.
    const memory = new Uint8Array([9, 9, 9, ...item, ...item, ...item]);
    const reader = new Reader(memory, start, end);
    expect(read(reader)).toEqual(value);
    expect(reader.pos).toBe(end);
    reader.done();
    const ends = item.length > 20 ? [start, start + 1, end - 1] : item.keys();
    for (const short of ends) {
      const at = item.length > 20 ? short : start + short;
      expect(
        thrown(() => read(new Reader(memory, start, at))),
        `${at} of ${end}`,
      ).toBe(MALFORMED);
    }
  });

  it('E8 finds an end too early as soon as a length tells', () => {
    const cases: readonly (readonly [string, Read])[] = [
      ['43 0102', (r) => r.byteString()],
      ['63 6162', (r) => r.text()],
      ['82 01', (r) => r.array()],
      ['a1 01', (r) => r.map()],
      ['43 0102', (r) => r.skip()],
    ];
    for (const [h, read] of cases) {
      const memory = new Uint8Array([9, 9, 9, ...hex(h), 1, 1, 1]);
      expect(
        thrown(() => read(new Reader(memory, 3, 3 + hex(h).length))),
        h,
      ).toBe(MALFORMED);
    }
    const atEnd = new Reader(hex('f6 f6'), 1, 1);
    expect(atEnd.nothing()).toBe(false);
    expect(atEnd.pos).toBe(1);
    expect(thrown(() => atEnd.peek())).toBe(MALFORMED);
    expect(new Reader(hex('f4')).nothing()).toBe(false);
    expect(thrown(() => new Reader(hex('01 01'), 0, 2).done())).toBe(MALFORMED);
  });

  it.each<readonly [string, string, Read]>([
    ['bytes of another size', '43 010203', (r) => r.byteString(2)],
    ['bytes of a greater size', '43 010203', (r) => r.byteString(4)],
    ['bytes into a smaller array', '43 010203', (r) => r.byteStringInto(new Uint8Array(2))],
    ['bytes into a greater array', '43 010203', (r) => r.byteStringInto(new Uint8Array(4))],
    ['a text into an array', '63 616263', (r) => r.byteStringInto(new Uint8Array(3))],
    ['an array of another size', '82 01 02', (r) => r.array(1)],
    ['a text that is too long', '63 616263', (r) => r.text(2)],
    ['a text that does not pass', '63 616263', (r) => r.textThat(() => false, 3)],
    ['text that is no UTF-8', '62 c328', (r) => r.text()],
    ['another type', '63 616263', (r) => r.byteString()],
    ['a negative number', '20', (r) => r.uint()],
    ['a number of 54 bits', '1b 0020000000000000', (r) => r.uint()],
    ['a negative number of 54 bits', '3b 001fffffffffffff', (r) => r.int()],
    ['a reserved head', '1c 00', (r) => r.uint()],
    ['no simple value', 'f7', (r) => r.simple()],
    ['a tag', 'c1 01', (r) => r.value()],
    ['a tag, skipped', 'c1 01', (r) => r.skip()],
    ['undefined, skipped', 'f7', (r) => r.skip()],
    ['a map with a key of bytes', 'a1 41 01 01', (r) => r.value()],
  ])('refuses %s', (_, h, read) => {
    expect(thrown(() => read(new Reader(hex(h))))).toBe(MALFORMED);
  });

  it('E9 nests eight deep and no deeper, and skips as deep and as long as it reads', () => {
    for (const [open, inner] of [['81', '01'], ['a1 01', '01']] as const)
      for (const read of [(r: Reader) => r.value(), (r: Reader) => r.skip()]) {
        expect(thrown(() => read(new Reader(hex(open.repeat(8) + inner))))).toBeNull();
        expect(thrown(() => read(new Reader(hex(open.repeat(9) + inner))))).toBe(MALFORMED);
      } // prettier-ignore
    for (const read of [(r: Reader) => r.text(), (r: Reader) => r.value(), (r: Reader) => r.skip()])
      expect(thrown(() => read(new Reader(encode('x'.repeat(1025)))))).toBe(MALFORMED);
  });

  it('copies bytes where it says so', () => {
    const memory = hex('43 010203');
    const copy = new Reader(memory).byteStringCopy();
    const value = new Reader(memory).value();
    const view = new Reader(memory).byteString();
    memory.fill(0);
    expect([copy, value]).toEqual([hex('010203'), hex('010203')]);
    expect(view).toEqual(hex('000000'));
    expect(thrown(() => new Reader(hex('43 010203')).byteStringCopy(2))).toBe(MALFORMED);
  });

  it('E2 takes integer keys in the order of their bytes: those from 0 on, then those below', () => {
    const order = [0, 1, 23, 24, 2 ** 32, -1, -2, -25];
    const key = (previous: number | null, next: number): unknown =>
      thrown(() => new Reader(encode(next)).mapKey(previous));
    for (const [i, a] of order.entries()) {
      expect(key(null, a)).toBeNull();
      for (const [j, b] of order.entries()) expect(key(a, b), `${a} ${b}`).toBe(j > i ? null : MALFORMED);
    }
  });
});

describe('texts that recur', () => {
  afterEach(() => vi.restoreAllMocks());
  const reading = (text: string, before = 0, behind = 0): Reader => {
    const item = encode(text);
    const memory = new Uint8Array(before + item.length + behind).fill(0x61);
    memory.set(item, before);
    return new Reader(memory, before, before + item.length);
  };
  /** How often bytes are decoded while `run` runs. */
  function decoded(run: () => unknown): number {
    const spy = vi.spyOn(TextDecoder.prototype, 'decode');
    run();
    const { length } = spy.mock.calls;
    spy.mockRestore();
    return length;
  }

  it('are made once, wherever they stand, when they are short and ASCII', () => {
    for (const text of ['', 'web_search', '\u007f', 'a'.repeat(40)]) {
      reading(text).text();
      const again = (): void => {
        for (const [before, behind] of [[0, 0], [5, 0], [0, 9], [7, 3]] as const)
          expect(reading(text, before, behind).text()).toBe(text); // prettier-ignore
      };
      expect(decoded(again), text).toBe(0);
    }
    for (const text of ['a'.repeat(41), 'é'])
      expect(
        decoded(() => [reading(text).text(), reading(text).text()]),
        text,
      ).toBe(2);
  });

  // Of 6,000 texts in 1,024 places each shares its place with others, some of which begin like it.
  const texts = Array.from({ length: 2000 }, (_, i) => `t${i}`).flatMap((t) => [t, `${t}.`, `${t}.read`]);

  it('are told apart in one place', () => {
    for (const order of [texts, texts.toReversed(), texts])
      expect(order.filter((text) => reading(text).text() !== text)).toEqual([]);
  });

  it('have passed a test when they themselves have: not another, not another’s', () => {
    let asked = 0;
    const passes = (): boolean => ++asked > 0;
    const refused = (text: string, by: (text: string) => boolean): boolean =>
      thrown(() => reading(text).textThat(by, 64)) === MALFORMED;
    const isLong = (text: string): boolean => text.length > 40;
    const wrong = texts.filter((text) => {
      asked = 0;
      for (let i = 0; i < 3; i++) reading(text).textThat(passes, 64);
      if (asked !== 1 || !refused(text, () => false)) return true;
      // A long text has no place: that it passes says nothing of those that have one.
      return refused('y'.repeat(41), isLong) || !refused(text, isLong);
    });
    expect(wrong).toEqual([]);
    asked = 0;
    for (let i = 0; i < 2; i++) reading('y'.repeat(41)).textThat(passes, 64);
    expect(asked).toBe(2);
  });
});

describe('the writer', () => {
  it('orders bytes, a beginning before what goes on', () => {
    const sign = (a: string, b: string): number => Math.sign(compareBytes(hex(a), hex(b)));
    expect([sign('01', '01'), sign('01', '02'), sign('02', '01'), sign('02', '0101')]).toEqual([0, -1, 1, 1]);
    expect([sign('01', '0100'), sign('0100', '01'), sign('', '00'), sign('', '')]).toEqual([-1, 1, -1, 0]);
  });

  it.each<readonly [string, unknown, typeof RangeError | typeof TypeError]>([
    ['a fraction', 0.5, RangeError],
    ['no number', Number.NaN, RangeError],
    ['a number of 54 bits', 2 ** 53, RangeError],
    ['minus zero', -0, RangeError],
    ['half a character', 'a\ud800', RangeError],
    ['an object', {}, TypeError],
    ['undefined', undefined, TypeError],
    ['a set', new Set([1]), TypeError],
    ['pairs that are no map', new Set([['a', 1]]), TypeError],
    ['a fraction in a list', [1, 0.5], RangeError],
  ])('refuses %s', (_, value, error) => {
    expect(() => encode(value as Cbor)).toThrow(error);
  });

  it('writes what the reader reads, at the edges of each head', () => {
    for (const n of [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])
      for (const value of [n, -n - 1]) {
        if (!Number.isSafeInteger(value)) continue;
        expect(decode(encode(value))).toEqual({ value });
      }
    expect(encode(-1)).toEqual(hex('20'));
    expect(encode(new Map<number | string, Cbor>([['a', 1], [-1, 2], [10, 3]]))).toEqual(hex('a3 0a03 2002 616101')); // prettier-ignore
  });
});

// Text for people and its lengths: each bound of a range of characters from both sides.
import { describe, expect, it } from 'vitest';
import { numberProblem } from '../src/args/number.ts';
import { cut, isInvisible, isWellFormed, printable, quote, utf8Length } from '../src/args/text.ts';

// The last and first characters of each length in UTF-8 and of each half of a pair.
const UNITS = ['a', '\u007f', '\u0080', '\u07ff', '\u0800', '\ud7ff', '\ud800', '\udbff', '\udc00', '\udfff', '\ue000', '\uffff']; // prettier-ignore
const texts = ['', ...UNITS, ...UNITS.flatMap((a) => UNITS.flatMap((b) => [a + b, `${a}${b}x`, `x${a}${b}`, `${a}${b}${a}`, `${a}${b}${b}`]))]; // prettier-ignore

describe('every text of a few characters at the bounds', () => {
  it('is as long as its encoding', () => {
    const encoder = new TextEncoder();
    expect(texts.filter((text) => utf8Length(text) !== encoder.encode(text).length)).toEqual([]);
  });

  it('is well formed when no half of a pair stands alone', () => {
    const wrong = texts.filter((text) => isWellFormed(text) === /\p{Surrogate}/u.test(text));
    expect(wrong).toEqual([]);
  });

  it('is printed with a question mark for each half of a pair that stands alone', () => {
    const expected = (text: string): string => text.replaceAll(/[\p{Surrogate}\p{Cc}]/gu, '?');
    expect(texts.filter((text) => printable(text) !== expected(text))).toEqual([]);
  });
});

describe('characters that draw nothing or change how others are drawn', () => {
  const ranges: readonly (readonly [first: number, last: number])[] = [
    [0, 0x1f],
    [0x7f, 0x9f],
    [0xad, 0xad],
    [0x34f, 0x34f],
    [0x61c, 0x61c],
    [0x115f, 0x1160],
    [0x17b4, 0x17b5],
    [0x180b, 0x180f],
    [0x200b, 0x200f],
    [0x2028, 0x202e],
    [0x2060, 0x206f],
    [0x3164, 0x3164],
    [0xfe00, 0xfe0f],
    [0xfeff, 0xfeff],
    [0xffa0, 0xffa0],
    [0xfff0, 0xfffb],
    [0x1bca0, 0x1bca3],
    [0x1d173, 0x1d17a],
    [0xe0000, 0xe0fff],
  ];

  it.each(ranges)('from %i to %i', (first, last) => {
    expect([first - 1, first, last, last + 1].map(isInvisible)).toEqual([first === 0, true, true, false]);
    expect(printable(String.fromCodePoint(first, last, last + 1))).toBe(`??${String.fromCodePoint(last + 1)}`);
  }); // prettier-ignore

  it('are all that Unicode calls ignorable, controls, separators of lines and turns of direction', () => {
    const unseen = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
    const missed: number[] = [];
    for (let c = 0; c < 0xe1000; c = c === 0x1ffff ? 0xe0000 : c + 1)
      if (unseen.test(String.fromCodePoint(c)) && !isInvisible(c)) missed.push(c);
    expect(missed).toEqual([]);
  });

  it('others are left', () => {
    for (const c of [0x20, 0x7e, 0xa0, 0xac, 0xae, 0x300, 0x1680, 0x2010, 0x3000, 0x1f600, 0x1d800, 0xe1000])
      expect([c, isInvisible(c), printable(String.fromCodePoint(c))]).toEqual([c, false, String.fromCodePoint(c)]); // prettier-ignore
  });
});

describe('a text for people', () => {
  it('is cut after so many code units, and never between the halves of a pair', () => {
    expect([cut('abc', 3), cut('abcd', 3), cut('', 0)]).toEqual(['abc', 'abc...', '']);
    expect([2, 3, 4, 5].map((max) => cut('ab😀c', max))).toEqual(['ab...', 'ab...', 'ab😀...', 'ab😀c']);
    expect(printable('ab😀c', 3)).toBe('ab...');
    expect(printable('x'.repeat(64))).toBe('x'.repeat(64));
    expect(printable('x'.repeat(65))).toBe(`${'x'.repeat(64)}...`);
  });

  it('has no quotes inside its own', () => {
    expect(quote('a"b"\n')).toBe('"a?b??"');
    expect(quote('abcd', 3)).toBe('"abc..."');
    expect(quote('x'.repeat(65))).toBe(`"${'x'.repeat(64)}..."`);
  });
});

it('numbers are exact up to 2^53 - 1, and zero has one sign', () => {
  const most = Number.MAX_SAFE_INTEGER;
  for (const n of [0, 1, -1, 0.5, 5e-324, most, -most]) expect([n, numberProblem(n)]).toEqual([n, null]);
  for (const n of [most + 1, -most - 1, Infinity, -Infinity])
    expect([n, numberProblem(n)]).toEqual([n, 'a number beyond 2^53-1']);
  expect(numberProblem(NaN)).toBe('not a number');
  expect(numberProblem(-0)).toBe('negative zero');
});

// The strict JSON reader, character by character: where it refuses and why, the bounds of each class of characters,
// what counts against the limit, and which texts it knows to be canonical already.
import { describe, expect, it } from 'vitest';
import { canonicalJson, parseJson, type Json } from '../src/args/index.ts';

const accepted = (text: string): Json => {
  const result = parseJson(text);
  if (!result.ok) throw new Error(`${text}: ${result.reason}`);
  return result.value;
};
const reason = (text: string, limit?: number): string => {
  const result = parseJson(text, limit);
  return result.ok ? 'accepted' : result.reason;
};

describe('P5 a refusal names the place and what was expected there', () => {
  it.each([
    ['', 0, 'the text ends early'],
    ['  ', 2, 'the text ends early'],
    ['[', 1, 'the text ends early'],
    ['[1,', 3, 'the text ends early'],
    ['{"a":', 5, 'the text ends early'],
    ['x', 0, 'a value was expected'],
    [' x', 1, 'a value was expected'],
    ['[1,]', 3, 'a value was expected'],
    ['[/]', 1, 'a value was expected'],
    ['[:]', 1, 'a value was expected'],
    ['[trux]', 1, 'a value was expected'],
    ['[fals]', 1, 'a value was expected'],
    ['[nul]', 1, 'a value was expected'],
    ['1 2', 2, 'something follows the value'],
    ['nulll', 4, 'something follows the value'],
    ['{}}', 2, 'something follows the value'],
    ['{', 1, 'a name in double quotes was expected'],
    ['{ 1:2}', 2, 'a name in double quotes was expected'],
    ['{"a":1, }', 8, 'a name in double quotes was expected'],
    ['{"a"', 4, 'a colon was expected'],
    ['{"a" 1}', 5, 'a colon was expected'],
    ['{"a":1', 6, 'a comma or a closing brace was expected'],
    ['{"a":1 ]', 7, 'a comma or a closing brace was expected'],
    ['[1', 2, 'a comma or a closing bracket was expected'],
    ['[1 }', 3, 'a comma or a closing bracket was expected'],
    ['"', 1, 'the text ends early'],
    ['"a', 2, 'the text ends early'],
    ['"a\n"', 2, 'a control character in a string'],
    ['"\u001f"', 1, 'a control character in a string'],
    ['"ab\ud800"', 3, 'a lone surrogate'],
    ['"\udc00"', 1, 'a lone surrogate'],
    ['"\udbff\ue000"', 1, 'a lone surrogate'],
    ['"\ud800\udbff"', 1, 'a lone surrogate'],
    ['"\udfff\udc00"', 1, 'a lone surrogate'],
    ['"a\\x"', 2, 'an unknown escape'],
    ['"a\\', 2, 'an unknown escape'],
    ['"\\u', 3, 'four hexadecimal digits were expected'],
    ['"\\u12"', 5, 'four hexadecimal digits were expected'],
    ['"\\ud800"', 1, 'a lone surrogate'],
    ['"\\udc00\\udc00"', 1, 'a lone surrogate'],
    ['"\\ud800\\udbff"', 1, 'a lone surrogate'],
    ['"\\udbff\\ue000"', 1, 'a lone surrogate'],
    ['"\\ud800\\u00"', 11, 'four hexadecimal digits were expected'],
    ['-', 1, 'a digit was expected'],
    ['-x', 1, 'a digit was expected'],
    ['1.', 2, 'a digit was expected'],
    ['1./', 2, 'a digit was expected'],
    ['1.:', 2, 'a digit was expected'],
    ['1e', 2, 'a digit was expected'],
    ['1e/', 2, 'a digit was expected'],
    ['1e:', 2, 'a digit was expected'],
    ['1.5E-', 5, 'a digit was expected'],
    ['1e++1', 3, 'a digit was expected'],
    ['1e,1', 2, 'a digit was expected'],
    ['[01]', 1, 'a number with a leading zero'],
    ['-00', 0, 'a number with a leading zero'],
    ['1:', 1, 'something follows the value'],
    ['1/', 1, 'something follows the value'],
    ['1f5', 1, 'something follows the value'],
    ['1.5:', 3, 'something follows the value'],
    ['1.5/', 3, 'something follows the value'],
    ['1.5f1', 3, 'something follows the value'],
    ['1e5:', 3, 'something follows the value'],
    ['1e5/', 3, 'something follows the value'],
    ['1e5.5', 3, 'something follows the value'],
    ['[9007199254740992]', 1, 'a number beyond 2^53-1'],
    ['[1.5e16]', 1, 'a number beyond 2^53-1'],
    ['[-0]', 1, 'negative zero'],
    ['[-0.0]', 1, 'negative zero'],
    ['[9e-400]', 1, 'a number too small to be told from zero'],
    ['[0.1e-999]', 1, 'a number too small to be told from zero'],
    ['{"a":1, "a":2}', 8, 'the name "a" occurs twice'],
    ['{"a":{"__proto__":1}}', 6, 'the name "__proto__" is not allowed'],
    ['{"a":'.repeat(33), 160, 'nested deeper than 32'],
  ])('%j: %i, %s', (text, place, what) => {
    expect(reason(text)).toBe(`character ${place}: ${what}`);
  });

  it('thirty-two objects in each other are not too many', () => {
    expect(reason(`${'{"a":'.repeat(32)}1${'}'.repeat(32)}`)).toBe('accepted');
  });
});

describe('the classes of characters end where they should', () => {
  const same = (text: string): void => expect([text, accepted(text)]).toEqual([text, JSON.parse(text)]);

  it('hexadecimal digits, in either case, at each of four places', () => {
    for (const digit of '0123456789abcdefABCDEF')
      for (const unit of [`0${digit}00`, `00${digit}0`, `000${digit}`]) same(`"\\u${unit}"`);
    for (const digit of '0123456789abcefABCEF') same(`"x\\u${digit}123y"`);
    for (const other of '/:@G`g')
      for (let at = 0; at < 4; at++)
        expect(reason(`"\\u${'0'.repeat(at)}${other}${'0'.repeat(3 - at)}"`)).toBe(
          `character ${3 + at}: four hexadecimal digits were expected`,
        );
  });

  it('pairs of surrogates, written out and escaped', () => {
    for (const text of ['\ud800\udc00', '\udbff\udfff', '\ud7ff', '\ue000', '\ud83d\ude00\ud83d\ude00', '\uffff']) {
      same(`"${text}"`);
      same(`"a${text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`)}b"`);
    }
  }); // prettier-ignore

  it('every short escape, control character and letter that follows a backslash', () => {
    same('"\\"\\\\\\/\\b\\f\\n\\r\\t"');
    same('"a\\nb\\\\c"');
    for (let c = 0x20; c < 0x7f; c++) {
      const text = `"\\${String.fromCharCode(c)}"`;
      if ('"\\/bfnrt'.includes(text[2]!)) same(text);
      else expect([text, reason(text)]).not.toEqual([text, 'accepted']);
    }
    for (let c = 0; c < 0x80; c++) {
      const text = `"${String.fromCharCode(c)}"`;
      if (c < 0x20) expect(reason(text)).toBe('character 1: a control character in a string');
      else if (c !== 0x22 && c !== 0x5c) same(text);
    }
  });

  it('numbers of each form', () => {
    for (const text of [
      '0', '9', '-9', '10', '19', '90', '1.0', '1.9', '0.0', '0.9', '-0.5', '9.5', '1e0', '1e9', '1E1', '1e+9', '1e-9', '1.5e3', '-1.25E-1',
      '1e00', '1e01', '0e5', '0.0e5', '0.000', '9007199254740991', '5e-324', '0.1e1', '[1,2]', '[0]', '[1.5]', '[1e1]', '{"a":0}', '{"a":1.5}',
    ])
      same(text);
  }); // prettier-ignore

  it('white space between all of its parts: four characters, and no others', () => {
    for (const space of [' ', '\n', '\r', '\t', ' \n\r\t ']) {
      const put = (text: string): string => text.replaceAll('_', space);
      for (const text of ['_{_}_', '_[_]_', '_[_1_,_"a"_]_', '_{_"a"_:_1_,_"b"_:_null_}_', '_true_']) same(put(text));
    }
    for (const other of ['\u000b', '\u000c', '\u00a0', '\u0008', '\u000e', '\u0021', '\u001f', '\u0000'])
      for (const text of [`${other}1`, `1${other}`, `[${other}]`, `[1${other},2]`])
        expect([text, reason(text)]).not.toEqual([text, 'accepted']);
  }); // prettier-ignore
});

describe('L8 the limit', () => {
  it('is that of the text in UTF-8', () => {
    const limits = (text: string, bytes: number): void => {
      expect([reason(text, bytes), reason(text, bytes - 1)]).toEqual(['accepted', `longer than ${bytes - 1} bytes`]);
      const raw = new TextEncoder().encode(text);
      expect([parseJson(raw, bytes).ok, parseJson(raw, bytes - 1).ok]).toEqual([true, false]);
    };
    limits('"abc"', 5);
    limits('"é"', 4);
    limits('"€"', 5);
    limits('"😀"', 6);
    limits('["€",1]', 9);
  }); // prettier-ignore

  it('is that of the canonical text where a number is written shorter, and such texts count as they are written', () => {
    for (const [text, bytes] of [
      ['[1e9]', 12],
      ['[1e9,1e9]', 23],
      ['["é",1e9]', 17],
      ['[1.5e9,1,1e1]', 13 + 5],
      ['[1.0000e0,1e9]', 14 + 7],
      ['[-1e15]', 7 + 12],
    ] as const) {
      expect([text, reason(text, bytes)]).toEqual([text, 'accepted']);
      expect(reason(text, bytes - 1)).toMatch(new RegExp(`: longer than ${bytes - 1} bytes in canonical form$`));
    }
    expect(reason('[1e9,1e9]', 22)).toBe('character 5: longer than 22 bytes in canonical form');
  }); // prettier-ignore
});

describe('a text that is canonical already', () => {
  it.each(['{}', '[]', '1', '-1', '"a"', '"é😀"', 'null', '{"a":1}', '{"a":1,"b":2}', '{"a":[1,{"b":"c","d":true}],"b":{}}', '[{"b":1},{"a":1}]'])(
    'is given back: %s',
    (text) => {
      expect(canonicalJson(accepted(text))).toBe(text);
      expect(parseJson(text)).toMatchObject({ ok: true, canonical: text });
      expect(parseJson(new TextEncoder().encode(text))).toMatchObject({ ok: true, canonical: text });
    },
  ); // prettier-ignore

  it.each([' 1', '1 ', '[ ]', '[1 ]', '[1, 2]', '{ }', '{"a" :1}', '{"a": 1}', '{"a":1 }', '{"b":1,"a":2}', '1.0', '1e0', '"\\n"', '"\\u0061"', '{"a":[1.5e0]}'])(
    'is not claimed to be: %s',
    (text) => {
      expect(parseJson(text)).toEqual({ ok: true, value: accepted(text) });
    },
  ); // prettier-ignore
});

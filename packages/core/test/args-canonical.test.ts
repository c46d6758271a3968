// RFC 8785: its own examples, and what canonical means.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arguments, argumentsDigest, canonicalJson, parseJson, type Json } from '../src/args/index.ts';
import { fromHex, toHex } from '../src/bytes.ts';
import { LABELS } from '../src/labels.ts';
import { LIMITS } from '../src/limits.ts';
import { expectShares, jsonValues, runs } from './args-values.ts';

const read = (text: string): Json => {
  const result = parseJson(text);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};
const args = (input: string | Uint8Array): Arguments => {
  const made = Arguments.parse(input);
  if (!Arguments.is(made)) throw new Error(made.message);
  return made;
};

describe('RFC 8785 appendix B: numbers', () => {
  it.each([
    ['0000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('%s is %s', (hex, text) => {
    const n = new DataView(fromHex(hex)!.buffer).getFloat64(0);
    expect(canonicalJson(n)).toBe(text);
    // The reader takes the ones that every reader keeps, and gives back the same double.
    const result = parseJson(text);
    if (Math.abs(n) > Number.MAX_SAFE_INTEGER) expect(result.ok).toBe(false);
    else expect(result).toMatchObject({ ok: true, value: n });
  });
});

describe('RFC 8785 sections 3.2.2 to 3.2.4', () => {
  const sample = `{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
    "literals": [null, true, false]
  }`;

  it('the sample, byte for byte', () => {
    // 1E30 is past 2^53-1, so our reader refuses it; the serialisation is checked on its own.
    expect(parseJson(sample).ok).toBe(false);
    const text = canonicalJson(JSON.parse(sample) as Json);
    expect(toHex(new TextEncoder().encode(text))).toBe(
      '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e' +
        '333333333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c7530303066' +
        '5c6e4127425c225c5c5c5c5c222f227d',
    );
    expect(canonicalJson(read(sample.replace('1E30, ', '')))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('names are sorted by UTF-16 code units', () => {
    const text = `{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
      "\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}`;
    expect([...canonicalJson(read(text)).matchAll(/:"([^"]*)"/g)].map((match) => match[1])).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  it('integer-like names are sorted as texts', () => {
    expect(canonicalJson(read('{"10":1,"9":2,"1":3,"a":4,"":5,"-1":6}'))).toBe(
      '{"":5,"-1":6,"1":3,"10":1,"9":2,"a":4}',
    );
  });

  it('controls are escaped the short way where there is one, and nothing else is', () => {
    const all = Array.from({ length: 0x24 }, (_, c) => String.fromCharCode(c)).join('');
    expect(canonicalJson(`${all}\\\u007f\u0080\u2028\ufeff`)).toBe(
      '"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011' +
        '\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f ' +
        '!\\"#\\\\\u007f\u0080\u2028\ufeff"',
    );
    for (const char of all) expect(canonicalJson(char)).toBe(JSON.stringify(char));
    const long = `${'x'.repeat(100)}"\n`;
    expect(canonicalJson(long)).toBe(JSON.stringify(long));
  });
});

describe('P5 one meaning, one digest', () => {
  const digest = (text: string): string => toHex(args(text).digest());

  it.each([
    ['order of names', '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'],
    ['white space', '{"a":[1,2]}', ' {\n"a" :\t[ 1 , 2 ] }\r\n'],
    ['notation of numbers', '{"a":1,"b":0.5}', '{"a":1.0,"b":5e-1}'],
    ['escapes', '{"a":"/é😀"}', '{"\\u0061":"\\/\\u00e9\\ud83d\\ude00"}'],
  ])('the same: %s', (_, a, b) => {
    expect(digest(a)).toBe(digest(b));
  });

  it.each([
    ['1 and "1"', '{"a":1}', '{"a":"1"}'],
    ['null and absent', '{"a":null}', '{}'],
    ['true and 1', '{"a":true}', '{"a":1}'],
    ['true and "true"', '{"a":true}', '{"a":"true"}'],
    ['NFC and NFD', '{"a":"\u00e9"}', '{"a":"e\u0301"}'],
    ['order in a list', '{"a":[1,2]}', '{"a":[2,1]}'],
    ['a list and its item', '{"a":[1]}', '{"a":1}'],
    ['{} and []', '{"a":{}}', '{"a":[]}'],
    ['a name moved into a value', '{"a":"b\\":\\"c"}', '{"a":"b","c":""}'],
    ['neighbouring doubles', '{"a":0.1}', '{"a":0.10000000000000002}'],
  ])('different: %s', (_, a, b) => {
    expect(digest(a)).not.toBe(digest(b));
  });

  it('the digest is SHA-256 of label and canonical bytes, as node computes it', () => {
    for (const text of [
      '{}',
      '{"q":"macaroons"}',
      '{"€":"😀"}',
      `{"a":"${'x'.repeat(65_000)}"}`,
      '{"b":1}',
    ]) {
      const expected = createHash('sha256')
        .update(LABELS.arguments.bytes)
        .update(args(text).canonical())
        .digest('hex');
      expect(digest(text)).toBe(expected);
    }
  });

  it('the digest of no text, which no arguments have, is that of the label', () => {
    const expected = createHash('sha256').update(LABELS.arguments.bytes).digest('hex');
    expect(toHex(argumentsDigest(''))).toBe(expected);
  });

  it('a text longer than arguments can be is a mistake of the program', () => {
    expect(() => argumentsDigest('x'.repeat(LIMITS.argumentBytes + 1))).toThrow(RangeError);
    expect(() => argumentsDigest('€'.repeat(LIMITS.argumentBytes / 2))).toThrow(RangeError);
    expect(argumentsDigest('x'.repeat(LIMITS.argumentBytes))).toHaveLength(32);
  });
});

it('every character of ASCII, alone and in a text, short or long', () => {
  for (let c = 0; c < 0x80; c++) {
    const char = String.fromCharCode(c);
    for (const text of [char, `a${char}b`, `${'x'.repeat(63)}${char}`, `${'x'.repeat(64)}${char}`])
      expect(canonicalJson(text)).toBe(JSON.stringify(text));
  }
});

describe('properties', () => {
  const shuffled = (value: unknown, random: () => number): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
    const entries = Object.entries(value).map(
      ([name, item]) => [name, shuffled(item, random), random()] as const,
    );
    return Object.fromEntries(entries.toSorted((a, b) => a[2] - b[2]).map(([name, item]) => [name, item]));
  };

  it('the order in which names are written does not matter', () => {
    const came = { moved: 0, 'in order': 0 };
    fc.assert(
      fc.property(
        jsonValues,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (value, stream) => {
          const next = (): number => stream.next().value as number;
          const text = JSON.stringify(value);
          const other = JSON.stringify(shuffled(value, next));
          came[other === text ? 'in order' : 'moved']++;
          expect(canonicalJson(read(other))).toBe(canonicalJson(read(text)));
        },
      ),
      runs(300),
    );
    expectShares(came, 0.1);
  });

  it('equal texts mean equal values, and canonical is idempotent', () => {
    const came = { same: 0, different: 0 };
    // Two that are made apart are seldom the same.
    const pairs = fc.oneof(
      fc.tuple(jsonValues, jsonValues),
      jsonValues.map((v) => [v, v] as const),
    );
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const [x, y] = [read(JSON.stringify(a)), read(JSON.stringify(b))];
        const same = canonicalJson(x) === canonicalJson(y);
        came[same ? 'same' : 'different']++;
        if (same) expect(x).toEqual(y);
        else expect(x).not.toEqual(y);
        expect(canonicalJson(read(canonicalJson(x)))).toBe(canonicalJson(x));
      }),
      runs(300),
    );
    expectShares(came, 0.15);
  });
});

// The strict JSON reader: what it accepts is what JSON.parse reads, what it refuses is what readers read apart.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, parseJson, type Json } from '../src/args/index.ts';
import { isWellFormed } from '../src/args/text.ts';
import { LIMITS } from '../src/limits.ts';
import { expectShares, jsonValues, runs } from './args-values.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const accepted = (input: string | Uint8Array): Json => {
  const result = parseJson(input);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};
const reason = (input: string | Uint8Array): string => {
  const result = parseJson(input);
  return result.ok ? `accepted ${canonicalJson(result.value)}` : result.reason;
};
/** As plain objects, for comparison with JSON.parse. */
const plain = (value: Json): unknown => JSON.parse(canonicalJson(value));

describe('P5 texts that readers understand differently are refused', () => {
  it.each([
    ['duplicate names', '{"a":1,"a":1}'],
    ['a duplicate written with an escape', '{"a":1,"\\u0061":2}'],
    ['a duplicate of the empty name', '{"":1,"":2}'],
    ['a duplicate of an integer-like name', '{"1":1,"\\u0031":2}'],
    ['a duplicate far below', '[[[{"x":{"b":1,"c":2,"b":3}}]]]'],
    ['a duplicate of a prototype key', '{"constructor":1,"constructor":1}'],
  ])('%s', (_, text) => {
    expect(reason(text)).toMatch(/occurs twice$/);
    expect(reason(bytes(text))).toMatch(/occurs twice$/);
  });

  it.each([
    'NaN',
    'Infinity',
    '-Infinity',
    '+1',
    '.5',
    '1.',
    '1.e5',
    '1e',
    '1e+',
    '01',
    '-01',
    '00',
    '0x10',
    '1_000',
    '-',
    '--1',
    '- 1',
    '1 2',
    'nan',
    'True',
    'nulll',
    'undefined',
    "'a'",
    '"a',
    '"\\x41"',
    '"\\u12"',
    '"\\u12G4"',
    '{a:1}',
    "{'a':1}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '[1,]',
    '[,1]',
    '[1 2]',
    '[1',
    '{"a":1',
    '',
    ' ',
    '/* c */1',
    '1//',
    '"\t"',
    '"\n"',
    '"\u0000"',
    '"\\',
    '"\\u',
    ']',
    '}',
    ',',
    ':',
    '[}',
    '{]',
    '1}',
    '[]]',
    '\u00a01',
    '\u20281',
    '\v1',
    '\f1',
    '"\\\u0000"',
    'tru',
    'fals',
    'nul',
    'truefalse',
    'e5',
    '1e5e5',
    '1.5.5',
  ])('not JSON: %j', (text) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(reason(text)).toMatch(/^character \d+: /);
    expect(reason(bytes(text))).toMatch(/^character \d+: /);
  });

  it.each(['-0', '-0.0', '-0e5', '-0.000e-7', '-0E0', '[1,-0]'])('negative zero: %s', (text) => {
    expect(reason(text)).toMatch(/negative zero$/);
  });

  it.each([
    '9007199254740992',
    '-9007199254740992',
    '9007199254740993',
    '9007199254740991.5',
    '1e16',
    '1e20',
    '1E300',
    '1e309',
    '-1e309',
    '1e999999999',
    '90071992547409920e-1',
    '123456789012345678901234567890',
    '1' + '0'.repeat(400),
    '9007199254740992.0',
  ])('an integer past 2^53-1: %s', (text) => {
    expect(reason(text)).toMatch(/beyond 2\^53-1$/);
  });

  it.each(['1e-400', '-1e-400', '0.' + '0'.repeat(400) + '1', '1e-999999999'])(
    'a loss to zero: %s',
    (text) => {
      expect(reason(text)).toMatch(/too small to be told from zero$|negative zero$/);
    },
  );

  it('exact numbers in any notation are the same number', () => {
    expect(['1', '1.0', '1e0', '10e-1', '0.1e1', '1.000e+00'].map(accepted)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(['0', '0.0', '0e5', '0E-999'].map(accepted)).toEqual([0, 0, 0, 0]);
    expect(accepted('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    expect(accepted('-9007199254740991')).toBe(-Number.MAX_SAFE_INTEGER);
    expect(accepted('9.007199254740991e15')).toBe(Number.MAX_SAFE_INTEGER);
    expect(accepted('5e-324')).toBe(5e-324);
    expect(accepted('999999999999999')).toBe(999999999999999);
    expect(accepted('1234567890123456')).toBe(1234567890123456);
  });

  it.each([
    ['raw high', '"\ud800"'],
    ['raw low', '"\udc00"'],
    ['raw, reversed', '"\udc00\ud800"'],
    ['escaped high', '"\\ud800"'],
    ['escaped low', '"\\udc00"'],
    ['escaped high before a letter', '"\\ud800x"'],
    ['escaped high before another escape', '"\\ud800\\n"'],
    ['escaped, reversed', '"\\udc00\\ud800"'],
    ['two highs', '"\\ud800\\ud800\\udc00"'],
    ['escaped high and raw low', '"\\ud83d\ude00"'],
    ['raw high and escaped low', '"\ud83d\\ude00"'],
    ['in a name', '{"\\ud800":1}'],
    ['at the end', '"\ud83d'],
  ])('a lone surrogate: %s', (_, text) => {
    expect(reason(text)).toMatch(/a lone surrogate$/);
  });

  it('pairs are accepted, raw and escaped, and are the same text', () => {
    expect(accepted('"\\ud83d\\ude00"')).toBe('😀');
    expect(accepted('"\\uD83D\\uDE00"')).toBe(accepted('"😀"'));
  });

  it('NFC and NFD stay different', () => {
    expect(accepted('"\u00e9"')).not.toBe(accepted('"e\u0301"'));
    expect(Object.keys(accepted('{"\u00e9":1,"e\u0301":2}') as object)).toHaveLength(2);
  });

  it('null is a value; text, number and boolean stay apart', () => {
    expect(['null', '"1"', '1', 'true', '[1]'].map(accepted)).toEqual([null, '1', 1, true, [1]]);
  });
});

describe('E6 bytes that are not UTF-8 are refused', () => {
  it.each([
    ['overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['overlong NUL', [0x22, 0xc0, 0x80, 0x22]],
    ['surrogate (CESU-8)', [0x22, 0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80, 0x22]],
    ['truncated', [0x22, 0xe2, 0x82, 0x22]],
    ['stray continuation', [0x22, 0x80, 0x22]],
    ['past U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ['Latin-1', [0x22, 0xe9, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x31, 0x00]],
  ])('%s', (_, raw) => {
    expect(reason(Uint8Array.from(raw))).toBe('not well-formed UTF-8');
  });

  it('a byte order mark is refused, in bytes and in text', () => {
    expect(reason(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31]))).toBe('character 0: a byte order mark');
    expect(reason('\ufeff1')).toBe('character 0: a byte order mark');
  });

  it('U+FEFF, NUL and U+2028 inside a string are characters like others', () => {
    expect(accepted('"\ufeff\u2028\\u0000"')).toBe('\ufeff\u2028\0');
  });
});

describe('E9 depth and size are bounded before they cost anything', () => {
  it.each(['[', '{"a":', '[{"a":', '[[1],'])('a hundred thousand times %s', (piece) => {
    expect(reason(piece.repeat(100_000))).toMatch(/^longer than 65536 bytes$/);
    expect(reason(piece.repeat(9_000))).toMatch(/nested deeper than 32$|comma|value/);
    expect(parseJson(bytes(piece.repeat(9_000))).ok).toBe(false);
  });

  it('exactly the limit of depth is accepted', () => {
    const nested = (n: number): string => '['.repeat(n) + ']'.repeat(n);
    expect(parseJson(nested(LIMITS.argumentDepth)).ok).toBe(true);
    expect(reason(nested(LIMITS.argumentDepth + 1))).toBe('character 32: nested deeper than 32');
  });

  it('exactly the limit of size is accepted, counted in UTF-8', () => {
    const ascii = `"${'a'.repeat(LIMITS.argumentBytes - 2)}"`;
    expect(parseJson(ascii).ok).toBe(true);
    expect(reason(`${ascii} `)).toMatch(/^longer/);
    expect(reason(bytes(`${ascii} `))).toMatch(/^longer/);
    const euros = `"${'€'.repeat((LIMITS.argumentBytes - 4) / 3)}"`;
    expect(bytes(euros)).toHaveLength(LIMITS.argumentBytes - 2);
    expect(parseJson(`${euros}  `).ok).toBe(true);
    expect(reason(`${euros}   `)).toMatch(/^longer/);
    const faces = `"${'😀'.repeat((LIMITS.argumentBytes - 4) / 4)}"`;
    expect(bytes(faces)).toHaveLength(LIMITS.argumentBytes - 2);
    expect(parseJson(`${faces}  `).ok).toBe(true);
    expect(reason(`${faces}   `)).toMatch(/^longer/);
  });

  it('numbers count as their canonical form, so that the canonical text fits the limit too', () => {
    const list = (n: number): string => `[${Array.from({ length: n }, () => '1e9').join(',')}]`;
    // Ten digits and a comma each.
    const most = Math.floor((LIMITS.argumentBytes - 1) / 11);
    const largest = accepted(list(most));
    expect(canonicalJson(largest).length).toBeLessThanOrEqual(LIMITS.argumentBytes);
    expect(reason(list(most + 1))).toMatch(/in canonical form$/);
    expect(reason(bytes(list(most + 1)))).toMatch(/in canonical form$/);
    // The same where the rest is not ASCII: code units are not bytes.
    const wide = `["${'€'.repeat(15_000)}",${'1e15,'.repeat(2_000)}1]`;
    expect(reason(wide)).toMatch(/in canonical form$/);
    expect(reason(bytes(wide))).toMatch(/in canonical form$/);
  });
});

describe('E10 names that mean something to an engine are names', () => {
  it('an object has no prototype, and nothing is inherited', () => {
    const value = accepted('{"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":4,"prototype":5}');
    expect(Object.getPrototypeOf(value)).toBe(null);
    expect(Object.keys(value as object)).toEqual([
      'constructor',
      'toString',
      'hasOwnProperty',
      'valueOf',
      'prototype',
    ]);
    expect('isPrototypeOf' in (value as object)).toBe(false);
  });

  it.each(['{"__proto__":{"admin":true}}', '{"a":[{"__proto__":null}]}', '{"\\u005f_proto__":1}'])(
    '__proto__ is refused: %s',
    (text) => {
      expect(reason(text)).toMatch(/"__proto__" is not allowed$/);
      expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    },
  );

  it('what comes back is frozen all the way down', () => {
    const value = accepted('{"a":[{"b":[]}],"c":{}}') as { a: [{ b: [] }]; c: object };
    for (const part of [value, value.a, value.a[0], value.a[0].b, value.c])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('a reason', () => {
  it('says where', () => {
    expect(reason('{"a": tru}')).toBe('character 6: a value was expected');
    expect(reason('{"a":1}}')).toBe('character 7: something follows the value');
    expect(reason('["a",\u0007]')).toBe('character 5: a value was expected');
  });

  it('repeats at most 64 characters of a name, and none that a terminal would act on', () => {
    const name = `\\u001b[2J\\u202e${'x'.repeat(200)}`;
    const text = reason(`{"${name}":1,"${name}":2}`);
    expect(text).toMatch(/^[\x20-\x7e]*$/);
    expect(text.length).toBeLessThan(120);
  });

  it('an input of another type is a mistake of the program', () => {
    for (const bad of [null, undefined, 1, {}, [], new Uint16Array(2), new ArrayBuffer(2)]) {
      // @ts-expect-error: wrong on purpose
      expect(() => parseJson(bad)).toThrow(
        new TypeError('parseJson: input must be a Uint8Array or a string'),
      );
    }
  });
});

describe('properties', () => {
  it('whatever is accepted is what JSON.parse reads', () => {
    fc.assert(
      fc.property(jsonValues, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(plain(accepted(text))).toEqual(JSON.parse(text));
        expect(plain(accepted(bytes(text)))).toEqual(JSON.parse(text));
      }),
      runs(500),
    );
  });

  it('print and parse is the identity, and canonical text is a fixed point', () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        const text = canonicalJson(accepted(JSON.stringify(value)));
        expect(canonicalJson(accepted(text))).toBe(text);
      }),
      runs(500),
    );
  });

  it('what JSON.parse refuses is refused, bytes and text alike (mutated texts)', () => {
    const mutations = fc.array(
      fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:\\-+.eE0129tfnu \n\u0000\ud800é')),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    const came = { refused: 0, taken: 0, stricter: 0 };
    fc.assert(
      fc.property(jsonValues, mutations, fc.boolean(), (value, changes, insert) => {
        let text = JSON.stringify(value);
        for (const [n, char] of changes) {
          const at = n % (text.length + 1);
          text = text.slice(0, at) + char + text.slice(insert ? at : at + 1);
        }
        const ours = parseJson(text);
        let theirs: { value: unknown } | null;
        try {
          theirs = { value: JSON.parse(text) };
        } catch {
          theirs = null;
        }
        came[theirs === null ? 'refused' : ours.ok ? 'taken' : 'stricter']++;
        if (theirs === null) expect(ours.ok).toBe(false);
        else if (ours.ok) expect(plain(ours.value)).toEqual(theirs.value);
        else expect(ours.reason).toMatch(/twice|surrogate|zero|2\^53-1|__proto__|byte order/);
        if (isWellFormed(text)) expect(parseJson(bytes(text))).toEqual(ours);
      }),
      runs(3000),
    );
    expectShares(came, 0.02);
  });

  it('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (raw) => {
        expect(typeof parseJson(raw).ok).toBe('boolean');
      }),
      runs(2000),
    );
  });
});

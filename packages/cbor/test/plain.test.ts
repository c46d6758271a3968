// What cbor-x may read of ours, and what nobody can make it read.
import { readFileSync } from 'node:fs';
import { decodeCbor, encodeCbor, fromHex, type Cbor } from '@ambit/core';
import { Encoder } from 'cbor-x/index-no-eval';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePlain, encodePlain, PLAIN_DEPTH } from '../src/index.ts';

const MOST = 1 << 20;
const read = (bytes: Uint8Array): unknown => decodePlain(bytes, MOST)?.value;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const key = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((k) => k !== '__proto__');
const bom = (text: string): boolean => text.startsWith('\ufeff');
const text = fc
  .oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 40 }))
  .filter((t) => !bom(t));
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -300, max: 70_000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
);
/** Values of ours: JSON's, and byte strings. */
const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(fc.constantFrom(null, true, false), number, text, fc.uint8Array({ maxLength: 40 })),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value;

describe('plain values', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(read(encodePlain(value))).toEqual(value);
      }),
    );
  });
  it('have the same bytes each time, whatever was written between', () => {
    fc.assert(
      fc.property(plain, plain, (value, other) => {
        const first = encodePlain(value);
        encodePlain(other);
        expect(encodePlain(value)).toEqual(first);
      }),
    );
  });
  it('that share no memory with their bytes', () => {
    const bytes = encodePlain([Uint8Array.of(1, 2, 3)]);
    const value = read(bytes);
    bytes.fill(0);
    expect(value).toEqual([Uint8Array.of(1, 2, 3)]);
  });
  it('and no others are written', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)]);
    for (const value of [
      new Date(0),
      new Set([1]),
      new Map([[1, 2]]),
      /x/,
      new Error('x'),
      2n ** 60n,
      NaN,
      Infinity,
      '\ud800',
      `\ufeff${'x'.repeat(80)}`,
      JSON.parse('{"__proto__":1}') as unknown,
      new Float64Array(2),
      Symbol('x'),
      circle,
      nested(PLAIN_DEPTH + 1),
    ])
      expect(() => encodePlain(value)).toThrow(RangeError);
    expect(read(encodePlain(nested(PLAIN_DEPTH)))).toEqual(nested(PLAIN_DEPTH));
  });
});

/** The strict reader's value as ours: its maps are Maps. Null when it has keys that are no texts. */
function asPlain(value: Cbor): { readonly value: unknown } | null {
  if (Array.isArray(value)) {
    const items = (value as readonly Cbor[]).map(asPlain);
    return items.includes(null) ? null : { value: items.map((item) => item!.value) };
  }
  if (!(value instanceof Map)) return { value };
  const out: Record<string, unknown> = {};
  for (const [name, inner] of value as ReadonlyMap<number | string, Cbor>) {
    const read = asPlain(inner);
    if (typeof name !== 'string' || read === null) return null;
    Object.defineProperty(out, name, { value: read.value, enumerable: true });
  }
  return { value: out };
}

/** A plain value as the strict writer takes it; null when it has a float. */
function asStrict(value: unknown): { readonly value: Cbor } | null {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? { value } : null;
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null)
    return { value: value as Cbor };
  if (Array.isArray(value)) {
    const items = value.map(asStrict);
    return items.includes(null) ? null : { value: items.map((item) => item!.value) };
  }
  const entries = Object.entries(value).map(([name, inner]) => [name, asStrict(inner)] as const);
  return entries.some(([, inner]) => inner === null)
    ? null
    : { value: new Map(entries.map(([name, inner]) => [name, inner!.value])) };
}

describe('the strict reader of core and this one', () => {
  it('agree on what the strict writer writes', () => {
    let compared = 0;
    fc.assert(
      fc.property(plain, (value) => {
        const strict = asStrict(value);
        if (strict === null) return;
        compared++;
        expect(read(encodeCbor(strict.value))).toEqual(value);
      }),
    );
    expect(compared).toBeGreaterThan(20);
  });
  it('agree on any bytes that both accept', () => {
    let both = 0;
    const seed = fc.oneof(
      plain.map(encodePlain),
      plain.map((value) => encodeCbor(asStrict(value)?.value ?? null)),
    );
    const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 2 });
    fc.assert(
      fc.property(seed, damage, (bytes, changes) => {
        const changed = bytes.slice();
        for (const [at, byte] of changes) changed[at % changed.length] = byte;
        const strict = decodeCbor(changed);
        const ours = decodePlain(changed, MOST);
        const shown = strict === null ? null : asPlain(strict.value);
        if (shown === null || ours === null) return;
        both++;
        expect(ours.value).toEqual(shown.value);
      }),
      { numRuns: 1000 },
    );
    expect(both).toBeGreaterThan(200);
  });
});

describe('hostile bytes', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['two values', '0000'],
    ['a cut head', '19ff'],
    ['a cut text', '636161'],
    ['a date', 'c000'],
    ['a date of a number', 'c11a514b67b0'],
    ['a big number', 'c249010000000000000000'],
    ['a regular expression', 'd81b8366526567457870616160'],
    ['an error', 'd81b82654572726f726161'],
    ['a set', 'd901028101'],
    ['a map of keys of any kind', 'd90103a10102'],
    ['a record', 'd9dfff830081616101'],
    ['definitions of records', 'd9dffe840081616181616201'],
    ['bundled strings', 'd9dff9820000'],
    ['packed values', 'd833848101808000'],
    ['a reference', 'd81d00'],
    ['a shared value', 'd81c80'],
    ['a typed array', 'd8404100'],
    ['a tag within an object', 'a16161c000'],
    ['an array without end', '9f01ff'],
    ['an object without end', 'bf616101ff'],
    ['a text without end', '7f6161ff'],
    ['a break', 'ff'],
    ['a reserved head', '1c'],
    ['a number beyond 53 bits', '1b0020000000000000'],
    ['a negative number beyond 53 bits', '3b001fffffffffffff'],
    ['a half float', 'f93c00'],
    ['a float of 32 bits', 'fa3f800000'],
    ['no number', 'fb7ff8000000000000'],
    ['infinity', 'fbfff0000000000000'],
    ['a simple value', 'f8ff'],
    ['a key that is a number', 'a10102'],
    ['__proto__', 'a1695f5f70726f746f5f5fa0'],
    ['__proto__ with a longer head', 'a178095f5f70726f746f5f5fa0'],
    ['text that is no UTF-8', '62c328'],
    ['a byte-order mark', '63efbbbf'],
    ['four thousand million items', '9affffffff'],
    ['an array longer than its input', '9b001fffffffffffff'],
    ['an object longer than its input', 'ba7fffffff'],
    ['bytes longer than their input', '5affffffff'],
  ];
  it.each(cases)('%s: nothing is decoded', (_, hex) => {
    expect(decodePlain(fromHex(hex)!, MOST)).toBeNull();
  });
  it('cbor-x alone accepts many of them: the walk is what refuses', () => {
    const alone = new Encoder({ useRecords: false });
    const accepted = cases.filter(([, hex]) => {
      try {
        alone.decode(fromHex(hex)!);
        return true;
      } catch {
        return false;
      }
    });
    expect(accepted.length).toBeGreaterThan(15);
  });
  it('beyond their bound are not looked at', () => {
    const bytes = encodePlain('x'.repeat(100));
    expect(decodePlain(bytes, bytes.length)).not.toBeNull();
    expect(decodePlain(bytes, bytes.length - 1)).toBeNull();
  });
  it('nested as deep as a frame is long cost no stack', () => {
    expect(decodePlain(new Uint8Array(262_144).fill(0x81), MOST)).toBeNull();
    expect(decodePlain(Uint8Array.of(...Array<number>(PLAIN_DEPTH).fill(0x81), 0), MOST)).not.toBeNull();
    expect(decodePlain(Uint8Array.of(...Array<number>(PLAIN_DEPTH + 1).fill(0x81), 0), MOST)).toBeNull();
  });
  it('of any kind end in a value or in null, and change no prototype', () => {
    const before = Reflect.ownKeys(Object.prototype).length;
    let values = 0;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const found = decodePlain(bytes, MOST);
        if (found !== null) values++;
      }),
      { numRuns: 2000 },
    );
    expect(values).toBeGreaterThan(10);
    expect(Reflect.ownKeys(Object.prototype).length).toBe(before);
  });
  it('a key like a method of every object is a key', () => {
    expect(read(encodePlain({ constructor: 1, toString: 2 }))).toEqual({ constructor: 1, toString: 2 });
  });
});

describe('cbor-x', () => {
  it('comes without its native addon and without code made from text', () => {
    const source = readFileSync(new URL('../src/plain.ts', import.meta.url), 'utf8');
    const [, specifier] = /from '(cbor-x[^']*)'/.exec(source)!;
    const build = readFileSync(new URL(import.meta.resolve(specifier!)), 'utf8');
    expect(build.length).toBeGreaterThan(10_000);
    expect(build).not.toMatch(/cbor-extract|new Function|eval\(/);
  });
  it('would have dropped a byte-order mark, which the walk refuses to read', () => {
    const long = `\ufeff${'x'.repeat(80)}`;
    const bytes = Uint8Array.of(0x78, utf8(long).length, ...utf8(long));
    expect(new Encoder().decode(bytes)).toBe('x'.repeat(80));
    expect(decodePlain(bytes, MOST)).toBeNull();
  });
});

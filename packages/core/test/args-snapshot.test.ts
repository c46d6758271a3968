// Snapshots of JavaScript values: plain own data properties, each read once; everything else is refused.
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { canonicalJson, parseJson, snapshotJson, type Json } from '../src/args/index.ts';
import { LIMITS } from '../src/limits.ts';
import { jsonValues, runs } from './args-values.ts';

const taken = (value: unknown): Json => {
  const result = snapshotJson(value);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};
const reason = (value: unknown): string => {
  const result = snapshotJson(value);
  return result.ok ? `accepted ${canonicalJson(result.value)}` : result.reason;
};
/** A text of that many bytes in JSON, of few characters: mutation testing runs what looks at each again and again. */
const filler = (bytes: number): string => '\u0001'.repeat(Math.floor(bytes / 6)) + 'x'.repeat(bytes % 6);

describe('G2 P5 what JSON would drop, convert or ask an object for is refused', () => {
  const withToJson = { a: 1, toJSON: () => ({ a: 2 }) };
  // eslint-disable-next-line no-sparse-arrays
  const sparse = [1, , 3];
  const cycle: Record<string, unknown> = {};
  cycle['a'] = { b: [cycle] };
  it.each<[string, unknown, RegExp]>([
    ['undefined', { a: undefined }, /"value\.a": undefined is not JSON/],
    ['undefined at the top', undefined, /^"value": undefined is not JSON/],
    ['a function', { a: () => 1 }, /function is not JSON/],
    ['a symbol', { a: Symbol('a') }, /symbol is not JSON/],
    ['a bigint', { a: 1n }, /bigint is not JSON/],
    ['a symbol as a name', { [Symbol('a')]: 1 }, /a symbol as a name/],
    ['NaN', { a: NaN }, /not a number/],
    ['Infinity', [Infinity], /"value\[0\]": a number beyond/],
    ['-0', { a: -0 }, /negative zero/],
    ['2^53', { a: 2 ** 53 }, /beyond 2\^53-1/],
    ['a lone surrogate', { a: '\ud800' }, /a lone surrogate/],
    ['a lone surrogate in a name', { '\udfff': 1 }, /a lone surrogate/],
    [
      'a getter',
      {
        get a() {
          return 1;
        },
      },
      /an accessor/,
    ],
    ['a setter', { set a(_: number) {} }, /an accessor/],
    ['toJSON of its own', withToJson, /not allowed/],
    ['toJSON that is plain data', { toJSON: 1 }, /not allowed/],
    ['__proto__ of its own', JSON.parse('{"__proto__":{"a":1}}'), /not allowed/],
    ['a hidden property', Object.defineProperty({}, 'a', { value: 1 }), /a hidden property/],
    ['a hole', sparse, /holes or extra/],
    ['only holes', new Array(3), /holes or extra/],
    ['a huge sparse list', new Array(4_000_000_000), /longer than 65536 bytes/],
    ['a list with a further property', Object.assign([1], { extra: 2 }), /holes or extra/],
    ['a list with a symbol', Object.assign([1], { [Symbol('a')]: 2 }), /holes or extra/],
    [
      'a list with an accessor',
      Object.defineProperty([1], 0, { get: () => 1, enumerable: true }),
      /an accessor/,
    ],
    [
      'a list whose hole is filled by the prototype',
      Object.setPrototypeOf(new Array(1), [7]),
      /not a plain array/,
    ],
    [
      'a class instance',
      new (class Point {
        x = 1;
      })(),
      /not a plain object/,
    ],
    ['an object with a prototype of its own', Object.create({ a: 1 }), /not a plain object/],
    ['a list of a subclass', new (class List extends Array {})(), /not a plain array/],
    ['a Date', { a: new Date(0) }, /not a plain object/],
    ['a Map', new Map([['a', 1]]), /not a plain object/],
    ['a boxed number', { a: Object(1) }, /not a plain object/],
    ['a boxed text', { a: Object('a') }, /not a plain object/],
    ['bytes', new Uint8Array(2), /not a plain object/],
    ['a regular expression', /a/, /not a plain object/],
    ['an error', new Error('a'), /not a plain object/],
    ['a promise', Promise.resolve(1), /not a plain object/],
    ['a cycle', cycle, /a cycle/],
    ['an object of another realm', runInNewContext('({a: 1})'), /not a plain object/],
    ['a list of another realm', runInNewContext('[1]'), /not a plain array/],
    [
      'the arguments object',
      (function f(_first: number) {
        return arguments;
      })(1),
      /hidden property|symbol/,
    ],
  ])('%s', (_, value, why) => {
    expect(reason(value)).toMatch(why);
  });

  describe('pollution', () => {
    afterEach(() => {
      for (const prototype of [Object.prototype, Array.prototype]) {
        for (const key of ['toJSON', 'value', 'get', 'evil']) Reflect.deleteProperty(prototype, key);
      }
    });
    const pollute = (target: object, key: string, value: unknown): void => {
      Object.defineProperty(target, key, { value, configurable: true, writable: true });
    };

    it('toJSON put on Object.prototype is refused', () => {
      pollute(Object.prototype, 'toJSON', () => 'forged');
      expect(reason({ a: 1 })).toMatch(/Object\.prototype has a toJSON/);
      expect(reason([1])).toMatch(/toJSON/);
      // An object without a prototype inherits none.
      expect(reason(Object.assign(Object.create(null), { a: 1 }))).toBe('accepted {"a":1}');
    });

    it('toJSON put on Array.prototype is refused', () => {
      pollute(Array.prototype, 'toJSON', () => 'forged');
      expect(reason({ a: [1] })).toMatch(/Array\.prototype has a toJSON/);
    });

    it('`value` put on Object.prototype makes no accessor look like data', () => {
      const object = {
        get a() {
          return 1;
        },
      };
      // Nothing else may run while every descriptor has a value.
      Object.assign(Object.prototype, { value: 'forged' });
      const result = snapshotJson(object);
      Reflect.deleteProperty(Object.prototype, 'value');
      expect(result).toEqual({ ok: false, reason: '"value.a": an accessor' });
    });

    it('inherited properties are not arguments', () => {
      pollute(Object.prototype, 'evil', 1);
      expect(reason({ a: 1 })).toBe('accepted {"a":1}');
    });
  });
});

describe('a Proxy', () => {
  it('is asked for each property once, so that check and use see one value', () => {
    const asked: string[] = [];
    let n = 0;
    const proxy = new Proxy<Record<string, unknown>>(
      { a: 0, b: [1] },
      {
        get: () => {
          throw new Error('never by get');
        },
        has: () => {
          throw new Error('never by has');
        },
        getOwnPropertyDescriptor(target, key) {
          asked.push(String(key));
          const real = Reflect.getOwnPropertyDescriptor(target, key);
          return key === 'a' && real ? { ...real, value: n++ } : real;
        },
      },
    );
    expect(taken(proxy)).toEqual(Object.assign(Object.create(null), { a: 0, b: [1] }));
    expect(asked).toEqual(['a', 'b']);
  });

  it.each<[string, ProxyHandler<Record<string, unknown>>]>([
    [
      'ownKeys',
      {
        ownKeys: () => {
          throw new Error('secret');
        },
      },
    ],
    [
      'getPrototypeOf',
      {
        getPrototypeOf: () => {
          throw new Error('secret');
        },
      },
    ],
    [
      'getOwnPropertyDescriptor',
      {
        getOwnPropertyDescriptor: () => {
          throw new Error('secret');
        },
      },
    ],
    [
      'endless recursion',
      {
        ownKeys: function again(): never {
          return again();
        },
      },
    ],
  ])('an exception of its %s trap is a refusal that does not repeat it', (_, handler) => {
    expect(reason(new Proxy({ a: 1 }, handler))).toMatch(/cannot be read$/);
    expect(reason({ deep: [new Proxy({ a: 1 }, handler)] })).not.toContain('secret');
  });

  it('that is revoked is refused', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(reason({ a: proxy })).toMatch(/cannot be read$/);
  });

  it('that lists a name it does not have is refused', () => {
    const proxy = new Proxy({}, { ownKeys: () => ['ghost'] });
    expect(reason(proxy)).toMatch(/not there$/);
  });

  it.each([-1, -1e9, NaN, 0.5, 2 ** 40, Infinity])(
    'of a list, lying about its length (%d), is refused',
    (length) => {
      const proxy = new Proxy([1], {
        getOwnPropertyDescriptor(target, key) {
          const real = Reflect.getOwnPropertyDescriptor(target, key);
          return key === 'length' ? { ...real, value: length } : real;
        },
      });
      expect(snapshotJson([proxy, 'x'.repeat(70_000)]).ok).toBe(false);
      expect(snapshotJson(proxy).ok).toBe(false);
    },
  );

  it.each([
    [-1, 'not a plain array'],
    [NaN, 'not a plain array'],
    ['1', 'not a plain array'],
    [0.5, 'an array with holes or extra properties'],
    [0, 'an array with holes or extra properties'],
    [2, 'an array with holes or extra properties'],
    [2 ** 40, 'the arguments are longer than 65536 bytes'],
  ])('of a list that says %j is its length: %s', (length, why) => {
    const proxy = new Proxy([1], {
      getOwnPropertyDescriptor(target, key) {
        const real = Reflect.getOwnPropertyDescriptor(target, key);
        return key === 'length' ? { ...real, value: length } : real;
      },
    });
    expect(reason(proxy)).toBe(`"value": ${why}`);
  });

  it('of a list, lying about its keys, is refused', () => {
    const proxy = new Proxy([1, 2], { ownKeys: () => ['1', '0', 'length'] });
    expect(reason(proxy)).toMatch(/holes or extra/);
  });
});

describe('the snapshot', () => {
  it('is a frozen copy that later changes do not reach', () => {
    const source = { a: [1, { b: 'c' }] };
    const copy = taken(source) as { a: [number, { b: string }] };
    source.a[0] = 2;
    (source.a[1] as { b: string }).b = 'd';
    expect(canonicalJson(copy)).toBe('{"a":[1,{"b":"c"}]}');
    for (const part of [copy, copy.a, copy.a[1]]) expect(Object.isFrozen(part)).toBe(true);
    expect(Object.getPrototypeOf(copy)).toBe(null);
  });

  it('is as deep as the limit and no deeper', () => {
    const lists = (n: number): unknown => (n === 0 ? 1 : [lists(n - 1)]);
    const objects = (n: number): unknown => (n === 0 ? 1 : { a: objects(n - 1) });
    for (const nested of [lists, objects]) {
      expect(snapshotJson(nested(LIMITS.argumentDepth)).ok).toBe(true);
      expect(reason(nested(LIMITS.argumentDepth + 1))).toMatch(/nested deeper than 32$/);
    }
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(reason(deep)).toMatch(/nested deeper than 32$/);
  });

  it('of shared structures is bounded by what they unfold to', () => {
    let shared: unknown = 1;
    for (let i = 0; i < 30; i++) shared = [shared, shared, shared, shared];
    expect(reason(shared)).toMatch(/longer than 65536 bytes$/);
    const twice = { a: 1 };
    expect(reason([twice, twice])).toBe('accepted [{"a":1},{"a":1}]');
  });

  it('counts exactly the bytes of the canonical text', () => {
    const fits = (value: unknown): boolean => snapshotJson(value).ok;
    for (const unit of ['a', 'é', '€', '😀', '"', '\n', '\u0001', '\u007f', '\u2028']) {
      const one = new TextEncoder().encode(canonicalJson(unit)).length - 2;
      const most = Math.floor((LIMITS.argumentBytes - 2) / one);
      expect(fits(unit.repeat(most))).toBe(true);
      expect(fits(unit.repeat(most + 1))).toBe(false);
    }
    const longest = filler(LIMITS.argumentBytes - '{"k":[1,20,-5,0.5,true,false,null,""]}'.length);
    expect(fits({ k: [1, 20, -5, 0.5, true, false, null, longest] })).toBe(true);
    expect(fits({ k: [1, 20, -5, 0.5, true, false, null, `${longest}x`] })).toBe(false);
  });

  it.each<[string, unknown]>([
    ['a text', 'abc'],
    ['controls', '\u0000\u0007\b\t\n\u000b\f\r\u000e\u001f \u007f'],
    ['quotes', '"\\"/'],
    ['other alphabets', '\u0080\u07ff\u0800\ud7ff\ue000\uffff\ud800\udc00\udbff\udfff\ud83d\ude00'],
    ['digits', [0, 1, 9, 10, 11, -1, -9, 0.5, 1e-7, 1e21 / 1e6]],
    ['words', [true, false, null]],
    ['empty ones', ['', [], {}, [[]], [{}]]],
    ['lists', [[1], [1, 2], [1, 2, 3]]],
    ['objects', { a: 1, b: { c: 2, d: 3, é: 4, '"': 5 }, '': 6 }],
    ['objects in objects', { a: { b: { c: {} }, d: [{}, { e: [] }] } }],
  ])('takes as much as the limit, and no byte more: %s', (_, value) => {
    const length = new TextEncoder().encode(canonicalJson(taken([value, '']))).length;
    const room = LIMITS.argumentBytes - length;
    const [fits, tooLong] = [filler(room), filler(room + 1)];
    expect(snapshotJson([value, fits]).ok).toBe(true);
    expect(reason([value, tooLong])).toMatch(/the arguments are longer than 65536 bytes$/);
    // The room goes to what comes last, whatever that is.
    expect(snapshotJson([fits, value]).ok).toBe(true);
    expect(reason([tooLong, value])).toMatch(/the arguments are longer than 65536 bytes$/);
  });

  it('says which member it was, in lists and objects that follow others', () => {
    expect(reason({ a: 1, b: undefined })).toBe('"value.b": undefined is not JSON');
    expect(reason([1, [2], undefined])).toBe('"value[2]": undefined is not JSON');
    expect(reason({ a: { b: 1 }, c: [1, { d: 1n }] })).toBe('"value.c[1].d": bigint is not JSON');
    expect(reason([{ a: [] }, [1, -0]])).toBe('"value[1][1]": negative zero');
    expect(reason({ a: 1, ['__proto__x']: 1, toJSON: 1 })).toBe('"value.toJSON": a name that is not allowed');
  });

  it('of a text that is longer than there is room for is refused before it is looked at', () => {
    const lone = (length: number): string => '\ud800'.padEnd(length, 'x');
    expect(reason(lone(LIMITS.argumentBytes))).toBe('"value": a lone surrogate');
    expect(reason(lone(LIMITS.argumentBytes + 1))).toMatch(/the arguments are longer than 65536 bytes$/);
  });

  it('of a list that is longer than there is room for is refused before its items are counted', () => {
    expect(reason(new Array(40_000))).toMatch(/the arguments are longer than 65536 bytes$/);
    expect(reason(new Array(32_767))).toMatch(/an array with holes or extra properties$/);
    expect(snapshotJson(Array.from({ length: 32_767 }, () => 1)).ok).toBe(true);
  });

  it('says where in at most 64 printable characters', () => {
    expect(reason({ a: [{ b: undefined }] })).toBe('"value.a[0].b": undefined is not JSON');
    expect(reason({ [`\u001b[2J${'x'.repeat(500)}`]: undefined })).toMatch(
      /^"value\.\?\[2J.{0,60}": undefined is not JSON$/,
    );
  });

  it('equals what the reader reads, wherever both accept', () => {
    const came = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(jsonValues, (value) => {
        const text = JSON.stringify(value);
        const read = parseJson(text);
        const snapped = snapshotJson(JSON.parse(text));
        if (!read.ok) throw new Error(read.reason);
        came[snapped.ok ? 'taken' : 'refused']++;
        if (snapped.ok) expect(snapped.value).toEqual(read.value);
        else expect(snapped.reason).toMatch(/not allowed$/);
      }),
      runs(500),
    );
    expect(came.taken / (came.taken + came.refused)).toBeGreaterThan(0.5);
  });
});

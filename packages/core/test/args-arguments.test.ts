// `Arguments`: an instance is the proof that the checks were made.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arguments } from '../src/args/index.ts';
import { toHex } from '../src/bytes.ts';
import type { Denial } from '../src/codes.ts';
import { LIMITS } from '../src/limits.ts';
import { jsonValues, runs } from './args-values.ts';

const denied = (made: Arguments | Denial): Denial => {
  if (Arguments.is(made)) throw new Error(`accepted ${made.canonical()}`);
  return made;
};
const made = (result: Arguments | Denial): Arguments => {
  if (!Arguments.is(result)) throw new Error(result.message);
  return result;
};

describe('Arguments', () => {
  it('come out of text, bytes and values alike', () => {
    const text = '{"b":[1,"x"],"a":null}';
    const all = [
      Arguments.parse(text),
      Arguments.parse(new TextEncoder().encode(text)),
      Arguments.from({ b: [1, 'x'], a: null }),
    ].map(made);
    for (const one of all) {
      expect(one.canonical()).toBe('{"a":null,"b":[1,"x"]}');
      expect(one.digest()).toEqual(all[0]!.digest());
      // A copy each time (R20).
      expect(one.digest()).not.toBe(one.digest());
      expect(one.canonical()).toBe(one.canonical());
    }
  });

  it('that are absent are {}, and null is refused (C8)', () => {
    expect(Arguments.empty.canonical()).toBe('{}');
    expect(Arguments.from(undefined)).toBe(Arguments.empty);
    expect(toHex(made(Arguments.parse('{}')).digest())).toBe(toHex(Arguments.empty.digest()));
    for (const refused of [Arguments.from(null), Arguments.parse('null'), Arguments.parse('')]) {
      expect(denied(refused).code).toBe('arguments_invalid');
    }
  });

  it.each(['[]', '"a"', '1', 'true', '[{"a":1}]'])('at the top must be an object: %s', (text) => {
    expect(denied(Arguments.parse(text)).message).toMatch(/\(the arguments must be an object\)$/);
    expect(denied(Arguments.from(JSON.parse(text))).message).toMatch(/\(the arguments must be an object\)$/);
  });

  it('that are refused say where and why', () => {
    expect(denied(Arguments.parse('{"a":1,"a":2}'))).toEqual({
      ok: false,
      code: 'arguments_invalid',
      message:
        'The arguments are not unambiguous JSON; avoid duplicate names, unsafe numbers and invalid Unicode. (character 7: the name "a" occurs twice)',
    });
    expect(denied(Arguments.from({ a: [1n] })).message).toMatch(/\("value\.a\[0\]": bigint is not JSON\)$/);
  });

  it('cannot be made by anybody else', () => {
    const Any = Arguments as unknown as new (...a: unknown[]) => Arguments;
    expect(() => new Any()).toThrow(TypeError);
    expect(() => new Any(Symbol('checked'), { a: 1 })).toThrow(TypeError);
    const forged = Object.create(Arguments.prototype, { value: { value: { a: 1 } } }) as Arguments;
    expect(forged instanceof Arguments).toBe(true);
    expect(Arguments.is(forged)).toBe(false);
    expect(() => forged.canonical()).toThrow(TypeError);
    for (const other of [null, undefined, 1, {}, { value: {} }, new Proxy(Arguments.empty, {})]) {
      expect(Arguments.is(other)).toBe(false);
    }
  });

  it('cannot be changed', () => {
    const one = made(Arguments.parse('{"a":{"b":1}}'));
    expect(() => Object.assign(one, { value: {} })).toThrow(TypeError);
    expect(() => Object.assign(one.value, { c: 1 })).toThrow(TypeError);
    expect(() => Object.assign(one.value['a'] as object, { b: 2 })).toThrow(TypeError);
    expect(one.canonical()).toBe('{"a":{"b":1}}');
  });

  it('always fit the limit in canonical form, which reads back to the same', () => {
    fc.assert(
      fc.property(jsonValues, (value) => {
        const one = made(Arguments.from({ value }));
        expect(new TextEncoder().encode(one.canonical()).length).toBeLessThanOrEqual(LIMITS.argumentBytes);
        expect(made(Arguments.parse(one.canonical())).value).toEqual(one.value);
      }),
      runs(200),
    );
  });
});

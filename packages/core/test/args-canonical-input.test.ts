// A text that is its own canonical form is taken as it is; it must never differ from what would be built.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arguments } from '../src/args/arguments.ts';
import { canonicalJson } from '../src/args/canonical.ts';
import { expectShares } from './args-values.ts';

/** Whether the text is its own canonical form; null for one that is refused. */
const check = (text: string): boolean | null => {
  const parsed = Arguments.parse(text);
  if (!Arguments.is(parsed)) return null;
  expect(parsed.canonical()).toBe(canonicalJson(parsed.value));
  return parsed.canonical() === text;
};

describe('canonical input', () => {
  it('is what would have been built, for any JSON text', () => {
    const came = { own: 0, another: 0 };
    const count = (text: string): void => {
      const own = check(text);
      if (own !== null) came[own ? 'own' : 'another']++;
    };
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) =>
        count(JSON.stringify(value)),
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (value, n) =>
        count(JSON.stringify(value, null, n)),
      ),
      { numRuns: 500 },
    );
    expectShares(came, 0.2);
  });

  it.each([
    '{}', ' {}', '{} ', '{"a":1}', '{"a": 1}', '{"b":1,"a":2}', '{"a":1,"b":2}', '{"a":1.0}', '{"a":1e1}', '{"a":-1}', '{"a":0}',
    '{"":1}', '{"":1,"a":2}', '{"a":{"y":1,"x":2}}', '{"10":1,"9":2}', '{"9":1,"10":2}', '{"a":"\\u0061"}', '{"a":"\\n"}', '{"a":"é\u2028\u007f"}',
    '{"\\u0061":1}', '{"a":[1,2,{"b":1,"a":1}]}', '{"a":true,"b":null}', '{"a":9007199254740991}', '{"\u{10000}":1,"\uffff":2}',
  ])('%s', (text) => {
    check(text);
    check(text.replaceAll(',', ', '));
  }); // prettier-ignore

  it('is recognised, or nothing would be gained', () => {
    const text = '{"limit":10,"q":"macaroons"}';
    const parsed = Arguments.parse(text);
    expect(Arguments.is(parsed) && parsed.canonical() === text).toBe(true);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalise, Provenance } from '@ambit/behavior';
import { amounts, domainOf, identifiers } from '../src/identifiers.ts';
import type { Identifier } from '@ambit/behavior';

const all = (text: string): Identifier[] => {
  const found: Identifier[] = [];
  identifiers(text, (identifier) => found.push(identifier));
  return found;
};

describe('identifiers: two spellings of one address are one value', () => {
  test.each([
    ['Bob@Example.COM', 'bob@example.com'],
    ['mailto:bob@example.com', 'bob@example.com'],
    ['https://www.example.com/', 'example.com'],
    ['HTTP://Example.com:80/a/', 'example.com/a'],
    ['www.example.com.', 'example.com'],
    ['GB29 NWBK 6016 1331 9268 19', 'GB29NWBK60161331926819'],
    ['ｂｏｂ＠example.com', 'bob@example.com'],
    ['+44 (0)', '+44 (0)'],
  ])('%s', (spelling, value) => {
    expect(normalise(spelling).value).toBe(value);
  });

  test('what a text holds, in order', () => {
    const text =
      'Pay GB29 NWBK 6016 1331 9268 19 (see bill-2023.txt), ask bob@example.com or +4420794600000; https://x.test/a?b=1. Card 4237-4252-7456-2574, pass HGK137803.';
    expect(all(text).map(({ kind, value }) => `${kind} ${value}`)).toEqual([
      'iban GB29NWBK60161331926819',
      'path bill-2023.txt',
      'email bob@example.com',
      'phone 4420794600000',
      'url x.test/a?b=1',
      'number 4237425274562574',
      'code HGK137803',
    ]);
  });

  test('dates, prices, words and versions are no identifiers', () => {
    expect(all('On 2024-05-15 at 10:00 it cost 98.70, i.e. v1.2.3 of the thing, e.g. 50%')).toEqual([]);
  });

  test('a sentence glued to a domain does not hide it', () => {
    expect(all('post to www.our-company.com.They sent it').map(({ value }) => value)).toContain(
      'our-company.com',
    );
  });

  test('amounts are numbers, not spellings', () => {
    const found: number[] = [];
    amounts('It is $98.70, or 1,810.0 in all; 10% off.', (amount) => found.push(amount));
    expect(found).toEqual([98.7, 1810, 10]);
  });

  test('domains', () => {
    expect(domainOf(normalise('https://a.example.com:8443/x'))).toBe('a.example.com');
    expect(domainOf(normalise('bob@example.com'))).toBe('example.com');
    expect(domainOf(normalise('Bob'))).toBeUndefined();
  });
});

describe('identifiers: hostile texts', () => {
  test('no text makes normalising throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (text) => {
        expect(() => [normalise(text), ...all(text)]).not.toThrow();
      }),
      { numRuns: 60 },
    );
  });

  // Random characters make no identifier, so this law has hosts of its own.
  test('every spelling of a host is one value', () => {
    const host = fc.domain().filter((text) => /\.[a-z]{2,24}$/.test(text) && normalise(text).kind === 'url');
    const around = fc.constantFrom(
      ...(['$', 'https://$', 'HTTP://$/', 'http://www.$', '$:443', 'https://$:80/', '$.', ' $! '] as const),
    );
    fc.assert(
      fc.property(host, around, fc.boolean(), (name, form, upper) => {
        fc.pre(!name.startsWith('www.'));
        const { kind, value } = normalise(form.replace('$', upper ? name.toUpperCase() : name));
        expect({ kind, value }).toEqual({ kind: 'url', value: name });
      }),
      { numRuns: 200 },
    );
  });

  test('an address found in a text is the address that normalises alone', () => {
    fc.assert(
      fc.property(
        fc.emailAddress({ size: 'small' }).filter((mail) => /^[a-z0-9._%+-]+@/i.test(mail)),
        (mail) => {
          expect(all(`to <${mail}> now`).map(({ value }) => value)).toContain(mail.toLowerCase());
        },
      ),
      { numRuns: 50 },
    );
  });

  // Eight times the text takes eight times as long; a scan that starts again at each place takes 64 times. Both are
  // measured in this process, by its own CPU time, the best of several, and the bound lies wide between the two.
  test.each(['a.', '@', '1-', 'a@a.', 'GB29 ', '((((', 'http://', '0x'])(
    'C7 200 KB of near-matches stay within one pass: %s',
    (unit) => {
      const cost = (bytes: number): number => {
        const text = unit.repeat(bytes / unit.length);
        const { user, system } = process.cpuUsage();
        all(text);
        const after = process.cpuUsage();
        return after.user + after.system - user - system;
      };
      const best = (bytes: number): number => Math.min(...Array.from({ length: 5 }, () => cost(bytes)));
      best(25_000);
      // A floor of a millisecond: below it the clock, not the scan, is measured.
      expect(best(200_000)).toBeLessThan(24 * Math.max(best(25_000), 1000));
    },
  );
});

describe('K2 text from outside is read in linear time', () => {
  const cpu = (run: () => unknown): number => {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  const shapes: readonly (readonly [string, (n: number) => string])[] = [
    ['R3 marks of two classes, sorted wrong', (n) => `a${'\u0300'.repeat(n / 2)}${'\u0316'.repeat(n / 2)}`],
    ['R3 letters that fold to eighteen', (n) => '\ufdfa'.repeat(n / 18)],
    ['R7 dots', (n) => `${'.'.repeat(n)}x`],
    ['R7 colons', (n) => `${':'.repeat(n)}x`],
    ['R7 commas behind a number', (n) => `7${','.repeat(n)}x`],
  ];
  test.each(shapes)('%s', (_, make) => {
    const read = (text: string): void => {
      normalise(text);
      identifiers(text, () => undefined);
      amounts(text, () => undefined);
      const provenance = new Provenance(1);
      provenance.prompt('read it');
      provenance.quoted(text);
    };
    read(make(1000));
    const small = Math.min(...[1, 2, 3].map(() => cpu(() => read(make(13_000)))));
    const large = Math.min(...[1, 2].map(() => cpu(() => read(make(260_000)))));
    // Twenty times the size; quadratic is four hundred times the cost.
    expect(large / Math.max(small, 0.2)).toBeLessThan(100);
  });
});

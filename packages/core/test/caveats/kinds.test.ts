// Adding a caveat touches five places: its module, the sample, SPEC.md, check.py and the vectors. What the compiler does
// not ask for is asked for here, by the caveat's name.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attenuate, caveatWords, inspect, restrict, type Caveat, type Restriction } from '@ambit/core';
import { Reader, MALFORMED } from '../../src/cbor/index.ts';
import { CAVEATS, encodeCaveat, kindOf, readCaveat } from '../../src/caveats/index.ts';
import { slice } from '../../../../test/mutation/slices.mjs';
import {
  CAVEAT_ARBS,
  KIND_ARBS,
  LABELS_USED,
  mintBase,
  outcome,
  restrictionArb,
  sceneArb,
  T0,
} from '../sample.ts';

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const between = (all: string, from: string, to: string): string =>
  all.slice(all.indexOf(from), all.indexOf(to, all.indexOf(from)));

const spec = text('../../SPEC.md');
const structures = between(spec, '## 3. ', '## 4. ');
const clearing = between(spec, '## 6. ', '## 7. ');
const python = text('../../../../test/vectors/check.py');
const reading = between(python, 'def read_caveat', 'return kind, body');
const evaluating = between(python, 'def clear', 'def charges');

/** Every type of caveat that stands in a well-formed token of the vectors, with the codes of the caveats of that type. */
const inVectors = new Map<string, Set<string>>();
for (const file of ['tokens', 'decisions', 'proofs', 'sessions']) {
  const cases = JSON.parse(text(`../../../../test/vectors/${file}.json`)) as {
    readonly steps: readonly {
      readonly token: string;
      readonly expect: { readonly code: string; readonly caveat?: number | null };
    }[];
  }[];
  for (const { steps } of cases) {
    for (const { token, expect: answer } of steps) {
      // These may be answered before the contents are read.
      if (['token_invalid', 'wrong_audience', 'key_retired'].includes(answer.code)) continue;
      inspect(token).caveats.forEach(({ type }, i) => {
        const codes = inVectors.get(type) ?? inVectors.set(type, new Set()).get(type)!;
        if (answer.code === 'ok' || answer.caveat === i) codes.add(answer.code);
      });
    }
  }
}

test('numbers run from 1 without a gap, and every module of a caveat is in the list', () => {
  expect(CAVEATS.map((kind) => kind.number)).toEqual(CAVEATS.map((_, i) => i + 1));
  const folder = new URL('../../src/caveats/', import.meta.url);
  const modules = readdirSync(folder).filter((name) =>
    /^export const \w+: (?:RestrictionKind|SignedKind)</m.test(readFileSync(new URL(name, folder), 'utf8')),
  );
  expect(modules.sort()).toEqual(CAVEATS.map((kind) => `${kind.type}.ts`).sort());
});

describe.each(CAVEATS.map((kind) => [kind.type, kind] as const))('%s', (type, kind) => {
  const module = text(`../../src/caveats/${type}.ts`);

  test('SPEC gives its bytes in section 3 and its check in section 6', () => {
    expect(structures).toMatch(new RegExp(`^ *(?:caveat =|/) \\[${kind.number}, .*; ${type}\\b`, 'm'));
    expect(clearing).toMatch(new RegExp(`^\\| (?:[a-z, ]*, )?${type}(?:,[a-z, ]*)? \\|`, 'm'));
  });

  test('check.py reads it, and evaluates it if it is decided at the call', () => {
    expect(reading).toMatch(new RegExp(`\\b(?:el)?if kind == ${kind.number}:`));
    if (kind.decidedBy === 'call')
      expect(evaluating).toMatch(new RegExp(`\\b(?:el)?if kind == ${kind.number}\\b`));
  });

  test('the vectors have it: where it holds, denies, and misses a fact', () => {
    const codes = [...(inVectors.get(type) ?? [])];
    expect([...inVectors.keys()]).toContain(type);
    if (kind.decidedBy !== 'call') return;
    expect(codes).toContain('ok');
    expect(codes.filter((code) => code !== 'ok' && code !== 'fact_missing')).not.toEqual([]);
    if (module.includes("'fact_missing'")) expect(codes).toContain('fact_missing');
  });

  test('a test of its own says what it makes of a missing fact and of an empty list (law L2)', () => {
    const own = text(`./${type}.test.ts`);
    if (kind.decidedBy === 'call') expect(own).toMatch(/\bL2\b/);
    expect(slice('caveats').tests.join()).toContain(`caveats/${type}.test.ts`);
  });

  test('a holder may append it or not, and then the sample makes one', () => {
    expect(Object.hasOwn(CAVEAT_ARBS, type)).toBe(kind.mayAppend);
    if (kind.mayAppend) return;
    const signed = { type } as unknown as Restriction;
    expect(() => attenuate(mintBase(), signed)).toThrow(TypeError);
  });
});

test.each(Object.entries(KIND_ARBS))('%s: what the sample says lets a scene through does', (_, make) => {
  let came = 0;
  const cases = sceneArb.chain((scene) => fc.tuple(fc.constant(scene), make(scene) ?? fc.constant(null)));
  fc.assert(
    fc.property(cases, ({ 0: { call, facts }, 1: caveat }) => {
      const granted = mintBase({ tools: ['*'], data: LABELS_USED, expires: T0 + 5000 });
      const known = { ...facts, data: facts.data ?? [], bytes: facts.bytes ?? 0 };
      if (caveat === null || outcome(granted, call, known) !== 'ok') return;
      const code = outcome(attenuate(granted, caveat), call, known);
      // A sum of an argument that the call has not, or not in whole numbers, is refused whatever its limit.
      expect(caveat.type === 'budget' && code === 'budget_amount' ? 'ok' : code).toBe('ok');
      came++;
    }),
    { numRuns: 200 },
  );
  expect(came).toBeGreaterThan(2);
});

const read = (bytes: Uint8Array): Caveat => readCaveat(new Reader(bytes));

test('what is written is read back, and every caveat has words', () => {
  const seen = new Set<string>();
  const at = { plain: (t: number): string => `at ${t}`, fromNow: (t: number): string => `${t} from now` };
  fc.assert(
    fc.property(restrictionArb, (r) => {
      const back = read(encodeCaveat(r));
      expect(encodeCaveat(back)).toEqual(encodeCaveat(r));
      expect(back.type).toBe(r.type);
      expect(caveatWords(read(encodeCaveat(back)), at)).toBe(caveatWords(back, at));
      expect(caveatWords(r, at).length).toBeGreaterThan(5);
      seen.add(r.type);
    }),
    { numRuns: 500 },
  );
  expect(seen.size).toBe(CAVEATS.filter((kind) => kind.mayAppend).length);
});

test('the vectors try the first number that no caveat has', () => {
  const names = (JSON.parse(text('../../../../test/vectors/tokens.json')) as { readonly name: string }[]).map(
    (c) => c.name,
  );
  const unknown = names.filter((name) => name.includes('unknown caveat type'));
  expect(unknown, 'npm run vectors').toEqual([`malformed: unknown caveat type ${CAVEATS.length + 1}`]);
});

test('an unknown caveat denies: no number, no name and no inherited property is one', () => {
  for (const number of [0, CAVEATS.length + 1, 23]) {
    const bytes = Uint8Array.of(0x82, number, 0xf6);
    let thrown: unknown = null;
    try {
      read(bytes);
    } catch (error) {
      thrown = error;
    }
    expect(thrown, `number ${number}`).toBe(MALFORMED);
  }
  for (const type of ['constructor', '__proto__', 'unknown']) {
    const c = { type } as unknown as Restriction;
    expect(() => kindOf(c)).toThrow(TypeError);
    expect(() => encodeCaveat(c)).toThrow('known type');
    expect(() => attenuate(mintBase(), c)).toThrow(TypeError);
  }
});

test('restrict has the short ways of all modules, no name twice', () => {
  const names = CAVEATS.flatMap((kind) => (kind.mayAppend ? Object.keys(kind.make) : []));
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(restrict).sort()).toEqual(names.sort());
});

// A store's figures (`stats.ts`): what is counted, what a fault's cause is called, and what a meter is told.
import { AmbitError } from '@ambit/core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { memoryStore, observeStore, type Budgets, type StoreMeter, type StoreStats } from '../src/index.ts';
import { causeOf, Tally } from '../src/stats.ts';
import { charges, counter, NOW } from '../src/testing/make.ts';

afterEach(() => vi.restoreAllMocks());
const coded = (code: unknown, message = '', cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code });

describe('the cause of a fault', () => {
  test.each([
    ['a code of the system', coded('ECONNREFUSED'), 'ECONNREFUSED'],
    ['a code of PostgreSQL', coded(53300), '53300'],
    ['the first word of an error of Redis', new Error('NOAUTH Authentication required.'), 'NOAUTH'],
    ['a class without either', new RangeError('x'), 'RangeError'],
    ['the innermost code', coded('OUTER', '', coded('INNER')), 'INNER'],
    ['a code outside an error without one', coded('OUTER', '', new TypeError('x')), 'OUTER'],
    [
      'a word of Redis outside an error without one',
      new Error('OOM no', { cause: new TypeError('x') }),
      'OOM',
    ],
    ['the outer class of two', new RangeError('x', { cause: new TypeError('y') }), 'RangeError'],
    ["our own error's code is no cause", new AmbitError('store_unavailable'), 'AmbitError'],
    [
      'but what stands below it is',
      new AmbitError('store_full', undefined, { cause: coded('ENOSPC') }),
      'ENOSPC',
    ],
    ['a code before a word', coded('EPIPE', 'READONLY no'), 'EPIPE'],
    ['no code with a space or a quote', coded('a b', 'x'), 'Error'],
    ['no code that begins or ends like one', coded('A code: 53300', 'x'), 'Error'],
    ['no code of 41 characters', coded('x'.repeat(41)), 'Error'],
    ['a code of 40', coded('x'.repeat(40)), 'x'.repeat(40)],
    ['no empty code', coded(''), 'Error'],
    ['no word of lower case', new Error('noauth x'), 'Error'],
    ['no word of two characters', new Error('NO x'), 'Error'],
    ['a word of three', new Error('OOM x'), 'OOM'],
    ['a word of 31', new Error(`${'X'.repeat(31)} x`), 'X'.repeat(31)],
    ['no word of 32', new Error(`${'X'.repeat(32)} x`), 'Error'],
    ['no word that a space does not follow', new Error('NOAUTH'), 'Error'],
    ['no word in the middle', new Error('it said NOAUTH x'), 'Error'],
    ['no word that begins with an underscore', new Error('_AUTH x'), 'Error'],
    ['a word that was found', new AmbitError('store_corrupt', undefined, { cause: 'lost' }), 'lost'],
    ['a word without an error', 'no_answer', 'no_answer'],
    ['no text', new Error('x', { cause: 'the disk is full' }), 'Error'],
    ['no word within a text', new Error('x', { cause: 'disk full' }), 'Error'],
    ['no text of 41 characters', 'x'.repeat(41), 'unknown'],
    ['no empty text', '', 'unknown'],
    ['nothing', undefined, 'unknown'],
    ['no object that is no error', { code: 'EVIL' }, 'unknown'],
  ])('%s', (_what, error, word) => expect(causeOf(error)).toBe(word));

  test('is looked for eight errors deep', () => {
    const nested = (depth: number): Error => {
      let error = coded('DEEP');
      for (let i = 1; i < depth; i++) error = new Error('x', { cause: error });
      return error;
    };
    expect([8, 9].map((depth) => causeOf(nested(depth)))).toEqual(['DEEP', 'Error']);
    const own = new Error('x');
    own.cause = own;
    expect(causeOf(own)).toBe('Error');
  });
});

describe('a tally', () => {
  test('counts what was granted, what was refused by code, and faults by cause', () => {
    vi.spyOn(Date, 'now').mockReturnValue(NOW * 1000 + 999);
    const tally = new Tally();
    expect(tally.figures).toEqual({ granted: 0, refused: {}, fault: null, faults: {} });
    tally.count({ ok: true });
    tally.count({ ok: true });
    for (const code of ['replayed', 'once_used', 'replayed'] as const)
      tally.count({ ok: false, code, caveat: -1 });
    expect(tally.fault('store_full', coded('ENOSPC'))).toBe('store_full');
    expect(tally.fault('store_corrupt', coded('ENOSPC'))).toBe('store_corrupt');
    expect(tally.fault('store_unavailable', coded('EPIPE'))).toBe('store_unavailable');
    expect(tally.figures).toEqual({
      granted: 2,
      refused: { replayed: 2, once_used: 1 },
      fault: { code: 'store_unavailable', cause: 'EPIPE', time: NOW },
      faults: { ENOSPC: 2, EPIPE: 1 },
    });
  });

  test('finding S19 counts 64 causes and no more; the last fault is always known', () => {
    const tally = new Tally();
    for (let i = 0; i < 70; i++) tally.fault('store_unavailable', coded(`E${i}`));
    tally.fault('store_unavailable', coded('E63'));
    tally.fault('store_unavailable', coded('E64'));
    const { faults, fault } = tally.figures;
    expect(Object.keys(faults).length).toBe(64);
    expect([faults['E0'], faults['E63'], faults['E64'], fault?.cause]).toEqual([1, 2, undefined, 'E64']);
  });

  test('counts what passes through, with all that was asked, and leaves the rest as it is', async () => {
    const { budgets } = memoryStore({ nowSeconds: () => NOW });
    const asked: unknown[] = [];
    const tally = new Tally();
    const over = tally.over({
      ...budgets,
      reserve: (...args: Parameters<Budgets['reserve']>) => (asked.push(args), budgets.reserve(...args)),
    });
    const c = charges([counter('c', 1, 3)]);
    const first = await over.reserve(c, NOW, 0.5);
    expect(asked).toEqual([[c, NOW, 0.5]]);
    expect((await over.reserve(charges([counter('c', 9, 3)]), NOW)).ok).toBe(false);
    expect(tally.figures).toMatchObject({ granted: 1, refused: { budget_exceeded: 1 } });
    expect(first.ok && (await over.release(first.reservation))).toBe(true);
  });
});

describe('a meter', () => {
  type Seen = [name: string, value: number, attributes: { [key: string]: string } | undefined];
  const FIGURES: StoreStats = {
    backend: 'redis',
    granted: 1,
    refused: { replayed: 2, once_used: 3 },
    fault: null,
    faults: { EPIPE: 4 },
    revocationsAge: 5,
    pushesMissed: 6,
    rows: { counters: 7, claims: 8 },
    bytes: 9,
    logBytes: 10,
  };

  function world(stats: () => Promise<StoreStats>) {
    const gauges: { name: string; options: unknown; collect: (seen: Seen[]) => Promise<void> }[] = [];
    const meter: StoreMeter = {
      createObservableGauge: (name, options) => ({
        addCallback: (callback) =>
          void gauges.push({
            name,
            options,
            collect: (seen) =>
              callback({ observe: (value, attributes) => void seen.push([name, value, attributes]) }),
          }),
      }),
    };
    observeStore(stats, meter);
    const collect = async (): Promise<Seen[]> => {
      const seen: Seen[] = [];
      for (const gauge of gauges) await gauge.collect(seen);
      return seen;
    };
    return { gauges, collect };
  }

  test('is told every figure, with the back end and a code or a kind', async () => {
    const { gauges, collect } = world(() => Promise.resolve(FIGURES));
    const on = { 'ambit.store': 'redis' };
    expect(await collect()).toEqual([
      ['ambit.store.granted', 1, on],
      ['ambit.store.refused', 2, { ...on, 'ambit.code': 'replayed' }],
      ['ambit.store.refused', 3, { ...on, 'ambit.code': 'once_used' }],
      ['ambit.store.faults', 4, { ...on, 'ambit.cause': 'EPIPE' }],
      ['ambit.store.revocations.age', 5, on],
      ['ambit.store.pushes.missed', 6, on],
      ['ambit.store.rows', 7, { ...on, 'ambit.rows': 'counters' }],
      ['ambit.store.rows', 8, { ...on, 'ambit.rows': 'claims' }],
      ['ambit.store.size', 9, on],
      ['ambit.store.log.size', 10, on],
    ]);
    const described = expect.any(String) as string;
    expect(gauges.map(({ name, options }) => [name, options])).toStrictEqual([
      ['ambit.store.granted', { description: described }],
      ['ambit.store.refused', { description: described }],
      ['ambit.store.faults', { description: described }],
      ['ambit.store.revocations.age', { description: described, unit: 'ms' }],
      ['ambit.store.pushes.missed', { description: described }],
      ['ambit.store.rows', { description: described }],
      ['ambit.store.size', { description: described, unit: 'By' }],
      ['ambit.store.log.size', { description: described, unit: 'By' }],
    ]);
  });

  test('is told nothing of what is not known, and 0 of what is none', async () => {
    const none = { revocationsAge: null, bytes: null, logBytes: null, granted: 0, pushesMissed: 0 };
    const { collect } = world(() =>
      Promise.resolve({ ...FIGURES, ...none, refused: {}, faults: {}, rows: {} }),
    );
    expect((await collect()).map(([name, value]) => [name, value])).toEqual([
      ['ambit.store.granted', 0],
      ['ambit.store.pushes.missed', 0],
    ]);
  });

  test('looks once for all gauges of a collection, and again after a quarter of a second', async () => {
    let time = 1000;
    vi.spyOn(performance, 'now').mockImplementation(() => time);
    let looks = 0;
    const { collect } = world(() => (looks++, Promise.resolve({ ...FIGURES, granted: looks })));
    await collect();
    time = 1250;
    expect((await collect())[0]).toEqual(['ambit.store.granted', 1, { 'ambit.store': 'redis' }]);
    expect(looks).toBe(1);
    time = 1251;
    expect((await collect())[0]).toEqual(['ambit.store.granted', 2, { 'ambit.store': 'redis' }]);
    expect(looks).toBe(2);
  });

  test('hears nothing of a store that fails, and of it again when it does not', async () => {
    let time = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => (time += 1000));
    let down = true;
    const { collect } = world(() => (down ? Promise.reject(new Error('down')) : Promise.resolve(FIGURES)));
    expect(await collect()).toEqual([]);
    down = false;
    expect((await collect()).length).toBe(10);
  });
});

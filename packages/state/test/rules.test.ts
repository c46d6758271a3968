// The rules that back ends share, to the second and to the row: what a caller may hand in, how charges meet rows, the
// steps of a sliding window, sessions as they are opened and read.
import { LONGEST_SLIDING, type Charges, type CounterCharge } from '@ambit/core';
import { describe, expect, test } from 'vitest';
import { applyCharges, applyRefund, effective, leftOf, type CounterRow } from '../src/apply.ts';
import {
  GRACE,
  checkCharges,
  checkClaim,
  checkNow,
  exceeded,
  nothing,
  refunds,
  systemSeconds,
  type Refused,
  type Reservation,
  type Reserved,
} from '../src/budgets.ts';
import { MemoryRows } from '../src/memory/rows.ts';
import {
  SESSIONS_A_PAGE,
  judge,
  newSession,
  pageOf,
  placeOf,
  type Session,
  type SessionInput,
} from '../src/sessions.ts';
import {
  charged,
  chargedIn,
  countedAt,
  readSteps,
  refunded,
  roomAt,
  stepAt,
  writeSteps,
} from '../src/sliding.ts';
import { LATER, NOW, charges, claim, counter, id, proofClaim, rate } from '../src/testing/make.ts';

const ERA = 'ab'.repeat(16);
const number = (more: Partial<NonNullable<Charges['sequence']>> = {}): Pick<Charges, 'sequence'> => ({
  sequence: { session: id('s'), sequence: 0, expires: LATER, epoch: ERA, ...more },
});
const misuse = (c: Charges): void => expect(() => checkCharges(c)).toThrow(TypeError);

describe('what a caller may hand in', () => {
  test('ids are digests as text: 22 to 64 characters of base64url and nothing around them', () => {
    const places: ((text: string) => Charges)[] = [
      (root) => charges([], { root }),
      (partitionKey) => charges([], { partitionKey }),
      (text) => charges([{ ...counter('c', 1, 1), id: text }]),
      (text) => charges([], { once: [{ ...claim('c'), id: text }] }),
      (text) => charges([], { replay: { ...proofClaim('c'), id: text } }),
      (text) => charges([], number({ session: text })),
    ];
    for (const at of places) {
      for (const length of [22, 64]) expect(checkCharges(at('aZ09_-'.repeat(11).slice(-length)))).toBeNull();
      for (const text of ['', 'a'.repeat(21), 'a'.repeat(65), `.${'a'.repeat(22)}`, `${'a'.repeat(22)}.`])
        misuse(at(text));
    }
  });

  test('an epoch is 32 hexadecimal digits and nothing around them', () => {
    expect(checkCharges(charges([], number()))).toBeNull();
    for (const epoch of ['', ERA.slice(1), `${ERA}a`, `g${ERA}`, `${ERA}g`, ERA.toUpperCase()])
      misuse(charges([], number({ epoch })));
  });

  test('ends, and when a proof may have been made first, are whole seconds', () => {
    for (const seconds of [0, 1, LATER])
      for (const c of [
        charges([counter('c', 1, 1, { expires: seconds })]),
        charges([], { once: [claim('c', 0, seconds)] }),
        charges([], { replay: proofClaim('c', seconds, seconds) }),
        charges([], number({ expires: seconds })),
      ])
        expect(checkCharges(c)).toBeNull();
    for (const seconds of [-1, 0.5, NaN, Infinity]) {
      misuse(charges([counter('c', 1, 1, { expires: seconds })]));
      misuse(charges([], { once: [claim('c'), claim('d', 0, seconds)] }));
      misuse(charges([], { replay: proofClaim('c', seconds) }));
      misuse(charges([], { replay: proofClaim('c', LATER, seconds) }));
      misuse(charges([], number({ expires: seconds })));
      expect(() => checkClaim(id('c'), seconds)).toThrow(TypeError);
    }
  });

  test('S6 an amount or a limit that is not whole is a refusal that names the caveat', () => {
    for (const more of [{ amount: 0.5 }, { amount: -1 }, { limit: 0.5 }, { limit: -1 }])
      expect(checkCharges(charges([counter('c', 1, 1), counter('d', 1, 1, { caveat: 3, ...more })]))).toEqual(
        {
          ok: false,
          code: 'budget_amount',
          caveat: 3,
        },
      );
    expect(checkCharges(charges([counter('c', 0, 0)]))).toBeNull();
  });

  test('at most 16 counters, and none twice', () => {
    const many = Array.from({ length: 17 }, (_, i) => counter(`${i}`, 1, 1));
    expect(checkCharges(charges(many.slice(1)))).toBeNull();
    misuse(charges(many));
    misuse(charges([many[0]!, many[1]!, many[1]!]));
    misuse(charges([many[0]!, many[1]!, many[0]!]));
  });

  test('a window is whole seconds; a total has none, and begins at 0', () => {
    const of = (more: Partial<CounterCharge>): Charges => charges([counter('c', 1, 1, more)]);
    expect(checkCharges(of({ window: 60, windowStart: 120 }))).toBeNull();
    expect(checkCharges(of({ window: 60, windowStart: 0 }))).toBeNull();
    for (const more of [
      { window: 0, windowStart: 60 },
      { window: 60, windowStart: 0.5 },
      { window: 60, windowStart: -60 },
      { window: 0.5 },
      { window: -60 },
    ])
      misuse(of(more));
  });

  test('a sliding window is no longer than the longest, and has the steps that core makes', () => {
    const longest = rate('c', 1, 1, LONGEST_SLIDING, NOW);
    const beyond = LONGEST_SLIDING + 1;
    expect(checkCharges(charges([longest]))).toBeNull();
    misuse(charges([{ ...longest, step: longest.step + 1 }]));
    misuse(charges([{ ...longest, windowStart: longest.windowStart + 1 }]));
    misuse(charges([{ ...longest, window: beyond, step: Math.ceil(beyond / 60), windowStart: 0 }]));
    misuse(charges([{ ...longest, window: beyond, windowStart: 0 }]));
  });

  test('a time is Unix seconds, and milliseconds are none', () => {
    for (const now of [0, 1, NOW, 1e11]) expect(() => checkNow(now)).not.toThrow();
    for (const now of [-1, 0.5, 1e11 + 1, NaN]) expect(() => checkNow(now)).toThrow(RangeError);
    const before = Date.now();
    const seconds = systemSeconds();
    expect(Number.isSafeInteger(seconds)).toBe(true);
    expect(seconds * 1000).toBeGreaterThan(before - 1000);
    expect(seconds * 1000).toBeLessThanOrEqual(Date.now());
  });

  test('what is given back of a reservation: what was not used, or nothing at all for amounts that cannot be', () => {
    const taken = { amounts: [5, 7] } as unknown as Reservation;
    expect(refunds(taken, [2, 7])).toEqual([3, 0]);
    expect(refunds(taken, [0, 0])).toEqual([5, 7]);
    for (const wrong of [[], [5], [5, 7, 0], [6, 7], [5, 8], [-1, 7], [5, 0.5], [5, NaN]])
      expect(refunds(taken, wrong)).toBeNull();
    expect(nothing(taken)).toEqual([0, 0]);
  });

  test('a refusal says when a window begins again, and nothing of the kind for a total', () => {
    const refused = { ok: false, code: 'budget_exceeded', caveat: 4, left: 3 };
    expect(exceeded(counter('c', 1, 1, { caveat: 4 }), 3)).toEqual(refused);
    const windowed = counter('c', 1, 1, { caveat: 4, window: 60, windowStart: 120 });
    expect(exceeded(windowed, 3)).toEqual({ ...refused, resets: 180 });
    expect(exceeded(windowed, 3, 150)).toEqual({ ...refused, resets: 150 });
  });
});

describe('the steps of a sliding window', () => {
  // Steps of one second, so that what was charged at second t counts until t + 61.
  const minute = { window: 60, step: 1, windowStart: 1000 };

  test('a charge is counted in the step of the store, if its own ended less than the grace before, else in its own', () => {
    for (const [now, start] of [
      [1000, 1000],
      [990, 990],
      [1000 + GRACE, 1000 + GRACE],
      [1001 + GRACE, 1000],
      [5000, 1000],
    ] as const)
      expect([now, stepAt(minute, now)]).toEqual([now, start]);
    // A time within a step is that step's.
    expect(stepAt({ window: 600, step: 10, windowStart: 1000 }, 1019)).toBe(1010);
    expect(stepAt({ window: 600, step: 10, windowStart: 1000 }, 1009 + GRACE)).toBe(1060);
    expect(stepAt({ window: 600, step: 10, windowStart: 1000 }, 1010 + GRACE)).toBe(1000);
  });

  test('steps count until all of them is a window ago', () => {
    const steps = [900, 1, 939, 2, 940, 3, 1000, 4];
    expect(countedAt(steps, minute, 960)).toBe(steps);
    expect(countedAt(steps, minute, 961)).toEqual([939, 2, 940, 3, 1000, 4]);
    expect(countedAt(steps, minute, 1000)).toEqual([940, 3, 1000, 4]);
    expect(countedAt(steps, minute, 1060)).toEqual([1000, 4]);
    expect(countedAt(steps, minute, 1061)).toEqual([]);
    expect(countedAt([], minute, 0)).toEqual([]);
  });

  test('amounts are added to the latest step or begin another, and are taken back from their own alone', () => {
    expect(chargedIn([])).toBe(0);
    expect(chargedIn([900, 1, 939, 2, 940, 3])).toBe(6);
    expect(charged([], 900, 5)).toEqual([900, 5]);
    expect(charged([900, 5], 900, 2)).toEqual([900, 7]);
    expect(charged([900, 5, 901, 1], 901, 2)).toEqual([900, 5, 901, 3]);
    expect(charged([900, 5], 901, 2)).toEqual([900, 5, 901, 2]);
    expect(refunded([900, 5, 901, 7], 901, 2)).toEqual([900, 5, 901, 5]);
    expect(refunded([900, 5, 901, 7], 900, 6)).toEqual([900, 0, 901, 7]);
    // Five is an amount here, and no step.
    expect(refunded([900, 5, 901, 7], 5, 1)).toEqual([900, 5, 901, 7]);
    expect(refunded([], 900, 1)).toEqual([]);
  });

  test('there is room when enough of the earliest steps have ended, or by the next window for what never fits', () => {
    const of = (amount: number): CounterCharge => ({ ...counter('c', amount, 10), ...minute });
    const steps = [950, 4, 960, 3, 1000, 2];
    expect([2, 4, 5, 8, 9, 10].map((amount) => roomAt(steps, of(amount)))).toEqual([
      1011, 1011, 1011, 1021, 1061, 1061,
    ]);
    expect(roomAt(steps, of(11))).toBe(1061);
    expect(roomAt([950, 4], of(11))).toBe(1061);
    expect(roomAt([], of(1))).toBe(1061);
  });

  test('a row keeps them as text', () => {
    for (const steps of [[], [900, 5], [900, 5, 901, 7]]) expect(readSteps(writeSteps(steps))).toEqual(steps);
    expect(writeSteps([900, 5, 901, 7])).toBe('900 5 901 7');
  });
});

/** Rows that were dropped up to a minute ago. */
function rowsOf(perToken = 1024): MemoryRows {
  const rows = new MemoryRows(perToken, ERA);
  rows.now = NOW;
  rows.sweptTo = NOW - GRACE;
  return rows;
}
const apply = (rows: MemoryRows, c: Charges, share = 0): Reserved | Refused => applyCharges(rows, c, share);
const taken = (answer: Reserved | Refused): Reservation => {
  if (!answer.ok) throw new Error(answer.code);
  return answer.reservation;
};

describe('charges meet rows', () => {
  const row = (more: Partial<CounterRow>): CounterRow => ({
    start: 0,
    used: 3,
    expires: 50,
    steps: null,
    ...more,
  });

  test('the row of a window is the latest of the row and the charge', () => {
    const at = (windowStart: number): CounterCharge => counter('c', 1, 10, { window: 60, windowStart });
    expect(effective(undefined, at(120))).toEqual({ start: 120, used: 0, expires: 0, steps: null });
    const held = row({ start: 120 });
    expect(effective(held, at(120))).toBe(held);
    expect(effective(held, at(60))).toBe(held);
    expect(effective(held, at(180))).toEqual({ start: 180, used: 0, expires: 0, steps: null });
    expect([leftOf(undefined, at(0)), leftOf(held, at(120)), leftOf(held, at(180))]).toEqual([10, 7, 10]);
    expect(leftOf(row({ used: 12 }), counter('c', 1, 10))).toBe(0);
  });

  test('the row of a sliding window has what counts at the latest of both', () => {
    const at = (windowStart: number): CounterCharge =>
      counter('c', 1, 10, { window: 60, step: 1, windowStart });
    expect(effective(undefined, at(120))).toEqual({ start: 120, used: 0, expires: 0, steps: [] });
    const held = row({ start: 130, used: 5, steps: [100, 2, 130, 3] });
    expect(effective(held, at(120))).toEqual({ start: 130, used: 5, expires: 50, steps: [100, 2, 130, 3] });
    expect(effective(held, at(165))).toEqual({ start: 165, used: 3, expires: 50, steps: [130, 3] });
    expect(effective(held, at(120), 191)).toEqual({ start: 191, used: 0, expires: 50, steps: [] });
    // A row from before its windows slid.
    expect(effective(row({ start: 100 }), at(120))).toMatchObject({ start: 120, used: 0, steps: [] });
  });

  test('what ended when rows may be gone is refused; a second later it is good', () => {
    const [gone, good] = [NOW - GRACE, NOW - GRACE + 1];
    const cases: [string, (expires: number) => Charges, Partial<Refused>][] = [
      [
        'counter',
        (expires) => charges([counter(`${expires}`, 1, 5, { caveat: 2, expires })]),
        { code: 'budget_exceeded', caveat: 2, left: 0 },
      ],
      [
        'sliding',
        (expires) => charges([rate(`${expires} s`, 1, 5, 60, NOW, { caveat: 2, expires })]),
        { code: 'budget_exceeded', caveat: 2, left: 0, resets: NOW + 61 },
      ],
      [
        'once',
        (expires) => charges([], { once: [claim(`${expires}`, 4, expires)] }),
        { code: 'once_used', caveat: 4 },
      ],
      [
        'nonce',
        (expires) => charges([], { replay: { ...proofClaim(`n${expires}`, expires), caveat: 6 } }),
        { code: 'replayed', caveat: 6 },
      ],
      ['number', (expires) => charges([], number({ expires })), { code: 'replayed', caveat: -1 }],
    ];
    const rows = rowsOf();
    for (const [what, of, refused] of cases) {
      expect([what, apply(rows, of(gone))]).toEqual([what, { ok: false, ...refused }]);
      expect(rows.size).toBe(cases.findIndex(([name]) => name === what));
      expect([what, apply(rows, of(good)).ok]).toEqual([what, true]);
    }
  });

  test('W1 a window may begin as long after the clock as clocks differ, and no longer', () => {
    const at = (windowStart: number): Charges => charges([counter('w', 1, 5, { window: 60, windowStart })]);
    expect(apply(rowsOf(), at(NOW + GRACE)).ok).toBe(true);
    expect(apply(rowsOf(), at(NOW + GRACE + 1))).toEqual({
      ...{ ok: false, code: 'budget_exceeded', caveat: -1, left: 0 },
      resets: NOW + GRACE + 61,
    });
  });

  test('a number of another life of the store is refused before anything is asked', () => {
    const rows = rowsOf();
    const c = charges([counter('c', 1, 5)], {
      ...number({ epoch: 'cd'.repeat(16) }),
      replay: proofClaim('n'),
    });
    expect(apply(rows, c)).toEqual({ ok: false, code: 'replayed', caveat: -1 });
    expect(rows.size).toBe(0);
  });

  test('S7 a proof that may be from before a reset is refused with its own code', () => {
    const rows = Object.assign(rowsOf(), { began: NOW });
    const shown = { ...proofClaim('n', LATER, NOW), caveat: 5 };
    expect(apply(rows, charges([], { replay: shown }))).toEqual({
      ok: false,
      code: 'store_unavailable',
      caveat: 5,
    });
    expect(apply(rows, charges([], { replay: { ...shown, from: NOW + 1000 } })).ok).toBe(true);
  });

  test('the first of several counters that refuse is named, with what is left of it', () => {
    const rows = rowsOf();
    apply(rows, charges([counter('a', 4, 5), counter('b', 5, 5)]));
    const c = charges([
      counter('free', 1, 5, { caveat: 0 }),
      counter('a', 2, 5, { caveat: 1 }),
      counter('b', 1, 5, { caveat: 2 }),
    ]);
    expect(apply(rows, c)).toEqual({ ok: false, code: 'budget_exceeded', caveat: 1, left: 1 });
    expect(apply(rows, charges([counter('a', 1, 5)])).ok).toBe(true);
  });

  test('a reservation says what was taken, when, and what is left; a share is rounded down', () => {
    const rows = rowsOf();
    const total = counter('t', 3, 10);
    const windowed = counter('w', 1, 9, { window: 60, windowStart: NOW });
    const sliding = rate('s', 2, 20, 60, NOW);
    const answer = apply(rows, charges([total, windowed, sliding]), 0.25);
    expect(answer).toMatchObject({
      reservation: { amounts: [3, 2, 5], starts: [0, NOW, NOW], left: [7, 7, 15] },
    });
    expect(Object.isFrozen(taken(answer))).toBe(true);
    expect(Object.isFrozen(taken(answer).amounts)).toBe(true);
    expect(rows.counter(total.id)).toEqual({ start: 0, used: 3, expires: LATER, steps: null });
    expect(rows.counter(windowed.id)).toEqual({ start: NOW, used: 2, expires: LATER, steps: null });
    expect(rows.counter(sliding.id)).toEqual({ start: NOW, used: 5, expires: LATER, steps: [NOW, 5] });
    // A narrower limit on the same counter: less than nothing is nothing.
    expect(apply(rows, charges([{ ...total, amount: 1, limit: 2 }]))).toMatchObject({ left: 0 });
    expect(apply(rows, charges([{ ...total, amount: 0, limit: 2 }]))).toMatchObject({
      ok: true,
      reservation: { left: [0] },
    });
  });

  test('a row that is charged into its later window does not end later for it', () => {
    const rows = rowsOf();
    const at = (windowStart: number, expires: number): Charges =>
      charges([counter('w', 1, 9, { window: 60, windowStart, expires })]);
    const row = (): CounterRow => rows.counter(id('w'))!;
    apply(rows, at(NOW, NOW + 100));
    expect(row().expires).toBe(NOW + 100);
    apply(rows, at(NOW - 60, NOW + 500));
    expect(row()).toEqual({ start: NOW, used: 2, expires: NOW + 100, steps: null });
    apply(rows, at(NOW, NOW + 50));
    expect(row().expires).toBe(NOW + 100);
    apply(rows, at(NOW, NOW + 200));
    expect(row().expires).toBe(NOW + 200);
    apply(rows, at(NOW + 60, NOW + 80));
    expect(row()).toEqual({ start: NOW + 60, used: 1, expires: NOW + 80, steps: null });
  });

  test("S12 rows that a token's holders append are counted to the last, those of the issuer are not", () => {
    const appended = (name: string, caveat = 3): CounterCharge => counter(name, 1, 5, { caveat });
    const refused = (caveat: number): Refused => ({ ok: false, code: 'budget_exceeded', caveat, left: 0 });
    const rows = rowsOf(3);
    expect(apply(rows, charges([counter('issued', 1, 5)], { once: [claim('issued', -1)] })).ok).toBe(true);
    expect(rows.rowsOf(id('root'))).toBe(0);
    expect(apply(rows, charges([appended('a', 0)], { once: [claim('o', 0)] })).ok).toBe(true);
    expect(rows.rowsOf(id('root'))).toBe(2);
    expect(apply(rows, charges([appended('b', 4), appended('c', 5)]))).toEqual(refused(5));
    expect(apply(rows, charges([appended('b', 4)], { once: [claim('p', 6)] }))).toEqual(refused(6));
    expect(rows.rowsOf(id('root'))).toBe(2);
    // What the issuer made, or what is there, asks for no room.
    expect(apply(rows, charges([appended('b', 4), counter('more', 1, 5)])).ok).toBe(true);
    expect(apply(rows, charges([appended('a', 0), appended('b', 4)], { once: [claim('q', -1)] })).ok).toBe(
      true,
    );
    expect(apply(rows, charges([appended('d', 7)]))).toEqual(refused(7));
    expect(apply(rows, charges([], { once: [claim('r', 0)] }))).toEqual(refused(0));
    expect(rows.rowsOf(id('root'))).toBe(3);
    expect(rows.rowsOf(id('another'))).toBe(0);
  });

  test("S12 what the issuer made takes no room of the token's, wherever it stands in a call, nor asks for any", () => {
    const appended = (name: string): CounterCharge => counter(name, 1, 5, { caveat: 3 });
    const rows = rowsOf(2);
    expect(apply(rows, charges([counter('issued', 1, 5), appended('a'), counter('more', 1, 5)])).ok).toBe(
      true,
    );
    expect(apply(rows, charges([counter('another', 1, 5), appended('b')])).ok).toBe(true);
    expect(apply(rows, charges([appended('c')], { once: [claim('o', -1)] }))).toMatchObject({
      caveat: 3,
      left: 0,
    });
    expect(apply(rows, charges([appended('c'), counter('last', 1, 5)]))).toMatchObject({
      caveat: 3,
      left: 0,
    });
    // A store that is opened with a lower bound than before.
    const lower = Object.assign(rows, { rowsPerToken: 1 });
    expect(apply(lower, charges([counter('new', 1, 5)], { once: [claim('o', -1)] })).ok).toBe(true);
  });

  test('P6 a refused call takes back its claims, the latest first, and its nonce, and moves no number', () => {
    const rows = rowsOf();
    apply(rows, charges([counter('full', 5, 5)], number()));
    const { size } = rows;
    const asked = { once: [claim('a', 0), claim('b', 1)], replay: proofClaim('n') };
    expect(apply(rows, charges([counter('full', 1, 5)], { ...asked, ...number({ sequence: 1 }) })).ok).toBe(
      false,
    );
    expect(apply(rows, charges([], { ...asked, ...number() }))).toEqual({
      ok: false,
      code: 'replayed',
      caveat: -1,
    });
    expect(apply(rows, charges([], { ...asked, once: [...asked.once, claim('a', 2)] }))).toMatchObject({
      caveat: 2,
    });
    expect(rows.size).toBe(size);
    expect(apply(rows, charges([], { ...asked, ...number({ sequence: 1 }) })).ok).toBe(true);
    expect(rows.size).toBe(size + 3);
  });

  test('a refund goes to the window or step it was taken from, and to no less than nothing', () => {
    const rows = rowsOf();
    const total = counter('t', 6, 10, { caveat: 1 });
    const sliding = rate('s', 6, 10, 60, NOW);
    const windowed = counter('w', 6, 10, { window: 60, windowStart: NOW - 60 });
    const reservation = taken(apply(rows, charges([total, sliding, windowed])));
    const used = (): (number | undefined)[] =>
      [total, sliding, windowed].map((c) => rows.counter(c.id)?.used);
    applyRefund(rows, reservation, [0, 0, 0]);
    expect(used()).toEqual([6, 6, 6]);
    applyRefund(rows, reservation, [1, 2, 3]);
    expect(used()).toEqual([5, 4, 3]);
    expect(rows.counter(sliding.id)?.steps).toEqual([NOW, 4]);
    apply(rows, charges([{ ...windowed, windowStart: NOW }]));
    applyRefund(rows, reservation, [9, 9, 9]);
    expect(used()).toEqual([0, 0, 6]);
    // A step that no longer counts gives nothing back.
    rows.now = NOW + 61;
    apply(rows, charges([{ ...sliding, windowStart: NOW + 61, amount: 5 }]));
    applyRefund(rows, reservation, [0, 3, 0]);
    expect(rows.counter(sliding.id)).toMatchObject({ used: 5, steps: [NOW + 61, 5] });
    // Rows that are gone stay gone.
    applyRefund(rows, { ...reservation, charges: charges([counter('gone', 1, 5)]) }, [1]);
    expect(rows.counter(id('gone'))).toBeUndefined();
    expect(rows.size).toBe(3);
  });
});

describe('sessions', () => {
  const input: SessionInput = { issuer: 'acme', id: 's', operator: 'o', user: 'u', expires: LATER };
  const session = newSession(input, NOW);

  test('are opened by names of 1 to 256 printable characters, until a time that is to come', () => {
    expect(session).toEqual({ ...input, opened: NOW, closed: null, reason: null });
    expect(Object.isFrozen(session)).toBe(true);
    const { user: _, ...noUser } = input;
    expect(newSession(noUser, NOW).user).toBeNull();
    const wrong = (more: object): void =>
      expect(() => newSession({ ...input, ...more }, NOW)).toThrow(
        expect.objectContaining({ code: 'input_invalid' }),
      );
    for (const key of ['issuer', 'id', 'operator', 'user']) {
      for (const name of ['a', '\u00e9 b', 'a'.repeat(256)])
        expect(newSession({ ...input, [key]: name }, NOW)).toMatchObject({ [key]: name });
      for (const name of ['', 'a'.repeat(257), 'a\0', '\u001fa', 'a\u007fb', 'a\ud800', '\udc00a', 7, ['a']])
        wrong({ [key]: name });
    }
    for (const expires of [NOW, NOW - 1, LATER + 0.5, 1e11 + 1, NaN]) wrong({ expires });
    for (const expires of [NOW + 1, 1e11])
      expect(newSession({ ...input, expires }, NOW).expires).toBe(expires);
    expect(() => newSession(input, NOW * 1000)).toThrow(RangeError);
  });

  test('are open from their first second to the last before their end, unless they are closed', () => {
    expect(judge(null, NOW)).toEqual({ ok: false, code: 'session_not_found' });
    expect(judge(session, LATER - 1)).toEqual({ ok: true, session });
    expect(judge(session, LATER)).toEqual({ ok: false, code: 'session_closed' });
    expect(judge({ ...session, closed: NOW }, NOW)).toEqual({ ok: false, code: 'session_closed' });
  });

  test('are read in pages, each of which says where the next begins', () => {
    const many = (n: number): Session[] => Array.from({ length: n }, (_, i) => ({ ...session, id: `s${i}` }));
    for (const n of [0, SESSIONS_A_PAGE - 1])
      expect(pageOf(many(n))).toEqual({ sessions: many(n), cursor: null });
    const { cursor } = pageOf(many(SESSIONS_A_PAGE));
    expect(placeOf(cursor, NOW)).toEqual(['acme', `s${SESSIONS_A_PAGE - 1}`]);
    expect(placeOf(null, NOW)).toEqual(['', '']);
    for (const wrong of ['', 'acme', 'acme\0s\0', undefined, 5, {}] as string[])
      expect(() => placeOf(wrong, NOW)).toThrow('cursor: expected null');
    expect(() => placeOf(null, NOW * 1000)).toThrow(RangeError);
  });
});

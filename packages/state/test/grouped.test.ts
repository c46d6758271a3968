// What the back ends share in words: names of rows, verdicts of a server (`grouped.ts`), and what was thrown
// (`faults.ts`).
import { AmbitError } from '@ambit/core';
import { describe, expect, test } from 'vitest';
import { faultError, orFault, orFaultLater } from '../src/faults.ts';
import { Keys, refusedBy, short } from '../src/grouped.ts';
import { charges, claim, counter, id, NOW, rate } from '../src/testing/make.ts';

test('a row is named by 22 characters', () => {
  expect(short(id('a'))).toBe(id('a').slice(0, 22));
});

test('keys are numbered from 1, each once', () => {
  const keys = new Keys();
  expect(['a', 'b', 'a', 'c', 'b'].map((key) => keys.at(key))).toEqual([1, 2, 1, 3, 2]);
  expect(keys.all).toEqual(['a', 'b', 'c']);
});

describe("a server's verdict", () => {
  const total = counter('total', 1, 10, { caveat: 3 });
  const windowed = counter('w', 1, 10, { caveat: 4, window: 60, windowStart: NOW, expires: NOW + 60 });
  const sliding = rate('s', 1, 10, 60, NOW, { caveat: 5 });
  const all = charges([total, windowed, sliding], { once: [claim('x', 7), claim('y', 8)] });
  const budget = 'budget_exceeded';

  test.each([
    [['replayed', '0'], { code: 'replayed', caveat: -1 }],
    [['store_unavailable', '1', '2'], { code: 'store_unavailable', caveat: -1 }],
    [['once_used', '1'], { code: 'once_used', caveat: 7 }],
    [['once_used', '2'], { code: 'once_used', caveat: 8 }],
    [[budget, '1', '4'], { code: budget, caveat: 3, left: 4 }],
    [[budget, '2', '0'], { code: budget, caveat: 4, left: 0, resets: NOW + 60 }],
    [[budget, '3', '5', `${NOW + 7}`], { code: budget, caveat: 5, left: 5, resets: NOW + 7 }],
    // A claim for which there is no room is counted below zero.
    [[budget, '-1', '0'], { code: budget, caveat: 7, left: 0 }],
    [[budget, '-2', '9'], { code: budget, caveat: 8, left: 9 }],
  ])('%j', (words, refused) => {
    expect(refusedBy(words, all)).toEqual({ ok: false, ...refused });
  });
});

describe('what was thrown', () => {
  const thrown = new Error('disk I/O');
  const known = new AmbitError('store_full');
  const faultOf = (error: unknown) =>
    error === thrown ? ('store_corrupt' as const) : ('store_unavailable' as const);
  const raise = (error: unknown) => () => {
    throw error;
  };

  test('gets the code of its back end, and is the cause; what has a code keeps it', () => {
    expect(faultError(thrown, faultOf)).toMatchObject({ code: 'store_corrupt', cause: thrown });
    expect(faultError(7, faultOf)).toMatchObject({ code: 'store_unavailable', cause: 7 });
    expect(faultError(known, faultOf)).toBe(known);
  });

  test('by a job is given with that code, and what it gives is given', async () => {
    expect(orFault(() => 5, faultOf)).toBe(5);
    expect(() => orFault(raise(thrown), faultOf)).toThrow(
      expect.objectContaining({ code: 'store_corrupt', cause: thrown }),
    );
    expect(await orFaultLater(() => Promise.resolve(5), faultOf)).toBe(5);
    await expect(orFaultLater(async () => raise(thrown)(), faultOf)).rejects.toMatchObject({
      code: 'store_corrupt',
      cause: thrown,
    });
    await expect(orFaultLater(async () => raise(known)(), faultOf)).rejects.toBe(known);
  });
});

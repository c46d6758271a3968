// More cases of the ledger by itself: what mutants of an independent verifier lived through, and what they had to guess.
// Codes are written by hand, as in generate.mjs.
import { EPOCH } from './ledger.mjs';

export function ledgerMutants(NOW) {
  const id = (c) => c.repeat(43);
  const counter = (c, more = {}) => ({
    id: id(c),
    unit: 'calls',
    amount: 1,
    limit: 1,
    window: 0,
    step: 0,
    windowStart: 0,
    expires: NOW + 1800,
    caveat: 0,
    ...more,
  });
  const step = (now, more, expect = 'ok', caveat) => ({
    now,
    charges: { root: id('r'), partitionKey: id('r'), counters: [], once: [], replay: null, sequence: null, ...more },
    expect: expect === 'ok' ? { code: expect } : { code: expect, caveat },
  }); // prettier-ignore
  const once = (c, more = {}) => ({ id: id(c), expires: NOW + 1800, caveat: 0, ...more });
  const nonce = (c, more = {}) => ({
    replay: { id: id(c), from: NOW - 30, expires: NOW + 121, caveat: -1, ...more },
  });
  const number = (sequence, more = {}) => ({
    sequence: { session: id('s'), sequence, expires: NOW + 300, epoch: EPOCH, ...more },
  });
  // A window of two minutes: steps of 2 s, each of which counts for 122.
  const slide = (seconds, more = {}) => {
    const at = NOW + seconds;
    return counter('v', { window: 120, step: 2, windowStart: at, expires: at + 122, ...more });
  };
  // One of two hours: steps of 120 s, each of which counts for 7320.
  const turn = Math.ceil(NOW / 120) * 120;
  const long = (c, seconds, more = {}) =>
    counter(c, { window: 7200, step: 120, windowStart: turn + seconds, expires: turn + seconds + 7320, ...more }); // prettier-ignore
  const spent = ['budget_exceeded', 0];
  return [
    { name: 'a clock that goes back', description: "The ledger's own does not: a window is held against the highest time it has seen.", steps: [
      step(NOW + 300, { counters: [counter('x')] }),
      step(NOW, { counters: [counter('a', { window: 60, windowStart: NOW + 360, expires: NOW + 420 })] }),
      step(NOW, { counters: [counter('b', { window: 60, windowStart: NOW + 361, expires: NOW + 421 })] }, ...spent),
    ] },
    { name: 'a step that has not begun', description: "Counted in the ledger's own, which is earlier.", steps: [
      step(NOW, { counters: [slide(40)] }),
      step(NOW + 120, { counters: [slide(120)] }, ...spent),
      step(NOW + 122, { counters: [slide(122)] }),
    ] },
    { name: 'the end of a row that is counted in a later step', description: "The charge's own: its step's start and s.", steps: [
      step(turn + 59, { counters: [long('a', -120)] }),
      step(turn + 3600, { counters: [counter('x', { expires: turn + 9000 })] }),
      step(turn + 7140, { counters: [counter('y', { expires: turn + 9000 })] }),
      step(turn + 7258, { counters: [long('a', 7200)] }, ...spent),
      step(turn + 7300, { counters: [long('a', 7200)] }),
    ] },
    { name: 'rows of one token: kept', description: 'A row that has ended counts until it may be dropped.', rowsPerToken: 1, steps: [
      step(NOW, { once: [once('a', { expires: NOW + 10 })] }),
      step(NOW + 60, { once: [once('b')] }, ...spent),
      step(NOW + 100, { once: [once('b', { expires: NOW + 110 })] }),
      step(NOW + 160, { counters: [counter('c')] }, ...spent),
      step(NOW + 200, { counters: [counter('c', { expires: NOW + 210 })] }),
      step(NOW + 260, { counters: [counter('d')] }, ...spent),
      step(NOW + 300, { counters: [counter('d')] }),
    ] },
    ...bounds(),
  ]; // prettier-ignore

  function bounds() {
    void nonce;
    void number;
    return [];
  }
}

// The ledger by itself: windows, claims, rows, order.
// Codes are written by hand, as in generate.mjs, whose helpers come in: what an independent verifier could get wrong.
/** The epoch of every ledger of these vectors. */
export const EPOCH = 'e0'.repeat(16);

/** What charges are made of; `limit` is that of a counter which says none. */
export function ledgerParts(NOW, limit) {
  const id = (c) => c.repeat(43);
  const counter = (c, more = {}) => ({
    id: id(c),
    unit: 'calls',
    amount: 1,
    limit,
    window: 0,
    step: 0,
    windowStart: 0,
    expires: NOW + 1800,
    caveat: 0,
    ...more,
  });
  const charges = (more) => ({
    root: id('r'),
    partitionKey: id('r'),
    counters: [],
    once: [],
    replay: null,
    sequence: null,
    ...more,
  });
  const claim = (c, more = {}) => ({ id: id(c), expires: NOW + 1800, caveat: 0, ...more });
  const number = (sequence, more = {}) => ({
    sequence: { session: id('s'), sequence, expires: NOW + 300, epoch: EPOCH, ...more },
  });
  return { id, counter, charges, claim, number };
}

/** The ledger by itself: charges, in turn, and what becomes of them. */
export function ledgerEdges(NOW) {
  const { id, counter, charges, claim, number } = ledgerParts(NOW, 2);
  const step = (now, more, expect) => ({ now, charges: charges(more), expect });
  const proof = (c, more = {}) => ({ ...claim(c, { caveat: -1 }), from: NOW - 30, ...more });
  const w = 60;
  const start = Math.floor(NOW / w) * w;
  const windowed = (s, more = {}) => counter('w', { window: w, windowStart: s, expires: s + w, ...more });
  const sliding = (seconds) => {
    const at = Math.floor((NOW + seconds) / 2) * 2;
    return counter('v', { window: 120, step: 2, windowStart: at, expires: at + 122 });
  };
  // Steps of two minutes, of which one begins at `turn`.
  const turn = Math.ceil(NOW / 120) * 120;
  const two = (c, seconds, amount) =>
    counter(c, { amount, window: 7200, step: 120, windowStart: turn + seconds, expires: turn + 20_000 });
  return [
    { name: 'windows', description: 'A later window replaces the row; an earlier one is counted in the row that is there.', steps: [
      step(NOW, { counters: [windowed(start)] }, { code: 'ok' }),
      step(NOW + w, { counters: [windowed(start + w)] }, { code: 'ok' }),
      step(NOW + w, { counters: [windowed(start)] }, { code: 'ok' }),
      step(NOW + w, { counters: [windowed(start)] }, { code: 'budget_exceeded', caveat: 0 }),
      step(NOW + w, { counters: [windowed(start + w)] }, { code: 'budget_exceeded', caveat: 0 }),
      step(NOW + 2 * w, { counters: [windowed(start + 2 * w)] }, { code: 'ok' }),
    ] },
    {
      name: 'a sliding window',
      description: 'Steps of 2 s count until all of them is 120 s ago; an earlier charge is counted in the latest.',
      steps: [
        step(NOW, { counters: [sliding(0)] }, { code: 'ok' }),
        step(NOW + 61, { counters: [sliding(60)] }, { code: 'ok' }),
        step(NOW + 121, { counters: [sliding(120)] }, { code: 'budget_exceeded', caveat: 0 }),
        step(NOW + 122, { counters: [sliding(122)] }, { code: 'ok' }),
        step(NOW + 122, { counters: [sliding(100)] }, { code: 'budget_exceeded', caveat: 0 }),
        step(NOW + 182, { counters: [sliding(182)] }, { code: 'ok' }),
      ],
    },
    {
      name: 'a step of more than a minute',
      description: 'A charge is counted in the step of the ledger unless its own ended 60 s ago.',
      steps: [
        step(turn, { counters: [counter('x')] }, { code: 'ok' }),
        step(turn - 1, { counters: [two('a', -120, 2)] }, { code: 'ok' }),
        step(turn + 59, { counters: [two('b', -120, 2)] }, { code: 'ok' }),
        step(turn + 60, { counters: [two('c', -120, 2)] }, { code: 'ok' }),
        step(turn + 7200, { counters: [two('a', 7200, 1)] }, { code: 'budget_exceeded', caveat: 0 }),
        step(turn + 7200, { counters: [two('b', 7200, 1)] }, { code: 'budget_exceeded', caveat: 0 }),
        step(turn + 7200, { counters: [two('c', 7200, 1)] }, { code: 'ok' }),
        step(turn + 7320, { counters: [two('a', 7320, 1)] }, { code: 'ok' }),
      ],
    },
    { name: 'a window that has not begun', description: 'More than 60 s ahead of the ledger.', steps: [
      step(NOW, { counters: [windowed(start + 3 * w)] }, { code: 'budget_exceeded', caveat: 0 }),
      step(NOW, { counters: [windowed(start)] }, { code: 'ok' }),
    ] },
    { name: 'order', description: 'Nonce, claims, counters, number: whatever the order of caveats.', steps: [
      step(NOW, { counters: [counter('a', { limit: 1, caveat: 0 })], once: [claim('o', { caveat: 2 })], replay: proof('n'), ...number(0) }, { code: 'ok' }),
      step(NOW, { counters: [counter('a', { limit: 1, caveat: 0 })], once: [claim('o', { caveat: 2 })], replay: proof('n'), ...number(0) }, { code: 'replayed', caveat: -1 }),
      step(NOW, { counters: [counter('a', { limit: 1, caveat: 0 })], once: [claim('o', { caveat: 2 })], replay: proof('m'), ...number(0) }, { code: 'once_used', caveat: 2 }),
      step(NOW, { counters: [counter('a', { limit: 1, caveat: 0 })], once: [claim('p', { caveat: 2 })], replay: proof('m'), ...number(0) }, { code: 'budget_exceeded', caveat: 0 }),
      step(NOW, { counters: [counter('a', { limit: 3, caveat: 0 })], once: [claim('p', { caveat: 2 })], replay: proof('m'), ...number(0) }, { code: 'replayed', caveat: -1 }),
      step(NOW, { counters: [counter('a', { limit: 3, caveat: 0 })], once: [claim('p', { caveat: 2 })], replay: proof('m'), ...number(1) }, { code: 'ok' }),
    ] },
    { name: 'each charge under its own limit', description: 'One row, two limits.', steps: [
      step(NOW, { counters: [counter('a', { amount: 3, limit: 5 })] }, { code: 'ok' }),
      step(NOW, { counters: [counter('a', { limit: 3 })] }, { code: 'budget_exceeded', caveat: 0 }),
      step(NOW, { counters: [counter('a', { limit: 4 })] }, { code: 'ok' }),
    ] },
    { name: 'rows of one token', description: "Counters and claims that caveats brought, living ones; the grant's do not count.", rowsPerToken: 2, steps: [
      step(NOW, { counters: [counter('g', { caveat: -1 }), counter('a')] }, { code: 'ok' }),
      step(NOW, { once: [claim('o', { caveat: 1 })] }, { code: 'ok' }),
      step(NOW, { counters: [counter('a'), counter('b', { caveat: 3 })] }, { code: 'budget_exceeded', caveat: 3 }),
      step(NOW, { once: [claim('p', { caveat: 4 })] }, { code: 'budget_exceeded', caveat: 4 }),
      step(NOW, { counters: [counter('a')] }, { code: 'ok' }),
      step(NOW, { counters: [counter('h', { caveat: -1 })], replay: proof('n') }, { code: 'ok' }),
    ] },
    { name: 'rows of one token: who is named', description: 'The last claim, or if there is none the last new counter.', rowsPerToken: 1, steps: [
      step(NOW, { counters: [counter('a', { caveat: 5 })], once: [claim('o', { caveat: 1 })] }, { code: 'budget_exceeded', caveat: 1 }),
      step(NOW, { counters: [counter('a', { caveat: 2 }), counter('b', { caveat: 5 })] }, { code: 'budget_exceeded', caveat: 5 }),
    ] },
    { name: 'what ended long ago', description: 'Its row may have been dropped: it is refused, never inserted.', steps: [
      step(NOW, { replay: proof('n', { expires: NOW + 100 }) }, { code: 'ok' }),
      step(NOW + 2000, { replay: proof('x', { expires: NOW + 4000 }) }, { code: 'ok' }),
      step(NOW + 2000, { replay: proof('n', { expires: NOW + 100 }) }, { code: 'replayed', caveat: -1 }),
      step(NOW + 2000, { replay: proof('m', { expires: NOW + 100 }) }, { code: 'replayed', caveat: -1 }),
      step(NOW + 2000, { once: [claim('o', { expires: NOW + 100 })] }, { code: 'once_used', caveat: 0 }),
      step(NOW + 2000, { counters: [counter('c', { expires: NOW + 100 })] }, { code: 'budget_exceeded', caveat: 0 }),
      step(NOW + 2000, number(7, { expires: NOW + 100 }), { code: 'replayed', caveat: -1 }),
      step(NOW + 2000, { replay: proof('k', { expires: NOW + 1990 }) }, { code: 'ok' }),
      step(NOW + 2000, { replay: proof('k', { expires: NOW + 1990 }) }, { code: 'replayed', caveat: -1 }),
    ] },
    { name: 'numbers of a session', description: 'Up to 1024 ahead of the highest and 1023 behind it, once each.', steps: [
      step(NOW, number(1024), { code: 'replayed', caveat: -1 }),
      step(NOW, number(0, { epoch: 'e1'.repeat(16) }), { code: 'replayed', caveat: -1 }),
      step(NOW, number(1023), { code: 'ok' }),
      step(NOW, number(0), { code: 'ok' }),
      step(NOW, number(0), { code: 'replayed', caveat: -1 }),
      step(NOW, number(2047), { code: 'ok' }),
      step(NOW, number(1023), { code: 'replayed', caveat: -1 }),
      step(NOW, number(1024), { code: 'ok' }),
    ] },
  ]; // prettier-ignore
}

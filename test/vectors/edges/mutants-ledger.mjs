// More cases of the ledger by itself: what mutants of an independent verifier lived through, and what they had to guess.
// Codes are written by hand, as in generate.mjs.
import { ledgerParts } from './ledger.mjs';

export function ledgerMutants(NOW) {
  const { id, counter, charges, claim: once, number } = ledgerParts(NOW, 1);
  const step = (now, more, expect = 'ok', caveat) => ({
    now,
    charges: charges(more),
    expect: expect === 'ok' ? { code: expect } : { code: expect, caveat },
  });
  const nonce = (c, more = {}) => ({
    replay: { id: id(c), from: NOW - 30, expires: NOW + 121, caveat: -1, ...more },
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
  // One of ten minutes: steps of 10 s, each of which counts for 610.
  const ten = (c, seconds, expires) =>
    counter(c, { limit: 2, window: 600, step: 10, windowStart: NOW + seconds, expires });
  const other = { root: id('q'), partitionKey: id('q') };
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
    { name: 'a sliding charge before the latest', description: 'Counted in the latest step, however long ago its own was.', steps: [
      step(NOW + 200, { counters: [slide(200, { limit: 2 })] }),
      step(NOW + 200, { counters: [slide(100, { limit: 2 })] }),
      step(NOW + 240, { counters: [slide(240, { limit: 2 })] }, ...spent),
      step(NOW + 320, { counters: [slide(320, { limit: 2 })] }, ...spent),
      step(NOW + 322, { counters: [slide(322, { limit: 2 })] }),
    ] },
    { name: 'ended where rows are dropped', description: 'At the time up to which rows may have been dropped; and one second later.', steps: [
      step(NOW, nonce('n', { expires: NOW - 60 }), 'replayed', -1),
      step(NOW, { once: [once('o', { expires: NOW - 60 })] }, 'once_used', 0),
      step(NOW, { counters: [counter('c', { expires: NOW - 60 })] }, ...spent),
      step(NOW, number(0, { expires: NOW - 60 }), 'replayed', -1),
      step(NOW, nonce('n', { expires: NOW - 59 })),
      step(NOW, { once: [once('o', { expires: NOW - 59 })] }),
      step(NOW, { counters: [counter('c', { expires: NOW - 59 })] }),
      step(NOW, number(0, { expires: NOW - 59 })),
    ] },
    { name: 'the end of a row: the latest of its charges', description: 'Whichever came first; a row is there for 60 s more.', steps: [
      step(NOW, { counters: [counter('a', { limit: 2, expires: NOW + 100 }), counter('b', { limit: 2, expires: NOW + 50 })] }),
      step(NOW, { counters: [counter('a', { limit: 2, expires: NOW + 50 }), counter('b', { limit: 2, expires: NOW + 100 })] }),
      step(NOW + 140, { counters: [counter('a', { limit: 2 })] }, ...spent),
      step(NOW + 140, { counters: [counter('b', { limit: 2 })] }, ...spent),
      step(NOW + 200, { counters: [counter('a', { limit: 2 }), counter('b', { limit: 2 })] }),
    ] },
    { name: 'the end of a sliding row: the latest of its charges', description: 'Whichever came first.', steps: [
      step(NOW, { counters: [ten('a', 0, NOW + 610), ten('b', 0, NOW + 50)] }),
      step(NOW, { counters: [ten('a', 0, NOW + 50), ten('b', 0, NOW + 610)] }),
      step(NOW + 200, { counters: [ten('a', 200, NOW + 810)] }, ...spent),
      step(NOW + 200, { counters: [ten('b', 200, NOW + 810)] }, ...spent),
      step(NOW + 610, { counters: [ten('a', 610, NOW + 1220), ten('b', 610, NOW + 1220)] }),
    ] },
    ...[[50, 300], [300, 50]].map((ends) => ({ name: `the end of a session's numbers: ${ends.join(', then ')}`, description: 'The latest of its tickets.', steps: [
      step(NOW, number(0, { expires: NOW + ends[0] })),
      step(NOW, number(1, { expires: NOW + ends[1] })),
      step(NOW + 200, number(0, { expires: NOW + 300 }), 'replayed', -1),
      step(NOW + 200, number(2, { expires: NOW + 300 })),
    ] })),
    { name: 'rows of another token', description: 'Each root has its own.', rowsPerToken: 1, steps: [
      step(NOW, { counters: [counter('a')] }),
      step(NOW, { counters: [counter('b')], ...other }),
      step(NOW, { once: [once('o')], ...other }, ...spent),
      step(NOW, { once: [once('o')], root: id('p'), partitionKey: id('p') }),
      step(NOW, { counters: [counter('c')], root: id('p'), partitionKey: id('p') }, ...spent),
      step(NOW, { counters: [counter('d')], root: id('s'), partitionKey: id('s') }),
    ] },
    { name: 'rows of one token: the last claim is named', description: 'Of two.', rowsPerToken: 1, steps: [
      step(NOW, { once: [once('o', { caveat: 1 }), once('p', { caveat: 3 })] }, 'budget_exceeded', 3),
      step(NOW, { once: [once('o', { caveat: 1 })] }),
    ] },
  ]; // prettier-ignore
}

// What the tests of a slice get for fast-check (vitest.config.ts): the same, with fewer runs. A law is held against
// thousands of values in the suite; here it is asked again for each of hundreds of mutants, and most of those that it
// notices at all it notices soon.
import all from 'fast-check';

const RUNS = 60;
const shared = globalThis as { __stryker__?: { readonly currentTestId?: string }; ambitCut?: Set<unknown> };

/** The tests whose laws are held against less than they ask for: some count what came of it, and are not satisfied. */
export const cut = (shared.ambitCut ??= new Set());

const assert = (law: never, how: { readonly numRuns?: number } = {}): unknown => {
  const asked = how.numRuns ?? 100;
  if (asked > RUNS) cut.add(shared.__stryker__?.currentTestId);
  return all.assert(law, { ...how, numRuns: Math.min(asked, RUNS) });
};

export default { ...all, assert };

// What the tests of a slice get for fast-check (vitest.config.ts): the same, with fewer runs. A law is held against
// thousands of values in the suite; here it is asked again for each of hundreds of mutants, and most of those that it
// notices at all it notices soon.
import all from 'fast-check';

const RUNS = 60;

const assert = (law: never, how: { readonly numRuns?: number } = {}): unknown =>
  all.assert(law, { ...how, numRuns: Math.min(how.numRuns ?? 100, RUNS) });

export default { ...all, assert };

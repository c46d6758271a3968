// The clock that a store believes. A sliding window is charged where the store's clock says, so that a test that
// states times must state that one: on a day to which the tests were moved (test/odd/clock.mjs), a server's is another.
import { serverSeconds } from '../src/testing/make.ts';
import type { Orders } from './worker.ts';

/** Unix seconds by the clock of the store in that place: an SQLite file has this process's clock, a server its own. */
export const storeSeconds = ({ sqlite }: Pick<Orders, 'sqlite'>): number =>
  sqlite === undefined ? serverSeconds() : Math.floor(Date.now() / 1000);

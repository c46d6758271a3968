// A script of the registry's partition, as revocations and sessions run it.
import { orFaultLater } from '../faults.ts';
import { fenceFaultOf } from './fence.ts';

/** Runs a script of the registry's partition. */
export type Step = (
  name: string,
  body: string,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<readonly unknown[]>;

/** The same, for functions that reject with AmbitError. */
export const asked =
  (run: Step): Step =>
  (...step) =>
    orFaultLater(() => run(...step), fenceFaultOf);

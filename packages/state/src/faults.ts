// What a driver, a server or a file throws, as an AmbitError with a store code: one way in for every back end, each
// with its own reading of errors.
import { AmbitError } from '@ambit/core';
import type { FaultCode } from './budgets.ts';

/** The code of what was thrown. */
export type FaultOf = (error: unknown) => FaultCode;

/** The error with its code; an AmbitError has one already. */
export const faultError = (error: unknown, faultOf: FaultOf): AmbitError =>
  error instanceof AmbitError ? error : new AmbitError(faultOf(error), undefined, { cause: error });

/** What `job` gives; what it throws becomes an AmbitError. */
export function orFault<T>(job: () => T, faultOf: FaultOf): T {
  try {
    return job();
  } catch (error) {
    throw faultError(error, faultOf);
  }
}

/** What `job` resolves to; what it rejects with becomes an AmbitError. */
export async function orFaultLater<T>(job: () => Promise<T>, faultOf: FaultOf): Promise<T> {
  try {
    return await job();
  } catch (error) {
    throw faultError(error, faultOf);
  }
}

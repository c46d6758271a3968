// The options of the holder's functions by name: a misspelled one would silently not apply, and the service would refuse
// the call with a code that does not say why. The compiler asks for a name that is added to an interface.
import { Problems } from '@ambit/core';

/** The names of an interface, all of them; with `satisfies`, others may be there beside. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/** Who calls: one object may serve `attach` and `capabilityFetch`, so both take the names of both. */
export const HOLDER = {
  token: true,
  signer: true,
  audience: true,
  toCall: true,
  nowMs: true,
  fetch: true,
  useProofSessions: true,
  signed: true,
  alias: true,
  provider: true,
} as const;

/** AmbitError `input_invalid` for an option that `who` does not have, with the one that was meant. */
export function noOther(who: string, given: object, known: Readonly<Record<string, true>>): void {
  const problems = new Problems();
  problems.unknown(given, known);
  problems.done(who);
}

// Charges as core would make them, for tests that need no token.
import {
  randomBytes,
  sha256,
  stepOf,
  toBase64url,
  toHex,
  utf8,
  type Charges,
  type NonceClaim,
  type ProofClaim,
  type SequenceClaim,
  type CounterCharge,
} from '@ambit/core';
import type { Store } from '../store.ts';

/** A digest of a text: what ids look like. */
export const id = (name: string): string => toBase64url(sha256(utf8(name)));
/** What token ids look like. */
export const hex = (name: string): string => toHex(sha256(utf8(name)).subarray(0, 16));
export const fresh = (): string => toBase64url(randomBytes(32));

/**
 * The time of all tests, Unix seconds: the same on any day, unless the back end is a server with a clock of its
 * own (`startAt`).
 */
export let NOW = 4_102_444_800;
export let LATER: number = NOW + 3600;

/** Moves the tests of this file to a server's time; between two of its tests. */
export function startAt(seconds: number): void {
  NOW = seconds;
  LATER = seconds + 3600;
}

/**
 * The clock of a server on this machine, Unix seconds. It goes on from when this process began, so that a test may
 * move `Date` to another day: a server's clock stays.
 */
export const serverSeconds = (): number => Math.floor((performance.timeOrigin + performance.now()) / 1000);

/** A counter; `caveat: -1` is the grant's. */
export const counter = (
  name: string,
  amount: number,
  limit: number,
  more: Partial<CounterCharge> = {},
): CounterCharge => ({
  id: id(name),
  unit: 'sum',
  amount,
  limit,
  window: 0,
  step: 0,
  windowStart: 0,
  expires: LATER,
  caveat: -1,
  ...more,
});

/** The charge of a sliding window at a time, as core makes it; its row outlives the tests. */
export const rate = (
  name: string,
  amount: number,
  limit: number,
  window: number,
  now: number,
  more: Partial<CounterCharge> = {},
): CounterCharge => {
  const step = stepOf({ window, sliding: true });
  return counter(name, amount, limit, { window, step, windowStart: Math.floor(now / step) * step, ...more });
};

export const claim = (name: string, caveat = -1, expires: number = LATER): NonceClaim => ({
  id: id(name),
  expires,
  caveat,
});

/** The nonce of a proof; made as late as can be, unless `from` says otherwise. */
export const proofClaim = (name: string, expires: number = LATER, from: number = NOW): ProofClaim => ({
  ...claim(name, -1, expires),
  from,
});

/** A number of a session whose ticket has the store's epoch. */
export const numbered = async (
  { replay }: Pick<Store, 'replay'>,
  session: string,
  sequence: number,
  expires: number = LATER,
): Promise<SequenceClaim> => ({ session: id(session), sequence, expires, epoch: await replay.epoch() });

export const charges = (counters: readonly CounterCharge[], more: Partial<Charges> = {}): Charges => ({
  root: id('root'),
  partitionKey: id('root'),
  counters,
  once: [],
  replay: null,
  sequence: null,
  ...more,
});

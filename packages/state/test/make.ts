// Charges as core would make them, for tests that need no token.
import {
  randomBytes,
  sha256,
  toBase64url,
  toHex,
  utf8,
  type Charges,
  type Claim,
  type CounterCharge,
} from '@ambit/core';

/** A digest of a text: what ids look like. */
export const id = (name: string): string => toBase64url(sha256(utf8(name)));
/** What token ids look like. */
export const hex = (name: string): string => toHex(sha256(utf8(name)).subarray(0, 16));
export const fresh = (): string => toBase64url(randomBytes(32));

export const NOW = 1_800_000_000;
export const LATER: number = NOW + 3600;

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
  windowStart: 0,
  expires: LATER,
  caveat: -1,
  ...more,
});

export const claim = (name: string, caveat = -1, expires: number = LATER): Claim => ({
  id: id(name),
  expires,
  caveat,
});

export const charges = (counters: readonly CounterCharge[], more: Partial<Charges> = {}): Charges => ({
  root: id('root'),
  place: id('root'),
  counters,
  once: [],
  replay: null,
  sequence: null,
  ...more,
});

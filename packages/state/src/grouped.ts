// What the servers that take calls in groups share: short names of rows, keys numbered once, verdicts in words.
import type { Charges } from '@ambit/core';
import { exceeded, type Refused } from './budgets.ts';

/** Rows are named by the first 22 characters of a digest, 132 bits. */
export const short = (id: string): string => id.slice(0, 22);

/** Distinct keys, numbered from 1. */
export class Keys {
  readonly all: string[] = [];
  readonly #at = new Map<string, number>();
  at(key: string): number {
    let at = this.#at.get(key);
    if (at === undefined) this.#at.set(key, (at = this.all.push(key)));
    return at;
  }
}

/**
 * A verdict's words: the code, the place of what denied (claims count below zero), what is left, and for a sliding
 * window when there is room.
 */
export function refusedBy(words: readonly string[], { counters, once }: Charges): Refused {
  const [word, place, left, resets] = words;
  const code = word as Refused['code'];
  const at = Number(place);
  if (code === 'replayed' || code === 'store_unavailable') return { ok: false, code, caveat: -1 };
  if (code === 'once_used') return { ok: false, code, caveat: once[at - 1]!.caveat };
  if (at > 0)
    return exceeded(counters[at - 1]!, Number(left), resets === undefined ? undefined : Number(resets));
  return { ok: false, code, caveat: once[-at - 1]!.caveat, left: Number(left) };
}

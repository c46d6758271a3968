// A signed list, line by line, so that a list of any length is written with a page of it in memory (finding S15):
//
//   ambr2_ B64( [2, issuer, time] )                              the head
//   B64( [entry, ...] )                                          a page: 256 entries, the last one fewer
//   end_ B64( [body, signature] )                                the end; nothing but blank lines may follow
//
// body = [2, issuer, number, time, count, chain] is signed over the `revocations` label. The chain is SHA-256 of the
// head's bytes, then of itself and the bytes of each page in turn. So the one signature covers every entry and their
// order, and a list that is cut off, added to or shuffled has no valid end. B64 is base64url of canonical CBOR.
import { LABELS, encodeCbor, sha256, toBase64url, type Cbor, type Signer } from '@ambit/core';
import { checkNow } from '../budgets.ts';
import type { Revocation } from '../revocations.ts';
import { toRow } from './entries.ts';

/** First characters of a list, and of its last line. */
export const LIST_PREFIX = 'ambr2_';
export const END_PREFIX = 'end_';

/** Entries on one line: with the longest names and reasons a line is 1.7 MB. */
export const ENTRIES_A_LINE = 256;

/** What a list says of itself; `number` is the highest `seq` unless given: it has to grow from list to list. */
export interface About {
  readonly issuer: string;
  /** Unix seconds. */
  readonly now: number;
  readonly number?: number;
}

export class ListWriter {
  readonly #about: About;
  readonly #by: Signer<'issuer'>;
  #waiting: Cbor[] = [];
  #chain: Uint8Array;
  #count = 0;
  #highest = 0;
  /** The first line. */
  readonly head: string;

  constructor(about: About, by: Signer<'issuer'>) {
    checkNow(about.now);
    this.#about = about;
    this.#by = by;
    const head = encodeCbor([2, about.issuer, about.now]);
    this.#chain = sha256(head);
    this.head = LIST_PREFIX + toBase64url(head);
  }

  /** Takes entries, in their order; gives the lines that are full. Those of other issuers, and those that have ended, are left out. */
  lines(entries: readonly Revocation[]): string[] {
    const lines: string[] = [];
    for (const entry of entries) {
      this.#highest = Math.max(this.#highest, entry.seq);
      if (entry.issuer !== undefined && entry.issuer !== this.#about.issuer) continue;
      if ((entry.expires ?? Infinity) <= this.#about.now) continue;
      this.#waiting.push(toRow(entry));
      if (this.#waiting.length === ENTRIES_A_LINE) lines.push(this.#page());
    }
    return lines;
  }

  /** The last lines. */
  end(): string[] {
    const lines = this.#waiting.length > 0 ? [this.#page()] : [];
    const { issuer, now, number = this.#highest } = this.#about;
    const body = encodeCbor([2, issuer, number, now, this.#count, this.#chain]);
    const signature = this.#by.sign(LABELS.revocations, body);
    return [...lines, END_PREFIX + toBase64url(encodeCbor([body, signature]))];
  }

  #page(): string {
    const page = encodeCbor(this.#waiting);
    this.#count += this.#waiting.length;
    this.#waiting = [];
    this.#chain = sha256(this.#chain, page);
    return toBase64url(page);
  }
}

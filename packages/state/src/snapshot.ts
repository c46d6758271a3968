// Signed lists of revocations, for verifiers that are offline (attack S7; the text is that of `list/write.ts`). A
// verifier keeps the highest number it has seen: a lower one is a rollback, the same number with another body is a
// fork, and a list older than the bound is stale; each denies with `revocations_stale`.
import { deny, nobleProvider, type Denial, type Provider, type PublicKey, type Signer } from '@ambit/core';
import { checkNow } from './budgets.ts';
import { ListReader, type ListEnd } from './list/read.ts';
import { ListWriter, type About } from './list/write.ts';
import {
  RevocationView,
  type Revocation,
  type RevocationAnswer,
  type RevocationSubject,
  type Revocations,
} from './revocations.ts';

export type { About as SnapshotAbout } from './list/write.ts';
export type { ListEnd } from './list/read.ts';

/** A list as its issuer signed it, whole. */
export interface Snapshot extends ListEnd {
  readonly entries: readonly Revocation[];
}

/** All entries of a store, page by page. */
export async function* revocationPages(revocations: Revocations): AsyncGenerator<readonly Revocation[]> {
  for (let cursor = 0; ;) {
    const page = await revocations.since(cursor);
    if (page.entries.length === 0) return;
    yield page.entries;
    cursor = page.cursor;
  }
}

/** All entries of a store at once. */
export async function allRevocations(revocations: Revocations): Promise<readonly Revocation[]> {
  const all: Revocation[] = [];
  for await (const page of revocationPages(revocations)) all.push(...page);
  return all;
}

/** The lines of a signed list, without their ends. Nothing is signed before the last. */
export async function* signedLines(
  pages: AsyncIterable<readonly Revocation[]> | Iterable<readonly Revocation[]>,
  about: About,
  by: Signer<'issuer'>,
): AsyncGenerator<string> {
  const writer = new ListWriter(about, by);
  yield writer.head;
  for await (const page of pages) yield* writer.lines(page);
  yield* writer.end();
}

/** Signs a list as one text. */
export function signSnapshot(entries: readonly Revocation[], about: About, by: Signer<'issuer'>): string {
  const writer = new ListWriter(about, by);
  return [writer.head, ...writer.lines(entries), ...writer.end()].join('\n');
}

/** Reads and checks a list by one of the issuer's keys. No freshness: that is `SnapshotRevocations`. */
export function readSnapshot(
  text: string,
  keys: readonly PublicKey<'issuer'>[],
  provider: Provider = nobleProvider,
): { readonly ok: true; readonly snapshot: Snapshot } | Denial {
  const reader = new ListReader(keys, provider);
  const entries: Revocation[] = [];
  for (const line of text.trimEnd().split('\n')) {
    const found = reader.unverified(line);
    if (found === null) break;
    for (const entry of found) entries.push(entry);
  }
  const read = reader.end();
  return read.ok
    ? { ok: true, snapshot: Object.freeze({ ...read.list, entries: Object.freeze(entries) }) }
    : read;
}

/** What an offline verifier has to keep between starts, so that a rollback is noticed after one too. */
export interface SeenSnapshot {
  readonly number: number;
  readonly time: number;
  readonly digest: string;
}

/** The local view of a verifier that is given lists by hand. `isRevoked` is all it shares with the online ones. */
export class SnapshotRevocations {
  readonly #issuer: string;
  readonly #keys: readonly PublicKey<'issuer'>[];
  readonly #maxAge: number;
  readonly #provider: Provider;
  #view = new RevocationView();
  #seen: SeenSnapshot | null;
  #loaded = false;

  /** `maxAge`: seconds after its time at which a list is stale. `seen`: what was kept from before. */
  constructor(options: {
    readonly issuer: string;
    readonly keys: readonly PublicKey<'issuer'>[];
    readonly maxAge: number;
    readonly seen?: SeenSnapshot;
    readonly provider?: Provider;
  }) {
    if (!(options.maxAge > 0)) throw new RangeError('maxAge: expected seconds above 0');
    this.#issuer = options.issuer;
    this.#keys = [...options.keys];
    this.#maxAge = options.maxAge;
    this.#provider = options.provider ?? nobleProvider;
    this.#seen = options.seen ?? null;
  }

  /** To be kept, in a place that is not rolled back together with the list. */
  get seen(): SeenSnapshot | null {
    return this.#seen;
  }

  /** Takes a list in: `revocations_stale` for a rollback, a fork, or a list from the future or too old. */
  load(text: string, now: number): { readonly ok: true; readonly snapshot: Snapshot } | Denial {
    checkNow(now);
    const read = readSnapshot(text, this.#keys, this.#provider);
    if (!read.ok) return read;
    const view = new RevocationView();
    view.take(read.snapshot.entries);
    return this.#accept(read.snapshot, view, now) ?? read;
  }

  /** The same, line by line: besides the entries no more than a line of it is held. */
  async loadLines(
    lines: AsyncIterable<string> | Iterable<string>,
    now: number,
  ): Promise<{ readonly ok: true; readonly list: ListEnd } | Denial> {
    checkNow(now);
    const reader = new ListReader(this.#keys, this.#provider);
    const view = new RevocationView();
    for await (const line of lines) {
      const entries = reader.unverified(line);
      if (entries === null) break;
      view.take(entries);
    }
    const read = reader.end();
    return read.ok ? (this.#accept(read.list, view, now) ?? read) : read;
  }

  // What was read counts from here on, unless it may not.
  #accept({ issuer, number, time, digest }: ListEnd, view: RevocationView, now: number): Denial | null {
    if (issuer !== this.#issuer) return deny('input_invalid', `a list of ${issuer}, not of ${this.#issuer}`);
    const seen = this.#seen;
    if (seen !== null) {
      if (number < seen.number || (number === seen.number && time < seen.time))
        return deny('revocations_stale', `rolled back from number ${seen.number} to ${number}`);
      if (number === seen.number && time === seen.time && digest !== seen.digest)
        return deny('revocations_stale', 'two lists of the same number and time');
    }
    if (time > now + 30) return deny('revocations_stale', 'a list from the future');
    if (time + this.#maxAge < now) return deny('revocations_stale', `${now - time} s old`);
    this.#view = view;
    this.#seen = Object.freeze({ number, time, digest });
    this.#loaded = true;
    return null;
  }

  /** As `Revocations.isRevoked`, at `now`. */
  isRevoked(subject: RevocationSubject, now: number): RevocationAnswer {
    const entry = this.#view.find(subject);
    if (entry !== null) return { ok: false, code: 'revoked', entry };
    if (!this.#loaded || this.#seen === null || this.#seen.time + this.#maxAge < now)
      return { ok: false, code: 'revocations_stale' };
    return { ok: true };
  }
}

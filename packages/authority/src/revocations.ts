// The revocation list of an issuer on its way to verifiers that are offline, and back into a store: in pieces, so that
// a list of any length takes little memory. What is imported was verified before the first entry is added.
import { nobleProvider, type Denial, type Provider, type PublicKey, type Signer } from '@ambit/core';
import {
  ListReader,
  OLD_PREFIX,
  importEntries,
  revocationPages,
  signedLines,
  type ListEnd,
  type SnapshotAbout,
  type Store,
} from '@ambit/state';
import { linesOf, withSpool, type Pieces } from './lines.ts';

/** The longest line of a list; a list of version 1 is one line, of about 100 bytes an entry. */
const LINE = 4 << 20;
const OLD_LINE = 1 << 28;
const longest = (start: string): number => (start.startsWith(OLD_PREFIX) ? OLD_LINE : LINE);

/** The signed list of an issuer, in pieces of whole lines. Rejects with AmbitError when the store fails. */
export async function* exportRevocations(
  store: Store,
  about: SnapshotAbout,
  by: Signer<'issuer'>,
): AsyncGenerator<string> {
  for await (const line of signedLines(revocationPages(store.revocations), about, by)) yield `${line}\n`;
}

/**
 * Adds what the store doesn't know; says how many. The list is read whole and verified first, into a file of its own,
 * so that nothing is added of one that is not the issuer's, was cut off or was changed: each is a denial.
 */
export function importRevocations(
  store: Store,
  list: Pieces,
  keys: readonly PublicKey<'issuer'>[],
  now: number,
  provider: Provider = nobleProvider,
): Promise<{ readonly ok: true; readonly added: number; readonly number: number } | Denial> {
  return withSpool(async (spool) => {
    const read = await pass(linesOf(list, longest), new ListReader(keys, provider), spool.keep);
    if (!read.ok) return read;
    let added = 0;
    const reader = new ListReader(keys, provider);
    for await (const line of linesOf(await spool.read(), longest))
      added += await importEntries(reader.unverified(line) ?? [], store.revocations, now);
    return { ok: true, added, number: read.list.number };
  });
}

/** Reads a list to its end, and keeps its lines. */
async function pass(
  lines: AsyncIterable<string>,
  reader: ListReader,
  keep: (line: string) => Promise<void>,
): Promise<{ readonly ok: true; readonly list: ListEnd } | Denial> {
  for await (const line of lines) {
    if (reader.unverified(line) === null) break;
    await keep(line);
  }
  return reader.end();
}

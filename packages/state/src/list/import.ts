// Entries of a verified list into a store: after a store was lost, or from another site. What the store has, by name
// and for at least as long, is not added again; it is asked by name, so that neither list is held.
import { AmbitError } from '@ambit/core';
import type { Revocation, Revocations, RevocationSubject } from '../revocations.ts';
import type { Snapshot } from '../snapshot.ts';

/** Entries that are added together: they share transactions, where one by one each would wait for the disk. */
const TOGETHER = 64;

/** Adds what the store doesn't know and what has not ended at `now`; returns how many. Rejects with AmbitError. */
export async function importEntries(
  entries: readonly Revocation[],
  revocations: Revocations,
  now: number,
): Promise<number> {
  let added = 0;
  for (let at = 0; at < entries.length; at += TOGETHER) {
    const some = entries.slice(at, at + TOGETHER).filter((entry) => (entry.expires ?? Infinity) > now);
    const known = await Promise.all(some.map((entry) => knows(revocations, entry)));
    const missing = some.filter((_, i) => !known[i]);
    await Promise.all(missing.map((entry) => revocations.add(entry, now)));
    added += missing.length;
  }
  return added;
}

/** The same with a list that was read whole. */
export const importSnapshot = (snapshot: Snapshot, revocations: Revocations, now: number): Promise<number> =>
  importEntries(snapshot.entries, revocations, now);

/** Whether a store revokes what an entry names for at least as long. */
async function knows(
  revocations: Revocations,
  { kind, issuer = '', value, expires = Infinity }: Revocation,
): Promise<boolean> {
  const nobody: RevocationSubject = { issuer, token: '', key: '', nodes: [], holders: [] };
  const listed = kind === 'node' ? 'nodes' : kind === 'holder' ? 'holders' : null;
  const subject = listed === null ? { ...nobody, [kind]: value } : { ...nobody, [listed]: [value] };
  const answer = await (revocations.ask?.(subject) ?? revocations.isRevoked(subject));
  if (answer.ok) return false;
  if (answer.code !== 'revoked') throw new AmbitError(answer.code);
  return (answer.entry.expires ?? Infinity) >= expires;
}

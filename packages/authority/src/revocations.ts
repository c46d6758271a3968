// The revocation list of an issuer on its way to verifiers that are offline, and back into a store.
import type { Denial, PublicKey, Signer } from '@ambit/core';
import { allRevocations, importSnapshot, readSnapshot, signSnapshot, type Store } from '@ambit/state';

/** The signed list of an issuer, as text. */
export async function exportRevocations(
  store: Store,
  about: { readonly issuer: string; readonly now: number; readonly number?: number },
  by: Signer<'issuer'>,
): Promise<string> {
  return signSnapshot(await allRevocations(store.revocations), about, by);
}

/** Adds what the store doesn't know; says how many. A list that is not the issuer's is a denial. */
export async function importRevocations(
  store: Store,
  text: string,
  keys: readonly PublicKey<'issuer'>[],
  now: number,
): Promise<{ readonly ok: true; readonly added: number; readonly number: number } | Denial> {
  const read = readSnapshot(text, keys);
  if (!read.ok) return read;
  const added = await importSnapshot(read.snapshot, store.revocations, now);
  return { ok: true, added, number: read.snapshot.number };
}

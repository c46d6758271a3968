// What `ambit revoke`, `revocations`, `session` and `budget` do; the command line only parses and prints.
import { listCounters, type AuthenticToken, type Budget, type PublicKey, type Signer } from '@ambit/core';
import { deny, type Denial } from '@ambit/core';
import type { Revocation, RevocationInput } from './revocations.ts';
import type { Session } from './sessions.ts';
import { allRevocations, importSnapshot, readSnapshot, signSnapshot } from './snapshot.ts';
import type { Store } from './store.ts';

/** What `ambit revoke KIND VALUE` names. A token, node or key may be given as it is printed by `inspect`. */
export async function revoke(store: Store, input: RevocationInput, now: number): Promise<Revocation> {
  return store.revocations.add(input, now);
}

/** `ambit revocations list`: oldest first. */
export const listRevocations = (store: Store): Promise<readonly Revocation[]> =>
  allRevocations(store.revocations);

/** `ambit revocations export`: the signed list of an issuer, as text. */
export async function exportRevocations(
  store: Store,
  about: { readonly issuer: string; readonly now: number; readonly number?: number },
  by: Signer<'issuer'>,
): Promise<string> {
  return signSnapshot(await allRevocations(store.revocations), about, by);
}

/** `ambit revocations import`: adds what the store doesn't know; says how many. */
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

/** `ambit session close`. */
export const closeSession = (
  store: Store,
  issuer: string,
  id: string,
  reason: string,
  now: number,
): Promise<Session> => store.sessions.close(issuer, id, reason, now);

/** `ambit session list`: newest first. */
export const listSessions = (store: Store): Promise<readonly Session[]> => store.sessions.list();

/** One line of `ambit budget`. */
export interface BudgetLine {
  /** Index of the caveat that imposes it; -1 for the grant. */
  readonly caveat: number;
  /** base64url of the holder's key under whom it stands; null for a bearer token. */
  readonly holder: string | null;
  /** What the delegator called that holder. */
  readonly label: string | null;
  readonly budget: Budget;
  readonly left: number;
  /** Unix seconds at which a window ends; null for a total. */
  readonly renewed: number | null;
}

/** `ambit budget TOKEN`: what is left of a token's own budgets and of all its ancestors', in the order of the chain. */
export async function budgetLines(
  store: Store,
  token: AuthenticToken,
  now: number,
): Promise<readonly BudgetLine[] | Denial> {
  const at = Math.floor(now);
  const { partitionKey: place, counters } = listCounters(token, at);
  if (token.view.expires <= at) return deny('expired');
  const left = await store.budgets.left(place, counters, at);
  return counters.map((counter, i) => {
    const node = token.view.chain.findLast((each) => each.caveat <= counter.caveat);
    return {
      caveat: counter.caveat,
      holder: node?.holder ?? null,
      label: node?.label ?? null,
      budget: counter.budget,
      left: left[i]!,
      renewed: counter.window === 0 ? null : counter.windowStart + counter.window,
    };
  });
}

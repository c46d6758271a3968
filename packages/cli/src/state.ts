// The home's state file: budgets, used proofs, revocations, sessions. SQLite, durable, safe for many processes.
import { AmbitError, deny, fromHex, toBase64url, type Denial, type TokenView } from '@ambit/core';
import { subjectOf, type SyncStore } from '@ambit/state';
import type { Cli } from './cli.ts';
import { Failure } from './failure.ts';
import type { Home } from './home.ts';

/** Opens the state, runs `job`, and closes it whatever happens. */
export async function withState<T>(
  cli: Cli,
  home: Home,
  job: (store: SyncStore) => Promise<T> | T,
): Promise<T> {
  const { openSqlite } = await import('@ambit/state/sqlite');
  const path = home.require().at('state.db');
  let store: SyncStore;
  try {
    store = openSqlite(path, { clock: () => cli.now });
  } catch (error) {
    if (!(error instanceof AmbitError)) throw error;
    throw new Failure(error.code, `${path}: ${error.message}`, undefined, { cause: error });
  }
  try {
    return await job(store);
  } finally {
    await store.close();
  }
}

/**
 * Whether the revocation list names the token's model by the digest's base64url, as the list and the identity
 * layers write it; the authorizer asks about everything else. A denial, or null.
 */
export function modelRevoked(store: SyncStore, view: TokenView): Denial | null {
  const digest = fromHex(view.model.digest);
  const answer = store.revocations.isRevoked({
    ...subjectOf(view),
    model: toBase64url(digest ?? new Uint8Array()),
  });
  if (answer.ok || answer.code !== 'revoked' || answer.entry.kind !== 'model') return null;
  return deny('model_revoked', answer.entry.reason === '' ? undefined : answer.entry.reason);
}

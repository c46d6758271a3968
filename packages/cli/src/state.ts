// The home's state file: budgets, used proofs, revocations, sessions. SQLite, durable, safe for many processes.
import { AmbitError } from '@ambit/core';
import type { SyncStore } from '@ambit/state';
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

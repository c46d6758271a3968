// The home's state file: budgets, used proofs, revocations, sessions. SQLite, durable, safe for many processes.
import { existsSync } from 'node:fs';
import { AmbitError } from '@ambit/core';
import type { SyncStore } from '@ambit/state';
import { Failure } from '../failure.ts';
import type { Home } from './home.ts';

const pathOf = (home: Home): string => home.at('state.db');

/** Makes the state of a new home. */
export async function beginState(home: Home): Promise<void> {
  const { openSqlite } = await import('@ambit/state/sqlite');
  await openSqlite(pathOf(home)).close();
}

/** Opens the state, runs `job`, and closes it in any case. */
export async function withState<T>(home: Home, job: (store: SyncStore) => Promise<T> | T): Promise<T> {
  const { openSqlite } = await import('@ambit/state/sqlite');
  const path = pathOf(home.require());
  // Made again it would be empty, and everything that was spent could be spent again.
  if (!existsSync(path)) {
    throw new Failure(
      'store_corrupt',
      `${path}: the state file is missing; without it, spent budgets and revocations are unknown`,
      'restore it from a backup, or make a new home',
    );
  }
  let store: SyncStore;
  try {
    store = openSqlite(path);
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

// The state of a home: budgets, used proofs, revocations, sessions. Where it is, is one setting: `--store`, else
// AMBIT_STORE, else `store` in home.json, else the home's own file (SQLite, durable, safe for many processes).
import { existsSync } from 'node:fs';
import { AmbitError } from '@ambit/core';
import type { Store } from '@ambit/state';
import { operatorOf, type StateOperator } from '@ambit/state/operator';
import { openStore } from '@ambit/state/open';
import { Failure } from '../failure.ts';
import type { Home } from './home.ts';

/** The file that a `file:` URL names, or null. */
const fileOf = (url: string): string | null =>
  url.startsWith('file:') ? decodeURIComponent(url.slice(5).replace(/^\/\/(?=\/)/, '')) : null;

/** An error of the state as the command line says it. */
function failureOf(url: string, error: unknown): unknown {
  if (!(error instanceof AmbitError) || error instanceof Failure) return error;
  const hint =
    error.code === 'store_corrupt'
      ? '`ambit state check` says what is wrong'
      : error.code === 'store_unavailable' && fileOf(url) === null
        ? 'see that the server runs and lets this user in'
        : error.code === 'file_exists' && fileOf(url) === null
          ? '`ambit state status` shows what is there'
          : undefined;
  return new Failure(error.code, error.message.replace(/^file:/, ''), hint, { cause: error });
}

/** Makes the state of a new home; a server that others have prepared is joined. */
export async function beginState(home: Home): Promise<void> {
  const url = home.storeUrl;
  try {
    await operatorOf(url).init();
  } catch (error) {
    // Left by an `init` that was cut short, or prepared for the fleet already.
    if (!(error instanceof AmbitError) || error.code !== 'file_exists') throw failureOf(url, error);
  }
}

/** Runs `job` on the operator of the home's state. */
export async function withOperator<T>(home: Home, job: (operator: StateOperator) => Promise<T>): Promise<T> {
  const url = home.require().storeUrl;
  try {
    return await job(operatorOf(url));
  } catch (error) {
    throw failureOf(url, error);
  }
}

/** Opens the state, runs `job`, and closes it in any case. */
export async function withState<T>(home: Home, job: (store: Store) => Promise<T> | T): Promise<T> {
  const url = home.require().storeUrl;
  const path = fileOf(url);
  // Made again it would be empty, and everything that was spent could be spent again.
  if (path !== null && !existsSync(path)) {
    throw new Failure(
      'store_corrupt',
      `${path}: the state file is missing; without it, spent budgets and revocations are unknown`,
      'restore it from a backup with `ambit state restore`, or make a new home',
    );
  }
  let store: Store;
  try {
    store = await openStore(url);
  } catch (error) {
    throw failureOf(url, error);
  }
  try {
    return await job(store);
  } finally {
    await store.close();
  }
}

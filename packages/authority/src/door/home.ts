// The issuer's home, in the form of `ambit init`: the keyring, the state with its sessions and revocations, the log. It
// is made when it is not there. What is made comes in its place before the marker `home.json`, so that a home that was
// cut short is made again; a part that is missing later is refused.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connectLog, homePaths, makeHome, openHome, type Draft } from '@ambit/audit';
import { homeMarker } from '@ambit/audit/marker';
import { AmbitError, SecretKey, type Keyring } from '@ambit/core';
import { FILE_MODE, replaceFileSync } from '@ambit/files';
import type { SyncStore } from '@ambit/state';
import { openSqlite } from '@ambit/state/sqlite';
import {
  changeKeyringFile,
  keyringFileText,
  keyringIn,
  newKeyringFile,
  readKeyringFile,
} from './keyring-file.ts';

/** An open home. */
export interface IssuerHome {
  readonly path: string;
  readonly keyring: Keyring;
  readonly store: SyncStore;
  /** Writes records; resolves when they are durable. */
  record(...drafts: readonly Draft[]): Promise<void>;
}

/** Other writers of the log are waited for. */
const LOCK_WAIT_MS = 60_000;

/** Whether there is a home. */
export const isHome = (path: string): boolean => existsSync(join(path, 'home.json'));

/** Opens the home of `issuer`, or makes it; `issuer` may be left out where the home has it. Rejects with AmbitError. */
export async function openIssuerHome(
  path: string,
  issuer: string | undefined,
  now: number,
): Promise<IssuerHome> {
  if (!isHome(path)) await make(path, issuer, now);
  const keyring = await keyringOf(path, issuer);
  const state = join(path, 'state.db');
  if (!existsSync(state))
    throw new AmbitError('store_corrupt', `${state}: the state file is missing; restore it from a backup.`);
  if (!existsSync(homePaths(path).key))
    throw new AmbitError(
      'audit_corrupt',
      `${homePaths(path).root}: the log is missing; restore it from a backup.`,
    );
  const store = openSqlite(state);
  return { path, keyring, store, record: (...drafts) => record(path, drafts) };
}

async function make(path: string, issuer: string | undefined, now: number): Promise<void> {
  if (issuer === undefined)
    throw new AmbitError(
      'input_invalid',
      `issuer: expected the name that tokens carry, for ${path} is a new home.`,
    );
  makeHome(path);
  const write = (name: string, text: string): void => replaceFileSync(join(path, name), text, FILE_MODE);
  write('keyring.json', keyringFileText(newKeyringFile(issuer)));
  write('session.key', `${SecretKey.generate('x25519').unsafeText()}\n`);
  await openSqlite(join(path, 'state.db')).close();
  await (await openHome(path, { checkpointInterval: 0, lockWait: LOCK_WAIT_MS })).close();
  write('home.json', homeMarker(new Date(now * 1000)));
}

async function keyringOf(path: string, issuer: string | undefined): Promise<Keyring> {
  let file = readKeyringFile(path);
  const named = file.issuer ?? issuer;
  if (named === undefined)
    throw new AmbitError('input_invalid', `issuer: expected a name; ${path} has none yet.`);
  if (file.issuer === null)
    file = await changeKeyringFile(path, (now) => (now.issuer === null ? { ...now, issuer: named } : now));
  if (issuer !== undefined && file.issuer !== issuer)
    throw new AmbitError('key_invalid', `The keyring in ${path} is ${file.issuer}'s, not ${issuer}'s.`);
  return keyringIn(file);
}

// A guard or `ambit audit serve` that holds the log takes records at its socket; otherwise it is opened for a moment.
async function record(path: string, drafts: readonly Draft[]): Promise<void> {
  const socket = join(homePaths(path).root, 'socket');
  if (existsSync(socket)) {
    const connection = connectLog(socket);
    try {
      for (const draft of drafts) await connection.record(draft);
      return;
    } catch (error) {
      // A writer that was killed leaves its socket: then the log is free, and opening it decides.
      if (!(error instanceof AmbitError) || error.code !== 'audit_unavailable') throw error;
    } finally {
      await connection.close();
    }
  }
  const options = { create: false, checkpointInterval: 0, lockWait: LOCK_WAIT_MS, by: 'authority' };
  const recorder = await openHome(path, options);
  try {
    for (const draft of drafts) await recorder.record(draft);
  } finally {
    await recorder.close();
  }
}

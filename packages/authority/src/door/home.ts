// The issuer's home, in the form of `ambit init`: the keyring, the state with its sessions and revocations, the log. It
// is made when it is not there. What is made comes in its place before the marker `home.json`, so that a home that was
// cut short is made again; a part that is missing later is refused.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectLog, homePaths, makeHome, openHome, type Draft } from '@ambit/audit';
import { AmbitError, Keyring, SecretKey, type KeyStatus } from '@ambit/core';
import { FILE_MODE, replaceFileSync } from '@ambit/files';
import type { SyncStore } from '@ambit/state';
import { openSqlite } from '@ambit/state/sqlite';

/** An open home. */
export interface IssuerHome {
  readonly path: string;
  readonly keyring: Keyring;
  readonly store: SyncStore;
  /** Writes records; resolves when they are durable. */
  record(...drafts: readonly Draft[]): Promise<void>;
}

interface KeyringFile {
  readonly v: 1;
  readonly issuer: string | null;
  readonly keys: readonly { readonly keyId: string; readonly status: KeyStatus; readonly root: string }[];
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
  const keyring = keyringOf(path, issuer);
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
  const json = (name: string, value: unknown): void =>
    replaceFileSync(join(path, name), `${JSON.stringify(value, null, 2)}\n`, FILE_MODE);
  const root = SecretKey.generate('root').unsafeText();
  json('keyring.json', {
    v: 1,
    issuer,
    keys: [{ keyId: 'k1', status: 'current', root }],
  } satisfies KeyringFile);
  replaceFileSync(join(path, 'session.key'), `${SecretKey.generate('x25519').unsafeText()}\n`, FILE_MODE);
  await openSqlite(join(path, 'state.db')).close();
  await (await openHome(path, { checkpointInterval: 0, lockWait: LOCK_WAIT_MS })).close();
  const created = new Date(now * 1000).toISOString();
  json('home.json', { v: 1, created, defaults: { external: true, data: ['public'] } });
}

function keyringOf(path: string, issuer: string | undefined): Keyring {
  let file: KeyringFile;
  try {
    file = JSON.parse(readFileSync(join(path, 'keyring.json'), 'utf8')) as KeyringFile;
  } catch {
    // JSON.parse quotes what it read; a keyring must not be quoted.
    throw new AmbitError('key_invalid', `${path}/keyring.json: is not a keyring; restore it from a backup.`);
  }
  const name = file.issuer ?? issuer;
  if (name === undefined)
    throw new AmbitError('input_invalid', `issuer: expected a name; ${path} has none yet.`);
  if (issuer !== undefined && name !== issuer)
    throw new AmbitError('key_invalid', `The keyring in ${path} is ${name}'s, not ${issuer}'s.`);
  if (file.issuer === null)
    replaceFileSync(
      join(path, 'keyring.json'),
      `${JSON.stringify({ ...file, issuer }, null, 2)}\n`,
      FILE_MODE,
    );
  const keys = file.keys.map((k) => ({ ...k, root: SecretKey.parse('root', k.root) }));
  return new Keyring(name, keys);
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

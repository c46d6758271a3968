// Where a service keeps things: one directory with the state file, the audit log and the key of proof sessions, made
// when it is not there. Made again it would forget what was spent and revoked, so a part that is missing later is
// refused. The directory may be the issuer's own (`ambit init`, `openAuthority`): then its sessions are known here,
// and whoever else writes to its log does so through the guard's socket (`ambit audit serve` has the same).
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { homePaths, makeHome, openHome, serveLog, type Recorder } from '@ambit/audit';
import { homeMarker } from '@ambit/audit/marker';
import { AmbitError, fromHex, SecretKey } from '@ambit/core';
import { textOf } from '@ambit/core/node';
import { FILE_MODE, replaceFileSync } from '@ambit/files';
import type { SyncStore } from '@ambit/state';
import { openSqlite } from '@ambit/state/sqlite';
import { quietly } from '../quietly.ts';

/** What a home gives to a guard. */
export interface GuardHome {
  readonly store: SyncStore;
  readonly recorder: Recorder;
  /** Proof sessions outlive this process: their key and their windows are kept. */
  readonly proofSessions: {
    readonly key: SecretKey<'x25519'>;
    readonly epoch: Uint8Array;
    readonly shared: true;
  };
  /** The issuer whose home this is; null for a home of the service's own. */
  readonly issuer: string | null;
  /** Closes the log, then the store. */
  close(): Promise<void>;
}

/**
 * Opens a home, or makes it. Rejects with AmbitError, and leaves nothing open. `notice` is told when another process has
 * it: a service that is replaced while it runs waits for the one before it, and not in silence.
 */
export async function openGuardHome(home: string, notice: (error: AmbitError) => void): Promise<GuardHome> {
  makeHome(home);
  const state = join(home, 'state.db');
  const session = join(home, 'session.key');
  const marker = join(home, 'home.json');
  const fresh = !existsSync(marker);
  if (!fresh && !existsSync(state))
    throw new AmbitError('store_corrupt', `${state}: the state file is missing; restore it from a backup.`);
  if (!fresh && !existsSync(homePaths(home).key))
    throw new AmbitError(
      'audit_corrupt',
      `${homePaths(home).root}: the log is missing; restore it from a backup.`,
    );
  const store = openSqlite(state);
  let log: Awaited<ReturnType<typeof openLog>> | null = null;
  try {
    log = await openLog(home, fresh, notice);
    if (fresh && !existsSync(session))
      replaceFileSync(session, `${SecretKey.generate('x25519').unsafeText()}\n`, FILE_MODE);
    // Last: a home that was cut short while it was made is made again. The command line reads its log by this file.
    if (fresh) replaceFileSync(marker, homeMarker(new Date()), FILE_MODE);
    const key = SecretKey.parse('x25519', textOf(session));
    const epoch = fromHex(await store.replay.epoch());
    if (epoch === null) throw new AmbitError('store_corrupt', `${state}: its epoch is damaged.`);
    const { recorder, close } = log;
    return {
      store,
      recorder,
      proofSessions: { key, epoch, shared: true },
      issuer: issuerOf(home),
      close: inTurn(close, () => store.close()),
    };
  } catch (error) {
    await log?.close();
    await store.close();
    throw error;
  }
}

/** The longest path of a socket; in a home below a longer one, the command line waits until the guard has closed. */
const SOCKET_PATH = 100;

async function openLog(
  home: string,
  create: boolean,
  notice: (error: AmbitError) => void,
): Promise<{ readonly recorder: Recorder; readonly close: () => Promise<void> }> {
  const onLockWait = (holder: string): void => {
    const note = new AmbitError('audit_unavailable', `Waiting for ${holder}, which has the log in ${home}.`);
    // Nobody else can be told of a notice that fails.
    quietly(
      () => notice(note),
      () => undefined,
    );
  };
  const recorder = await openHome(home, { create, by: 'guard', origin: `${hostname()}/ambit`, onLockWait });
  try {
    // For those who share the home: the log has one writer, and this is it.
    const path = join(homePaths(home).root, 'socket');
    const sockets = path.length > SOCKET_PATH ? [] : [{ path, by: 'cli' }];
    const server = await serveLog({ recorder, sockets });
    return {
      recorder,
      close: inTurn(
        () => server.close(),
        () => recorder.close(),
      ),
    };
  } catch (error) {
    await recorder.close();
    throw error;
  }
}

// One after the other, the second whatever becomes of the first.
const inTurn = (first: () => Promise<void>, second: () => Promise<void>) => async (): Promise<void> => {
  try {
    await first();
  } finally {
    await second();
  }
};

// Nothing but the name is taken: a service has no use for root keys.
function issuerOf(home: string): string | null {
  const path = join(home, 'keyring.json');
  if (!existsSync(path)) return null;
  const issuer: unknown = (JSON.parse(readFileSync(path, 'utf8')) as { readonly issuer?: unknown }).issuer;
  return typeof issuer === 'string' ? issuer : null;
}

// What an operator does to a state file: look at it, copy it, put a copy back, bring it to this version. SQLite does all
// of it on connections of its own, so that no lock of a running verifier is dropped.
import { chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { AmbitError, randomBytes, toHex } from '@ambit/core';
import { GRACE } from '../budgets.ts';
import { Connection, faultOf } from './binding.ts';
import { SCHEMA_VERSION } from './schema.ts';

/** Proofs live no longer than this many seconds, unless a longer one was seen. */
const PROOF_LIFE = 120;

/** Runs `job` on a connection of its own. AmbitError: `file_missing`, or a store code. */
function onFile<T>(path: string, job: (db: Connection) => T): T {
  if (!existsSync(path)) throw new AmbitError('file_missing', `${path}: no state file here.`);
  let db: Connection | null = null;
  try {
    db = new Connection(path);
    db.exec('pragma busy_timeout = 5000');
    return job(db);
  } catch (error) {
    throw error instanceof AmbitError ? error : new AmbitError(faultOf(error), undefined, { cause: error });
  } finally {
    db?.close();
  }
}

const meta = (db: Connection, key: string): string | undefined => {
  if (db.value("select count(*) from sqlite_master where name = 'meta'") === 0) return undefined;
  const value = db.value('select value from meta where key = ?', key);
  return value === undefined ? undefined : String(value);
};

const put = (db: Connection, key: string, value: string): void => {
  db.prepare('insert into meta values (?, ?) on conflict(key) do update set value = excluded.value').run(
    key,
    value,
  );
};

/** In one transaction, with the lock that writers need. */
function alone<T>(db: Connection, job: () => T): T {
  db.exec('begin immediate');
  try {
    const value = job();
    db.exec('commit');
    return value;
  } catch (error) {
    if (db.inTransaction) db.exec('rollback');
    throw error;
  }
}

/** The version of a file's tables and up to when it was swept, Unix seconds. */
export const fileStatus = (path: string): { readonly version: number; readonly swept: number } =>
  onFile(path, (db) => ({
    version: Number(meta(db, 'version') ?? 0),
    swept: Number(meta(db, 'swept') ?? 0),
  }));

/** What is wrong with a file, a sentence each; empty when nothing is. `now` is Unix seconds. */
export function checkFile(path: string, now: number): readonly string[] {
  try {
    return onFile(path, (db) => findings(db, path, now));
  } catch (error) {
    if (error instanceof AmbitError && error.code === 'store_corrupt') return ['The file is damaged.'];
    throw error;
  }
}

function findings(db: Connection, path: string, now: number): readonly string[] {
  const found: string[] = [];
  const pages = (db.prepare('pragma integrity_check(20)').all() as [string][]).map(([line]) => line);
  if (pages[0] !== 'ok') found.push(`The file is damaged: ${pages.join('; ').slice(0, 300)}.`);
  const version = Number(meta(db, 'version') ?? 0);
  if (version !== SCHEMA_VERSION)
    found.push(`The file is of version ${version}, this Ambit's is ${SCHEMA_VERSION}: migrate it.`);
  if (statSync(path).nlink > 1) found.push('The file has a second name (a hard link): remove it.');
  const swept = Number(meta(db, 'swept') ?? 0);
  if (swept > now)
    found.push(`Rows were dropped by a clock that was ${swept - now} s ahead of this one: repair it.`);
  return found;
}

/** Writes a consistent copy, log included, while verifiers run. AmbitError `file_exists`. */
export function backupFile(path: string, to: string): void {
  if (existsSync(to)) throw new AmbitError('file_exists', `${to}: exists and is not overwritten.`);
  onFile(path, (db) => db.prepare('vacuum into ?').run(to));
  chmodSync(to, 0o600);
}

/** A new epoch, in which nothing of before counts that its claims may be missing for. */
function beginEpoch(db: Connection, now: number): void {
  const longest = Number(db.value('select coalesce(max(expires), 0) from nonces') ?? 0);
  put(db, 'epoch', toHex(randomBytes(16)));
  put(db, 'floor', String(Math.max(now + PROOF_LIFE, longest)));
}

/**
 * Puts a copy in the place of a file that is gone or damaged, which is kept beside it under another name. AmbitError
 * `file_exists` for a sound one. What was spent, revoked and used since the copy is forgotten, so revoke what must
 * not be spent twice. Proofs of before are refused until they have ended, and session tickets with them. Stop the
 * verifiers first: one that has the old file open denies from then on.
 */
export function restoreFile(from: string, path: string, now: number): void {
  const wrong = checkFile(from, now).filter((line) => !line.includes('version'));
  if (wrong.length > 0) throw new AmbitError('store_corrupt', `${from}: ${wrong[0]!}`);
  if (existsSync(path) && isSound(path, now))
    throw new AmbitError(
      'file_exists',
      `${path}: is sound, and a copy would forget what was spent since. Move it away if that is meant.`,
    );
  const fresh = `${path}.restoring`;
  rmSync(fresh, { force: true });
  backupFile(from, fresh);
  migrateFile(fresh);
  onFile(fresh, (db) => alone(db, () => beginEpoch(db, now)));
  chmodSync(fresh, 0o600);
  for (const part of ['-wal', '-shm', ''])
    if (existsSync(path + part)) renameSync(path + part, `${path}.damaged-${now}${part}`);
  renameSync(fresh, path);
}

const isSound = (path: string, now: number): boolean =>
  !checkFile(path, now).some((line) => line.includes('damaged'));

/** Begins a new epoch on the state as it is. */
export const resetFile = (path: string, now: number): void =>
  onFile(path, (db) => alone(db, () => beginEpoch(db, now)));

/**
 * Mends a file that was swept by a clock ahead of this one: what it dropped is gone, and counts as unspent; from
 * here on rows are taken again. Says whether there was anything to mend.
 */
export const repairFile = (path: string, now: number): boolean =>
  onFile(path, (db) =>
    alone(db, () => {
      if (Number(meta(db, 'swept') ?? 0) <= now) return false;
      put(db, 'swept', String(now - GRACE));
      beginEpoch(db, now);
      return true;
    }),
  );

/** Brings a file's tables to this version, in one step. Says from which. */
export const migrateFile = (path: string): number =>
  onFile(path, (db) =>
    alone(db, () => {
      const version = Number(meta(db, 'version') ?? 0);
      if (version < 1 || version > SCHEMA_VERSION)
        throw new AmbitError(
          'store_corrupt',
          `The file is of version ${version}, which this Ambit can't read.`,
        );
      const columns = (
        db.prepare('select name from pragma_table_info(?)').all('sessions') as [string][]
      ).flat();
      // Version 1 noted when a session was last used, which nobody asked for.
      if (columns.includes('touched')) db.exec('alter table sessions drop column touched');
      put(db, 'version', String(SCHEMA_VERSION));
      return version;
    }),
  );

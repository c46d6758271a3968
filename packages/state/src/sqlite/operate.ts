// What an operator does to a state file: look at it, copy it, put a copy back, bring it to this version, accept it as it
// is. SQLite does all of it on connections of its own, so that no lock of a running verifier is dropped.
import { chmodSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { AmbitError, randomBytes, toHex } from '@ambit/core';
import { sweptTo } from '../clock.ts';
import { faultError } from '../faults.ts';
import { Connection, faultOf, type Value } from './binding.ts';
import { Meta } from './meta.ts';
import { migrateTables } from './migrate.ts';
import { COLUMNS, SCHEMA_VERSION, type Table } from './schema.ts';
import { checked } from './sums.ts';

/** Runs `job` on a connection of its own. AmbitError: `file_missing`, or a store code. */
function onFile<T>(path: string, job: (db: Connection) => T): T {
  if (!existsSync(path)) throw new AmbitError('file_missing', `${path}: no state file here.`);
  let db: Connection | null = null;
  try {
    db = new Connection(path);
    db.exec('pragma busy_timeout = 5000');
    return job(db);
  } catch (error) {
    throw faultError(error, faultOf);
  } finally {
    db?.close();
  }
}

const versionOf = (db: Connection): number => {
  if (db.value("select count(*) from sqlite_master where name = 'meta'") === 0) return 0;
  return Number(db.value("select value from meta where key = 'version'") ?? 0);
};

/** The facts of a file of this version. */
function metaOf(db: Connection): Meta {
  if (versionOf(db) !== SCHEMA_VERSION)
    throw new AmbitError('store_corrupt', 'The file is of another version: migrate it first.');
  const meta = new Meta(db);
  meta.begin();
  return meta;
}

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
  onFile(path, (db) => {
    const version = versionOf(db);
    return { version, swept: version === SCHEMA_VERSION ? sweptTo(metaOf(db).horizon) : 0 };
  });

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
  const version = versionOf(db);
  if (version !== SCHEMA_VERSION)
    found.push(`The file is of version ${version}, this Ambit's is ${SCHEMA_VERSION}: migrate it.`);
  if (statSync(path).nlink > 1) found.push('The file has a second name (a hard link): remove it.');
  if (version !== SCHEMA_VERSION) return found;
  const ahead = sweptTo(metaOf(db).horizon) - now;
  if (ahead > 0) found.push(`Rows were dropped by a clock that was ${ahead} s ahead of this one: repair it.`);
  for (const table of Object.keys(COLUMNS) as Table[]) {
    const rows = db.prepare(`select ${COLUMNS[table].join(', ')}, sum from ${table}`).all() as Value[][];
    const rotted = rows.filter((row) => !isSound(row)).length;
    if (rotted > 0) found.push(`${rotted} rows of ${table} are damaged: their sum is wrong.`);
  }
  return found;
}

function isSound(row: readonly Value[]): boolean {
  try {
    checked(row);
    return true;
  } catch {
    return false;
  }
}

/** Writes a consistent copy, log included, while verifiers run. AmbitError `file_exists`. */
export function backupFile(path: string, to: string): void {
  if (existsSync(to)) throw new AmbitError('file_exists', `${to}: exists and is not overwritten.`);
  onFile(path, (db) => db.prepare('vacuum into ?').run(to));
  chmodSync(to, 0o600);
}

/** A new epoch, in which nothing of before counts that its claims may be missing for. */
const beginEpoch = (meta: Meta, now: number): void => {
  meta.keep({ time: Math.min(meta.horizon.time, now), leap: 0 });
  meta.reset(toHex(randomBytes(16)), now);
};

/**
 * Puts a copy in the place of a file that is gone or damaged, which is kept beside it under another name. AmbitError
 * `file_exists` for a sound one. What was spent, revoked and used since the copy is forgotten, so revoke what must
 * not be spent twice. Proofs of before are refused until they have ended, and session tickets with them. Stop the
 * verifiers first: one that has the old file open denies from then on.
 */
export function restoreFile(from: string, path: string, now: number): void {
  const wrong = checkFile(from, now).filter((line) => !line.includes('version'));
  if (wrong.length > 0) throw new AmbitError('store_corrupt', `${from}: ${wrong[0]!}`);
  if (existsSync(path) && !checkFile(path, now).some((line) => line.includes('damaged')))
    throw new AmbitError(
      'file_exists',
      `${path}: is sound, and a copy would forget what was spent since. Move it away if that is meant.`,
    );
  const fresh = `${path}.restoring`;
  rmSync(fresh, { force: true });
  backupFile(from, fresh);
  migrateFile(fresh);
  resetFile(fresh, now);
  chmodSync(fresh, 0o600);
  for (const part of ['-wal', '-shm', ''])
    if (existsSync(path + part)) renameSync(path + part, `${path}.damaged-${now}${part}`);
  renameSync(fresh, path);
}

/**
 * Begins a new epoch on the state as it is: what is not there counts as unspent, so revoke what must not be spent
 * twice first. Session tickets end, reservations from before are not given back, and proofs that
 * may have been used before are refused.
 */
export const resetFile = (path: string, now: number): void =>
  onFile(path, (db) => alone(db, () => beginEpoch(metaOf(db), now)));

/**
 * Mends a file that was swept by a clock ahead of this one: what it dropped is gone, and counts as unspent; from
 * here on rows are taken again. Says whether there was anything to mend.
 */
export const repairFile = (path: string, now: number): boolean =>
  onFile(path, (db) =>
    alone(db, () => {
      const meta = metaOf(db);
      if (sweptTo(meta.horizon) <= now && meta.horizon.leap === 0) return false;
      beginEpoch(meta, now);
      return true;
    }),
  );

/** Brings a file's tables to this version, in one step. Says from which. No verifier may have it open. */
export const migrateFile = (path: string): number =>
  onFile(path, (db) =>
    alone(db, () => {
      const version = versionOf(db);
      if (version < 1 || version > SCHEMA_VERSION)
        throw new AmbitError(
          'store_corrupt',
          `The file is of version ${version}, which this Ambit can't read.`,
        );
      if (version < SCHEMA_VERSION) migrateTables(db);
      return version;
    }),
  );

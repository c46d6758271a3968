// What an operator does to a state file, on the file itself: it is looked at, copied, put back, reset, repaired and
// brought to this version; and what is no state file is told from one that is damaged.
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GRACE } from '../src/budgets.ts';
import { openSqlite } from '../src/sqlite.ts';
import { Connection } from '../src/sqlite/binding.ts';
import {
  backupFile,
  checkFile,
  fileStatus,
  migrateFile,
  repairFile,
  resetFile,
  restoreFile,
} from '../src/sqlite/operate.ts';
import { SCHEMA_VERSION } from '../src/sqlite/schema.ts';
import { NOW, charges, claim, counter, proofClaim } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const raised = (code: string): unknown => expect.objectContaining({ name: 'AmbitError', code });
const nowSeconds = (): number => NOW;

function change(file: string, sql: string): void {
  const db = new Connection(file);
  db.exec(sql);
  db.close();
}
const value = (file: string, sql: string): unknown => {
  const db = new Connection(file);
  const found = db.value(sql);
  db.close();
  return found;
};
const epochOf = (file: string): unknown => value(file, "select value from meta where key = 'epoch'");
const put = (file: string, key: string, text: string | number): void =>
  change(file, `insert or replace into meta values ('${key}', '${text}')`);
/** Files beside it, by what their names add to its own. */
const beside = (file: string): string[] =>
  readdirSync(dirname(file))
    .filter((name) => name.startsWith(basename(file)))
    .map((name) => name.slice(basename(file).length))
    .toSorted();

/** A file in which 4 of 10 are spent. */
async function used(): Promise<string> {
  const file = path();
  const store = openSqlite(file, { nowSeconds });
  const c = charges([counter('c', 4, 10)], { once: [claim('o')], replay: proofClaim('n', NOW + 90) });
  expect((await store.budgets.reserve(c, NOW)).ok).toBe(true);
  await store.close();
  return file;
}
async function left(file: string): Promise<number> {
  const store = openSqlite(file, { nowSeconds });
  const [n] = await store.budgets.left('', [counter('c', 0, 10)], NOW);
  await store.close();
  return n!;
}
/** A row that nobody's sum fits. */
const rot = (file: string): void => change(file, 'update counters set used = 0');

describe('a look', () => {
  test('at a file that is not there says so, and makes none', () => {
    const file = path();
    for (const look of [() => fileStatus(file), () => checkFile(file, NOW), () => resetFile(file, NOW)])
      expect(look).toThrow(raised('file_missing'));
    expect(existsSync(file)).toBe(false);
  });

  test('at a file of this version tells its version and up to when it was swept, and leaves nothing open', async () => {
    const file = await used();
    expect(fileStatus(file)).toEqual({ version: SCHEMA_VERSION, swept: NOW - GRACE });
    expect(checkFile(file, NOW)).toEqual([]);
    // The log of a connection that is not closed would stay.
    expect(beside(file)).toEqual(['']);
  });

  test('at an empty file, or one of another version, tells that alone', async () => {
    const empty = path();
    writeFileSync(empty, '');
    expect(fileStatus(empty)).toEqual({ version: 0, swept: 0 });
    expect(checkFile(empty, NOW)).toEqual([expect.stringContaining('of version 0')]);
    const other = await used();
    rot(other);
    put(other, 'version', 9);
    expect(fileStatus(other)).toEqual({ version: 9, swept: 0 });
    expect(checkFile(other, NOW)).toEqual([expect.stringContaining('of version 9')]);
    for (const job of [() => resetFile(other, NOW), () => repairFile(other, NOW)])
      expect(job).toThrow(raised('store_corrupt'));
    change(other, "delete from meta where key = 'version'");
    expect(fileStatus(other)).toEqual({ version: 0, swept: 0 });
  });

  test('at what is no database says that it is damaged; at what cannot be opened, that it is out of reach', () => {
    const text = path();
    writeFileSync(text, 'This is not a database. '.repeat(1000));
    expect(checkFile(text, NOW)).toEqual(['The file is damaged.']);
    expect(() => fileStatus(text)).toThrow(raised('store_corrupt'));
    const folder = path();
    mkdirSync(folder);
    expect(() => checkFile(folder, NOW)).toThrow(raised('store_unavailable'));
  });

  test('at damaged pages says what SQLite finds, within bounds', async () => {
    const file = path();
    const store = openSqlite(file, { nowSeconds });
    for (let i = 0; i < 40; i++)
      await store.budgets.reserve(charges([counter(`c${i}`, 1, 10)], { once: [claim(`o${i}`)] }), NOW);
    await store.close();
    // An index whose entries are those of another table's.
    const root = (index: string): number =>
      4096 * (Number(value(file, `select rootpage from sqlite_master where name = '${index}'`)) - 1);
    const bytes = readFileSync(file);
    bytes.copyWithin(root('counters_expires'), root('claims_expires'), root('claims_expires') + 4096);
    writeFileSync(file, bytes);
    const [damaged] = checkFile(file, NOW);
    expect(damaged).toMatch(/^The file is damaged: .*; /);
    expect(damaged!.length).toBeLessThanOrEqual('The file is damaged: .'.length + 300);
  });

  test('finds a second name, rotted rows of each table, and rows that were dropped ahead of the clock', async () => {
    const file = await used();
    put(file, 'time', NOW + GRACE);
    expect(checkFile(file, NOW)).toEqual([]);
    put(file, 'time', NOW + GRACE + 1);
    rot(file);
    change(file, 'update claims set expires = expires + 1');
    linkSync(file, `${file}.link`);
    expect(checkFile(file, NOW)).toEqual([
      expect.stringContaining('a hard link'),
      expect.stringContaining('was 1 s ahead'),
      expect.stringContaining('1 rows of counters are damaged'),
      expect.stringContaining('1 rows of claims are damaged'),
    ]);
  });
});

describe('a reset and a repair', () => {
  test('a reset begins another epoch, by a clock that is no later than now', async () => {
    const file = await used();
    put(file, 'time', NOW + 5);
    put(file, 'leap', NOW + 90_000);
    const before = epochOf(file);
    resetFile(file, NOW);
    expect(epochOf(file)).toMatch(/^[0-9a-f]{32}$/);
    expect(epochOf(file)).not.toBe(before);
    const meta = (key: string): unknown => value(file, `select value from meta where key = '${key}'`);
    expect([meta('time'), meta('leap'), meta('began')]).toEqual([String(NOW), '0', String(NOW)]);
    resetFile(file, NOW + 7);
    expect([meta('time'), meta('began')]).toEqual([String(NOW), String(NOW + 7)]);
    expect(await left(file)).toBe(6);
  });

  test.each([
    ['swept up to now', { time: NOW + GRACE }, false],
    ['swept a second ahead', { time: NOW + GRACE + 1 }, true],
    ['a leap that is not believed yet', { time: NOW, leap: NOW + 90_000 }, true],
  ])('what there is to repair: %s', async (_, facts, mended) => {
    const file = await used();
    for (const [key, seconds] of Object.entries(facts)) put(file, key, seconds);
    const before = epochOf(file);
    expect(repairFile(file, NOW)).toBe(mended);
    expect(epochOf(file) === before).toBe(!mended);
    expect(repairFile(file, NOW)).toBe(false);
  });
});

describe('a migration', () => {
  test('of what has no version, or one of a later Ambit, is refused and changes nothing', async () => {
    const file = await used();
    for (const version of [SCHEMA_VERSION + 1, 0, -1]) {
      put(file, 'version', version);
      expect(() => migrateFile(file)).toThrow(raised('store_corrupt'));
      expect(fileStatus(file).version).toBe(version);
    }
    put(file, 'version', SCHEMA_VERSION);
    expect(await left(file)).toBe(6);
  });

  test('of a file of this version is none: a row that rotted gets no sum that fits', async () => {
    const file = await used();
    rot(file);
    expect(migrateFile(file)).toBe(SCHEMA_VERSION);
    expect(checkFile(file, NOW)).toEqual([expect.stringContaining('1 rows of counters')]);
  });
});

describe('a copy that is put back', () => {
  const copyOf = (file: string): string => {
    const copy = path();
    backupFile(file, copy);
    return copy;
  };

  test('in the place of a file that is gone: it has what it had, under another epoch, for its owner alone', async () => {
    const file = await used();
    const copy = copyOf(file);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(() => backupFile(file, copy)).toThrow(raised('file_exists'));
    chmodSync(copy, 0o644);
    rmSync(file);
    // What an attempt before has left.
    writeFileSync(`${file}.restoring`, 'half');
    restoreFile(copy, file, NOW);
    expect(beside(file)).toEqual(['']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(epochOf(file)).not.toBe(epochOf(copy));
    expect(await left(file)).toBe(6);
    const store = openSqlite(file, { nowSeconds });
    const proof = { replay: proofClaim('n', NOW + 90) };
    expect(await store.budgets.reserve(charges([], proof), NOW)).toMatchObject({ code: 'store_unavailable' });
    await store.close();
  });

  test('is refused in the place of one that is sound, and from one that is not', async () => {
    const file = await used();
    const copy = copyOf(file);
    expect(() => restoreFile(copy, file, NOW)).toThrow(raised('file_exists'));
    rot(copy);
    rmSync(file);
    expect(() => restoreFile(copy, file, NOW)).toThrow(raised('store_corrupt'));
    expect(existsSync(file)).toBe(false);
    // One that was swept ahead is not damaged, and keeps its place.
    const ahead = await used();
    put(ahead, 'time', NOW + 1000);
    const another = copyOf(await used());
    expect(() => restoreFile(another, ahead, NOW)).toThrow(raised('file_exists'));
  });

  test('in the place of a damaged one, which is kept beside it with the log that a verifier has open', async () => {
    const file = await used();
    const copy = copyOf(file);
    const verifier = openSqlite(file, { nowSeconds });
    await verifier.budgets.reserve(charges([counter('d', 1, 10)]), NOW);
    rot(file);
    restoreFile(copy, file, NOW);
    expect(await left(file)).toBe(6);
    const kept = ['', '-shm', '-wal'].map((part) => `.damaged-${NOW}${part}`);
    expect(beside(file)).toEqual(['', ...kept]);
    const answer = await verifier.budgets.reserve(charges([counter('d', 1, 10)]), NOW);
    expect(answer).toMatchObject({ code: 'store_corrupt' });
    await verifier.close();
    const text = path();
    writeFileSync(text, 'This is no database. '.repeat(1000));
    restoreFile(copy, text, NOW);
    expect(await left(text)).toBe(6);
    expect(readFileSync(`${text}.damaged-${NOW}`, 'utf8')).toContain('no database');
  });

  test('of an earlier version is brought to this one', async () => {
    const file = await used();
    const copy = copyOf(file);
    rmSync(file);
    change(copy, 'drop index counters_root; alter table counters drop column steps');
    put(copy, 'version', 3);
    restoreFile(copy, file, NOW);
    expect(fileStatus(file).version).toBe(SCHEMA_VERSION);
    expect(fileStatus(copy).version).toBe(3);
    expect(await left(file)).toBe(6);
    // Only lists that are read by number count their rows.
    expect(value(file, "select group_concat(name, ' ' order by name) from sqlite_sequence")).toBe(
      'nonces revocations',
    );
  });
});

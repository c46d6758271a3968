// From the tables of versions 1 to 3 to those of version 4, inside one transaction: rows get sums, tables get the
// columns and indexes of today, and the facts about the file their names of today.
import { GRACE } from '../budgets.ts';
import type { Connection, Value } from './binding.ts';
import { Meta } from './meta.ts';
import { COLUMNS, KEYS, SCHEMA, SCHEMA_VERSION, type Table } from './schema.ts';
import { sumOf } from './sums.ts';

/** Seconds a proof lived at most when a file of version 2 wrote until when older ones are refused. */
const PROOF_LIFE = 120;

export function migrateTables(db: Connection): void {
  const indexes = db
    .prepare("select name from sqlite_master where type = 'index' and sql is not null")
    .all() as [string][];
  for (const [name] of indexes) db.exec(`drop index ${name}`);
  const tables = Object.keys(COLUMNS) as Table[];
  for (const table of tables) db.exec(`alter table ${table} rename to old_${table}`);
  db.exec(SCHEMA);
  for (const table of tables) copyTable(db, table);
  const number = (key: string): number => Number(db.value('select value from meta where key = ?', key) ?? 0);
  const meta = new Meta(db);
  meta.begin();
  if (number('swept') > 0) meta.keep({ time: number('swept') + GRACE, leap: 0 });
  if (number('floor') > 0) meta.reset(meta.era, Math.max(1, number('floor') - PROOF_LIFE));
  db.exec("delete from meta where key in ('swept', 'floor')");
  db.prepare("update meta set value = ? where key = 'version'").run(String(SCHEMA_VERSION));
}

function copyTable(db: Connection, table: Table): void {
  // Keys that are numbers are cursors, so they stay.
  const numbered = KEYS[table] === 'seq' ? ['seq'] : [];
  const columns = [...numbered, ...COLUMNS[table]];
  const put = db.prepare(
    `insert into ${table}(${columns.join(', ')}, sum) values (${columns.map(() => '?').join(', ')}, ?)`,
  );
  const had = db.prepare(`select name from pragma_table_info('old_${table}')`).all() as [string][];
  const old = columns.map((c) => (had.some(([name]) => name === c) ? c : 'null'));
  const rows = db.prepare(`select ${old.join(', ')} from old_${table}`).all() as Value[][];
  for (const row of rows) put.run(...row, sumOf(row.slice(numbered.length)));
  if (numbered.length > 0) {
    const last = db.value('select seq from sqlite_sequence where name = ?', `old_${table}`) ?? 0;
    db.prepare('delete from sqlite_sequence where name = ?').run(table);
    db.prepare('insert into sqlite_sequence(name, seq) values (?, ?)').run(table, last);
  }
  db.exec(`drop table old_${table}`);
}

// What an operator does to a PostgreSQL deployment: prepare it once, decide after state may have been lost.
import { AmbitError, randomBytes, toHex } from '@ambit/core';
import { faultError } from '../faults.ts';
import { Connection, Lost, Unreachable, faultOf } from './connection.ts';
import { applyFunction, rowsFunction } from './apply-sql.ts';
import type { PostgresPlace } from './options.ts';
import { CALLABLE, registryFunctions } from './registry-sql.ts';
import { NAMES, RESET_LOCK, SCHEMA_VERSION, checkSchema, tables } from './schema.ts';
import { slidingFunctions } from './sliding-sql.ts';

/** Options of `initializePostgres`, `migratePostgres` and `resetPostgres`. */
export interface OperatePostgres extends PostgresPlace {
  /**
   * What a later timeline of the server means, which is what a promoted standby or a restored backup has.
   * `denied` (default): nothing is granted until `resetPostgres`. `synchronous`: it is believed, because every
   * transaction waits for a standby, and promotion takes the most advanced one; the server must name
   * `synchronous_standby_names` at all times, or it denies.
   */
  readonly failover?: 'denied' | 'synchronous';
  /**
   * For a reset: milliseconds to wait, denying everything, between the old life and the new, so that nobody spends
   * from a slice of the old one. Default 6000; more than the `staleAfter` of every verifier.
   */
  readonly quiet?: number;
  /** The role of the verifiers, which may then call the functions and nothing else. */
  readonly grantTo?: string;
}

/** Milliseconds for one statement of an operator. */
const TIMEOUT = 20_000;
/** As for Redis: a little more than the age at which a list denies. */
const QUIET = 6000;

/** Runs `job` on the first host that takes writes. AmbitError with a store code, or what `job` rejects with. */
async function onPrimary<T>(options: PostgresPlace, job: (connection: Connection) => Promise<T>): Promise<T> {
  let failed: unknown = new Unreachable('no hosts');
  for (const host of options.hosts) {
    let connection: Connection | null = null;
    try {
      connection = await Connection.open(options, host, TIMEOUT / 4);
      const [row] = await connection.query(
        { text: 'select pg_is_in_recovery() as standby', values: [] },
        TIMEOUT,
      );
      if (row?.['standby'] !== false) throw new Unreachable('a standby');
      return await job(connection);
    } catch (error) {
      if (error instanceof AmbitError) throw error;
      failed = error;
    } finally {
      await connection?.close();
    }
  }
  throw faultError(failed, faultOf);
}

/** A quoted name. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The statements that put the functions of this version in place. */
const functions = (schema: string, roles: readonly string[]): string =>
  `${slidingFunctions(schema)}${applyFunction(schema)}${rowsFunction(schema)}${registryFunctions(schema)}
revoke all on all functions in schema ${schema} from public;
${roles
  .map(
    (role) => `grant usage on schema ${schema} to ${quoted(role)};
${CALLABLE.map((name) => `grant execute on function ${name} to ${quoted(role)};`).join('\n')}`,
  )
  .join('\n')}`;

const listed = (grantTo: string | undefined): readonly string[] => (grantTo === undefined ? [] : [grantTo]);

/** The roles that may call the functions that are there. */
async function callers(connection: Connection, schema: string): Promise<readonly string[]> {
  const text = `select distinct r.rolname as role from pg_proc p, aclexplode(p.proacl) a, pg_roles r
    where p.pronamespace = $1::regnamespace and r.oid = a.grantee and a.grantee <> p.proowner`;
  const rows = await connection.query({ text, values: [schema] }, TIMEOUT);
  return rows.map((row) => String(row['role']));
}

/** Drops every function: one of another version may have the name and other columns. */
const drop = (schema: string): string => `
do $$ declare f regprocedure;
begin
  for f in select oid::regprocedure from pg_proc where pronamespace = '${schema}'::regnamespace loop
    execute 'drop function ' || f;
  end loop;
end $$;`;

const transaction = async (connection: Connection, text: string): Promise<void> => {
  await connection.query({ text: `begin;\n${text}\ncommit;`, values: [] }, TIMEOUT);
};

/**
 * Prepares a schema. AmbitError `file_exists` when it was done before. Needs a role that may create one; returns
 * the epoch.
 */
export async function initializePostgres(options: OperatePostgres): Promise<string> {
  const schema = checkSchema(options.schema ?? 'ambit');
  const epoch = toHex(randomBytes(16));
  await onPrimary(options, async (connection) => {
    const there = await connection.query(
      { text: 'select to_regclass($1) is not null as there', values: [`${schema}.meta`] },
      TIMEOUT,
    );
    if (there[0]?.['there'] === true)
      throw new AmbitError(
        'file_exists',
        'This schema was initialized before; reset it if its state was lost.',
      );
    await transaction(
      connection,
      `create schema if not exists ${schema};
set local search_path = ${schema}, pg_catalog;
${tables()}
${functions(schema, listed(options.grantTo))}
insert into meta(version, epoch, system, timeline, failover)
  select ${SCHEMA_VERSION}, '${epoch}', system, timeline, '${options.failover === 'synchronous' ? 'synchronous' : 'denied'}' from here();`,
    );
  });
  return epoch;
}

/**
 * Accepts the state as it is now, after a failover or a restored backup: counters continue from what survived, and
 * what did not survive counts as unspent, so revoke what must not be spent twice first, and see that the old server is stopped. Proofs that may
 * have been used before the reset are refused; reservations from before are not
 * refunded; the epoch changes, and session tickets with it. Revocations that were lost have to be imported again.
 * `failover` is changed when given. Returns the new epoch.
 */
export async function resetPostgres(options: OperatePostgres): Promise<string> {
  const schema = checkSchema(options.schema ?? 'ambit');
  const epoch = toHex(randomBytes(16));
  const failover = options.failover === undefined ? 'failover' : `'${options.failover}'`;
  const alone = `set local search_path = ${schema}, pg_catalog;
select pg_advisory_xact_lock('meta'::regclass::oid::integer, ${RESET_LOCK});`;
  await onPrimary(options, async (connection) => {
    await transaction(connection, `${alone}\nupdate meta set epoch = 'lost';`);
    await new Promise((resolve) => setTimeout(resolve, options.quiet ?? QUIET));
    await transaction(
      connection,
      `${alone}
update meta set epoch = '${epoch}', system = h.system, timeline = h.timeline, failover = ${failover},
  began = extract(epoch from clock_timestamp())::bigint,
  -- Above every number that a list which is ahead may have reached meanwhile.
  revoked = greatest(revoked, (extract(epoch from clock_timestamp()) * 1000)::bigint)
  from here() h;
delete from writers;`,
    );
  });
  return epoch;
}

/** The version of a schema's tables. */
export async function postgresVersion(options: PostgresPlace): Promise<number> {
  const schema = checkSchema(options.schema ?? 'ambit');
  const statement = { text: `select version from ${schema}.figures()`, values: [] };
  return onPrimary(options, async (connection) =>
    Number((await connection.query(statement, TIMEOUT))[0]?.['version']),
  );
}

/** Settings of a server that lose what was acknowledged, or can't notice that a page is damaged. */
const SETTINGS: readonly (readonly [string, string, string])[] = [
  ['fsync', 'on', 'a crash loses what was acknowledged'],
  ['full_page_writes', 'on', 'a crash may damage pages'],
  ['data_checksums', 'on', 'damage to a page is not noticed; pg_checksums --enable, while it is stopped'],
];

/** What is wrong with a deployment's server and schema, a sentence each. */
export async function checkPostgres(options: PostgresPlace): Promise<readonly string[]> {
  const schema = checkSchema(options.schema ?? 'ambit');
  return onPrimary(options, async (connection) => {
    const ask = (text: string): ReturnType<Connection['query']> =>
      connection.query({ text, values: [] }, TIMEOUT);
    const found: string[] = [];
    for (const [name, right, why] of SETTINGS) {
      const [row] = await ask(`select current_setting('${name}') as value`);
      if (row?.['value'] !== right) found.push(`${name} is ${String(row?.['value'])}: ${why}.`);
    }
    const [figures] = await ask(`select version, failover, epoch from ${schema}.figures()`);
    const [standbys] = await ask("select current_setting('synchronous_standby_names') as value");
    if (figures?.['version'] !== SCHEMA_VERSION)
      found.push(
        `The schema is of version ${String(figures?.['version'])}, not ${SCHEMA_VERSION}: migrate it.`,
      );
    if (figures?.['epoch'] === 'lost') found.push('State may have been lost: reset it once you know what.');
    if (figures?.['failover'] === 'synchronous' && standbys?.['value'] === '')
      found.push('failover is synchronous and synchronous_standby_names is empty: every call is denied.');
    return found;
  });
}

/** Puts the tables and functions of this version in place of older ones, in one step. Says from which version. */
export async function migratePostgres(options: OperatePostgres): Promise<number> {
  const schema = checkSchema(options.schema ?? 'ambit');
  return onPrimary(options, async (connection) => {
    const [row] = await connection.query({ text: `select version from ${schema}.meta`, values: [] }, TIMEOUT);
    const from = Number(row?.['version']);
    if (from > SCHEMA_VERSION) throw new Lost('the schema is of a later version');
    const roles = new Set([...(await callers(connection, schema)), ...listed(options.grantTo)]);
    await transaction(
      connection,
      `set local search_path = ${schema}, pg_catalog;
select pg_advisory_xact_lock('meta'::regclass::oid::integer, ${RESET_LOCK});
alter table counters add column if not exists steps text;
${NAMES};${drop(schema)}
${functions(schema, [...roles])}
update meta set version = ${SCHEMA_VERSION};`,
    );
    return from;
  });
}

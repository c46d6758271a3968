// The tables of a PostgreSQL deployment, in a schema of their own. Verifiers never touch them: they call the
// functions of `apply.ts` and `registry-sql.ts`, which run as the schema's owner, so that the role of a verifier
// can neither empty a counter nor read another's. Keys are the first 22 characters of a digest (132 bits) in
// collation C. `steps` is what a sliding window keeps (`sliding-sql.ts`). `root` is set on rows that a token's holders appended, so that they can be counted (attack S12).
import { AmbitError } from '@ambit/core';

/**
 * The version of tables and functions; another one is `store_corrupt` until `migrate`. 2 has
 * `counters.steps`; in 3 `apply` takes from when a proof may have been claimed; in 4, by functions alone, a session's window
 * ends with the last of its tickets, and open sessions are read by page; in 5 revocations are found by name.
 */
export const SCHEMA_VERSION = 5;

/** A name of a schema that needs no quotes, so that it can be part of the text of functions. */
export function checkSchema(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(name))
    throw new AmbitError('input_invalid', 'PostgreSQL schema: expected lower-case letters, digits and _.');
  return name;
}

/** Rows are short and updated in place: room on each page keeps an update off the indexes. */
const HOT = 'with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)';

/** For `entries_named`; since version 5. */
export const NAMES =
  "create index if not exists revocations_named on revocations(value, kind, coalesce(issuer, ''))";

/**
 * `meta` is one row. `system` and `timeline` name the history that the state belongs to (`hello`), `failover`
 * says whether a later timeline of it is believed. `writers` holds, for every connection that writes, how many
 * of its transactions were committed: a server that knows less than the connection has lost some.
 */
export const tables = (): string => `
create table meta(
  one boolean primary key default true check (one),
  version integer not null,
  epoch text not null,
  system text not null,
  timeline bigint not null,
  failover text not null check (failover in ('denied', 'synchronous')),
  revoked bigint not null default 0,
  swept bigint not null default 0,
  began bigint not null default 0
);
create table writers(id text collate "C" primary key, n bigint not null, seen bigint not null) ${HOT};
create table counters(
  id text collate "C" primary key, start bigint not null, used bigint not null check (used >= 0),
  expires bigint not null, root text collate "C", steps text
) ${HOT};
create index counters_expires on counters(expires);
create index counters_root on counters(root) where root is not null;
create table claims(id text collate "C" primary key, expires bigint not null, root text collate "C");
create index claims_expires on claims(expires);
create index claims_root on claims(root) where root is not null;
create table nonces(id text collate "C" primary key, expires bigint not null);
create index nonces_expires on nonces(expires);
create table windows(
  id text collate "C" primary key, highest bigint not null, bits bytea not null check (length(bits) = 128),
  expires bigint not null
) ${HOT};
create index windows_expires on windows(expires);
create table sessions(
  issuer text not null, id text not null, operator text not null, "user" text,
  opened bigint not null, expires bigint not null, closed bigint, reason text,
  primary key (issuer, id)
);
create index sessions_opened on sessions(opened);
create index sessions_expires on sessions(expires);
create table revocations(
  seq bigint primary key, kind text not null, issuer text, value text not null, reason text not null,
  time bigint not null, expires bigint
);
create index revocations_expires on revocations(expires) where expires is not null;
${NAMES};
`;

/** Class of the advisory lock that every step shares and a reset takes alone. */
export const RESET_LOCK = -1;
/** Class of the advisory lock of the sweeper. */
export const SWEEP_LOCK = -2;

/** How every function begins: as the owner, looking names up in the schema alone. */
export const asOwner = (schema: string): string =>
  `language plpgsql volatile security definer set search_path = pg_catalog, ${schema}, pg_temp`;

/**
 * Point reads by index, regardless of the tables at planning time: a plan from an empty table would
 * read a full one from end to end.
 */
export const PLAN =
  'set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off';

// The file's tables.

/** Written into the file; another version is refused rather than guessed at. */
export const SCHEMA_VERSION = 2;

/**
 * Keys are the first 22 characters of a digest, 132 bits: half the pages for the same purpose. `root` is set on
 * rows that a token's holders appended, so that they can be counted (attack S12).
 */
export const SCHEMA = `
create table if not exists meta(key text primary key, value text not null) strict, without rowid;
create table if not exists counters(
  id text primary key, start integer not null, used integer not null, expires integer not null, root text
) strict, without rowid;
create index if not exists counters_expires on counters(expires);
create index if not exists counters_root on counters(root) where root is not null;
create table if not exists claims(id text primary key, expires integer not null, root text) strict, without rowid;
create index if not exists claims_expires on claims(expires);
create index if not exists claims_root on claims(root) where root is not null;
create table if not exists nonces(
  seq integer primary key autoincrement, expires integer not null, ids text not null
) strict;
create index if not exists nonces_expires on nonces(expires);
create table if not exists windows(
  id text primary key, highest integer not null, bits blob not null, expires integer not null
) strict, without rowid;
create table if not exists sessions(
  issuer text not null, id text not null, operator text not null, user text,
  opened integer not null, expires integer not null, closed integer, reason text,
  primary key (issuer, id)
) strict, without rowid;
create table if not exists revocations(
  seq integer primary key autoincrement, kind text not null, issuer text, value text not null,
  reason text not null, time integer not null, expires integer
) strict;
`;

/** The key of a row. */
export const rowKey = (id: string): string => id.slice(0, 22);

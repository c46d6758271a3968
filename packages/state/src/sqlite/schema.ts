// The file's tables. Keys are the first 22 characters of a digest, 132 bits: half the pages for the same purpose.
// `root` is set on rows that a token's holders appended, so that they can be counted (attack S12). `sum` is the
// check of a row (`sums.ts`); `steps` is what a sliding window keeps (`../sliding.ts`), null for other counters. Whatever sweeps look for has an index.

/** Written into the file; another version is refused rather than guessed at. */
export const SCHEMA_VERSION = 4;

export const SCHEMA = `
create table if not exists meta(key text primary key, value text not null) strict, without rowid;
create table if not exists counters(
  id text primary key, start integer not null, used integer not null, expires integer not null, root text,
  steps text, sum integer not null
) strict, without rowid;
create index if not exists counters_expires on counters(expires);
create index if not exists counters_root on counters(root) where root is not null;
create table if not exists claims(
  id text primary key, expires integer not null, root text, sum integer not null
) strict, without rowid;
create index if not exists claims_expires on claims(expires);
create index if not exists claims_root on claims(root) where root is not null;
create table if not exists nonces(
  seq integer primary key autoincrement, expires integer not null, ids text not null, sum integer not null
) strict;
create index if not exists nonces_expires on nonces(expires);
create table if not exists windows(
  id text primary key, highest integer not null, bits blob not null, expires integer not null, sum integer not null
) strict, without rowid;
create index if not exists windows_expires on windows(expires);
create table if not exists sessions(
  issuer text not null, id text not null, operator text not null, user text,
  opened integer not null, expires integer not null, closed integer, reason text, sum integer not null,
  primary key (issuer, id)
) strict;
create index if not exists sessions_expires on sessions(expires);
create index if not exists sessions_opened on sessions(opened);
create table if not exists revocations(
  seq integer primary key autoincrement, kind text not null, issuer text, value text not null,
  reason text not null, time integer not null, expires integer, sum integer not null
) strict;
create index if not exists revocations_name on revocations(value, kind);
create index if not exists revocations_expires on revocations(expires) where expires is not null;
`;

export type Table = 'counters' | 'claims' | 'nonces' | 'windows' | 'sessions' | 'revocations';

/** The columns that the sum of a row covers, in order. */
export const COLUMNS: Readonly<Record<Table, readonly string[]>> = {
  counters: ['id', 'start', 'used', 'expires', 'root', 'steps'],
  claims: ['id', 'expires', 'root'],
  nonces: ['expires', 'ids'],
  windows: ['id', 'highest', 'bits', 'expires'],
  sessions: ['issuer', 'id', 'operator', 'user', 'opened', 'expires', 'closed', 'reason'],
  revocations: ['kind', 'issuer', 'value', 'reason', 'time', 'expires'],
};

/** What a table is walked by. */
export const KEYS: Readonly<Record<Table, string>> = {
  counters: 'id',
  claims: 'id',
  nonces: 'seq',
  windows: 'id',
  sessions: 'rowid',
  revocations: 'seq',
};

/** The key of a row. */
export const rowKey = (id: string): string => id.slice(0, 22);

// What is not charging, in PL/pgSQL: who we are talking to, revocations, sessions, sweeping, figures. A
// revocation's number is taken from the row of `meta`, whose lock is held until the commit, so that numbers become
// visible in their order and no reader passes over one (a sequence would hand out numbers that commit later).
import { GRACE } from '../budgets.ts';
import { HELD } from '../named.ts';
import { SESSIONS_A_PAGE } from '../sessions.ts';
import { PLAN, SCHEMA_VERSION, SWEEP_LOCK, asOwner } from './schema.ts';

/** Rows deleted from a table by one sweep at most. */
export const SWEEP_ROWS = 2048;
/** Seconds between sweeps by all clients; a sweep that found more than it may delete is repeated sooner. */
const SWEEP_EVERY = 5;
/** Entries read at once. */
export const PAGE = 1000;
/**
 * Seconds between the time up to which a step refuses and that up to which rows are deleted: no step that has
 * looked at the clock is under way for so long.
 */
const MARGIN = 30;

/** Where notifications go: a channel of the schema. */
export const channelOf = (schema: string): string => `ambit_${schema}`;

/**
 * What has to hold at every step for an answer to be durable, asked again each time because all of it can be
 * changed under us by a reload; then the epoch. 'ok' or the word that says what does not hold.
 */
const watched = `
create or replace function watched(p_epoch text) returns text language plpgsql volatile as $$
declare
  m meta%rowtype;
begin
  if current_setting('transaction_isolation') <> 'read committed' then return 'isolation'; end if;
  if current_setting('fsync') <> 'on' or current_setting('full_page_writes') <> 'on'
    or current_setting('synchronous_commit') not in ('on', 'remote_apply') then return 'durability'; end if;
  select * into m from meta;
  if m.failover = 'synchronous' and current_setting('synchronous_standby_names') = '' then return 'alone'; end if;
  if m.version <> ${SCHEMA_VERSION} then return 'version'; end if;
  if m.epoch is distinct from p_epoch then return 'epoch'; end if;
  return 'ok';
end $$;
`;

/**
 * The history the server is on: its system identifier, and its timeline as of its latest record (the control file
 * tells of a promotion only after a checkpoint). Another system, or a later timeline of one that is not stated as
 * synchronous, may have lost what was acknowledged.
 */
const hello = (schema: string): string => `
create or replace function here(out system text, out timeline bigint) language sql volatile as $$
  select system_identifier::text, ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
    from pg_control_system()
$$;
create or replace function hello(p_writer text, p_acked bigint, out code text, out epoch text, out timeline bigint)
${asOwner(schema)} as $$
#variable_conflict use_column
declare
  m meta%rowtype;
  h record;
begin
  select * into m from meta;
  select * into h from here();
  timeline := h.timeline;
  if m.version <> ${SCHEMA_VERSION} then code := 'version'; return; end if;
  if m.epoch = 'lost' or h.system <> m.system or h.timeline < m.timeline
    or (h.timeline > m.timeline and m.failover <> 'synchronous') then code := 'lost'; return; end if;
  if p_writer <> '' and p_acked = 0 then
    insert into writers(id, n, seen) values (p_writer, 0, extract(epoch from clock_timestamp())::bigint)
      on conflict (id) do nothing;
  elsif p_acked > 0 and not exists (select from writers w where w.id = p_writer and w.n >= p_acked) then
    update meta set epoch = 'lost';
    code := 'lost'; return;
  end if;
  if h.timeline > m.timeline then update meta set timeline = h.timeline where timeline < h.timeline; end if;
  code := 'ok'; epoch := m.epoch;
end $$;
create or replace function goodbye(p_writers text[]) returns void ${asOwner(schema)} as $$
begin
  delete from writers where id = any(p_writers);
end $$;
`;

const revoke = (schema: string): string => `
create or replace function revoke_entry(
  p_epoch text, p_kind text, p_issuer text, p_value text, p_reason text, p_time bigint, p_expires bigint,
  out code text, out seq bigint
) ${asOwner(schema)} as $$
begin
  code := watched(p_epoch);
  if code <> 'ok' then return; end if;
  update meta set revoked = revoked + 1 returning revoked into seq;
  insert into revocations values (seq, p_kind, p_issuer, p_value, p_reason, p_time, p_expires);
  perform pg_notify('${channelOf(schema)}', seq::text);
end $$;
create or replace function entries_since(
  p_epoch text, p_cursor bigint, p_first boolean,
  out code text, out last bigint, out now bigint, out long boolean, out entries json
)
${asOwner(schema)} as $$
declare
  m meta%rowtype;
begin
  select * into m from meta;
  last := m.revoked; now := floor(extract(epoch from clock_timestamp()));
  code := watched(p_epoch);
  if code <> 'ok' then return; end if;
  -- Who begins with a list that is too long to be held asks by name.
  long := p_first and exists(select from revocations offset ${HELD});
  if long then entries := '[]'; return; end if;
  select coalesce(json_agg(json_build_array(r.seq, r.kind, r.issuer, r.value, r.reason, r.time, r.expires) order by r.seq), '[]')
    into entries from (select * from revocations
      where revocations.seq > p_cursor and (revocations.expires is null or revocations.expires > now - ${GRACE})
      order by revocations.seq limit ${PAGE}) r;
end $$;
`;

/** By the primary key, whatever the table was at planning time: a page would else read and sort all of it. */
const IN_ORDER =
  'set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_incremental_sort = off set jit = off';

/** Of each name that is on the list, the entry that ends last; `last` is read first, so all up to it is looked at. */
const named = (schema: string): string => `
create or replace function entries_named(p_epoch text, p_kinds text[], p_issuers text[], p_values text[], out code text, out last bigint, out entries json)
${asOwner(schema)} ${PLAN} as $$
begin
  select m.revoked into last from meta m;
  code := watched(p_epoch);
  if code <> 'ok' then return; end if;
  select coalesce(json_agg(json_build_array(r.seq, r.kind, r.issuer, r.value, r.reason, r.time, r.expires)), '[]')
    into entries from unnest(p_kinds, p_issuers, p_values) as n(kind, issuer, value),
      lateral (select * from revocations f
        where f.value = n.value and f.kind = n.kind and coalesce(f.issuer, '') = n.issuer
        order by f.expires desc nulls first limit 1) r;
end $$;
`;

const sessions = (schema: string): string => `
create or replace function session_step(
  p_epoch text, p_what text, p_issuer text, p_id text, p_operator text, p_user text, p_now bigint, p_expires bigint, p_reason text,
  out code text, out session json
) ${asOwner(schema)} as $$
declare
  s sessions%rowtype;
begin
  code := watched(p_epoch);
  if code <> 'ok' then return; end if;
  if p_what = 'open' then
    insert into sessions values (p_issuer, p_id, p_operator, p_user, p_now, p_expires, null, null)
      on conflict do nothing;
    if not found then code := 'taken'; return; end if;
  elsif p_what = 'close' then
    update sessions set closed = p_now, reason = p_reason where issuer = p_issuer and id = p_id and closed is null
      returning * into s;
    if found then
      perform revoke_entry(p_epoch, 'session', p_issuer, p_id, p_reason, p_now, s.expires);
    end if;
  end if;
  select to_json(f) into session from sessions f where issuer = p_issuer and id = p_id;
end $$;
create or replace function sessions_newest(p_epoch text, out code text, out list json) ${asOwner(schema)} as $$
begin
  code := watched(p_epoch);
  if code <> 'ok' then return; end if;
  select coalesce(json_agg(f order by f.opened desc), '[]') into list
    from (select * from sessions
      where expires > extract(epoch from clock_timestamp()) - ${GRACE} order by opened desc limit 1000) f;
end $$;
create or replace function sessions_open(p_epoch text, p_issuer text, p_id text, p_now bigint, out code text, out list json)
${asOwner(schema)} ${IN_ORDER} as $$
begin
  code := watched(p_epoch);
  if code <> 'ok' then return; end if;
  select coalesce(json_agg(f order by f.issuer, f.id), '[]') into list
    from (select * from sessions where (issuer, id) > (p_issuer, p_id) and closed is null and expires > p_now
      order by issuer, id limit ${SESSIONS_A_PAGE}) f;
end $$;
`;

const care = (schema: string): string => `
create or replace function sweep(p_epoch text, p_now bigint, out code text, out swept bigint) ${asOwner(schema)} as $$
#variable_conflict use_column
declare
  upto bigint; n bigint; total bigint := 0; one text;
begin
  code := watched(p_epoch);
  if code <> 'ok' or not pg_try_advisory_xact_lock('meta'::regclass::oid::integer, ${SWEEP_LOCK}) then return; end if;
  -- By two clocks: one that is ahead alone drops nothing.
  upto := least(floor(extract(epoch from clock_timestamp()))::bigint, p_now) - ${GRACE + MARGIN};
  if upto < (select m.swept from meta m) + ${SWEEP_EVERY} then return; end if;
  foreach one in array array['counters', 'claims', 'nonces', 'windows', 'sessions', 'revocations'] loop
    execute format('delete from %I where ctid = any(array(select ctid from %I where expires <= $1 limit ${SWEEP_ROWS} for update skip locked))', one, one)
      using upto;
    get diagnostics n = row_count;
    total := total + n;
  end loop;
  delete from writers where seen < upto - 400 * 86400;
  update meta m set swept = upto where m.swept < upto and total < ${SWEEP_ROWS};
  swept := total;
end $$;
create or replace function figures(out version integer, out epoch text, out failover text, out system text, out timeline bigint, out last bigint, out swept bigint, out bytes bigint, out rows json)
${asOwner(schema)} as $$
#variable_conflict use_column
begin
  select m.version, m.epoch, m.failover, m.system, m.timeline, m.revoked, m.swept
    into version, epoch, failover, system, timeline, last, swept from meta m;
  select sum(pg_total_relation_size(c.oid)), json_object_agg(c.relname, greatest(0, coalesce(pg_stat_get_live_tuples(c.oid), 0)))
    into bytes, rows from pg_class c
    where c.relnamespace = '${schema}'::regnamespace and c.relname in ('counters', 'claims', 'nonces', 'windows', 'sessions', 'revocations') and c.relkind = 'r';
end $$;
`;

/** All of them. */
export const registryFunctions = (schema: string): string =>
  watched + hello(schema) + revoke(schema) + named(schema) + sessions(schema) + care(schema);

/** What the role of a verifier may call. */
export const CALLABLE: readonly string[] = [
  'apply',
  'rows_of',
  'hello',
  'goodbye',
  'revoke_entry',
  'entries_since',
  'entries_named',
  'session_step',
  'sessions_newest',
  'sessions_open',
  'sweep',
  'figures',
];

// The rules of `../apply.ts` in PL/pgSQL, for a group of calls: what one process asks for while its last
// transaction is under way travels together, is one atomic step and one round trip, and pays for one flush.
//
// Order of locks, the same in every transaction, so that none waits in a circle: advisory locks by the class of
// each counter, root, claim and window, ascending; then nonces, inserted in the order of their ids; `meta` last.
// Every statement takes its snapshot after the locks (READ COMMITTED, asked for by the
// connection and checked here), so what a call sees is what the last one committed.
import { GRACE } from '../budgets.ts';
import { RESET_MARGIN } from '../clock.ts';
import { WINDOW } from '../replay.ts';
import { PLAN, RESET_LOCK, asOwner } from './schema.ts';

/** Classes of advisory locks: at most so many entries of the server's lock table. A power of two. */
const CLASSES = 2048;

/**
 * First of all a shared lock that a reset takes alone, so that no step falls on both sides of it; then what is
 * around (`watched`); then this connection's own count of commits, which a server that lost some can't know.
 */
const BEGINNING = `
  perform pg_advisory_xact_lock_shared('meta'::regclass::oid::integer, ${RESET_LOCK});
  code := watched(p_epoch);
  if code <> 'ok' then return; end if;
  select * into m from meta;
  update writers set n = n + 1, seen = extract(epoch from clock_timestamp())::bigint
    where id = p_writer and n >= p_acked returning n into acked;
  if not found then
    -- This connection knows of more than the server remembers: from here on nothing is granted.
    update meta set epoch = 'lost';
    code := 'lost'; return;
  end if;
`;

const LOADING = `
  perform pg_advisory_xact_lock('meta'::regclass::oid::integer, class) from (
    select distinct hashtext(id) & ${CLASSES - 1} as class
    from unnest(k_counter || k_once || k_window || k_root) as id order by 1) as classes;
  now_ := floor(extract(epoch from clock_timestamp()));
  swept_ := greatest(m.swept, now_ - ${GRACE});

  select array_agg(c.id is not null order by k.at), array_agg(coalesce(c.start, 0) order by k.at),
      array_agg(coalesce(c.used, 0) order by k.at), array_agg(coalesce(c.expires, 0) order by k.at),
      array_agg(c.root order by k.at), array_agg(c.steps order by k.at)
    into c_known, c_start, c_used, c_expires, c_root, c_steps
    from unnest(k_counter) with ordinality as k(id, at) left join counters c on c.id = k.id;
  c_dirty := array_fill(false, array[coalesce(array_length(k_counter, 1), 0)]);
  if array_length(k_once, 1) > 0 then
    select array_agg(c.id is null order by k.at) into o_free
      from unnest(k_once) with ordinality as k(id, at) left join claims c on c.id = k.id;
  end if;
  o_expires := array_fill(null::bigint, array[coalesce(array_length(k_once, 1), 0)]);
  o_root := array_fill(null::text, array[coalesce(array_length(k_once, 1), 0)]);
  if array_length(k_window, 1) > 0 then
    select array_agg(coalesce(w.highest, -1) order by k.at),
        array_agg(coalesce(w.bits, decode(repeat('00', 128), 'hex')) order by k.at),
        array_agg(coalesce(w.expires, 0) order by k.at)
      into w_highest, w_bits, w_expires
      from unnest(k_window) with ordinality as k(id, at) left join windows w on w.id = k.id;
    w_dirty := array_fill(false, array[array_length(k_window, 1)]);
  end if;
  if array_length(k_nonce, 1) > 0 then
    with fresh as (
      insert into nonces(id, expires)
        select id, expires from unnest(k_nonce, k_nonce_expires) as k(id, expires) order by id collate "C"
        on conflict (id) do nothing returning id)
    select array_agg(f.id is not null order by k.at) into n_free
      from unnest(k_nonce) with ordinality as k(id, at) left join fresh f on f.id = k.id;
    -- Fresh ones are in the table by now; those that no accepted call has taken leave it again at the end.
    n_taken := array_fill(false, array[array_length(k_nonce, 1)]);
  end if;
  verdicts := array_fill(null::text, array[coalesce(array_length(q_root, 1), 0)]);
  starts := array_fill(0::bigint, array[coalesce(array_length(a_key, 1), 0)]);
  taken := starts; remains := starts;
  r_rows := array_fill(-1::bigint, array[coalesce(array_length(k_root, 1), 0)]);
  r_added := array_fill(0, array[coalesce(array_length(k_root, 1), 0)]);
`;

const REFUNDS = `
  for i in 1 .. coalesce(array_length(f_key, 1), 0) loop
    k := f_key[i];
    if c_known[k] and c_steps[k] is not null and f_back[i] > 0 then
      c_steps[k] := refunded_in(c_steps[k], f_start[i], f_back[i]);
      c_used[k] := (slid(c_steps[k], 0, -1)).used;
      c_dirty[k] := true;
    elsif c_known[k] and c_start[k] = f_start[i] and f_back[i] > 0 then
      c_used[k] := greatest(0, c_used[k] - f_back[i]);
      c_dirty[k] := true;
    end if;
  end loop;
`;

/** One call: what refuses it, in the order of \`applyCharges\`; nothing of it stays when something does. */
const DECIDE = `
    verdict := null; fresh := 0; newest := 0; mine := 0; short_at := 0;
    for j in 1 .. q_counters[i] loop
      x := a + j; k := a_key[x];
      if a_own[x] and not c_known[k] then fresh := fresh + 1; newest := j; end if;
      if a_step[x] > 0 then
        starts[x] := a_start[x];
        if starts[x] + a_step[x] > now_ - ${GRACE} then starts[x] := now_ - now_ % a_step[x]; end if;
        if c_known[k] then starts[x] := greatest(starts[x], c_start[k]); end if;
        select f.steps, f.used into live, used_ from slid(c_steps[k], a_span[x], starts[x]) f;
      elsif c_known[k] and c_start[k] >= a_start[x] then used_ := c_used[k]; else used_ := 0; end if;
      gone := a_expires[x] <= swept_ or a_start[x] > now_ + ${GRACE};
      if gone then room := 0; else room := greatest(0, a_limit[x] - used_); end if;
      if short_at = 0 and (gone or a_amount[x] > room) then
        short_at := j; short_room := room::text;
        if a_step[x] > 0 and not gone then
          short_room := room || ',' || room_at(live, a_span[x], used_, a_amount[x], a_limit[x], a_start[x]);
        end if;
      end if;
      taken[x] := greatest(a_amount[x], floor(room::float8 * q_share[i])::bigint);
      remains[x] := greatest(0, room - taken[x]);
    end loop;
    n := q_nonce[i];
    if n > 0 and m.began > 0 and q_nonce_from[i] <= m.began + ${RESET_MARGIN} then
      verdict := 'store_unavailable,0';
    elsif n > 0 and (q_nonce_expires[i] <= swept_ or not n_free[n]) then verdict := 'replayed,0'; end if;
    if verdict is null then
      for j in 1 .. q_once[i] loop
        k := o_key[o + j];
        if o_until[o + j] <= swept_ or not o_free[k] then verdict := 'once_used,' || j; exit; end if;
        o_free[k] := false;
        o_expires[k] := o_until[o + j];
        if o_own[o + j] then o_root[k] := k_root[q_root[i]]; mine := mine + 1; newest := -j; end if;
        claimed := j;
      end loop;
      if verdict is null and short_at > 0 then
        verdict := 'budget_exceeded,' || short_at || ',' || short_room;
      end if;
      if verdict is null and newest <> 0 then
        r := q_root[i];
        if r_rows[r] < 0 then
          r_rows[r] := (select count(*) from counters c where c.root = k_root[r] and c.expires > swept_)
            + (select count(*) from claims c where c.root = k_root[r] and c.expires > swept_);
        end if;
        if r_rows[r] + r_added[r] + mine + fresh > p_cap then
          verdict := 'budget_exceeded,' || newest || ',0';
        end if;
      end if;
      if verdict is null and q_window[i] > 0 then
        w := q_window[i]; s := q_number[i]; high := w_highest[w]; bits := w_bits[w];
        if q_window_expires[i] <= swept_ or s <= high - ${WINDOW} or s > high + ${WINDOW} then
            verdict := 'replayed,0';
        else
          if s - high >= ${WINDOW} then bits := decode(repeat('00', 128), 'hex');
          else for step in 1 .. (s - high)::integer loop bits := set_bit(bits, ((high + step) % ${WINDOW})::integer, 0); end loop;
          end if;
          if get_bit(bits, (s % ${WINDOW})::integer) = 1 then verdict := 'replayed,0';
          else
            w_bits[w] := set_bit(bits, (s % ${WINDOW})::integer, 1);
            w_highest[w] := greatest(high, s);
            w_expires[w] := greatest(w_expires[w], q_window_expires[i]);
            w_dirty[w] := true;
          end if;
        end if;
      end if;
    end if;
`;

const KEEP = `
    if verdict is null then
      verdict := 'ok';
      if n > 0 then n_free[n] := false; n_taken[n] := true; end if;
      if mine > 0 then r_added[q_root[i]] := r_added[q_root[i]] + mine; end if;
      for j in 1 .. q_counters[i] loop
        x := a + j; k := a_key[x];
        if a_step[x] > 0 then
          select f.steps, f.used into live, used_ from slid(c_steps[k], a_span[x], starts[x]) f;
          c_steps[k] := charged_in(live, starts[x], taken[x]);
          c_used[k] := used_ + taken[x];
          c_expires[k] := greatest(c_expires[k], a_expires[x]);
          if a_own[x] and not c_known[k] then
            c_root[k] := k_root[q_root[i]]; r_added[q_root[i]] := r_added[q_root[i]] + 1;
          end if;
          c_start[k] := starts[x];
        elsif c_known[k] and c_start[k] >= a_start[x] then
          c_used[k] := c_used[k] + taken[x];
          if c_start[k] = a_start[x] then c_expires[k] := greatest(c_expires[k], a_expires[x]); end if;
        else
          if a_own[x] and not c_known[k] then
            c_root[k] := k_root[q_root[i]]; r_added[q_root[i]] := r_added[q_root[i]] + 1;
          end if;
          c_used[k] := taken[x]; c_start[k] := a_start[x]; c_expires[k] := a_expires[x];
        end if;
        c_known[k] := true; c_dirty[k] := true; starts[x] := c_start[k];
      end loop;
    else
      for j in 1 .. claimed loop o_free[o_key[o + j]] := true; o_expires[o_key[o + j]] := null; end loop;
    end if;
    verdicts[i] := verdict;
    a := a + q_counters[i]; o := o + q_once[i];
`;

const WRITING = `
  insert into counters as c (id, start, used, expires, root, steps)
    select id, start, used, expires, root, steps
      from unnest(k_counter, c_start, c_used, c_expires, c_root, c_steps, c_dirty)
        as k(id, start, used, expires, root, steps, dirty)
      where dirty
    on conflict (id) do update set start = excluded.start, used = excluded.used, expires = excluded.expires,
      steps = excluded.steps;
  if array_length(k_once, 1) > 0 then
    insert into claims(id, expires, root)
      select id, expires, root from unnest(k_once, o_expires, o_root) as k(id, expires, root) where expires is not null;
  end if;
  if array_length(k_window, 1) > 0 then
    insert into windows(id, highest, bits, expires)
      select id, highest, bits, expires
        from unnest(k_window, w_highest, w_bits, w_expires, w_dirty) as k(id, highest, bits, expires, dirty) where dirty
      on conflict (id) do update set highest = excluded.highest, bits = excluded.bits, expires = excluded.expires;
  end if;
  if false = any(n_taken) then
    delete from nonces where id in (
      select id from unnest(k_nonce, n_free, n_taken) as k(id, free, taken) where free and not taken);
  end if;
`;

/** The function that charges and refunds. Arrays named k_ are distinct keys, the others point into them from 1. */
export const applyFunction = (schema: string): string => `
create or replace function apply(
  p_epoch text, p_writer text, p_acked bigint, p_cap integer,
  k_counter text[], k_once text[], k_window text[], k_root text[], k_nonce text[], k_nonce_expires bigint[],
  f_key integer[], f_back bigint[], f_start bigint[],
  q_root integer[], q_share float8[], q_counters integer[], q_once integer[], q_nonce integer[], q_nonce_expires bigint[],
  q_window integer[], q_number bigint[], q_window_expires bigint[], q_nonce_from bigint[],
  a_key integer[], a_amount bigint[], a_limit bigint[], a_start bigint[], a_expires bigint[], a_own boolean[],
  a_step bigint[], a_span bigint[],
  o_key integer[], o_until bigint[], o_own boolean[],
  out code text, out acked bigint, out verdicts text[], out starts bigint[], out taken bigint[], out remains bigint[]
) ${asOwner(schema)} ${PLAN} as $$
#variable_conflict use_column
declare
  m meta%rowtype;
  now_ bigint; swept_ bigint;
  c_known boolean[]; c_start bigint[]; c_used bigint[]; c_expires bigint[]; c_root text[]; c_steps text[]; c_dirty boolean[]; live bigint[];
  o_free boolean[]; o_expires bigint[]; o_root text[];
  w_highest bigint[]; w_bits bytea[]; w_expires bigint[]; w_dirty boolean[];
  n_free boolean[]; n_taken boolean[];
  r_rows bigint[]; r_added integer[];
  a integer := 0; o integer := 0; k integer; x integer; n integer; r integer; w integer;
  verdict text; fresh integer; newest integer; mine integer; claimed integer;
  short_at integer; short_room text; used_ bigint; room bigint; gone boolean; s bigint; high bigint; bits bytea;
begin
${BEGINNING}${LOADING}${REFUNDS}
  for i in 1 .. coalesce(array_length(q_root, 1), 0) loop
    claimed := 0;
${DECIDE}${KEEP}
  end loop;
${WRITING}
  code := 'ok';
end $$;
`;

/** Rows for display. */
export const rowsFunction = (schema: string): string => `
create or replace function rows_of(p_epoch text, p_ids text[], out code text, out start bigint[], out used bigint[], out steps text[])
${asOwner(schema)} as $$
#variable_conflict use_column
begin
  if (select epoch from meta) is distinct from p_epoch then code := 'epoch'; return; end if;
  select array_agg(coalesce(c.start, 0) order by k.at), array_agg(coalesce(c.used, 0) order by k.at),
      array_agg(c.steps order by k.at) into start, used, steps
    from unnest(p_ids) with ordinality as k(id, at) left join counters c on c.id = k.id;
  code := 'ok';
end $$;
`;

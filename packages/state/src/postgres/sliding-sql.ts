// The row of a sliding window (`../sliding.ts`) in PL/pgSQL: `steps` holds start and amount of each step in turn, as the
// text of an array. `apply` calls these; they touch no table.
import { asOwner } from './schema.ts';

/** `slid`: the steps that count at a time, and their sum. `room_at`: when there is room. `charged_in`: with an amount more. */
export const slidingFunctions = (schema: string): string => `
create or replace function slid(p_steps text, p_span bigint, p_start bigint, out steps bigint[], out used bigint)
${asOwner(schema)} as $$
declare old bigint[] := coalesce(p_steps, '{}')::bigint[];
begin
  steps := '{}'; used := 0;
  for i in 1 .. coalesce(array_length(old, 1), 0) / 2 loop
    if old[2 * i - 1] + p_span > p_start then
      steps := old[2 * i - 1 : ];
      for j in i .. array_length(old, 1) / 2 loop used := used + old[2 * j]; end loop;
      return;
    end if;
  end loop;
end $$;
create or replace function room_at(p_steps bigint[], p_span bigint, p_used bigint, p_amount bigint, p_limit bigint, p_start bigint)
returns bigint ${asOwner(schema)} as $$
declare used bigint := p_used;
begin
  for i in 1 .. coalesce(array_length(p_steps, 1), 0) / 2 loop
    used := used - p_steps[2 * i];
    if p_amount <= p_limit - used then return p_steps[2 * i - 1] + p_span; end if;
  end loop;
  return p_start + p_span;
end $$;
create or replace function charged_in(p_steps bigint[], p_start bigint, p_amount bigint)
returns text ${asOwner(schema)} as $$
declare n integer := coalesce(array_length(p_steps, 1), 0);
begin
  if n > 0 and p_steps[n - 1] = p_start then p_steps[n] := p_steps[n] + p_amount;
  else p_steps := p_steps || p_start || p_amount; end if;
  return p_steps::text;
end $$;
create or replace function refunded_in(p_steps text, p_start bigint, p_back bigint)
returns text ${asOwner(schema)} as $$
declare steps bigint[] := p_steps::bigint[];
begin
  for i in 1 .. coalesce(array_length(steps, 1), 0) / 2 loop
    if steps[2 * i - 1] = p_start then steps[2 * i] := greatest(0, steps[2 * i] - p_back); end if;
  end loop;
  return steps::text;
end $$;
`;

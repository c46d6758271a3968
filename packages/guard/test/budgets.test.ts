// Prices and warnings: a cost is charged at the operator's price and settled by the tool's report, within what the
// operator believes; a budget past its threshold is told once, however many processes share it.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCall, prove, restrict, type Restriction } from '@ambit/core';
import {
  createGuard,
  type BudgetWarning,
  type Guard,
  type GuardOptions,
  type GuardRequest,
} from '@ambit/guard';
import { fetchHandler, httpGuard } from '@ambit/guard/http';
import { Gate } from '@ambit/guard/mcp';
import { leasedBudgets } from '@ambit/state';
import { openSqlite } from '@ambit/state/sqlite';
import { AUDIENCE, seconds, world, type World } from './world.ts';

let w: World;
beforeEach(async () => {
  w = await world();
});
afterEach(async () => w.end());

const PRICE = { tokens: { most: 600, least: 50 }, microusd: { most: 9, least: 9 } };
const guard = (more: Partial<GuardOptions> = {}): Guard =>
  createGuard({
    verifier: w.verifier,
    store: w.store,
    audit: w.recorder,
    tools: () => ({ external: false, data: ['internal'], price: PRICE }),
    timeout: 30_000,
    ...more,
  });

function present(token: string): GuardRequest {
  const made = parseCall({ tool: 'echo', args: {} });
  if (!made.ok) throw new Error(made.message);
  return {
    token,
    proof: prove(token, made.call, { audience: AUDIENCE, time: seconds() }, w.agent),
    call: made.call,
  };
}

/** What is left after the first call of a budget of 1000, by asking for it: a price of 1 as often as it goes. */
async function usedAfter(cost: unknown, unit = 'tokens'): Promise<{ used: number; faults: unknown[] }> {
  const faults: unknown[] = [];
  const token = w.token({}, restrict.cost(unit, 1000));
  const g = guard({ onFault: (e) => void faults.push(e) });
  const ran = await g.run(
    present(token),
    async () => 'done',
    () => ({ cost: cost as Record<string, number> }),
  );
  if (!ran.ok) throw new Error(ran.denial.code);
  await g.settled();
  const [c] = g.explain(ran.permit).charges!.counters;
  const left = await w.store.budgets.left('', [c!], seconds());
  return { used: 1000 - left[0]!, faults };
}

describe('prices', () => {
  it('what the tool reports is kept, from the least to the most that the operator states', async () => {
    expect(await usedAfter({ tokens: 200 })).toEqual({ used: 200, faults: [] });
    expect(await usedAfter({ tokens: 600 })).toEqual({ used: 600, faults: [] });
  });

  it.each([
    ['no report', undefined, 600],
    ['another unit', { microusd: 1 }, 600],
    ['nothing, forged by the tool', { tokens: 0 }, 50],
    ['less than the least', { tokens: 49 }, 50],
    ['an inherited field', Object.create({ tokens: 60 }) as object, 600],
  ])('%s: bounded, and the rest is given back or stays spent', async (_, cost, used) => {
    expect(await usedAfter(cost)).toEqual({ used, faults: [] });
  });

  it.each([601, -1, 0.5, Number.NaN, Infinity, 2 ** 53])(
    'a report of %d tokens keeps all that was charged, and is told',
    async (tokens) => {
      const { used, faults } = await usedAfter({ tokens });
      expect(used).toBe(600);
      expect(faults).toMatchObject([{ code: 'budget_amount' }]);
    },
  );

  it("a fixed price is not the tool's to lower", async () => {
    expect(await usedAfter({ microusd: 0 }, 'microusd')).toEqual({ used: 9, faults: [] });
  });

  it('a tool without a price in the unit is refused; so is one whose price is more than what is left', async () => {
    const code = async (restriction: Restriction, more: Partial<GuardOptions> = {}): Promise<string> => {
      const answer = await guard(more).authorize(present(w.token({}, restriction)));
      return answer.ok ? 'allowed' : answer.denial.code;
    };
    expect(await code(restrict.cost('euro', 1000))).toBe('fact_missing');
    const unpriced = { tools: () => ({ external: false, data: ['internal'] }) };
    expect(await code(restrict.cost('tokens', 1000), unpriced)).toBe('fact_missing');
    expect(await code(restrict.cost('tokens', 599))).toBe('budget_exceeded');
    expect(await code(restrict.cost('tokens', 600))).toBe('allowed');
  });

  it('over MCP a server reports in `_meta` of its result', async () => {
    const token = w.token({}, restrict.cost('tokens', 1000));
    const g = guard({ warnAt: 15 });
    const gate = new Gate(g);
    const ask = async (id: number, result: Record<string, unknown>): Promise<unknown> => {
      const { proof } = present(token);
      const verdict = await gate.fromClient({
        jsonrpc: '2.0',
        id,
        method: 'tools/call',
        params: { name: 'echo', arguments: {}, _meta: { 'dev.ambit/capability': { token, proof } } },
      });
      if (!('forward' in verdict)) return verdict;
      const answer = await gate.fromServer({ jsonrpc: '2.0', id, result });
      return (answer as { result?: { _meta?: unknown } } | null)?.result?._meta;
    };
    const mine = { 'dev.ambit/cost': { tokens: 100 }, 'dev.ambit/budgets': 'forged', other: 1 };
    // Charged with 600 of 1000 it is past the threshold of 15 %, which the caller is told beside what the server says.
    expect(await ask(1, { content: [], _meta: mine })).toEqual({
      ...mine,
      'dev.ambit/budgets': [{ unit: 'cost', argument: 'tokens', limit: 1000, left: 400, caveat: 0 }],
    });
    // 100 are kept: 900 are left, and 600 of them go to the next, which is not told again.
    expect(await ask(2, { content: [], _meta: { 'dev.ambit/cost': { tokens: 'many' } } })).toEqual({
      'dev.ambit/cost': { tokens: 'many' },
    });
    expect(await ask(3, { content: [] })).toMatchObject({
      reply: { result: { _meta: { 'dev.ambit/denial': { code: 'budget_exceeded', left: 300 } } } },
    });
  });
});

describe('a budget of costs that is used up says what is left and when to come again', () => {
  const hourly = restrict.budget({ unit: 'cost', argument: 'tokens', limit: 1000, window: 3600 });
  const nextHour = (): number => seconds() - (seconds() % 3600) + 3600;
  /** Runs `job` with the end of the window that it falls into; again when the hour turned meanwhile. */
  const inOneHour = async (job: (ends: number) => Promise<void>): Promise<void> => {
    for (;;) {
      const ends = nextHour();
      try {
        return await job(ends);
      } catch (error) {
        if (nextHour() === ends) throw error;
      }
    }
  };

  it('over HTTP in `Retry-After`, `RateLimit` and the body', async () => {
    const origin = 'https://files.acme.com';
    const token = w.token({ tools: ['http.*'] }, hourly);
    const handle = fetchHandler(httpGuard({ guard: guard(), origin }), () => new Response('done'));
    const send = async (): Promise<Response> => {
      const made = parseCall({ tool: 'http.get', args: {}, http: { method: 'GET', origin, target: '/a' } });
      if (!made.ok) throw new Error(made.message);
      const proof = prove(token, made.call, { audience: AUDIENCE, time: seconds() }, w.agent);
      const headers = { authorization: `Capability ${token}`, 'capability-proof': proof };
      return handle(new Request(`${origin}/a`, { headers }));
    };
    await inOneHour(async (ends) => {
      await send();
      const refused = await send();
      expect([refused.status, refused.headers.get('ratelimit')]).toEqual([403, '"budget";r=400']);
      expect(refused.headers.get('retry-after')).toBe(new Date(ends * 1000).toUTCString());
      expect(await refused.json()).toMatchObject({ code: 'budget_exceeded', left: 400, resets: ends });
    });
  });

  it('over MCP in `_meta`', async () => {
    const token = w.token({}, hourly);
    const gate = new Gate(guard());
    const ask = (id: number): ReturnType<Gate['fromClient']> => {
      const capability = { token, proof: present(token).proof };
      const params = { name: 'echo', arguments: {}, _meta: { 'dev.ambit/capability': capability } };
      return gate.fromClient({ jsonrpc: '2.0', id, method: 'tools/call', params });
    };
    let id = 0;
    await inOneHour(async (resets) => {
      await ask(++id);
      const denial = { code: 'budget_exceeded', left: 400, resets };
      const refused = { reply: { result: { _meta: { 'dev.ambit/denial': denial } } } };
      expect(await ask(++id)).toMatchObject(refused);
    });
  });
});

describe('warnings', () => {
  it('once for each window of a counter, by whichever process comes first; a refund does not bring it back', async () => {
    const other = openSqlite(join(w.directory, 'state.db'));
    const told: BudgetWarning[] = [];
    const onWarning = (warning: BudgetWarning): void => void told.push(warning);
    const token = w.token({}, restrict.budget({ unit: 'bytes', limit: 100 }), restrict.calls(1000));
    const guards = [guard({ warnAt: 80, onWarning }), guard({ warnAt: 80, onWarning, store: other })];
    const call = async (g: Guard, bytes: number, used: number): Promise<readonly BudgetWarning[]> => {
      const answer = await g.authorize({ ...present(token), bytes });
      if (!answer.ok) throw new Error(answer.denial.code);
      await answer.finish({ status: 'ok', bytes: used });
      return answer.warnings;
    };
    expect(await call(guards[0]!, 79, 79)).toEqual([]);
    const warning = { unit: 'bytes', limit: 100, left: 20, caveat: 0 };
    expect(await call(guards[0]!, 1, 0)).toEqual([warning]);
    // Given back, 79 are used; across the threshold again, in the other process and in this one.
    for (const g of [guards[1]!, guards[0]!, guards[1]!]) expect(await call(g, 2, 0)).toEqual([]);
    expect(told).toEqual([warning]);
    await Promise.all(guards.map((g) => g.settled()));
    const alerts = (await w.records()).filter((r) => r.kind === 'alert');
    expect(alerts).toMatchObject([
      { session: 's-1', alert: { detector: 'budget', action: 'warned', score: 800 } },
    ]);
    await other.close();
  });

  it('of budgets that leased verifiers spend in their own processes: one is told, no later than it is due', async () => {
    const told: BudgetWarning[] = [];
    const other = openSqlite(join(w.directory, 'state.db'));
    const token = w.token({}, restrict.calls(200));
    // A proof's nonce goes to the store at every call; the counter should not.
    let charged = 0;
    const leases = [w.store, other].map(({ budgets }) => {
      const reserve: typeof budgets.reserve = (charges, ...more) => {
        if (charges.counters.length > 0) charged++;
        return budgets.reserve(charges, ...more);
      };
      return leasedBudgets({ ...budgets, reserve });
    });
    const guards = [w.store, other].map((store, i) => {
      const onWarning = (warning: BudgetWarning): void => void told.push(warning);
      return guard({ warnAt: 80, onWarning, store: { ...store, budgets: leases[i]! } });
    });
    let granted = 0;
    let before = 0;
    for (let refused = 0; refused < 2;) {
      const answer = await guards[granted % 2]!.authorize(present(token));
      if (answer.ok) granted++;
      else refused++;
      if (!answer.ok) guards.reverse();
      if (told.length === 0) before = granted;
    }
    expect(charged).toBeLessThan(granted / 2);
    expect(told).toHaveLength(1);
    // What the other holds in its slice counts as used, so it comes early rather than late.
    expect(told[0]!.left).toBeLessThanOrEqual(40);
    expect(before).toBeGreaterThan(100);
    expect(before).toBeLessThanOrEqual(160);
    expect(granted).toBeLessThanOrEqual(200);
    await Promise.all(leases.map((lease) => lease.stop()));
    await other.close();
  });

  it('many at once across the threshold: one is told', async () => {
    const told: BudgetWarning[] = [];
    const other = openSqlite(join(w.directory, 'state.db'));
    const onWarning = (warning: BudgetWarning): void => void told.push(warning);
    const token = w.token({}, restrict.rate(20, 3600));
    const guards = [guard({ warnAt: 50, onWarning }), guard({ warnAt: 50, onWarning, store: other })];
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => guards[i % 2]!.authorize(present(token))),
    );
    expect(answers.filter((a) => a.ok)).toHaveLength(20);
    expect(told).toHaveLength(1);
    expect(told[0]!.left).toBeLessThanOrEqual(10);
    await other.close();
  });

  it('a claim or a callback that fails changes no decision, and is asked again', async () => {
    const { budgets } = w.store;
    let broken = true;
    const reserve: typeof budgets.reserve = (charges, ...more) =>
      broken && charges.counters.length === 0
        ? Promise.resolve({ ok: false, code: 'store_unavailable', caveat: -1 })
        : budgets.reserve(charges, ...more);
    const faults: unknown[] = [];
    const onWarning = (): never => {
      throw new Error('down');
    };
    const g = guard({
      warnAt: 10,
      onWarning,
      onFault: (error) => faults.push(error),
      store: { ...w.store, budgets: { ...budgets, reserve } },
    });
    const token = w.token({}, restrict.calls(10));
    const first = await g.authorize(present(token));
    expect(first).toMatchObject({ ok: true, warnings: [] });
    broken = false;
    expect(await g.authorize(present(token))).toMatchObject({ ok: true, warnings: [{ left: 8 }] });
    expect(await g.authorize(present(token))).toMatchObject({ ok: true, warnings: [] });
    expect(faults).toEqual([new Error('down')]);
  });

  it('without a threshold none is given and the store is not asked; a threshold has to be a percentage', async () => {
    const { budgets } = w.store;
    let trips = 0;
    const reserve: typeof budgets.reserve = (...all) => {
      trips++;
      return budgets.reserve(...all);
    };
    const g = guard({ store: { ...w.store, budgets: { ...budgets, reserve } } });
    const token = w.token({}, restrict.calls(1));
    expect(await g.authorize(present(token))).toMatchObject({ ok: true, warnings: [] });
    expect(trips).toBe(1);
    for (const warnAt of [0, 101, Number.NaN]) expect(() => guard({ warnAt })).toThrow(RangeError);
  });
});

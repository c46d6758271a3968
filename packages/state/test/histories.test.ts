// Linearizability of budgets between four processes, quiet, under a nemesis that breaks connections, and with clients
// that are killed: in each history one order of all steps has to explain every answer. `AMBIT_LONG=1`: 150 of each.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Redis } from 'ioredis';
import pg from 'pg';
import { onEach, type Place } from './backends.ts';
import { isLinearizable, overlaps, play, stepsOf, type Answer, type Ask, type Step } from './histories.ts';
import { bundleWorker, startWorker, type Worker } from './processes.ts';
import { NOW, serverSeconds } from '../src/testing/make.ts';

const long = process.env['AMBIT_LONG'] === '1';
const HISTORIES = long ? 150 : 8;
const CLIENTS = 4;
/** Milliseconds between two histories. */
const GAP = 40;
const MINUTES = 60_000;

let worker: { path: string; remove: () => void };
beforeAll(async () => {
  worker = await bundleWorker();
});
afterAll(() => worker.remove());

/** What a nemesis does, again and again, until it is stopped. */
async function nemesis(place: Place): Promise<() => Promise<number>> {
  let stopped = false;
  let strikes = 0;
  const every = async (strike: () => Promise<unknown>): Promise<void> => {
    while (!stopped) {
      await strike().catch(() => undefined);
      strikes++;
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const end = (running: Promise<void>, close: () => unknown) => async (): Promise<number> => {
    stopped = true;
    await running;
    await close();
    return strikes;
  };
  const { redis, postgres } = place.orders;
  if (redis !== undefined) {
    const admin = new Redis(redis.port, '127.0.0.1');
    const strikes: (() => Promise<unknown>)[] = [
      () => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
      () => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
      () => admin.call('CLIENT', 'PAUSE', '60'),
      () => admin.script('FLUSH'),
    ];
    let n = 0;
    return end(
      every(() => strikes[n++ % strikes.length]!()),
      () => admin.disconnect(),
    );
  }
  if (postgres !== undefined) {
    const admin = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'postgres' });
    await admin.connect();
    let n = 0;
    const strike = (): Promise<unknown> =>
      n++ % 2 === 0
        ? admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
            where pid <> pg_backend_pid() and application_name = 'ambit' and random() < 0.5`)
        : admin.query(`begin; lock table ${postgres.schema}.meta; select pg_sleep(0.05); commit`);
    return end(every(strike), () => admin.end());
  }
  // Of a file: another process takes the lock and is killed with it.
  const kill = async (): Promise<void> => {
    const orders = { n: 1e6, inflight: 64, limit: 1e9, name: 'other', ...place.orders };
    const other = startWorker(worker.path, { ...orders, work: 'write' });
    await other.ready;
    other.go();
    await other.answered;
    other.child.kill('SIGKILL');
    await other.ended;
  };
  return end(every(kill), () => undefined);
}

/** The clients of one kind of histories, and what became of them. */
async function run(
  place: Place,
  name: string,
  kills: boolean,
  now: number,
): Promise<readonly (readonly Step[])[]> {
  const orders = { ...place.orders, work: 'histories', name, gap: GAP, inflight: 1, limit: 1, now } as const;
  const started = (client: number, first: number): Worker =>
    startWorker(worker.path, { ...orders, client, first, n: HISTORIES - first });
  const workers = Array.from({ length: CLIENTS }, (_, client) => started(client, 0));
  await Promise.all(workers.map((each) => each.ready));
  for (const each of workers) each.go();
  if (kills) {
    // Whatever is under way when it is killed may have happened; a new one goes on where the others are.
    for (let client = CLIENTS; client < CLIENTS + (long ? 20 : 3); client++) {
      const at = Math.max(0, ...workers[0]!.lines.map((line) => (line as { k?: number }).k ?? 0));
      if (at >= HISTORIES - 1) break;
      const victim = started(client, at);
      workers.push(victim);
      await victim.ready;
      victim.go();
      await victim.answered;
      await new Promise((resolve) => setTimeout(resolve, (client * 7) % 30));
      victim.child.kill('SIGKILL');
      await victim.ended;
    }
  }
  await Promise.all(workers.map((each) => each.ended));
  const said = Array.from({ length: HISTORIES }, (): Step[] => []);
  for (const line of workers.flatMap((each) => each.lines) as { k?: number; step: Step }[])
    // JSON has no Infinity.
    if (line.k !== undefined) said[line.k]!.push({ ...line.step, to: line.step.to ?? Infinity });
  return said.map(stepsOf);
}

onEach(['sqlite', 'redis', 'postgres'], (name, at) => {
  test.each([
    ['quiet', false, false],
    ['under a nemesis', true, false],
    ['with clients that are killed', false, true],
  ])(
    `L10 S4 ${HISTORIES} histories of ${CLIENTS} processes, %s, are linearizable`,
    { timeout: 30 * MINUTES },
    async (what, struck, kills) => {
      const place = await at();
      await (await place.open()).close();
      const stop = struck ? await nemesis(place) : null;
      const now = name === 'sqlite' ? NOW : serverSeconds();
      const histories = await run(place, what, kills, now);
      const strikes = (await stop?.()) ?? 0;
      const steps = histories.flat();
      const maybe = steps.filter(({ answer }) => answer.is === 'maybe').length;
      const together = histories.reduce((n, each) => n + overlaps(each), 0);
      expect(histories.filter((each) => !isLinearizable(each))).toEqual([]);
      expect(steps.length - maybe).toBeGreaterThan(HISTORIES);
      expect(together).toBeGreaterThan(0);
      if (struck) expect(strikes).toBeGreaterThan(0);
      if (long)
        console.log(
          `${name}, ${what}: ${histories.length} histories, ${steps.length} steps, ${together} pairs at once, ` +
            `${maybe} without an answer, ${strikes} strikes: all linearizable`,
        );
    },
  );
});

describe('the judge', () => {
  const step = (from: number, to: number, ask: Ask, answer: Answer): Step => ({ ask, answer, from, to });
  const reserve = (amount: number): Ask => ({ what: 'reserve', amount });
  const ok: Answer = { is: 'ok' };
  test('finds what no order explains', () => {
    const twelve = [step(0, 1, reserve(6), ok), step(2, 3, reserve(6), ok)];
    expect(isLinearizable(twelve)).toBe(true);
    expect(isLinearizable([...twelve, step(4, 5, reserve(1), ok)])).toBe(false);
    const refused: Answer = { is: 'refused', counter: 1, left: 0 };
    expect(isLinearizable([...twelve, step(4, 5, reserve(1), refused)])).toBe(true);
    // A refusal that began before the second was granted is explained by no order that has 6 left.
    expect(isLinearizable([...twelve, step(4, 5, reserve(1), { ...refused, left: 6 })])).toBe(false);
    expect(isLinearizable([...twelve, step(2, 5, reserve(7), { ...refused, left: 6 })])).toBe(true);
    // Left is what a step that may have happened left, or not; but not both in turn.
    const maybe = step(0, Infinity, reserve(6), { is: 'maybe' });
    const left = (from: number, n: number): Step =>
      step(from, from + 1, { what: 'left' }, { is: 'left', left: [n + 8, n] });
    expect(isLinearizable([maybe, left(2, 12), left(4, 6)])).toBe(true);
    expect(isLinearizable([maybe, left(2, 6), left(4, 12)])).toBe(false);
    const settle: Ask = { what: 'settle', amount: 6, used: 2 };
    expect(isLinearizable([...twelve, step(4, 5, settle, ok), left(6, 4)])).toBe(true);
    expect(isLinearizable([...twelve, step(4, 5, settle, ok), left(6, 0)])).toBe(false);
  });

  onEach(['memory'], (_name, at) => {
    test('L10 S4 finds one order for clients of one process', async () => {
      const store = await (await at()).open();
      for (let k = 0; k < HISTORIES; k++) {
        const said: Step[] = [];
        await Promise.all(
          Array.from({ length: CLIENTS }, (_, client) =>
            play(store, `h${k}`, k * 64 + client, 6, NOW, (each) => said.push(each)),
          ),
        );
        expect(isLinearizable(stepsOf(said))).toBe(true);
      }
    });
  });
});

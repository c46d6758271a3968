// Revoked is out (finding S3): a decision is given on what was known when it is given, not when it was made. The
// caller that is told first stops the process until another process has had its revocation acknowledged; of all that
// wait behind it one at most may still be told yes. `AMBIT_LONG=1` does it with 10,000 calls, and
// measures what the promise says in milliseconds.
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { restrict, attenuate, ProofSession, SecretKey } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Authorizer, Store } from '../src/index.ts';
import { onEach } from './backends.ts';
import { bundleWorker, startWorker } from './processes.ts';
import { ISSUER, agent, authorizer, facts, pay, token, use, verifier } from './world.ts';
import { NOW } from '../src/testing/make.ts';

const long = process.env['AMBIT_LONG'] === '1';
const CALLS = long ? 10_000 : 400;
const MINUTES = 60_000;

let worker: { path: string; remove: () => void };
beforeAll(async () => {
  worker = await bundleWorker();
});
afterAll(() => worker.remove());

const revoke = {
  work: 'revoke',
  issuer: ISSUER,
  name: 'jane@acme.com',
  n: 1,
  inflight: 1,
  limit: 1,
} as const;
const free = token();
const budgeted = attenuate(token(), restrict.calls(1_000_000));

onEach(['sqlite', 'redis', 'postgres'], (name, at) => {
  // Without a budget and with a proof of a session nothing is asked of the store, so nothing else waits.
  test.each([
    ['with a budget and a nonce each', false],
    ['that charge nothing', true],
  ])(
    `finding S3 W5 ${CALLS} calls in one burst %s: after a revocation elsewhere one is accepted`,
    { timeout: 10 * MINUTES },
    async (_what, charged) => {
      const place = await at();
      const store = await place.open();
      const call = charged ? await freeCalls(store) : await chargedCalls(store);
      let accepted = 0;
      let before = 0;
      const codes = new Set<string>();
      const one = async (): Promise<void> => {
        const answer = await call();
        if (!answer.ok) return void codes.add(answer.code);
        if (++accepted !== 40) return;
        // The time for the message to arrive: a server sends it after the acknowledgement.
        const stay = name === 'sqlite' ? 0 : 500;
        const orders = JSON.stringify({ ...revoke, ...place.orders, stay });
        const ended = spawnSync(process.execPath, [worker.path, orders], { input: 'go\n' });
        expect(ended.status).toBe(0);
        before = accepted;
      };
      await Promise.all(Array.from({ length: CALLS }, one));
      expect(before).toBe(40);
      expect(accepted - before).toBeLessThanOrEqual(1);
      expect([...codes]).toEqual(['revoked']);
      await store.close();
    },
  );

  test.runIf(long).each([
    ['200 in flight', 200, 4000],
    ['1,000 in flight', 1000, 5000],
    ['a burst of 10,000', 10_000, 10_000],
  ])('finding S3 measured: %s', { timeout: 10 * MINUTES }, async (what, inflight, most) => {
    const late: number[] = [];
    for (let run = 0; run < 3; run++) {
      const place = await at();
      const store = await place.open();
      const call = await chargedCalls(store);
      const revoker = startWorker(worker.path, { ...revoke, ...place.orders });
      await revoker.ready;
      let last = 0n;
      let accepted = 0;
      let asked = 0;
      let refused = false;
      const lane = async (): Promise<void> => {
        while (!refused && asked++ < most) {
          const answer = await call();
          if (!answer.ok) return void (refused = true);
          last = process.hrtime.bigint();
          if (++accepted === 40) revoker.go();
        }
      };
      await Promise.all(Array.from({ length: inflight }, lane));
      await revoker.ended;
      const acknowledged = BigInt(revoker.lines[1] as string);
      late.push(Math.max(0, Number(last - acknowledged) / 1e6));
      // How late is a figure; that it arrives is a claim.
      await expect.poll(call).toMatchObject({ ok: false, code: 'revoked' });
      await store.close();
    }
    console.log(
      `${name}, ${what}: last acceptance after the acknowledgement, ms: ` +
        `${late.map((ms) => ms.toFixed(1)).join(' ')} (load ${loadavg()[0]!.toFixed(0)})`,
    );
  });
});

/** Signed proofs of a token with a budget: a nonce and a counter each. */
async function chargedCalls(store: Store): Promise<() => ReturnType<Authorizer['authorize']>> {
  const to = await authorizer(store);
  const call = pay(1);
  return () => use(to, budgeted, call);
}

/** Proofs of a session that this process counts itself: the store has nothing to write. */
async function freeCalls(store: Store): Promise<() => ReturnType<Authorizer['authorize']>> {
  const key = SecretKey.generate('x25519');
  const v = verifier({ proofSessions: { key, unsafeEpoch: new Uint8Array(16) } });
  const to = await authorizer(store, { verifier: v });
  const session = ProofSession.open(v.sessionOffer!, { time: NOW }, agent(0), nodeProvider);
  const call = pay(1);
  return () => to.authorize({ token: free, proof: session.prove(free, call, NOW), call, facts: facts() });
}

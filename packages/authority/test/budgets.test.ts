// What `ambit budget` asks: what is left of a token's own budgets and of its ancestors', in the order of the chain.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attenuate, delegate, restrict } from '@ambit/core';
import { memoryStore, type Store } from '@ambit/state';
import { openSqlite } from '@ambit/state/sqlite';
import { agent, authorizer, facts, pay, token, use, verifier } from '../../state/test/world.ts';
import { LATER, NOW } from '../../state/src/testing/make.ts';
import { budgetLines } from '../src/budgets.ts';

const folder = mkdtempSync(join(tmpdir(), 'ambit-budgets-'));
afterAll(() => rmSync(folder, { recursive: true }));
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

describe.each([
  ['memory', (): Store => memoryStore({ nowSeconds: () => NOW })],
  ['sqlite', (): Store => openSqlite(join(folder, 'state.db'), { nowSeconds: () => NOW })],
])('%s', (_name, open) => {
  test('what a call did not use is given back, and `budget` shows it for the token and its ancestors', async () => {
    const store = open();
    const a = await authorizer(store);
    const parent = attenuate(token({ budgets: [{ unit: 'bytes', limit: 1000 }] }), restrict.calls(10));
    const child = attenuate(
      delegate(parent, { to: agent(1).publicKey, label: 'reader', time: NOW }, agent(0)),
      restrict.budget({ unit: 'calls', limit: 3, window: 60 }),
    );
    const decision = await use(a, child, pay(1), agent(1), facts({ bytes: 600 }));
    if (!decision.ok) throw new Error(decision.code);
    expect(code(await use(a, child, pay(1), agent(1), facts({ bytes: 600 })))).toBe('budget_exceeded');
    expect(await a.settle(decision, [250, 1, 1])).toBe(true);
    const seen = verifier().identify(child);
    if (!seen.ok) throw new Error(seen.code);
    const lines = await budgetLines(store, seen.token, NOW);
    expect(lines).toMatchObject([
      { caveat: -1, left: 750, label: null, renewed: null },
      { caveat: 0, left: 9, label: null },
      { caveat: 2, left: 2, label: 'reader', renewed: NOW - (NOW % 60) + 60 },
    ]);
    expect(await budgetLines(store, seen.token, LATER)).toMatchObject({ ok: false, code: 'expired' });
    await store.close();
  });
});

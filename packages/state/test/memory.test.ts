import { expect, test } from 'vitest';
import { memoryLedger, memoryStore } from '../src/index.ts';
import { conformance } from '../src/testing.ts';
import { NOW, charges, counter, proofClaim } from '../src/testing/make.ts';

conformance('memory', async (options) => memoryStore(options));

test('S8 a full memory store refuses with the code that says so', async () => {
  const store = memoryStore({ rows: 100 });
  let code: string | null = null;
  for (let i = 0; i < 200 && code === null; i++) {
    const answer = await store.budgets.reserve(charges([], { replay: proofClaim(`n${i}`) }), NOW);
    if (!answer.ok) code = answer.code;
  }
  expect(code).toBe('store_full');
});

test('memory is given back: rows that expired make room', async () => {
  let now = NOW;
  const store = memoryStore({ rows: 300, nowSeconds: () => now });
  for (let i = 0; i < 2000; i++) {
    now = NOW + i;
    const c = charges([counter(`c${i}`, 1, 1, { expires: NOW + i + 10, caveat: 1 })], {
      replay: proofClaim(`n${i}`, NOW + i + 10),
    });
    const answer = await store.budgets.reserve(c, NOW + i);
    expect(answer, `call ${i}`).toMatchObject({ ok: true });
  }
});

test('findings S14, S15: a list that is longer than a call may have arguments is kept, and read page by page', async () => {
  const { revocations } = memoryStore({ nowSeconds: () => NOW });
  const many = 131_072;
  for (let i = 0; i < many; i++)
    await revocations.add({ kind: 'user', issuer: 'acme', value: `u${i}`, reason: '' }, NOW);
  let read = 0;
  for (let cursor = 0, page = 1; page > 0; read += page) {
    const { entries, cursor: next } = await revocations.since(cursor);
    page = entries.length;
    cursor = next;
  }
  expect(read).toBe(many);
});

test('finding S15 entries that have ended give their room back, though nothing is charged', async () => {
  let now = NOW;
  const store = memoryStore({ nowSeconds: () => now });
  for (let i = 0; i < 5000; i++) {
    now = NOW + i;
    await store.revocations.add(
      { kind: 'user', issuer: 'acme', value: `u${i}`, reason: '', expires: now + 10 },
      now,
    );
  }
  const held = (await store.stats()).rows['revocations']!;
  expect(held).toBeLessThanOrEqual(256);
  expect(held).toBeGreaterThanOrEqual(70);
});

test('the synchronous ledger gives the same answers', () => {
  const ledger = memoryLedger();
  const c = charges([counter('x', 6, 10)], { replay: proofClaim('x') });
  expect(ledger.apply(c, NOW)).toEqual({ ok: true });
  expect(ledger.apply(c, NOW)).toMatchObject({ ok: false, code: 'replayed', caveat: -1 });
  expect(ledger.apply({ ...c, replay: proofClaim('y') }, NOW)).toEqual({
    ok: false,
    code: 'budget_exceeded',
    caveat: -1,
    left: 4,
  });
});

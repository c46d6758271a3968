// Attack group S with real tokens: verify, assess, then the store.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  attenuate,
  createVerifier,
  delegate,
  fromHex,
  listCounters,
  mintBearer,
  prove,
  ProofSession,
  restrict,
  SecretKey,
  toBase64url,
  type Ledger,
} from '@ambit/core';
import { authorize } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { afterAll, describe, expect, test } from 'vitest';
import { memoryStore, type Budgets, type Store } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import {
  AUDIENCE,
  ISSUER,
  SESSION,
  agent,
  authorizer,
  facts,
  keyring,
  makeCall,
  pay,
  sealKey,
  sealer,
  spec,
  token,
  use,
  verifier,
} from './world.ts';
import { LATER, NOW } from '../src/testing/make.ts';

const folder = mkdtempSync(join(tmpdir(), 'ambit-authorize-'));
afterAll(() => rmSync(folder, { recursive: true }));
let n = 0;
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const limit = restrict.sum('amount', 10_000);

describe.each([
  ['memory', (): Store => memoryStore({ nowSeconds: () => NOW })],
  ['sqlite', (): Store => openSqlite(join(folder, `${n++}.db`), { nowSeconds: () => NOW })],
])('%s', (_name, open) => {
  test('S1 two hundred calls of 50 against a sum of 10,000: the next is refused', async () => {
    const store = open();
    const a = await authorizer(store);
    const t = attenuate(token(), limit);
    const answers = await Promise.all(Array.from({ length: 201 }, () => use(a, t, pay(50))));
    expect(answers.filter((answer) => answer.ok).length).toBe(200);
    expect(code(await use(a, t, pay(1)))).toBe('budget_exceeded');
    await store.close();
  });

  test('finding R16: one verified token runs one call, however many ask at once', async () => {
    const store = open();
    const one = verifier({ proofSessions: { key: SecretKey.generate('x25519') } });
    const a = await authorizer(store, { verifier: one });
    const session = ProofSession.open(one.sessionOffer!, { time: NOW }, agent(0));
    const t = attenuate(token(), restrict.calls(1));
    for (const held of [token(), t]) {
      const call = pay(50);
      const shown = one.verify({ token: held, proof: session.prove(held, call, NOW), call, now: NOW });
      if (!shown.ok) throw new Error(shown.message);
      const asked = await Promise.all([1, 2, 3].map(() => a.admit(shown.token, facts())));
      expect(asked.map(({ verdict }) => code(verdict)).toSorted()).toEqual(['ok', 'replayed', 'replayed']);
    }
    // Refused, it has not run, and is not used up.
    const call = pay(50);
    const again = one.verify({ token: t, proof: session.prove(t, call, NOW), call, now: NOW });
    if (!again.ok) throw new Error(again.message);
    for (let i = 0; i < 2; i++)
      expect(code((await a.admit(again.token, facts())).verdict)).toBe('budget_exceeded');
    await store.close();
  });

  test('S2 three calls of 9,000 under a cap of 10,000 a call and a sum of 10,000: the second is refused', async () => {
    const store = open();
    const a = await authorizer(store);
    const cap = restrict.args(['pay'], { amount: { kind: 'range', min: 0, max: 10_000 } });
    const t = attenuate(token(), cap, limit);
    expect((await Promise.all([1, 2, 3].map(() => use(a, t, pay(9000))))).map(code).toSorted()).toEqual([
      'budget_exceeded',
      'budget_exceeded',
      'ok',
    ]);
    const refused = await use(a, t, pay(9000));
    expect(refused).toMatchObject({
      code: 'budget_exceeded',
      caveat: 1,
      message: expect.stringContaining('1000 left') as string,
    });
    await store.close();
  });

  test("S3 a hundred siblings, each with a budget of its own, against the parent's", async () => {
    const store = open();
    const a = await authorizer(store);
    const parent = attenuate(token(), restrict.calls(20));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => {
        const child = attenuate(parent, restrict.note(`child ${i}`), restrict.calls(5));
        return use(a, child, pay(1));
      }),
    );
    expect(answers.filter((answer) => answer.ok).length).toBe(20);
    await store.close();
  });

  test('S5 the counter is not reset by re-deriving the token, by another holder, or by the clock', async () => {
    const store = open();
    const a = await authorizer(store);
    const parent = attenuate(token(), restrict.calls(1));
    expect(code(await use(a, parent, pay(1)))).toBe('ok');
    const again = attenuate(parent, restrict.calls(100));
    const handed = delegate(parent, { to: agent(1).publicKey, label: 'sub', time: NOW }, agent(0));
    expect(code(await use(a, again, pay(1)))).toBe('budget_exceeded');
    expect(code(await use(a, handed, pay(1), agent(1)))).toBe('budget_exceeded');
    expect(code(await use(a, parent, pay(1), agent(0), facts({ now: NOW + 1000 })))).toBe('budget_exceeded');
    await store.close();
  });

  test('S6 an amount that is negative, zero, fractional or huge charges nothing it should not', async () => {
    const store = open();
    const a = await authorizer(store);
    const t = attenuate(token(), limit);
    for (const amount of [-1, -10_000, 0.5, 1e-7])
      expect(code(await use(a, t, pay(amount)))).toBe('budget_amount');
    expect(code(await use(a, t, makeCall('pay', { amount: '5' })))).toBe('budget_amount');
    expect(code(await use(a, t, makeCall('pay')))).toBe('budget_amount');
    expect(code(await use(a, t, pay(0)))).toBe('ok');
    expect(code(await use(a, t, pay(Number.MAX_SAFE_INTEGER)))).toBe('budget_exceeded');
    expect(code(await use(a, t, pay(10_000)))).toBe('ok');
    await store.close();
  });

  test('S7 revoked by token, node, session, user, operator, model digest, holder key and key id, cached or not', async () => {
    const kinds = ['token', 'node', 'session', 'user', 'operator', 'model', 'holder', 'key'] as const;
    for (const kind of kinds) {
      const store = open();
      const a = await authorizer(store);
      const t = delegate(token(), { to: agent(1).publicKey, label: 'sub', time: NOW }, agent(0));
      const verified = await use(a, t, pay(1), agent(1));
      if (!verified.ok) throw new Error(verified.code);
      const v = verified.token.view;
      const values = {
        token: v.tokenId,
        node: v.chain[1]!.id,
        session: v.session,
        user: v.user,
        operator: v.operator.id,
        // The list writes digests in base64url; the view has hexadecimal.
        model: toBase64url(fromHex(v.model.digest)!),
        holder: toBase64url(agent(0).publicKey.bytes),
        key: v.keyId,
      };
      const global = kind === 'node' || kind === 'model' || kind === 'holder';
      await store.revocations.add(
        { kind, value: values[kind], reason: 'lost', ...(global ? {} : { issuer: ISSUER }) },
        NOW,
      );
      expect(await use(a, t, pay(1), agent(1))).toMatchObject({
        code: 'revoked',
        message: expect.stringContaining('lost') as string,
      });
      await store.close();
    }
  });

  test('a budget that is used up says what is left and when its window ends', async () => {
    const store = memoryStore({ nowSeconds: () => NOW });
    const to = await authorizer(store);
    const shown = attenuate(token(), restrict.budget({ unit: 'calls', limit: 1, window: 60 }));
    expect(code(await use(to, shown, pay(1)))).toBe('ok');
    const resets = NOW - (NOW % 60) + 60;
    const until = new Date(resets * 1000).toISOString().slice(0, 19);
    expect(await use(to, shown, pay(1))).toMatchObject({
      code: 'budget_exceeded',
      left: 0,
      resets,
      message: expect.stringContaining(`(0 left until ${until}Z)`) as string,
    });
    const inAll = attenuate(token(), restrict.calls(1));
    expect(code(await use(to, inAll, pay(1)))).toBe('ok');
    const denied = await use(to, inAll, pay(1));
    expect(denied).toMatchObject({ code: 'budget_exceeded', left: 0 });
    expect(denied).not.toHaveProperty('resets');
  });

  test('S7 revoked where neither a session nor a reservation asks: the first question alone refuses', async () => {
    const store = open();
    const a = await authorizer(store, { verifier: verifier({ bearer: true }), requireOpenSession: false });
    const { holder: _, delegations: __, ...bearer } = spec;
    const t = mintBearer(keyring, bearer);
    const shown = (): ReturnType<typeof a.authorize> =>
      a.authorize({ token: t, call: pay(1), facts: facts() });
    // Nothing is charged and no session is looked up, so there is no second question.
    expect(await shown()).toMatchObject({ ok: true, reservation: null, session: null });
    await store.revocations.add({ kind: 'session', issuer: ISSUER, value: SESSION, reason: '' }, NOW);
    expect(code(await shown())).toBe('revoked');
    await store.close();
  });

  test('S3 revoked while the call waits for the store: refused, and its budget is given back', async () => {
    const store = memoryStore();
    const verified = token({ budgets: [{ unit: 'calls', limit: 5 }] });
    // The revocation is acknowledged after the charges are applied and before their answer arrives.
    const budgets: Budgets = {
      ...store.budgets,
      reserve: async (charges, now, share) => {
        const answer = await store.budgets.reserve(charges, now, share);
        await store.revocations.add(
          { kind: 'user', issuer: ISSUER, value: 'jane@acme.com', reason: 'left' },
          NOW,
        );
        return answer;
      },
    };
    const to = await authorizer(store, { budgets });
    const denied = await use(to, verified, makeCall('search'));
    expect(denied).toMatchObject({ ok: false, code: 'revoked' });
    const authentic = verifier().identify(verified);
    if (!authentic.ok) throw new Error(authentic.code);
    const { partitionKey, counters } = listCounters(authentic.token, NOW);
    expect(await store.budgets.left(partitionKey, counters, NOW)).toEqual([5]);
  });

  test('S7 D8 a revoked node takes its subtree with it; its siblings live', async () => {
    const store = open();
    const a = await authorizer(store);
    const base = token();
    const left = delegate(base, { to: agent(1).publicKey, label: 'left', time: NOW }, agent(0));
    const right = delegate(base, { to: agent(2).publicKey, label: 'right', time: NOW }, agent(0));
    const under = delegate(left, { to: agent(3).publicKey, label: 'under', time: NOW }, agent(1));
    const verified = await use(a, left, pay(1), agent(1));
    if (!verified.ok) throw new Error(verified.code);
    await store.revocations.add({ kind: 'node', value: verified.token.view.chain[1]!.id, reason: '' }, NOW);
    expect(code(await use(a, left, pay(1), agent(1)))).toBe('revoked');
    expect(code(await use(a, under, pay(1), agent(3)))).toBe('revoked');
    expect(code(await use(a, right, pay(1), agent(2)))).toBe('ok');
    expect(code(await use(a, base, pay(1)))).toBe('ok');
    await store.close();
  });

  test('S10 once, budgets and revocation are not escaped by appending a note', async () => {
    const store = open();
    const a = await authorizer(store);
    const t = attenuate(token(), restrict.once());
    const note = (text: string, i: number): string => attenuate(text, restrict.note(`note ${i}`));
    expect(code(await use(a, t, pay(1)))).toBe('ok');
    expect(code(await use(a, note(t, 1), pay(1)))).toBe('once_used');
    const budgeted = attenuate(token(), restrict.calls(1));
    expect(code(await use(a, note(budgeted, 1), pay(1)))).toBe('ok');
    expect(code(await use(a, note(budgeted, 2), pay(1)))).toBe('budget_exceeded');
    const id = await use(a, token(), pay(1));
    if (!id.ok) throw new Error(id.code);
    await store.close();
  });

  test('S11 counters, nonces and once are not burnt by someone without the key, nor by a call that is refused', async () => {
    const store = open();
    const a = await authorizer(store);
    const t = attenuate(token(), restrict.calls(1), restrict.once(), restrict.tools('pay'));
    const good = pay(1);
    const proof = prove(t, good, { audience: AUDIENCE, time: NOW }, agent(0));
    const forged = prove(
      attenuate(token({ holder: agent(5).publicKey }), restrict.calls(1)),
      good,
      { audience: AUDIENCE, time: NOW },
      agent(5),
    );
    for (const [verified, by, what] of [
      [t, forged, good],
      [t, undefined, good],
      [t.slice(0, -2) + (t.endsWith('AA') ? 'BA' : 'AA'), proof, good],
      [t, proof, pay(2)],
    ] as const)
      expect((await a.authorize({ token: verified, proof: by, call: what, facts: facts() })).ok).toBe(false);
    expect(code(await use(a, t, makeCall('search')))).toBe('tool_not_granted');
    expect(code(await a.authorize({ token: t, proof, call: good, facts: facts() }))).toBe('ok');
    expect(code(await a.authorize({ token: t, proof, call: good, facts: facts() }))).toBe('replayed');
    await store.close();
  });

  test("S12 endless fresh budgets: the holder fills its own allowance of rows and nobody else's", async () => {
    const store = memoryStore({ rowsPerToken: 64 });
    const a = await authorizer(store);
    const t = token();
    const codes: string[] = [];
    for (let i = 0; i < 10; i++) {
      const many = attenuate(
        t,
        ...Array.from({ length: 15 }, () => restrict.calls(10)),
        restrict.note(String(i)),
      );
      // The note stands behind the budgets, so the budgets' counters are the same rows each time.
      codes.push(code(await use(a, many, pay(1))));
      const fresh = attenuate(
        t,
        restrict.note(String(i)),
        ...Array.from({ length: 15 }, () => restrict.calls(10)),
      );
      codes.push(code(await use(a, fresh, pay(1))));
    }
    expect(codes.filter((c) => c === 'ok').length).toBe(10 + 3);
    expect(codes.filter((c) => c === 'budget_exceeded').length).toBe(7);
    expect(code(await use(a, t, pay(1)))).toBe('ok');
    expect(code(await use(a, attenuate(token(), restrict.calls(3)), pay(1)))).toBe('ok');
    await store.close();
  });

  test("S13 another's counter is not hit by a chosen token id or audience", async () => {
    const store = open();
    const a = await authorizer(store);
    const tokenId = new Uint8Array(16).fill(7);
    const mine = attenuate(token({ tokenId }), restrict.calls(1));
    const same = attenuate(token({ tokenId, user: 'mallory@acme.com' }), restrict.calls(1));
    expect(code(await use(a, same, pay(1)))).toBe('ok');
    expect(code(await use(a, mine, pay(1)))).toBe('ok');
    const other = createVerifier({
      audience: 'other.acme.com',
      keys: keyring.exportFor('other.acme.com'),
      provider: nodeProvider,
    });
    const b = await authorizer(store, { verifier: other });
    const there = attenuate(token({ tokenId, audience: 'other.acme.com' }), restrict.calls(1));
    const what = pay(1);
    const proof = prove(there, what, { audience: 'other.acme.com', time: NOW }, agent(0));
    expect(code(await b.authorize({ token: there, proof, call: what, facts: facts() }))).toBe('ok');
    await store.close();
  });

  test('S13 a pool is shared by the sealed tokens of its issuer, across audiences, and by no others', async () => {
    const store = open();
    const seals = [sealKey];
    const a = await authorizer(store, { verifier: verifier({ seals }) });
    const budgets = [{ unit: 'calls', limit: 3, pool: 'team' }] as const;
    const one = token({ budgets }, sealer);
    const two = token({ budgets, user: 'bob@acme.com' }, sealer);
    const answers = await Promise.all([one, two, one, two, one].map((t) => use(a, t, pay(1))));
    expect(answers.map(code).filter((c) => c === 'ok').length).toBe(3);
    await store.close();
  });

  test("sessions: a closed or unknown one makes every token useless; a session proof's number counts once", async () => {
    const store = open();
    const a = await authorizer(store);
    expect(code(await use(a, token({ session: 'never opened' }), pay(1)))).toBe('session_not_found');
    const epoch = new Uint8Array(Buffer.from(await store.replay.epoch(), 'hex'));
    const sessions = { key: SecretKey.generate('x25519'), epoch, shared: true };
    // Two replicas of one service: the same keys, the same windows.
    const [first, second] = [verifier({ proofSessions: sessions }), verifier({ proofSessions: sessions })];
    const replicas = await Promise.all([first, second].map((each) => authorizer(store, { verifier: each })));
    const session = ProofSession.open(first.sessionOffer!, { time: NOW }, agent(0), nodeProvider);
    const t = token();
    const what = pay(1);
    const proof = session.prove(t, what, NOW);
    expect(code(await replicas[0]!.authorize({ token: t, proof, call: what, facts: facts() }))).toBe('ok');
    expect(code(await replicas[0]!.authorize({ token: t, proof, call: what, facts: facts() }))).toBe(
      'replayed',
    );
    expect(code(await replicas[1]!.authorize({ token: t, proof, call: what, facts: facts() }))).toBe(
      'replayed',
    );
    const next = session.prove(t, what, NOW);
    expect(code(await replicas[1]!.authorize({ token: t, proof: next, call: what, facts: facts() }))).toBe(
      'ok',
    );
    await store.sessions.close(ISSUER, SESSION, 'done', NOW);
    const codes = await Promise.all(
      [token(), t, attenuate(t, restrict.note('x'))].map(async (each) => code(await use(a, each, pay(1)))),
    );
    expect(codes).toEqual(['revoked', 'revoked', 'revoked']);
    await store.close();
  });
});

describe('S8 a store that fails', () => {
  const broken = (store: Store, code: 'store_unavailable' | 'store_corrupt' | 'store_full'): Store => ({
    ...store,
    budgets: { ...store.budgets, reserve: async () => ({ ok: false, code, caveat: -1 }) } satisfies Budgets,
  });

  test.each(['store_unavailable', 'store_corrupt', 'store_full'] as const)(
    '%s denies with that code',
    async (fault) => {
      const a = await authorizer(broken(memoryStore(), fault));
      expect(code(await use(a, token(), pay(1)))).toBe(fault);
    },
  );

  test('a tool the operator has listed proceeds, says so, and is reported; a refusal is no fault', async () => {
    const reported: unknown[] = [];
    const options = { proceedOnFault: ['pay'], onProceed: (p: unknown) => void reported.push(p) };
    const store = memoryStore();
    const a = await authorizer(broken(store, 'store_unavailable'), options);
    const t = attenuate(token(), restrict.calls(1));
    expect(await use(a, t, pay(1))).toMatchObject({
      ok: true,
      fault: 'store_unavailable',
      reservation: null,
    });
    expect(reported).toMatchObject([{ tool: 'pay', code: 'store_unavailable' }]);
    expect(code(await use(a, t, makeCall('search')))).toBe('store_unavailable');
    const b = await authorizer(store, options);
    expect(code(await use(b, t, pay(1)))).toBe('ok');
    expect(code(await use(b, t, pay(1)))).toBe('budget_exceeded');
    await store.revocations.add({ kind: 'user', issuer: ISSUER, value: 'jane@acme.com', reason: '' }, NOW);
    expect(code(await use(a, t, pay(1)))).toBe('revoked');
    expect(reported.length).toBe(1);
  });
});

test("S9 the verifier's cache: no stale allow after revocation or expiry", async () => {
  const store = memoryStore();
  const a = await authorizer(store);
  const t = token({ expires: NOW + 100 });
  for (let i = 0; i < 3; i++) expect(code(await use(a, t, pay(1)))).toBe('ok');
  expect(code(await use(a, t, pay(1), agent(0), facts({ now: NOW + 100 })))).toBe('expired');
  const other = token();
  for (let i = 0; i < 3; i++)
    expect(code(await use(a, other, pay(1), agent(0), facts({ now: NOW + 100 })))).toBe('ok');
  await store.revocations.add({ kind: 'operator', issuer: ISSUER, value: 'acme-corp', reason: '' }, NOW);
  expect(code(await use(a, other, pay(1), agent(0), facts({ now: NOW + 100 })))).toBe('revoked');
});

test("core's synchronous clear takes the memory and the SQLite ledger", () => {
  const ledgers: Ledger[] = [memoryStore().ledger, openSqlite(join(folder, 'ledger.db')).ledger];
  for (const ledger of ledgers) {
    const t = attenuate(token(), restrict.calls(2));
    const v = verifier();
    const once = (): string => {
      const what = pay(1);
      const verified = v.verify({
        token: t,
        proof: prove(t, what, { audience: AUDIENCE, time: NOW }, agent(0)),
        call: what,
        now: NOW,
      });
      if (!verified.ok) throw new Error(verified.code);
      return code(authorize(verified.token, facts(), ledger));
    };
    expect([once(), once(), once()]).toEqual(['ok', 'ok', 'budget_exceeded']);
  }
  expect(LATER).toBeGreaterThan(NOW);
});

// What a decision says besides yes and no (`admission.ts`), and how an authorizer is set up (`authorize.ts`): over a
// memory store, with parts of it in this test's hands.
import { attenuate, deny, mintBearer, prove, restrict } from '@ambit/core';
import { describe, expect, test } from 'vitest';
import {
  memoryStore,
  type Authorizer,
  type AuthorizerOptions,
  type RevocationAnswer,
  type SessionAnswer,
  type SyncStore,
} from '../src/index.ts';
import { LATER, NOW } from '../src/testing/make.ts';
import {
  agent,
  AUDIENCE,
  authorizer,
  facts,
  ISSUER,
  keyring,
  makeCall,
  pay,
  SESSION,
  spec,
  token,
  use,
  verifier,
} from './world.ts';

const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const capped = attenuate(token(), restrict.calls(100));
const REVOKED: RevocationAnswer = {
  ok: false,
  code: 'revoked',
  entry: { kind: 'user', issuer: ISSUER, value: 'u', reason: '', seq: 1, time: NOW },
};
const { holder: _, delegations: __, ...bearerSpec } = spec;
const bearer = mintBearer(keyring, bearerSpec);

/** A store whose list and sessions say what they are told to; null: what they are. */
function world() {
  const memory = memoryStore({ nowSeconds: () => NOW });
  const w = {
    log: [] as string[],
    list: [] as RevocationAnswer[],
    session: null as SessionAnswer | null,
    store: null as unknown as SyncStore,
    asked: [] as number[],
  };
  w.store = {
    ...memory,
    revocations: {
      ...memory.revocations,
      isRevoked: (subject) => (w.log.push('list'), w.list.shift() ?? memory.revocations.isRevoked(subject)),
    },
    sessions: {
      ...memory.sessions,
      check: (...args) => (w.log.push('session'), w.session ?? memory.sessions.check(...args)),
    },
    budgets: {
      ...memory.budgets,
      reserve: (charges, now, share) => (w.asked.push(now), memory.budgets.reserve(charges, now, share)),
      release: (reservation) => (w.log.push('released'), memory.budgets.release(reservation)),
    },
  };
  return w;
}

/** All of a decision about a token that was verified with a signed proof. */
function admit(to: Authorizer, text: string = capped, f = facts(), now = NOW) {
  const call = pay(1);
  const proof = prove(text, call, { audience: AUDIENCE, time: now }, agent(0));
  const shown = verifier().verify({ token: text, proof, call, now });
  if (!shown.ok) throw new Error(shown.message);
  return to.admit(shown.token, f);
}

describe('a decision', () => {
  test('that is yes says that the list and the session were asked, and which session it is', async () => {
    const to = await authorizer(world().store);
    expect(await admit(to)).toMatchObject({
      verdict: { ok: true, session: { id: SESSION }, fault: null, charges: { counters: [{ limit: 100 }] } },
      revocation: { answer: 'allowed' },
      session: { answer: 'allowed' },
    });
  });

  test('of policy asks nothing of the state', async () => {
    const w = world();
    const to = await authorizer(w.store);
    const found = await admit(to, attenuate(token(), restrict.tools('search')));
    expect(found).toMatchObject({
      verdict: { code: 'tool_not_granted' },
      revocation: { answer: 'not_asked' },
      session: { answer: 'not_asked' },
    });
    expect(w.log).toEqual([]);
  });

  test('S7 that a token is revoked says what is, and does not ask for its session', async () => {
    const w = world();
    const to = await authorizer(w.store);
    w.list.push(REVOKED);
    const found = await admit(to);
    expect(found.revocation).toEqual({ answer: 'refused', denial: found.verdict, kind: 'user' });
    expect(found.session).toEqual({ answer: 'not_asked' });
    expect(found.verdict).toMatchObject({ message: expect.stringContaining('(user)') as string });
    expect(w.log).toEqual(['list']);
    const { entry } = REVOKED as { entry: object };
    w.list.push({ ...REVOKED, entry: { ...entry, reason: 'left' } } as RevocationAnswer);
    expect((await admit(to)).verdict).toMatchObject({
      message: expect.stringContaining('(user: left)') as string,
    });
  });

  test('L9 of a list that is stale has no kind', async () => {
    const w = world();
    const to = await authorizer(w.store);
    w.list.push({ ok: false, code: 'revocations_stale' });
    const found = await admit(to);
    expect(Object.keys(found.revocation).toSorted()).toEqual(['answer', 'denial']);
    expect(found.verdict).toMatchObject({ code: 'revocations_stale' });
  });

  test('I4 about a session that is over is not excused where a fault is', async () => {
    for (const refused of ['session_closed', 'session_not_found'] as const) {
      const w = world();
      const proceeded: string[] = [];
      const to = await authorizer(w.store, {
        proceedOnFault: ['pay'],
        onProceed: ({ code: fault }) => void proceeded.push(fault),
      });
      w.session = { ok: false, code: refused };
      const found = await admit(to);
      expect(found).toMatchObject({ verdict: { code: refused }, revocation: { answer: 'allowed' } });
      expect(found.session).toEqual({ answer: 'refused', denial: found.verdict });
      expect([w.asked, proceeded]).toEqual([[], []]);
    }
  });

  test('L9 in spite of a fault of the sessions has no session, and the fault; without leave it is a denial', async () => {
    const w = world();
    w.session = { ok: false, code: 'store_full' };
    // Nobody has to be told.
    const lenient = await authorizer(w.store, { proceedOnFault: ['pay'] });
    expect(await admit(lenient)).toMatchObject({
      verdict: { ok: true, session: null, fault: 'store_full' },
      revocation: { answer: 'allowed' },
      session: { answer: 'not_asked' },
    });
    const strict = await authorizer(w.store);
    expect(await admit(strict)).toMatchObject({
      verdict: { code: 'store_full' },
      session: { answer: 'refused', denial: { code: 'store_full' } },
    });
  });

  test('L9 in spite of several faults names the first', async () => {
    const w = world();
    const told: unknown[] = [];
    const to = await authorizer(w.store, { proceedOnFault: () => true, onProceed: (all) => told.push(all) });
    w.session = { ok: false, code: 'store_full' };
    w.list.push({ ok: false, code: 'revocations_stale' });
    const found = await admit(to);
    expect(found).toMatchObject({
      verdict: { ok: true, fault: 'revocations_stale' },
      revocation: { answer: 'not_asked' },
    });
    const digest = found.verdict.ok && found.verdict.token.view.digest;
    expect(told).toEqual([{ tool: 'pay', code: 'revocations_stale', digest }]);
  });

  test('of a budget says what is left, and of a claim nothing of the kind', async () => {
    const to = await authorizer(world().store);
    const once = attenuate(token(), restrict.once());
    expect((await admit(to, once)).verdict).toMatchObject({ ok: true });
    const used = (await admit(to, once)).verdict;
    expect(used).toMatchObject({ code: 'once_used', caveat: 0 });
    expect(used).not.toHaveProperty('left');
    expect(used).not.toHaveProperty('resets');
    expect(!used.ok && used.message).not.toMatch(/undefined|left/);
    const one = attenuate(token(), restrict.sum('amount', 1));
    expect((await admit(to, one)).verdict).toMatchObject({ ok: true });
    const full = (await admit(to, one)).verdict;
    expect(full).toMatchObject({ code: 'budget_exceeded', left: 0, caveat: 0 });
    expect(!full.ok && full.message).toContain('(0 left)');
  });

  test('is charged at the later of the two times, in whole seconds', async () => {
    const w = world();
    const to = await authorizer(w.store);
    await admit(to, capped, facts({ now: NOW + 5 }), NOW);
    await admit(to, capped, facts({ now: NOW }), NOW + 7);
    await admit(to, capped, facts({ now: NOW + 8.9 }), NOW);
    expect(w.asked).toEqual([NOW + 5, NOW + 7, NOW + 8]);
  });

  test('finding S3 of a call that charges nothing is taken back all the same when it is revoked meanwhile', async () => {
    const w = world();
    const to = await authorizer(w.store, { verifier: verifier({ bearer: true }), requireOpenSession: false });
    w.list.push({ ok: true }, REVOKED);
    expect(await to.authorize({ token: bearer, call: pay(1), facts: facts() })).toMatchObject({
      code: 'revoked',
    });
    expect(w.log).toEqual(['list', 'list']);
    const charged = world();
    const other = await authorizer(charged.store);
    charged.list.push({ ok: true }, REVOKED);
    const found = await admit(other);
    expect(found).toMatchObject({
      verdict: { code: 'revoked' },
      revocation: { answer: 'refused', kind: 'user' },
      session: { answer: 'allowed' },
    });
    expect(charged.log).toEqual(['list', 'session', 'list', 'released']);
  });
});

describe('an authorizer', () => {
  const made = (more: Partial<AuthorizerOptions> = {}) => authorizer(world().store, more);

  test('takes patterns of tools that may proceed, or a test of them, and nothing else', async () => {
    for (const proceedOnFault of [['pay', 'a b'], ['']]) {
      await expect(made({ proceedOnFault })).rejects.toThrow(TypeError);
      await expect(made({ proceedOnFault })).rejects.toThrow('proceedOnFault');
    }
    for (const [proceedOnFault, answer] of [
      [['pa*'], 'ok'],
      [['search'], 'store_full'],
      [(tool: string) => tool === 'pay', 'ok'],
      [() => false, 'store_full'],
    ] as const) {
      const w = world();
      const to = await authorizer(w.store, { proceedOnFault });
      w.session = { ok: false, code: 'store_full' };
      expect(code((await admit(to)).verdict)).toBe(answer);
    }
  });

  test('asks for an open session by default, never, or for the issuers that are named', async () => {
    const issuers: string[] = [];
    for (const [requireOpenSession, asked] of [
      [undefined, true],
      [true, true],
      [false, false],
      [(issuer: string) => issuers.push(issuer) > 0, true],
      [() => false, false],
    ] as const) {
      const w = world();
      const to = await authorizer(w.store, { requireOpenSession });
      const found = await admit(to);
      expect([found.verdict.ok && found.verdict.session?.id, w.log.includes('session')]).toEqual([
        asked ? SESSION : undefined,
        asked,
      ]);
      expect(found.session).toEqual({ answer: 'allowed' });
    }
    expect(issuers).toEqual([ISSUER]);
  });

  const shown = () => {
    const call = pay(1);
    return {
      token: capped,
      proof: prove(capped, call, { audience: AUDIENCE, time: NOW }, agent(0)),
      call,
    };
  };

  test('finds facts for a verified token, at a time that is given; a denial of theirs is the answer', async () => {
    const to = await made();
    const seen: string[] = [];
    const found = await to.authorize({
      ...shown(),
      now: NOW,
      facts: ({ view }) => (seen.push(view.user), facts()),
    });
    expect([code(found), seen]).toEqual(['ok', [spec.user]]);
    const denied = deny('fact_missing', 'where from');
    expect(await to.authorize({ ...shown(), now: NOW, facts: () => denied })).toBe(denied);
    // A time of its own comes before that of the facts, and is needed where they are found later.
    expect(
      code(await (await made()).authorize({ ...shown(), facts: facts({ now: LATER + 9 }), now: NOW })),
    ).toBe('expired');
    expect(
      code(await (await made()).authorize({ ...shown(), facts: facts({ now: NOW }), now: LATER + 9 })),
    ).not.toBe('ok');
    await expect((await made()).authorize({ ...shown(), facts: () => facts() })).rejects.toThrow(RangeError);
    expect(code(await (await made()).authorize({ ...shown(), facts: facts() }))).toBe('ok');
  });

  test('asks for no facts about what is not verified', async () => {
    const to = await made();
    let asked = 0;
    const found = await to.authorize({
      ...{ ...shown(), now: NOW, proof: undefined },
      facts: () => (asked++, facts()),
    });
    expect([found.ok, asked]).toEqual([false, 0]);
  });

  test('settles and releases what was reserved, and has nothing to do where nothing was', async () => {
    const w = world();
    const to = await authorizer(w.store);
    const sum = attenuate(token(), restrict.sum('amount', 10));
    const left = async (): Promise<unknown> => {
      const denied = await use(to, sum, pay(10));
      return denied.ok ? null : denied.left;
    };
    const spend = async () => {
      const answer = await use(to, sum, pay(4));
      if (!answer.ok) throw new Error(answer.code);
      return answer;
    };
    const first = await spend();
    expect(await left()).toBe(6);
    expect([await to.settle(first, [5]), await left()]).toEqual([false, 6]);
    expect([await to.settle(first, [1]), await left()]).toEqual([true, 9]);
    expect(await to.settle(first, [1])).toBe(false);
    const second = await spend();
    expect([await left(), await to.release(second), await left()]).toEqual([5, true, 9]);
    expect(await to.release(second)).toBe(false);
    const none = { ...second, reservation: null };
    expect([await to.settle(none, []), await to.release(none)]).toEqual([true, true]);
    expect(code(await use(to, sum, makeCall('search')))).not.toBe('ok');
  });

  test("charges the budgets that it is given instead of its store's", async () => {
    const w = world();
    const other = memoryStore({ nowSeconds: () => NOW });
    const to = await authorizer(w.store, { budgets: other.budgets });
    const answer = await use(to, capped, pay(1));
    if (!answer.ok) throw new Error(answer.code);
    expect(w.asked).toEqual([]);
    expect((await other.stats()).granted).toBe(1);
    expect(await to.release(answer)).toBe(true);
  });
});

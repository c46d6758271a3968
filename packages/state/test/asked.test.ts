// A call about which the list of revocations has to be asked first (a list that is too long to be held): when it is
// asked, together with what, and what denies.
import { attenuate, restrict } from '@ambit/core';
import { expect, test } from 'vitest';
import { memoryStore, type RevocationAnswer, type Revocations, type SyncStore } from '../src/index.ts';
import { NOW } from '../src/testing/make.ts';
import { authorizer, pay, token, use } from './world.ts';

const OUT: RevocationAnswer = {
  ok: false,
  code: 'revoked',
  entry: { kind: 'user', issuer: 'acme', value: 'u', reason: '', seq: 1, time: NOW },
};
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

/** A store whose list has to be asked: `answers` are what it says, one question after the other; then it knows. */
function world(answers: (RevocationAnswer | Promise<RevocationAnswer>)[]) {
  const memory = memoryStore({ nowSeconds: () => NOW });
  const log: string[] = [];
  const w = { log, known: { ok: true } as RevocationAnswer, store: null as unknown as SyncStore };
  const revocations: Revocations = {
    add: (input, now) => memory.revocations.add(input, now),
    since: (cursor) => memory.revocations.since(cursor),
    watch: () => () => undefined,
    isRevoked: () => (log.push('known'), w.known),
    ask: () => {
      const answer = answers.shift();
      if (answer === undefined) return null;
      log.push('asked');
      return Promise.resolve(answer);
    },
    // Asked once in each turn in which an acceptance is given.
    unread: () => (log.push('turn'), null),
  };
  w.store = {
    ...memory,
    revocations,
    sessions: {
      ...memory.sessions,
      open: (...args) => memory.sessions.open(...args),
      get: (...args) => memory.sessions.get(...args),
      check: async (...args) => (log.push('session'), memory.sessions.check(...args)),
    },
    budgets: {
      ...memory.budgets,
      reserve: (...args) => (log.push('charged'), memory.budgets.reserve(...args)),
      release: (...args) => (log.push('released'), memory.budgets.release(...args)),
    },
  };
  return w;
}
const OK: RevocationAnswer = { ok: true };
const capped = attenuate(token(), restrict.calls(100));

test('finding S15 list and session are asked at the same time, and the list is looked at again when the answer is given', async () => {
  let answer: (given: RevocationAnswer) => void = () => undefined;
  const w = world([new Promise<RevocationAnswer>((resolve) => (answer = resolve))]);
  const to = await authorizer(w.store);
  const calling = use(to, capped, pay(1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(w.log).toEqual(['asked', 'session']);
  answer(OK);
  expect(code(await calling)).toBe('ok');
  expect(w.log).toEqual(['asked', 'session', 'charged', 'turn', 'known']);
});

test('S7 what the list says when it is asked is out, with its words, and charges nothing', async () => {
  const w = world([OUT]);
  const to = await authorizer(w.store);
  expect(await use(to, capped, pay(1))).toMatchObject({
    code: 'revoked',
    message: expect.stringContaining('user'),
  });
  expect(w.log).toEqual(['asked', 'session']);
});

test('L9 a list that does not answer denies with its fault', async () => {
  for (const fault of ['store_unavailable', 'store_corrupt', 'revocations_stale'] as const) {
    const w = world([{ ok: false, code: fault }]);
    const to = await authorizer(w.store);
    expect(code(await use(to, capped, pay(1)))).toBe(fault);
    expect(w.log).not.toContain('charged');
  }
});

test('finding S3 a list that was let go while the call was under way is asked again, and then looked at in a turn of its own', async () => {
  const w = world([OK, OK]);
  const to = await authorizer(w.store);
  expect(code(await use(to, capped, pay(1)))).toBe('ok');
  expect(w.log).toEqual(['asked', 'session', 'charged', 'turn', 'asked', 'turn', 'known']);
  const v = world([OK, OUT]);
  const then = await authorizer(v.store);
  expect(code(await use(then, capped, pay(1)))).toBe('revoked');
  expect(v.log).toEqual(['asked', 'session', 'charged', 'turn', 'asked', 'released']);
  // Three times, then what is known decides.
  const u = world([OK, OK, OK, OK, OK, OK]);
  u.known = { ok: false, code: 'revocations_stale' };
  const often = await authorizer(u.store);
  expect(code(await use(often, capped, pay(1)))).toBe('revocations_stale');
  expect(u.log).toEqual([
    'asked',
    'session',
    'charged',
    'turn',
    'asked',
    'turn',
    'asked',
    'turn',
    'asked',
    'turn',
    'known',
    'released',
  ]);
});

test('L9 a tool that may proceed without the list does, once it was asked, and is reported', async () => {
  const w = world([{ ok: false, code: 'store_unavailable' }, OK]);
  w.known = { ok: false, code: 'revocations_stale' };
  const proceeded: string[] = [];
  const to = await authorizer(w.store, {
    proceedOnFault: ['pay'],
    onProceed: ({ code: fault }) => void proceeded.push(fault),
  });
  expect(await use(to, capped, pay(1))).toMatchObject({ ok: true, fault: 'store_unavailable' });
  expect(proceeded).toEqual(['store_unavailable']);
  expect(w.log).toEqual(['asked', 'session', 'charged', 'turn', 'known']);
  // What is known all the same counts.
  const v = world([{ ok: false, code: 'store_unavailable' }]);
  v.known = OUT;
  const denied = await authorizer(v.store, { proceedOnFault: ['pay'], onProceed: () => undefined });
  expect(code(await use(denied, capped, pay(1)))).toBe('revoked');
});

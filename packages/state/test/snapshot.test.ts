// Attack S7, offline: a signed revocation list, its rollback, its age, its forgery.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LABELS,
  SecretKey,
  encodeCbor,
  publicKey,
  sha256,
  signer,
  toBase64url,
  type Signer,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  SnapshotRevocations,
  importEntries,
  importSnapshot,
  memoryStore,
  readSnapshot,
  signSnapshot,
  type Revocation,
} from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { NOW } from '../src/testing/make.ts';

const secret = SecretKey.generate('issuer');
const by: Signer<'issuer'> = signer(secret, nodeProvider);
const keys = [publicKey(secret, nodeProvider)];
const stranger = signer(SecretKey.generate('issuer'), nodeProvider);
const entry = (seq: number, user: string, more: Partial<Revocation> = {}): Revocation => ({
  seq,
  kind: 'user',
  issuer: 'acme',
  value: user,
  reason: 'lost',
  time: NOW,
  ...more,
});
const subject = (user: string): Parameters<SnapshotRevocations['isRevoked']>[0] => ({
  issuer: 'acme',
  token: 't',
  key: 'k',
  user,
  nodes: [],
  holders: [],
});
const offline = (more: object = {}): SnapshotRevocations =>
  new SnapshotRevocations({ issuer: 'acme', keys, maxAge: 600, provider: nodeProvider, ...more });
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

test('a list travels whole and is obeyed; without a list everything is stale', async () => {
  const view = offline();
  expect(code(view.isRevoked(subject('a'), NOW))).toBe('revocations_stale');
  expect(
    code(view.load(signSnapshot([entry(1, 'a'), entry(2, 'b')], { issuer: 'acme', now: NOW }, by), NOW)),
  ).toBe('ok');
  expect(code(view.isRevoked(subject('a'), NOW))).toBe('revoked');
  expect(code(view.isRevoked(subject('c'), NOW))).toBe('ok');
  expect(code(view.isRevoked(subject('c'), NOW + 600))).toBe('ok');
  expect(code(view.isRevoked(subject('c'), NOW + 601))).toBe('revocations_stale');
  expect(code(view.isRevoked(subject('a'), NOW + 601))).toBe('revoked');
});

test("S7 a rolled-back list, a fork, a list from the future, an old one, another issuer's: refused, also after a restart", () => {
  const at = (number: number, now: number, users: string[]): string =>
    signSnapshot(
      users.map((user, i) => entry(i + 1, user)),
      { issuer: 'acme', now, number },
      by,
    );
  const view = offline();
  expect(code(view.load(at(5, NOW, ['a', 'b']), NOW))).toBe('ok');
  expect(code(view.load(at(4, NOW + 1, ['a']), NOW + 1))).toBe('revocations_stale');
  expect(code(view.load(at(5, NOW - 1, ['a', 'b']), NOW))).toBe('revocations_stale');
  expect(code(view.load(at(5, NOW, ['a']), NOW))).toBe('revocations_stale');
  expect(code(view.load(at(6, NOW + 100, ['a']), NOW))).toBe('revocations_stale');
  expect(code(view.load(at(6, NOW - 601, ['a']), NOW))).toBe('revocations_stale');
  expect(code(view.isRevoked(subject('b'), NOW))).toBe('revoked');
  const restarted = offline({ seen: view.seen! });
  expect(code(restarted.load(at(4, NOW + 1, ['a']), NOW + 1))).toBe('revocations_stale');
  expect(code(restarted.load(at(5, NOW + 1, ['a', 'b']), NOW + 1))).toBe('ok');
  expect(code(offline().load(signSnapshot([], { issuer: 'other', now: NOW }, by), NOW))).toBe(
    'input_invalid',
  );
});

test("a list that is not signed by a known key, is changed anywhere, or names another issuer's things is refused", () => {
  const text = signSnapshot([entry(1, 'a')], { issuer: 'acme', now: NOW }, by);
  expect(
    code(readSnapshot(signSnapshot([entry(1, 'a')], { issuer: 'acme', now: NOW }, stranger), keys)),
  ).toBe('seal_invalid');
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('A', 'B', '_', ' ', 'é'), (i, char) => {
      fc.pre(text[i] !== char);
      expect(readSnapshot(text.slice(0, i) + char + text.slice(i + 1), keys, nodeProvider).ok).toBe(false);
    }),
    { numRuns: 300 },
  );
  for (let i = 0; i < text.length; i++)
    expect(readSnapshot(text.slice(0, i), keys, nodeProvider).ok).toBe(false);
  expect(readSnapshot(`${text}\n\n`, keys, nodeProvider).ok).toBe(true);
  // An issuer's list leaves other issuers' names out when it is signed.
  const mixed = readSnapshot(
    signSnapshot([entry(1, 'a'), entry(2, 'x', { issuer: 'other' })], { issuer: 'acme', now: NOW }, by),
    keys,
  );
  expect(mixed).toMatchObject({ ok: true, snapshot: { entries: [{ value: 'a' }] } });
});

/** Lines of a list of three pages. */
const paged = (users: string, number = 600): string[] =>
  signSnapshot(
    Array.from({ length: 600 }, (_, i) => entry(i + 1, `${users}${i}`)),
    { issuer: 'acme', now: NOW, number },
    by,
  ).split('\n');

test('S7 finding S15 what is not the list that was signed, page for page, is refused', () => {
  const [head, one, two, three, end] = paged('u') as [string, string, string, string, string];
  const other = paged('v');
  const read = (...lines: string[]): string => code(readSnapshot(lines.join('\n'), keys, nodeProvider));
  expect(paged('u').length).toBe(5);
  expect(read(head, one, two, three, end)).toBe('ok');
  for (const wrong of [
    [head, one, two, three],
    [head, one, two, end],
    [head, two, three, end],
    [head, two, one, three, end],
    [head, one, one, two, three, end],
    [head, one, two, three, three, end],
    [head, one, two, other[3]!, end],
    [head, one, two, three, other[4]!],
    [head, end],
    [one, two, three, end],
    [head, head, one, two, three, end],
    [head, one, two, three, end, end],
    [head, one, two, three, end, one],
    [head, one, '', two, three, end],
    [paged('u', 601)[0]!, one, two, three, paged('v', 601)[4]!],
  ])
    expect(read(...wrong)).toBe('input_invalid');
  const empty = signSnapshot([], { issuer: 'acme', now: NOW }, by);
  expect(read(empty)).toBe('ok');
  // A head of another issuer or time with a true end: the end says which list it is of.
  for (const [issuer, now] of [
    ['other', NOW],
    ['acme', NOW + 1],
  ] as const)
    expect(read(signSnapshot([], { issuer, now }, by).split('\n')[0]!, empty.split('\n')[1]!)).toBe(
      'input_invalid',
    );
});

test('an end that the issuer signed, but that says otherwise of itself than the list does, is refused', () => {
  const head = encodeCbor([2, 'acme', NOW]);
  const read = (issuer: string, time: number, count: number, chain = sha256(head)): string => {
    const body = encodeCbor([2, issuer, 7, time, count, chain]);
    const end = encodeCbor([body, by.sign(LABELS.revocations, body)]);
    return code(readSnapshot(`ambr2_${toBase64url(head)}\nend_${toBase64url(end)}`, keys, nodeProvider));
  };
  expect(read('acme', NOW, 0)).toBe('ok');
  expect(read('other', NOW, 0)).toBe('input_invalid');
  expect(read('acme', NOW + 1, 0)).toBe('input_invalid');
  expect(read('acme', NOW, 1)).toBe('input_invalid');
  expect(read('acme', NOW, 0, sha256(head, head))).toBe('input_invalid');
});

test('a list of version 1 is read as it was', () => {
  const known = [publicKey(new SecretKey('issuer', new Uint8Array(32).fill(99)), nodeProvider)];
  const old =
    'ambr1_glhphQFkYWNtZQMa9IZXAIKHZHVzZXJkYWNtZWFhZGxvc3Qa9IZXAPYBh2Zob2xkZXL2eCtoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoYBr0hlcAGvSGZRADWECHmqATW_VBQQsQkddD0QNujumBOrObOiqH6rxSB0bXZns91RMimFlY9joorsa-_xSXaPzd8q9PsC_dkjvw40MD';
  const read = readSnapshot(`${old}\n`, known, nodeProvider);
  expect(read).toMatchObject({
    ok: true,
    snapshot: {
      ...{ issuer: 'acme', number: 3, time: 4_102_444_800 },
      entries: [
        { seq: 1, kind: 'user', issuer: 'acme', value: 'a', reason: 'lost', time: 4_102_444_800 },
        { seq: 3, kind: 'holder', value: 'h'.repeat(43), reason: '', expires: 4_102_448_400 },
      ],
    },
  });
  expect(code(readSnapshot(old, keys, nodeProvider))).toBe('seal_invalid');
  expect(code(readSnapshot(`${old}\n${old}`, known, nodeProvider))).toBe('input_invalid');
  expect(code(readSnapshot(old.replace('YWNtZW', 'YWNtZX'), known, nodeProvider))).not.toBe('ok');
});

test('a list that is read line by line counts when its end has been seen, and not before', async () => {
  const view = offline();
  const lines = paged('u');
  expect(code(await view.loadLines(lines.slice(0, 4), NOW))).toBe('input_invalid');
  expect(code(view.isRevoked(subject('u1'), NOW))).toBe('revocations_stale');
  expect(code(await view.loadLines(lines, NOW))).toBe('ok');
  expect(['u0', 'u599', 'u600'].map((user) => code(view.isRevoked(subject(user), NOW)))).toEqual([
    'revoked',
    'revoked',
    'ok',
  ]);
  expect(view.seen).toMatchObject({ number: 600, time: NOW });
  expect(code(await view.loadLines(paged('v', 599), NOW))).toBe('revocations_stale');
  expect(code(await view.loadLines(paged('v', 600), NOW))).toBe('revocations_stale');
  expect(code(view.isRevoked(subject('u1'), NOW))).toBe('revoked');
  expect(code(await view.loadLines(paged('v', 601), NOW))).toBe('ok');
  expect([code(view.isRevoked(subject('u1'), NOW)), code(view.isRevoked(subject('v1'), NOW))]).toEqual([
    'ok',
    'revoked',
  ]);
});

test('what a store knows by name, for as long, is not imported again; what ends later is', async () => {
  const store = memoryStore({ nowSeconds: () => NOW });
  const imported = async (...entries: Revocation[]): Promise<number> =>
    importEntries(entries, store.revocations, NOW);
  const node = { kind: 'node', issuer: undefined, value: 'n'.repeat(43) } as unknown as Partial<Revocation>;
  const { issuer: _, ...named } = { ...entry(3, ''), ...node };
  const holder = { ...named, kind: 'holder' as const };
  const token = entry(4, 'ab'.repeat(16), { kind: 'token' });
  const all = [entry(1, 'a', { expires: NOW + 10 }), entry(2, 'b'), named, holder, token];
  expect(await imported(...all, entry(5, 'over', { expires: NOW }))).toBe(5);
  expect(await imported(...all)).toBe(0);
  expect(await imported(entry(1, 'a', { expires: NOW + 9 }), entry(2, 'b', { expires: NOW + 9 }))).toBe(0);
  expect(await imported(entry(1, 'a', { expires: NOW + 11 }))).toBe(1);
  // The same name of another kind or issuer is another entry.
  expect(await imported(entry(1, 'b', { kind: 'session' }), entry(1, 'b', { issuer: 'other' }))).toBe(2);
});

test('findings S14, S15: a long list is signed, read, imported and obeyed, by stores opened before and after it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ambit-list-'));
  const path = join(folder, 'state.db');
  const before = openSqlite(path);
  expect(code(before.revocations.isRevoked(subject('u0')))).toBe('ok');
  const entries = Array.from({ length: 20_000 }, (_, i) => entry(i + 1, `u${i}`));
  const read = readSnapshot(signSnapshot(entries, { issuer: 'acme', now: NOW }, by), keys, nodeProvider);
  if (!read.ok) throw new Error(read.code);
  expect(await importSnapshot(read.snapshot, before.revocations, NOW)).toBe(20_000);
  expect(await importSnapshot(read.snapshot, before.revocations, NOW)).toBe(0);
  const after = openSqlite(path);
  for (const store of [before, after]) {
    for (const user of ['u0', 'u1', 'u9999', 'u19999'])
      expect(code(store.revocations.isRevoked(subject(user)))).toBe('revoked');
    expect(code(store.revocations.isRevoked(subject('u20000')))).toBe('ok');
  }
  // One that is asked again, and was looked up before: what is added later counts all the same.
  const asked = subject('late');
  expect(code(after.revocations.isRevoked(asked))).toBe('ok');
  await before.revocations.add({ kind: 'user', issuer: 'acme', value: 'late', reason: '' }, NOW);
  await new Promise((resolve) => setImmediate(resolve));
  expect(code(after.revocations.isRevoked(asked))).toBe('revoked');
  // And after so many more that what is held in memory is let go.
  const more = Array.from({ length: 5000 }, (_, i) => entry(i + 1, `more${i}`));
  const second = readSnapshot(signSnapshot(more, { issuer: 'acme', now: NOW }, by), keys, nodeProvider);
  if (!second.ok) throw new Error(second.code);
  await importSnapshot(second.snapshot, before.revocations, NOW);
  await new Promise((resolve) => setImmediate(resolve));
  for (const user of ['late', 'u5', 'more0', 'more4999'])
    expect(code(after.revocations.isRevoked(subject(user)))).toBe('revoked');
  expect(code(after.revocations.isRevoked(asked))).toBe('revoked');
  await before.close();
  await after.close();
  rmSync(folder, { recursive: true });
});

// Attack S7, offline: a signed revocation list, its rollback, its age, its forgery.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretKey, publicKey, signer, type Signer } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  SnapshotRevocations,
  readSnapshot,
  signSnapshot,
  type Revocation,
  importSnapshot,
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
  // An issuer's list leaves other issuers' names out when it is signed.
  const mixed = readSnapshot(
    signSnapshot([entry(1, 'a'), entry(2, 'x', { issuer: 'other' })], { issuer: 'acme', now: NOW }, by),
    keys,
  );
  expect(mixed).toMatchObject({ ok: true, snapshot: { entries: [{ value: 'a' }] } });
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

// The issuer's list on its way to another store: signed, imported once, refused when it was changed.
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { publicKey, SecretKey, signer } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { allRevocations, memoryStore, type Store } from '@ambit/state';
import { exportRevocations, importRevocations } from '../src/revocations.ts';

const NOW = 1_772_373_600;
const secret = SecretKey.generate('issuer');
const by = signer(secret, nodeProvider);
const keys = [publicKey(secret, nodeProvider)];
const key = (fill: string): string => fill.repeat(43);
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

const exported = async (from: Store, now = NOW): Promise<string> => {
  let text = '';
  for await (const piece of exportRevocations(from, { issuer: 'acme', now }, by)) text += piece;
  return text;
};

test('export, then import into an empty store: the same are refused; again: nothing is added', async () => {
  const from = memoryStore();
  await from.revocations.add({ kind: 'user', issuer: 'acme', value: 'a', reason: 'lost' }, NOW);
  await from.revocations.add({ kind: 'holder', value: key('h'), reason: '', expires: NOW + 100 }, NOW);
  await from.revocations.add({ kind: 'user', issuer: 'other', value: 'b', reason: '' }, NOW);
  const text = await exported(from);
  const to = memoryStore();
  expect(await importRevocations(to, text, keys, NOW)).toEqual({ ok: true, added: 2, number: 3 });
  expect(await importRevocations(to, text, keys, NOW)).toEqual({ ok: true, added: 0, number: 3 });
  expect((await allRevocations(to.revocations)).map((e) => e.value)).toEqual(['a', key('h')]);
  expect(
    code(
      to.revocations.isRevoked({ issuer: 'acme', token: 't', key: 'k', user: 'a', nodes: [], holders: [] }),
    ),
  ).toBe('revoked');
  expect(code(await importRevocations(to, `${text}x`, keys, NOW))).toBe('input_invalid');
});

test('finding S15 of a list that is wrong anywhere nothing is added, and nothing stays on the disk', async () => {
  const from = memoryStore();
  for (let i = 0; i < 1000; i++)
    await from.revocations.add({ kind: 'user', issuer: 'acme', value: `u${i}`, reason: '' }, NOW);
  const text = await exported(from);
  const lines = text.split('\n');
  const to = memoryStore();
  const spooled = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('ambit-spool-'));
  const before = spooled();
  const stranger = [publicKey(SecretKey.generate('issuer'), nodeProvider)];
  for (const wrong of [lines.slice(0, -2).join('\n'), lines.toSpliced(2, 1).join('\n'), `${text}${text}`])
    expect(code(await importRevocations(to, wrong, keys, NOW))).toBe('input_invalid');
  expect(code(await importRevocations(to, text, stranger, NOW))).toBe('seal_invalid');
  const failing = (async function* () {
    yield text.slice(0, 5000);
    throw new Error('the pipe broke');
  })();
  await expect(importRevocations(to, failing, keys, NOW)).rejects.toThrow('the pipe broke');
  expect(await allRevocations(to.revocations)).toEqual([]);
  expect(spooled()).toEqual(before);
});

test('a list arrives in pieces of any size, as bytes or text; a line without an end is refused early', async () => {
  const from = memoryStore();
  for (let i = 0; i < 300; i++)
    await from.revocations.add({ kind: 'user', issuer: 'acme', value: `ü${i}`, reason: 'é' }, NOW);
  const bytes = Buffer.from(await exported(from));
  for (const size of [1, 7, 4096, 1 << 20]) {
    const to = memoryStore();
    const pieces = function* (): Generator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    expect(await importRevocations(to, pieces(), keys, NOW)).toMatchObject({ ok: true, added: 300 });
  }
  let given = 0;
  const endless = (function* () {
    yield 'ambr2_';
    for (;;) {
      given += 1 << 16;
      yield 'A'.repeat(1 << 16);
    }
  })();
  await expect(importRevocations(memoryStore(), endless, keys, NOW)).rejects.toMatchObject({
    code: 'input_invalid',
  });
  expect(given).toBeLessThan(8 << 20);
});

// The issuer's list on its way to another store: signed, imported once, refused when it was changed.
import { expect, test } from 'vitest';
import { publicKey, SecretKey, signer } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { allRevocations, memoryStore } from '@ambit/state';
import { exportRevocations, importRevocations } from '../src/revocations.ts';

const NOW = 1_772_373_600;
const secret = SecretKey.generate('issuer');
const by = signer(secret, nodeProvider);
const keys = [publicKey(secret, nodeProvider)];
const key = (fill: string): string => fill.repeat(43);
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

test('export, then import into an empty store: the same are refused; again: nothing is added', async () => {
  const from = memoryStore();
  await from.revocations.add({ kind: 'user', issuer: 'acme', value: 'a', reason: 'lost' }, NOW);
  await from.revocations.add({ kind: 'holder', value: key('h'), reason: '', expires: NOW + 100 }, NOW);
  await from.revocations.add({ kind: 'user', issuer: 'other', value: 'b', reason: '' }, NOW);
  const text = await exportRevocations(from, { issuer: 'acme', now: NOW }, by);
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

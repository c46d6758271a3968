// A group of calls on its way to Redis, at the moment of a reset. The server is not asked, so none is needed.
import { expect, test } from 'vitest';
import type { Fence } from '../src/redis/fence.ts';
import { Groups } from '../src/redis/group.ts';
import { LATER, charges, counter, id } from '../src/testing/make.ts';

test('S4 a number of a session does not count under an epoch that came between the call and its turn', async () => {
  const sent: string[] = [];
  const fence = {
    epoch: 'a'.repeat(32),
    oneSlot: false,
    key: (part: string, name: string) => `{${part}}${name}`,
    run: async () => {
      sent.push(fence.epoch);
      return ['ok', 'ok,0,1,9'];
    },
  };
  const groups = new Groups(fence as unknown as Fence, 10);
  const sequence = { session: id('s'), sequence: 0, expires: LATER, epoch: fence.epoch };
  const numbered = groups.reserve(charges([], { sequence }), 0);
  const plain = groups.reserve(charges([counter('c', 1, 10)]), 0);
  fence.epoch = 'b'.repeat(32);
  expect(await numbered).toEqual({ ok: false, code: 'replayed', caveat: -1 });
  expect(await plain).toMatchObject({ ok: true });
  expect(sent).toEqual([fence.epoch]);
});

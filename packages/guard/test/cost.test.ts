// K1 at the guard: a refused message leaves nothing behind that grows with it (R1). Nothing is stubbed: gate, recorder
// and log are those of a service. Texts differ from test to test: one that is known already is not kept again.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseJson } from '@ambit/core';
import { Gate, proxyHttp } from '@ambit/guard/mcp';
import { proxied } from './transports.ts';
import { world, type World } from './world.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const heap = (): number => {
  gc();
  gc();
  return process.memoryUsage().heapUsed;
};

let w: World;
beforeAll(async () => {
  w = await world();
});
afterAll(() => w.end());

it('R1 200 refused messages of 1 MiB leave less than 20 MB behind', { timeout: 300_000 }, async () => {
  const gate = new Gate(w.guard);
  const ask = async (i: number): Promise<void> => {
    const text = `{"jsonrpc":"2.0","id":"request-number-${i}","method":"tools/call","params":{"name":"files.read","arguments":{"path":"/srv/some/file/${i}"}},"pad":"${'x'.repeat(2 ** 20 - 300)}"}`;
    const read = parseJson(text, 2 ** 21);
    if (!read.ok) throw new Error(read.reason);
    const verdict = await gate.fromClient(read.value);
    expect(JSON.stringify(verdict)).toContain('token_missing');
  };
  await ask(-1);
  const before = heap();
  for (let i = 0; i < 200; i++) await ask(i);
  expect(heap() - before).toBeLessThan(20e6);
});

it(
  'R1 200 refused requests of 1 MiB over HTTP leave less than 20 MB behind',
  { timeout: 300_000 },
  async () => {
    // Nothing that is refused reaches the server: none listens.
    const handle = proxyHttp({ guard: w.guard, upstream: 'http://127.0.0.1:9/mcp' });
    const ask = async (i: number): Promise<void> => {
      const call = {
        name: 'files.read',
        arguments: { path: `/srv/over/http/${i}` },
        pad: 'x'.repeat(2 ** 20 - 400),
      };
      const answer = await handle(
        new Request('http://proxy.test/mcp', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
          body: JSON.stringify({
            jsonrpc: '2.0',
            id: `over-http-number-${i}`,
            method: 'tools/call',
            params: call,
          }),
        }),
      );
      expect(`${answer.status} ${await answer.text()}`).toContain('token_missing');
    };
    await ask(-1);
    const before = heap();
    for (let i = 0; i < 200; i++) await ask(i);
    expect(heap() - before).toBeLessThan(20e6);
  },
);

it(
  'R1 200 refused lines of 1 MiB over stdio leave less than 20 MB behind',
  { timeout: 300_000 },
  async () => {
    // A server that reads and says nothing.
    const p = proxied(w.guard, process.execPath, ['-e', 'process.stdin.resume()']);
    const ask = async (i: number): Promise<void> => {
      const params = {
        name: 'files.read',
        arguments: { path: `/srv/over/stdio/${i}` },
        pad: 'x'.repeat(2 ** 20 - 400),
      };
      await p.transport.send({ jsonrpc: '2.0', id: `over-stdio-number-${i}`, method: 'tools/call', params });
      await vi.waitFor(() => expect(p.lines.at(-1)).toContain(`over-stdio-number-${i}"`), {
        timeout: 60_000,
      });
      expect(p.lines.at(-1)).toContain('token_missing');
    };
    await ask(-1);
    const before = heap();
    for (let i = 0; i < 200; i++) await ask(i);
    expect(heap() - before).toBeLessThan(20e6);
    await p.transport.close();
    await p.exit;
  },
);

// The writer out of the agent's reach: an append-only socket, two real users.
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyProof } from '../src/note/proof.ts';
import { decodeRecord } from '../src/record/codec.ts';
import { Recorder } from '../src/record/recorder.ts';
import { connectLog } from '../src/serve/client.ts';
import { serveLog } from '../src/serve/server.ts';
import { decision } from './sample.ts';
import { bundleChild, finish, openAt, scratch, start, testSigner } from './scratch.ts';

describe('the socket', () => {
  it('takes records from several clients, stamps who, answers when durable, and gives receipts', async () => {
    const root = scratch();
    const recorder = await Recorder.open(await openAt(root));
    const sockets = ['a', 'b'].map((by) => ({ path: join(root, `${by}.sock`), by }));
    const server = await serveLog({ recorder, sockets, inFlight: 8 });
    const [a, b] = sockets.map(({ path }) => connectLog(path)) as [
      ReturnType<typeof connectLog>,
      ReturnType<typeof connectLog>,
    ];
    const indices = await Promise.all(
      Array.from(
        { length: 200 },
        async (_, i) => (await (i % 2 === 0 ? a : b).record(decision(`s${i % 3}`, i))).index,
      ),
    );
    expect(new Set(indices).size).toBe(200);
    const bytes = await a.read(indices[0]!);
    expect(decodeRecord(bytes)).toMatchObject({ by: 'a', session: 's0' });
    expect(verifyProof(await a.receipt(indices[0]!), bytes, testSigner.verifier).ok).toBe(true);
    await expect(b.read(indices[0]!)).rejects.toMatchObject({ code: 'audit_refused' });
    await server.close();
    await expect(a.record(decision('s', 1))).rejects.toMatchObject({ code: 'audit_unavailable' });
    const again = await serveLog({ recorder, sockets });
    expect((await a.record(decision('s', 1))).index).toBe(200);
    await Promise.all([a.close(), b.close(), again.close()]);
    await recorder.close();
  });

  it('a writer that is not there denies', async () => {
    await expect(connectLog(join(scratch(), 'none.sock')).record(decision('s', 1))).rejects.toMatchObject({
      code: 'audit_unavailable',
    });
  });
});

describe('two users', () => {
  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)(
    'an agent can add records and not change, drop or read past its own (needs root to become two users)',
    async () => {
      const top = scratch();
      const [writerFile, agentFile] = [await bundleChild(top, 'serve'), await bundleChild(top, 'agent')];
      const [writer, agent] = [54_321, 54_322];
      const root = join(top, 'writer');
      const run = join(top, 'run');
      mkdirSync(root, { mode: 0o700 });
      mkdirSync(run);
      chownSync(root, writer, writer);
      // The agent may reach the sockets, not replace them.
      chownSync(run, writer, writer);
      chmodSync(run, 0o755);
      const socket = join(run, 'guard-1.sock');
      const server = start(writerFile, [root, socket], { uid: writer, gid: writer });
      onTestFinished(() => void server.kill('SIGKILL'));
      const ready = await new Promise<string>((resolve) =>
        server.stdout!.once('data', (d: Buffer) => resolve(d.toString())),
      );
      expect(ready).toBe(`serving as ${writer}\n`);
      const { out } = await finish(
        start(agentFile, [root, socket, String(server.pid)], { uid: agent, gid: agent }),
      );
      expect(
        Object.fromEntries(
          out
            .trim()
            .split('\n')
            .map((line) => line.split(': ')),
        ),
      ).toEqual({
        as: String(agent),
        'read own': 'done',
        'receipt of own': 'done',
        'read of another': 'audit_refused',
        'read past the end': 'audit_refused',
        'list files': 'EACCES',
        'read checkpoint': 'EACCES',
        'read key': 'EACCES',
        'change tile': 'EACCES',
        'append to wal': 'EACCES',
        'cut wal': 'EACCES',
        'remove log': 'EACCES',
        'remove socket': 'EACCES',
        'kill writer': 'EPERM',
        'set the time': 'audit_refused',
        'be another': 'audit_refused',
        'break the chain': 'audit_refused',
        'no record at all': 'audit_refused',
        'operation 0': 'method_not_allowed',
        'operation 5': 'method_not_allowed',
        'operation 6': 'method_not_allowed',
        'operation 99': 'method_not_allowed',
        'operation 255': 'method_not_allowed',
        'append JSON': 'audit_refused',
        'append a date': 'audit_refused',
        'append a record of cbor-x': 'audit_refused',
        'append brackets': 'audit_refused',
        'append a huge list': 'audit_refused',
        'append __proto__': 'audit_refused',
        garbage: 'closed',
        'huge frame': 'closed',
        'still appending': 'done',
      });
      server.kill('SIGKILL');
      await new Promise((resolve) => server.once('close', resolve));
      const log = await openAt(root);
      expect(log.size).toBe(3);
      await log.close();
    },
  );
});

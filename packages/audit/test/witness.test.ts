// Witnesses: the C2SP protocol over HTTP, forks and rollbacks caught, a fleet log.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileHead, memoryHead } from '../src/log/head.ts';
import type { Log } from '../src/log/log.ts';
import { toBase64 } from '../src/base64.ts';
import { signCheckpoint, verifyCheckpoint } from '../src/note/checkpoint.ts';
import { generateSigner, signerKey, type SignerKey } from '../src/note/key.ts';
import { parsePolicy } from '../src/note/policy.ts';
import { verifyProof } from '../src/note/proof.ts';
import { verifyLog } from '../src/read/verify.ts';
import { prove } from '../src/read/prove.ts';
import { directorySource } from '../src/tile/source.ts';
import { cosign } from '../src/witness/client.ts';
import { openFleet, verifyFleet } from '../src/witness/fleet.ts';
import { serveWitness } from '../src/witness/server.ts';
import { originPath, Witness } from '../src/witness/witness.ts';
import { Witnessing } from '../src/witness/witnessing.ts';
import { openAt, scratch, testSigner } from './scratch.ts';

const fill = (log: Log, n: number, text: string = 'e'): Promise<unknown> =>
  Promise.all(Array.from({ length: n }, (_, i) => log.append(Buffer.from(`${text} ${log.size + i}`))));
const cosigner = (name: string): SignerKey => signerKey(name, Buffer.alloc(32, name), 4);
const openWitness = (name: string, directory: string): Promise<Witness> =>
  Witness.open({
    directory,
    signer: cosigner(name),
    logs: [testSigner.verifier],
    nowSeconds: () => 1_700_000_000,
  });

/** A request body for `add-checkpoint`. */
const request = async (log: Log, old: number): Promise<string> => {
  const proof = await log.reader().consistency(old);
  return `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${log.published.note}`;
};

/** The status of a body that claims a megabyte and sends `bytes`: the answer comes while it is still expected. */
const postUnfinished = (url: string, bytes: number): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: { 'content-length': 1_000_000 } };
    const request = httpRequest(new URL('add-checkpoint', url), options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject);
    request.write('x'.repeat(bytes));
  });

describe('a witness', () => {
  it('answers as tlog-witness says', async () => {
    const log = await openAt(scratch());
    const witness = await openWitness('w1', scratch());
    const server = await serveWitness(witness);
    const post = (body: string): Promise<Response> =>
      fetch(new URL('add-checkpoint', server.url), { method: 'POST', body });
    await fill(log, 5);
    await log.checkpoint();
    const first = await post(await request(log, 0));
    expect(first.status).toBe(200);
    const line = await first.text();
    const note = log.published.note + line;
    expect(verifyCheckpoint(note, testSigner.verifier, [witness.key])?.signers.length).toBe(2);
    await fill(log, 300);
    await log.checkpoint();
    const stale = await post(await request(log, 0));
    expect([stale.status, stale.headers.get('content-type'), await stale.text()]).toEqual([
      409,
      'text/x.tlog.size',
      '5\n',
    ]);
    const body = await request(log, 5);
    const cases: [number, string][] = [
      [400, body.replace('old 5', 'old 999')],
      [400, body.replace('old 5', 'old 05')],
      [400, 'nonsense'],
      [400, body.replace('\n\n', `\n${`${toBase64(new Uint8Array(32))}\n`.repeat(64)}\n`)],
      [403, body.replace(/(\u2014 .*)A/, '$1B')],
      [403, `old 5\n\n${signCheckpoint(generateSigner(testSigner.verifier.name), 305, new Uint8Array(32))}`],
      [404, `old 0\n\n${signCheckpoint(generateSigner('other.example/log'), 1, new Uint8Array(32))}`],
      [422, body.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${toBase64(new Uint8Array(32))}\n`)],
      [422, `old 5\n\n${signCheckpoint(testSigner, 5, new Uint8Array(32))}`],
      [422, `old 5\n\n${log.published.note}`],
    ];
    for (const [status, text] of cases) expect((await post(text)).status, text.slice(0, 60)).toBe(status);
    expect((await post(body)).status).toBe(200);
    // The same again is a fresh cosignature over the same tree.
    expect((await post(await request(log, 305))).status).toBe(200);
    const verified = await (
      await fetch(new URL(`${originPath(testSigner.verifier.name)}/checkpoint`, server.url))
    ).text();
    expect(verifyCheckpoint(verified, testSigner.verifier, [witness.key])?.size).toBe(305);
    expect((await fetch(new URL(`${'0'.repeat(64)}/checkpoint`, server.url))).status).toBe(404);
    expect((await fetch(new URL('../../etc/passwd', server.url))).status).toBe(404);
    expect(await postUnfinished(server.url, 131_073)).toBe(413);
    await server.close();
    await witness.close();
    await log.close();
  });

  it('checks and stores in one step: of two histories submitted at once it cosigns one', async () => {
    const witness = await openWitness('w1', scratch());
    const [a, b] = [await openAt(scratch()), await openAt(scratch(), { head: memoryHead() })];
    await fill(a, 7, 'one history');
    await fill(b, 9, 'another');
    await Promise.all([a.checkpoint(), b.checkpoint()]);
    const answers = await Promise.all([witness.add(await request(a, 0)), witness.add(await request(b, 0))]);
    expect(answers.map((x) => x.status).toSorted()).toEqual([200, 409]);
    await Promise.all([a.close(), b.close(), witness.close()]);
  });

  it('remembers across restarts, and does not begin anew when its memory is damaged', async () => {
    const directory = scratch();
    const log = await openAt(scratch());
    await fill(log, 4);
    await log.checkpoint();
    const witness = await openWitness('w1', directory);
    expect((await witness.add(await request(log, 0))).status).toBe(200);
    await expect(openWitness('w1', directory)).rejects.toMatchObject({ code: 'audit_unavailable' });
    await witness.close();
    const again = await openWitness('w1', directory);
    expect(await again.add(await request(log, 0))).toMatchObject({ status: 409, body: '4\n' });
    const path = join(directory, `${originPath(testSigner.verifier.name)}.checkpoint`);
    writeFileSync(path, readFileSync(path, 'utf8').replace('\n4\n', '\n3\n'));
    await expect(again.add(await request(log, 0))).rejects.toThrow(/damaged/);
    await again.close();
    await log.close();
  });
});

describe('A1 with witnesses', () => {
  const setup = async (root: string, names: readonly string[], quorum: string) => {
    const witnesses = await Promise.all(
      names.map((name) => openWitness(name, join(root, `witness-${name}`))),
    );
    const servers = await Promise.all(witnesses.map((witness) => serveWitness(witness)));
    const lines = names.map((name, i) => `witness ${name} ${witnesses[i]!.key.text} ${servers[i]!.url}`);
    const policy = parsePolicy(`${lines.join('\n')}\ngroup g ${quorum} ${names.join(' ')}\nquorum g\n`);
    const witnessing = new Witnessing({ directory: join(root, 'log'), log: testSigner.verifier, policy });
    const close = async (): Promise<void> => {
      await Promise.all(servers.map((server) => server.close()));
      await Promise.all(witnesses.map((witness) => witness.close()));
    };
    return { policy, witnessing, servers, close };
  };

  it('a log is cosigned by a quorum, goes on without one witness, and its receipts hold offline', async () => {
    const root = scratch();
    const { policy, witnessing, servers, close } = await setup(root, ['w1', 'w2', 'w3'], '2');
    const log = await openAt(root, { onCheckpoint: witnessing.submit });
    witnessing.attach(log);
    await fill(log, 400);
    await log.checkpoint();
    await witnessing.idle();
    expect(witnessing.cosigned?.results.filter((r) => r.ok).length).toBe(3);
    const receipt = await prove(directorySource(join(root, 'log')), testSigner.verifier, 17, policy);
    expect(verifyProof(receipt, Buffer.from('e 17'), testSigner.verifier, policy).ok).toBe(true);
    await servers[2]!.close();
    await fill(log, 10);
    await log.checkpoint();
    await witnessing.idle();
    expect(witnessing.cosigned?.checkpoint.size).toBe(410);
    await servers[1]!.close();
    await fill(log, 10);
    await log.checkpoint();
    await witnessing.idle();
    // Too few now: the log goes on, the cosigned checkpoint stays behind.
    expect([witnessing.cosigned?.checkpoint.size, log.published.size, log.failure]).toEqual([410, 420, null]);
    const report = await verifyLog({
      directory: join(root, 'log'),
      log: testSigner.verifier,
      head: fileHead(join(root, 'head')),
      policy,
      records: false,
    });
    expect(report.problems).toEqual([]);
    expect(report.witnesses).toEqual(['w1', 'w2']);
    await log.close();
    await close();
  });

  it('a rollback of everything, head and all, is caught at the next checkpoint and stops the log', async () => {
    const root = scratch();
    const { witnessing, close } = await setup(root, ['w1'], '1');
    const log = await openAt(root, { onCheckpoint: witnessing.submit });
    await fill(log, 20);
    await log.checkpoint();
    await witnessing.idle();
    await log.close();
    cpSync(join(root, 'log'), join(root, 'older'), { recursive: true });
    cpSync(join(root, 'head'), join(root, 'older-head'));
    const more = await openAt(root, { onCheckpoint: witnessing.submit });
    await fill(more, 20);
    await more.checkpoint();
    await witnessing.idle();
    await more.close();
    rmSync(join(root, 'log'), { recursive: true });
    cpSync(join(root, 'older'), join(root, 'log'), { recursive: true });
    cpSync(join(root, 'older-head'), join(root, 'head'));
    const rolled = await openAt(root, { onCheckpoint: witnessing.submit });
    witnessing.attach(rolled);
    await fill(rolled, 5, 'rewritten');
    await rolled.checkpoint();
    await witnessing.idle();
    expect(rolled.failure).toMatchObject({ code: 'witness_conflict' });
    await expect(rolled.append(Buffer.from('x'))).rejects.toMatchObject({ code: 'witness_conflict' });
    await rolled.close();
    await close();
  });

  it('a fork: a second history under the same key gets no cosignature, and the owner of the key is told', async () => {
    const root = scratch();
    const { policy, witnessing, close } = await setup(root, ['w1'], '1');
    const log = await openAt(root, { onCheckpoint: witnessing.submit });
    await fill(log, 20);
    await log.checkpoint();
    await witnessing.idle();
    const fork = await openAt(scratch(), { head: memoryHead() });
    await fill(fork, 30, 'another history');
    const checkpoint = await fork.checkpoint();
    const reader = fork.reader();
    const result = await cosign(checkpoint, {
      policy,
      log: testSigner.verifier,
      seen: new Map(),
      proofFrom: (size) => reader.consistency(size),
    });
    expect(result.met).toBe(false);
    expect(result.results).toMatchObject([{ ok: false, conflict: true }]);
    await Promise.all([log.close(), fork.close()]);
    await close();
  });

  it('a log cut off behind the witnessed size is seen by verify', async () => {
    const root = scratch();
    const { policy, witnessing, close } = await setup(root, ['w1'], '1');
    const log = await openAt(root, { onCheckpoint: witnessing.submit });
    await fill(log, 20);
    await log.close();
    cpSync(join(root, 'log'), join(root, 'older'), { recursive: true });
    cpSync(join(root, 'head'), join(root, 'older-head'));
    const more = await openAt(root, { onCheckpoint: witnessing.submit });
    await fill(more, 20);
    await more.checkpoint();
    await witnessing.idle();
    await more.close();
    const cosigned = readFileSync(join(root, 'log/checkpoint.cosigned'));
    rmSync(join(root, 'log'), { recursive: true });
    cpSync(join(root, 'older'), join(root, 'log'), { recursive: true });
    writeFileSync(join(root, 'log/checkpoint.cosigned'), cosigned);
    const report = await verifyLog({
      directory: join(root, 'log'),
      log: testSigner.verifier,
      head: fileHead(join(root, 'older-head')),
      policy,
      records: false,
    });
    expect(
      report.problems.some((p) => p.what.includes('witnesses have cosigned 40 entries, the log shows 20')),
    ).toBe(true);
    await close();
  });
});

describe('a fleet', () => {
  it('one log commits to the checkpoints of all nodes', async () => {
    const root = scratch();
    const keys = ['a', 'b', 'c'].map((name) => signerKey(`audit.example/${name}`, Buffer.alloc(32, name)));
    const fleetLog = await openAt(join(root, 'fleet'), {
      signer: signerKey('audit.example/fleet', Buffer.alloc(32, 9)),
    });
    const fleet = await openFleet({
      log: fleetLog,
      directory: join(root, 'seen'),
      signer: cosigner('fleet'),
      nodes: keys.map((k) => k.verifier),
    });
    const server = await serveWitness(fleet);
    const policy = parsePolicy(`witness fleet ${fleet.key.text} ${server.url}\nquorum fleet\n`);
    for (const [i, signer] of keys.entries()) {
      const directory = join(root, `node-${i}`, 'log');
      const witnessing = new Witnessing({ directory, log: signer.verifier, policy });
      const log = await openAt(join(root, `node-${i}`), { signer, onCheckpoint: witnessing.submit });
      for (let n = 0; n < 3; n++) {
        await fill(log, 10 * (i + 1));
        await log.checkpoint();
        await witnessing.idle();
      }
      expect(witnessing.cosigned?.met).toBe(true);
      await log.close();
    }
    await fleetLog.checkpoint();
    const { latest, problems } = await verifyFleet(
      fleetLog.reader(),
      keys.map((k) => k.verifier),
    );
    expect(problems).toEqual([]);
    expect([...latest.values()].map((c) => c.size)).toEqual([30, 60, 90]);
    await server.close();
    await fleet.close();
    await fleetLog.append(Buffer.from(signCheckpoint(keys[0]!, 29, new Uint8Array(32))));
    await fleetLog.checkpoint();
    expect(
      (
        await verifyFleet(
          fleetLog.reader(),
          keys.map((k) => k.verifier),
        )
      ).problems,
    ).toHaveLength(1);
    await fleetLog.close();
  });
});

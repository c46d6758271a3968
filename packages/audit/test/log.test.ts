// The writer: durable before it answers, one writer, killed at any instant, a full disk, damage, rollback.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryHead, type HeadStore } from '../src/log/head.ts';
import { Log } from '../src/log/log.ts';
import { leafHash } from '../src/merkle/hash.ts';
import { Edge } from '../src/merkle/edge.ts';
import { verifyCheckpoint } from '../src/note/checkpoint.ts';
import { verifyProof } from '../src/note/proof.ts';
import { TreeReader } from '../src/tile/reader.ts';
import { directorySource } from '../src/tile/source.ts';
import { bundleChild, openAt, scratch, start, testSigner } from './scratch.ts';

const entry = (i: number): Buffer => Buffer.from(`entry ${i} ${'.'.repeat(i % 50)}`);
const fill = async (log: Log, from: number, to: number): Promise<void> => {
  await Promise.all(Array.from({ length: to - from }, (_, i) => log.append(entry(from + i))));
};
const rootOf = (n: number): Uint8Array => {
  const edge = new Edge();
  for (let i = 0; i < n; i++) edge.push(leafHash(entry(i)));
  return edge.root();
};
const refused = (code: string): unknown => expect.objectContaining({ code });

describe('a log', () => {
  it('has the root of its entries, in tiles that any reader can check', async () => {
    const root = scratch();
    const log = await openAt(root);
    for (const [from, to] of [
      [0, 1],
      [1, 255],
      [255, 256],
      [256, 700],
      [700, 70_000],
    ] as const) {
      await fill(log, from, to);
      const checkpoint = await log.checkpoint();
      expect(checkpoint.size).toBe(to);
      expect(checkpoint.root).toEqual(rootOf(to));
      const verified = readFileSync(join(root, 'log', 'checkpoint'), 'utf8');
      expect(verifyCheckpoint(verified, testSigner.verifier)?.size).toBe(to);
    }
    const reader = new TreeReader(directorySource(join(root, 'log')), 70_000);
    expect(await reader.root()).toEqual(log.published.root);
    expect(Buffer.from(await reader.entry(69_999)).equals(entry(69_999))).toBe(true);
    // The worked example of tlog-tiles: 273 full tiles and one of 112, one full and one of 17, one of 1.
    const tile = (path: string): number => readFileSync(join(root, 'log/tile', path)).length / 32;
    expect([
      tile('0/272'),
      tile('0/273.p/112'),
      tile('1/000'),
      tile('1/001.p/17'),
      tile('2/000.p/1'),
    ]).toEqual([256, 112, 256, 17, 1]);
    await log.close();
  });

  it('gives receipts that verify offline, publishing on demand', async () => {
    const log = await openAt(scratch());
    await fill(log, 0, 300);
    expect(log.published.size).toBe(0);
    const receipt = await log.receipt(123);
    expect(verifyProof(receipt, entry(123), testSigner.verifier)).toMatchObject({ ok: true, index: 123 });
    expect(verifyProof(receipt, entry(124), testSigner.verifier).ok).toBe(false);
    await expect(log.receipt(300)).rejects.toThrow(RangeError);
    await log.close();
    await expect(log.append(entry(1))).rejects.toEqual(refused('audit_unavailable'));
  });

  it('goes on where it stopped, across segments of the write-ahead log', async () => {
    const root = scratch();
    for (let i = 0; i < 6; i++) {
      const log = await openAt(root, { segmentBytes: 20_000 });
      expect(log.size).toBe(i * 500);
      await fill(log, i * 500, i * 500 + 500);
      await log.close();
    }
    const log = await openAt(root);
    expect(log.published.root).toEqual(rootOf(3000));
    expect(readdirSync(join(root, 'log/wal')).length).toBeLessThan(3);
    await log.close();
  });

  it('refuses entries that are too long and a queue that grows without end', async () => {
    const log = await openAt(scratch(), { queueBytes: 100_000 });
    await expect(log.append(new Uint8Array(65_536))).rejects.toEqual(refused('audit_refused'));
    expect(await log.append(new Uint8Array(65_535))).toBe(0);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => log.append(new Uint8Array(30_000))),
    );
    expect(results.filter((r) => r.status === 'rejected').length).toBe(7);
    expect(log.size).toBe(4);
    await log.close();
  });

  it('keeps what was appended when the caller changes its buffer afterwards', async () => {
    const log = await openAt(scratch());
    const buffer = Buffer.from('before');
    const done = log.append(buffer);
    buffer.write('after!');
    await done;
    await log.checkpoint();
    expect(Buffer.from(await log.reader().entry(0)).toString()).toBe('before');
    await log.close();
  });
});

describe('what goes wrong in the middle', () => {
  it('a late entry that throws takes its flush with it, undone in reverse, and no more', async () => {
    const log = await openAt(scratch());
    const undone: number[] = [];
    const late = (i: number, bad: boolean): Parameters<Log['append']>[0] => ({
      bytes: 100,
      encode: () => {
        if (bad) throw new Error('no');
        return entry(i);
      },
      hashed: () => {},
      undo: () => void undone.push(i),
    });
    const results = await Promise.allSettled([
      log.append(late(0, false)),
      log.append(late(1, false)),
      log.append(late(2, true)),
    ]);
    expect(results.map((r) => r.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect([undone, log.size]).toEqual([[1, 0], 0]);
    expect(await log.append(late(3, false))).toBe(0);
    await log.close();
  });

  it('a head store that fails after it has stored does not stop the log', async () => {
    const inner = memoryHead();
    let fail = false;
    const head: HeadStore = {
      read: () => inner.read(),
      swap: async (expected, next) => {
        const done = await inner.swap(expected, next);
        if (fail) throw new Error('the connection was lost');
        return done;
      },
    };
    const log = await openAt(scratch(), { head });
    await fill(log, 0, 3);
    fail = true;
    await expect(log.checkpoint()).rejects.toEqual(refused('audit_unavailable'));
    fail = false;
    await fill(log, 3, 5);
    expect((await log.checkpoint()).size).toBe(5);
    await log.close();
  });
});

describe('one writer', () => {
  it('in one process: the second is refused until the first has closed', async () => {
    const root = scratch();
    const log = await openAt(root);
    const error: unknown = await openAt(root).catch((e: unknown) => e);
    expect(error).toEqual(refused('audit_unavailable'));
    // Which log, who has it, and what to do.
    expect((error as Error).message).toContain(root);
    expect((error as Error).message).toContain(`process ${process.pid} on `);
    expect((error as Error).message).toContain('end it, use another directory, or write through its socket');
    const waiting = openAt(root, { lockWait: 5000 });
    await log.close();
    await (await waiting).close();
  });

  it('of several processes started at once, and a killed one leaves nothing to clean up', async () => {
    const root = scratch();
    const file = await bundleChild(root, 'writer');
    const children = ['a', 'b', 'c', 'd'].map((name) => start(file, [root, name]));
    const first = await Promise.all(
      children.map(
        (child) =>
          new Promise<string>((resolve) =>
            child.stdout!.once('data', (d: Buffer) => resolve(d.toString().split('\n')[0]!)),
          ),
      ),
    );
    expect(first.filter((line) => line.startsWith('open')).length).toBe(1);
    expect(first.filter((line) => line === 'refused audit_unavailable').length).toBe(3);
    children.forEach((child) => child.kill('SIGKILL'));
    await Promise.all(
      children.map(
        async (child) =>
          child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once('close', resolve)),
      ),
    );
    await (await openAt(root)).close();
  });

  it('a head that another writer has moved stops this one before it signs a second history', async () => {
    const head = memoryHead();
    const log = await openAt(scratch(), { head });
    const other = await openAt(scratch(), { head: memoryHead() });
    await fill(other, 0, 3);
    const foreign = await other.checkpoint();
    await head.swap(await head.read(), foreign.note);
    await fill(log, 0, 5);
    await expect(log.checkpoint()).rejects.toEqual(refused('audit_corrupt'));
    await expect(log.append(entry(5))).rejects.toEqual(refused('audit_corrupt'));
    await Promise.all([log.close(), other.close()]);
  });
});

const kills = process.env['AMBIT_LONG'] === '1' ? 200 : 15;

describe('L11 A2 killed at any instant', () => {
  it(`${kills} times during load: nothing acknowledged is lost, no root changes`, async () => {
    const root = scratch();
    const file = await bundleChild(root, 'writer');
    const acknowledged: string[] = [];
    let cut = 0;
    for (let i = 0; i < kills; i++) {
      const child = start(file, [root, `run${i}`, '7']);
      let out = '';
      // Every other kill waits for two acknowledgements, so that there are some however busy the machine is.
      const least = i % 2 === 0 ? 3 : 1;
      const opened = new Promise<void>((resolve) =>
        child.stdout!.on('data', (d: Buffer) => {
          out += d.toString();
          if (out.split('\n').length > least) resolve();
        }),
      );
      await opened;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
      // A last line without its newline was cut by the kill; what it would have said is not known.
      const lines = out
        .slice(0, out.lastIndexOf('\n') + 1)
        .split('\n')
        .slice(0, -1);
      const [, size, torn] = /^open ([0-9]+) ([0-9]+)$/.exec(lines.shift()!) ?? [];
      expect(Number(size)).toBeGreaterThanOrEqual(acknowledged.length);
      cut += Number(torn) > 0 ? 1 : 0;
      for (const line of lines) {
        const [index, text] = line.split(' ');
        acknowledged[Number(index)] = text!;
      }
    }
    const log = await openAt(root);
    const reader = log.reader();
    expect(log.size).toBeGreaterThanOrEqual(acknowledged.length);
    let checked = 0;
    for (const [index, text] of acknowledged.entries()) {
      if (text === undefined) continue;
      expect(
        Buffer.from(await reader.entry(index))
          .toString()
          .startsWith(`${text} `),
      ).toBe(true);
      checked++;
    }
    expect(checked).toBeGreaterThanOrEqual(kills);
    expect(await reader.root()).toEqual(log.published.root);
    if (kills > 100)
      process.stderr.write(
        `A2: ${kills} kills, ${checked} acknowledged entries, all there; ${cut} unfinished flushes cut\n`,
      );
    await log.close();
  }, 600_000);

  it('an unfinished flush is cut, kept aside and told', async () => {
    const root = scratch();
    const log = await openAt(root);
    await fill(log, 0, 10);
    await log.close();
    const wal = join(root, 'log/wal', readdirSync(join(root, 'log/wal'))[0]!);
    const whole = readFileSync(wal);
    appendFileSync(wal, whole.subarray(whole.length - 300, whole.length - 300 + 1).fill(0x41));
    const again = await openAt(root);
    expect(again.recovery.tornBytes).toBe(1);
    expect(readdirSync(join(root, 'log/wal')).some((name) => name.startsWith('torn-'))).toBe(true);
    expect(again.size).toBe(10);
    await again.close();
  });
});

describe('A3 disk full', () => {
  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)(
    'refuses the append, loses nothing, and goes on when there is room (needs root for a tmpfs)',
    async () => {
      const root = scratch();
      const mount = join(root, 'small');
      mkdirSync(mount);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=9m', 'tmpfs', mount]);
      try {
        const log = await Log.open({
          directory: join(mount, 'log'),
          signer: testSigner,
          head: memoryHead(),
          create: true,
          checkpointInterval: 0,
        });
        const ballast = join(mount, 'ballast');
        // Room for a megabyte until it goes; and then for tiles of all that was taken, however far publishing lagged.
        writeFileSync(ballast, Buffer.alloc(8_000_000));
        let accepted = 0;
        let error: unknown;
        for (let i = 0; i < 2000 && error === undefined; i++) {
          try {
            expect(await log.append(Buffer.alloc(2000, i))).toBe(accepted);
            accepted++;
          } catch (caught) {
            error = caught;
          }
        }
        expect(error).toEqual(refused('audit_unavailable'));
        expect(accepted).toBeGreaterThan(10);
        rmSync(ballast);
        expect(await log.append(Buffer.alloc(2000))).toBe(accepted);
        const checkpoint = await log.checkpoint();
        expect(checkpoint.size).toBe(accepted + 1);
        expect(await log.reader().root()).toEqual(checkpoint.root);
        await log.close();
      } finally {
        execFileSync('umount', ['-l', mount]);
      }
    },
  );
});

describe('A1 damage and rollback, met at the start', () => {
  const prepared = async (): Promise<string> => {
    const root = scratch();
    const log = await openAt(root, { segmentBytes: 30_000 });
    await fill(log, 0, 1200);
    await log.close();
    return root;
  };
  const walOf = (root: string): string =>
    join(
      root,
      'log/wal',
      readdirSync(join(root, 'log/wal'))
        .filter((n) => n.endsWith('.wal'))
        .at(-1)!,
    );

  it('a changed byte anywhere in the write-ahead log', async () => {
    const root = await prepared();
    const path = walOf(root);
    const whole = readFileSync(path);
    for (let i = 0; i < 60; i++) {
      const copy = Buffer.from(whole);
      const at = Math.floor((i / 60) * whole.length);
      copy[at]! ^= 1 << (i % 8);
      writeFileSync(path, copy);
      await expect(openAt(root), `byte ${at}`).rejects.toEqual(refused('audit_corrupt'));
    }
    writeFileSync(path, whole);
    await (await openAt(root)).close();
  });

  it('a changed byte of an entry that is durable and not yet signed for', async () => {
    const root = scratch();
    const log = await openAt(root);
    await fill(log, 0, 50);
    // As a killed process leaves it: the copy has no checkpoint over these entries.
    const copy = scratch();
    cpSync(join(root, 'log'), join(copy, 'log'), { recursive: true });
    cpSync(join(root, 'head'), join(copy, 'head'));
    rmSync(join(copy, 'log/writer.lock'));
    await log.close();
    const path = walOf(copy);
    const whole = readFileSync(path);
    for (const at of [whole.length - 1, whole.indexOf('entry 17'), whole.length - 500]) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 4;
      writeFileSync(path, changed);
      await expect(openAt(copy), `byte ${at}`).rejects.toEqual(refused('audit_corrupt'));
    }
    writeFileSync(path, whole);
    const recovered = await openAt(copy);
    expect([recovered.size, recovered.published.size]).toEqual([50, 50]);
    await recovered.close();
  });

  it('the end cut off, an older copy of everything but the head, a wiped directory, a lost head', async () => {
    const root = await prepared();
    cpSync(join(root, 'log'), join(root, 'older'), { recursive: true });
    const log = await openAt(root);
    await fill(log, 1200, 1300);
    await log.close();
    const path = walOf(root);
    const whole = readFileSync(path);
    truncateSync(path, whole.length - 100);
    await expect(openAt(root)).rejects.toThrow(/before the last signed checkpoint/);
    writeFileSync(path, whole);
    rmSync(join(root, 'log'), { recursive: true });
    cpSync(join(root, 'older'), join(root, 'log'), { recursive: true });
    await expect(openAt(root)).rejects.toEqual(refused('audit_corrupt'));
    rmSync(join(root, 'log'), { recursive: true });
    await expect(openAt(root)).rejects.toEqual(refused('audit_corrupt'));
    cpSync(join(root, 'older'), join(root, 'log'), { recursive: true });
    rmSync(join(root, 'head'));
    await expect(openAt(root)).rejects.toThrow(/head store/);
    const elsewhere = scratch();
    await expect(openAt(elsewhere, { create: false })).rejects.toEqual(refused('file_missing'));
  });

  it("a tile changed behind the writer's back stops the next signature", async () => {
    const root = scratch();
    const log = await openAt(root);
    await fill(log, 0, 600);
    await log.checkpoint();
    await fill(log, 600, 900);
    const tile = join(root, 'log/tile/0/002');
    while (!existsSync(tile)) await new Promise((resolve) => setTimeout(resolve, 5));
    const bytes = readFileSync(tile);
    bytes[100]! ^= 1;
    writeFileSync(tile, bytes);
    await expect(log.checkpoint()).rejects.toEqual(refused('audit_corrupt'));
    await expect(log.append(entry(900))).rejects.toEqual(refused('audit_corrupt'));
    await log.close();
  });

  it('a missing or changed tile that the write-ahead log still covers is written again, and told', async () => {
    const root = scratch();
    const log = await openAt(root);
    await fill(log, 0, 600);
    await log.close();
    rmSync(join(root, 'log/tile/entries/000'));
    writeFileSync(join(root, 'log/tile/0/001'), Buffer.alloc(8192));
    const again = await openAt(root);
    expect(again.recovery.rewritten).toEqual(['tile/entries/000 (missing)', 'tile/0/001 (different)']);
    expect(await again.reader().root()).toEqual(rootOf(600));
    await again.close();
  });
});

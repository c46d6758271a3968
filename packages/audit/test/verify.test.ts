// Reading it all again: a sound log verifies, and whatever is changed in it is found and named (attack A1).
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fileHead } from '../src/log/head.ts';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  readWalFrame,
  sealFrame,
  segmentName,
  type WalFrame,
} from '../src/log/wal.ts';
import { Edge } from '../src/merkle/edge.ts';
import { encodeBundle, parseBundle } from '../src/tile/bundle.ts';
import { verifyLog, type VerifyReport } from '../src/read/verify.ts';
import { leafHash } from '../src/merkle/hash.ts';
import { Recorder } from '../src/record/recorder.ts';
import { encodeRecord } from '../src/record/codec.ts';
import { drafts } from './sample.ts';
import { openAt, scratch, testSigner } from './scratch.ts';

/** Smaller than the default of the writer, so that a log of some hundred records has all there is: several segments, full and partial tiles, old partials. */
const SEGMENT = 60_000;

async function makeLog(root: string, sessions: number): Promise<void> {
  const log = await openAt(root, { segmentBytes: SEGMENT });
  const recorder = await Recorder.open(log, { by: 'guard-1' });
  for (let i = 0; i < sessions; i++) {
    for (const draft of drafts(`session-${i}`)) await recorder.record(draft);
    if (i % 20 === 19) await log.checkpoint();
  }
  await log.close();
}
const verify = (root: string): Promise<VerifyReport> =>
  verifyLog({ directory: join(root, 'log'), log: testSigner.verifier, head: fileHead(join(root, 'head')) });

const files = (root: string): string[] =>
  [
    'head',
    ...(readdirSync(join(root, 'log'), { recursive: true }) as string[]).map((name) => join('log', name)),
  ]
    .filter((name) => statSync(join(root, name)).isFile() && statSync(join(root, name)).size > 0)
    .toSorted();

const root = scratch();
beforeAll(() => makeLog(root, 120));
const copy = (): string => {
  const to = scratch();
  cpSync(join(root, 'log'), join(to, 'log'), { recursive: true });
  cpSync(join(root, 'head'), join(to, 'head'));
  return to;
};

describe('a sound log', () => {
  it('verifies: every record, every checkpoint on the way', async () => {
    const report = await verify(root);
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ ok: true, size: 840, checkpoints: 7 });
  });

  it('verifies while it is written to', async () => {
    const to = copy();
    const log = await openAt(to, { checkpointInterval: 5 });
    let go = true;
    const load = (async () => {
      for (let i = 0; go; i++)
        await log.append(
          encodeRecord({ v: 1, at: Date.now() + 1e6, kind: 'decision', code: 'allowed', call: `c${i}` }),
        );
    })();
    for (let i = 0; i < 5; i++) {
      const { problems } = await verify(to);
      // A write that is not finished yet is seen as such, and nothing else is.
      expect(problems.filter((p) => !p.what.startsWith('an unfinished'))).toEqual([]);
    }
    go = false;
    await load;
    await log.close();
    expect((await verify(to)).ok).toBe(true);
  });

  it('of plain bytes verifies when records are not asked for', async () => {
    const to = scratch();
    const log = await openAt(to);
    await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(Buffer.from(`entry ${i}`))));
    await log.close();
    expect((await verify(to)).problems[0]).toMatchObject({ index: 0, what: 'not a record of this schema' });
    const report = await verifyLog({ directory: join(to, 'log'), log: testSigner.verifier, records: false });
    expect(report.ok).toBe(true);
  });
});

const rounds = process.env['AMBIT_LONG'] === '1' ? 10_000 : 150;

describe('A1 a write-ahead log that was written anew, with right checksums', () => {
  const sealed = ({ first, count, payload, root: after }: WalFrame): Buffer => {
    const out = Buffer.concat([Buffer.alloc(FRAME_HEADER_BYTES), payload]);
    sealFrame(out, first, count, after);
    return out;
  };
  /** The last segment's frames as two segments, changed and sealed again. */
  const rewritten = (change: (first: WalFrame[], second: WalFrame[]) => WalFrame[][]): string => {
    const to = copy();
    const name = readdirSync(join(to, 'log/wal')).toSorted().at(-1)!;
    const bytes = readFileSync(join(to, 'log/wal', name));
    const header = decodeSegmentHeader(bytes)!;
    const frames: WalFrame[] = [];
    for (let at = header.end; ;) {
      const read = readWalFrame(bytes, at);
      if (read.kind !== 'frame') break;
      frames.push(read.frame);
      at = read.next;
    }
    const edge = new Edge(header.edge);
    const middle = frames.length >> 1;
    for (const { payload } of frames.slice(0, middle))
      for (const entry of parseBundle(payload)!) edge.push(leafHash(entry));
    const [first, second] = change(frames.slice(0, middle), frames.slice(middle)) as [WalFrame[], WalFrame[]];
    writeFileSync(
      join(to, 'log/wal', name),
      Buffer.concat([bytes.subarray(0, header.end), ...first.map(sealed)]),
    );
    const start = encodeSegmentHeader(edge.state());
    writeFileSync(join(to, 'log/wal', segmentName(edge.size)), Buffer.concat([start, ...second.map(sealed)]));
    return to;
  };
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

  it('verifies when only the place is another where one segment ends and the next begins', async () => {
    expect((await verify(rewritten((a, b) => [a, b]))).problems).toEqual([]);
  });

  it.each<[string, (a: WalFrame[], b: WalFrame[]) => WalFrame[][], RegExp]>([
    [
      'a frame that says another place',
      (a, b) => [a, [...b.slice(0, -1), { ...b.at(-1)!, first: b.at(-1)!.first + 1 }]],
      /does not hold the entries it says/,
    ],
    [
      'a frame that says another root',
      (a, b) => [a, [...b.slice(0, -1), { ...b.at(-1)!, root: flip(b.at(-1)!.root) }]],
      /do not lead to the root written with them/,
    ],
    [
      'its end cut off at a frame, before the checkpoint',
      (a, b) => [a, b.slice(0, -1)],
      /the checkpoint covers/,
    ],
    [
      'a frame missing between two segments',
      (a, b) => [a.slice(0, -1), b],
      /the next segment does not begin there/,
    ],
  ])('%s is found', async (_, change, problem) => {
    const { problems } = await verify(rewritten(change));
    // Found there, by the check that is for it: tiles and entries are what they were.
    expect(problems[0]?.what).toMatch(problem);
    expect(problems.filter((p) => !p.where.startsWith('wal/'))).toEqual([]);
  });
});

describe('A1 tampering', () => {
  it(`${rounds} random changes of random files: each is found, and the file is named`, async () => {
    const to = copy();
    const names = files(to);
    const missed: string[] = [];
    let seed = 12_345;
    const random = (n: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    for (let round = 0; round < rounds; round++) {
      const name = names[random(names.length)]!;
      const path = join(to, name);
      const whole = readFileSync(path);
      const at = random(whole.length);
      const n = 1 + random(Math.min(40, whole.length - at));
      const kind = ['flip', 'remove', 'insert', 'cut', 'zero', 'swap'][random(6)]!;
      let changed: Buffer;
      if (kind === 'flip') {
        changed = Buffer.from(whole);
        changed[at]! ^= 1 << random(8);
      } else if (kind === 'remove') changed = Buffer.concat([whole.subarray(0, at), whole.subarray(at + n)]);
      else if (kind === 'insert')
        changed = Buffer.concat([whole.subarray(0, at), Buffer.alloc(n, random(256)), whole.subarray(at)]);
      else if (kind === 'cut') changed = whole.subarray(0, at);
      else if (kind === 'zero')
        changed = Buffer.concat([whole.subarray(0, at), Buffer.alloc(n), whole.subarray(at + n)]);
      else changed = Buffer.concat([whole.subarray(at), whole.subarray(0, at)]);
      if (changed.equals(whole)) continue;
      writeFileSync(path, changed);
      const report = await verify(to);
      const named = name.replace('log/', '');
      // A file of the history may be named by its note, a cut-off history as a whole.
      const found = report.problems.some(
        ({ where }) =>
          where === named ||
          where.startsWith(`${named} `) ||
          (where === 'checkpoints' && named.startsWith('checkpoints/')),
      );
      if (report.ok || !found)
        missed.push(`${kind} of ${n} at ${at} in ${name}: ${JSON.stringify(report.problems.slice(0, 3))}`);
      writeFileSync(path, whole);
    }
    expect(missed).toEqual([]);
    expect((await verify(to)).ok).toBe(true);
    if (rounds > 1000) process.stderr.write(`A1: ${rounds} changes, all found and named\n`);
  }, 3_600_000);

  it('a changed entry is named by its index, and so is a changed hash', async () => {
    const to = copy();
    const bundle = join(to, 'log/tile/entries/001');
    const bytes = readFileSync(bundle);
    const entries = parseBundle(bytes)!;
    entries[44]![20]! ^= 1;
    writeFileSync(bundle, bytes);
    const changed = (await verify(to)).problems.filter((p) => p.what.includes('not the one that was logged'));
    expect(changed).toEqual([
      { where: 'tile/entries/001', index: 300, what: 'entry 300 is not the one that was logged' },
    ]);
    entries[44]![20]! ^= 1;
    writeFileSync(bundle, bytes);
    const tile = readFileSync(join(to, 'log/tile/0/001'));
    tile[44 * 32]! ^= 1;
    writeFileSync(join(to, 'log/tile/0/001'), tile);
    expect((await verify(to)).problems).toEqual([
      {
        where: 'tile/0/001',
        index: 300,
        what: 'the hash of entry 300 was changed; the entry is the one that was logged',
      },
    ]);
  });

  it('an entry and its hash changed together do not lead to the signed root', async () => {
    const to = copy();
    const bytes = readFileSync(join(to, 'log/tile/entries/000'));
    const entry = parseBundle(bytes)![7]!;
    entry[20]! ^= 1;
    writeFileSync(join(to, 'log/tile/entries/000'), bytes);
    const tile = readFileSync(join(to, 'log/tile/0/000'));
    tile.set(leafHash(entry), 7 * 32);
    writeFileSync(join(to, 'log/tile/0/000'), tile);
    const { problems } = await verify(to);
    expect(problems.some((p) => p.where.startsWith('checkpoints/') && p.what.includes('another root'))).toBe(
      true,
    );
    expect(problems.some((p) => p.where === 'tile/1/000.p/3')).toBe(true);
  });

  it('a record removed, inserted, swapped with its neighbour', async () => {
    const whole = readFileSync(join(root, 'log/tile/entries/002'));
    const entries = parseBundle(whole)!;
    const changes: Uint8Array[][] = [
      entries.filter((_, i) => i !== 9),
      [...entries.slice(0, 9), entries[3]!, ...entries.slice(9)],
      entries.map((entry, i) => (i === 9 ? entries[10]! : i === 10 ? entries[9]! : entry)),
      [...entries.slice(1), entries[0]!],
    ];
    for (const change of changes) {
      const to = copy();
      writeFileSync(join(to, 'log/tile/entries/002'), encodeBundle(change));
      const { problems } = await verify(to);
      expect(problems.some((p) => p.where === 'tile/entries/002' && p.index !== undefined)).toBe(true);
    }
  });

  it('a file missing, a file too many, a tile in the place of another', async () => {
    for (const name of files(root).filter((n) => !n.includes('.p/'))) {
      const to = copy();
      rmSync(join(to, name));
      expect((await verify(to)).ok, name).toBe(false);
    }
    const to = copy();
    mkdirSync(join(to, 'log/tile/9'));
    writeFileSync(join(to, 'log/tile/9/note.txt'), 'x');
    expect((await verify(to)).problems).toMatchObject([{ where: 'tile/9/note.txt' }]);
    rmSync(join(to, 'log/tile/9'), { recursive: true });
    renameSync(join(to, 'log/tile/0/000'), join(to, 'log/tile/0/x'));
    renameSync(join(to, 'log/tile/0/001'), join(to, 'log/tile/0/000'));
    renameSync(join(to, 'log/tile/0/x'), join(to, 'log/tile/0/001'));
    const { problems } = await verify(to);
    expect(problems.filter((p) => p.where === 'tile/0/000').length).toBe(256);
  });

  it('the whole log replaced by an older copy, and the head as well', async () => {
    const older = copy();
    const to = copy();
    const log = await openAt(to);
    await log.append(encodeRecord({ v: 1, at: Date.now() + 1e6, kind: 'decision', code: 'allowed' }));
    await log.close();
    rmSync(join(to, 'log'), { recursive: true });
    cpSync(join(older, 'log'), join(to, 'log'), { recursive: true });
    expect((await verify(to)).problems.some((p) => p.what.includes('rolled back'))).toBe(true);
    // With the head rolled back too, nothing on this machine can tell: that is what witnesses are for.
    cpSync(join(older, 'head'), join(to, 'head'));
    expect((await verify(to)).ok).toBe(true);
  });

  it('a changed tile above the first level, full or partial', async () => {
    const to = scratch();
    const log = await openAt(to);
    for (let i = 0; i < 66; i++)
      await Promise.all(Array.from({ length: 1000 }, (_, n) => log.append(Buffer.from(`${i}/${n}`))));
    await log.close();
    const options = { directory: join(to, 'log'), log: testSigner.verifier, records: false };
    expect((await verifyLog(options)).problems).toEqual([]);
    for (const name of ['tile/1/000', 'tile/1/001.p/1', 'tile/2/000.p/1']) {
      const path = join(to, 'log', name);
      const whole = readFileSync(path);
      const changed = Buffer.from(whole);
      changed[changed.length - 3]! ^= 1;
      writeFileSync(path, changed);
      const { problems } = await verifyLog(options);
      expect(new Set(problems.map((p) => p.where))).toEqual(new Set([name]));
      writeFileSync(path, whole);
    }
  });

  it('a record left out of a session by a lying writer breaks the session chain', async () => {
    const [from, to] = [await openAt(scratch()), scratch()];
    const recorder = await Recorder.open(from);
    for (const draft of drafts('s')) await recorder.record(draft);
    await from.checkpoint();
    const entries = await Promise.all(Array.from({ length: 7 }, (_, i) => from.reader().entry(i)));
    await recorder.close();
    const log = await openAt(to);
    for (const [i, entry] of entries.entries()) if (i !== 4) await log.append(entry);
    await log.close();
    // Signed, whole as a tree, and a record short: the refusal was left out, the close still counts it.
    const { problems } = await verify(to);
    expect(problems.map((p) => p.index)).toEqual([5, 5]);
    expect(problems[0]?.what).toContain('one is missing');
  });

  it('another key signs nothing for this log', async () => {
    const to = copy();
    const report = await verifyLog({
      directory: join(to, 'log'),
      log: { ...testSigner.verifier, publicKey: new Uint8Array(32) },
    });
    expect(report.ok).toBe(false);
  });
});

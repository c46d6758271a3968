// A log that is verified while its writer works: what the writer does between two reads of the check is done here at
// the worst moment, before a directory is listed or a file is read.
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { fileHead } from '../src/log/head.ts';
import { filesBelow } from '../src/read/listing.ts';
import { verifyLog, type VerifyReport } from '../src/read/verify.ts';
import { encodeRecord } from '../src/record/codec.ts';
import { openAt, scratch, testSigner } from './scratch.ts';

const meanwhile = vi.hoisted(() => ({ before: (_path: string): void => undefined }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    readdir: (path: string, ...rest: unknown[]) => {
      meanwhile.before(path);
      return (real.readdir as (...all: unknown[]) => unknown)(path, ...rest);
    },
    readFile: (path: string, ...rest: unknown[]) => {
      meanwhile.before(path);
      return (real.readFile as (...all: unknown[]) => unknown)(path, ...rest);
    },
  };
});
beforeEach(() => {
  meanwhile.before = () => undefined;
});

const verify = (root: string): Promise<VerifyReport> =>
  verifyLog({ directory: join(root, 'log'), log: testSigner.verifier, head: fileHead(join(root, 'head')) });
const record = (i: number): Uint8Array =>
  encodeRecord({ v: 1, at: 1_772_373_600_000 + i, kind: 'decision', code: 'allowed', call: `c${i}` });

test('a directory of partial tiles that goes after it was named is an empty one', async () => {
  const root = scratch();
  const log = await openAt(root);
  await Promise.all(Array.from({ length: 40 }, (_, i) => log.append(record(i))));
  await log.close();
  const partial = join(root, 'log/tile/0/000.p');
  expect(existsSync(partial)).toBe(true);
  const named: string[] = [];
  meanwhile.before = (path) => {
    named.push(path);
    if (!path.endsWith('/tile/0/')) return;
    // As Node names it in `tile/0`, and the writer has put a full tile in its place when it is opened.
    mkdirSync(join(root, 'log/tile/0/999.p'), { recursive: true });
    meanwhile.before = (next) => {
      if (next.endsWith('/999.p/')) rmSync(join(root, 'log/tile/0/999.p'), { recursive: true, force: true });
    };
  };
  expect((await verify(root)).problems).toEqual([]);
  expect(named.some((path) => path.endsWith('/tile/0/'))).toBe(true);
  expect(existsSync(join(root, 'log/tile/0/999.p'))).toBe(false);
  // A log that is not there is no empty one.
  await expect(filesBelow(join(root, 'nothing'))).rejects.toThrow('ENOENT');
});

test('a segment that goes on, and one that is begun, after the check has read them', async () => {
  const root = scratch();
  const log = await openAt(root, { segmentBytes: 2000 });
  for (let i = 0; i < 5; i++) await log.append(record(i));
  await log.checkpoint();
  const wal = join(root, 'log/wal');
  const first = readdirSync(wal).toSorted().at(-1)!;
  let asked = 0;
  meanwhile.before = (path) => {
    if (!path.endsWith(`/wal/${first}`)) return;
    // Read as it is now; by the time the next directory is listed there is a segment after it.
    asked++;
    const begun = join(wal, `${'9'.repeat(16)}.wal`);
    meanwhile.before = (): void => {
      if (!existsSync(begun)) writeFileSync(begun, '');
    };
  };
  const { problems } = await verify(root);
  expect(asked).toBe(1);
  expect(problems).toEqual([]);
  await log.close();
});

test('whatever is no file of a log is still found, at every depth', async () => {
  const root = scratch();
  const log = await openAt(root);
  await log.append(record(0));
  await log.close();
  appendFileSync(join(root, 'log/stray'), 'x');
  mkdirSync(join(root, 'log/tile/0/deep/er'), { recursive: true });
  appendFileSync(join(root, 'log/tile/0/deep/er/x'), 'x');
  const { problems } = await verify(root);
  expect(problems.map(({ where }) => where).toSorted()).toEqual(['stray', 'tile/0/deep/er/x']);
});

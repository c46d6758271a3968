// The lock: one holder among processes, given back by a kill, seen across network namespaces, and no one else's to
// take. Findings; attack W3.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireLock, lockHolder } from '../src/index.ts';

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url));
let root = '';
let children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ambit-lock-'));
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
  rmSync(root, { recursive: true, force: true });
});

/** A process that tries to hold the lock, and what it said. */
async function holder(
  path: string,
  prefix: readonly string[] = [],
): Promise<{ child: ChildProcess; said: string }> {
  const [command, ...args] = [...prefix, process.execPath, CHILD, path, '-'];
  const child = spawn(command ?? process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: said.toString().trim() };
}
const at = (): string => join(root, 'writer.lock');

test('a second holder is refused: in the same process, and in another', async () => {
  const lock = await acquireLock(at());
  expect(lock).not.toBeNull();
  expect(await acquireLock(at())).toBeNull();
  expect((await holder(at())).said).toBe('refused');
  lock!.release();
  expect((await holder(at())).said).toBe('held');
  expect(await acquireLock(at())).toBeNull();
});

test('who holds it can be read, until it is given back; a note that cannot be written costs no lock', async () => {
  const { child } = await holder(at());
  expect(lockHolder(at())).toMatch(new RegExp(`^child\\.mjs, process ${child.pid} on .+, since 20`));
  expect(statSync(`${at()}.holder`).mode & 0o777).toBe(0o600);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await acquireLock(at());
  expect(lockHolder(at())).toContain(`process ${process.pid} on`);
  lock!.release();
  expect(lockHolder(at())).toBeNull();
  mkdirSync(`${at()}.holder`);
  const other = await acquireLock(at());
  expect(other).not.toBeNull();
  expect(lockHolder(at())).toBeNull();
  other!.release();
});

test('a refused try takes nothing away from the holder', async () => {
  const lock = await acquireLock(at());
  // Closing a descriptor of a file drops a process's record locks on it; SQLite must hold ours through that.
  for (let i = 0; i < 20; i++) expect(await acquireLock(at())).toBeNull();
  expect((await holder(at())).said).toBe('refused');
  lock!.release();
});

test('A-10 W3 a kill -9 gives it back at once, and no file has to be removed', async () => {
  const { child, said } = await holder(at());
  expect(said).toBe('held');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await acquireLock(at());
  expect(lock).not.toBeNull();
  lock!.release();
});

const unshared = ((): boolean => {
  try {
    execFileSync('unshare', ['-n', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
test.skipIf(!unshared)(
  'A-10 W3 seen from another network namespace (skipped where unshare -n is not permitted)',
  async () => {
    const lock = await acquireLock(at());
    expect((await holder(at(), ['unshare', '-n'])).said).toBe('refused');
    lock!.release();
    const other = await holder(at(), ['unshare', '-n']);
    expect(other.said).toBe('held');
    expect(await acquireLock(at())).toBeNull();
    other.child.kill('SIGKILL');
    await once(other.child, 'exit');
    expect(await acquireLock(at())).not.toBeNull();
  },
);

test.skipIf(process.getuid?.() !== 0)('A-14 another user cannot open it (skipped unless root)', async () => {
  const lock = await acquireLock(at());
  lock!.release();
  expect(statSync(at()).mode & 0o777).toBe(0o600);
  chmodSync(root, 0o755);
  const tried = spawn(process.execPath, ['-e', `require('fs').openSync(${JSON.stringify(at())}, 'r+')`], {
    uid: 65534,
    stdio: 'ignore',
  });
  const [status] = (await once(tried, 'exit')) as [number];
  expect(status).toBe(1);
});

test('six processes that change a file under the lock lose nothing', async () => {
  const counter = join(root, 'counter');
  writeFileSync(counter, '0');
  const done = Array.from({ length: 6 }, () => {
    const child = spawn(process.execPath, [CHILD, at(), counter, '25'], { stdio: 'inherit' });
    children.push(child);
    return once(child, 'exit');
  });
  expect((await Promise.all(done)).map(([status]) => status as number)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(readFileSync(counter, 'utf8')).toBe('150');
});

test('whoever waits longer than a second is told for whom, once; a short wait is silent', async () => {
  const lock = await acquireLock(at());
  const told: string[] = [];
  const waiting = (holder: string): void => {
    told.push(holder);
    // It goes on waiting, and has the lock once this is given back.
    lock!.release();
  };
  expect(await acquireLock(at(), 200, waiting)).toBeNull();
  expect(told).toEqual([]);
  const next = await acquireLock(at(), 60_000, waiting);
  expect(next).not.toBeNull();
  expect(told).toEqual([expect.stringContaining(`process ${process.pid} on`)]);
  next!.release();
});

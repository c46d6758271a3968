// One writer a log. The lock is a listening socket in Linux's abstract namespace, named by the directory's
// device and inode: taken in one step, and given back by the kernel however the process ends (kill -9 included),
// so there is no stale lock to break. The file `lock` beside it says who holds it, and guards against a writer in
// another container, whose sockets we cannot see. Elsewhere than on Linux the file alone decides, by its pid.
import { createServer, type Server } from 'node:net';
import { mkdir, open, readFile, readlink, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AmbitError } from '../core.ts';
import { isMissing } from '../tile/source.ts';
import { DIRECTORY_MODE, replaceFile } from './files.ts';

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>;
}

interface Owner {
  readonly pid: number;
  /** The network namespace in which the socket is visible. */
  readonly namespace: string;
}

const held = (detail: string): AmbitError =>
  new AmbitError('audit_unavailable', `The log has a writer already: ${detail}.`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes the lock of a directory, trying for `wait` milliseconds. Throws AmbitError `audit_unavailable` when another writer holds it. */
export async function lockDirectory(directory: string, wait: number = 0): Promise<Lock> {
  await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  const end = Date.now() + wait;
  for (;;) {
    try {
      return await (process.platform === 'linux' ? lockBySocket(directory) : lockByFile(directory));
    } catch (error) {
      if (!(error instanceof AmbitError) || Date.now() >= end) throw error;
      await pause(20);
    }
  }
}

async function lockBySocket(directory: string): Promise<Lock> {
  const { dev, ino } = await stat(directory, { bigint: true });
  const namespace = await readlink('/proc/self/ns/net');
  const server = await listen(`\0ambit/audit/${dev}/${ino}`);
  if (server === null) throw held(`process ${(await readOwner(directory))?.pid ?? 'unknown'}`);
  try {
    const owner = await readOwner(directory);
    if (owner !== null && owner.namespace !== namespace) {
      throw held(
        `process ${owner.pid} in another container; remove ${join(directory, 'lock')} if it is gone`,
      );
    }
    const mine: Owner = { pid: process.pid, namespace };
    await replaceFile(join(directory, 'lock'), `${JSON.stringify(mine)}\n`, false);
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    release: async () => {
      await unlink(join(directory, 'lock')).catch(() => {});
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Null when the name is taken. */
function listen(name: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    );
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}

async function readOwner(directory: string): Promise<Owner | null> {
  try {
    const owner: unknown = JSON.parse(await readFile(join(directory, 'lock'), 'utf8'));
    if (typeof owner === 'object' && owner !== null && 'pid' in owner && 'namespace' in owner) {
      return { pid: Number(owner.pid), namespace: String(owner.namespace) };
    }
    return null;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function lockByFile(directory: string): Promise<Lock> {
  const path = join(directory, 'lock');
  try {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(`${JSON.stringify({ pid: process.pid, namespace: 'host' })}\n`);
    await file.close();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const owner = await readOwner(directory);
    if (owner !== null && isAlive(owner.pid)) throw held(`process ${owner.pid}`);
    // Left by a process that was killed. Two starters may both get here; the exclusive create decides.
    await unlink(path).catch(() => {});
    throw held('a stale lock was removed, try again');
  }
  return { release: () => unlink(path).catch(() => {}) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

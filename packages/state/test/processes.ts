// Starts copies of `worker.ts`, bundled from the source under test.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Orders } from './worker.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = join(here, '../node_modules/.ambit-test');

/** Bundles the worker; returns its path and how to remove it. */
export async function bundleWorker(): Promise<{ path: string; remove: () => void }> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `worker-${process.pid}-${Math.floor(Math.random() * 1e9)}.mjs`);
  await build({
    entryPoints: [join(here, 'worker.ts')],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@ambit/source'],
    external: ['@photostructure/sqlite', 'ioredis', 'pg', '@noble/*', 'cbor-x'],
    logLevel: 'silent',
  });
  return { path, remove: () => rmSync(path, { force: true }) };
}

export interface Worker {
  readonly child: ChildProcess;
  /** Every line after `ready`, parsed. */
  readonly lines: unknown[];
  /** Resolves when the store is open. */
  readonly ready: Promise<void>;
  /** Resolves at the first of those lines, or at the end. */
  readonly answered: Promise<void>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  go(): void;
}

export function startWorker(path: string, orders: Orders): Worker {
  const child = spawn(process.execPath, [path, JSON.stringify(orders)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: unknown[] = [];
  let ready: () => void;
  let answer: () => void;
  const isReady = new Promise<void>((resolve) => (ready = resolve));
  const hasAnswered = new Promise<void>((resolve) => (answer = resolve));
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    const value: unknown = JSON.parse(line);
    if (value === 'ready') ready();
    else {
      lines.push(value);
      answer();
    }
  });
  const ended = new Promise<void>((resolve) => reader.once('close', resolve));
  child.stdin.on('error', () => undefined);
  return {
    child,
    lines,
    ready: Promise.race([isReady, ended]),
    answered: Promise.race([hasAnswered, ended]),
    ended,
    go: () => child.stdin.write('go\n'),
  };
}

/** Starts `n` workers, lets them go at the same moment, and returns their last lines. */
export async function race(
  path: string,
  n: number,
  orders: (i: number) => Orders,
): Promise<Record<string, number>[]> {
  const workers = Array.from({ length: n }, (_, i) => startWorker(path, orders(i)));
  await Promise.all(workers.map((worker) => worker.ready));
  for (const worker of workers) worker.go();
  await Promise.all(workers.map((worker) => worker.ended));
  return workers.map((worker) => worker.lines.at(-1) as Record<string, number>);
}

/** Adds up one key of the tallies. */
export const sum = (tallies: readonly Record<string, number>[], key: string): number =>
  tallies.reduce((total, tally) => total + (tally[key] ?? 0), 0);

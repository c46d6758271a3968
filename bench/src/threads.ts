// Throughput over threads: the same verification in 1, 2, ... workers. Verification shares nothing, so it should grow
// with the cores there are; what this machine's cores share with others shows here too.
import { cpus } from 'node:os';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { nodeProvider } from '@ambit/core/node';
import { coldBearer, proved } from './verify.ts';
import type { Candidate } from './measure.ts';
import type { BenchOptions, Table } from './table.ts';

const CASES: readonly (readonly [string, () => Candidate])[] = [
  ['cold bearer, 10 caveats', () => coldBearer(10, true)],
  ['repeated + session proof', () => proved('session', false, 10, 0, nodeProvider)],
  ['cold + signed proof', () => proved('signed', true, 10, 0, nodeProvider)],
];

// In a worker: run one case for a while and report operations a second.
if (!isMainThread) {
  parentPort?.on('message', ([index, milliseconds]: [number, number]) => {
    const candidate = CASES[index]![1]();
    const n = index === 2 ? 100 : 1000;
    let done = 0;
    let busy = 0n;
    for (let warm = 0; warm < 3; warm++) {
      candidate.prepare?.(n);
      void candidate.run(n);
    }
    while (busy < BigInt(milliseconds) * 1_000_000n) {
      candidate.prepare?.(n);
      const start = process.hrtime.bigint();
      void candidate.run(n);
      busy += process.hrtime.bigint() - start;
      done += n;
    }
    parentPort!.postMessage((done * 1e9) / Number(busy));
  });
}

async function total(index: number, workers: number, milliseconds: number): Promise<number> {
  const all = Array.from({ length: workers }, () => new Worker(new URL(import.meta.url)));
  const rates = await Promise.all(
    all.map(
      (worker) =>
        new Promise<number>((resolve, reject) => {
          worker.once('error', reject);
          worker.once('message', resolve);
          worker.postMessage([index, milliseconds]);
        }),
    ),
  );
  await Promise.all(all.map((worker) => worker.terminate()));
  return rates.reduce((a, b) => a + b, 0);
}

/** Decisions a second by number of threads. */
export async function benchThreads(
  options: BenchOptions,
): Promise<{ table: Table; series: { name: string; points: [number, number][] }[] }> {
  const most = Math.max(2, Math.min(4, cpus().length));
  const milliseconds = options.quick === true ? 200 : 800;
  const series: { name: string; points: [number, number][] }[] = [];
  for (const [index, [name]] of CASES.entries()) {
    const points: [number, number][] = [];
    for (let workers = 1; workers <= most; workers++)
      points.push([workers, await total(index, workers, milliseconds)]);
    series.push({ name, points });
  }
  const table: Table = {
    title: 'Throughput over threads, decisions a second',
    columns: ['', ...series[0]!.points.map(([n]) => `${n} thread${n === 1 ? '' : 's'}`)],
    rows: series.map(({ name, points }) => [name, ...points.map(([, rate]) => rate)]),
  };
  return { table, series };
}

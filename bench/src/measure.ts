// Measuring on a shared, noisy machine: candidates alternate in random order within each round, each for a slice
// of a few milliseconds; medians and spread are over rounds, and a ratio is the median of the ratios of the same
// round, so that what slows the machine down slows both sides of it.

/** Something to measure. `run` does the work `n` times; `prepare` (not measured) makes what n runs use up. */
export interface Candidate {
  readonly name: string;
  readonly prepare?: (n: number) => void;
  readonly run: (n: number) => void | Promise<void>;
}

/** Microseconds for one operation, over all rounds. */
export interface Measured {
  readonly name: string;
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** One a round, in the order of rounds: for ratios. */
  readonly rounds: readonly number[];
}

/** How long to measure. */
export interface Rounds {
  readonly rounds: number;
  readonly warmup: number;
  /** Milliseconds of one slice. */
  readonly slice: number;
}

/** The usual lengths. */
export const rounds = (quick: boolean | undefined): Rounds =>
  quick === true ? { rounds: 15, warmup: 8, slice: 4 } : { rounds: 41, warmup: 15, slice: 8 };

/** The value below which `share` of `values` lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

const shuffle = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);

async function slice(c: Candidate, n: number): Promise<number> {
  c.prepare?.(n);
  const start = process.hrtime.bigint();
  const pending = c.run(n);
  if (pending !== undefined) await pending;
  return Number(process.hrtime.bigint() - start) / 1000 / n;
}

/** Measures the candidates side by side. */
export async function measure(candidates: readonly Candidate[], r: Rounds): Promise<Map<string, Measured>> {
  const found = new Map<string, number[]>(candidates.map((c) => [c.name, []]));
  const counts = new Map<string, number>();
  // Enough operations to fill a slice, found while warming up.
  for (const c of candidates) {
    let n = 1;
    for (let i = 0; i < r.warmup; i++) {
      const each = await slice(c, n);
      n = Math.max(1, Math.min(20_000, Math.round((r.slice * 1000) / Math.max(each, 0.01))));
    }
    counts.set(c.name, n);
  }
  for (let round = 0; round < r.rounds; round++) {
    for (const c of shuffle(candidates)) found.get(c.name)!.push(await slice(c, counts.get(c.name)!));
  }
  return new Map(
    [...found].map(([name, values]) => [
      name,
      {
        name,
        median: quantile(values, 0.5),
        p10: quantile(values, 0.1),
        p90: quantile(values, 0.9),
        rounds: values,
      },
    ]),
  );
}

/** How many times as long `a` took as `b`, round by round. */
export const ratios = (a: Measured, b: Measured): readonly number[] =>
  a.rounds.map((value, i) => value / b.rounds[i]!);

/** The median of these. */
export const ratio = (a: Measured, b: Measured): number => quantile(ratios(a, b), 0.5);

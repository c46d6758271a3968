// Two baselines side by side: the same work under two model versions, or one deployment then and now. Distances
// are Jensen-Shannon divergences in bits (0: the same, 1: nothing in common), so they need no assumption; which
// tools moved, and by how much, is listed for people.
import type { Baseline } from './baseline.ts';
import type { Moments } from './moments.ts';

/** One thing that differs. */
export interface Difference {
  readonly what: string;
  /** Share or mean on either side. */
  readonly before: number;
  readonly after: number;
}

/** How far apart two baselines are. */
export interface Comparison {
  readonly sessions: readonly [before: number, after: number];
  /** Bits. */
  readonly tools: number;
  readonly transitions: number;
  readonly shapes: number;
  /** Effect size (Cohen's d) of the means: bytes sent, bytes taken in, seconds between calls, refusals. */
  readonly means: readonly {
    readonly what: string;
    readonly d: number;
    readonly before: number;
    readonly after: number;
  }[];
  /** The tools whose share moved most, at most ten. */
  readonly moved: readonly Difference[];
}

const isCount = (key: string): boolean => key !== '' && !key.endsWith('>');

const shares = (table: ReadonlyMap<string, number>): Map<string, number> => {
  let total = 0;
  for (const [key, n] of table) if (isCount(key)) total += n;
  return new Map([...table].filter(([key]) => isCount(key)).map(([key, n]) => [key, n / Math.max(total, 1)]));
};

/** Jensen-Shannon divergence in bits of two tables of counts. */
export const divergence = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number => {
  const p = shares(a);
  const q = shares(b);
  let bits = 0;
  for (const key of new Set([...p.keys(), ...q.keys()])) {
    const x = p.get(key) ?? 0;
    const y = q.get(key) ?? 0;
    const middle = (x + y) / 2;
    if (x > 0) bits += (x / 2) * Math.log2(x / middle);
    if (y > 0) bits += (y / 2) * Math.log2(y / middle);
  }
  return Math.max(0, bits);
};

const effectSize = (a: Moments, b: Moments): number => {
  const variance = (a.m2 + b.m2) / Math.max(a.n + b.n - 2, 1);
  const scale = Math.max(Math.sqrt(variance), 0.1);
  return a.n === 0 || b.n === 0 ? 0 : (b.mean - a.mean) / scale;
};

/** Compares two baselines of the same kind of work. */
export const compare = (before: Baseline, after: Baseline): Comparison => {
  const p = shares(before.tools);
  const q = shares(after.tools);
  const moved = [...new Set([...p.keys(), ...q.keys()])]
    .map((what): Difference => ({ what, before: p.get(what) ?? 0, after: q.get(what) ?? 0 }))
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || (a.what < b.what ? -1 : 1))
    .slice(0, 10);
  const mean = (what: string, a: Moments, b: Moments): Comparison['means'][number] => ({
    what,
    d: effectSize(a, b),
    before: a.mean,
    after: b.mean,
  });
  return {
    sessions: [before.sessions, after.sessions],
    tools: divergence(before.tools, after.tools),
    transitions: divergence(before.transitions, after.transitions),
    shapes: divergence(before.shapes, after.shapes),
    means: [
      mean('log bytes sent in a session', before.sessionOut, after.sessionOut),
      mean('log bytes taken in', before.sessionIn, after.sessionIn),
      mean('log seconds between calls', before.gaps, after.gaps),
      mean('refusals in a session', before.refusals, after.refusals),
    ],
    moved,
  };
};

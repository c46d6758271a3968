// Intervals and curves. Runs of one task under many models are not independent, so beside Wilson's interval every
// share gets a bootstrap over tasks, and every curve is drawn from sessions of tasks or models kept apart.

/** A share with two 95 % intervals: Wilson's (as if runs were independent) and by resampling tasks. */
export interface Share {
  readonly hits: number;
  readonly n: number;
  readonly share: number;
  readonly wilson: readonly [number, number];
  readonly clustered: readonly [number, number];
}

const Z = 1.959964;

/** Wilson's score interval for k of n. */
export const wilson = (k: number, n: number): readonly [number, number] => {
  if (n === 0) return [0, 1];
  const p = k / n;
  const centre = (p + (Z * Z) / (2 * n)) / (1 + (Z * Z) / n);
  const half = (Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n))) / (1 + (Z * Z) / n);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
};

/** A small generator of its own, so that a report can be made again to the last digit. */
export const generator = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** The share of `hit` among items, with its intervals; `cluster` names the task of an item. */
export const shareOf = <T>(
  items: readonly T[],
  hit: (item: T) => boolean,
  cluster: (item: T) => string,
): Share => {
  const groups = new Map<string, [hits: number, n: number]>();
  let hits = 0;
  for (const item of items) {
    const group = groups.get(cluster(item)) ?? [0, 0];
    if (hit(item)) {
      group[0] += 1;
      hits += 1;
    }
    group[1] += 1;
    groups.set(cluster(item), group);
  }
  const list = [...groups.values()];
  const random = generator(8);
  const draws = Array.from({ length: 1000 }, () => {
    let k = 0;
    let n = 0;
    for (let i = 0; i < list.length; i += 1) {
      const [a, b] = list[Math.floor(random() * list.length)] ?? [0, 0];
      k += a;
      n += b;
    }
    return n === 0 ? 0 : k / n;
  }).sort((a, b) => a - b);
  return {
    hits,
    n: items.length,
    share: items.length === 0 ? 0 : hits / items.length,
    wilson: wilson(hits, items.length),
    clustered: [draws[24] ?? 0, draws[974] ?? 0],
  };
};

/** Area under the ROC curve; ties count half. */
export const areaUnder = (positives: readonly number[], negatives: readonly number[]): number => {
  const all = [...positives.map((x) => [x, 1] as const), ...negatives.map((x) => [x, 0] as const)].sort(
    (a, b) => a[0] - b[0],
  );
  let ranks = 0;
  for (let i = 0; i < all.length;) {
    let j = i;
    while (j < all.length && all[j]?.[0] === all[i]?.[0]) j += 1;
    for (let k = i; k < j; k += 1) if (all[k]?.[1] === 1) ranks += (i + j + 1) / 2;
    i = j;
  }
  const [p, n] = [positives.length, negatives.length];
  return p === 0 || n === 0 ? Number.NaN : (ranks - (p * (p + 1)) / 2) / (p * n);
};

/** Share of positives above the score that at most `rate` of the negatives exceed. */
export const truePositives = (
  positives: readonly number[],
  negatives: readonly number[],
  rate: number,
): number => {
  const sorted = [...negatives].sort((a, b) => b - a);
  const threshold = sorted[Math.floor(rate * negatives.length)] ?? 0;
  return positives.filter((x) => x > threshold).length / Math.max(1, positives.length);
};

/** Points (false alarms, true positives) of the curve. */
export const curve = (
  positives: readonly number[],
  negatives: readonly number[],
): readonly (readonly [number, number])[] => {
  const rates = [
    0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.85,
  ];
  return [
    ...rates.map((rate) => [rate, truePositives(positives, negatives, rate)] as const),
    [1, 1] as const,
  ];
};

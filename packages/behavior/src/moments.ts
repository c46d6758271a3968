// Running mean and variance (Welford), and the tail probabilities that the detectors turn into scores.

/** Count, mean and sum of squared deviations. */
export interface Moments {
  n: number;
  mean: number;
  m2: number;
}

export const moments = (): Moments => ({ n: 0, mean: 0, m2: 0 });

/** Takes one value in. */
export const observe = (m: Moments, value: number): void => {
  m.n += 1;
  const delta = value - m.mean;
  m.mean += delta / m.n;
  m.m2 += delta * (value - m.mean);
};

/** Standard score with a floor under the deviation (`floor`) and a prior worth four values: few data, small scores. */
export const zScore = (m: Moments, value: number, floor: number): number => {
  if (m.n < 2) return 0;
  const variance = (m.m2 + 4 * floor * floor) / (m.n + 3);
  return (value - m.mean) / Math.max(floor, Math.sqrt(variance));
};

/** -log10 P(X >= k) for a Poisson X of mean `rate`: Chernoff's bound, exact enough for an alarm and O(1). */
export const poissonTail = (k: number, rate: number): number => {
  if (k <= rate || k === 0) return 0;
  const mean = Math.max(rate, 1e-6);
  return (mean - k + k * Math.log(k / mean)) / Math.LN10;
};

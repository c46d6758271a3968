// Calibration: a score becomes a p-value by its rank among the highest scores of sessions that were not used to
// fit the baseline (conformal prediction; Vovk et al.). Under exchangeable sessions the chance that a session of
// the deployment ever shows p <= a is at most a, for any distribution of the scores. Detectors are fused by the
// sum of -ln p (Fisher's statistic), and the sum is calibrated again, since detectors depend on one another.

/** (1 + number of calibration scores at or above `score`) / (n + 1). `ascending`: sorted. */
export const pValue = (ascending: readonly number[], score: number): number => {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) < score) low = middle + 1;
    else high = middle;
  }
  return (1 + ascending.length - low) / (ascending.length + 1);
};

/** The fused statistic of a vector of scores: sum of -ln p over the detectors that say anything. */
export const fuse = (calibration: readonly (readonly number[])[], scores: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < scores.length; i += 1) {
    const score = scores[i] ?? 0;
    const sorted = calibration[i];
    if (score > 0 && sorted !== undefined) total -= Math.log(pValue(sorted, score));
  }
  return total;
};

/** Spearman-free and simple: keeps at most `limit` values, evenly over the sorted order. */
export const thin = (values: readonly number[], limit: number): number[] => {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length <= limit) return sorted;
  // The upper tail decides; it is kept whole, and the rest evenly.
  const tail = sorted.slice(-Math.floor(limit / 2));
  const rest = sorted.slice(0, sorted.length - tail.length);
  const room = limit - tail.length;
  const kept = Array.from({ length: room }, (_, i) => rest[Math.floor((i * rest.length) / room)] ?? 0);
  return [...kept, ...tail];
};

// A vitest setup file: AMBIT_SEED=7 gives every property of fast-check that seed, so that a run can be repeated.
// Without it each run draws its own, as it should: a law that holds for one seed only is none.
const seed = process.env['AMBIT_SEED'];
if (seed !== undefined && seed !== '') {
  if (!/^\d{1,9}$/.test(seed)) throw new RangeError(`AMBIT_SEED: a whole number below 10^9, got ${seed}`);
  // Loaded only when it is wanted: most test files don't use it.
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}

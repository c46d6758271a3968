// A preload that moves the clock: AMBIT_TEST_CLOCK=2028-02-29T23:59:30Z node --import ./test/odd/clock.mjs ...
// `Date.now()`, `new Date()` and `Date()` then start from that time and go on at the usual speed. No test may depend
// on the day it is run, so `npm run test:odd` runs them on several. Only Date moves: performance.now(), process.hrtime
// and timers measure spans, and the times of files, of SQLite and of Redis stay those of the machine, as they do
// for a computer whose clock is wrong.
const text = process.env.AMBIT_TEST_CLOCK;
if (text !== undefined && text !== '') {
  const start = Date.parse(text);
  if (Number.isNaN(start)) throw new RangeError(`AMBIT_TEST_CLOCK: an ISO 8601 time, got ${text}`);
  const real = Date;
  const realNow = Date.now;
  // A child process starts later than its parent: it takes over the parent's distance, not the time again.
  const distance = Number((process.env.AMBIT_TEST_CLOCK_DISTANCE ??= String(start - realNow())));
  const now = () => realNow() + distance;
  // A proxy, not a subclass: dates that Node itself makes (those of a file) must stay `instanceof Date`.
  globalThis.Date = new Proxy(real, {
    construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
    apply: () => new real(now()).toString(),
  });
  real.now = now;
  real.prototype.constructor = globalThis.Date;
}

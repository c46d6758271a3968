// npm run test:odd -- [--rounds N] [--round K] [--seed S] [--calm] [--files PATH ...]
// Runs the suite where it has never been: on other days, with other seeds, in random order, in odd time zones and
// languages, and on a busy machine. What a test says must depend on none of these. One line a round, the failed
// tests below it, and a summary; the exit state is 1 when any round failed. Round K of seed S is always the same:
// `--seed S --round K` repeats it. Run it with another node to test on that one.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { failuresOf, isGreen, runSuite } from './suite.mjs';

const clock = new URL('./clock.mjs', import.meta.url).href;

/** A year's start, a summer's noon, a leap day's end, a year's end, and an ordinary day in the fifth year. */
const DATES = [
  '2026-12-31T23:59:30Z',
  '2027-07-04T12:34:56Z',
  '2028-02-29T23:59:30Z',
  '2029-12-31T23:59:30Z',
  '2030-10-10T10:10:10Z',
];
/** 45 minutes off, half an hour of summer time, the far east, a language with two letters I, none at all. */
const PLACES = [
  { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
  { TZ: 'Australia/Lord_Howe', LANG: 'C', LC_ALL: 'C' },
  { TZ: 'Pacific/Kiritimati', LANG: 'ar_EG.UTF-8', LC_ALL: 'ar_EG.UTF-8' },
  { TZ: 'America/St_Johns', LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' },
  { TZ: 'Africa/Casablanca', LANG: '', LC_ALL: 'POSIX' },
];

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    round: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    calm: { type: 'boolean', default: false },
    files: { type: 'string', multiple: true, default: [] },
  },
  allowPositionals: true,
});
const files = [...values.files, ...positionals];
const first = Number(values.round ?? 1);
const last = values.round === undefined ? Number(values.rounds) : first;

/** What round `k` is like. Every second one is under load. */
const settings = (k) => ({
  date: DATES[(k - 1) % DATES.length],
  place: PLACES[(k - 1) % PLACES.length],
  seed: (Number(values.seed) + 7919 * k) % 1e9,
  load: !values.calm && k % 2 === 0,
});

/** Runs the suite in the surroundings of a round. */
const run = ({ date, place, seed }) =>
  runSuite({
    env: {
      ...place,
      AMBIT_TEST_CLOCK: date,
      AMBIT_SEED: String(seed),
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${clock}`.trim(),
    },
    flags: ['--sequence.shuffle', `--sequence.seed=${seed}`],
    files,
  });

/** Two processes that do nothing as fast as they can; returns what ends them. */
function busy() {
  const loops = [0, 1].map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
  const stop = () => loops.forEach((loop) => loop.kill('SIGKILL'));
  process.once('exit', stop);
  return () => {
    process.removeListener('exit', stop);
    stop();
  };
}

const failures = new Map();
for (let k = first; k <= last; k++) {
  const round = settings(k);
  const started = performance.now();
  const calm = round.load ? busy() : () => undefined;
  const report = await run(round);
  calm();
  const seconds = Math.round((performance.now() - started) / 1000);
  const failed = failuresOf(report);
  const good = isGreen(report);
  const { TZ, LC_ALL } = round.place;
  console.log(
    `round ${k}: ${good ? 'green' : 'RED'}  ${report?.numPassedTests ?? 0} passed, ${failed.length} failed  ` +
      `${round.date} ${TZ} ${LC_ALL} seed ${round.seed}${round.load ? ' under load' : ''}  ${seconds} s`,
  );
  for (const { name, why } of failed) console.log(`    ${name}\n        ${why}`);
  for (const { name } of failed) failures.set(name, [...(failures.get(name) ?? []), k]);
  if (!good && failed.length === 0) failures.set('a run without a report', [k]);
}

console.log(
  failures.size === 0
    ? `all ${last - first + 1} rounds green (node ${process.version}, --seed ${values.seed})`
    : `${failures.size} tests moved (node ${process.version}, --seed ${values.seed}):`,
);
for (const [name, rounds] of failures) console.log(`  ${name}: round ${rounds.join(', ')}`);
process.exitCode = failures.size === 0 ? 0 : 1;

// npm run mutation -- NAME ... [--force] [--only PART] [--report]
// Mutates the slices of these names (slices.mjs) and runs their tests against each mutant, one at a time, on one core.
// What was killed is kept in reports/mutation/NAME.json, also when the run is cut short: the next one tries what
// survived, what is new, and what this one had not come to. `--force` tries all again, `--only cache` only the files
// whose path holds that text, `--report` prints what is kept and runs nothing. Prints each survivor and the score of
// each file and slice; the exit state is 1 when a slice is below 90 %.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { toTryAgain } from './keep.mjs';
import { scoreOf, summary } from './report.mjs';
import { otherPackages, slice, SLICES } from './slices.mjs';

const GOAL = 90;

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));

const { values, positionals: names } = parseArgs({
  options: {
    force: { type: 'boolean', default: false },
    only: { type: 'string' },
    report: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const fileOf = (name) => `reports/mutation/${name.replace(':', '-')}.json`;
const kept = (file) => JSON.parse(readFileSync(file, 'utf8'));

async function run(name) {
  const { package: own, mutate, tests } = slice(name);
  const file = fileOf(name);
  const only = values.only ?? '';
  if (existsSync(file)) writeFileSync(file, JSON.stringify(toTryAgain(kept(file), (f) => f.includes(only))));
  // Read by vitest.config.ts, worker.ts and runner.mjs.
  process.env.AMBIT_SLICE = name;
  process.env.AMBIT_SLICE_FILES = String(tests.length);
  // Written by runner.mjs: the tests that are not run against mutants.
  mkdirSync(dirname(file), { recursive: true });
  const leftOut = resolve(`${file}-left-out.txt`);
  process.env.AMBIT_SLICE_LEFT_OUT = leftOut;
  const temporary = `.stryker-tmp/${name.replace(':', '-')}`;
  rmSync(temporary, { recursive: true, force: true });
  await new Stryker({
    mutate: mutate.map((p) => p.replace('*.ts', `*${only}*.ts`)).filter((p) => p.includes(only)),
    testFiles: tests,
    force: values.force,
    incremental: true,
    incrementalFile: file,
    testRunner: 'warm',
    plugins: ['runner.mjs', 'keep.mjs'].map((file) => fileURLToPath(new URL(file, import.meta.url))),
    reporters: ['keep', ...(process.stdout.isTTY ? ['progress'] : [])],
    coverageAnalysis: 'perTest',
    // A mutant of what runs at import time would need every test in a new process.
    ignoreStatic: true,
    disableTypeChecks: false,
    concurrency: 1,
    // A loop without an end is noticed by counting, a promise that nothing settles by idleness (worker.ts); a busy
    // machine must look like neither.
    timeoutMS: 1_800_000,
    tempDirName: temporary,
    // `.stryker-tmp`: what runs that were cut short have left.
    ignorePatterns: [
      '.stryker-tmp',
      'bench',
      'reports',
      'examples',
      'packages/*/dist',
      ...otherPackages(own).map((folder) => `${folder}/*`),
      // A package's tsconfig refers to those of others.
      '!packages/*/tsconfig.json',
    ],
    // Texts of messages: their codes decide and are tested; a test of every sentence would say it twice.
    mutator: { excludedMutations: ['StringLiteral'] },
    thresholds: { high: GOAL, low: GOAL, break: null },
    logLevel: 'info',
    allowConsoleColors: false,
  }).runMutationTest();
  console.log(readFileSync(leftOut, 'utf8').trimEnd());
}

let state = 0;
for (const name of names.length > 0 ? names : Object.keys(SLICES)) {
  try {
    if (!values.report) await run(name);
  } catch (error) {
    // A slice that can't be run is no reason not to run the others.
    console.error(`${name}: ${error.message}`);
    state = 1;
    continue;
  }
  const report = kept(fileOf(name));
  console.log(summary(name, report));
  if (scoreOf(report) < GOAL) state = 1;
}
process.exit(state);

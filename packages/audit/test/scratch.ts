// Places and processes for tests: a directory that goes away afterwards, and child processes run from source.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll } from 'vitest';
import { Log, type LogOptions } from '../src/log/log.ts';
import { fileHead } from '../src/log/head.ts';
import { signerKey, type SignerKey } from '../src/note/key.ts';

const made: string[] = [];
afterAll(() => made.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** A new directory, removed when the test file is done. */
export function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), 'ambit-audit-'));
  made.push(path);
  return path;
}

/** The key of every log in these tests. */
export const testSigner: SignerKey = signerKey('audit.example/guard-1', new Uint8Array(32).fill(7));

/** A log under `root`: `log` the directory, `head` the store of the last signed checkpoint. */
export const openAt = (root: string, more: Partial<LogOptions> = {}): Promise<Log> =>
  Log.open({
    directory: join(root, 'log'),
    signer: testSigner,
    head: fileHead(join(root, 'head')),
    create: true,
    checkpointInterval: 0,
    ...more,
  });

const BINDING = '@photostructure/sqlite';

/** Bundles `children/<name>.ts` so that node can run it without a build; everybody may read it. */
export async function bundleChild(root: string, name: string): Promise<string> {
  const outfile = join(root, `${name}.mjs`);
  await build({
    entryPoints: [fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@ambit/source'],
    outfile,
    external: [BINDING],
    logLevel: 'error',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  // A native binding can't be bundled; a copy stands where every user can read it.
  const from = createRequire(import.meta.url);
  const binding = dirname(from.resolve(`${BINDING}/package.json`));
  for (const part of ['package.json', 'dist', `prebuilds/${process.platform}-${process.arch}`])
    cpSync(join(binding, part), join(root, 'node_modules', BINDING, part), { recursive: true });
  const loader = dirname(createRequire(join(binding, 'package.json')).resolve('node-gyp-build/package.json'));
  cpSync(loader, join(root, 'node_modules/node-gyp-build'), { recursive: true });
  chmodSync(root, 0o755);
  chmodSync(outfile, 0o644);
  return outfile;
}

/** A child process with piped output. */
export const start = (file: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess =>
  spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'], ...options });

/** Its whole output and exit code. */
export async function finish(child: ChildProcess): Promise<{ out: string; code: number | null }> {
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { out, code };
}

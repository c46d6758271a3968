// The built core is portable (docs/design.md section 2): nothing its entry reaches imports a node: module, it
// runs in a worker, and bundled for the browser in a bare context and in Chromium. `npm test` builds first.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { chromium } from '../../../test/chromium.ts';

const core = fileURLToPath(new URL('../', import.meta.url));
const entry = join(core, 'dist/index.js');
const built = existsSync(entry);

/** What a file of dist imports, and everything that reaches. Packages keep their names. */
function graph(file: string, seen: Map<string, string[]> = new Map()): Map<string, string[]> {
  if (seen.has(file)) return seen;
  const text = readFileSync(file, 'utf8');
  const named = [...text.matchAll(/^\s*(?:import|export)\b(?:[^'";]*\bfrom)?\s*["']([^"']+)["']/gm)].map(
    (m) => m[1]!,
  );
  if (/\bimport\s*\(|\brequire\s*\(/.test(text) && !/(node|sodium)\.js$/.test(file))
    throw new Error(`${file}: a dynamic import`);
  seen.set(file, named);
  for (const n of named) if (n.startsWith('.')) graph(join(dirname(file), n), seen);
  return seen;
}

test.skipIf(!built)(
  `nothing the entry reaches imports node:${built ? '' : ' (skipped: dist is not built)'}`,
  () => {
    const all = graph(entry);
    expect(all.size).toBeGreaterThan(40);
    const packages = new Set([...all.values()].flat().filter((n) => !n.startsWith('.')));
    // Three files of noble, all of them in crypto/noble.ts.
    for (const p of packages) expect(p).toMatch(/^@noble\/(curves|hashes)\//);
    for (const [file, named] of all) {
      if (!file.endsWith(join('crypto', 'noble.js')))
        expect(named.filter((n) => !n.startsWith('.'))).toEqual([]);
      expect(file).not.toMatch(/(node|sodium)\.js$/);
      expect(readFileSync(file, 'utf8')).not.toMatch(
        /(?<![\w.])(?:Buffer\.|process\.|Date\.now\(|new Date\(\)|Math\.random\()/,
      );
    }
    // The two that may.
    expect([...graph(join(core, 'dist/node.js')).values()].flat()).toContain('node:crypto');
  },
);

// Mint, narrow, delegate, prove, verify, clear: the main job, in whatever world it runs in. T is core.
const JOB = `(T) => {
  const time = 1772373600;
  const keyring = T.Keyring.create('acme-iam');
  const [a, b] = [T.signer(T.SecretKey.generate('holder')), T.signer(T.SecretKey.generate('holder'))];
  const token = T.mint(keyring, {
    operator: { id: 'acme' }, model: { id: 'm', digest: new Uint8Array(32) }, session: 's', user: 'u',
    tools: ['web_search'], delegations: 1, issuedAt: time, expires: time + 60, audience: 'x', holder: a.publicKey,
  });
  const child = T.delegate(token, { to: b.publicKey, label: 'b', time, restrictions: [T.restrict.calls(1)] }, a);
  const made = T.parseCall({ tool: 'web_search', args: { q: 'macaroons' } });
  const proof = T.prove(child, made.call, { audience: 'x', time }, b);
  const verifier = T.createVerifier({ audience: 'x', keys: keyring.exportFor('x') });
  const verified = verifier.verify({ token: child, proof, call: made.call, now: time });
  const stolen = verifier.verify({ token, proof, call: made.call, now: time });
  const decision = T.authorize(verified.token, { now: time, data: [] }, { apply: () => ({ ok: true }) });
  return [decision.ok, verified.token.view.chain.length, stolen.code].join(' ');
}`;
const DONE = 'true 2 proof_invalid';

test.skipIf(!built)('the built core runs in a worker', async () => {
  const code = `import(${JSON.stringify(pathToFileURL(entry).href)}).then((T) => require('node:worker_threads').parentPort.postMessage((${JOB})(T)))`;
  const worker = new Worker(code, { eval: true });
  try {
    const said = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(said).toBe(DONE);
  } finally {
    await worker.terminate();
  }
});

function bundle(source: string): string {
  const out = buildSync({
    stdin: { contents: source, resolveDir: core, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    globalName: 'Ambit',
    platform: 'browser',
    target: 'es2022',
    conditions: ['@ambit/source'],
    metafile: true,
  });
  return out.outputFiles[0]!.text;
}

describe('bundled for the browser', () => {
  const whole = bundle(`export * from '@ambit/core';`);

  test('in a bare context: only what every browser and worker has', () => {
    const context = createContext({ TextEncoder, TextDecoder, crypto: globalThis.crypto });
    runInContext(whole, context);
    expect(runInContext(`(${JOB})(Ambit)`, context)).toBe(DONE);
  });

  test('sizes: the whole, and the verifier alone', () => {
    const verifier = bundle(
      `export { createVerifier, parseCall, authorize, publicDenial, VerificationKey, PublicKey } from '@ambit/core';`,
    );
    const kb = (s: string): string =>
      `${(s.length / 1000).toFixed(1)} KB (${(gzipSync(s).length / 1000).toFixed(1)} KB gzip)`;
    console.log(`bundle: the whole core ${kb(whole)}, the verifier alone ${kb(verifier)}`);
    // Measured: 150 KB, 54 KB on the wire; noble is 36 of them, argument constraints 35, the table of codes 7.
    expect(gzipSync(verifier).length).toBeLessThan(60_000);
    expect(verifier.length).toBeLessThan(155_000);
    expect(verifier.length).toBeLessThan(whole.length);
    expect(whole).not.toMatch(/node:|\bBuffer\b/);
  });

  test.skipIf(chromium === undefined)(
    `in Chromium${chromium === undefined ? ' (skipped: none on PATH)' : ''}`,
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'ambit-bundle-'));
      try {
        const page = join(folder, 'page.html');
        writeFileSync(
          page,
          `<!doctype html><meta charset="utf-8"><p id="out">nothing</p><script>${whole.replaceAll('</', '<\\/')}</script><script>document.getElementById('out').textContent = 'said: ' + (${JOB})(Ambit)</script>`,
        );
        const ran = spawnSync(
          chromium!,
          [
            '--headless=new',
            '--no-sandbox',
            '--disable-gpu',
            '--disable-dev-shm-usage',
            `--user-data-dir=${join(folder, 'profile')}`,
            '--dump-dom',
            pathToFileURL(page).href,
          ],
          { encoding: 'utf8', timeout: 50_000 },
        );
        expect(ran.stdout).toContain(`said: ${DONE}`);
      } finally {
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  );
});

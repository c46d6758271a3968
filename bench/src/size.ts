// What a service ships: core bundled and minified with its dependencies, and the verifier alone.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Table } from './table.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRIES: Readonly<Record<string, string>> = {
  'core, everything': "export * from '@ambit/core';",
  'verifier alone (createVerifier, VerificationKey, call, clear)':
    "export { createVerifier, VerificationKey, call, clear } from '@ambit/core';",
  'holder alone (signer, SecretKey, call, prove, attenuate, restrict)':
    "export { signer, SecretKey, call, prove, attenuate, restrict } from '@ambit/core';",
};

/** Bytes of a bundle for the browser, minified. */
export async function bundled(contents: string): Promise<{ bytes: number; gzip: number }> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  });
  const code = outputFiles[0]!.contents;
  return { bytes: code.length, gzip: gzipSync(code).length };
}

/** The table of sizes. */
export async function sizes(): Promise<Table> {
  const rows: (string | number)[][] = [];
  for (const [name, contents] of Object.entries(ENTRIES)) {
    const { bytes, gzip } = await bundled(contents);
    rows.push([name, (bytes / 1000).toFixed(1), (gzip / 1000).toFixed(1)]);
  }
  return { title: 'Bundle size with dependencies, kB (1000 bytes)', columns: ['', 'minified', 'gzip'], rows };
}

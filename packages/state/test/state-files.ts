// State files for the tests of SQLite, in a folder that goes when their test file has ended. Mutation testing runs its
// tests on (test/mutation/worker.ts): the folder is made anew then, and of many files the oldest go.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** More than one test has open. */
const KEPT = 128;

export interface StateFiles {
  readonly folder: string;
  /** The path of a file that is not there yet. */
  readonly path: () => string;
}

export function stateFiles(): StateFiles {
  const folder = mkdtempSync(join(tmpdir(), 'ambit-sqlite-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let n = 0;
  return {
    folder,
    path: () => {
      mkdirSync(folder, { recursive: true });
      if (++n % KEPT === 0)
        for (const name of readdirSync(folder))
          if (Number.parseInt(name, 10) <= n - KEPT) rmSync(join(folder, name), { recursive: true });
      return join(folder, `${n}.db`);
    },
  };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openSqlite } from '../src/sqlite.ts';
import { conformance } from './conformance.ts';

const folder = mkdtempSync(join(tmpdir(), 'ambit-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true }));
let n = 0;
conformance('sqlite', async (clock, rowsPerToken) =>
  openSqlite(join(folder, `${n++}.db`), { clock, ...(rowsPerToken === undefined ? {} : { rowsPerToken }) }),
);

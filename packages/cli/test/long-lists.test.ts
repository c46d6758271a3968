// What finding S15 asks for: a list of any length goes through the command line in little memory. Each command runs
// in a process whose heap would not hold the list; `AMBIT_LONG=1` does it with a million entries under 64 MB.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSqlite } from '@ambit/state/sqlite';
import { expect, test } from 'vitest';

const long = process.env['AMBIT_LONG'] === '1';
const MANY = long ? 1_000_000 : 50_000;
/** Megabytes of heap: the command line takes some 14 without a list, and 27 with a list of 50,000 held whole. */
const HEAP = long ? 64 : 24;
const MINUTES = 60_000;
const bin = fileURLToPath(new URL('../bin/ambit.js', import.meta.url));

/** Adds entries for the users 0 to `n` - 1 of an issuer, together. */
async function fill(path: string, n: number): Promise<void> {
  const store = openSqlite(path, { durable: 'normal' });
  await together(n, (i) =>
    store.revocations.add(
      { kind: 'user', issuer: 'acme', value: `user-${i}`, reason: 'laptop stolen' },
      1_772_373_600,
    ),
  );
  await store.close();
}

/** Runs `job` for 0 to `n` - 1, 2,000 at a time, which share transactions. */
async function together(n: number, job: (i: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < n; from += 2000)
    await Promise.all(Array.from({ length: Math.min(2000, n - from) }, (_, i) => job(from + i)));
}

/** Runs `ambit` in a folder, with one of its homes, under so many megabytes of heap. */
const commandIn =
  (folder: string) =>
  (home: string, heap: number, ...args: string[]): string => {
    const ran = spawnSync(process.execPath, [`--max-old-space-size=${heap}`, bin, ...args], {
      cwd: folder,
      env: { ...process.env, AMBIT_HOME: join(folder, home), NODE_OPTIONS: '' },
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    });
    expect([args.join(' '), ran.status, ran.stderr.slice(-500)]).toEqual([args.join(' '), 0, '']);
    return ran.stdout;
  };

test(
  `finding S15 ${MANY} revocations are listed, exported and imported under ${HEAP} MB of heap`,
  { timeout: 60 * MINUTES },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ambit-lists-'));
    const ambit = commandIn(folder);
    for (const home of ['one', 'two']) ambit(home, 256, 'init', '--issuer', 'acme', '-q');
    ambit('one', 256, 'keygen', '--type', 'issuer', '-o', 'seal.key', '-q');
    await fill(join(folder, 'one', 'state.db'), MANY);
    ambit('one', HEAP, 'revocations', 'export', '--key', 'seal.key', '-o', 'list');
    expect(statSync(join(folder, 'list')).mode & 0o777).toBe(0o644);
    const imported = ambit('two', HEAP, 'revocations', 'import', 'list', '--trust', 'seal.key.pub', '--json');
    expect(JSON.parse(imported)).toMatchObject({ added: MANY });
    const count = (text: string, what: string): number => text.split(what).length - 1;
    expect(count(ambit('two', HEAP, 'revocations', 'list'), '\n')).toBe(MANY);
    if (!long) {
      const listed = JSON.parse(ambit('two', HEAP, 'revocations', 'list', '--json')) as {
        entries: unknown[];
      };
      expect(listed.entries.length).toBe(MANY);
      const args = ['revocations', 'export', '--key', 'seal.key', '--at', '2026-03-01T14:05:00Z'];
      const told = JSON.parse(ambit('one', HEAP, ...args, '--json')) as { issuer: string; list: string };
      ambit('one', HEAP, ...args, '-o', 'again');
      expect([told.issuer, told.list]).toEqual(['acme', readFileSync(join(folder, 'again'), 'utf8')]);
    }
    rmSync(folder, { recursive: true });
  },
);

const CONFIGURATION = `
ambit: 1
operator: acme-corp
issuer: acme
tools: { search: { external: true, data: [public] } }
users: { jane: { tools: [search], data: [public] } }
sessions: { most: { life: 1h } }
`;

test(
  `finding S15 config diff and config apply count ${MANY} open sessions under ${HEAP} MB of heap`,
  { timeout: 60 * MINUTES },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ambit-sessions-'));
    const ambit = commandIn(folder);
    const at = ['--at', '2026-03-01T14:05:00Z'];
    ambit('one', 256, 'init', '--issuer', 'acme', '-q');
    writeFileSync(join(folder, 'old.yaml'), CONFIGURATION);
    writeFileSync(join(folder, 'new.yaml'), CONFIGURATION.replace('1h', '2h'));
    ambit('one', HEAP, 'config', 'apply', 'old.yaml', ...at);
    const store = openSqlite(join(folder, 'one', 'state.db'), { durable: 'normal' });
    await together(MANY, (i) =>
      store.sessions.open(
        // Long ids: held whole, the list is 18 MB.
        {
          issuer: 'acme',
          id: `${i}`.padStart(200, '-'),
          operator: 'acme-corp',
          user: 'jane',
          expires: 4_102_444_800,
        },
        1_772_373_600,
      ),
    );
    await store.close();
    const told = `${MANY} of ${MANY} live sessions end`;
    expect(ambit('one', HEAP, 'config', 'diff', 'old.yaml', 'new.yaml', ...at)).toContain(told);
    expect(ambit('one', HEAP, 'config', 'apply', 'new.yaml', ...at)).toContain(told);
    rmSync(folder, { recursive: true });
  },
);

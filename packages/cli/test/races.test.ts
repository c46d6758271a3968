// Many `ambit verify` at once over one home: what the state file promises, seen from the shell.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BIN = new URL('../bin/ambit.js', import.meta.url).pathname;
const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;
const AT = ['--at', '2026-03-01T14:05:00Z'];
const CALL = ['--audience', 's', '--tool', 'web_search'];

let directory = '';
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ambit-races-'));
  cpSync(FIXTURES, directory, { recursive: true });
  await ambit('init', '-q');
  await ambit('keygen', '-o', 'a.key', '-q');
  await keep('a.tok', 'mint', '--from', 'session.json', '--holder', 'a.key.pub', '-q');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
}

function ambit(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.on('close', (exit) => resolve({ exit, stdout }));
  });
}

async function keep(file: string, ...args: readonly string[]): Promise<void> {
  const { stdout } = await ambit(...args);
  writeFileSync(join(directory, file), stdout);
}

const prove = (token: string, proof: string): Promise<void> =>
  keep(proof, 'prove', token, '--key', 'a.key', ...CALL, ...AT);
const verify = (token: string, proof: string): Promise<Ran> =>
  ambit('verify', token, '--proof', proof, ...CALL, ...AT);
const count = <T>(items: readonly T[], test: (item: T) => boolean): number => items.filter(test).length;

describe('many processes, one home', { timeout: 300_000 }, () => {
  it('P3 one proof, 20 verifiers at once: one is allowed', async () => {
    await prove('a.tok', 'one.proof');
    const ran = await Promise.all(Array.from({ length: 20 }, () => verify('a.tok', 'one.proof')));
    expect(count(ran, (r) => r.exit === 0)).toBe(1);
    expect(count(ran, (r) => r.stdout.startsWith('denied: replayed'))).toBe(19);
  });

  it('S4 max-calls 5, 30 calls at once with a proof each: five are allowed', async () => {
    await keep('five.tok', 'attenuate', 'a.tok', '--max-calls', '5', '-q');
    const proofs = Array.from({ length: 30 }, (_, i) => `p${i}.proof`);
    for (let i = 0; i < proofs.length; i += 6)
      await Promise.all(proofs.slice(i, i + 6).map((p) => prove('five.tok', p)));
    const ran = await Promise.all(proofs.map((p) => verify('five.tok', p)));
    expect(count(ran, (r) => r.exit === 0)).toBe(5);
    expect(count(ran, (r) => r.stdout.startsWith('denied: budget_exceeded'))).toBe(25);
  });
});

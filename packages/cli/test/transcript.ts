// How a transcript is read and run: see `transcripts.test.ts`.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExpectStatic } from 'vitest';

/** Published servers that stand behind the guard. */
const SERVERS = new URL('../../../node_modules/@modelcontextprotocol', import.meta.url).pathname;
const FIXTURES = new URL('./fixtures/', import.meta.url).pathname;
/** A shifted clock (test/odd/clock.mjs) is for the commands too. */
const CLOCK = Object.fromEntries(
  ['AMBIT_TEST_CLOCK', 'AMBIT_TEST_CLOCK_DISTANCE', 'NODE_OPTIONS']
    .map((name) => [name, process.env[name]])
    .filter(([, value]) => value !== undefined && process.env['AMBIT_TEST_CLOCK'] !== undefined),
) as { [name: string]: string };
const BIN = new URL('../bin/ambit.js', import.meta.url).pathname;

interface Step {
  readonly line: number;
  command: string;
  readonly stdout: string[];
  readonly stderr: string[];
  quiet: boolean;
  exit: number;
}

/** The steps of a transcript. */
function parse(text: string): Step[] {
  const steps: Step[] = [];
  text.split('\n').forEach((line, i) => {
    const step = steps.at(-1);
    if (line.startsWith('$ ')) {
      steps.push({ line: i + 1, command: line.slice(2), stdout: [], stderr: [], quiet: false, exit: 0 });
    } else if (line === '' || line.startsWith('# ') || step === undefined) return;
    else if (line.startsWith('> ')) step.command += `\n${line.slice(2)}`;
    else if (line.startsWith('? ')) step.exit = Number(line.slice(2));
    else if (line === '!') step.quiet = true;
    else if (line.startsWith('! ')) step.stderr.push(line.slice(2));
    else step.stdout.push(line);
  });
  return steps;
}

/** A pattern of lines: `...` alone is any lines, `...` in a line anything but a line's end. */
function pattern(lines: readonly string[]): RegExp {
  const parts = lines.map((line) =>
    line === '...'
      ? '(?:.*\\n)*'
      : `${line.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\.\\.\\.', '.*')}\\n`,
  );
  return new RegExp(`^${parts.join('')}$`);
}

type Variables = { readonly [name: string]: string };

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | null;
}

function sh(command: string, directory: string, more: Variables): Promise<Ran> {
  const env = {
    PATH: `${join(directory, '.bin')}:${process.env['PATH'] ?? ''}`,
    HOME: directory,
    LC_ALL: 'C',
    SERVERS,
    ...CLOCK,
    ...more,
  };
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', command], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
    child.on('close', (exit) => resolve({ stdout, stderr, exit }));
  });
}

/** Without empty lines, which a transcript leaves out too. */
const lines = (text: string): string => `${text}\n`.replaceAll(/^\n+|(?<=\n)\n+/g, '');

/** Runs a transcript in a directory of its own, with further variables of the environment. */
export async function runTranscript(
  name: string,
  text: string,
  expect: ExpectStatic,
  more: Variables = {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ambit-transcript-'));
  try {
    mkdirSync(join(directory, '.bin'));
    symlinkSync(BIN, join(directory, '.bin', 'ambit'));
    cpSync(FIXTURES, directory, { recursive: true });
    for (const step of parse(text)) {
      const ran = await sh(step.command, directory, more);
      const where = `${name}:${step.line}: ${step.command}\n${ran.stdout}${ran.stderr}`;
      expect(ran.exit, where).toBe(step.exit);
      if (step.stdout.length > 0 || step.quiet)
        expect(lines(ran.stdout), where).toMatch(pattern(step.stdout));
      if (step.stderr.length > 0 || step.quiet)
        expect(lines(ran.stderr), where).toMatch(pattern(step.stderr));
      expect(ran.stderr, where).not.toMatch(/^ +at .*:\d+/m);
      expect(ran.stdout + ran.stderr, where).not.toMatch(/ambsec_\w+_[\w-]{20}/);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

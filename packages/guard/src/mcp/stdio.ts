// A proxy before an unmodified server on stdio: newline-delimited JSON both ways (MCP transports, "stdio"). A line
// from the client is read by the strict parser, checked, and written out again; nothing unparsed is forwarded, so
// checker and server can't read it differently (attack G2). stdout is protocol, stderr is the child's own.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { deny, parseJson } from '@ambit/core';
import type { Guard } from '../guard.ts';
import { errorResponse } from './denial.ts';
import { Gate, type McpOptions } from './gate.ts';
import { asMessage, type Message } from './message.ts';

/** The most bytes of one line; a longer one is refused without being held in memory (attack G8). */
export const LINE_BYTES = 1_048_576;

/** What a stdio proxy stands between. */
export interface StdioProxyOptions extends McpOptions {
  readonly guard: Guard;
  readonly command: string;
  readonly args: readonly string[];
  readonly input: Readable;
  readonly output: Writable;
  /** Where the child's own words go. */
  readonly errors?: Writable;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs the server behind the gate; resolves with its exit code (128 + n for a signal) when it has ended. */
export async function proxyStdio(options: StdioProxyOptions): Promise<number> {
  const { guard, input, output } = options;
  const child = spawn(options.command, [...options.args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.env === undefined ? {} : { env: options.env as NodeJS.ProcessEnv }),
  });
  const gate = new Gate(guard, options);
  const toClient = (m: Message): void => void output.write(`${JSON.stringify(m)}\n`);
  const toServer = (m: Message): void => {
    if (child.stdin.writable) child.stdin.write(`${JSON.stringify(m)}\n`);
  };
  child.stderr.pipe(options.errors ?? process.stderr, { end: false });
  // A child that dies while it is written to is seen by its exit.
  child.stdin.on('error', () => undefined);

  const fromClient = async (line: Buffer | null): Promise<void> => {
    const parsed = line === null ? { ok: false as const } : parseJson(new Uint8Array(line), LINE_BYTES);
    if (!parsed.ok) {
      const code = line === null ? 'request_too_large' : 'request_invalid';
      await guard.refuse(deny(code));
      return toClient(errorResponse(null, -32700, code));
    }
    const verdict = await gate.fromClient(parsed.value);
    if ('forward' in verdict) toServer(verdict.forward);
    else if ('reply' in verdict) toClient(verdict.reply);
  };
  const fromServer = async (line: Buffer | null): Promise<void> => {
    if (line === null) return;
    let message: Message | null = null;
    try {
      message = asMessage(JSON.parse(line.toString('utf8')));
    } catch {
      // Not protocol: a server that prints to stdout. It goes no further.
    }
    if (message !== null) toClient(await gate.fromServer(message));
  };

  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of signals) process.on(signal, passOn);
  const reading = readLines(input, LINE_BYTES, fromClient).finally(() => child.stdin.end());
  const answering = readLines(child.stdout, 64 * LINE_BYTES, fromServer);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(status ?? 128 + signalNumber(signal)));
    });
    await answering;
    return code;
  } finally {
    for (const signal of signals) process.off(signal, passOn);
    await gate.close();
    input.destroy();
    await reading.catch(() => undefined);
  }
}

const signalNumber = (signal: NodeJS.Signals | null): number =>
  signal === 'SIGINT' ? 2 : signal === 'SIGHUP' ? 1 : signal === 'SIGKILL' ? 9 : 15;

/**
 * Calls `take` with each line, in order of arrival, without waiting for one before the next is read; null stands
 * for a line longer than `limit`. Resolves at the end, when all have been taken.
 */
export async function readLines(
  stream: Readable,
  limit: number,
  take: (line: Buffer | null) => Promise<void>,
): Promise<void> {
  let parts: Buffer[] = [];
  let size = 0;
  const open = new Set<Promise<void>>();
  const give = (line: Buffer | null): void => {
    const done = take(line).finally(() => open.delete(done));
    open.add(done);
  };
  const add = (part: Buffer): void => {
    size += part.length;
    if (size <= limit) parts.push(part);
    else parts = [];
  };
  const end = (): void => {
    if (size > limit) give(null);
    else if (size > 0) {
      const line = Buffer.concat(parts);
      if (line.toString('latin1').trim() !== '') give(line);
    }
    parts = [];
    size = 0;
  };
  for await (const chunk of stream) {
    let rest = chunk as Buffer;
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      add(rest.subarray(0, at));
      end();
      rest = rest.subarray(at + 1);
    }
    add(rest);
  }
  end();
  await Promise.all(open);
}

// A proxy before an unmodified server on stdio: newline-delimited JSON both ways (MCP transports, "stdio"). A line
// from the client is read by the strict parser, checked, and written out again; nothing unparsed is forwarded, so
// checker and server can't read it differently (attack G2). stdout is protocol, stderr is the child's own.
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { deny, parseJson } from '@ambit/core';
import type { Guard } from '../contract.ts';
import { errorResponse } from './denial.ts';
import { Gate, type McpOptions } from './gate.ts';
import { lineWriter, readLines } from './lines.ts';
import { asMessage, type Message } from '@ambit/wire/mcp';

/** The most bytes of one line; a longer one is refused without being held in memory (attack G8). */
export const LINE_BYTES = 1_048_576;

/** The two ends of a stdio proxy. */
export interface StdioProxyOptions extends McpOptions {
  readonly guard: Guard;
  readonly command: string;
  readonly args: readonly string[];
  readonly input: Readable;
  readonly output: Writable;
  /** Where the child's stderr goes. */
  readonly errors?: Writable;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds that the server may take to end after its input has, before SIGTERM, and again before SIGKILL. */
  readonly patience?: number;
}

/** Runs the server behind the gate; resolves with its exit code (128 + n for a signal) when it has ended. */
export async function proxyStdio(options: StdioProxyOptions): Promise<number> {
  const { guard, input, output } = options;
  const child = spawn(options.command, [...options.args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const gate = new Gate(guard, options);
  const toClient = lineWriter(output);
  const toServer = lineWriter(child.stdin);
  child.stderr.pipe(options.errors ?? process.stderr, { end: false });

  const fromClient = async (line: Buffer | null): Promise<void> => {
    const parsed = line === null ? { ok: false as const } : parseJson(new Uint8Array(line), LINE_BYTES);
    if (!parsed.ok) {
      const code = line === null ? 'request_too_large' : 'request_invalid';
      await guard.refuse(deny(code));
      return toClient(errorResponse(null, -32700, code));
    }
    const verdict = await gate.fromClient(parsed.value);
    if ('forward' in verdict) await toServer(verdict.forward);
    else if ('reply' in verdict) await toClient(verdict.reply);
  };
  const fromServer = async (line: Buffer | null): Promise<void> => {
    if (line === null) return;
    let message: Message | null = null;
    try {
      message = asMessage(JSON.parse(line.toString('utf8')));
    } catch {
      // Not protocol: a server that prints to stdout. It goes no further.
    }
    const passed = message === null ? null : await gate.fromServer(message, line.length);
    if (passed !== null) await toClient(passed);
  };

  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of signals) process.on(signal, passOn);
  // A stream that breaks is the same as one that ends.
  const broken = (): undefined => undefined;
  const reading = readLines(input, LINE_BYTES, fromClient)
    .catch(broken)
    .finally(() => leave(child, options.patience ?? 5000));
  const answering = readLines(child.stdout, 64 * LINE_BYTES, fromServer).catch(broken);
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
    await guard.settled();
    input.destroy();
    await reading;
  }
}

// Shutdown as the protocol has it: end of input, then SIGTERM, then SIGKILL.
function leave(child: ChildProcess, patience: number): void {
  child.stdin?.end();
  const steps: NodeJS.Timeout[] = [];
  child.once('exit', () => steps.forEach(clearTimeout));
  if (child.exitCode !== null || child.signalCode !== null) return;
  steps.push(setTimeout(() => child.kill('SIGTERM'), patience).unref());
  steps.push(setTimeout(() => child.kill('SIGKILL'), 2 * patience).unref());
}

const signalNumber = (signal: NodeJS.Signals | null): number =>
  signal === 'SIGINT' ? 2 : signal === 'SIGHUP' ? 1 : signal === 'SIGKILL' ? 9 : 15;

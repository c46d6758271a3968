// What every command is given: where to read and write, what time it is, how much to say. Data goes to stdout,
// messages to stderr; `--json` turns both into JSON; there is color only on a terminal.
import { styleText } from 'node:util';
import { Failure, plain, reportOf, type Reported } from './failure.ts';
import { parseTime } from './flags/times.ts';

/** The options that every command takes. */
export interface Shared {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly at?: string;
  readonly store?: string;
  readonly insecurePermissions?: boolean;
}

/** A color by its meaning. */
export type Tone = 'good' | 'bad' | 'dim' | 'strong' | 'warn';
const TONES = { good: 'green', bad: 'red', dim: 'dim', strong: 'bold', warn: 'yellow' } as const;

/** One run of the command line. */
export class Cli {
  readonly env: NodeJS.ProcessEnv;
  /** Set by a command for a valid answer that is a refusal. */
  exit = 0;
  #shared: Shared = {};
  #now: number | null = null;
  #failed: NodeJS.ErrnoException | null = null;
  #stdinTaken = '';

  constructor(env: NodeJS.ProcessEnv) {
    this.env = env;
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (error: Error) => {
        this.#failed ??= error;
      });
    }
  }

  /** Takes the shared options once they are parsed. */
  take(shared: Shared): void {
    this.#shared = shared;
    this.#now = null;
  }

  get json(): boolean {
    return this.#shared.json === true;
  }

  get quiet(): boolean {
    return this.#shared.quiet === true;
  }

  get insecurePermissions(): boolean {
    return this.#shared.insecurePermissions === true;
  }

  /** The URL of the store that `--store` or AMBIT_STORE names, or null. */
  get store(): string | null {
    const { AMBIT_STORE } = this.env;
    return this.#shared.store ?? (AMBIT_STORE === undefined || AMBIT_STORE === '' ? null : AMBIT_STORE);
  }

  /** Whether the clock was stated with `--at`. */
  get stated(): boolean {
    return this.#shared.at !== undefined;
  }

  /** Unix seconds: the stated clock, or the system's. The same throughout one command. */
  get now(): number {
    const system = Math.floor(Date.now() / 1000);
    const { at } = this.#shared;
    return (this.#now ??= at === undefined ? system : parseTime('--at', at, system));
  }

  /** Whether the reader of stdout is gone: a loop that prints can end. */
  get broken(): boolean {
    return this.#failed !== null;
  }

  /** Data, to stdout, as it is. */
  out(text: string): void {
    if (this.#failed === null) process.stdout.write(text);
  }

  /** The result of a command: one JSON object with `--json`, else its text. */
  result(json: { readonly [field: string]: unknown }, text: string | (() => string)): void {
    if (this.json) this.out(`${JSON.stringify({ v: 1, ...json })}\n`);
    else this.out(typeof text === 'string' ? text : text());
  }

  /** Human-readable messages, to stderr. Silent with `-q` and `--json`. */
  say(text: string): void {
    if (!this.quiet && !this.json && this.#failed === null) process.stderr.write(`${text}\n`);
  }

  /** Something a person should look at; silent with `-q` and `--json` (whose results carry `notes`). */
  warn(text: string): void {
    this.say(`ambit: ${this.paint('warn', 'note:', process.stderr)} ${text}`);
  }

  /** The error, to stderr: a line and a hint, or one JSON object. */
  report(error: unknown): Reported {
    const reported = reportOf(error);
    const { code, message, hint, exit } = reported;
    if (this.json) {
      const shown = { v: 1, error: { code, message, ...(hint === undefined ? {} : { hint }), exit } };
      process.stderr.write(`${JSON.stringify(shown)}\n`);
    } else {
      process.stderr.write(
        `ambit: ${this.paint('bad', 'error:', process.stderr)} ${plain(message)} [${code}]\n`,
      );
      if (hint !== undefined && !this.quiet) process.stderr.write(`ambit: hint: ${plain(hint)}\n`);
    }
    return reported;
  }

  /** Text in a color, if `stream` is a terminal and color was not turned off. */
  paint(tone: Tone, text: string, stream: NodeJS.WriteStream = process.stdout): string {
    const { NO_COLOR, TERM } = this.env;
    const plain = this.#shared.color === false || this.json || !stream.isTTY || TERM === 'dumb';
    if (plain || (NO_COLOR !== undefined && NO_COLOR !== '')) return text;
    return styleText(TONES[tone], text, { validateStream: false });
  }

  /** All of stdin, for one use: two inputs can't both come from it. */
  async stdin(what: string, limit: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of this.stdinPieces(what)) {
      size += part.length;
      if (size > limit) throw new Failure('input_invalid', `${what}: more than ${limit} bytes on stdin`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** The same as it comes, for what may be long. */
  stdinPieces(what: string): AsyncIterable<Buffer> {
    if (this.#stdinTaken !== '') {
      throw new Failure(
        'usage',
        `stdin is asked for twice: for ${this.#stdinTaken} and for ${what}`,
        'give one of them as a file',
      );
    }
    this.#stdinTaken = what;
    if (process.stdin.isTTY) this.say(`ambit: reading ${what} from the terminal; end it with Ctrl-D`);
    return process.stdin as AsyncIterable<Buffer>;
  }

  /** Data that may be long, to stdout: no more of it is made than the reader takes. */
  async outAll(pieces: AsyncIterable<string>): Promise<void> {
    for await (const piece of pieces) {
      if (this.broken) return;
      this.out(piece);
      if (process.stdout.writableNeedDrain) await this.flush();
    }
  }

  /** Waits until everything is written. Gives the error that stopped it, or null, also for a closed pipe. */
  async flush(): Promise<Error | null> {
    if (this.#failed === null) {
      await new Promise<void>((resolve) => {
        process.stdout.once('error', () => resolve());
        process.stdout.write('', () => resolve());
      });
    }
    return this.#failed === null || this.#failed.code === 'EPIPE' ? null : this.#failed;
  }
}

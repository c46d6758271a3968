// Reads the recorded runs of AgentDojo (gzip JSON Lines; format and license: SOURCES.md beside them). The texts
// are hostile data: they are parsed, hashed and compared, and never printed.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { ToolDescription } from '@ambit/behavior';

export const SUITES = ['banking', 'slack', 'travel', 'workspace'] as const;
export type Suite = (typeof SUITES)[number];

export interface TraceCall {
  readonly fn: string;
  readonly args: Record<string, unknown>;
  readonly turn: number;
  /** Key of the output; absent when the call was proposed and never executed. */
  readonly out?: string;
  readonly n?: number;
  readonly err?: string;
}

export interface Trace {
  readonly id: string;
  readonly model: string;
  readonly defense: string;
  readonly suite: Suite;
  readonly bench: string | null;
  readonly kind: 'benign' | 'attacked' | 'injection_as_user';
  readonly user_task: string;
  readonly injection_task: string | null;
  readonly attack: string;
  readonly utility: boolean;
  readonly security: boolean;
  readonly hijacked?: boolean;
  readonly exposed_at?: number | null;
  readonly attack_calls?: readonly number[];
  readonly calls: readonly TraceCall[];
}

interface Tasks {
  readonly tasks: readonly {
    readonly version: string;
    readonly suite: Suite;
    readonly kind: 'user' | 'injection';
    readonly id: string;
    readonly text: string;
  }[];
  readonly tools: Readonly<Record<Suite, readonly ToolDescription[]>>;
}

/** `AMBIT_TRACES`, or `../shared/traces` beside the checkout; undefined if neither is there. */
export const tracesPath = (): string | undefined => {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = [
    process.env['AMBIT_TRACES'],
    resolve(here, '../../../../shared/traces'),
    resolve('../shared/traces'),
  ];
  return candidates.find((path) => path !== undefined && existsSync(join(path, 'agentdojo', 'tasks.json')));
};

/** Everything that is needed for a replay, in memory (about 90 MB). */
export class TraceSet {
  readonly #tasks: Tasks;
  readonly #prompts: Map<string, string> = new Map();
  readonly #outputs: Map<string, string> = new Map();
  readonly traces: readonly Trace[];

  constructor(path: string) {
    const base = join(path, 'agentdojo');
    this.#tasks = JSON.parse(readFileSync(join(base, 'tasks.json'), 'utf8')) as Tasks;
    for (const task of this.#tasks.tasks) {
      if (task.kind === 'user') this.#prompts.set(`${task.version}/${task.suite}/${task.id}`, task.text);
    }
    for (const line of lines(join(base, 'outputs.jsonl.gz'))) {
      const { h, t } = JSON.parse(line) as { h: string; t: string };
      this.#outputs.set(h, t);
    }
    this.traces = SUITES.flatMap((suite) =>
      lines(join(base, `${suite}.jsonl.gz`)).map((line) => JSON.parse(line) as Trace),
    );
  }

  /** What the user asked for: the text of the benchmark's version that the run was made with. */
  prompt(trace: Trace): string {
    const version = trace.bench === null ? 'v1' : trace.bench;
    const text = this.#prompts.get(`${version}/${trace.suite}/${trace.user_task}`);
    if (text === undefined)
      throw new RangeError(`no prompt for ${version}/${trace.suite}/${trace.user_task}`);
    return text;
  }

  tools(suite: Suite): readonly ToolDescription[] {
    return this.#tasks.tools[suite];
  }

  /** The recorded output's text; undefined for a call that was never executed. */
  output(call: TraceCall): string | undefined {
    return call.out === undefined ? undefined : this.#outputs.get(call.out);
  }
}

const lines = (path: string): string[] =>
  gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');

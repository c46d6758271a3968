// The flags of one call: tool, arguments, HTTP request (what the proof covers), and the facts that an enforcement
// point would state about it.
import {
  bodyDigest,
  parseCall,
  isLabel,
  LIMITS,
  type Call,
  type Facts,
  type FlowFacts,
  type HttpContext,
} from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { badInput, Failure, usage } from '../failure.ts';
import { readFile } from '../home/files.ts';
import { wholeNumber } from './restrictions.ts';

/** What the caller sends. */
export interface CallFlags {
  readonly tool: string;
  readonly args?: string;
  readonly http?: string;
  readonly body?: string;
}

/** What the enforcement point knows. */
export interface FactFlags {
  readonly data?: readonly string[];
  readonly internal?: boolean;
  readonly bytes?: string;
  readonly address?: string;
  readonly untrusted?: readonly string[];
  readonly destinationsNamed?: boolean;
  readonly approved?: boolean;
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Adds the call's flags. */
export const addCallFlags = (command: Command): Command =>
  command
    .optionsGroup('The call:')
    .requiredOption('--tool <name>', 'the tool called')
    .option('--args <json>', 'its arguments: a JSON object, @FILE, or - for stdin (default: {})')
    .option('--http <request>', "the request, when the call is one: 'GET https://search.acme.com/v1?q=x'")
    .option('--body <file>', 'the body of that request');

/** Adds the facts' flags. */
export const addFactFlags = (command: Command): Command =>
  command
    .optionsGroup('Facts about the call (they come from the service, never from the caller):')
    .option(
      '--data <label>',
      "a label of the data it touches instead of the home's default, or 'none'; under a configuration, one more; repeatable",
      collect,
    )
    .option('--internal', 'it does not leave your systems; not under a configuration, which says it')
    .option('--bytes <n>', 'bytes it will move at most')
    .option('--address <ip>', "the client's address")
    .option(
      '--untrusted <label>',
      "outside content that has entered the session, or 'none'; repeatable",
      collect,
    )
    .option('--destinations-named', 'every destination was named by the user')
    .option('--approved', 'a person approved this very call');

/** The call. Failure with core's code when tool or arguments are not of the right form. */
export async function readCall(cli: Cli, f: CallFlags, audience: string): Promise<Call> {
  const http = await httpOf(cli, f, audience);
  const made = parseCall({
    tool: f.tool,
    args: await readArgs(cli, f.args),
    ...(http === undefined ? {} : { http }),
  });
  if (!made.ok) throw new Failure(made.code, made.message);
  return made.call;
}

async function readArgs(cli: Cli, text: string | undefined): Promise<Uint8Array | string> {
  if (text === undefined) return '{}';
  if (text === '-') return cli.stdin('the arguments', LIMITS.argumentBytes);
  return text.startsWith('@') ? readFile(text.slice(1), { limit: LIMITS.argumentBytes }) : text;
}

async function httpOf(cli: Cli, f: CallFlags, audience: string): Promise<HttpContext | undefined> {
  if (f.http === undefined) {
    if (f.body !== undefined) throw usage('--body needs --http, the request it belongs to');
    return undefined;
  }
  const m = /^([A-Z]+)\s+(https?:\/\/[^/?#\s]+)?(\/\S*)?$/.exec(f.http.trim());
  if (m === null || (m[2] === undefined && m[3] === undefined)) {
    throw usage(`--http: expected METHOD URL or METHOD /path, got "${f.http}"`);
  }
  // A path alone is one at the audience's own origin.
  const origin = m[2] ?? `https://${audience}`;
  const context = { method: m[1]!, origin, target: m[3] ?? '/' };
  if (f.body === undefined) return context;
  const body = f.body === '-' ? await cli.stdin('the body', 1 << 26) : readFile(f.body, { limit: 1 << 26 });
  return { ...context, bodyDigest: bodyDigest(body) };
}

const labels = (flag: string, list: readonly string[]): readonly string[] => {
  if (list.length === 1 && list[0] === 'none') return [];
  for (const label of list) if (!isLabel(label)) throw badInput(`${flag}: "${label}" is not a label`);
  return list;
};

/** What the configuration, or else the home's defaults, say about a tool; `data` is null when unknown. */
export interface KnownFacts {
  readonly external: boolean;
  readonly data: readonly string[] | null;
}

/** The facts: what the flags say, and for the rest what is assumed about unclassified tools. */
export function factsOf(cli: Cli, f: FactFlags, known: KnownFacts): Facts {
  const data = f.data === undefined ? known.data : labels('--data', f.data);
  const tracked = f.untrusted !== undefined || f.destinationsNamed === true || f.approved === true;
  const flow: FlowFacts = {
    untrusted: labels('--untrusted', f.untrusted ?? []),
    destinationsNamed: f.destinationsNamed === true,
    approved: f.approved === true,
  };
  return {
    now: cli.now,
    ...(data === null ? {} : { data }),
    external: f.internal === true ? false : known.external,
    ...(f.bytes === undefined ? {} : { bytes: wholeNumber('--bytes', f.bytes) }),
    ...(f.address === undefined ? {} : { address: f.address }),
    ...(tracked ? { flow } : {}),
  };
}

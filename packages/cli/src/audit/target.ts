// Which log, which records: the flags that the `ambit audit` commands share, and opening what they name.
import { existsSync } from 'node:fs';
import { AmbitError, CODES, nearest } from '@ambit/core';
import { Option, type Command } from 'commander';
import { KINDS } from '@ambit/audit';
import type { Policy, Query, Source, TreeReader, VerifierKey, VerifyReport } from '@ambit/audit';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import { readFile } from '../home/files.ts';
import { homeSocket } from '../home/audit.ts';
import { Home } from '../home/home.ts';
import { wholeNumber } from '../flags/restrictions.ts';
import { parseTime } from '../flags/times.ts';

/** Loaded when a command runs, not when its help is shown. */
export const audit = (): Promise<typeof import('@ambit/audit')> => import('@ambit/audit');

export interface LogFlags {
  readonly log?: string;
  readonly logKey?: string;
  readonly policy?: string;
}

/** The flags of a query: its fields, with times and numbers still as they were typed. */
export type QueryFlags = Omit<Query, 'since' | 'until' | 'limit'> & {
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
};

/** Which log: its files, its key, and for the home's own the store of its last signed checkpoint. */
export interface Given {
  readonly directory: string;
  readonly source: Source;
  readonly key: VerifierKey;
  readonly home: Home | null;
}

export async function logOf(cli: Cli, f: LogFlags): Promise<Given> {
  const { directorySource, homePaths, homeVerifier, openSource, parseVerifierKey } = await audit();
  if (f.log === undefined) {
    const home = new Home(cli).require();
    const { directory } = homePaths(home.path);
    await publishNow(home);
    return { directory, source: directorySource(directory), key: await homeVerifier(home.path), home };
  }
  if (f.logKey === undefined)
    throw usage(
      "--log needs --log-key: a log proves nothing without its owner's key",
      '`ambit audit key` prints it',
    );
  const key = parseVerifierKey(readFile(f.logKey).toString('utf8'));
  return { directory: f.log, source: openSource(f.log), key, home: null };
}

// A writer that runs signs a checkpoint each second, and a reader sees what is signed: what it did just now as well.
async function publishNow(home: Home): Promise<void> {
  const path = homeSocket(home);
  if (!existsSync(path)) return;
  const { connectLog } = await audit();
  const connection = connectLog(path, { timeout: 2000 });
  try {
    await connection.publish();
  } catch (error) {
    // A writer that was killed leaves its socket: what it has signed can be read all the same.
    if (!(error instanceof AmbitError)) throw error;
  } finally {
    await connection.close();
  }
}

export const addLogFlags = (command: Command): Command =>
  command
    .optionsGroup('Which log:')
    .option('--log <address>', "its directory or URL (default: this home's)")
    .option('--log-key <file>', 'its verifier key (log.vkey)');

export const addQueryFlags = (command: Command): Command =>
  command
    .optionsGroup('Which records:')
    .option('--session <id>', 'of this session')
    .option('--agent <name>', 'by an agent: its label, or a key in the chain')
    .option('--user <name>', 'for this user')
    .option('--operator <name>', 'of this operator')
    .option('--model <name>', 'by this model')
    .option('--model-digest <hex>', 'by this model artifact')
    .option('--tool <name>', 'about this tool')
    .option('--code <code>', 'with this decision: allowed, or a code of `ambit codes`')
    .addOption(new Option('--kind <kind>', 'of this kind').choices(KINDS))
    .option('--token <id>', 'with this token or node')
    .option('--since <time>', 'from this time on')
    .option('--until <time>', 'before then')
    .option('--limit <n>', 'at most this many records');

export function queryOf(cli: Cli, f: QueryFlags): Query {
  const { since, until, limit, session, agent, user, operator, model, modelDigest, tool, code, kind, token } =
    f;
  if (code !== undefined && code !== 'allowed' && !Object.hasOwn(CODES, code)) throw noSuchCode(code);
  const given = { session, agent, user, operator, model, modelDigest, tool, code, kind, token };
  const texts = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    ...(texts as Pick<Query, 'session'>),
    ...(since === undefined ? {} : { since: parseTime('--since', since, cli.now) * 1000 }),
    ...(until === undefined ? {} : { until: parseTime('--until', until, cli.now) * 1000 }),
    ...(limit === undefined ? {} : { limit: wholeNumber('--limit', limit) }),
  };
}

// No record could match, and an empty answer looks like "it never happened".
function noSuchCode(code: string): Failure {
  const near = nearest(code, ['allowed', ...Object.keys(CODES)]);
  return usage(
    `--code: there is no code "${code.slice(0, 64)}"`,
    near === null
      ? '`ambit codes` lists them; a call that ran has the code allowed'
      : `did you mean ${near}?`,
  );
}

export const policyOf = async (f: LogFlags): Promise<Policy | undefined> =>
  f.policy === undefined ? undefined : (await audit()).parsePolicy(readFile(f.policy).toString('utf8'));

export function indexOf(word: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(word)) throw usage(`expected the number of a record, got "${word}"`);
  return Number(word);
}

export async function readerOf(cli: Cli, f: LogFlags): Promise<Given & { readonly reader: TreeReader }> {
  const given = await logOf(cli, f);
  const { openReader } = await audit();
  return { ...given, ...(await openReader(given.source, given.key)) };
}

/** A record of the log; Failure if the number does not exist. */
export async function inPeriod<T>(index: number, size: number, job: () => Promise<T | null>): Promise<T> {
  const found = index < size ? await job() : null;
  if (found === null) throw new Failure('input_invalid', `there is no record ${index}; the log has ${size}`);
  return found;
}

/** Verifies the whole log; null when it is behind a URL. */
export async function check(
  cli: Cli,
  given: Given,
  policy: Policy | undefined,
): Promise<VerifyReport | null> {
  // A log behind a URL has no directory that could be searched for files that do not belong.
  if (/^https?:/.test(given.directory)) return null;
  const { homeHead, verifyLog } = await audit();
  const onProgress = (done: number, size: number): void => {
    if (process.stderr.isTTY && !cli.quiet && !cli.json)
      process.stderr.write(`\r${done} of ${size}${done === size ? '\n' : ''}`);
  };
  return verifyLog({
    directory: given.directory,
    log: given.key,
    ...(given.home === null ? {} : { head: homeHead(given.home.path) }),
    ...(policy === undefined ? {} : { policy }),
    onProgress,
  });
}

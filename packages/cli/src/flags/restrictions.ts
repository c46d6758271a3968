// The flags that say what a token allows or no longer allows: the same flags for `mint`, `attenuate` and
// `delegate`. They become core's restrictions in one fixed order, which is their order in the token.
import { isLabel, isToolPattern, restrict, spanSeconds, type Budget, type Restriction } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { argsCaveats } from './constraint.ts';
import { usage } from '../failure.ts';
import { parseTime } from './times.ts';

/** What the flags give. */
export interface NarrowFlags {
  readonly tool?: readonly string[];
  readonly deny?: readonly string[];
  readonly data?: readonly string[];
  readonly arg?: readonly string[];
  readonly closed?: boolean;
  readonly maxCalls?: readonly string[];
  readonly maxExternalCalls?: readonly string[];
  readonly maxBytes?: readonly string[];
  readonly maxSum?: readonly string[];
  readonly maxCost?: readonly string[];
  readonly expires?: string;
  readonly notBefore?: string;
  readonly http?: readonly string[];
  readonly net?: readonly string[];
  readonly once?: boolean;
  readonly note?: readonly string[];
  readonly afterUntrusted?: readonly string[];
  readonly depth?: string;
  readonly forAudience?: readonly string[];
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Adds the flags to a command. `minting`: the tool, data and time flags grant instead of narrowing. */
export function addNarrowFlags(command: Command, minting: boolean): Command {
  const only = minting ? 'grant' : 'only';
  command
    .optionsGroup(minting ? 'What it allows:' : 'What it still allows:')
    .option(
      '--tool <pattern>',
      `${only} tools of this name or pattern (a.*, a/*, web_*); repeatable`,
      collect,
    )
    .option('--deny <pattern>', 'refuse these tools, even if granted; repeatable', collect)
    .option('--data <label>', `${only} data under this label; repeatable`, collect)
    .option(
      '--arg <rule>',
      "an argument's rule, such as 'path under /srv' (`ambit help arguments`); repeatable",
      collect,
    )
    .option('--closed', 'refuse arguments that no --arg names')
    .option(
      '--max-calls <n[/time]>',
      'calls in all, per fixed time or in any: 20, 100/1h, 10/any-1m; repeatable',
      collect,
    )
    .option('--max-external-calls <n[/time]>', 'calls that leave your systems; repeatable', collect)
    .option('--max-bytes <n[/time]>', 'bytes moved; repeatable', collect)
    .option(
      '--max-cost <unit=n[/time]>',
      "the sum of the operator's prices: microusd=5000000; repeatable",
      collect,
    )
    .option('--max-sum <arg=n[/time]>', 'the sum of a numeric argument: amount=10000/1h; repeatable', collect)
    .option(
      '--expires <time>',
      minting ? 'the expiry (default: 15m)' : 'not at or after this time: 10m, or RFC 3339',
    )
    .option('--not-before <time>', 'not before this time')
    .option(
      '--http <rule>',
      "only these requests: 'GET,HEAD /v1/* /status'; repeatable, each one must hold",
      collect,
    )
    .option('--net <cidr>', 'only from these networks; repeatable', collect)
    .option('--once', 'for one use in all')
    .option(
      '--after-untrusted <rule>',
      "once outside content came in: 'refuse TOOLS', 'named TOOLS' or 'approval TOOLS'; repeatable",
      collect,
    )
    .option('--note <text>', 'a purpose, for people and the log; repeatable', collect);
  if (!minting) {
    command
      .option('--depth <n>', 'at most this many delegations may follow')
      .option('--for-audience <name>', 'only at these services; repeatable', collect);
  }
  return command;
}

/** Refuses an invalid tool pattern or label, and names its flag. */
export function requireForms(f: NarrowFlags): void {
  const all = (
    flag: string,
    what: string,
    list: readonly string[] = [],
    valid: (text: string) => boolean,
  ): void => {
    for (const text of list) if (!valid(text)) throw usage(`${flag}: "${text}" is not a ${what}`);
  };
  all('--tool', 'tool name or pattern', f.tool, isToolPattern);
  all('--deny', 'tool name or pattern', f.deny, isToolPattern);
  all('--data', 'label', f.data, isLabel);
}

/** A whole number of a flag. */
export function wholeNumber(flag: string, text: string): number {
  const n = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(n)) throw usage(`${flag}: expected a whole number, got "${text}"`);
  return n;
}

function amount(flag: string, text: string): Pick<Budget, 'limit' | 'window' | 'sliding'> {
  const [limit = '', span, ...more] = text.split('/');
  // `100/any-1m`: in any minute; `100/1m`: in each minute of the clock. `100/h` and `100/1h` are the same.
  const sliding = span?.startsWith('any-') === true;
  const time = sliding ? span.slice('any-'.length) : span;
  const window = time === undefined ? undefined : spanSeconds(/^\d/.test(time) ? time : `1${time}`);
  if (window === null || more.length > 0)
    throw usage(`${flag}: expected a number, or one per time such as 100/1h or 100/any-1h, got "${text}"`);
  return {
    limit: wholeNumber(flag, limit),
    ...(window === undefined ? {} : { window }),
    ...(sliding ? { sliding } : {}),
  };
}

/** The budgets of the flags. */
export function budgetsOf(f: NarrowFlags): readonly Budget[] {
  const of = (flag: string, unit: 'calls' | 'external' | 'bytes', texts: readonly string[] = []): Budget[] =>
    texts.map((text) => ({ unit, ...amount(flag, text) }));
  const named = (flag: string, unit: 'sum' | 'cost', texts: readonly string[] = []): Budget[] =>
    texts.map((text) => {
      const m = /^([^=]+)=(.+)$/.exec(text);
      if (m === null) throw usage(`${flag}: expected NAME=NUMBER[/TIME], got "${text}"`);
      return { unit, argument: m[1]!, ...amount(flag, m[2]!) };
    });
  return [
    ...of('--max-calls', 'calls', f.maxCalls),
    ...of('--max-external-calls', 'external', f.maxExternalCalls),
    ...of('--max-bytes', 'bytes', f.maxBytes),
    ...named('--max-cost', 'cost', f.maxCost),
    ...named('--max-sum', 'sum', f.maxSum),
  ];
}

/** The flags that become caveats in any command; `everyTool` is what `--arg` rules without a tool are about. */
export function conditionsOf(cli: Cli, f: NarrowFlags, everyTool: readonly string[]): readonly Restriction[] {
  const list: Restriction[] = [...argsCaveats(f.arg ?? [], everyTool, f.closed ?? false)];
  if (f.notBefore !== undefined)
    list.push(restrict.notBefore(parseTime('--not-before', f.notBefore, cli.now)));
  for (const rule of f.http ?? []) {
    const [methods = '', ...paths] = rule.trim().split(/\s+/);
    if (paths.length === 0)
      throw usage(`--http: expected METHODS PATHS such as 'GET,HEAD /v1/*', got "${rule}"`);
    list.push(restrict.http(methods.split(','), paths));
  }
  if (f.net !== undefined) list.push(restrict.net(...f.net));
  for (const rule of f.afterUntrusted ?? []) {
    const [verb = '', ...tools] = rule.trim().split(/\s+/);
    if ((verb !== 'refuse' && verb !== 'named' && verb !== 'approval') || tools.length === 0) {
      throw usage(
        `--after-untrusted: expected 'refuse TOOLS', 'named TOOLS' or 'approval TOOLS', got "${rule}"`,
      );
    }
    list.push(restrict.flow(verb, ...tools));
  }
  if (f.once === true) list.push(restrict.once());
  for (const text of f.note ?? []) list.push(restrict.note(text));
  return list;
}

/** All flags as restrictions, for `attenuate` and `delegate`. `tools`: the patterns the token has now. */
export function restrictionsOf(cli: Cli, f: NarrowFlags, tools: readonly string[]): readonly Restriction[] {
  requireForms(f);
  const list: Restriction[] = [];
  if (f.tool !== undefined) list.push(restrict.tools(...f.tool));
  if (f.deny !== undefined) list.push(restrict.deny(...f.deny));
  if (f.data !== undefined) list.push(restrict.data(...f.data));
  if (f.expires !== undefined) list.push(restrict.expires(parseTime('--expires', f.expires, cli.now)));
  if (f.forAudience !== undefined) list.push(restrict.audience(...f.forAudience));
  if (f.depth !== undefined) list.push(restrict.depth(wholeNumber('--depth', f.depth)));
  const budgets = budgetsOf(f);
  if (budgets.length > 0) list.push(restrict.budget(...budgets));
  return [...list, ...conditionsOf(cli, f, f.tool ?? tools)];
}

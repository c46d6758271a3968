// `ambit state`: the store of budgets, used proofs, revocations and sessions, whichever back end it has: is it sound, what
// is in it, and what an operator does when it is not.
import { userInfo } from 'node:os';
import { sha256, toHex, utf8 } from '@ambit/core';
import type { OperatorOptions, StateStatus } from '@ambit/state/operator';
import { withoutPassword } from '@ambit/state/url';
import { Option, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { example } from '../help.ts';
import { account, hasLog } from '../home/audit.ts';
import { Home } from '../home/home.ts';
import { withOperator } from '../home/state.ts';

/** Choices that a server is told once, at `init`, or again at `reset`. */
function addServerOptions(command: Command): Command {
  const told = (flag: string, words: string, choices: readonly string[]): Option =>
    new Option(flag, words).choices([...choices]);
  return command
    .addOption(
      told('--failover <mode>', 'PostgreSQL: whether a promoted standby is believed', [
        'denied',
        'synchronous',
      ]),
    )
    .option('--grant-to <role>', "PostgreSQL: the verifiers' role")
    .addOption(
      told('--restarts <mode>', 'Redis: trusted for one server with appendfsync always', [
        'denied',
        'trusted',
      ]),
    );
}

const numbers = (record: { readonly [name: string]: number }): string =>
  Object.entries(record)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ') || 'none';

function statusText(where: string, { backend, version, stats, problem }: StateStatus): string {
  const lines = [`store    ${where}`, `backend  ${backend}${version === null ? '' : `, version ${version}`}`];
  if (problem !== null) lines.push(`problem  ${problem.message} [${problem.code}]`);
  if (stats !== null) {
    lines.push(`rows     ${numbers(stats.rows)}`);
    if (stats.bytes !== null)
      lines.push(`bytes    ${stats.bytes}${stats.logBytes === null ? '' : `, log ${stats.logBytes}`}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The login of the person at the prompt; their number where it has no name. */
function login(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Records what makes spent budgets and used proofs count for less: who did it, when, and to which store. */
async function record(
  cli: Cli,
  home: Home,
  where: string,
  what: 'reset' | 'restored' | 'repaired',
): Promise<void> {
  if (!hasLog(home)) return;
  // Names the store, whose place may be longer than a name.
  const digest = sha256(utf8(where));
  await account(cli, home, {
    kind: 'configuration',
    user: login(),
    reason: `${where}: ${what}`,
    configuration: { digest: toHex(digest), what: `state ${what}` },
  });
}

// What changes nothing.
function defineLooks(command: Command, cli: Cli, home: () => Home, where: () => string): void {
  command
    .command('status')
    .description('Show the back end, its version and what is in it.')
    .action(async () => {
      const status = await withOperator(home(), (operator) => operator.status());
      if (status.problem !== null) cli.exit = 1;
      cli.result({ store: where(), ...status }, () => statusText(where(), status));
    });

  command
    .command('check')
    .description('Look for what is wrong: damage, clocks, settings that lose what was acknowledged.')
    .action(async () => {
      const problems = await withOperator(home(), (operator) => operator.check());
      if (problems.length > 0) cli.exit = 1;
      cli.result({ store: where(), problems }, () =>
        problems.length === 0 ? 'sound\n' : problems.map((line) => `${line}\n`).join(''),
      );
    });
}

// A state file, copied, put back and mended.
function defineFiles(command: Command, cli: Cli, home: () => Home, where: () => string): void {
  command
    .command('backup')
    .argument('<file>', 'the copy; it must not exist')
    .description('Copy a state file, its log included, while it is in use.')
    .action(async (file: string) => {
      await withOperator(home(), (operator) => operator.backup(file));
      cli.say(`${file}: a copy of ${where()}; what is spent from now on is not in it`);
      if (cli.json) cli.result({ store: where(), file }, '');
    });

  command
    .command('restore')
    .argument('<file>', 'a copy made by `ambit state backup`')
    .description('Put a copy in the place of a state file that is missing or damaged.')
    .action(async (file: string) => {
      await withOperator(home(), (operator) => operator.restore(file));
      await record(cli, home(), where(), 'restored');
      cli.say(`${where()}: restored; what was spent and revoked since the copy is forgotten`);
      if (cli.json) cli.result({ store: where(), file }, '');
    });

  command
    .command('repair')
    .description('Mend a state file that was swept by a clock ahead of this one.')
    .action(async () => {
      const repaired = await withOperator(home(), (operator) => operator.repair());
      if (repaired) await record(cli, home(), where(), 'repaired');
      cli.say(repaired ? `${where()}: repaired` : `${where()}: nothing to repair`);
      if (cli.json) cli.result({ store: where(), repaired }, '');
    });
}

// What an operator tells the back end itself.
function defineServer(command: Command, cli: Cli, home: () => Home, where: () => string): void {
  addServerOptions(command.command('init').description('Prepare an empty store that --store names.')).action(
    async (options: OperatorOptions) => {
      await withOperator(home(), (operator) => operator.init(options));
      cli.say(`${where()}: prepared`);
      if (cli.json) cli.result({ store: where() }, '');
    },
  );

  addServerOptions(
    command
      .command('reset')
      .description('Accept the state as it is after a loss: a new epoch, in which older proofs are refused.'),
  ).action(async (options: OperatorOptions) => {
    await withOperator(home(), (operator) => operator.reset(options));
    await record(cli, home(), where(), 'reset');
    cli.say(`${where()}: a new epoch; what was lost counts as unspent`);
    if (cli.json) cli.result({ store: where() }, '');
  });

  addServerOptions(
    command.command('migrate').description("Bring the store's tables to this version of Ambit."),
  ).action(async (options: OperatorOptions) => {
    const from = await withOperator(home(), (operator) => operator.migrate(options));
    cli.say(`${where()}: was of version ${from}, and is of this one now`);
    if (cli.json) cli.result({ store: where(), from }, '');
  });
}

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example('ambit state check', 'ambit state status --store postgres://ambit@db1,db2/ambit?schema=ambit'),
  );
  const home = (): Home => new Home(cli);
  const where = (): string => withoutPassword(home().require().storeUrl);
  defineLooks(command, cli, home, where);
  defineFiles(command, cli, home, where);
  defineServer(command, cli, home, where);
}

// `ambit config`: the operator's configuration, checked, compared, put in force.
import { diffConfigurationTexts } from '@ambit/authority';
import { checkConfiguration, diffText, type ConfigurationDiff, type LiveSessions } from '@ambit/identity';
import { openSessions } from '@ambit/state';
import type { Command } from 'commander';
import { account } from '../home/audit.ts';
import type { Cli } from '../cli.ts';
import { appliedIn, applyIn } from '../home/configuration.ts';
import { Failure } from '../failure.ts';
import { readInput } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { appliedText, checkedText } from '../show/configuration.ts';

/** Ten thousand users and five hundred tools take half a megabyte. */
const CONFIG_BYTES = 1 << 26;
const read = (cli: Cli, file: string): Promise<string> =>
  readInput(cli, 'the configuration', file, CONFIG_BYTES);
const nameOf = (file: string): string => (file === '-' ? 'stdin' : file);

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit config check operator.yaml',
      'ambit config diff old.yaml operator.yaml',
      'ambit config apply operator.yaml',
    ),
  );
  defineCheck(command, cli);
  defineDiff(command, cli);
  defineApply(command, cli);
  defineShow(command, cli);
}

function defineCheck(command: Command, cli: Cli): void {
  command
    .command('check')
    .argument('<file>', 'a configuration (YAML), or - for stdin')
    .description('Check a configuration; every problem with its line and path.')
    .action(async (file: string) => {
      const checked = checkConfiguration(await read(cli, file));
      const text = checkedText(checked, nameOf(file));
      if (!checked.ok) {
        cli.exit = 3;
        return cli.result({ ok: false, problems: checked.problems }, text);
      }
      const { id, digestHex } = checked.operator;
      cli.result({ ok: true, operator: id, digest: digestHex }, text);
    });
}

function defineDiff(command: Command, cli: Cli): void {
  command
    .command('diff')
    .argument('<old>', 'a configuration')
    .argument('<new>', 'another')
    .description('Show who gains, who loses, and how many live sessions of this home would end.')
    .action(async (old: string, next: string) => {
      const [before, after] = [await read(cli, old), await read(cli, next)];
      const home = new Home(cli);
      const among = (sessions: LiveSessions): Promise<ConfigurationDiff> =>
        diffConfigurationTexts(before, after, sessions, cli.now);
      const diff = home.exists
        ? await withState(home, (store) => among(openSessions(store.sessions, cli.now)))
        : await among([]);
      cli.result({ diff }, diffText(diff));
    });
}

function defineApply(command: Command, cli: Cli): void {
  command
    .command('apply')
    .argument('<file>', 'a configuration (YAML), or - for stdin')
    .description(
      'Put a configuration in force in this home: tokens minted under another one end, unless it states a grace period.',
    )
    .action(async (file: string) => {
      const home = new Home(cli).require();
      const text = await read(cli, file);
      const checked = checkConfiguration(text);
      if (!checked.ok)
        throw new Failure(
          'config_invalid',
          checkedText(checked, nameOf(file)).trimEnd(),
          'nothing was changed',
        );
      const previous = appliedIn(home)?.record.digest;
      const done = await withState(home, (store) => applyIn(home, store, text, cli.now));
      const { id, digestHex } = done.registration.operator;
      await account(cli, home, {
        kind: 'configuration',
        operator: { name: id, config: digestHex },
        configuration: {
          digest: digestHex,
          what: 'applied',
          ...(previous === undefined ? {} : { previous }),
        },
      });
      cli.result(
        { operator: id, digest: digestHex, since: done.registration.since, diff: done.diff },
        appliedText(done),
      );
    });
}

function defineShow(command: Command, cli: Cli): void {
  command
    .command('show')
    .description('Print the configuration in force.')
    .action(() => {
      const home = new Home(cli).require();
      const applied = appliedIn(home);
      if (applied === null)
        throw new Failure(
          'file_missing',
          `${home.path}: no configuration was applied here`,
          '`ambit config apply FILE`',
        );
      cli.result({ ...applied.record, text: applied.text }, applied.text);
    });
}

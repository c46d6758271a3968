// The command tree: shared options, help, and stubs for all commands; a stub is filled in from its file when it is
// the one asked for.
import { Command } from 'commander';
import type { Cli, Shared } from './cli.ts';
import { INTRO, OUTRO } from './help.ts';
import { TABLE, type CommandEntry } from './table.ts';
import { version } from './version.ts';

/** Builds the tree. */
export function buildProgram(cli: Cli): Command {
  const root = new Command('ambit');
  const entries = new Map<Command, CommandEntry>();
  root
    .description(INTRO)
    .usage('COMMAND [options]')
    .configureHelp({ helpWidth: 100, sortSubcommands: false, showGlobalOptions: true })
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeErr: () => {}, writeOut: (text) => cli.out(text) })
    .option('--json', 'results and errors as JSON (schemas in the README)')
    .option('--at <time>', "use this clock instead of the system's: RFC 3339")
    .option('--store <url>', 'keep state there, not in the home: file:, redis:, postgres: URLs')
    .option('-q, --quiet', 'print only data and errors')
    .option('--no-color', 'no colors')
    .option('--insecure-permissions', 'read secret files that other users can read')
    .version(`ambit ${version()}`, '-V, --version', 'show the version')
    .addHelpText('after', OUTRO);
  const load = async (command: Command): Promise<void> => {
    const entry = entries.get(command);
    if (entry === undefined) return;
    entries.delete(command);
    (await entry.load()).define(command, cli, loadAll);
  };
  const loadAll = async (): Promise<void> => {
    for (const command of root.commands) await load(command);
  };
  for (const entry of TABLE) {
    const stub = root
      .command(entry.name)
      .summary(entry.summary)
      .description(sentence(entry.summary))
      .helpGroup(entry.group);
    entries.set(stub, entry);
  }
  root.hook('preSubcommand', (_, command) => load(command));
  root.hook('preAction', (_, action) => cli.take(action.optsWithGlobals<Shared>()));
  return root;
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

// The command tree: shared options, help, and stubs for all commands; a stub is filled in from its file when it is
// the one asked for.
import { Command, type Help } from 'commander';
import type { Cli, Shared } from './cli.ts';
import { version } from './main.ts';
import { TABLE, type Entry } from './table.ts';

const INTRO = `Capability tokens for AI agents: narrowed offline, bound to a holder, proved at each use.`;

const OUTRO = `
Example:
  $ ambit init
  $ ambit keygen --type holder -o agent.key
  $ ambit mint --from session.json --holder agent.key.pub > a.tok
  $ ambit inspect a.tok

Inputs are files, - for stdin, or the text of a token itself; secret keys only ever files or -.
Exit states: 0 allowed or done, 1 denied, 2 usage, 3 malformed or unverifiable input,
             4 I/O or store, 70 a bug.  \`ambit codes\` lists them by code; \`ambit help arguments\`
             explains --arg. AMBIT_HOME names the home directory (default: .ambit here).`;

const ARGUMENTS = `Argument rules: --arg '[TOOL:] NAME WORDS'. Without TOOL, a rule is about every tool of the token.

  'path under /srv /data'              a path at or below one of these; no .. and no encodings
  'read_*: path under /srv'            the same, for tools of this pattern only
  'currency is "EUR"'                  exactly this JSON value (EUR without quotes is the text EUR)
  'currency in EUR CHF'                one of these
  'amount between 1 and 100'           a number; also 'at most 100', 'at least 1'
  'q length 1..200'                    characters of a text, or items of a list; either end may be left out
  'q matches [a-z ]+'                  the whole text; the pattern goes on to the end of the rule
  'link url docs.acme.com *.acme.org'  an https URL at one of these hosts
  'ip network 10.0.0.0/8'              an address in one of these networks
  'to email acme.com'                  one address in one of these domains
  'paths each under /srv'              a list of one or more, each of which meets the rule
  'debug absent'                       must be left out
  'link {"kind":"url","schemes":["http"],"hosts":["a.b"],"ports":[8080]}'   any constraint as JSON

With --closed, arguments that no rule names are refused. Two rules for one argument must both hold.
Example: ambit attenuate a.tok --tool read_file --arg 'path under /srv/docs' --closed`;

/** Texts of \`ambit help TOPIC\` that are not commands. */
export const TOPICS: ReadonlyMap<string, string> = new Map([['arguments', ARGUMENTS]]);

/** The program, and a way to fill its stubs in. */
export interface Program {
  readonly root: Command;
  /** Loads every command's file: for completions. */
  loadAll(): Promise<void>;
}

/** Builds the tree. */
export function buildProgram(cli: Cli): Program {
  const root = new Command('ambit');
  const entries = new Map<Command, Entry>();
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
    .option('-q, --quiet', 'no words, only data and errors')
    .option('--no-color', 'no colours, wherever it writes')
    .option('--insecure-permissions', 'read secret files that others can read too')
    .version(`ambit ${version()}`, '-V, --version', 'show the version')
    .addHelpText('after', OUTRO);
  const load = async (command: Command): Promise<void> => {
    const entry = entries.get(command);
    if (entry === undefined) return;
    entries.delete(command);
    (await entry.load()).define(command, cli);
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
  return {
    root,
    loadAll: async () => {
      for (const command of root.commands) await load(command);
    },
  };
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

/** For the help of a command: its example lines. */
export const example = (...lines: readonly string[]): string =>
  `\nExample:\n${lines.map((l) => `  $ ${l}`).join('\n')}`;
export type { Help };

// One run: parse, act, report. Everything that goes wrong ends here as one line and an exit state.
import { CommanderError } from 'commander';
import { Cli } from './cli.ts';
import { causeChain, Failure, ioFailure, usage } from './failure.ts';
import { TOPICS } from './help.ts';
import { buildProgram } from './program.ts';
import { TABLE } from './table.ts';

const HELP_CODES = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/** Runs the command line; gives its exit state. */
export async function run(argv: readonly string[]): Promise<number> {
  const cli = new Cli(process.env);
  // Until the options are parsed: an error before that is reported in the form that was asked for.
  cli.take({
    json: argv.includes('--json'),
    quiet: argv.includes('-q'),
    color: !argv.includes('--no-color'),
  });
  const exit = await outcome(cli, argv);
  const broken = await cli.flush();
  return broken === null ? exit : cli.report(ioFailure('write', 'stdout', broken)).exit;
}

async function outcome(cli: Cli, argv: readonly string[]): Promise<number> {
  const root = buildProgram(cli);
  try {
    const args = helpArguments(argv);
    const topic = argv[0] === 'help' ? TOPICS.get(argv[1] ?? '') : undefined;
    if (topic !== undefined) cli.out(`${topic}\n`);
    else if (args.length === 0) {
      // Asked for nothing: the help, and not a success, for a script that lost its arguments.
      process.stderr.write(root.helpInformation());
      return 2;
    } else await root.parseAsync(args, { from: 'user' });
    return cli.exit;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (HELP_CODES.has(error.code)) return 0;
      return cli.report(fromCommander(error)).exit;
    }
    const { exit } = cli.report(error);
    if (/\bambit\b/.test(cli.env['DEBUG'] ?? '')) process.stderr.write(`${causeChain(error)}\n`);
    return exit;
  }
}

// `ambit help mint` is `ambit mint --help`, so that the command is loaded first.
function helpArguments(argv: readonly string[]): readonly string[] {
  const [first, second] = argv;
  if (first !== 'help' || second === undefined) return first === 'help' ? ['--help'] : argv;
  return TABLE.some((entry) => entry.name === second) ? [...argv.slice(1), '--help'] : argv.slice(1);
}

function fromCommander(error: CommanderError): Failure {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest
    .map((line) => /\(Did you mean (.*)\?\)/.exec(line)?.[1])
    .find((s) => s !== undefined);
  return usage(first, suggestion === undefined ? 'see --help' : `did you mean ${suggestion}?`);
}

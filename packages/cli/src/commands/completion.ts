// `ambit completion`: completions made from the command tree itself, so that they can't lag behind it.
import { Argument, type Command, type Option } from 'commander';
import type { Cli } from '../cli.ts';
import { example } from '../help.ts';
import { bash, fish, zsh, type Leaf } from '../show/completion.ts';

export function define(command: Command, cli: Cli, loadAll: () => Promise<void>): void {
  command
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      example(
        'ambit completion bash > ~/.local/share/bash-completion/completions/ambit',
        'source <(ambit completion zsh)',
      ),
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      await loadAll();
      const leaves = leavesOf(command.parent!, []);
      const text = { bash, zsh, fish }[shell](leaves);
      cli.result({ shell, script: text }, text);
    });
}

const flagsOf = (o: Option): readonly string[] =>
  [o.long, o.short].filter((f) => f !== undefined && f !== null);

function leavesOf(command: Command, path: readonly string[]): readonly Leaf[] {
  const shared = path.length === 0 ? [] : ['--help'];
  const options = command.options.filter((o) => !o.hidden);
  const own: Leaf = {
    path,
    summary: command.summary() || command.description(),
    subcommands: command.commands.map((c) => c.name()),
    flags: [...options.flatMap(flagsOf), ...shared],
    valued: options.filter((o) => o.required).flatMap(flagsOf),
    choices: Object.fromEntries(
      options.flatMap((o) => (o.argChoices === undefined ? [] : flagsOf(o).map((f) => [f, o.argChoices!]))),
    ),
    words: command.registeredArguments.flatMap((a) => a.argChoices ?? []),
  };
  return [own, ...command.commands.flatMap((c) => leavesOf(c, [...path, c.name()]))];
}

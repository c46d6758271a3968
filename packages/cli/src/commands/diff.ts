// `ambit diff`: what one token allows and another does not.
import { diff } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { example } from '../help.ts';
import { tokenDiffText } from '../show/diff.ts';
import { readTokenText } from '../tokens.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<a>', 'the first token: a file, - or its text')
    .argument('<b>', 'the second')
    .option('--changes', 'leave out what is the same')
    .option('--exit-code', 'exit 1 when they differ')
    .addHelpText(
      'after',
      `\n- lost, ~ narrowed, = kept, + gained. A token derived from another never gains.\n${example('ambit diff a.tok b.tok')}`,
    )
    .action(
      async (
        first: string,
        second: string,
        flags: { readonly changes?: boolean; readonly exitCode?: boolean },
      ) => {
        const a = await readTokenText(cli, first, 'the first token');
        const b = await readTokenText(cli, second, 'the second token');
        const all = diff(a.said, b.said);
        const changes = all.filter((r) => r.mark !== '=');
        const rows = flags.changes === true ? changes : all;
        const gained = changes.filter((r) => r.mark === '+').length;
        cli.result({ same: changes.length === 0, wider: gained > 0, rows }, () =>
          rows.length === 0 ? '' : `${tokenDiffText(cli, rows, process.stdout)}\n`,
        );
        if (gained > 0)
          cli.warn(
            `the second token is wider in ${gained} ${gained === 1 ? 'way' : 'ways'}: it does not descend from the first`,
          );
        if (flags.exitCode === true && changes.length > 0) cli.exit = 1;
      },
    );
}

// `ambit attenuate`: the same token, allowing less. Needs no key.
import { attenuate, effectiveAuthority } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { usage } from '../failure.ts';
import { addNarrowFlags, restrictionsOf, type NarrowFlags } from '../flags/restrictions.ts';
import { example } from '../help.ts';
import { readTokenText, showChange } from '../tokens.ts';

export function define(command: Command, cli: Cli): void {
  command.argument('<token>', 'the token: a file, - or its text');
  addNarrowFlags(command, false)
    .optionsGroup('How:')
    .option('--dry-run', 'show the difference and print no token')
    .addHelpText(
      'after',
      example('ambit attenuate a.tok --tool web_search --max-calls 5 --expires 10m > narrow.tok'),
    )
    .action(async (source: string, flags: NarrowFlags & { readonly dryRun?: boolean }) => {
      const before = await readTokenText(cli, source);
      const restrictions = restrictionsOf(cli, flags, effectiveAuthority(before.said).tools);
      if (restrictions.length === 0)
        throw usage('nothing to narrow: name at least one restriction', 'see `ambit attenuate --help`');
      const token = attenuate(before.text, ...restrictions);
      const { changes, notes } = showChange(cli, before, token, restrictions);
      const sealed = before.said.sealed
        ? [
            'the token is sealed: verified by signatures alone, this narrowing binds only from the next delegation on',
          ]
        : [];
      for (const note of sealed) cli.warn(note);
      if (flags.dryRun === true) cli.result({ token: null, changes, notes: [...notes, ...sealed] }, '');
      else cli.result({ token, changes, notes: [...notes, ...sealed] }, `${token}\n`);
    });
}

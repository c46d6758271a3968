// `ambit delegate`: a token for another holder, signed by the one who holds it now.
import { delegate, effectiveAuthority, inspect } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { readPublicKey, readSigner } from '../home/keyfile.ts';
import { addNarrowFlags, restrictionsOf, type NarrowFlags } from '../flags/restrictions.ts';
import { example } from '../help.ts';
import { readTokenText, showChange } from '../tokens.ts';

interface DelegateFlags extends NarrowFlags {
  readonly key?: string;
  readonly to: string;
  readonly label: string;
  readonly dryRun?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<token>', 'the token: a file, - or its text')
    .optionsGroup('From whom to whom:')
    .option('--key <file>', "the current holder's secret key (or AMBIT_KEY_FILE)")
    .requiredOption('--to <file>', "the new holder's public key")
    .requiredOption('--label <name>', "the new holder's name, for people and logs");
  addNarrowFlags(command, false)
    .optionsGroup('How:')
    .option('--dry-run', 'show the difference and print no token')
    .addHelpText(
      'after',
      example(
        'ambit delegate a.tok --key agent-a.key --to agent-b.key.pub --label searcher --tool web_search --expires 10m > b.tok',
      ),
    )
    .action(async (source: string, flags: DelegateFlags) => {
      const before = await readTokenText(cli, source);
      const by = await readSigner(cli, 'holder', flags.key);
      const to = await readPublicKey(cli, 'holder', flags.to);
      const restrictions = restrictionsOf(cli, flags, effectiveAuthority(before.said).tools);
      const token = delegate(before.text, { to, label: flags.label, time: cli.now, restrictions }, by);
      const { changes, notes } = showChange(cli, before, token, restrictions);
      const node = inspect(token).nodes.at(-1);
      const shown = { node, changes, notes };
      if (flags.dryRun === true) cli.result({ token: null, ...shown }, '');
      else cli.result({ token, ...shown }, `${token}\n`);
    });
}

// `ambit evidence`: the token without its tail. It shows who acted for whom and can't be used.
import { evidence } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { badInput } from '../failure.ts';
import { example } from '../help.ts';
import { readTokenText } from '../tokens.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<token>', 'the token: a file, - or its text')
    .addHelpText('after', example('ambit evidence b.tok > b.evidence', 'ambit inspect b.evidence'))
    .action(async (source: string) => {
      const { text, said } = await readTokenText(cli, source);
      if (said.form === 'evidence') throw badInput('this is evidence already');
      const kept = evidence(text)!;
      cli.result({ evidence: kept, digest: said.digest }, `${kept}\n`);
    });
}

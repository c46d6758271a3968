// `ambit inspect`: what a token or evidence claims. Needs no key, and so proves nothing.
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { example } from '../help.ts';
import { inspectionJson, inspectionText } from '../show/inspect.ts';
import { readTokenText } from '../tokens.ts';

export function define(command: Command, cli: Cli): void {
  command
    .argument('<token>', 'a token or evidence: a file, - or its text')
    .addHelpText('after', example('ambit inspect b.tok', 'ambit inspect --json - < b.tok'))
    .action(async (source: string) => {
      const { said } = await readTokenText(cli, source);
      cli.result(inspectionJson(said, cli.now), () => inspectionText(cli, said));
    });
}

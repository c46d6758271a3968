// `ambit audit`: read, check and hand out the audit log; by default the home's own. `--log` and `--log-key` name
// another one, a directory or a URL.
import type { Command } from 'commander';
import { defineChecking } from '../audit/check.ts';
import { defineReading } from '../audit/read.ts';
import { defineServing } from '../audit/serve.ts';
import type { Cli } from '../cli.ts';
import { example } from '../help.ts';

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit audit verify',
      'ambit audit search --code replayed',
      'ambit audit trace 17',
      'ambit audit report -o incident.html --session agt-2026-03-01-a7f3e2',
    ),
  );
  defineReading(command, cli);
  defineChecking(command, cli);
  defineServing(command, cli);
}

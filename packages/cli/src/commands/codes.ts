// `ambit codes`: core's table of codes, the one that exit states and HTTP statuses come from.
import { CODES } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { example } from '../help.ts';

export function define(command: Command, cli: Cli): void {
  command.addHelpText('after', example('ambit codes | grep proof_')).action(() => {
    const codes = Object.entries(CODES).map(([code, entry]) => ({
      code,
      exit: entry.exit,
      http: entry.status,
      sentence: entry.sentence,
    }));
    const width = Math.max(...codes.map((c) => c.code.length));
    cli.result({ codes }, () =>
      codes
        .map(
          (c) => `${c.code.padEnd(width)}  exit ${String(c.exit).padEnd(2)}  http ${c.http}  ${c.sentence}\n`,
        )
        .join(''),
    );
  });
}

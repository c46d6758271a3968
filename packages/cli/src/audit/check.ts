// Checking the log, and single records of it: verify, prove, check, key.
import { toHex } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { usage } from '../failure.ts';
import { readFile, readInput, writeFile } from '../home/files.ts';
import { Home } from '../home/home.ts';
import {
  addLogFlags,
  audit,
  check,
  indexOf,
  logOf,
  policyOf,
  readerOf,
  inPeriod,
  type LogFlags,
} from './target.ts';

/** Adds the commands. */
export function defineChecking(command: Command, cli: Cli): void {
  defineVerify(command, cli);
  defineProve(command, cli);
  defineCheck(command, cli);
  defineKey(command, cli);
}

function defineVerify(command: Command, cli: Cli): void {
  addLogFlags(command.command('verify'))
    .description(
      'Recompute the whole log: every signature, every root, every record. Says what is wrong and where.',
    )
    .option('--policy <file>', 'demand cosignatures by the witnesses of this policy')
    .action(async (f: LogFlags) => {
      const given = await logOf(cli, f);
      const report = await check(cli, given, await policyOf(f));
      if (report === null)
        throw usage(
          'a log behind a URL is checked where its files are',
          'copy them, or check single records with `ambit audit prove`',
        );
      if (!report.ok) cli.exit = 4;
      const { ok, origin, size, root, checkpoints, witnesses, problems, truncated } = report;
      cli.result({ ok, origin, size, root: toHex(root), checkpoints, witnesses, problems, truncated }, () =>
        [
          ok
            ? `${cli.paint('good', 'whole')}: ${size} records, ${checkpoints} signed checkpoints, root ${toHex(root)}, log ${origin}`
            : `${cli.paint('bad', 'NOT WHOLE')}: ${problems.length}${truncated ? ' and more' : ''} ${problems.length === 1 ? 'problem' : 'problems'} in ${size} records of log ${origin}`,
          ...(witnesses.length === 0 ? [] : [`cosigned by ${witnesses.join(', ')}`]),
          ...problems.map(
            (p) => `  ${p.where}${p.index === undefined ? '' : ` (record ${p.index})`}: ${p.what}`,
          ),
        ]
          .map((l) => `${l}\n`)
          .join(''),
      );
    });
}

function defineProve(command: Command, cli: Cli): void {
  addLogFlags(command.command('prove').argument('<record>', 'its number'))
    .description('Print a receipt for one record: a proof, checkable offline, that the log contains it.')
    .option('--policy <file>', 'base it on the checkpoint that these witnesses cosigned')
    .option('-o, --output <file>', 'where to (default: stdout)')
    .option('--entry <file>', 'write the record itself beside it, as bytes')
    .action(async (word: string, f: LogFlags & { readonly output?: string; readonly entry?: string }) => {
      const { source, key, reader } = await readerOf(cli, f);
      const { prove } = await audit();
      const policy = await policyOf(f);
      const receipt = await inPeriod(indexOf(word), reader.size, () =>
        prove(source, key, indexOf(word), policy),
      );
      if (f.entry !== undefined) writeFile(f.entry, await reader.entry(indexOf(word)), { mode: 0o600 });
      if (f.output !== undefined) writeFile(f.output, receipt, { mode: 0o644, replace: true });
      if (f.output === undefined || cli.json) cli.result({ index: indexOf(word), receipt }, receipt);
    });
}

function defineCheck(command: Command, cli: Cli): void {
  command
    .command('check')
    .argument('<receipt>', 'a receipt, or - for stdin')
    .description('Check a receipt offline, against the record and the key of the log.')
    .requiredOption('--entry <file>', 'the record, as `prove --entry` wrote it')
    .requiredOption('--log-key <file>', 'the verifier key of the log (log.vkey)')
    .option('--policy <file>', 'demand cosignatures by these witnesses')
    .action(
      async (
        source: string,
        f: { readonly entry: string; readonly logKey: string; readonly policy?: string },
      ) => {
        const { parseVerifierKey, verifyProof } = await audit();
        const key = parseVerifierKey(readFile(f.logKey).toString('utf8'));
        const verdict = verifyProof(
          await readInput(cli, 'the receipt', source),
          readFile(f.entry),
          key,
          await policyOf(f),
        );
        if (!verdict.ok) cli.exit = verdict.why === 'malformed' ? 3 : 1;
        cli.result(
          verdict.ok
            ? { ok: true, index: verdict.index, size: verdict.checkpoint.size, origin: key.name }
            : verdict,
          () =>
            verdict.ok
              ? `${cli.paint('good', 'proved')}: this is record ${verdict.index} of ${key.name}, a log of ${verdict.checkpoint.size} then\n`
              : `${cli.paint('bad', 'not proved')}: ${verdict.why.replaceAll('_', ' ')}\n`,
        );
      },
    );
}

function defineKey(command: Command, cli: Cli): void {
  command
    .command('key')
    .description("Print the verifier key of this home's log, for those who will check it.")
    .action(async () => {
      const { homeVerifier } = await audit();
      const key = await homeVerifier(new Home(cli).require().path);
      cli.result({ key: key.text, origin: key.name }, `${key.text}\n`);
    });
}

// `ambit revocations`: the list itself, and its signed form for verifiers that are offline.
import { exportRevocations, importRevocations } from '@ambit/authority/revocations';
import { allRevocations } from '@ambit/state';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../failure.ts';
import { readInput, writeFile } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { readPublicKey, readSigner } from '../home/keyfile.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { timeText } from '../flags/times.ts';

/** A signed list may be long: a million entries take about 100 MB. */
const LIST_BYTES = 1 << 28;

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit revocations list',
      'ambit revocations export --key seal.key -o revoked.list',
      'ambit revocations import revoked.list --trust seal.key.pub',
    ),
  );

  command
    .command('list')
    .description('Show what is revoked, oldest first.')
    .action(async () => {
      const home = new Home(cli).require();
      const entries = await withState(home, (store) => allRevocations(store.revocations));
      cli.result(
        {
          entries: entries.map((e) => ({
            seq: e.seq,
            kind: e.kind,
            issuer: e.issuer ?? null,
            value: e.value,
            reason: e.reason,
            time: timeText(e.time),
            expires: e.expires === undefined ? null : timeText(e.expires),
          })),
        },
        () =>
          entries
            .map(
              (e) =>
                `${timeText(e.time)}  ${e.kind.padEnd(8)}  ${e.value}${e.reason === '' ? '' : `  ${JSON.stringify(e.reason)}`}\n`,
            )
            .join(''),
      );
    });

  command
    .command('export')
    .description("Write the list, signed with the issuer's key.")
    .requiredOption('--key <file>', "the issuer's secret key")
    .option('-o, --output <file>', 'where to (default: stdout)')
    .action(async (flags: { readonly key: string; readonly output?: string }) => {
      const home = new Home(cli).require();
      const { issuer } = home.keyStates;
      if (issuer === null)
        throw new Failure('key_unknown', 'this home has no issuer name yet, so it has nothing to sign');
      const by = await readSigner(cli, 'issuer', flags.key);
      const text = await withState(home, (store) => exportRevocations(store, { issuer, now: cli.now }, by));
      if (flags.output === undefined) return cli.result({ issuer, list: text }, `${text}\n`);
      writeFile(flags.output, `${text}\n`, { mode: 0o644, replace: true });
      if (cli.json) cli.result({ issuer, file: flags.output }, '');
    });

  command
    .command('import')
    .argument('<file>', 'a signed list, or - for stdin')
    .description('Add the entries of a signed list that this home does not have.')
    .requiredOption('--trust <file>', "the issuer's public key")
    .action(async (source: string, flags: { readonly trust: string }) => {
      const home = new Home(cli).require();
      const key = await readPublicKey(cli, 'issuer', flags.trust);
      const text = (await readInput(cli, 'the list', source, LIST_BYTES)).trimEnd();
      const done = await withState(home, (store) => importRevocations(store, text, [key], cli.now));
      if (!done.ok) throw new Failure(done.code, `${source}: ${done.message}`);
      cli.say(`${done.added} new ${done.added === 1 ? 'entry' : 'entries'} of list number ${done.number}`);
      if (cli.json) cli.result({ added: done.added, number: done.number }, '');
    });
}

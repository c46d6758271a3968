// `ambit revocations`: the list itself, and its signed form for verifiers that are offline.
import { exportRevocations, importRevocations } from '@ambit/authority/revocations';
import { revocationPages, type Revocation, type Store } from '@ambit/state';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../failure.ts';
import { readPieces, writePieces } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { readPublicKey, readSigner } from '../home/keyfile.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { timeText } from '../flags/times.ts';

/** One JSON object with a list or a long text in it, in pieces. */
async function* json(before: string, pieces: AsyncIterable<string>, after: string): AsyncGenerator<string> {
  yield before;
  yield* pieces;
  yield after;
}

/** Entries as members of a JSON list. */
async function* members(store: Store): AsyncGenerator<string> {
  let first = true;
  for await (const page of revocationPages(store.revocations)) {
    yield (first ? '' : ',') + page.map((entry) => JSON.stringify(shown(entry))).join(',');
    first = false;
  }
}

const shown = (e: Revocation): object => ({
  seq: e.seq,
  kind: e.kind,
  issuer: e.issuer ?? null,
  value: e.value,
  reason: e.reason,
  time: timeText(e.time),
  expires: e.expires === undefined ? null : timeText(e.expires),
});

/** Entries as lines for people. */
async function* rows(store: Store): AsyncGenerator<string> {
  for await (const page of revocationPages(store.revocations))
    yield page
      .map(({ time, kind, value, reason }) => {
        const why = reason === '' ? '' : `  ${JSON.stringify(reason)}`;
        return `${timeText(time)}  ${kind.padEnd(8)}  ${value}${why}\n`;
      })
      .join('');
}

/** Text inside a JSON string. */
async function* escaped(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const piece of pieces) yield JSON.stringify(piece).slice(1, -1);
}

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
      await withState(home, (store) =>
        cli.outAll(cli.json ? json('{"v":1,"entries":[', members(store), ']}\n') : rows(store)),
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
      await withState(home, async (store) => {
        const list = exportRevocations(store, { issuer, now: cli.now }, by);
        if (flags.output !== undefined) return writePieces(flags.output, list, 0o644);
        const before = `{"v":1,"issuer":${JSON.stringify(issuer)},"list":"`;
        return cli.outAll(cli.json ? json(before, escaped(list), '"}\n') : list);
      });
      if (flags.output !== undefined && cli.json) cli.result({ issuer, file: flags.output }, '');
    });

  command
    .command('import')
    .argument('<file>', 'a signed list, or - for stdin')
    .description('Add the entries of a signed list that this home does not have.')
    .requiredOption('--trust <file>', "the issuer's public key")
    .action(async (source: string, flags: { readonly trust: string }) => {
      const home = new Home(cli).require();
      const key = await readPublicKey(cli, 'issuer', flags.trust);
      const list = readPieces(cli, 'the list', source);
      const done = await withState(home, (store) => importRevocations(store, list, [key], cli.now));
      if (!done.ok) throw new Failure(done.code, `${source}: ${done.message}`);
      cli.say(`${done.added} new ${done.added === 1 ? 'entry' : 'entries'} of list number ${done.number}`);
      if (cli.json) cli.result({ added: done.added, number: done.number }, '');
    });
}

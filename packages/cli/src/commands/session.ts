// `ambit session`: sessions are opened by minting, or here; closing one makes every token of it useless at once.
import type { Draft } from '@ambit/audit';
import { openSession } from '@ambit/authority/session';
import type { Session } from '@ambit/state';
import type { Command } from 'commander';
import { account } from '../home/audit.ts';
import type { Cli } from '../cli.ts';
import { usage } from '../failure.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { fromNow, parseTime, timeText } from '../flags/times.ts';

const jsonOf = (s: Session): { readonly [field: string]: unknown } => ({
  issuer: s.issuer,
  session: s.id,
  operator: s.operator,
  user: s.user,
  opened: timeText(s.opened),
  expires: timeText(s.expires),
  closed: s.closed === null ? null : timeText(s.closed),
  reason: s.reason,
});

function stateOf(s: Session, now: number): string {
  if (s.closed !== null)
    return `closed ${fromNow(s.closed, now)}${s.reason === null || s.reason === '' ? '' : `: ${s.reason}`}`;
  return s.expires <= now ? `ended ${fromNow(s.expires, now)}` : `open, ends ${fromNow(s.expires, now)}`;
}

const recordOf = (s: Session, name: 'open' | 'close'): Draft => ({
  kind: 'session',
  session: s.id,
  operator: { name: s.operator },
  ...(s.user === null ? {} : { user: s.user }),
  ...(name === 'close' && s.reason !== null && s.reason !== '' ? { reason: s.reason } : {}),
  event: { name },
});

function issuerOf(home: Home, given: string | undefined): string {
  const issuer = given ?? home.keyStates.issuer;
  if (issuer === null) throw usage('this home has no issuer name yet: give one with --issuer NAME');
  return issuer;
}

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example('ambit session list', "ambit session close agt-2026-03-01-a7f3e2 --reason 'task done'"),
  );

  command
    .command('open')
    .description('Open a session before anything is minted in it.')
    .requiredOption('--operator <name>', 'the operator')
    .option('--user <name>', 'the user')
    .option('--id <id>', 'its id; ids are not reused (default: a new one)')
    .option('--expires <time>', 'when it ends at the latest', '1h')
    .option('--issuer <name>', "the issuer of the session (default: this home's)")
    .action(
      async (flags: {
        readonly operator: string;
        readonly user?: string;
        readonly id?: string;
        readonly expires: string;
        readonly issuer?: string;
      }) => {
        const home = new Home(cli).require();
        const input = {
          issuer: issuerOf(home, flags.issuer),
          operator: flags.operator,
          expires: parseTime('--expires', flags.expires, cli.now),
          ...(flags.user === undefined ? {} : { user: flags.user }),
          ...(flags.id === undefined ? {} : { id: flags.id }),
        };
        const session = await withState(home, (store) => openSession(store.sessions, input, cli.now));
        await account(cli, home, recordOf(session, 'open'));
        cli.result(jsonOf(session), `${session.id}\n`);
      },
    );

  command
    .command('close')
    .argument('<id>', 'the session')
    .description('Close a session for good.')
    .option('--reason <text>', 'why', '')
    .option('--issuer <name>', "the issuer of the session (default: this home's)")
    .action(async (id: string, flags: { readonly reason: string; readonly issuer?: string }) => {
      const home = new Home(cli).require();
      const issuer = issuerOf(home, flags.issuer);
      const session = await withState(home, (store) =>
        store.sessions.close(issuer, id, flags.reason, cli.now),
      );
      await account(cli, home, recordOf(session, 'close'));
      cli.say(`session ${id} is closed; its tokens are no longer valid`);
      if (cli.json) cli.result(jsonOf(session), '');
    });

  command
    .command('list')
    .description('Show sessions, newest first.')
    .option('--open', 'only those that are open')
    .action(async (flags: { readonly open?: boolean }) => {
      const home = new Home(cli).require();
      const all = await withState(home, (store) => store.sessions.list());
      const shown = flags.open === true ? all.filter((s) => s.closed === null && s.expires > cli.now) : all;
      cli.result({ sessions: shown.map(jsonOf) }, () =>
        shown.map((s) => `${s.id}  ${s.user ?? '-'} of ${s.operator}  ${stateOf(s, cli.now)}\n`).join(''),
      );
    });
}

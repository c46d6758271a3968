// `ambit mint`: a token for a holder, from a session file or from flags. It is minted first and its session
// opened before the token is printed: a grant that can't be written opens no session, and no token is printed
// whose session can't be closed.
import type { GrantSpec, Keyring } from '@ambit/core';
import { mintInSession, newSessionId, type Minted, type SessionRefusal } from '@ambit/authority/session';
import type { Draft } from '@ambit/audit';
import type { Registration } from '@ambit/identity';
import type { Store } from '@ambit/state';
import type { Command } from 'commander';
import { account } from '../home/audit.ts';
import type { Cli } from '../cli.ts';
import { badInput, Failure, usage } from '../failure.ts';
import { readInput } from '../home/files.ts';
import { modelOf, readGrantFile } from '../flags/grant-file.ts';
import { Home } from '../home/home.ts';
import { readPublicKey, readSigner } from '../home/keyfile.ts';
import {
  addNarrowFlags,
  budgetsOf,
  conditionsOf,
  requireForms,
  wholeNumber,
  type NarrowFlags,
} from '../flags/restrictions.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { fromNow, parseTime, timeText } from '../flags/times.ts';
import { narrowingNotes } from '../tokens.ts';
import { inspect } from '@ambit/core';

interface MintFlags extends NarrowFlags {
  readonly from?: string;
  readonly holder?: string;
  readonly bearer?: boolean;
  readonly seal?: string;
  readonly audience?: string;
  readonly delegable?: string;
  readonly issuer?: string;
  readonly operator?: string;
  readonly model?: string;
  readonly session?: string;
  readonly user?: string;
  readonly attestation?: string;
}

export function define(command: Command, cli: Cli): void {
  command
    .optionsGroup('Who:')
    .option('--from <file>', 'a session file (JSON) that says who and what; - for stdin')
    .option('--operator <name>', 'the operator')
    .option('--model <name@sha256:hex>', 'the model and the digest of its artifact')
    .option('--session <id>', 'the session (default: a new one)')
    .option('--user <name>', 'the user for whom the agent acts')
    .option('--attestation <file>', "under a configuration: the model's attestation (default: the one kept)")
    .option('--issuer <name>', 'who signs; needed once, if neither init nor a session file said it')
    .optionsGroup('For whom:')
    .option('--holder <file>', "the holder's public key: every use needs a proof by it")
    .option(
      '--bearer',
      "usable by anyone who has it, without a key; verifiers refuse it by default, and it can't be delegated",
    )
    .option('--audience <name>', 'the one service it is for (default: any that holds the domain key)')
    .option('--delegable <n>', 'how many delegations may follow (default: 0)')
    .option(
      '--seal <file>',
      "seal it with the issuer's Ed25519 key, for verifiers without a key of this home",
    );
  addNarrowFlags(command, true)
    .addHelpText(
      'after',
      example(
        'ambit mint --from session.json --holder agent.key.pub --delegable 1 > a.tok',
        'ambit mint --operator acme --model m1@sha256:9f86d0.. --user jane --holder agent.key.pub \\',
        "    --tool read_file --arg 'path under /srv/docs' --data public --max-calls 20 --expires 1h > b.tok",
      ),
    )
    .action((flags: MintFlags) => run(cli, flags));
}

async function run(cli: Cli, flags: MintFlags): Promise<void> {
  if ((flags.holder === undefined) === (flags.bearer !== true)) {
    throw flags.bearer === true
      ? usage('--holder and --bearer exclude each other')
      : usage('a token needs a holder: --holder FILE', '--bearer makes a token that anyone can use');
  }
  if (flags.bearer === true && flags.seal !== undefined)
    throw usage('a bearer token is not sealed: leave out --seal');
  const home = new Home(cli).require();
  const registration = home.configured
    ? (await import('../home/configuration.ts')).registrationIn(home)
    : null;
  const asked = await specOf(cli, flags, registration?.operator.id);
  const keyring = await home.named(asked.signedBy);
  const holder = flags.holder === undefined ? null : await readPublicKey(cli, 'holder', flags.holder);
  const seal = flags.seal === undefined ? undefined : await readSigner(cli, 'issuer', flags.seal);
  const minted = await withState(home, async (store) => {
    const { spec, notes } =
      registration === null
        ? { spec: asked.spec, notes: [] }
        : await bound(cli, home, store, registration, asked, flags);
    const done = await mintInSession(spec, { keyring, holder, seal, sessions: store.sessions });
    return { ...required(done, spec), spec, notes };
  });
  await recordMint(cli, home, minted.token, minted.opened);
  show(cli, minted.token, keyring, minted.spec, minted.notes);
}

async function bound(
  cli: Cli,
  home: Home,
  store: Store,
  registration: Registration,
  asked: RequestedSpec,
  flags: MintFlags,
): Promise<{ readonly spec: GrantSpec; readonly notes: readonly string[] }> {
  const { bindLayers } = await import('../mint-layers.ts');
  const { spec } = asked;
  return bindLayers(cli, home, store, registration, {
    spec,
    life: flags.from === undefined && flags.expires === undefined ? undefined : spec.expires - cli.now,
    delegations: flags.delegable === undefined ? undefined : (spec.delegations ?? 0),
    attestation: flags.attestation,
  });
}

interface RequestedSpec {
  readonly spec: GrantSpec;
  readonly signedBy: string | undefined;
}

async function specOf(cli: Cli, flags: MintFlags, operator: string | undefined): Promise<RequestedSpec> {
  const delegations = flags.delegable === undefined ? 0 : wholeNumber('--delegable', flags.delegable);
  const common = { delegations, ...(flags.audience === undefined ? {} : { audience: flags.audience }) };
  if (flags.from === undefined) {
    const grant = grantOf(cli, flags, operator);
    return {
      spec: { ...grant, ...common, restrictions: conditionsOf(cli, flags, grant.tools) },
      signedBy: flags.issuer,
    };
  }
  const stated = (
    ['operator', 'model', 'session', 'user', 'tool', 'deny', 'data', 'expires'] as const
  ).filter((f) => flags[f] !== undefined);
  if (stated.length > 0) {
    throw usage(
      `--from already states this: leave out ${stated.map((f) => `--${f}`).join(', ')}`,
      'narrow the token afterwards with `ambit attenuate`',
    );
  }
  const { spec, signedBy } = readGrantFile(
    flags.from === '-' ? 'stdin' : flags.from,
    await readInput(cli, 'the session file', flags.from),
  );
  if (signedBy !== undefined && flags.issuer !== undefined && signedBy !== flags.issuer) {
    throw badInput(`--issuer "${flags.issuer}" and signed_by "${signedBy}" differ`);
  }
  const budgets = [...(spec.budgets ?? []), ...budgetsOf(flags)];
  return {
    spec: { ...spec, ...common, budgets, restrictions: conditionsOf(cli, flags, spec.tools) },
    signedBy: signedBy ?? flags.issuer,
  };
}

function grantOf(cli: Cli, flags: MintFlags, operator: string | undefined): Omit<GrantSpec, 'restrictions'> {
  const need = (flag: 'operator' | 'model' | 'user'): string => {
    const value = flags[flag];
    if (value === undefined)
      throw usage(
        `--${flag} is missing`,
        'a grant names operator, model, session and user; or use --from FILE',
      );
    return value;
  };
  requireForms(flags);
  return {
    operator: { id: flags.operator ?? operator ?? need('operator') },
    model: modelOf('--model', need('model')),
    session: flags.session ?? newSessionId(),
    user: need('user'),
    tools: flags.tool ?? [],
    deny: flags.deny ?? [],
    ...(flags.data === undefined ? {} : { data: flags.data }),
    budgets: budgetsOf(flags),
    issuedAt: cli.now,
    expires: parseTime('--expires', flags.expires ?? '15m', cli.now),
  };
}

/** What was minted, or the words for why its session can't hold it. */
function required(done: Minted | SessionRefusal, spec: GrantSpec): Minted {
  if (done.ok) return done;
  const { why, known } = done;
  switch (why) {
    case 'closed':
      throw new Failure(
        done.code,
        `session ${known.id} was closed (${known.reason ?? 'no reason'}); ids are not reused`,
      );
    case 'another':
      throw badInput(
        `session ${spec.session} was opened for ${known.user ?? 'no user'} of ${known.operator}; this grant names others`,
      );
    case 'short':
      throw badInput(
        `session ${spec.session} ends at ${timeText(known.expires)}, before this token would`,
        'mint within it, or name another session',
      );
  }
}

async function recordMint(cli: Cli, home: Home, token: string, opened: boolean): Promise<void> {
  const { fromToken } = await import('@ambit/audit');
  const { mintedToken } = await import('@ambit/authority');
  const facts = fromToken(mintedToken(inspect(token)));
  const { operator, model, session, user } = facts;
  const event = { kind: 'session', operator, model, session, user, event: { name: 'open' } } as const;
  await account(cli, home, ...(opened ? [event as Draft] : []), { ...facts, kind: 'mint' });
}

function show(cli: Cli, token: string, keyring: Keyring, spec: GrantSpec, taken: readonly string[]): void {
  const said = inspect(token);
  const notes = [...taken, ...narrowingNotes(said, token, [])];
  if (spec.expires <= cli.now)
    notes.push(
      `this token expired ${fromNow(spec.expires, cli.now)}, by ${cli.stated ? 'the stated' : "this machine's"} clock`,
    );
  else if (spec.issuedAt > cli.now)
    notes.push(`this token is issued ${fromNow(spec.issuedAt, cli.now)}, by this clock`);
  for (const note of notes) cli.warn(note);
  const { operator, model, session, user } = spec;
  cli.say(
    `token ${said.tokenId} by ${keyring.issuer}, key ${keyring.current.keyId}: ${user} of ${operator.id}, ${model.id}, session ${session}, until ${timeText(spec.expires)}`,
  );
  cli.result(
    {
      token,
      token_id: said.tokenId,
      issuer: keyring.issuer,
      key_id: keyring.current.keyId,
      session,
      expires: timeText(spec.expires),
      node: said.nodes[0],
      notes,
    },
    `${token}\n`,
  );
}

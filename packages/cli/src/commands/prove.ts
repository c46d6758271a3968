// `ambit prove`: a proof that the holder makes this very call: one signature; or, within a proof session, one HMAC.
// The session's state holds a secret and lives in a file of mode 0600; a number is written down as used before its
// proof is printed, so that two processes never use one twice.
import {
  DEFAULTS,
  ProofSession,
  prove,
  PublicKey,
  readOffer,
  type Call,
  type UnsafeSessionState,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { addCallFlags, readCall, type CallFlags } from '../flags/call.ts';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import { readFile, readText, writeFile } from '../home/files.ts';
import { inContext, readSigner } from '../home/keyfile.ts';
import { underLock, waitingNote } from '../home/lock.ts';
import { parseDuration } from '../flags/times.ts';
import { example } from '../help.ts';
import { proofNotes, readTokenText, type GivenToken } from '../tokens.ts';

interface ProveFlags extends CallFlags {
  readonly key?: string;
  readonly audience?: string;
  readonly session?: string;
  readonly offer?: string;
  readonly life?: string;
}

export function define(command: Command, cli: Cli): void {
  command.argument('<token>', 'the token: a file, - or its text');
  addCallFlags(command)
    .optionsGroup('For whom:')
    .option('--key <file>', "the holder's secret key (or AMBIT_KEY_FILE)")
    .option('--audience <name>', 'the service that will verify it')
    .optionsGroup('In a proof session:')
    .option('--session <file>', 'keep a session in this file (0600): one signature for many proofs')
    .option('--offer <file>', "to open it: the verifier's offer (`ambit offer`)")
    .option('--life <time>', `how long it lives, at most ${DEFAULTS.ticketLife}s`)
    .addHelpText(
      'after',
      example(
        'ambit prove b.tok --key agent-b.key --audience search.acme.com --tool web_search --args \'{"q":"macaroons"}\' > b.proof',
      ),
    )
    .action(async (source: string, flags: ProveFlags) => {
      const token = await readTokenText(cli, source);
      if (flags.session !== undefined) return inSession(cli, token, flags, flags.session);
      if (flags.offer !== undefined || flags.life !== undefined)
        throw usage('--offer and --life belong to a proof session: add --session FILE');
      const { audience } = flags;
      if (audience === undefined) throw usage('--audience is missing: a proof is for one service');
      const call = await readCall(cli, flags, audience);
      const by = await readSigner(cli, 'holder', flags.key);
      const proof = prove(token.text, call, { audience, time: cli.now }, by);
      const notes = notesOf(cli, token, call, audience);
      cli.result({ proof, kind: 'signed', audience, tool: call.tool, ...notes }, `${proof}\n`);
    });
}

// Said and not refused: the service decides, and it may have another clock or another reading of the token.
function notesOf(
  cli: Cli,
  { said }: GivenToken,
  { tool }: Call,
  audience: string,
): { readonly notes?: readonly string[] } {
  const notes = proofNotes(said, tool, audience, cli.now);
  for (const note of notes) cli.warn(note);
  return notes.length === 0 ? {} : { notes };
}

interface Kept {
  readonly v: 1;
  readonly holder: string;
  readonly state: UnsafeSessionState;
}

async function inSession(cli: Cli, token: GivenToken, flags: ProveFlags, file: string): Promise<void> {
  const { proof, call, audience, sequence } = await underLock(waitingNote(cli), `${file}.lock`, async () => {
    const { session, holder, audience } = existsSync(file)
      ? resume(cli, file, flags)
      : await open(cli, token, flags);
    const call = await readCall(cli, flags, audience);
    // Every verifying process is a new one that has not seen the ticket: each proof brings it.
    const proof = session.prove(token.text, call, cli.now);
    const state = session.unsafeState();
    const kept: Kept = { v: 1, holder, state };
    writeFile(file, `${JSON.stringify(kept)}\n`, { mode: 0o600, replace: true });
    return { proof, call, audience, sequence: state.sequence - 1 };
  });
  const notes = notesOf(cli, token, call, audience);
  cli.result({ proof, kind: 'session', audience, tool: call.tool, sequence, ...notes }, `${proof}\n`);
}

interface Running {
  readonly session: ProofSession;
  readonly holder: string;
  readonly audience: string;
}

async function open(cli: Cli, token: GivenToken, flags: ProveFlags): Promise<Running> {
  if (flags.offer === undefined)
    throw usage(
      'no session is kept there yet: open one with --offer FILE',
      'the verifier prints it: `ambit offer --audience NAME`',
    );
  const source = flags.offer;
  const text = await readText(cli, 'the offer', source);
  const offer = inContext('the offer', source, () => readOffer(text));
  if (flags.audience !== undefined && flags.audience !== offer.audience)
    throw usage(`the offer is by ${offer.audience}, not ${flags.audience}`);
  // A ticket may not outlive its token.
  const most = Math.min(DEFAULTS.ticketLife, token.said.expires - cli.now);
  const life = flags.life === undefined ? most : parseDuration('--life', flags.life);
  if (most <= 0) throw new Failure('expired', 'the token has expired, so no session can be opened with it');
  if (life > most)
    throw usage(
      `--life: at most ${most}s here: a session ends with its token, and after ${DEFAULTS.ticketLife}s`,
    );
  const by = await readSigner(cli, 'holder', flags.key);
  const session = ProofSession.open(offer, { time: cli.now, life }, by, nodeProvider);
  return { session, holder: by.publicKey.toString(), audience: offer.audience };
}

function resume(cli: Cli, file: string, flags: ProveFlags): Running {
  const text = readFile(file, { secret: true, insecure: cli.insecurePermissions }).toString('utf8');
  const kept = keptOf(text);
  if (kept === null)
    throw new Failure(
      'input_invalid',
      `${file}: is not a proof session file; remove it and open a new session`,
    );
  const holder = inContext('the session file', file, () => PublicKey.parse('holder', kept.holder));
  const session = inContext('the session file', file, () => ProofSession.unsafeResume(holder, kept.state));
  if (session.expires <= cli.now)
    throw new Failure(
      'ticket_expired',
      `${file}: this proof session has ended`,
      `remove it, and open another with --offer`,
    );
  const { audience } = kept.state;
  if (flags.audience !== undefined && flags.audience !== audience)
    throw usage(`this session is with ${audience}, not ${flags.audience}`);
  return { session, holder: kept.holder, audience };
}

function keptOf(text: string): Kept | null {
  try {
    const value = JSON.parse(text) as Partial<Kept> | null;
    return value?.v === 1 && typeof value.holder === 'string' && typeof value.state === 'object'
      ? (value as Kept)
      : null;
  } catch {
    return null;
  }
}

// `ambit revoke`: put a token, a part of its chain, or something it depends on out of use, for good and at once.
import { fromHex, isName, toBase64url } from '@ambit/core';
import type { RevocationInput, Store } from '@ambit/state';
import type { Command } from 'commander';
import { account } from '../home/audit.ts';
import type { Cli } from '../cli.ts';
import { badInput, usage } from '../failure.ts';
import { Home } from '../home/home.ts';
import { readPublicKey } from '../home/keyfile.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { parseTime, timeText } from '../flags/times.ts';
import { readTokenText } from '../tokens.ts';

interface RevokeFlags {
  readonly whole?: boolean;
  readonly node?: string;
  readonly session?: string;
  readonly user?: string;
  readonly operator?: string;
  readonly model?: string;
  readonly holder?: string;
  readonly keyId?: string;
  readonly issuer?: string;
  readonly reason?: string;
  readonly until?: string;
}

/** Seconds that an entry outlives what it names, for clocks that differ. */
const MARGIN = 120;

export function define(command: Command, cli: Cli): void {
  command
    .argument('[token]', "a token or evidence: its last holder's part and everything derived from it")
    .optionsGroup('What:')
    .option('--whole', 'of that token: all of it, from the first holder on')
    .option('--node <id>', 'a node of a chain, as `ambit inspect` shows it')
    .option('--session <id>', 'every token of a session')
    .option('--user <name>', "every token of a user's agents")
    .option('--operator <name>', 'every token of an operator')
    .option('--model <digest>', 'every token of a model artifact: sha256:HEX')
    .option('--holder <file>', 'every token whose chain contains this public key')
    .option('--key-id <id>', 'every token minted under this root key')
    .optionsGroup('How:')
    .option('--issuer <name>', "the issuer these names belong to (default: this home's)")
    .option('--reason <text>', 'why, for people and the log')
    .option(
      '--until <time>',
      'drop the entry at this time (default: never; for a token: when it has expired)',
    )
    .addHelpText(
      'after',
      example("ambit revoke b.tok --reason 'laptop stolen'", 'ambit revoke --user analyst-jane@acme.com'),
    )
    .action(async (source: string | undefined, flags: RevokeFlags) => {
      const home = new Home(cli).require();
      const input = await inputOf(cli, home, source, flags);
      const { entry, notes } = await withState(home, async (store) => ({
        entry: await store.revocations.add(input, cli.now),
        // It is revoked by now, whatever can be said about it.
        notes: await unknownHere(home, store, input).catch(() => []),
      }));
      const { kind, value, issuer, reason, seq, expires } = entry;
      await account(cli, home, {
        kind: 'revocation',
        revocation: { target: kind, id: value },
        ...(reason === '' ? {} : { reason }),
        ...(kind === 'session' ? { session: value } : {}),
      });
      cli.say(`revoked from now on: ${kind} ${value}${issuer === undefined ? '' : ` of ${issuer}`}`);
      for (const note of notes) cli.warn(note);
      if (!cli.json) return;
      cli.result(
        {
          seq,
          kind,
          issuer: issuer ?? null,
          value,
          reason,
          time: timeText(entry.time),
          expires: expires === undefined ? null : timeText(expires),
          ...(notes.length === 0 ? {} : { notes }),
        },
        '',
      );
    });
}

// What this home issued it knows; a mistyped name would revoke nothing and look as if it had. It may also have been
// issued elsewhere under the same name, so it is revoked all the same.
async function unknownHere(
  home: Home,
  store: Store,
  { kind, issuer, value }: RevocationInput,
): Promise<readonly string[]> {
  if (kind === 'session' && (await store.sessions.get(issuer!, value)) === null)
    return [`no session ${value} of ${issuer} is known here; \`ambit session list\` shows those that are`];
  const { issuer: own, keys } = home.keyStates;
  if (kind === 'key' && issuer === own && !keys.some((k) => k.keyId === value))
    return [`no key ${value} is known here; \`ambit keyring list\` shows those that are`];
  return [];
}

async function inputOf(
  cli: Cli,
  home: Home,
  source: string | undefined,
  f: RevokeFlags,
): Promise<RevocationInput> {
  const named = (['node', 'session', 'user', 'operator', 'model', 'holder', 'keyId'] as const).filter(
    (k) => f[k] !== undefined,
  );
  if (named.length + (source === undefined ? 0 : 1) !== 1) {
    throw usage(
      'name exactly one thing to revoke',
      'a token, or one of --node, --session, --user, --operator, --model, --holder, --key-id',
    );
  }
  const until = f.until === undefined ? {} : { expires: parseTime('--until', f.until, cli.now) };
  const how = { reason: f.reason ?? '', ...until };
  if (source !== undefined) {
    const { said } = await readTokenText(cli, source);
    const { issuer, expires } = said.grant;
    // A node's id covers the grant, and so its expiry; a token id alone does not, so its entry stays.
    if (f.whole === true) return { kind: 'token', issuer, value: said.tokenId, ...how };
    return { kind: 'node', value: said.nodes.at(-1)!, expires: expires + MARGIN, ...how };
  }
  const [kind] = named;
  const value = f[kind!]!;
  if (kind === 'node') return { kind, value: digestText('--node', value), ...how };
  if (kind === 'model') return { kind, value: modelDigest(value), ...how };
  if (kind === 'holder')
    return { kind, value: toBase64url((await readPublicKey(cli, 'holder', value)).bytes), ...how };
  const issuer = f.issuer ?? home.keyStates.issuer;
  if (issuer === null) throw usage('this home has no issuer name yet: give one with --issuer NAME');
  if (!isName(value)) throw badInput(`--${kind === 'keyId' ? 'key-id' : kind!}: expected a name`);
  return { kind: kind === 'keyId' ? 'key' : kind!, issuer, value, ...how };
}

function digestText(flag: string, text: string): string {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text))
    throw badInput(`${flag}: expected 43 characters of base64url, as \`ambit inspect\` shows a node`);
  return text;
}

function modelDigest(text: string): string {
  const m = /^(?:.*@)?(?:sha256:)?([0-9a-f]{64})$/.exec(text);
  const bytes = m === null ? null : fromHex(m[1]!);
  if (bytes === null) throw badInput('--model: expected sha256:DIGEST with 64 lower-case hexadecimal digits');
  return toBase64url(bytes);
}

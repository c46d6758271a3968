// The front door of an issuer: one home with keyring, sessions, revocations and log, and under it `issue` and `revoke`.
// With an operator's configuration what is asked for is bound by the four layers; without one it is granted as asked.
// Everything is in the log before anything of it is handed out (law L11). The parts below stay for who needs more.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromToken, type Draft } from '@ambit/audit';
import {
  AmbitError,
  inspect,
  isName,
  ownOptions,
  Problems,
  PublicKey,
  toBase64url,
  toHex,
  type GrantSpec,
} from '@ambit/core';
import { nodeProvider, textOf, unreadable } from '@ambit/core/node';
import { FILE_MODE, replaceFileSync } from '@ambit/files';
import {
  configuredEntitlements,
  readOperator,
  registrationOf,
  verifyAttestation,
  type Applied,
  type Registration,
  type VerifiedAttestation,
} from '@ambit/identity';
import type { RevocationInput } from '@ambit/state';
import { applyConfiguration } from './configuration.ts';
import { readAsk, type Ask } from './door/ask.ts';
import { isHome, openIssuerHome, type IssuerHome } from './door/home.ts';
import { mintedToken } from './door/minted.ts';
import { bindGrant } from './issuer.ts';
import type { Taken } from './grant.ts';
import { mintInSession } from './session.ts';

/** Where the issuer keeps things, and under whose rules it issues. */
export interface OpenAuthorityOptions {
  /** A directory as `ambit init` makes it; made when it is not there. */
  readonly home: string;
  /** The file of the operator's configuration, put in force by opening; default the one in force in the home, or none. */
  readonly configuration?: string;
  /** The name that tokens carry; default the home's, or the configuration's. */
  readonly issuer?: string;
  /** Without a configuration: the operator that grants name; default the issuer's name. */
  readonly operator?: string;
  /** Unix milliseconds; default the system clock. */
  readonly nowMs?: () => number;
}

// The compiler asks for a name that is added above.
const NAMES: Readonly<Record<keyof OpenAuthorityOptions, true>> = {
  home: true,
  configuration: true,
  issuer: true,
  operator: true,
  nowMs: true,
};

/** A token in its session. */
export interface Issued {
  readonly token: string;
  readonly session: string;
  /** Unix seconds. */
  readonly expires: number;
  /** What each layer of the configuration took from what was asked for. */
  readonly taken: readonly Taken[];
}

/** Exactly one thing to put out of use; `token` is the last holder's part and everything derived from it. */
export type Revoke = (
  | { readonly token: string }
  | { readonly session: string }
  | { readonly node: string }
  | { readonly user: string }
  | { readonly operator: string }
  | { readonly holder: string }
  | { readonly key: string }
) & { readonly reason?: string };

/** An issuer. */
export interface Authority {
  readonly issuer: string;
  /** The verification keys of one service, as `trust` of `openGuard` takes them: secret, and for that service alone. */
  keysFor(audience: string): string;
  /**
   * Mints a token in a new session, or one that is open. Rejects with AmbitError: `input_invalid` lists everything that is
   * wrong with what was asked, and a refusal keeps the code of the layer that refused.
   */
  issue(ask: Ask): Promise<Issued>;
  /** Puts something out of use, for good; resolves when it is in the list and in the log. */
  revoke(what: Revoke): Promise<void>;
  close(): Promise<void>;
}

/** Opens an issuer. AmbitError `input_invalid` lists everything that is missing or wrong; nothing is left open. */
export async function openAuthority(given: OpenAuthorityOptions): Promise<Authority> {
  const options = ownOptions(given);
  const seconds = (): number => Math.floor((options.nowMs ?? Date.now)() / 1000);
  const { text, issuer, home: path } = readOptions(options);
  const home = await openIssuerHome(path, issuer, seconds());
  try {
    const registration = await registrationIn(home, text, seconds());
    const operator = registration?.operator.id ?? options.operator ?? home.keyring.issuer;
    return {
      issuer: home.keyring.issuer,
      keysFor: (audience) => keysText(home, audience),
      issue: (ask) => issueIn(home, registration, operator, ask, seconds()),
      revoke: (what) => revokeIn(home, what, seconds()),
      close: () => home.store.close(),
    };
  } catch (error) {
    await home.store.close();
    throw error;
  }
}

function readOptions(o: Partial<OpenAuthorityOptions>): {
  readonly text: string | null;
  readonly issuer: string | undefined;
  readonly home: string;
} {
  const problems = new Problems();
  problems.unknown(o, NAMES);
  const { home, configuration } = o;
  if (typeof home !== 'string' || home === '') problems.add('home', 'expected a directory');
  for (const field of ['issuer', 'operator'] as const)
    if (o[field] !== undefined && !(typeof o[field] === 'string' && isName(o[field])))
      problems.add(field, 'expected a name');
  if (o.nowMs !== undefined && typeof o.nowMs !== 'function') problems.add('nowMs', 'expected a function');
  if (configuration !== undefined && typeof configuration !== 'string')
    problems.add('configuration', "expected the file of the operator's configuration");
  const text =
    typeof configuration !== 'string'
      ? null
      : (problems.attempt('configuration', () => fileAt(configuration)) ?? null);
  const operator = text === null ? undefined : problems.attempt('configuration', () => readOperator(text));
  const named = operator?.config.issuer;
  if (named !== undefined && o.issuer !== undefined && o.issuer !== named)
    problems.add('issuer', `the configuration names ${named}`);
  if (o.configuration !== undefined && o.operator !== undefined)
    problems.add('operator', 'the configuration has it: leave it out');
  if (typeof home === 'string' && home !== '' && !isHome(home) && (named ?? o.issuer) === undefined)
    problems.add('issuer', `expected the name that tokens carry, for ${home} is a new home`);
  problems.done('openAuthority');
  return { text, issuer: named ?? o.issuer, home: home! };
}

function fileAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable('file', path, error);
  }
}

// What is in force, in the form of `ambit config apply`. The same text again changes nothing. Sessions are not read: nobody
// is told here how many of them end.
async function registrationIn(
  home: IssuerHome,
  text: string | null,
  now: number,
): Promise<Registration | null> {
  const path = join(home.path, 'configuration.json');
  const previous = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Applied) : null;
  if (text === null) return previous === null ? null : registrationOf(previous);
  const { applied, registration } = await applyConfiguration(text, previous, [], now);
  const before = previous?.record.digest;
  const { id, digestHex } = registration.operator;
  if (before === digestHex) return registration;
  replaceFileSync(path, `${JSON.stringify(applied)}\n`, FILE_MODE);
  await home.record({
    kind: 'configuration',
    operator: { name: id, config: digestHex },
    configuration: {
      digest: digestHex,
      what: 'applied',
      ...(before === undefined ? {} : { previous: before }),
    },
  });
  return registration;
}

function keysText({ keyring }: IssuerHome, audience: string): string {
  const keys = keyring.exportFor(audience).map((key) => `${key.unsafeText()}\n`);
  return `# ambit verification keys of ${keyring.issuer} for ${audience}: keep them to that service\n${keys.join('')}`;
}

async function issueIn(
  home: IssuerHome,
  registration: Registration | null,
  operator: string,
  ask: Ask,
  now: number,
): Promise<Issued> {
  const { spec: wanted, holder, life } = await readAsk(ask, operator, now);
  const { spec, taken } =
    registration === null
      ? { spec: wanted, taken: [] }
      : await bound(home, registration, wanted, life, ask, now);
  const { keyring, store } = home;
  const done = await mintInSession(spec, { keyring, holder, sessions: store.sessions });
  if (!done.ok) throw new AmbitError(done.code, done.message);
  const facts = fromToken(mintedToken(inspect(done.token)));
  const { operator: by, model, session, user } = facts;
  const event = { name: 'open' } as const;
  const opened = { kind: 'session', operator: by, model, session, user, event } as Draft;
  await home.record(...(done.opened ? [opened] : []), { ...facts, kind: 'mint' });
  return { token: done.token, session: spec.session, expires: spec.expires, taken };
}

async function bound(
  home: IssuerHome,
  registration: Registration,
  wanted: GrantSpec,
  life: number | undefined,
  ask: Ask,
  now: number,
): Promise<{ readonly spec: GrantSpec; readonly taken: readonly Taken[] }> {
  const attestation = attestationOf(home, registration, wanted.model.digest, ask.attestation);
  const id = ask.modelId ?? attestation?.model ?? wanted.model.id;
  const spec = { ...wanted, model: { ...wanted.model, id } };
  const done = await bindGrant(
    spec,
    { life, delegations: ask.delegations },
    {
      registration,
      attestation,
      entitlements: configuredEntitlements,
      revocations: home.store.revocations,
      now,
    },
  );
  if (!done.ok) throw new AmbitError(done.code, `${done.layer}: ${done.message}`);
  return done;
}

function attestationOf(
  home: IssuerHome,
  registration: Registration,
  digest: Uint8Array,
  file: string | undefined,
): VerifiedAttestation | null {
  const path = file ?? join(home.path, `model-${toHex(digest)}.att`);
  if (file === undefined && !existsSync(path)) return null;
  const read = verifyAttestation(fileAt(path), registration.operator.config.signers, nodeProvider);
  if (!read.ok) throw new AmbitError(read.code, read.message);
  return read;
}

/** After a token's expiry, for clocks that are behind. */
const MARGIN = 120;

async function revokeIn(home: IssuerHome, given: Revoke, now: number): Promise<void> {
  const { reason = '', ...what } = ownOptions(given);
  const [entry, ...more] = Object.entries(what);
  if (entry === undefined || more.length > 0)
    throw new AmbitError('input_invalid', 'revoke: expected exactly one thing, such as { session }');
  const [kind, value] = entry;
  if (typeof value !== 'string' || value === '')
    throw new AmbitError('input_invalid', `revoke: ${kind.slice(0, 64)}: expected a text`);
  const input = revocationOf(home.keyring.issuer, kind, value, reason);
  const { sessions, revocations } = home.store;
  // Closing a session is revoking it; one that is not known here can still be revoked.
  const known = input.kind === 'session' && (await sessions.get(input.issuer!, input.value)) !== null;
  if (known) await sessions.close(input.issuer!, input.value, reason === '' ? 'revoked' : reason, now);
  else await revocations.add(input, now);
  await home.record({
    kind: 'revocation',
    revocation: { target: input.kind, id: input.value },
    ...(reason === '' ? {} : { reason }),
    ...(input.kind === 'session' ? { session: input.value } : {}),
  });
}

function revocationOf(issuer: string, kind: string, value: string, reason: string): RevocationInput {
  switch (kind) {
    case 'token': {
      const { nodes, grant } = inspect(textOf(value));
      return { kind: 'node', value: nodes.at(-1)!, expires: grant.expires + MARGIN, reason };
    }
    case 'node':
      return { kind, value, reason };
    case 'holder':
      return { kind, value: toBase64url(PublicKey.parse('holder', textOf(value)).bytes), reason };
    case 'session':
    case 'user':
    case 'operator':
    case 'key':
      return { kind, issuer, value, reason };
    default:
      throw new AmbitError('input_invalid', `revoke: ${kind} is nothing that can be revoked`);
  }
}

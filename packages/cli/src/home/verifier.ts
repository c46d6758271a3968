// The verifier of this home: its keys, what it accepts, and its windows for proof sessions in the state file.
import {
  createVerifier,
  fromHex,
  type SealKey,
  type VerificationKey,
  type Verifier,
  type VerifierOptions,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import type { Store } from '@ambit/state';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import type { Home } from './home.ts';
import { readPublicKey, readVerificationKeys } from './keyfile.ts';

/** What is accepted. */
export interface AcceptFlags {
  readonly audience: string;
  readonly keys?: string;
  readonly trust?: readonly string[];
  readonly requireSeal?: boolean;
  readonly bearer?: boolean;
  readonly signedProof?: readonly string[];
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Adds the flags. */
export const addAcceptFlags = (command: Command): Command =>
  command
    .optionsGroup('The service:')
    .requiredOption('--audience <name>', 'the name of the service that verifies')
    .option(
      '--keys <file>',
      "verification keys of another home (`ambit keyring export`) instead of this home's",
    )
    .option(
      '--trust <issuer=file>',
      "an issuer's seal key; its sealed tokens verify by signatures alone; repeatable",
      collect,
    )
    .option('--require-seal', 'refuse tokens without a seal by a known key')
    .option('--bearer', 'accept bearer tokens')
    .option('--signed-proof <pattern>', 'tools for which a session proof is not enough; repeatable', collect);

/** A verifier, and whether the sessions of its tokens are kept here. */
export interface HomeVerifier {
  readonly verifier: Verifier;
  /** The issuer whose sessions this home keeps; null when it verifies with others' keys. */
  readonly issuer: string | null;
}

/** The verifier of a home for one service. */
export async function verifierOf(
  cli: Cli,
  home: Home,
  store: Store,
  f: AcceptFlags,
  more: Partial<VerifierOptions> = {},
): Promise<HomeVerifier> {
  const keyring = f.keys === undefined ? home.keyring : null;
  const keys: readonly VerificationKey[] =
    f.keys === undefined
      ? keyring === null
        ? []
        : [...keyring.exportFor(f.audience), ...keyring.domainKeys()]
      : await readVerificationKeys(cli, f.keys);
  const foreign = keys.find((k) => k.audience !== null && k.audience !== f.audience);
  if (foreign !== undefined)
    throw new Failure(
      'key_invalid',
      `${f.keys ?? ''}: these keys are for ${foreign.audience ?? ''}, not for ${f.audience}`,
    );
  const trusted = await Promise.all((f.trust ?? []).map((text) => sealOf(cli, text)));
  const seals = [...trusted, ...(more.seals ?? [])];
  const held = new Set(keys.map((k) => k.issuer));
  const federated = [...new Set(seals.map((s) => s.issuer))].filter((issuer) => !held.has(issuer));
  if (keys.length === 0 && federated.length === 0) {
    throw new Failure(
      'key_unknown',
      'there is no key to verify with: no token was minted in this home',
      'use --keys FILE, --trust ISSUER=FILE, or the AMBIT_HOME that minted the token',
    );
  }
  const epoch = fromHex(await store.replay.epoch());
  if (epoch === null) throw new Failure('store_corrupt', `${home.at('state.db')}: its epoch is damaged`);
  const verifier = createVerifier({
    audience: f.audience,
    keys,
    seals,
    federated,
    requireSeal: f.requireSeal ?? false,
    bearer: f.bearer ?? false,
    signedProofTools: [...(f.signedProof ?? []), ...(more.signedProofTools ?? [])],
    proofSessions: { key: home.sessionKey, epoch, shared: true },
    provider: nodeProvider,
    // One process, one token, as a rule: nothing would be found again.
    cache: more.cache ?? { tokens: 0, delegations: 0 },
  });
  return { verifier, issuer: keyring?.issuer ?? null };
}

async function sealOf(cli: Cli, text: string): Promise<SealKey> {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw usage(`--trust: expected ISSUER=FILE, got "${text}"`);
  return { issuer: text.slice(0, at), key: await readPublicKey(cli, 'issuer', text.slice(at + 1)) };
}

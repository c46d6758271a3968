// The operator's configuration that is in force in a home: its text and its record in one file, changed under a lock
// and by one rename. With it, minting intersects the layers and every use asks them again; without it, a home works
// on its written defaults.
import { existsSync } from 'node:fs';
import { applyConfiguration, type AppliedConfiguration } from '@ambit/authority';
import { askedView, configuredEntitlements, registrationOf, verifyAttestation } from '@ambit/identity';
import type { Applied, ExplainContext, LayerNames, Registration, VerifiedAttestation } from '@ambit/identity';
import { AmbitError, toHex } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { openSessions, type Store } from '@ambit/state';
import { Failure } from '../failure.ts';
import { readFile, writeFile } from './files.ts';
import type { Home } from './home.ts';
import { underLock } from './lock.ts';

const pathOf = (home: Home): string => home.at('configuration.json');

/** What was applied in a home, or null. Failure when the file is not as it was written. */
export function appliedIn(home: Home): Applied | null {
  const path = pathOf(home);
  if (!existsSync(path)) return null;
  let value: unknown;
  try {
    value = JSON.parse(readFile(path, { limit: 1 << 28 }).toString('utf8'));
  } catch (error) {
    if (error instanceof AmbitError) throw error;
    throw new Failure(
      'config_invalid',
      `${path}: is not a file that ambit wrote`,
      'apply the configuration again',
    );
  }
  const { text, record } = value as Partial<Applied>;
  if (typeof text !== 'string' || typeof record !== 'object' || record === null) {
    throw new Failure('config_invalid', `${path}: holds no configuration`, 'apply the configuration again');
  }
  return { text, record };
}

/** The configuration in force in a home, or null. */
export function registrationIn(home: Home): Registration | null {
  const applied = appliedIn(home);
  return applied === null ? null : registrationOf(applied);
}

/** Puts a configuration in force. */
export async function applyIn(
  home: Home,
  store: Store,
  text: string,
  now: number,
): Promise<AppliedConfiguration> {
  return underLock(home.waiting, home.at('configuration.lock'), async () => {
    const done = await applyConfiguration(text, appliedIn(home), openSessions(store.sessions, now), now);
    // The tokens of an operator are its issuer's: the keyring has to be that one's.
    await home.named(done.registration.operator.config.issuer);
    writeFile(pathOf(home), `${JSON.stringify(done.applied)}\n`, { mode: 0o600, replace: true });
    return done;
  });
}

/** What an explanation of the layers asks, for one token. */
export async function layerContext(
  store: Store,
  registration: Registration,
  actor: LayerNames,
  now: number,
): Promise<ExplainContext> {
  return {
    operators: new Map([[registration.operator.id, registration]]),
    entitlements: configuredEntitlements,
    revocations: await askedView(store.revocations, actor),
    session: await store.sessions.check(actor.issuer, actor.session, now),
  };
}

const attestationPath = (home: Home, digest: Uint8Array): string => home.at(`model-${toHex(digest)}.att`);

/** Keeps an attestation for minting. */
export function keepAttestation(home: Home, digest: Uint8Array, text: string): void {
  writeFile(attestationPath(home, digest), text, { mode: 0o600, replace: true });
}

/**
 * The attestation of an artifact: from a file named, or the one that `ambit model verify --keep` kept; null if
 * neither exists.
 */
export function attestationOf(
  home: Home,
  registration: Registration,
  digest: Uint8Array,
  file: string | undefined,
): VerifiedAttestation | null {
  const path = file ?? attestationPath(home, digest);
  if (file === undefined && !existsSync(path)) return null;
  const read = verifyAttestation(
    readFile(path, { limit: 1 << 28 }).toString('utf8'),
    registration.operator.config.signers,
    nodeProvider,
  );
  if (!read.ok) throw new Failure(read.code, `${path}: ${read.message}`);
  return read;
}

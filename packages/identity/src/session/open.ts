// A session is opened by minting and closed by command, by time, or when its task ends. The store learns of it
// before the token exists, so that no token names a session that can't be closed.
import { AmbitError, mint, randomBytes, toBase64url } from '@ambit/core';
import type { Keyring, PublicKey, Signer } from '@ambit/core';
import { grantFor, type BindContext, type LayerDenial, type SessionRequest, type Taken } from './bind.ts';

/** What is needed of a session store: `Sessions` of `@ambit/state` has it. Times are Unix seconds. */
export interface SessionStore {
  open(
    input: {
      readonly issuer: string;
      readonly id: string;
      readonly operator: string;
      readonly user?: string;
      readonly expires: number;
    },
    now: number,
  ): Promise<unknown>;
  close(issuer: string, id: string, reason: string, now: number): Promise<unknown>;
}

/** Who mints and for whom. */
export interface Minting {
  readonly keyring: Keyring;
  /** The agent's key. */
  readonly holder: PublicKey<'holder'>;
  /** Seals the token, for verifiers that have no key of this issuer. */
  readonly seal?: Signer<'issuer'>;
  readonly sessions: SessionStore;
}

/** An open session. */
export interface OpenSession {
  readonly ok: true;
  readonly token: string;
  readonly session: string;
  readonly issuer: string;
  readonly expires: number;
  /** What each layer took from the request. */
  readonly taken: readonly Taken[];
}

/** A new session id: 128 random bits. */
export const newSessionId = (): string => `s-${toBase64url(randomBytes(16))}`;

/**
 * Binds the layers, opens the session and mints its token. A denial names the layer that refused; AmbitError
 * when the store can't open it or the keyring is another issuer's (`key_invalid`).
 */
export async function openSession(
  request: SessionRequest,
  context: BindContext,
  minting: Minting,
): Promise<OpenSession | LayerDenial> {
  const { operator } = context.registration;
  const { issuer } = operator.config;
  if (minting.keyring.issuer !== issuer) {
    throw new AmbitError(
      'key_invalid',
      `The keyring is ${minting.keyring.issuer}'s; the configuration names ${issuer}.`,
    );
  }
  const bound = grantFor(request, context);
  if (!bound.ok) return bound;
  const { spec, taken } = bound;
  const session = { issuer, id: spec.session, operator: operator.id, user: spec.user, expires: spec.expires };
  await minting.sessions.open(session, context.now);
  try {
    const token = mint(minting.keyring, { ...spec, holder: minting.holder }, minting.seal);
    return { ok: true, token, session: spec.session, issuer, expires: spec.expires, taken };
  } catch (error) {
    await minting.sessions.close(issuer, spec.session, 'minting failed', context.now);
    throw error;
  }
}

/** Runs a task within a session and closes the session when it ends, whichever way it ends. */
export async function duringSession<T>(
  opened: OpenSession,
  sessions: SessionStore,
  clock: () => number,
  task: (token: string) => Promise<T>,
): Promise<T> {
  let failed = true;
  try {
    const result = await task(opened.token);
    failed = false;
    return result;
  } finally {
    await sessions.close(
      opened.issuer,
      opened.session,
      failed ? 'task failed' : 'task ended',
      Math.floor(clock()),
    );
  }
}

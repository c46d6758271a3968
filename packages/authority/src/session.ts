// A session is opened by minting or by command, and closed by command, by time, or when its task ends. A token is
// minted first and its session opened before the token is handed out: a grant that can't be written opens no
// session, and no token is handed out whose session can't be closed.
import { deny, mint, mintBearer, randomBytes, toBase64url } from '@ambit/core';
import type { Denial, GrantSpec, Keyring, PublicKey, Signer } from '@ambit/core';
import type { Session, SessionInput, Sessions } from '@ambit/state';

/** Who mints, for whom, and where sessions are kept. */
export interface Minting {
  readonly keyring: Keyring;
  /** The agent's key; null mints a bearer token, which verifiers refuse unless they ask for it. */
  readonly holder: PublicKey<'holder'> | null;
  /** Seals the token, for verifiers that have no key of this issuer. */
  readonly seal?: Signer<'issuer'> | undefined;
  readonly sessions: Pick<Sessions, 'open' | 'get'>;
}

/** A token, and whether its session is a new one. */
export interface Minted {
  readonly ok: true;
  readonly token: string;
  readonly opened: boolean;
}

/** Why a token can't be minted in a known session: it is closed, another's, or ends before the token would. */
export type SessionRefusal = Denial & {
  readonly why: 'closed' | 'another' | 'short';
  readonly known: Session;
};

/** A new session id: 128 random bits. */
export const newSessionId = (): string => `s-${toBase64url(randomBytes(16))}`;

/** Opens a session that is new; an id is made when none is given. AmbitError `input_invalid` when the id is taken. */
export async function openSession(
  sessions: Pick<Sessions, 'open'>,
  input: Omit<SessionInput, 'id'> & { readonly id?: string },
  now: number,
): Promise<Session> {
  return sessions.open({ ...input, id: input.id ?? newSessionId() }, now);
}

/** Writes the token of a grant. AmbitError when the grant can't be written. */
export function write({ keyring, holder, seal }: Omit<Minting, 'sessions'>, spec: GrantSpec): string {
  if (holder !== null) return mint(keyring, { ...spec, holder }, seal);
  if (seal !== undefined) throw new TypeError('seal: a bearer token is not sealed');
  return mintBearer(keyring, spec);
}

/** The session that a grant names, as the store takes it. */
export const sessionOf = (issuer: string, spec: GrantSpec): SessionInput => ({
  issuer,
  id: spec.session,
  operator: spec.operator.id,
  user: spec.user,
  expires: spec.expires,
});

/** Mints the token of a grant in its session, which is opened unless it is open and fits. Rejects with AmbitError. */
export async function mintInSession(spec: GrantSpec, minting: Minting): Promise<Minted | SessionRefusal> {
  const { sessions, keyring } = minting;
  const token = write(minting, spec);
  const known = await sessions.get(keyring.issuer, spec.session);
  if (known !== null) return refusalOf(known, spec) ?? { ok: true, token, opened: false };
  // As of its issue: a grant may be minted from later, and the store's clock never goes back.
  await openSession(sessions, sessionOf(keyring.issuer, spec), spec.issuedAt);
  return { ok: true, token, opened: true };
}

function refusalOf(known: Session, spec: GrantSpec): SessionRefusal | null {
  if (known.closed !== null) return { ...deny('session_closed', known.id), why: 'closed', known };
  if (known.operator !== spec.operator.id || known.user !== spec.user)
    return { ...deny('input_invalid', `session ${known.id} is another's`), why: 'another', known };
  if (known.expires < spec.expires)
    return { ...deny('input_invalid', `session ${known.id} ends before the token`), why: 'short', known };
  return null;
}

/** Runs a task within a session and closes the session when it ends, whichever way it ends. `clock`: Unix seconds. */
export async function duringSession<T>(
  opened: { readonly token: string; readonly session: string; readonly issuer: string },
  sessions: Pick<Sessions, 'close'>,
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

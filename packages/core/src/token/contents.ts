// A token as those see it who make another one of it: its items, decoded, unverified. Used by attenuate,
// delegate, prove and inspect, which need no key; nothing here says that the token is genuine.
import { MALFORMED, Reader } from '../cbor/index.ts';
import type { DelegateCaveat } from '../caveats/delegate.ts';
import { readCaveat, type Caveat } from '../caveats/index.ts';
import type { SealCaveat } from '../caveats/seal.ts';
import { AmbitError } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { readGrant, type Grant } from './grant.ts';
import { readEvidence, readToken, EVIDENCE_PREFIX, TOKEN_PREFIX, type Frame } from './frame.ts';

/** The contents of a token, unverified. */
export interface Contents {
  readonly frame: Frame;
  readonly grant: Grant;
  readonly caveats: readonly Caveat[];
}

/**
 * Decodes grant and caveats of a frame; null when any of them is malformed. `known` is what a frame with a byte-equal
 * prefix of these items gave: only what follows it is read.
 */
export function readContents(frame: Frame, known?: Pick<Contents, 'grant' | 'caveats'>): Contents | null {
  const { bytes, spans } = frame;
  try {
    const r = new Reader(bytes, spans[0], spans[1]);
    const grant = known === undefined ? readGrant(r) : known.grant;
    const caveats: Caveat[] = known === undefined ? [] : [...known.caveats];
    for (let i = caveats.length + 1; i < frame.items; i++) {
      r.pos = spans[2 * i]!;
      r.end = spans[2 * i + 1]!;
      caveats.push(readCaveat(r));
    }
    return { frame, grant, caveats };
  } catch (error) {
    if (error === MALFORMED) return null;
    throw error;
  }
}

/** The contents of a token's or evidence's text. Throws AmbitError `input_invalid` that says what to check. */
export function unverifiedContents(text: string): Contents {
  if (typeof text !== 'string') throw new TypeError('token: expected a text');
  const frame = text.startsWith(EVIDENCE_PREFIX) ? readEvidence(text) : readToken(text);
  const contents = frame === null ? null : readContents(frame);
  if (contents === null) throw new AmbitError('input_invalid', whatIsWrong(text));
  return contents;
}

function whatIsWrong(text: string): string {
  if (text.length === 0) return 'Expected a token, got nothing.';
  if (/\s/.test(text)) return 'The token holds white space; it was pasted with a line break or in pieces.';
  if (text.startsWith('ambsec_'))
    return 'This is a secret key, not a token; keep it out of commands and logs.';
  if (text.startsWith('ambpub_')) return 'This is a public key, not a token.';
  if (text.startsWith('ambp1_')) return 'This is a proof, not a token.';
  if (!text.startsWith(TOKEN_PREFIX) && !text.startsWith(EVIDENCE_PREFIX))
    return 'A token begins with amb1_; this does not.';
  return 'The token is cut, changed, or of a version this Ambit does not know; copy it again.';
}

/** The holder a token ends with: the last delegatee, or the grant's holder; undefined for a bearer token. */
export function currentHolder(contents: Contents): Uint8Array | undefined {
  return delegatesOf(contents.caveats).at(-1)?.to ?? contents.grant.holder;
}

/** The delegations of a chain, in order. */
export const delegatesOf = (caveats: readonly Caveat[]): readonly DelegateCaveat[] =>
  caveats.filter((c): c is DelegateCaveat => c.type === 'delegate');

/** The seal of a chain, if it has one. */
export const sealOf = (caveats: readonly Caveat[]): SealCaveat | undefined =>
  caveats.find((c): c is SealCaveat => c.type === 'seal');

/** How many delegations may still follow; negative when the chain has gone too far. */
export function delegationsLeft(grant: Grant, caveats: readonly Caveat[]): number {
  let left = grant.delegations;
  for (const c of caveats) {
    if (c.type === 'depth') left = Math.min(left, c.delegations);
    else if (c.type === 'delegate') {
      if (left <= 0) return -1;
      left--;
    }
  }
  return left;
}

/** The earliest expiry of grant and `time` caveats, in Unix seconds. */
export function earliestExpiry(grant: Grant, caveats: readonly Caveat[]): number {
  let least = grant.expires;
  for (const c of caveats) {
    if (c.type === 'time') least = Math.min(least, c.expires ?? least);
  }
  return least;
}

/** The latest beginning of grant and `time` caveats, in Unix seconds. */
export function latestBeginning(grant: Grant, caveats: readonly Caveat[]): number {
  let most = grant.issuedAt;
  for (const c of caveats) {
    if (c.type === 'time') most = Math.max(most, c.notBefore ?? most);
  }
  return most;
}

/** How many counters a chain has: budget entries of the grant and of all caveats. */
export function counterCount(grant: Grant, caveats: readonly Caveat[]): number {
  let n = grant.budgets.length;
  for (const c of caveats) if (c.type === 'budget') n += c.budgets.length;
  return n;
}

/** Refuses to make what every verifier would refuse for its size. */
export function requireWithinLimits(grant: Grant, caveats: readonly Caveat[], bytes: Uint8Array): void {
  if (caveats.length > LIMITS.caveats)
    throw new AmbitError('input_invalid', `More than ${LIMITS.caveats} caveats.`);
  if (delegatesOf(caveats).length > LIMITS.delegations) {
    throw new AmbitError('input_invalid', `More than ${LIMITS.delegations} delegations.`);
  }
  if (counterCount(grant, caveats) > LIMITS.counters) {
    throw new AmbitError('input_invalid', `More than ${LIMITS.counters} budget entries in the chain.`);
  }
  if (bytes.length > LIMITS.tokenBytes) {
    throw new AmbitError('input_invalid', `The token would exceed ${LIMITS.tokenBytes} bytes.`);
  }
}

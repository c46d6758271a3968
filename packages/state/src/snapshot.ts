// A signed revocation list for verifiers that are offline. Body: canonical CBOR [1, issuer, number, time, entries],
// each entry [kind, issuer / null, value, reason, time, expires / null, seq]; text: `ambr1_` and base64url of CBOR
// [body, Ed25519 signature over the `revocations` label and the body]. A verifier keeps the highest number it
// has seen: a lower one is a rollback, the same number with another body is a fork, and a list older than the
// bound is stale; each denies with `revocations_stale` (attack S7). Core's strict codec and not `@ambit/cbor`: a
// signature covers these bytes, and whoever hands a list over may be hostile.
import {
  AmbitError,
  LABELS,
  concat,
  decodeCbor,
  deny,
  encodeCbor,
  fromBase64url,
  nobleProvider,
  sha256,
  toBase64url,
  type Cbor,
  type Denial,
  type Provider,
  type PublicKey,
  type Signer,
} from '@ambit/core';
import { checkNow } from './budgets.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationAnswer,
  type RevocationKind,
  type RevocationSubject,
  type Revocations,
} from './revocations.ts';

/** Entries added at once when a list is imported. */
const TOGETHER = 512;

/** Text prefix of a signed list. */
export const SNAPSHOT_PREFIX = 'ambr1_';

/** A list as its issuer signed it. */
export interface Snapshot {
  readonly issuer: string;
  /** Goes up with every list the issuer signs. */
  readonly number: number;
  /** Unix seconds. */
  readonly time: number;
  readonly entries: readonly Revocation[];
  /** base64url of the SHA-256 of the signed body. */
  readonly digest: string;
}

/** All entries of a store, page by page. */
export async function allRevocations(revocations: Revocations): Promise<readonly Revocation[]> {
  const all: Revocation[] = [];
  for (let cursor = 0; ;) {
    const page = await revocations.since(cursor);
    if (page.entries.length === 0) return all;
    all.push(...page.entries);
    cursor = page.cursor;
  }
}

/**
 * Signs a list. `number` is the highest `seq` of the entries unless given: it has to grow from list to list,
 * so an issuer that signs again without a new entry gives the time a chance to be renewed, under the same
 * number, with the same entries.
 */
export function signSnapshot(
  entries: readonly Revocation[],
  about: { readonly issuer: string; readonly now: number; readonly number?: number },
  by: Signer<'issuer'>,
): string {
  checkNow(about.now);
  const ours = entries.filter((entry) => entry.issuer === undefined || entry.issuer === about.issuer);
  const live = ours.filter((entry) => (entry.expires ?? Infinity) > about.now);
  const number = about.number ?? entries.reduce((most, entry) => Math.max(most, entry.seq), 0);
  const rows = live.map((e): Cbor => [
    e.kind,
    e.issuer ?? null,
    e.value,
    e.reason,
    e.time,
    e.expires ?? null,
    e.seq,
  ]);
  const body = encodeCbor([1, about.issuer, number, about.now, rows]);
  const signature = by.sign(LABELS.revocations, body);
  return SNAPSHOT_PREFIX + toBase64url(encodeCbor([body, signature]));
}

const MALFORMED: Denial = Object.freeze(deny('input_invalid', 'not a signed revocation list'));

/** Reads and checks a list by one of the issuer's keys. No freshness: that is `SnapshotRevocations`. */
export function readSnapshot(
  text: string,
  keys: readonly PublicKey<'issuer'>[],
  provider: Provider = nobleProvider,
): { readonly ok: true; readonly snapshot: Snapshot } | Denial {
  const bytes = text.startsWith(SNAPSHOT_PREFIX)
    ? fromBase64url(text.trimEnd(), SNAPSHOT_PREFIX.length)
    : null;
  const outer = bytes === null ? null : decodeCbor(bytes);
  const parts: readonly unknown[] = outer !== null && Array.isArray(outer.value) ? outer.value : [];
  const [body, signature] = parts;
  if (parts.length !== 2 || !(body instanceof Uint8Array) || !(signature instanceof Uint8Array))
    return MALFORMED;
  const signed = concat(LABELS.revocations.bytes, body);
  if (!keys.some((key) => provider.verify(key.bytes, signed, signature)))
    return deny('seal_invalid', 'the revocation list is not signed by a known key');
  const inner = decodeCbor(body);
  const fields: readonly unknown[] = inner !== null && Array.isArray(inner.value) ? inner.value : [];
  const [version, issuer, number, time, rows] = fields;
  if (fields.length !== 5 || version !== 1 || typeof issuer !== 'string') return MALFORMED;
  if (typeof number !== 'number' || typeof time !== 'number' || !Array.isArray(rows)) return MALFORMED;
  const entries: Revocation[] = [];
  for (const row of rows as readonly unknown[]) {
    const entry = toEntry(row);
    // An issuer can't revoke another issuer's names.
    if (entry === null || (entry.issuer !== undefined && entry.issuer !== issuer)) return MALFORMED;
    entries.push(entry);
  }
  const snapshot = {
    issuer,
    number,
    time,
    entries: Object.freeze(entries),
    digest: toBase64url(sha256(body)),
  };
  return { ok: true, snapshot: Object.freeze(snapshot) };
}

function toEntry(row: unknown): Revocation | null {
  if (!Array.isArray(row) || row.length !== 7) return null;
  const [kind, issuer, value, reason, time, expires, seq] = row as readonly unknown[];
  if (
    typeof time !== 'number' ||
    typeof seq !== 'number' ||
    typeof value !== 'string' ||
    typeof reason !== 'string'
  )
    return null;
  if ((issuer !== null && typeof issuer !== 'string') || (expires !== null && typeof expires !== 'number'))
    return null;
  try {
    const input = checkRevocation({
      kind: kind as RevocationKind,
      value,
      reason,
      ...(issuer === null ? {} : { issuer }),
      ...(expires === null ? {} : { expires }),
    });
    return Object.freeze({ ...input, time, seq });
  } catch (error) {
    if (error instanceof AmbitError) return null;
    throw error;
  }
}

/** What an offline verifier has to keep between starts, so that a rollback is noticed after one too. */
export interface SeenSnapshot {
  readonly number: number;
  readonly time: number;
  readonly digest: string;
}

/** The local view of a verifier that is given lists by hand. `isRevoked` is all it shares with the online ones. */
export class SnapshotRevocations {
  readonly #issuer: string;
  readonly #keys: readonly PublicKey<'issuer'>[];
  readonly #maxAge: number;
  readonly #provider: Provider;
  #view = new RevocationView();
  #seen: SeenSnapshot | null;
  #loaded = false;

  /** `maxAge`: seconds after its time at which a list is stale. `seen`: what was kept from before. */
  constructor(options: {
    readonly issuer: string;
    readonly keys: readonly PublicKey<'issuer'>[];
    readonly maxAge: number;
    readonly seen?: SeenSnapshot;
    readonly provider?: Provider;
  }) {
    if (!(options.maxAge > 0)) throw new RangeError('maxAge: expected seconds above 0');
    this.#issuer = options.issuer;
    this.#keys = [...options.keys];
    this.#maxAge = options.maxAge;
    this.#provider = options.provider ?? nobleProvider;
    this.#seen = options.seen ?? null;
  }

  /** To be kept, in a place that is not rolled back together with the list. */
  get seen(): SeenSnapshot | null {
    return this.#seen;
  }

  /** Takes a list in: `revocations_stale` for a rollback, a fork, or a list from the future or too old. */
  load(text: string, now: number): { readonly ok: true; readonly snapshot: Snapshot } | Denial {
    checkNow(now);
    const read = readSnapshot(text, this.#keys, this.#provider);
    if (!read.ok) return read;
    const { issuer, number, time, digest, entries } = read.snapshot;
    if (issuer !== this.#issuer) return deny('input_invalid', `a list of ${issuer}, not of ${this.#issuer}`);
    const seen = this.#seen;
    if (seen !== null) {
      if (number < seen.number || (number === seen.number && time < seen.time))
        return deny('revocations_stale', `rolled back from number ${seen.number} to ${number}`);
      if (number === seen.number && time === seen.time && digest !== seen.digest)
        return deny('revocations_stale', 'two lists of the same number and time');
    }
    if (time > now + 30) return deny('revocations_stale', 'a list from the future');
    if (time + this.#maxAge < now) return deny('revocations_stale', `${now - time} s old`);
    this.#view = new RevocationView();
    this.#view.take(entries);
    this.#seen = Object.freeze({ number, time, digest });
    this.#loaded = true;
    return read;
  }

  /** As `Revocations.isRevoked`, at `now`. */
  isRevoked(subject: RevocationSubject, now: number): RevocationAnswer {
    const entry = this.#view.find(subject);
    if (entry !== null) return { ok: false, code: 'revoked', entry };
    if (!this.#loaded || this.#seen === null || this.#seen.time + this.#maxAge < now)
      return { ok: false, code: 'revocations_stale' };
    return { ok: true };
  }
}

/** Adds what a list names and a store doesn't: after a store was lost, or from another site. Returns how many. */
export async function importSnapshot(
  snapshot: Snapshot,
  revocations: Revocations,
  now: number,
): Promise<number> {
  const known = new Set((await allRevocations(revocations)).map(nameOf));
  const missing = snapshot.entries.filter(
    (entry) => !known.has(nameOf(entry)) && (entry.expires ?? Infinity) > now,
  );
  // Added together, they share transactions: one by one each would wait for the disk.
  for (let at = 0; at < missing.length; at += TOGETHER) {
    await Promise.all(
      missing.slice(at, at + TOGETHER).map(({ kind, issuer, value, reason, expires }) =>
        revocations.add(
          {
            kind,
            value,
            reason,
            ...(issuer === undefined ? {} : { issuer }),
            ...(expires === undefined ? {} : { expires }),
          },
          now,
        ),
      ),
    );
  }
  return missing.length;
}

const nameOf = (e: Revocation): string =>
  JSON.stringify([e.kind, e.issuer ?? null, e.value, e.expires ?? null]);

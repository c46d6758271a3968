// Revocations: who is out, why and since when. An entry names one thing a token depends on; a token is refused
// when any of its things is named, at every use, cached or not (docs/design.md section 6). Names are scoped to
// their issuer, so one issuer can't revoke another's; digests and keys need no scope. The question is answered
// synchronously from a local view that the back end keeps current: SQLite asks its file, Redis and PostgreSQL are
// pushed to, and have to be asked first about a token of which a list that is too long to be held may know something.
import { AmbitError, type DenialCode, type RevocationSubject } from '@ambit/core';
import type { FaultCode } from './budgets.ts';

export type { RevocationSubject };

/** What can be revoked. `token`, `session`, `user`, `operator` and `key` are names under an issuer. */
export const REVOCATION_KINDS = [
  'token',
  'node',
  'session',
  'user',
  'operator',
  'model',
  'holder',
  'key',
] as const;
export type RevocationKind = (typeof REVOCATION_KINDS)[number];

/** Kinds that are digests or keys, the same under every issuer. */
const GLOBAL: ReadonlySet<RevocationKind> = new Set(['node', 'model', 'holder']);

/** One entry to add. */
export interface RevocationInput {
  readonly kind: RevocationKind;
  /** The issuer the name belongs to; absent for `node`, `model` and `holder`. */
  readonly issuer?: string;
  /**
   * As `inspect` prints it: a token id in hexadecimal; nodes and holder keys in base64url; users, operators,
   * sessions and key ids by name. A model digest is base64url.
   */
  readonly value: string;
  /** For people and the log. */
  readonly reason: string;
  /** Unix seconds after which the entry may be dropped: when nothing it names can still be valid. Absent: never. */
  readonly expires?: number;
}

/** An entry of the list. */
export interface Revocation extends RevocationInput {
  /** Counts up by at least one an entry; a cursor. */
  readonly seq: number;
  /** Unix seconds. */
  readonly time: number;
}

/** Why a token is refused: named, or the view can't be trusted at the moment. */
export type RevocationAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: Extract<DenialCode, 'revoked'>; readonly entry: Revocation }
  | { readonly ok: false; readonly code: FaultCode | Extract<DenialCode, 'revocations_stale'> };

/** The list and its local view. Promises reject with AmbitError when the store fails. */
export interface Revocations {
  /** Adds an entry at `now` (Unix seconds); when it resolves it is durable as far as the store is. */
  add(input: RevocationInput, now: number): Promise<Revocation>;
  /** Entries after the cursor, oldest first, at most 1000; repeat with the cursor returned. Start with 0. */
  since(cursor: number): Promise<{ readonly entries: readonly Revocation[]; readonly cursor: number }>;
  /** Calls back for each new entry as soon as this process learns of it; returns the function that stops it. */
  watch(listener: (entry: Revocation) => void): () => void;
  /** Whether a token may still be used, from the local view: synchronous, and a stale view denies. */
  isRevoked(subject: RevocationSubject): RevocationAnswer;
  /**
   * Where the list is too long to be held: asks the server about a token that is not known yet, in one round trip.
   * Resolves to what `isRevoked` says then, or to the code of the fault; null: `isRevoked` can be asked at once.
   * Absent where that is always so.
   */
  ask?(subject: RevocationSubject): Promise<RevocationAnswer> | null;
  /**
   * Where the list is pushed: resolves when all that this process was told of has been read, or could not be; null
   * when nothing is outstanding. Absent where `isRevoked` asks the list itself.
   */
  unread?(): Promise<void> | null;
}

/** Puts a delegation out of use; `expires` is the node's own, in Unix seconds. */
export type RevokeNode = (node: string, expires: number, reason: string) => Promise<void>;

/** Revokes nodes in a store, for a runtime that shares it with its guards. `clock` gives Unix milliseconds. */
export function storeRevoker(
  store: { readonly revocations: Revocations },
  clock: () => number = Date.now,
): RevokeNode {
  return async (node, expires, reason) => {
    await store.revocations.add({ kind: 'node', value: node, reason, expires }, Math.floor(clock() / 1000));
  };
}

// No half of a surrogate pair: no token has one, and servers write each of them in a way of their own.
const PLAIN = /^[^\u0000-\u001f\u007f\ud800-\udfff]{1,256}$/u;
const isPlain = (text: unknown): boolean => typeof text === 'string' && PLAIN.test(text);

/** Forms that can name something; an entry in another form would be accepted and never match. */
const FORMS: Partial<Record<RevocationKind, { readonly form: RegExp; readonly words: string }>> = {
  token: { form: /^[0-9a-f]{32}$/, words: '32 lower-case hexadecimal digits' },
  node: { form: /^[A-Za-z0-9_-]{43}$/, words: '43 characters of base64url' },
  model: { form: /^[A-Za-z0-9_-]{43}$/, words: '43 characters of base64url' },
  holder: { form: /^[A-Za-z0-9_-]{43}$/, words: '43 characters of base64url' },
};

/** A row of the list as SQL back ends keep it: kind, issuer, value, reason, time, expiry. */
export type RevocationRow = [RevocationKind, string | null, string, string, number, number | null];

/** The entry that a row is. */
export const revocationOf = (
  seq: number,
  [kind, issuer, value, reason, time, expires]: RevocationRow,
): Revocation =>
  Object.freeze({
    seq,
    kind,
    ...(issuer === null ? {} : { issuer }),
    value,
    reason,
    time,
    ...(expires === null ? {} : { expires }),
  });

/** Checks an entry; AmbitError `input_invalid` says what is wrong. */
export function checkRevocation(input: RevocationInput): RevocationInput {
  const { kind, issuer, value, reason, expires } = input;
  if (!REVOCATION_KINDS.includes(kind))
    throw new AmbitError('input_invalid', `Revocation kind: expected one of ${REVOCATION_KINDS.join(', ')}.`);
  if (GLOBAL.has(kind) !== (issuer === undefined))
    throw new AmbitError(
      'input_invalid',
      `A revocation of kind ${kind} ${issuer === undefined ? 'needs' : 'has no'} issuer.`,
    );
  if (!isPlain(value) || (issuer !== undefined && !isPlain(issuer)))
    throw new AmbitError(
      'input_invalid',
      'Revocation value and issuer: expected 1 to 256 printable characters.',
    );
  const known = FORMS[kind];
  if (known !== undefined && !known.form.test(value))
    throw new AmbitError('input_invalid', `Revocation of a ${kind}: expected ${known.words}.`);
  if (typeof reason !== 'string' || reason.length > 1024)
    throw new AmbitError('input_invalid', 'Revocation reason: expected at most 1024 characters.');
  if (expires !== undefined && !Number.isSafeInteger(expires))
    throw new AmbitError('input_invalid', 'Revocation expiry: expected Unix seconds.');
  return Object.freeze({
    kind,
    value,
    // In words one may stand; Redis's reader of JSON would refuse the entry for it.
    reason: reason.replace(/\p{Cs}/gu, '\ufffd'),
    ...(issuer === undefined ? {} : { issuer }),
    ...(expires === undefined ? {} : { expires }),
  });
}

/** What an entry names: kind, issuer (absent for digests and keys), value. */
export type RevocationName = readonly [kind: RevocationKind, issuer: string | undefined, value: string];

/** A name as one text. */
export const nameKey = ([kind, issuer = '', value]: RevocationName): string => `${kind}\0${issuer}\0${value}`;

/** Everything of a token that an entry may name. */
export function namesOf(subject: RevocationSubject): RevocationName[] {
  const names: RevocationName[] = [];
  for (const kind of REVOCATION_KINDS) {
    const values = kind === 'node' ? subject.nodes : kind === 'holder' ? subject.holders : [subject[kind]];
    for (const value of values)
      // No entry names the empty value.
      if (value !== undefined && value !== '')
        names.push([kind, GLOBAL.has(kind) ? undefined : subject.issuer, value]);
  }
  return names;
}

/** An index over entries that answers in a few map look-ups. */
export class RevocationView {
  /** The highest `seq` seen. */
  cursor = 0;
  readonly #kinds = new Map<RevocationKind, Map<string, Revocation>>();

  /** Takes entries in, in any order, any number of times; returns those that are new. */
  take(entries: readonly Revocation[]): readonly Revocation[] {
    const fresh: Revocation[] = [];
    for (const entry of entries) {
      let named = this.#kinds.get(entry.kind);
      if (named === undefined) this.#kinds.set(entry.kind, (named = new Map()));
      const key = GLOBAL.has(entry.kind) ? entry.value : `${entry.issuer}\0${entry.value}`;
      // An entry without an end, or with a later one, is not replaced by one that ends earlier.
      const held = named.get(key);
      if (held === undefined || held.seq < entry.seq) fresh.push(entry);
      if (held === undefined || (held.expires ?? Infinity) < (entry.expires ?? Infinity))
        named.set(key, entry);
      if (entry.seq > this.cursor) this.cursor = entry.seq;
    }
    return fresh;
  }

  /** How many names are held. */
  get size(): number {
    let n = 0;
    for (const named of this.#kinds.values()) n += named.size;
    return n;
  }

  /** The entry that names something of the token, or null. Entries count until they are dropped. */
  find(subject: RevocationSubject): Revocation | null {
    for (const [kind, named] of this.#kinds) {
      if (kind === 'node' || kind === 'holder') {
        for (const value of kind === 'node' ? subject.nodes : subject.holders) {
          const entry = named.get(value);
          if (entry !== undefined) return entry;
        }
        continue;
      }
      const value = subject[kind];
      if (value === undefined) continue;
      const entry = named.get(kind === 'model' ? value : `${subject.issuer}\0${value}`);
      if (entry !== undefined) return entry;
    }
    return null;
  }

  /** Drops entries up to a number. */
  forget(seq: number): void {
    for (const named of this.#kinds.values()) {
      for (const [key, entry] of named) if (entry.seq <= seq) named.delete(key);
    }
  }

  /** Drops what ended at or before `time` (Unix seconds). */
  drop(time: number): void {
    for (const named of this.#kinds.values()) {
      for (const [key, entry] of named) if ((entry.expires ?? Infinity) <= time) named.delete(key);
    }
  }
}

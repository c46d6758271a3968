// Reads a signed list line by line (`write.ts` says what is in it). Entries come out before the end has been seen, and
// mean nothing until it has: a caller keeps them apart, or reads once to verify and again to use. A list of version 1
// is one line, `ambr1_` and base64url of CBOR [[1, issuer, number, time, entries], signature]. Core's strict codec and
// not `@ambit/cbor`: a signature covers these bytes.
import {
  LABELS,
  concat,
  decodeCbor,
  deny,
  fromBase64url,
  sha256,
  toBase64url,
  type Denial,
  type Provider,
  type PublicKey,
} from '@ambit/core';
import type { Revocation } from '../revocations.ts';
import { entriesOf } from './entries.ts';
import { END_PREFIX, LIST_PREFIX } from './write.ts';

/** First characters of a list of version 1. */
export const OLD_PREFIX = 'ambr1_';

/** What a list says of itself, verified. */
export interface ListEnd {
  readonly issuer: string;
  /** Goes up with every list the issuer signs. */
  readonly number: number;
  /** Unix seconds. */
  readonly time: number;
  /** base64url of a digest of all that was signed. */
  readonly digest: string;
}

const MALFORMED: Denial = Object.freeze(deny('input_invalid', 'not a signed revocation list'));
const CUT_OFF: Denial = Object.freeze(deny('input_invalid', 'the revocation list is cut off'));

export class ListReader {
  readonly #keys: readonly PublicKey<'issuer'>[];
  readonly #provider: Provider;
  #head: { readonly issuer: string; readonly time: number } | null = null;
  #chain: Uint8Array | null = null;
  #count = 0;
  #end: ListEnd | null = null;
  #wrong: Denial | null = null;

  constructor(keys: readonly PublicKey<'issuer'>[], provider: Provider) {
    this.#keys = keys;
    this.#provider = provider;
  }

  /** The entries of the next line, of which nothing is verified before `end`; null when the list is wrong: `end` says how. */
  unverified(line: string): readonly Revocation[] | null {
    if (this.#wrong !== null) return null;
    const found = this.#line(line);
    if (Array.isArray(found)) return found;
    this.#wrong = found as Denial;
    return null;
  }

  /** After the last line: what all of it was, signed by a known key, or why not. */
  end(): { readonly ok: true; readonly list: ListEnd } | Denial {
    if (this.#wrong !== null) return this.#wrong;
    if (this.#end !== null) return { ok: true, list: this.#end };
    return this.#head === null ? MALFORMED : CUT_OFF;
  }

  #line(line: string): readonly Revocation[] | Denial {
    if (this.#end !== null) return line === '' ? [] : MALFORMED;
    if (this.#head === null) return line.startsWith(OLD_PREFIX) ? this.#old(line) : this.#begin(line);
    return line.startsWith(END_PREFIX) ? this.#finish(line) : this.#page(line);
  }

  #begin(line: string): readonly Revocation[] | Denial {
    const bytes = line.startsWith(LIST_PREFIX) ? fromBase64url(line, LIST_PREFIX.length) : null;
    const [version, issuer, time] = listOf(bytes, 3);
    if (bytes === null || version !== 2 || typeof issuer !== 'string' || typeof time !== 'number')
      return MALFORMED;
    this.#head = { issuer, time };
    this.#chain = sha256(bytes);
    return [];
  }

  #page(line: string): readonly Revocation[] | Denial {
    const bytes = fromBase64url(line);
    const rows = listOf(bytes);
    const entries = rows.length === 0 ? null : entriesOf(rows, this.#head!.issuer);
    if (bytes === null || entries === null) return MALFORMED;
    this.#chain = sha256(this.#chain!, bytes);
    this.#count += entries.length;
    return entries;
  }

  #finish(line: string): readonly Revocation[] | Denial {
    const body = this.#signed(fromBase64url(line, END_PREFIX.length));
    if (!(body instanceof Uint8Array)) return body;
    const [version, issuer, number, time, count, chain] = listOf(body, 6);
    if (version !== 2 || typeof number !== 'number' || !(chain instanceof Uint8Array)) return MALFORMED;
    const { issuer: named, time: stated } = this.#head!;
    const digest = toBase64url(this.#chain!);
    if (issuer !== named || time !== stated || count !== this.#count || toBase64url(chain) !== digest)
      return deny('input_invalid', 'the revocation list is not the one that was signed');
    this.#end = Object.freeze({ issuer: named, number, time: stated, digest });
    return [];
  }

  #old(line: string): readonly Revocation[] | Denial {
    const body = this.#signed(fromBase64url(line, OLD_PREFIX.length));
    if (!(body instanceof Uint8Array)) return body;
    const [version, issuer, number, time, rows] = listOf(body, 5);
    if (version !== 1 || typeof issuer !== 'string' || typeof number !== 'number') return MALFORMED;
    const entries = Array.isArray(rows) ? entriesOf(rows, issuer) : null;
    if (typeof time !== 'number' || entries === null) return MALFORMED;
    this.#end = Object.freeze({ issuer, number, time, digest: toBase64url(sha256(body)) });
    return entries;
  }

  /** The body of [body, signature], if one of the keys has signed it. */
  #signed(bytes: Uint8Array | null): Uint8Array | Denial {
    const [body, signature] = listOf(bytes, 2);
    if (!(body instanceof Uint8Array) || !(signature instanceof Uint8Array)) return MALFORMED;
    const signed = concat(LABELS.revocations.bytes, body);
    return this.#keys.some((key) => this.#provider.verify(key.bytes, signed, signature))
      ? body
      : deny('seal_invalid', 'the revocation list is not signed by a known key');
  }
}

/** The members of a CBOR list, of `length` if given; none when it is something else. */
function listOf(bytes: Uint8Array | null, length?: number): readonly unknown[] {
  const value = bytes === null ? null : (decodeCbor(bytes)?.value ?? null);
  return Array.isArray(value) && (length === undefined || value.length === length) ? value : [];
}

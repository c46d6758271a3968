// Looking for records. A bundle is skipped without decoding when it cannot hold what is looked for: texts and digests
// are in the bytes unchanged, so a search for one is a search for bytes (about a gigabyte a second).
import { fromBase64url, fromHex } from '../core.ts';
import { TILE_WIDTH } from '../merkle/edge.ts';
import type { TreeReader } from '../tile/reader.ts';
import { decodeRecord } from '../record/codec.ts';
import type { AuditRecord, RecordKind } from '../record/record.ts';

/** A record with its place. */
export interface Found {
  readonly index: number;
  readonly record: AuditRecord;
}

/** What to look for; all of it must hold. */
export interface Query {
  readonly session?: string;
  /** The acting agent's name, a label or a holder key anywhere in the chain. */
  readonly agent?: string;
  /** A name, or a pseudonym as it is in the log. */
  readonly user?: string;
  readonly operator?: string;
  readonly model?: string;
  /** Digest of the model's artifact, in hexadecimal. */
  readonly modelDigest?: string;
  readonly tool?: string;
  readonly code?: string;
  readonly kind?: RecordKind;
  /** A token id (hexadecimal) or a node id. */
  readonly token?: string;
  /** Unix milliseconds: from, inclusive, to, exclusive. */
  readonly since?: number;
  readonly until?: number;
  /** At most so many. */
  readonly limit?: number;
}

const bytesOf = (text: string): Uint8Array => fromHex(text) ?? fromBase64url(text) ?? Buffer.from(text);

/** Bytes that an entry must hold to match; one of each inner list. */
function needles(query: Query): Buffer[][] {
  const out: Buffer[][] = [];
  for (const text of [query.session, query.user, query.operator, query.model, query.tool, query.code]) {
    if (text !== undefined) out.push([Buffer.from(text)]);
  }
  if (query.agent !== undefined) out.push([Buffer.from(query.agent), Buffer.from(bytesOf(query.agent))]);
  for (const digest of [query.modelDigest, query.token])
    if (digest !== undefined) out.push([Buffer.from(bytesOf(digest))]);
  return out;
}

/** Whether a record answers a query. */
export function matches(record: AuditRecord, query: Query): boolean {
  const { token } = record;
  const equalTo = (wanted: string | undefined, got: string | undefined): boolean =>
    wanted === undefined || wanted === got;
  return (
    equalTo(query.session, record.session) &&
    equalTo(query.user, record.user) &&
    equalTo(query.operator, record.operator?.name) &&
    equalTo(query.model, record.model?.name) &&
    equalTo(query.modelDigest?.toLowerCase(), record.model?.digest) &&
    equalTo(query.tool, record.tool?.name) &&
    equalTo(query.code, record.code) &&
    equalTo(query.kind, record.kind) &&
    (query.agent === undefined ||
      record.agent === query.agent ||
      token?.chain?.some(({ holder, label }) => holder === query.agent || label === query.agent) === true) &&
    (query.token === undefined ||
      token?.id === query.token ||
      token?.chain?.some(({ node }) => node === query.token) === true) &&
    (query.since === undefined || record.at >= query.since) &&
    (query.until === undefined || record.at < query.until)
  );
}

/** The records of `reader` that match, in order, from entry `from` on. Entries that are no records are passed over. */
export async function* search(reader: TreeReader, query: Query, from: number = 0): AsyncGenerator<Found> {
  const wanted = needles(query);
  let left = query.limit ?? Infinity;
  const start = Math.max(from, query.since === undefined ? 0 : await firstAt(reader, query.since));
  for (let bundle = Math.floor(start / TILE_WIDTH); bundle * TILE_WIDTH < reader.size && left > 0; bundle++) {
    const entries = await reader.bundle(bundle);
    for (const [i, entry] of entries.entries()) {
      const index = bundle * TILE_WIDTH + i;
      if (index < start || left <= 0) continue;
      const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength);
      if (!wanted.every((any) => any.some((needle) => bytes.includes(needle)))) continue;
      const record = decodeRecord(entry);
      if (record === null) continue;
      // Time never runs backwards in a log (see RecordCheck), so nothing after this can match.
      if (query.until !== undefined && record.at >= query.until) return;
      if (!matches(record, query)) continue;
      left--;
      yield { index, record };
    }
  }
}

/** The first entry at or after a time, by bisection over bundles. */
async function firstAt(reader: TreeReader, time: number): Promise<number> {
  let low = 0;
  let high = Math.ceil(reader.size / TILE_WIDTH);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const entry = (await reader.bundle(middle))[0];
    const at = entry === undefined ? null : (decodeRecord(entry)?.at ?? null);
    if (at !== null && at < time) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, (low - 1) * TILE_WIDTH);
}

/** One record by its index, or null when the entry is not a record. Throws RangeError outside the log. */
export async function show(reader: TreeReader, index: number): Promise<Found | null> {
  const record = decodeRecord(await reader.entry(index));
  return record === null ? null : { index, record };
}

// Records as bytes, and the rules that the table of fields cannot say. One record has one encoding, and bytes that are
// not the encoding of what they say are not a record.
import { readObject } from './read.ts';
import { RECORD_VERSION, type AuditRecord } from './record.ts';
import { REQUIRED, SCHEMA } from './schema.ts';
import { refuse, writeObject } from './write.ts';

/** What a record of an unverified token may say of it. */
const UNVERIFIED_MAY: readonly string[] = ['digest', 'size', 'key', 'unverified'];
/** The fields that an unverified token can't vouch for. */
const UNVERIFIED_MAY_NOT = ['operator', 'model', 'session', 'user', 'agent', 'allowed', 'proof'] as const;

/** A record whose absent parts may be there as undefined. */
export type Encodable = { readonly [K in keyof AuditRecord]: AuditRecord[K] | undefined } & Pick<
  AuditRecord,
  'kind'
>;

/** The parts of each kind, and the few that a record of an unverified token may have. Null when all is well. */
function broken(record: Encodable): string | null {
  const parts = record as unknown as Readonly<Record<string, unknown>>;
  for (const part of REQUIRED[record.kind])
    if (parts[part] === undefined) return `${record.kind} without ${part}`;
  if (record.token?.unverified === true) {
    for (const part of UNVERIFIED_MAY_NOT)
      if (parts[part] !== undefined) return `an unverified token cannot vouch for ${part}`;
    for (const key of Object.keys(record.token)) {
      if (!UNVERIFIED_MAY.includes(key))
        return `an unverified token is a digest, a size and a key id, not ${key}`;
    }
  }
  if (record.v !== RECORD_VERSION) return `version ${String(record.v)}`;
  // The first record of a session has no record before it; every other names it.
  const placed =
    record.seq === undefined ? record.prev === undefined : (record.seq === 0) === (record.prev === undefined);
  return placed ? null : 'seq and prev go together';
}

/** The bytes of a record. Throws AmbitError `audit_refused` naming the field. It does not look for secrets: see `secrets.ts`. */
export function encodeRecord(record: AuditRecord | Encodable): Uint8Array {
  const bytes = writeObject(record, SCHEMA.fields);
  const why = broken(record);
  if (why !== null) throw refuse(record.kind, why);
  return bytes;
}

/** The record that exactly these bytes encode, or null. */
export function decodeRecord(bytes: Uint8Array): AuditRecord | null {
  const value = readObject(bytes, SCHEMA.fields);
  if (value === null) return null;
  // The table has just been walked: `value` has the shape of AuditRecord.
  const record = value as unknown as AuditRecord;
  return broken(record) === null ? record : null;
}

// Records as bytes: deterministic CBOR (RFC 8949 section 4.2.1) of the table in schema.ts, written straight into one
// buffer. One record has one encoding, and bytes that are not the encoding of what they say are not a record.
import { AmbitError, decodeCbor, fromBase64url, fromHex, toBase64url, toHex, type Cbor } from '../core.ts';
import { MAX_ENTRY_BYTES } from '../tile/bundle.ts';
import type { AuditRecord } from './record.ts';
import { RECORD_VERSION } from './record.ts';
import { REQUIRED, SCHEMA, type Field, type Form } from './schema.ts';

const refuse = (path: string, why: string): AmbitError =>
  new AmbitError('audit_refused', `record ${path}: ${why}.`);

/** Encoding is synchronous and copies out, so one buffer serves all. */
const scratch = Buffer.allocUnsafe(MAX_ENTRY_BYTES + 9);
let at = 0;

function head(major: number, n: number): void {
  if (at + 9 > MAX_ENTRY_BYTES) throw refuse('', 'longer than an entry can be');
  const m = major << 5;
  if (n < 24) scratch[at++] = m | n;
  else if (n < 0x100) {
    scratch[at++] = m | 24;
    scratch[at++] = n;
  } else if (n < 0x10000) {
    scratch[at++] = m | 25;
    at = scratch.writeUInt16BE(n, at);
  } else if (n < 0x1_0000_0000) {
    scratch[at++] = m | 26;
    at = scratch.writeUInt32BE(n, at);
  } else {
    scratch[at++] = m | 27;
    at = scratch.writeUInt32BE(Math.floor(n / 0x1_0000_0000), at);
    at = scratch.writeUInt32BE(n % 0x1_0000_0000, at);
  }
}

/** Characters that could forge a line, a column or a direction in whatever shows a record. */
export const UNPRINTABLE: RegExp = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Bidi_Control}]/u;

function writeText(text: string, max: number, path: string): void {
  if (text.length > max || UNPRINTABLE.test(text))
    throw refuse(path, `expected at most ${max} bytes of printable text`);
  const bytes = Buffer.byteLength(text);
  if (bytes > max) throw refuse(path, `expected at most ${max} bytes of printable text`);
  head(3, bytes);
  if (at + bytes > MAX_ENTRY_BYTES) throw refuse(path, 'longer than an entry can be');
  at += scratch.write(text, at, 'utf8');
}

function write(value: unknown, form: Form, path: string): void {
  if (form.is === 'uint' || form.is === 'int') {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || (form.is === 'uint' && value < 0)) {
      throw refuse(path, 'expected a whole number');
    }
    head(value < 0 ? 1 : 0, value < 0 ? -1 - value : value);
  } else if (form.is === 'bool') {
    if (typeof value !== 'boolean') throw refuse(path, 'expected true or false');
    if (at >= MAX_ENTRY_BYTES) throw refuse(path, 'longer than an entry can be');
    scratch[at++] = value ? 0xf5 : 0xf4;
  } else if (form.is === 'text') {
    if (typeof value !== 'string') throw refuse(path, 'expected text');
    writeText(value, form.max, path);
  } else if (form.is === 'enum') {
    const n = typeof value === 'string' ? form.values.indexOf(value) : -1;
    if (n < 0) throw refuse(path, `expected one of ${form.values.join(', ')}`);
    head(0, n);
  } else if (form.is === 'bytes') {
    const text = typeof value === 'string' ? value : '';
    // The two text forms of one size never have the same length.
    const bytes = text.length === 2 * form.size ? fromHex(text) : fromBase64url(text);
    if (bytes?.length !== form.size)
      throw refuse(path, `expected ${form.size} bytes in hexadecimal or base64url`);
    head(2, form.size);
    if (at + form.size > MAX_ENTRY_BYTES) throw refuse(path, 'longer than an entry can be');
    scratch.set(bytes, at);
    at += form.size;
  } else if (form.is === 'list') {
    if (!Array.isArray(value) || value.length > form.max)
      throw refuse(path, `expected a list of at most ${form.max}`);
    head(4, value.length);
    for (const item of value as readonly unknown[]) write(item, form.of, path);
  } else {
    writeMap(value, form.fields, path);
  }
}

function writeMap(value: unknown, fields: readonly Field[], path: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(path, 'expected an object');
  const present = new Map<string, unknown>(Object.entries(value).filter(([, v]) => v !== undefined));
  head(5, present.size);
  let written = 0;
  for (const field of fields) {
    const item = present.get(field.name);
    if (item === undefined) {
      if (field.required) throw refuse(`${path}.${field.name}`, 'missing');
      continue;
    }
    head(0, field.key);
    write(item, field.form, path === '' ? field.name : `${path}.${field.name}`);
    written++;
  }
  if (written !== present.size) {
    const unknown = [...present.keys()].find((key) => !fields.some((field) => field.name === key));
    throw refuse(`${path}.${unknown ?? ''}`, 'unknown field');
  }
}

/** What the table cannot say: each kind's parts, and how little may stand in a record of an unverified token. */
function rules(record: AuditRecord): string | null {
  const parts: ReadonlySet<string> = new Set(
    Object.entries(record)
      .filter(([, value]) => value !== undefined)
      .map(([name]) => name),
  );
  const missing = REQUIRED[record.kind].find((part) => !parts.has(part));
  if (missing !== undefined) return `${record.kind} without ${missing}`;
  if (record.token?.unverified === true) {
    const says = ['operator', 'model', 'session', 'user', 'agent', 'allowed', 'proof'].find((part) =>
      parts.has(part),
    );
    if (says !== undefined) return `an unverified token cannot vouch for ${says}`;
    const more = Object.keys(record.token).find(
      (key) => !['digest', 'size', 'key', 'unverified'].includes(key),
    );
    if (more !== undefined) return `an unverified token is a digest, a size and a key id, not ${more}`;
  }
  if (record.v !== RECORD_VERSION) return `version ${String(record.v)}`;
  const placed =
    record.seq === undefined ? record.prev === undefined : (record.seq === 0) === (record.prev === undefined);
  return placed ? null : 'seq and prev go together';
}

/** The bytes of a record. Throws AmbitError `audit_refused` naming the field. It does not look for secrets: see `guard.ts`. */
export function encodeRecord(record: AuditRecord): Uint8Array {
  at = 0;
  writeMap(record, SCHEMA.fields, '');
  const broken = rules(record);
  if (broken !== null) throw refuse(record.kind, broken);
  return Uint8Array.prototype.slice.call(scratch, 0, at);
}

const BAD = Symbol('not of the schema');

function read(value: Cbor, form: Form): unknown {
  if (form.is === 'uint') return typeof value === 'number' && value >= 0 ? value : BAD;
  if (form.is === 'int') return typeof value === 'number' ? value : BAD;
  if (form.is === 'bool') return typeof value === 'boolean' ? value : BAD;
  if (form.is === 'text')
    return typeof value === 'string' && Buffer.byteLength(value) <= form.max ? value : BAD;
  if (form.is === 'enum') return typeof value === 'number' ? (form.values[value] ?? BAD) : BAD;
  if (form.is === 'bytes') {
    if (!(value instanceof Uint8Array) || value.length !== form.size) return BAD;
    return form.shown === 'hex' ? toHex(value) : toBase64url(value);
  }
  if (form.is === 'list') {
    if (!Array.isArray(value) || value.length > form.max) return BAD;
    const items = (value as readonly Cbor[]).map((item) => read(item, form.of));
    return items.includes(BAD) ? BAD : items;
  }
  if (!(value instanceof Map)) return BAD;
  const out: Record<string, unknown> = {};
  let taken = 0;
  for (const field of form.fields) {
    const item = (value as ReadonlyMap<number | string, Cbor>).get(field.key);
    if (item === undefined) {
      if (field.required) return BAD;
      continue;
    }
    const got = read(item, field.form);
    if (got === BAD) return BAD;
    out[field.name] = got;
    taken++;
  }
  return taken === value.size ? out : BAD;
}

/** The record that exactly these bytes encode, or null. */
export function decodeRecord(bytes: Uint8Array): AuditRecord | null {
  const decoded = decodeCbor(bytes);
  if (decoded === null) return null;
  const value = read(decoded.value, SCHEMA);
  if (value === BAD) return null;
  // The table has just been walked: `value` has the shape of AuditRecord.
  const record = value as AuditRecord;
  return rules(record) === null ? record : null;
}

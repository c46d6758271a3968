// Writes a value by the table of schema.ts as deterministic CBOR (RFC 8949 section 4.2.1), straight into the buffer of
// core's strict writer: 30,000 records a second must not be spent on a tree of values in between, which took more than
// three times as long. Encoding is synchronous and copies out at the end.
import { AmbitError, CBOR_MAJOR as MAJOR, CborWriter, fromBase64url } from '../core.ts';
import { MAX_ENTRY_BYTES } from '../tile/bundle.ts';
import type { Field, Form } from './schema.ts';

/** Characters that could forge a line, a column or a direction in a display of the record. */
export const UNPRINTABLE: RegExp = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Bidi_Control}]/u;

/** Why a record is refused: names the field, never its content. */
export const refuse = (path: string, why: string): AmbitError =>
  new AmbitError('audit_refused', `record ${path}: ${why}.`);

const out = new CborWriter(MAX_ENTRY_BYTES, MAX_ENTRY_BYTES, () => refuse('', 'longer than an entry can be'));
/** The same bytes, for what only a Buffer does. The writer is as long as it can become, so it keeps its bytes. */
const buffer = Buffer.from(out.bytes.buffer);

function writeText(text: string, max: number, path: string): void {
  const long = (): AmbitError => refuse(path, `expected at most ${max} bytes of printable text`);
  if (text.length > max) throw long();
  if (out.ascii(text)) return;
  if (Buffer.byteLength(text) > max || UNPRINTABLE.test(text)) throw long();
  out.text(text);
}

function writeBytes(text: string, size: number, path: string): void {
  out.head(MAJOR.bytes, size);
  out.room(size);
  // The two text forms of one size never have the same length.
  if (text.length === 2 * size) {
    if (buffer.write(text, out.at, size, 'hex') !== size)
      throw refuse(path, `expected ${size} bytes in hexadecimal`);
    out.at += size;
  } else {
    const bytes = fromBase64url(text);
    if (bytes?.length !== size) throw refuse(path, `expected ${size} bytes in base64url`);
    out.raw(bytes);
  }
}

function write(value: unknown, form: Form, path: string): void {
  switch (form.is) {
    case 'uint':
    case 'int':
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || (form.is === 'uint' && value < 0)) {
        throw refuse(path, 'expected a whole number');
      }
      out.integer(value);
      return;
    case 'bool':
      if (typeof value !== 'boolean') throw refuse(path, 'expected true or false');
      out.simple(value);
      return;
    case 'text':
      if (typeof value !== 'string') throw refuse(path, 'expected text');
      writeText(value, form.max, path);
      return;
    case 'bytes':
      if (typeof value !== 'string') throw refuse(path, 'expected bytes as text');
      writeBytes(value, form.size, path);
      return;
    case 'enum': {
      const n = typeof value === 'string' ? form.values.indexOf(value) : -1;
      if (n < 0) throw refuse(path, `expected one of ${form.values.join(', ')}`);
      out.integer(n);
      return;
    }
    case 'list':
      if (!Array.isArray(value) || value.length > form.max)
        throw refuse(path, `expected a list of at most ${form.max}`);
      out.head(MAJOR.array, value.length);
      for (const item of value as readonly unknown[]) write(item, form.of, path);
      return;
    case 'map':
      writeMap(value, form.fields, path);
  }
}

function writeMap(value: unknown, fields: readonly Field[], path: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(path, 'expected an object');
  const object = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(object);
  let present = names.length;
  for (const name of names) if (object[name] === undefined) present--;
  out.head(MAJOR.map, present);
  let written = 0;
  for (const field of fields) {
    const item = object[field.name];
    if (item === undefined) {
      if (field.required) throw refuse(path === '' ? field.name : `${path}.${field.name}`, 'missing');
      continue;
    }
    out.integer(field.key);
    write(item, field.form, field.name);
    written++;
  }
  if (written !== present) {
    const unknown = names.find((key) => !fields.some((field) => field.name === key));
    throw refuse(`${path}.${unknown ?? ''}`, 'unknown field');
  }
}

/** The encoding of an object by a table of fields. Throws AmbitError `audit_refused`. */
export function writeObject(value: object, fields: readonly Field[]): Uint8Array {
  try {
    writeMap(value, fields, '');
    return out.copy();
  } finally {
    out.clear();
  }
}

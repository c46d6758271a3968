// cbor-x encodes and decodes; shape.ts looks at every byte before the decoder and after the encoder. cbor-x alone is
// not for hostile input: its tags make dates, sets, records, references and packed values, they are registered for
// the whole process, and no option turns them off. We take its build without `new Function`, which loads no native
// addon either.
import { Encoder, type Options } from 'cbor-x/index-no-eval';
import { isPlain } from './shape.ts';

const OPTIONS = {
  useRecords: false,
  mapsAsObjects: true,
  /** Heads of maps as short as they can be. */
  variableMapSize: true,
  /** A Uint8Array is a byte string, without a tag. */
  tagUint8Array: false,
  /** Whole numbers of 8 bytes are numbers: there are none above 2^53-1. Missing in the types of cbor-x. */
  int64AsNumber: true,
};
const codec = new Encoder(OPTIONS satisfies Options & { readonly int64AsNumber: boolean });

/**
 * The bytes of a plain value: null, undefined, booleans, finite numbers, well-formed texts, Uint8Arrays, arrays, and
 * objects without a key `__proto__`, nested at most `PLAIN_DEPTH` deep. The same value, its keys in the same order,
 * has the same bytes. Throws RangeError for any other.
 */
export function encodePlain(value: unknown): Uint8Array {
  let bytes: Uint8Array | null = null;
  try {
    // A copy: cbor-x writes many values into one large buffer, which one small value would keep alive.
    bytes = Uint8Array.from(codec.encode(value));
  } catch {
    // A function, a symbol, a circle: said below.
  }
  if (bytes === null || !isPlain(bytes))
    throw new RangeError('value: expected a plain value, see encodePlain');
  return bytes;
}

/**
 * The plain value of at most `most` bytes; null when they are more, or not the encoding of one. Objects have
 * Object.prototype, so look own properties up. Byte strings are copies.
 */
export function decodePlain(bytes: Uint8Array, most: number): { readonly value: unknown } | null {
  if (bytes.length > most || !isPlain(bytes)) return null;
  // A copy (a Buffer's `slice()` is none): cbor-x returns byte strings as views and leaves a DataView on the array it reads.
  return { value: codec.decode(new Uint8Array(bytes)) as unknown };
}

// The codec: values, the deterministic encoder, the strict reader.
export type { Cbor, CborMap } from './value.ts';
export { byteString, compareBytes, encode, head } from './write.ts';
export { CborWriter, MAJOR } from './writer.ts';
export { decode, MALFORMED, Reader, TYPE } from './read.ts';

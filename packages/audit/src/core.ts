// Everything this package takes from core, in one place: primitives, byte forms, codes. Nothing else here
// imports cryptography.
export {
  AmbitError,
  CBOR_MAJOR,
  CborWriter,
  CODES,
  concat,
  copyOf,
  equal,
  foldText,
  fromBase64url,
  fromHex,
  fromUtf8,
  hmacSha256,
  own,
  randomBytes,
  toBase64url,
  toHex,
  utf8,
} from '@ambit/core';
export type { DenialCode, Provider } from '@ambit/core';
export { nativeSha256, nodeProvider } from '@ambit/core/node';

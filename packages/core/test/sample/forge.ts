// Tokens forged byte by byte under the right key: whoever holds a key can MAC anything; what the parser behind the MAC
// makes of it is what we test.
import { encodeCbor, type Cbor } from '@ambit/core';
import { items, readToken, tokenText } from '../../src/token/frame.ts';
import { newToken } from '../../src/token/mac.ts';
import { K } from './keys.ts';

/** The items of a token's text: grant first, contents only. */
export function itemsOf(token: string): Uint8Array[] {
  const frame = readToken(token);
  if (frame === null) throw new TypeError('test: no token');
  return items(frame).map((i) => i.slice());
}
/** The 32 bytes of a token's tail. */
export function tailOf(token: string): Uint8Array {
  const frame = readToken(token);
  if (frame === null) throw new TypeError('test: no token');
  return frame.bytes.slice(frame.tailAt);
}
/** A token of these item contents with a right MAC under `key`. */
export const remac = (contents: readonly Uint8Array[], key: Uint8Array = K): string =>
  tokenText(newToken(key, contents));
/** A token with raw caveats (values, encoded canonically) appended under the issuer's key. */
export const withRawCaveats = (token: string, ...caveats: readonly Cbor[]): string =>
  remac([...itemsOf(token), ...caveats.map((c) => encodeCbor(c))]);

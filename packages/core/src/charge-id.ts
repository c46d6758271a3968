// The names of what a ledger keeps (SPEC.md section 6): digests, so that nothing about a token or its tail can be read
// from a store's keys (law L12).
import { concat, toBase64url } from './bytes.ts';
import { encode, type Cbor } from './cbor/index.ts';
import { sha256 } from './crypto/index.ts';
import { LABELS } from './labels.ts';

/** base64url of SHA-256(label "counter" || CBOR value); 43 characters. */
export const chargeId = (value: Cbor): string =>
  toBase64url(sha256(concat(LABELS.counter.bytes, encode(value))));

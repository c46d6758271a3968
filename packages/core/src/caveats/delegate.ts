// `delegate`: from here on `to` is the holder, signed by the holder before it over everything that precedes
// (docs/design.md section 4). `token/narrow.ts` appends it; verification walks the chain.
import { MALFORMED, Reader } from '../cbor/index.ts';
import { LIMITS } from '../limits.ts';
import { isName } from '../token/names.ts';
import type { SignedKind } from './kind.ts';

/** From here on `to` is the holder. */
export interface DelegateCaveat {
  readonly type: 'delegate';
  /** Ed25519 public key of the new holder. */
  readonly to: Uint8Array;
  /** What the delegator calls the new holder; a claim, for people and logs. */
  readonly label: string;
  /** Unix seconds; the delegator's claim, decides nothing. */
  readonly time: number;
  readonly nonce: Uint8Array;
  /** The signed bytes as received. */
  readonly fields: Uint8Array;
  readonly signature: Uint8Array;
}

export const delegate: SignedKind<DelegateCaveat> = {
  type: 'delegate',
  number: 9,
  mayAppend: false,
  write: (c) => [c.fields, c.signature],
  read(r) {
    r.array(2);
    const fields = r.byteStringCopy();
    const signature = r.byteStringCopy(64);
    const f = new Reader(fields);
    f.array(4);
    const to = f.byteStringCopy(32);
    const label = f.text(LIMITS.nameBytes);
    if (!isName(label)) throw MALFORMED;
    const time = f.uint();
    const nonce = f.byteStringCopy(16);
    f.done();
    return { type: 'delegate', to, label, time, nonce, fields, signature };
  },
  decidedBy: 'verification',
  words: (c, t) => `to "${c.label}" at ${t.plain(c.time)}, as its delegator claims`,
};

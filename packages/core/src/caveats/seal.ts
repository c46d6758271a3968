// `seal`: the issuer's signature over everything before it (docs/design.md section 5). `token/mint.ts` appends it;
// verification checks it.
import { PublicKey } from '../keys/key.ts';
import type { SignedKind } from './kind.ts';

/** The issuer's signature over everything before it. */
export interface SealCaveat {
  readonly type: 'seal';
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

export const seal: SignedKind<SealCaveat> = {
  type: 'seal',
  number: 10,
  mayAppend: false,
  write: (c) => [c.key, c.signature],
  read(r) {
    r.array(2);
    return { type: 'seal', key: r.byteStringCopy(32), signature: r.byteStringCopy(64) };
  },
  decidedBy: 'verification',
  words: (c) => `by the issuer's key ${new PublicKey('issuer', c.key).toString()}`,
};

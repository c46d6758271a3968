// `once`: no token that carries this caveat has been used before. The ledger claims D up to and with it.
import { MALFORMED } from '../cbor/index.ts';
import { chargeId } from '../charge-id.ts';
import type { NonceClaim } from '../charges.ts';
import type { RestrictionKind } from './kind.ts';

/** No token that carries this caveat has been used before. */
export interface OnceCaveat {
  readonly type: 'once';
}

export const once: RestrictionKind<
  OnceCaveat,
  {
    /** One use in all of the tokens that carry this caveat. */
    readonly once: () => OnceCaveat;
  }
> = {
  type: 'once',
  number: 13,
  mayAppend: true,
  make: { once: () => ({ type: 'once' }) },
  write: () => null,
  read(r) {
    if (!r.nothing()) throw MALFORMED;
    return { type: 'once' };
  },
  decidedBy: 'ledger',
  charges(_, { caveat, prefix, expires }) {
    const claim: NonceClaim = Object.freeze({ id: chargeId(['once', prefix]), expires, caveat });
    return [{ caveat, name: 'once', counts: null, charge: () => claim }];
  },
  words: () => 'one use in all',
  limits: () => ['once'],
};

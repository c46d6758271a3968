// Narrowing, offline, for anyone who has the bytes: `attenuate` appends restrictions, `delegate` appends
// restrictions and then binds the token to another holder, signed by the one before (docs/design.md section 4).
import { bare } from '../bare.ts';
import type { DelegateCaveat } from '../caveats/delegate.ts';
import { encodeCaveat, isRestriction, type Restriction } from '../caveats/index.ts';
import { encode } from '../cbor/index.ts';
import { concat, equal } from '../bytes.ts';
import { AmbitError } from '../codes.ts';
import { randomBytes } from '../crypto/index.ts';
import type { PublicKey } from '../keys/key.ts';
import { signLater, signNow, type AsyncSigner, type Signer, type SigningPlan } from '../keys/signer.ts';
import { LABELS } from '../labels.ts';
import { isWhole } from './lists.ts';
import { requireName } from './names.ts';
import {
  currentHolder,
  delegatesOf,
  delegationsLeft,
  requireWithinLimits,
  unverifiedContents,
  type Contents,
} from './contents.ts';
import { items, readFrame, tokenText, type Frame } from './frame.ts';
import { extendToken } from './mac.ts';
import { Prefixes } from './prefix.ts';

function open(token: string): Contents {
  const contents = unverifiedContents(token);
  if (contents.frame.tailAt < 0) {
    throw new AmbitError(
      'input_invalid',
      'This is evidence (ambe1_), not a token; nothing can be derived from it.',
    );
  }
  return contents;
}

function extend(contents: Contents, more: readonly Uint8Array[]): Uint8Array {
  const { frame } = contents;
  return extendToken(items(frame), frame.bytes.subarray(frame.tailAt, frame.tailAt + 32), more);
}

// Copies of what is to be appended, by own properties: an absent field is not looked for in Object.prototype.
function takeRestrictions(given: readonly Restriction[]): readonly Restriction[] {
  const restrictions = given.map((r) => bare(r, 'restriction'));
  for (const r of restrictions) {
    if (!isRestriction(r))
      throw new TypeError(`restriction: unknown type ${String((r as Restriction).type)}`);
  }
  return restrictions;
}

/**
 * The token with the restrictions given appended: it allows no more than before, and usually less. Needs no key. On a
 * sealed token that is verified by signatures alone, a restriction binds only from the next delegation on.
 * Throws AmbitError `input_invalid`.
 */
export function attenuate(token: string, ...given: readonly Restriction[]): string {
  const contents = open(token);
  const restrictions = takeRestrictions(given);
  const bytes = extend(contents, restrictions.map(encodeCaveat));
  requireWithinLimits(contents.grant, [...contents.caveats, ...restrictions], bytes);
  return tokenText(bytes);
}

/** To whom, and under which restrictions, a token is delegated. */
export interface Delegation {
  readonly to: PublicKey<'holder'>;
  /** What the delegator calls the new holder: 1 to 256 printable characters. */
  readonly label: string;
  /** Unix seconds; the delegator's claim. */
  readonly time: number;
  readonly restrictions?: readonly Restriction[];
  /** 16 bytes; random when absent. */
  readonly nonce?: Uint8Array;
}

function plan(token: string, given: Delegation, by: PublicKey<'holder'>): SigningPlan<string> {
  const d = bare(given, 'delegation');
  if (d.to?.use !== 'holder') throw new TypeError('to: expected a PublicKey of a holder');
  if (by?.use !== 'holder') throw new TypeError('signer: expected a holder');
  const contents = open(token);
  const holder = currentHolder(contents);
  if (holder === undefined) throw new AmbitError('delegation_exceeded', "A bearer token can't be delegated.");
  if (!equal(holder, by.bytes)) {
    throw new AmbitError('delegation_invalid', 'Only the current holder can delegate; this is another key.');
  }
  const restrictions = takeRestrictions(d.restrictions ?? []);
  if (delegationsLeft(contents.grant, [...contents.caveats, ...restrictions]) <= 0) {
    throw new AmbitError('delegation_exceeded');
  }
  const to = d.to.bytes;
  const seen = [contents.grant.holder, ...delegatesOf(contents.caveats).map((c) => c.to)];
  if (seen.some((key) => key !== undefined && equal(key, to))) {
    throw new AmbitError('delegation_invalid', 'This key is in the chain already; a key occurs once.');
  }
  const time = Math.floor(d.time) + 0;
  if (!isWhole(time)) throw new RangeError('time: expected Unix seconds');
  const nonce = d.nonce ?? randomBytes(16);
  if (nonce.length !== 16) throw new TypeError('nonce: expected 16 bytes');
  const fields = encode([to, requireName('label', d.label), time, nonce]);
  const more = restrictions.map(encodeCaveat);
  const middle: Frame | null = readFrame(extend(contents, more));
  if (middle === null) throw new AmbitError('input_invalid', 'The token would exceed the limits.');
  return {
    label: LABELS.delegate,
    message: concat(new Prefixes(middle).all(), fields),
    finish: (signature) => {
      const link: DelegateCaveat = {
        type: 'delegate',
        to,
        label: d.label,
        time,
        nonce,
        fields,
        signature,
      };
      const bytes = extend(contents, [...more, encodeCaveat(link)]);
      requireWithinLimits(contents.grant, [...contents.caveats, ...restrictions, link], bytes);
      return tokenText(bytes);
    },
  };
}

/**
 * A token for another holder: `by` (the current holder) appends what restrains it and signs it over. Throws
 * AmbitError `delegation_invalid` (not the holder, key used before), `delegation_exceeded`, `input_invalid`.
 */
export const delegate = (token: string, d: Delegation, by: Signer<'holder'>): string =>
  signNow(plan(token, d, by.publicKey), by);

/** `delegate` with a key that answers later. */
export const delegateLater = async (
  token: string,
  d: Delegation,
  by: AsyncSigner<'holder'>,
): Promise<string> => signLater(plan(token, d, by.publicKey), by);

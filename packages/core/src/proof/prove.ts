// The holder's side of a signed proof: one Ed25519 signature a call, good for that call, once.
import type { Call } from '../call.ts';
import { AmbitError } from '../codes.ts';
import { bare } from '../bare.ts';
import { equal } from '../bytes.ts';
import { randomBytes } from '../crypto/index.ts';
import type { PublicKey } from '../keys/key.ts';
import { signLater, signNow, type AsyncSigner, type Signer, type SigningPlan } from '../keys/signer.ts';
import { LABELS } from '../labels.ts';
import { requireCall } from '../make-call.ts';
import { currentHolder, unverifiedContents } from '../token/contents.ts';
import { requireName } from '../token/names.ts';
import { Prefixes } from '../token/prefix.ts';
import { proofText } from './proof.ts';
import { statement } from './statement.ts';

/** For whom and when a proof is made. */
export interface ProofOptions {
  /** The verifier's audience. */
  readonly audience: string;
  /** Unix seconds. */
  readonly time: number;
  /** 16 bytes; random when absent. */
  readonly nonce?: Uint8Array;
}

/** The D(n) of a token whose current holder is `by`; AmbitError `proof_invalid` when it is another. */
export function tokenDigest(token: string, by: PublicKey<'holder'>): Uint8Array {
  const contents = unverifiedContents(token);
  const holder = currentHolder(contents);
  if (holder === undefined)
    throw new AmbitError('proof_invalid', 'A bearer token has no holder and takes no proof.');
  if (!equal(holder, by.bytes)) {
    throw new AmbitError(
      'proof_invalid',
      "The key is not that of the token's current holder; use the holder's.",
    );
  }
  return new Prefixes(contents.frame).all();
}

function plan(token: string, call: Call, given: ProofOptions, by: PublicKey<'holder'>): SigningPlan<string> {
  requireCall(call);
  const options = bare(given, 'options');
  const nonce = options.nonce ?? randomBytes(16);
  if (nonce.length !== 16) throw new TypeError('nonce: expected 16 bytes');
  const time = Math.floor(options.time);
  if (!(time >= 0)) throw new RangeError('time: expected Unix seconds');
  const fields = {
    audience: requireName('audience', options.audience),
    token: tokenDigest(token, by),
    time,
    freshness: nonce,
  };
  return {
    label: LABELS.statementSigned,
    message: statement(fields, call),
    finish: (signature) => proofText({ kind: 'signed', time, nonce, signature }),
  };
}

/** A signed proof of possession for one call: the text to send beside the token. */
export const prove = (token: string, call: Call, options: ProofOptions, by: Signer<'holder'>): string =>
  signNow(plan(token, call, options, by.publicKey), by);

/** `prove` with a key that answers later. */
export const proveLater = async (
  token: string,
  call: Call,
  options: ProofOptions,
  by: AsyncSigner<'holder'>,
): Promise<string> => signLater(plan(token, call, options, by.publicKey), by);

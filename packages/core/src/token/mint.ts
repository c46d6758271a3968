// Minting: the issuer writes a grant, appends its own restrictions, may seal the whole with its Ed25519 key, and
// MACs it under the key of the one audience it is for (or of the domain).
import { bare, ownOf, requireObject } from '../bare.ts';
import { encodeCaveat, type Caveat, type Restriction } from '../caveats/index.ts';
import type { SealCaveat } from '../caveats/seal.ts';
import { AmbitError } from '../codes.ts';
import { randomBytes } from '../crypto/index.ts';
import { deriveKey, type Keyring } from '../keys/keyring.ts';
import type { PublicKey } from '../keys/key.ts';
import { signLater, signNow, type AsyncSigner, type Signer, type SigningPlan } from '../keys/signer.ts';
import { LABELS } from '../labels.ts';
import type { Budget } from './budget.ts';
import { requireWithinLimits } from './contents.ts';
import { readFrame, tokenText, writeFrame } from './frame.ts';
import { encodeGrant, type Grant } from './grant.ts';
import { newToken } from './mac.ts';
import { Prefixes } from './prefix.ts';

/** What is granted, to whom. Times are Unix seconds. */
export interface GrantSpec {
  readonly operator: Grant['operator'];
  readonly model: Grant['model'];
  readonly session: string;
  readonly user: string;
  /** Tool patterns; an empty list grants nothing. */
  readonly tools: readonly string[];
  /** Data labels; absent: no labeled data may be touched. */
  readonly data?: readonly string[];
  readonly deny?: readonly string[];
  readonly budgets?: readonly Budget[];
  /** How many delegations may follow; absent is 0. */
  readonly delegations?: number;
  readonly issuedAt: number;
  readonly expires: number;
  /** The one service it is for; absent for the issuer's own domain. */
  readonly audience?: string;
  /** Caveats the issuer appends, before its seal. */
  readonly restrictions?: readonly Restriction[];
  /** 16 bytes; random when absent. */
  readonly tokenId?: Uint8Array;
}

/** With the key the token is bound to. */
export interface HolderGrantSpec extends GrantSpec {
  readonly holder: PublicKey<'holder'>;
}

interface Minting {
  readonly grant: Grant;
  readonly key: Uint8Array;
  /** Grant and restrictions, encoded. */
  readonly contents: readonly Uint8Array[];
  readonly caveats: readonly Caveat[];
}

// Own properties only, at every level: what the issuer did not write is not granted because somebody wrote it to
// Object.prototype (law L2).
function begin(keyring: Keyring, given: GrantSpec, holder: Uint8Array | undefined): Minting {
  const { current } = keyring;
  const spec = bare(given, 'grant');
  const grant: Grant = bare(
    {
      tokenId: spec.tokenId ?? randomBytes(16),
      keyId: current.keyId,
      issuer: keyring.issuer,
      issuedAt: spec.issuedAt,
      expires: spec.expires,
      operator: bare(spec.operator, 'operator'),
      model: bare(spec.model, 'model'),
      session: spec.session,
      user: spec.user,
      tools: spec.tools,
      deny: spec.deny ?? [],
      budgets: (spec.budgets ?? []).map((b) => bare(b, 'budget')),
      delegations: spec.delegations ?? 0,
      ...(spec.audience === undefined ? {} : { audience: spec.audience }),
      ...(spec.data === undefined ? {} : { data: spec.data }),
      ...(holder === undefined ? {} : { holder }),
    },
    'grant',
  );
  const caveats = (spec.restrictions ?? []).map((r) => bare(r, 'restriction'));
  return {
    grant,
    caveats,
    key: deriveKey(keyring.issuer, current, spec.audience ?? null).unsafeBytes(),
    contents: [encodeGrant(grant), ...caveats.map(encodeCaveat)],
  };
}

function holderOf(spec: HolderGrantSpec): Uint8Array {
  requireObject(spec, 'grant');
  const holder = ownOf(spec, 'holder');
  if (holder?.use !== 'holder')
    throw new TypeError('holder: expected a PublicKey of a holder; see mintBearer');
  return holder.bytes;
}

function finish(m: Minting, seal?: SealCaveat): string {
  const caveats = seal === undefined ? m.caveats : [...m.caveats, seal];
  const bytes = newToken(m.key, seal === undefined ? m.contents : [...m.contents, encodeCaveat(seal)]);
  requireWithinLimits(m.grant, caveats, bytes);
  if (seal === undefined && m.grant.budgets.some((b) => b.pool !== undefined)) {
    throw new AmbitError(
      'seal_required',
      'A pooled budget holds across audiences, so its grant must be sealed.',
    );
  }
  return tokenText(bytes);
}

function sealPlan(m: Minting, key: PublicKey<'issuer'>): SigningPlan<string> {
  const frame = readFrame(writeFrame(m.contents, new Uint8Array(32)));
  if (frame === null) throw new AmbitError('input_invalid', 'The token would be too large.');
  return {
    label: LABELS.seal,
    message: new Prefixes(frame).all(),
    finish: (signature) => finish(m, { type: 'seal', key: key.bytes, signature }),
  };
}

/**
 * Mints a token bound to `spec.holder` under the keyring's current key; with `seal`, sealed by the issuer's
 * Ed25519 key. Returns the text form. Throws AmbitError `input_invalid` that names the field.
 */
export function mint(keyring: Keyring, spec: HolderGrantSpec, seal?: Signer<'issuer'>): string {
  const m = begin(keyring, spec, holderOf(spec));
  return seal === undefined ? finish(m) : signNow(sealPlan(m, seal.publicKey), seal);
}

/** `mint` with a seal by a key that answers later (KMS, HSM, WebCrypto). */
export async function mintSealed(
  keyring: Keyring,
  spec: HolderGrantSpec,
  seal: AsyncSigner<'issuer'>,
): Promise<string> {
  return signLater(sealPlan(begin(keyring, spec, holderOf(spec)), seal.publicKey), seal);
}

/**
 * Mints a bearer token: anyone who has it can use it. It can't be delegated, and a verifier refuses it unless its
 * configuration says `bearer: true`.
 */
export function mintBearer(keyring: Keyring, spec: GrantSpec): string {
  if ((bare(spec, 'grant').delegations ?? 0) > 0)
    throw new AmbitError('input_invalid', "A bearer token can't be delegated.");
  return finish(begin(keyring, spec, undefined));
}

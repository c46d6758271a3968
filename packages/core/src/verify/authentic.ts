// A token whose bytes have been found genuine: by MAC or by signatures. It owns its memory, is shared by all
// uses of the same bytes, and shows texts and numbers only: no byte array that a user could change, no tail
// (laws L6, L12; attack S9). It is not yet a `VerifiedToken`: its holder is not proved.
import { toBase64url, toHex } from '../bytes.ts';
import type { Caveat, CaveatCheck } from '../caveats/index.ts';
import type { ChargeRule } from '../charges.ts';
import type { Budget } from '../token/budget.ts';
import { earliestExpiry, latestBeginning } from '../token/contents.ts';
import type { Frame } from '../token/frame.ts';
import type { Grant } from '../token/grant.ts';
import { Prefixes } from '../token/prefix.ts';

/** How a token was found genuine. */
export type VerifiedBy = 'mac' | 'signatures';

/** One holder in the chain. The node's id is what revocation names. */
export interface ChainNode {
  /** base64url of D(0) for the root and of D(i+1) for the delegation at caveat i; 43 characters. */
  readonly id: string;
  /** base64url of the Ed25519 public key. */
  readonly holder: string;
  /** What the delegator called it: a claim. Absent for the root. */
  readonly label?: string;
  /** When, by the delegator's claim, in Unix seconds. Absent for the root. */
  readonly time?: number;
  /** Index of the `delegate` caveat; -1 for the root. */
  readonly caveat: number;
}

/** What may be known of a token: deeply frozen, no bytes, no secret. */
export interface TokenView {
  readonly verifiedBy: VerifiedBy;
  /** Hexadecimal, 32 characters. */
  readonly tokenId: string;
  readonly keyId: string;
  readonly issuer: string;
  readonly audience: string | null;
  readonly issuedAt: number;
  /** The earliest expiry of grant and `time` caveats. */
  readonly expires: number;
  /** `config`: hexadecimal SHA-256 of the operator's configuration, or null. */
  readonly operator: { readonly id: string; readonly config: string | null };
  /** `digest`: hexadecimal SHA-256 of the model's artifact. */
  readonly model: { readonly id: string; readonly digest: string };
  readonly session: string;
  readonly user: string;
  readonly tools: readonly string[];
  readonly data: readonly string[] | null;
  readonly deny: readonly string[];
  readonly budgets: readonly Budget[];
  /** base64url of the current holder's key; null for a bearer token. */
  readonly holder: string | null;
  /** The chain of holders, root first; empty for a bearer token. */
  readonly chain: readonly ChainNode[];
  /** Delegations that may still follow. */
  readonly delegationsLeft: number;
  /** base64url of the issuer's seal key that signed it and that the verifier knows, or null. */
  readonly sealedBy: string | null;
  /** base64url of D(n). */
  readonly digest: string;
}

/** What verification hands to the one who makes it authentic; module-internal. */
export interface AuthenticParts {
  readonly frame: Frame;
  readonly grant: Grant;
  readonly caveats: readonly Caveat[];
  readonly prefixes: Prefixes;
  readonly verifiedBy: VerifiedBy;
  readonly holder: Uint8Array | undefined;
  readonly delegationsLeft: number;
  readonly sealedBy: Uint8Array | null;
}

/** Makes an authentic token; for verifiers only. */
export let makeAuthentic: (parts: AuthenticParts) => AuthenticToken;
/** What an authentic token is made of, bytes included. */
export let partsOf: (t: AuthenticToken) => AuthenticParts;
/** The charge rules of a token: computed once by `make`, since each has an id that is a digest. */
export let chargeRulesOf: (
  t: AuthenticToken,
  make: (parts: AuthenticParts) => readonly ChargeRule[],
) => readonly ChargeRule[];

/** What asks each caveat of a token, or null for one that no call has to be asked about: found once by `make`. */
export let checksOf: (
  t: AuthenticToken,
  make: (parts: AuthenticParts) => readonly (CaveatCheck | null)[],
) => readonly (CaveatCheck | null)[];

/** Known to this file only: what the constructor demands, since `private` is the compiler's word alone. */
const CONSTRUCT: unique symbol = Symbol('authentic');

/** A genuine token. Made by a verifier only. */
export class AuthenticToken {
  readonly #parts: AuthenticParts;
  #view: TokenView | null = null;
  #begins = -1;
  #expires = -1;
  #rules: readonly ChargeRule[] | null = null;
  #checks: readonly (CaveatCheck | null)[] | null = null;

  private constructor(door: typeof CONSTRUCT, parts: AuthenticParts) {
    if (door !== CONSTRUCT) throw new TypeError('AuthenticToken: only a verifier makes one');
    this.#parts = parts;
  }

  /** Everything that may be shown. */
  get view(): TokenView {
    return (this.#view ??= viewOf(this.#parts, this.expires));
  }

  /** Unix seconds: the earliest expiry of grant and `time` caveats. */
  get expires(): number {
    if (this.#expires < 0) this.#expires = earliestExpiry(this.#parts.grant, this.#parts.caveats);
    return this.#expires;
  }

  /** Unix seconds: the latest beginning of grant and `time` caveats. */
  get begins(): number {
    if (this.#begins < 0) this.#begins = latestBeginning(this.#parts.grant, this.#parts.caveats);
    return this.#begins;
  }

  toJSON(): TokenView {
    return this.view;
  }

  static {
    // The doors for this package's own modules; not exported from the package.
    makeAuthentic = (parts) => new AuthenticToken(CONSTRUCT, parts);
    partsOf = (t) => t.#parts;
    chargeRulesOf = (t, make) => (t.#rules ??= make(t.#parts));
    checksOf = (t, make) => (t.#checks ??= make(t.#parts));
  }
}

function viewOf(p: AuthenticParts, expires: number): TokenView {
  const { grant, caveats, prefixes } = p;
  const chain: ChainNode[] = [];
  if (grant.holder !== undefined) {
    chain.push(
      Object.freeze({ id: toBase64url(prefixes.at(0)), holder: toBase64url(grant.holder), caveat: -1 }),
    );
    caveats.forEach((c, i) => {
      if (c.type !== 'delegate') return;
      const id = toBase64url(prefixes.at(i + 1));
      chain.push(Object.freeze({ id, holder: toBase64url(c.to), label: c.label, time: c.time, caveat: i }));
    });
  }
  const { operator, model } = grant;
  return Object.freeze({
    verifiedBy: p.verifiedBy,
    tokenId: toHex(grant.tokenId),
    keyId: grant.keyId,
    issuer: grant.issuer,
    audience: grant.audience ?? null,
    issuedAt: grant.issuedAt,
    expires,
    operator: Object.freeze({
      id: operator.id,
      config: operator.config === undefined ? null : toHex(operator.config),
    }),
    model: Object.freeze({ id: model.id, digest: toHex(model.digest) }),
    session: grant.session,
    user: grant.user,
    tools: Object.freeze([...grant.tools]),
    data: grant.data === undefined ? null : Object.freeze([...grant.data]),
    deny: Object.freeze([...grant.deny]),
    budgets: Object.freeze(grant.budgets.map(frozenBudget)),
    holder: p.holder === undefined ? null : toBase64url(p.holder),
    chain: Object.freeze(chain),
    delegationsLeft: p.delegationsLeft,
    sealedBy: p.sealedBy === null ? null : toBase64url(p.sealedBy),
    digest: toBase64url(prefixes.all()),
  });
}

const frozenBudget = (b: Budget): Budget =>
  Object.freeze(b.tools === undefined ? { ...b } : { ...b, tools: Object.freeze([...b.tools]) });

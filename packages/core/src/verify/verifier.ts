// The verifier: bytes to a `VerifiedToken` (law L6, SPEC.md "Verification"). Order: sizes, the selectors, MAC (or
// seal), grant and caveats, delegation signatures, proof. Until the MAC has passed, every refusal is marked
// `unverified`, and what a caller may be told of it is `token_invalid` (`forCaller`).
import { BoundedMap } from '../bounded-map.ts';
import { equal } from '../bytes.ts';
import { Reader, MALFORMED } from '../cbor/index.ts';
import { deny, type Denial } from '../codes.ts';
import { CACHES } from '../limits.ts';
import { requireCall } from '../make-call.ts';
import { SessionTable } from '../proof/session-table.ts';
import type { SessionOffer } from '../proof/proof-session.ts';
import { readContents, sealOf } from '../token/contents.ts';
import { readToken, type Frame } from '../token/frame.ts';
import { readSelectors, type Selectors } from '../token/grant.ts';
import { tailFrom, tailOf } from '../token/mac.ts';
import { Prefixes } from '../token/prefix.ts';
import { makeAuthentic, partsOf, type AuthenticToken, type VerifiedBy } from './authentic.ts';
import { TokenCache } from './cache.ts';
import { configure, type Config, type HeldKey, type Presentation, type VerifierOptions } from './options.ts';
import { mismatch } from './mismatch.ts';
import { checkProof } from './possession.ts';
import { checkSignatures } from './signatures.ts';
import { checkTimes } from './times.ts';
import { makeVerified, type VerifiedToken } from './verified.ts';

/** A genuine token, perhaps expired, whose holder is not proved: for provenance. It can't be authorized. */
export type Identification = { readonly ok: true; readonly token: AuthenticToken } | Denial;
/** A genuine token shown by its holder for one call. */
export type Verification = { readonly ok: true; readonly token: VerifiedToken } | Denial;

const unverified = (denial: Denial): Denial => ({ ...denial, unverified: true });
const refuse = (why: string): Denial => unverified(deny('token_invalid', why));

/** Verifies tokens for one service under one immutable configuration. A change of keys is another verifier. */
export class Verifier {
  readonly #config: Config;
  /** Tokens that a holder has shown with a good proof, and, on probation, those that nobody has. */
  readonly #tokens: TokenCache | null;
  readonly #unproved: TokenCache | null;
  readonly #signatures: BoundedMap<true>;
  readonly #sessions: SessionTable | null;
  /** The highest time seen: bounds the age of proofs when a clock goes back (attack P4). */
  #highest = 0;

  /** Throws TypeError or RangeError when the options make no verifier. */
  constructor(options: VerifierOptions) {
    this.#config = configure(options);
    const { tokenCache, delegationCache, audience, provider } = this.#config;
    const { tokens, unproved, signatures } = CACHES;
    const few = { entries: Math.min(tokenCache, unproved.entries), bytes: unproved.bytes };
    this.#tokens = tokenCache === 0 ? null : new TokenCache({ entries: tokenCache, bytes: tokens.bytes });
    this.#unproved = tokenCache === 0 ? null : new TokenCache(few);
    this.#signatures = new BoundedMap({ entries: delegationCache, bytes: signatures.bytes });
    this.#sessions =
      options.proofSessions === undefined
        ? null
        : new SessionTable(audience, options.proofSessions, provider);
  }

  /** The name of this service. */
  get audience(): string {
    return this.#config.audience;
  }

  /** Whether tokens that are bound to no key are accepted: what an adapter may ask its callers for. */
  get bearer(): boolean {
    return this.#config.bearer;
  }

  /** What holders need to open a proof session; null when this verifier takes signed proofs only. */
  get sessionOffer(): SessionOffer | null {
    return this.#sessions?.offer ?? null;
  }

  /** Whether the token is genuine, without a proof and at whatever time: provenance only. It does not look at its times. */
  identify(token: string): Identification {
    if (typeof token !== 'string') throw new TypeError('token: expected a text');
    const hit = this.#tokens?.get(token) ?? this.#unproved?.get(token);
    if (hit !== undefined) return { ok: true, token: hit };
    const found = this.#fromBytes(token);
    if (found.ok) this.#unproved?.set(token, found.token);
    return found;
  }

  #fromBytes(token: string): Identification {
    const frame = readToken(token);
    if (frame === null) return refuse('malformed');
    let selectors: Selectors;
    try {
      selectors = readSelectors(new Reader(frame.bytes, frame.spans[0], frame.spans[1]));
    } catch (error) {
      if (error === MALFORMED) return refuse('malformed');
      throw error;
    }
    const { audience, issuer, keyId } = selectors;
    if (audience !== undefined && audience !== this.#config.audience)
      return unverified(deny('wrong_audience'));
    const held = this.#config.keys.get(issuer);
    const side = audience === undefined ? held?.domain : held?.own;
    if (side) return this.#byMac(frame, side.get(keyId));
    if (this.#config.federated.has(issuer)) return this.#bySignatures(frame);
    return refuse('unknown issuer or key');
  }

  #byMac(frame: Frame, entry: HeldKey | undefined): Identification {
    if (entry === undefined) return refuse('unknown key id');
    const parent = this.#tokens?.parentOf(frame) ?? this.#unproved?.parentOf(frame);
    const tail = new Uint8Array(32);
    if (parent === undefined) tailOf(entry.key, frame, tail);
    else {
      // The parent's MAC has passed: its tail stands in its bytes.
      const known = partsOf(parent).frame;
      tailFrom(known.bytes.subarray(known.tailAt), frame, known.items, tail);
    }
    if (!equal(tail, frame.bytes.subarray(frame.tailAt))) return refuse('MAC');
    if (entry.retired) return deny('key_retired');
    return this.#contents(frame, 'mac', parent);
  }

  #bySignatures(frame: Frame): Identification {
    const done = this.#contents(frame, 'signatures');
    return done.ok ? done : unverified(done);
  }

  // Everything behind the MAC; or, by signatures, everything.
  #contents(frame: Frame, verifiedBy: VerifiedBy, parent?: AuthenticToken): Identification {
    const contents = readContents(frame, parent === undefined ? undefined : partsOf(parent));
    if (contents === null) return deny('token_invalid', 'malformed grant or caveat');
    const prefixes = new Prefixes(frame);
    const signatures = checkSignatures(contents, prefixes, this.#config, this.#signatures);
    if (!signatures.ok) return signatures;
    const { holder, delegationsLeft, sealedBy } = signatures;
    const { grant, caveats } = contents;
    if (sealedBy === null && (verifiedBy === 'signatures' || this.#config.requireSeal)) {
      return deny(
        'seal_required',
        sealOf(contents.caveats) === undefined ? 'it has none' : 'its seal key is not known',
      );
    }
    if (holder === undefined && !this.#config.bearer) return deny('bearer_refused');
    // A pool is shared with other audiences: only a sealed grant may name one (attack S13).
    if (sealedBy === null && grant.budgets.some((b) => b.pool !== undefined)) {
      return deny('seal_required', 'a pooled budget', -1);
    }
    const parts = { frame, grant, caveats, prefixes, verifiedBy, holder, delegationsLeft, sealedBy };
    return { ok: true, token: makeAuthentic(parts) };
  }

  /**
   * Whether the token is genuine, valid now, and shown by its holder for this very call. The policy comes after, in
   * `authorize`. A session proof's number is claimed here where the windows are this verifier's own; where replicas share
   * them (`openGuard` and the command line) it is claimed by the ledger after policy, like a signed proof's nonce.
   */
  verify(p: Presentation): Verification {
    requireCall(p.call);
    if (typeof p.token !== 'string') throw new TypeError('token: expected a text');
    // Types as well: a text compares like a number and adds like a text (`'1772373900' + 30`).
    if (!(typeof p.now === 'number' && p.now >= 0 && p.now < Infinity)) {
      throw new RangeError('now: expected Unix seconds');
    }
    const kept = this.#tokens?.get(p.token);
    const known = kept ?? this.#unproved?.get(p.token);
    const authentic: Identification =
      known === undefined ? this.#fromBytes(p.token) : { ok: true, token: known };
    if (!authentic.ok) return authentic;
    if (p.now > this.#highest) this.#highest = p.now;
    // Before the proof: a session proof claims its number there, and an expired token must not change any state (L8)
    // nor cost a signature. Its times are no secret, whoever shows it can read them in it.
    const late = checkTimes(authentic.token, this.#highest, this.#config.skew);
    if (late !== null) return late;
    const proved = checkProof(authentic.token, p, this.#config, this.#sessions, this.#highest);
    if (!proved.ok) {
      if (known === undefined) this.#unproved?.set(p.token, authentic.token);
      return proved;
    }
    // Only now: whoever has a token's bytes could fill the cache with others that it made of them (attack K1).
    if (kept === undefined) this.#tokens?.set(p.token, authentic.token);
    return { ok: true, token: makeVerified(authentic.token, p.call, this.#config, this.#highest, proved) };
  }

  /**
   * For the log of an operator, when `verify` said `proof_invalid`: what the proof fits instead, or what it should have
   * been made for. It costs up to 14 verifications of a signature, so ask it seldom. A caller must not be told.
   * `origins`: those under which the client may have reached this service.
   */
  mismatch(p: Presentation, origins: readonly string[] = []): string {
    requireCall(p.call);
    const found = this.identify(p.token);
    return found.ok ? mismatch(found.token, p, this.#config, this.#sessions, origins) : 'no genuine token';
  }
}

/** A verifier over `options`. Throws TypeError or RangeError for misuse. */
export const createVerifier = (options: VerifierOptions): Verifier => new Verifier(options);

// A verifier's configuration: immutable, checked when it is built. It alone decides which way a token is
// verified (docs/design.md section 5): by MAC where it holds a key for (issuer, own audience or none), by
// signatures where the issuer is listed as federated and no such key is held. The token never chooses.
import { bare } from '../bare.ts';
import { keyOf32 } from '../bytes.ts';
import type { Call } from '../call.ts';
import { nobleProvider, type Provider } from '../crypto/index.ts';
import { PublicKey } from '../keys/key.ts';
import { VerificationKey } from '../keys/keyring.ts';
import { DEFAULTS } from '../limits.ts';
import { compileTools, isToolPattern } from '../patterns.ts';
import type { SessionTableOptions } from '../proof/session-table.ts';
import { requireName } from '../token/names.ts';

/** A seal key, pinned: it counts for grants of this issuer, and of these operators when they are named. */
export interface SealKey {
  readonly issuer: string;
  readonly operators?: readonly string[];
  readonly key: PublicKey<'issuer'>;
}

/** What a service knows and accepts. */
export interface VerifierOptions {
  /** The name of this service; tokens name it, statements cover it. */
  readonly audience: string;
  /** Verification keys for this audience, and domain keys for a central guard. */
  readonly keys?: readonly VerificationKey[];
  /** Seal keys known; a seal by any other key counts as none. */
  readonly seals?: readonly SealKey[];
  /** Issuers whose tokens are verified by signatures alone; each needs a seal key above. */
  readonly federated?: readonly string[];
  /** Refuse tokens without a seal by a known key. */
  readonly requireSeal?: boolean;
  /** Accept bearer tokens. */
  readonly bearer?: boolean;
  /** Tool patterns for which a session proof is not enough. */
  readonly signedProofTools?: readonly string[];
  /** Seconds a signed proof lives; default 60. */
  readonly proofAge?: number;
  /** Allowed clock skew, in seconds; default 30. */
  readonly skew?: number;
  /** Take session proofs; absent: signed proofs only. */
  readonly proofSessions?: SessionTableOptions;
  /** Ed25519 and X25519; default noble. */
  readonly provider?: Provider;
  /** Entries kept: tokens by exact bytes (default 1024), delegation signatures (default 4096). 0 turns one off. */
  readonly cache?: { readonly tokens?: number; readonly delegations?: number };
}

/** What came with a call. `now` is Unix seconds. */
export interface Presentation {
  readonly token: string;
  /** The proof's text; absent for a bearer token. */
  readonly proof?: string | undefined;
  readonly call: Call;
  readonly now: number;
}

/** A verification key, prepared for lookup. */
export interface HeldKey {
  readonly key: Uint8Array;
  readonly retired: boolean;
}

/** What is held of one issuer. */
export interface IssuerKeys {
  readonly own: ReadonlyMap<string, HeldKey> | null;
  readonly domain: ReadonlyMap<string, HeldKey> | null;
}

/** The same, checked, with everything looked up by what a token names. */
export interface Config {
  readonly audience: string;
  /** By issuer: the keys of this audience and those of the domain, by key id; a side without keys is null. */
  readonly keys: ReadonlyMap<string, IssuerKeys>;
  readonly seals: ReadonlyMap<string, readonly SealKey[]>;
  readonly federated: ReadonlySet<string>;
  readonly requireSeal: boolean;
  readonly bearer: boolean;
  readonly needsSignedProof: (tool: string) => boolean;
  readonly proofAge: number;
  readonly skew: number;
  readonly provider: Provider;
  readonly tokenCache: number;
  readonly delegationCache: number;
}

function seconds(field: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${field}: expected whole seconds, got ${value}`);
  return value;
}

/** Checks options once; throws TypeError or RangeError for misuse. */
export function configure(given: VerifierOptions): Config {
  const o = bare(given, 'options');
  const cache = bare(o.cache ?? {}, 'cache');
  const audience = requireName('audience', o.audience);
  const keys = new Map<string, { own: Map<string, HeldKey> | null; domain: Map<string, HeldKey> | null }>();
  for (const k of o.keys ?? []) {
    if (!(k instanceof VerificationKey)) throw new TypeError('keys: expected VerificationKey');
    if (k.audience !== null && k.audience !== audience) {
      throw new TypeError(`keys: ${k.toString()} is not for ${audience}`);
    }
    const held = keys.get(k.issuer) ?? { own: null, domain: null };
    const side = (held[k.audience === null ? 'domain' : 'own'] ??= new Map());
    if (side.has(k.keyId)) throw new TypeError(`keys: ${k.toString()} is given twice`);
    side.set(k.keyId, { key: k.unsafeBytes(), retired: k.retired });
    keys.set(k.issuer, held);
  }
  const seals = new Map<string, SealKey[]>();
  for (const s of (o.seals ?? []).map((s) => bare(s, 'seals'))) {
    if (!(s.key instanceof PublicKey) || s.key.use !== 'issuer')
      throw new TypeError('seals: expected a PublicKey of an issuer');
    requireName('seals issuer', s.issuer);
    const name = keyOf32(s.key.bytes);
    seals.set(name, [...(seals.get(name) ?? []), Object.freeze(s)]);
  }
  const federated = new Set(o.federated ?? []);
  for (const issuer of federated) {
    if (![...seals.values()].some((pins) => pins.some((p) => p.issuer === issuer))) {
      throw new TypeError(`federated: no seal key is known for ${issuer}`);
    }
  }
  if (keys.size === 0 && federated.size === 0)
    throw new TypeError('keys: expected a verification key or a federated issuer');
  const signed = o.signedProofTools ?? [];
  if (!signed.every(isToolPattern)) throw new TypeError('signedProofTools: expected tool patterns');
  return Object.freeze({
    audience,
    keys,
    seals,
    federated,
    requireSeal: o.requireSeal ?? false,
    bearer: o.bearer ?? false,
    needsSignedProof: compileTools(signed),
    proofAge: seconds('proofAge', o.proofAge, DEFAULTS.proofAge),
    skew: seconds('skew', o.skew, DEFAULTS.skew),
    provider: o.provider ?? nobleProvider,
    tokenCache: seconds('cache.tokens', cache.tokens, DEFAULTS.tokenCache),
    delegationCache: seconds('cache.delegations', cache.delegations, DEFAULTS.delegationCache),
  });
}

// The grant: who acts for whom, and the authority given. A CBOR map with integer keys: those of CWT where one
// is registered (RFC 8392 section 3.1; `cnf` by RFC 8747 section 3.2), and negative ones of our own (SPEC.md,
// "Grant"). Every key is known or the token is refused (law L2).
import { encode, MALFORMED, Reader, type Cbor } from '../cbor/index.ts';
import { AmbitError } from '../codes.ts';
import { isLabel, isToolPattern } from '../patterns.ts';
import { budgetToCbor, poolsTwice, readBudgets, requireBudget, type Budget } from './budget.ts';
import { isList, isWhole, readList } from './lists.ts';
import { isName, requireName } from './names.ts';
import { LIMITS } from '../limits.ts';

/** Map keys of a grant. */
export const GRANT_KEYS = {
  issuer: 1,
  user: 2,
  audience: 3,
  expires: 4,
  issuedAt: 6,
  tokenId: 7,
  holder: 8,
  keyId: -1,
  operator: -2,
  model: -3,
  session: -4,
  tools: -5,
  data: -6,
  deny: -7,
  budgets: -8,
  delegations: -9,
} as const;

/** The decoded grant. Byte strings are copies; times are Unix seconds. */
export interface Grant {
  /** 16 random bytes. */
  readonly tokenId: Uint8Array;
  readonly keyId: string;
  readonly issuer: string;
  /** The one service it is for; absent for the issuer's own domain. */
  readonly audience?: string;
  readonly issuedAt: number;
  readonly expires: number;
  /** Ed25519 public key of the first holder; absent for a bearer token. */
  readonly holder?: Uint8Array;
  /** Operator id, and the digest of its configuration (32 bytes) when it has one. */
  readonly operator: { readonly id: string; readonly config?: Uint8Array | undefined };
  /** Model id, and the SHA-256 digest of its artifact (32 bytes). */
  readonly model: { readonly id: string; readonly digest: Uint8Array };
  readonly session: string;
  readonly user: string;
  /** Tool patterns granted; empty grants nothing. */
  readonly tools: readonly string[];
  /** Data labels granted. Absent: the call must touch no labeled data (facts give an empty list). */
  readonly data?: readonly string[];
  /** Tool patterns refused regardless of what else is granted. */
  readonly deny: readonly string[];
  readonly budgets: readonly Budget[];
  /** How many delegations may follow. */
  readonly delegations: number;
}

const pair = (id: string, digest: Uint8Array | undefined): Cbor =>
  digest === undefined ? [id] : [id, digest];

function requireBytes(field: string, bytes: Uint8Array, length: number): Uint8Array {
  if (!(bytes instanceof Uint8Array) || bytes.length !== length) {
    throw new AmbitError('input_invalid', `${field}: expected ${length} bytes.`);
  }
  return bytes;
}

function requireTime(field: string, seconds: number): number {
  if (!isWhole(seconds)) {
    throw new AmbitError('input_invalid', `${field}: expected whole Unix seconds.`);
  }
  return seconds;
}

/** The grant's one encoding. Throws AmbitError `input_invalid` that names the field. */
export function encodeGrant(g: Grant): Uint8Array {
  if (!isList(g.tools, isToolPattern))
    throw new AmbitError('input_invalid', 'tools: expected tool patterns.');
  if (!isList(g.deny, isToolPattern)) throw new AmbitError('input_invalid', 'deny: expected tool patterns.');
  if (g.data !== undefined && !isList(g.data, isLabel)) {
    throw new AmbitError('input_invalid', 'data: expected data labels.');
  }
  if (g.budgets.length > LIMITS.counters) throw new AmbitError('input_invalid', 'budgets: at most 16.');
  if (poolsTwice(g.budgets))
    throw new AmbitError('input_invalid', 'budgets: a pool is named twice for one counter.');
  if (requireTime('expires', g.expires) <= requireTime('issued at', g.issuedAt)) {
    throw new AmbitError('input_invalid', 'expires: expected a time after issued at.');
  }
  if (!isWhole(g.delegations) || g.delegations > LIMITS.delegations) {
    throw new AmbitError('input_invalid', `delegations: expected 0 to ${LIMITS.delegations}.`);
  }
  const map = new Map<number, Cbor>([
    [GRANT_KEYS.issuer, requireName('issuer', g.issuer)],
    [GRANT_KEYS.user, requireName('user', g.user)],
    [GRANT_KEYS.expires, g.expires],
    [GRANT_KEYS.issuedAt, g.issuedAt],
    [GRANT_KEYS.tokenId, requireBytes('token id', g.tokenId, 16)],
    [GRANT_KEYS.keyId, requireName('key id', g.keyId)],
    [GRANT_KEYS.operator, pair(requireName('operator', g.operator.id), g.operator.config)],
    [GRANT_KEYS.model, [requireName('model', g.model.id), requireBytes('model digest', g.model.digest, 32)]],
    [GRANT_KEYS.session, requireName('session', g.session)],
    [GRANT_KEYS.tools, g.tools],
  ]);
  if (g.operator.config !== undefined) requireBytes('operator configuration digest', g.operator.config, 32);
  if (g.audience !== undefined) map.set(GRANT_KEYS.audience, requireName('audience', g.audience));
  if (g.holder !== undefined) map.set(GRANT_KEYS.holder, confirmation(requireBytes('holder', g.holder, 32)));
  if (g.data !== undefined) map.set(GRANT_KEYS.data, g.data);
  // Absent and empty mean the same for these three, so only one of the two forms is legal: absent.
  if (g.deny.length > 0) map.set(GRANT_KEYS.deny, g.deny);
  if (g.budgets.length > 0) {
    map.set(
      GRANT_KEYS.budgets,
      g.budgets.map((b) => budgetToCbor(requireBudget(b, true))),
    );
  }
  if (g.delegations > 0) map.set(GRANT_KEYS.delegations, g.delegations);
  return encode(map);
}

// `cnf` = {1: COSE_Key}; COSE_Key = {1 (kty): 1 (OKP), -1 (crv): 6 (Ed25519), -2 (x): key} (RFC 9053 section 7.2).
const confirmation = (key: Uint8Array): Cbor =>
  new Map([[1, new Map<number, Cbor>([[1, 1], [-1, 6], [-2, key]])]]); // prettier-ignore

function readConfirmation(r: Reader): Uint8Array {
  if (r.map() !== 1 || r.uint() !== 1 || r.map() !== 3) throw MALFORMED;
  if (r.uint() !== 1 || r.uint() !== 1 || r.int() !== -1 || r.uint() !== 6 || r.int() !== -2) throw MALFORMED;
  return r.byteStringCopy(32);
}

const readName = (r: Reader): string => r.textThat(isName, LIMITS.nameBytes);

/** Reads the grant that fills `reader` to its end; throws MALFORMED for anything else. */
export function readGrant(r: Reader): Grant {
  // Every field is the object's own, absent ones as undefined: nothing is looked up in an Object.prototype that
  // somebody has written to. Not an object without a prototype: V8 keeps those as dictionaries (4 us a token).
  const g: { -readonly [K in keyof Grant]-?: Grant[K] | undefined } = {
    tokenId: undefined, keyId: undefined, issuer: undefined, audience: undefined, issuedAt: undefined,
    expires: undefined, holder: undefined, operator: undefined, model: undefined, session: undefined,
    user: undefined, tools: undefined, data: undefined, deny: NONE, budgets: NO_BUDGETS, delegations: 0,
  }; // prettier-ignore
  let previous: number | null = null;
  for (let n = r.map(); n > 0; n--) {
    const key = r.mapKey(previous);
    previous = key;
    switch (key) {
      case GRANT_KEYS.issuer: g.issuer = readName(r); break;
      case GRANT_KEYS.user: g.user = readName(r); break;
      case GRANT_KEYS.audience: g.audience = readName(r); break;
      case GRANT_KEYS.expires: g.expires = r.uint(); break;
      case GRANT_KEYS.issuedAt: g.issuedAt = r.uint(); break;
      case GRANT_KEYS.tokenId: g.tokenId = r.byteStringCopy(16); break;
      case GRANT_KEYS.holder: g.holder = readConfirmation(r); break;
      case GRANT_KEYS.keyId: g.keyId = readName(r); break;
      case GRANT_KEYS.operator: g.operator = readOperator(r); break;
      case GRANT_KEYS.model: r.array(2); g.model = { id: readName(r), digest: r.byteStringCopy(32) }; break;
      case GRANT_KEYS.session: g.session = readName(r); break;
      case GRANT_KEYS.tools: g.tools = readList(r, isToolPattern); break;
      case GRANT_KEYS.data: g.data = readList(r, isLabel); break;
      case GRANT_KEYS.deny: g.deny = nonEmpty(readList(r, isToolPattern)); break;
      case GRANT_KEYS.budgets: g.budgets = nonEmpty(readBudgets(r, true)); break;
      case GRANT_KEYS.delegations: g.delegations = r.uint(); break;
      default: throw MALFORMED;
    }
  } // prettier-ignore
  r.done();
  if (
    g.issuer === undefined || g.user === undefined || g.expires === undefined || g.issuedAt === undefined ||
    g.tokenId === undefined || g.keyId === undefined || g.operator === undefined || g.model === undefined ||
    g.session === undefined || g.tools === undefined || g.expires <= g.issuedAt ||
    (previous === GRANT_KEYS.delegations && g.delegations === 0) || g.delegations! > LIMITS.delegations
  ) throw MALFORMED; // prettier-ignore
  return g as Grant;
}

const NONE: readonly string[] = Object.freeze([]);
const NO_BUDGETS: readonly Budget[] = Object.freeze([]);

function nonEmpty<T>(list: readonly T[]): readonly T[] {
  if (list.length === 0) throw MALFORMED;
  return list;
}

function readOperator(r: Reader): Grant['operator'] {
  const n = r.array();
  if (n !== 1 && n !== 2) throw MALFORMED;
  const id = readName(r);
  return { id, config: n === 1 ? undefined : r.byteStringCopy(32) };
}

/** The two selectors that are read before the MAC is checked (law L6): key id, and audience or its absence. */
export interface Selectors {
  readonly keyId: string;
  readonly audience: string | undefined;
  /** Only used by a verifier that accepts federated issuers: which of the two ways its configuration names. */
  readonly issuer: string;
}

/**
 * Finds the selectors in the grant at `r` without interpreting anything else: its keys in their order up to the key
 * id, values passed over. Throws MALFORMED.
 */
export function readSelectors(r: Reader): Selectors {
  let keyId: string | undefined;
  let audience: string | undefined;
  let issuer: string | undefined;
  let previous: number | null = null;
  for (let n = r.map(); n > 0; n--) {
    const key = r.mapKey(previous);
    previous = key;
    if (key === GRANT_KEYS.issuer) issuer = r.text(LIMITS.nameBytes);
    else if (key === GRANT_KEYS.audience) audience = r.text(LIMITS.nameBytes);
    else if (key === GRANT_KEYS.keyId) {
      keyId = r.text(LIMITS.nameBytes);
      break; // the keys are in order, so issuer and audience would have come before
    } else r.skip();
  }
  if (keyId === undefined || issuer === undefined) throw MALFORMED;
  return { keyId, audience, issuer };
}

// What a record says (schema version 1). One shape for all kinds, so that a reader needs one decoder; `kind` tells
// which parts it has. Digests and keys are base64url texts here and byte strings in the log.
//
// The four layers are the operator (with the digest of its configuration), the model (with the digest of its
// signed artifact), the session and the user. In a decision with the code `allowed` all four have allowed; in any
// other `allowed` and `refused` name those that were asked, and a layer in neither was not.
import type { DenialCode } from '../core.ts';

export const RECORD_VERSION = 1;

/** Kinds, in the order of their numbers in the log; new ones are appended, none is reused. */
export const KINDS = [
  'mint',
  'attenuate',
  'delegate',
  'decision',
  'outcome',
  'ingest',
  'revocation',
  'session',
  'configuration',
  'alert',
  'approval',
] as const;
export type RecordKind = (typeof KINDS)[number];

export const LAYERS = ['operator', 'model', 'session', 'user'] as const;
export type IdentityLayer = (typeof LAYERS)[number];

export const PROOFS = ['none', 'signed', 'session', 'bearer'] as const;
export const ORIGINS = ['none', 'prompt', 'trusted', 'untrusted', 'agent', 'mixed'] as const;
export const STATUSES = ['ok', 'error', 'timeout', 'cancelled', 'unknown'] as const;
export const TRUSTS = ['unknown', 'trusted', 'untrusted'] as const;
export const SESSION_EVENTS = ['open', 'close', 'expire', 'parked'] as const;

/** One holder in the chain of a token, from the first to the one who acts. */
export interface ChainNode {
  /** D(i): the id by which this node, and everything below it, can be revoked. */
  readonly node: string;
  /** The holder's public key; absent for a bearer token. */
  readonly holder?: string;
  /** What the delegator called it: a claim, for people. */
  readonly label?: string;
}

/** The token. A forged or unverifiable one is `digest`, `size`, `key` and `unverified`, and nothing else. */
export interface TokenFacts {
  readonly issuer?: string;
  readonly key?: string;
  readonly id?: string;
  readonly audience?: string;
  readonly chain?: readonly ChainNode[];
  readonly sealed?: boolean;
  readonly expires?: number;
  /** SHA-256 of the evidence form, or of what was presented when it was not a token. */
  readonly digest?: string;
  readonly size?: number;
  readonly unverified?: boolean;
}

/** A record as it is in the log. */
export interface AuditRecord {
  readonly v: typeof RECORD_VERSION;
  readonly kind: RecordKind;
  /** Unix milliseconds by the writer's clock; never smaller than the record before. */
  readonly at: number;
  /** Which enforcement point recorded it; set by the writer, not by its client. */
  readonly by?: string;
  readonly operator?: { readonly name: string; readonly config?: string };
  readonly model?: { readonly name: string; readonly digest?: string };
  readonly session?: string;
  /** The user's name, or a pseudonym (`~` and 22 characters) where the configuration asks for it. */
  readonly user?: string;
  /** The acting agent: the label of the last holder, or its name in the configuration. */
  readonly agent?: string;
  readonly allowed?: readonly IdentityLayer[];
  readonly refused?: readonly IdentityLayer[];
  readonly token?: TokenFacts;
  readonly proof?: (typeof PROOFS)[number];
  readonly tool?: {
    readonly name: string;
    /** The tool's classes from the configuration: `read`, `write`, `egress`, `money`, `identity`, `destructive`. */
    readonly classes?: readonly string[];
    readonly external?: boolean;
    readonly data?: readonly string[];
    /** Digest of the tool's schema. */
    readonly schema?: string;
  };
  readonly args?: {
    /** Of the canonical arguments, or a salted commitment (`salted`). */
    readonly digest?: string;
    readonly salted?: boolean;
    readonly bytes?: number;
    /** Where the call would send something: hosts, addresses, accounts; plain or pseudonyms. */
    readonly destinations?: readonly string[];
    /** Where the identifiers among the arguments come from. */
    readonly idsFrom?: (typeof ORIGINS)[number];
  };
  /** `allowed`, or a code of the table in core. */
  readonly code?: 'allowed' | DenialCode;
  /** Index of the deciding caveat; -1 for the grant. */
  readonly caveat?: number;
  readonly caveatType?: string;
  readonly reason?: string;
  readonly result?: {
    readonly status: (typeof STATUSES)[number];
    readonly digest?: string;
    readonly salted?: boolean;
    readonly bytes?: number;
    readonly error?: string;
    readonly milliseconds?: number;
  };
  readonly ingest?: {
    readonly source: string;
    readonly trust: (typeof TRUSTS)[number];
    readonly digest?: string;
    readonly salted?: boolean;
    readonly bytes?: number;
  };
  /** The record this one belongs to: of an outcome its decision, of an approval the decision that asked. */
  readonly of?: number;
  /** The decision of the call from within which this call was made. */
  readonly parent?: number;
  /** W3C trace context: 16 bytes and 8 bytes. */
  readonly trace?: string;
  readonly span?: string;
  /** The caller's own id of the call. */
  readonly call?: string;
  /** Place in the session, from 0; with `prev` it shows that no record of the session is missing. */
  readonly seq?: number;
  /** Leaf hash of the session's record before this one. */
  readonly prev?: string;
  readonly revocation?: { readonly target: string; readonly id: string };
  readonly event?: {
    readonly name: (typeof SESSION_EVENTS)[number];
    /** On `close`, `expire` and `parked`: records of the session before this one, and the leaf hash of the last. */
    readonly count?: number;
    readonly head?: string;
  };
  readonly configuration?: { readonly digest: string; readonly previous?: string; readonly what?: string };
  readonly alert?: {
    readonly detector: string;
    /** Thousandths. */
    readonly score?: number;
    readonly action?: string;
    /** The records it rests on. */
    readonly evidence?: readonly number[];
  };
  readonly approval?: { readonly person: string; readonly granted: boolean };
  /** Set when text in this record looked like a secret and was replaced. */
  readonly scrubbed?: boolean;
}

/** What a caller hands in; version, place in the session and (unless given by a trusted caller) time are the writer's. */
export type Draft = Omit<AuditRecord, 'v' | 'at' | 'seq' | 'prev'> & { readonly at?: number };

/** Which layers allowed and refused, spelt out: a layer that was not asked is `'not asked'`. */
export function layersOf(record: AuditRecord): Record<IdentityLayer, 'allowed' | 'refused' | 'not asked'> {
  const say = (layer: IdentityLayer): 'allowed' | 'refused' | 'not asked' => {
    if (record.refused?.includes(layer) === true) return 'refused';
    return record.code === 'allowed' || record.allowed?.includes(layer) === true ? 'allowed' : 'not asked';
  };
  return { operator: say('operator'), model: say('model'), session: say('session'), user: say('user') };
}

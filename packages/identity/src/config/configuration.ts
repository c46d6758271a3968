// The operator's configuration as data: what `parseConfiguration` makes of the YAML text, with every default
// written out, every list that means a set in order, and nothing that could change. It answers who the operator
// is, whose signatures count, what each tool does, and what each model, group and user may do at most.
import type { Budget, PublicKey } from '@ambit/core';

/** The version of the format this package reads. */
export const FORMAT = 1;

/** What a call costs in one unit, whole numbers. */
export interface Price {
  /** At most: what a `cost` budget is charged before the call. */
  readonly most: number;
  /**
   * At least: what it keeps after the call, however little the tool reports. Equal to `most` unless the operator states
   * one: then the tool's own report is believed in between.
   */
  readonly least: number;
}

/** Prices by unit: `microusd`, `tokens`, whatever the operator counts in. */
export type Prices = Readonly<Record<string, Price>>;

/** What the operator states about a tool. What is not stated is assumed at its worst (law L2). */
export interface ToolFacts {
  /** Whether a call leaves the operator's systems. */
  readonly external: boolean;
  /** Labels of the data a call touches; null when not stated, which denies under any data scope. */
  readonly data: readonly string[] | null;
  /** Whether it brings in content from outside (web pages, mail) that is not trusted. */
  readonly untrusted: boolean;
  /** Whether it changes anything. */
  readonly writes: boolean;
  /** Whether a session proof is not enough. */
  readonly signedProof: boolean;
  /** Whether a call may proceed when the state store is down. */
  readonly proceed: boolean;
  /** A class of tools for behavior baselines, such as `search`; null when not stated. */
  readonly class: string | null;
  /** What a call costs; a unit that is not stated denies under a `cost` budget in it. */
  readonly price: Prices;
}

/** Tools, data and what is taken away: the authority one layer leaves. */
export interface UserAuthority {
  readonly tools: readonly string[];
  readonly data: readonly string[];
  readonly deny: readonly string[];
}

/** Bounds that a layer sets on a session; absent where it sets none. */
export interface Ceilings {
  /** Seconds a grant may live. */
  readonly life?: number;
  readonly delegations?: number;
  readonly budgets: readonly Budget[];
}

/** A model the operator admits: who must have attested its artifact, and what any agent on it may do at most. */
export interface ModelEntry extends UserAuthority, Ceilings {
  /** Names of `signers`; at least one. */
  readonly signers: readonly string[];
  /** Artifacts admitted, `sha256:...`; null when any artifact attested by a signer is. */
  readonly digests: readonly string[] | null;
}

/** A group: what its members may do with which data. */
export interface GroupEntry extends UserAuthority, Ceilings {}

/** A user: the groups, and rights of one's own beside them. */
export interface UserEntry extends UserAuthority, Ceilings {
  readonly groups: readonly string[];
}

/** Terms of a session: what it gets unless it asks for less, and the most it can get. */
export interface SessionTerms {
  readonly life: number;
  readonly delegations: number;
  readonly budgets: readonly Budget[];
}

/** Another operator whose sealed tokens are accepted, and the most that is accepted from it. */
export interface FederatedEntry extends UserAuthority, Ceilings {
  /** Its issuer's name, as its grants state it. */
  readonly issuer: string;
  /** Its issuer seal keys, by a name of the configuration's choice. */
  readonly keys: ReadonlyMap<string, PublicKey<'issuer'>>;
}

/** Where users' rights come from: this text, or a resolver of the service that is at most `staleness` seconds behind. */
export type EntitlementSource =
  { readonly from: 'configuration' } | { readonly from: 'resolver'; readonly staleness: number };

/** The whole configuration, deeply frozen by construction. */
export interface Configuration {
  readonly operator: string;
  readonly issuer: string;
  /** The operator's own issuer seal keys, by name. */
  readonly keys: ReadonlyMap<string, PublicKey<'issuer'>>;
  /** Those who may attest model artifacts, by name. */
  readonly signers: ReadonlyMap<string, PublicKey<'model'>>;
  /** Facts about tools that `tools` does not name. */
  readonly defaults: ToolFacts;
  /** By tool name or pattern; the most specific one counts. */
  readonly tools: ReadonlyMap<string, ToolFacts>;
  /** The most any agent of this operator may do. */
  readonly allow: UserAuthority;
  readonly models: ReadonlyMap<string, ModelEntry>;
  readonly groups: ReadonlyMap<string, GroupEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly entitlements: EntitlementSource;
  readonly sessions: { readonly default: SessionTerms; readonly most: SessionTerms };
  /** Seconds that tokens minted under the configuration before this one stay valid; 0 unless stated. */
  readonly grace: number;
  /** Percent of a budget that may be used before a warning is given; null for none. */
  readonly warn: number | null;
  readonly federation: ReadonlyMap<string, FederatedEntry>;
}

/** What is assumed about an unclassified tool when the configuration states no `defaults`: the worst. */
export const WORST: ToolFacts = Object.freeze({
  external: true,
  data: null,
  untrusted: true,
  writes: true,
  signedProof: false,
  proceed: false,
  class: null,
  price: Object.freeze({}),
});

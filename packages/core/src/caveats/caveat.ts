// The caveats: each a predicate over one request, all of which must hold (docs/design.md section 3). This file
// is the vocabulary; `encode.ts` and `parse.ts` give the bytes, `../authorize/` evaluates.
import type { Constraint } from '../args/constraint.ts';
import type { Budget } from '../token/budget.ts';

/** Wire numbers of the caveat types (SPEC.md, "Caveats"). */
export const CAVEAT_TYPES = {
  time: 1,
  audience: 2,
  tools: 3,
  deny: 4,
  args: 5,
  data: 6,
  budget: 7,
  depth: 8,
  delegate: 9,
  seal: 10,
  http: 11,
  net: 12,
  once: 13,
  note: 14,
  flow: 15,
} as const;

/** What a `flow` caveat asks of its tools once untrusted content is in the session. */
export type FlowRule = 'refuse' | 'named' | 'approval';

/** not-before <= now + skew, and now < expires. Unix seconds; at least one of the two. */
export interface TimeCaveat {
  readonly type: 'time';
  readonly notBefore?: number;
  readonly expires?: number;
}
/** The verifier is one of these. */
export interface AudienceCaveat {
  readonly type: 'audience';
  readonly audiences: readonly string[];
}
/** The tool matches one of these patterns. */
export interface ToolsCaveat {
  readonly type: 'tools';
  readonly tools: readonly string[];
}
/** The tool matches none of these patterns. */
export interface DenyCaveat {
  readonly type: 'deny';
  readonly tools: readonly string[];
}
/** For the tools named: every argument listed meets its constraint; `closed` refuses any other argument. */
export interface ArgsCaveat {
  readonly type: 'args';
  readonly tools: readonly string[];
  readonly args: ReadonlyMap<string, Constraint>;
  readonly closed: boolean;
}
/** Every label of the data touched lies under one of these. */
export interface DataCaveat {
  readonly type: 'data';
  readonly labels: readonly string[];
}
/** Every counter has room, and so has every ancestor's. */
export interface BudgetCaveat {
  readonly type: 'budget';
  readonly budgets: readonly Budget[];
}
/** No more than so many delegations follow. */
export interface DepthCaveat {
  readonly type: 'depth';
  readonly delegations: number;
}
/** From here on `to` is the holder. */
export interface DelegateCaveat {
  readonly type: 'delegate';
  /** Ed25519 public key of the new holder. */
  readonly to: Uint8Array;
  /** What the delegator calls the new holder; a claim, for people and logs. */
  readonly label: string;
  /** Unix seconds; the delegator's claim, decides nothing. */
  readonly time: number;
  readonly nonce: Uint8Array;
  /** The signed bytes as received. */
  readonly fields: Uint8Array;
  readonly signature: Uint8Array;
}
/** The issuer's signature over everything before it. */
export interface SealCaveat {
  readonly type: 'seal';
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}
/** The method is one of these and the path matches one of these (exact, or ending in `/*` for all below). */
export interface HttpCaveat {
  readonly type: 'http';
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}
/** The client's address lies in one of these networks. */
export interface NetCaveat {
  readonly type: 'net';
  readonly cidrs: readonly string[];
}
/** No token that carries this caveat has been used before. */
export interface OnceCaveat {
  readonly type: 'once';
}
/** Always holds: a purpose, for people and the log. */
export interface NoteCaveat {
  readonly type: 'note';
  readonly text: string;
}
/** After untrusted content has come into the session, the tools named are refused, or need more. */
export interface FlowCaveat {
  readonly type: 'flow';
  readonly tools: readonly string[];
  readonly rule: FlowRule;
}

/** What a holder may append by `attenuate`. */
export type Restriction =
  | TimeCaveat
  | AudienceCaveat
  | ToolsCaveat
  | DenyCaveat
  | ArgsCaveat
  | DataCaveat
  | BudgetCaveat
  | DepthCaveat
  | HttpCaveat
  | NetCaveat
  | OnceCaveat
  | NoteCaveat
  | FlowCaveat;

/** Any caveat of a token. */
export type Caveat = Restriction | DelegateCaveat | SealCaveat;

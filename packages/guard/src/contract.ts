// What a guard is made of and what it gives: options, requests, permits and refusals, the places where behavior,
// metrics and adapters attach, and the value that a call is on its way through the stages. Types only.
import type {
  BudgetUnit,
  Call,
  CallInput,
  Charges,
  Denial,
  Explanation,
  Facts,
  TokenView,
  VerifiedToken,
  Verifier,
} from '@ambit/core';
import type { Sink } from '@ambit/audit';
import type { Entitlements, LayerAnswer, Prices, Registration, ToolFacts } from '@ambit/identity';
import type { Authorized, Store } from '@ambit/state';
import type { Telemetry } from './telemetry.ts';

/** What the enforcement point knows about a tool without an operator configuration. */
export interface ToolKnowledge {
  /** Whether a call leaves the operator's systems; undefined counts as true. */
  readonly external?: boolean | undefined;
  /** Labels of the data it touches; undefined is unknown, which denies under a data scope. */
  readonly data?: readonly string[] | undefined;
  /** What a call costs, by unit; a unit that is not stated denies under a `cost` budget in it. */
  readonly price?: Prices | undefined;
}

/** Keeps track of what came into a session, for `flow` caveats; see `@ambit/behavior`. */
export interface FlowKeeper {
  /**
   * What is known at this call; undefined when flow is not tracked, which denies where a `flow` caveat asks. `asked`:
   * whether such a caveat concerns the call.
   */
  facts(view: TokenView, call: Call, asked: boolean): Facts['flow'] | Promise<Facts['flow']>;
}

/** What may narrow a session in spite of a valid token; see `@ambit/behavior`. It can only refuse. */
export interface Watcher {
  /** Asked after everything else has allowed the call; null lets it pass. */
  refuse(view: TokenView, call: Call, now: number, proof: VerifiedToken['proof']): Denial | null;
}

/** Sees what happens, in order, to learn from it; what it throws changes nothing. See `./behavior.ts`. */
export interface Observer {
  /** A decision about a token that verified. */
  decided(
    view: TokenView,
    call: Call,
    decision: { readonly code: 'allowed' | Denial['code']; readonly record: number | null },
  ): void;
  /** What an allowed call gave back: content that is now in the session. */
  ingested(view: TokenView, call: Call, value: unknown, record: number): void;
  /** The call ended. */
  ended(view: TokenView, call: Call, outcome: CallOutcome, record: number): void;
}

/** How a guard is put together. */
export interface GuardOptions {
  readonly verifier: Verifier;
  readonly store: Store;
  /** Takes every decision before the tool runs, and every outcome: a `Recorder`, or a connection to one. */
  readonly audit: Sink;
  /** The operators registered here and the users' current rights; then tools are classified by them. */
  readonly identity?:
    | { readonly operators: ReadonlyMap<string, Registration>; readonly entitlements: Entitlements }
    | undefined;
  /** Without `identity`: what is known about a tool; null refuses the call, whatever the token grants. */
  readonly tools?: ((tool: string) => ToolKnowledge | null) | undefined;
  /** Whether a token's session has to be open in the store, or for which issuers; default true. */
  readonly requireOpenSession?: boolean | ((issuer: string) => boolean) | undefined;
  /** Milliseconds that the store, the entitlements and the log may take, each; default 5000. Then the call is denied. */
  readonly timeout?: number | undefined;
  /** Tool patterns that proceed when the store fails; default none. Logged as such. */
  readonly proceedOnFault?: readonly string[] | undefined;
  readonly flow?: FlowKeeper | undefined;
  readonly watcher?: Watcher | undefined;
  readonly observer?: Observer | undefined;
  /** Unix milliseconds; default the system clock. */
  readonly nowMs?: (() => number) | undefined;
  /** Told of every decision; what it throws changes nothing (attack G4), and goes to `onFault`. */
  readonly onDecision?: ((event: DecisionEvent) => void) | undefined;
  /**
   * Percent of a budget after which a warning is given, where the operator's configuration states none (`warn`); default:
   * no warnings.
   */
  readonly warnAt?: number | undefined;
  /** Told of every warning; what it throws changes no decision, and goes to `onFault`. */
  readonly onWarning?: ((warning: BudgetWarning) => void) | undefined;
  /**
   * Told what failed: a hook of the service, the store or the log on the way of a call, which denies it; a tool's handler;
   * an outcome that could not be settled or written, after which the next decision is denied. Its errors are ignored.
   */
  readonly onFault?: ((error: unknown) => void) | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Turns a user's name into what may be logged. */
  readonly personal?: ((name: string) => string) | undefined;
}

/** A budget that has been used up to the operator's threshold. Given once for each of its windows. */
export interface BudgetWarning {
  readonly unit: BudgetUnit;
  /** For `sum` and `cost`: what is added up. */
  readonly argument?: string;
  readonly limit: number;
  /** What was left after the call. */
  readonly left: number;
  /** Index of the caveat that imposes it; -1 for the grant. */
  readonly caveat: number;
  /** Unix seconds at which a fixed window ends. */
  readonly resets?: number;
}

/** One decision, for metrics. */
export interface DecisionEvent {
  readonly ok: boolean;
  readonly code: 'allowed' | Denial['code'];
  readonly tool: string;
  readonly session: string | null;
  /** Why it was refused, beyond what the caller is told: for the operator. The record has it as well. */
  readonly cause: string | null;
  /** Index of the decision's record in the audit log; null when it could not be written. */
  readonly record: number | null;
  readonly milliseconds: number;
}

/** The place of a call among others. */
export interface CallContext {
  /** Index of the decision record of the call from within which this one is made. */
  readonly parent?: number | undefined;
  /** The caller's own id of the call. */
  readonly id?: string | undefined;
  /** W3C trace context, hexadecimal. */
  readonly trace?: string | undefined;
  readonly span?: string | undefined;
}

/** How a call ended. */
export interface CallOutcome {
  readonly status: 'ok' | 'error' | 'timeout' | 'cancelled' | 'unknown';
  /** Bytes that were really moved: what a `bytes` budget keeps. */
  readonly bytes?: number;
  /** What it cost, by unit: what a `cost` budget keeps, within what the operator's price allows. */
  readonly cost?: Readonly<Record<string, number>>;
  /** base64url of SHA-256 of the result. */
  readonly digest?: string;
  /** A short name of the error; never its text, which may hold anything. */
  readonly error?: string;
}

/** What came with a call. */
export interface GuardRequest {
  readonly token?: string | undefined;
  readonly proof?: string | undefined;
  readonly call: Call | CallInput;
  /** From the connection, never from the caller. */
  readonly address?: string | undefined;
  /** At most so many bytes will be moved: what a `bytes` budget is charged before the call. */
  readonly bytes?: number | undefined;
  /** Origins under which the client may have reached this service, by its own word: for `cause` alone, so asked for a refused proof. */
  readonly origins?: (() => readonly string[]) | undefined;
  /** Data labels that the handler knows better than the configuration: added to its own. */
  readonly data?: readonly string[] | undefined;
  /** The same, found from the call once it is read. What it throws denies. */
  readonly known?:
    | ((call: Call) => {
        readonly data?: readonly string[] | undefined;
        readonly bytes?: number | undefined;
      })
    | undefined;
  readonly context?: CallContext | undefined;
}

/** The call may run, once. `finish` has to be called when it has. */
export interface Permit {
  readonly ok: true;
  /** The call as it was checked: what is to be run. */
  readonly call: Call;
  readonly view: TokenView;
  /** Index of the decision's record in the audit log. */
  readonly record: number;
  /** Budgets that this call has used up to the operator's threshold; as a rule none. */
  readonly warnings: readonly BudgetWarning[];
  /** For the tool: what it knows of its own outcome. Outweighs what the adapter sees from outside. */
  report(outcome: Partial<CallOutcome>): void;
  /** For the adapter or the tool: what the call returned, for the keeper of the session's information flow. */
  ingest(value: unknown): void;
  /**
   * Settles what was charged and hands the outcome to the log; resolves when the budget is settled, without waiting
   * for the log (`Guard.settled` does). Never rejects; a second call does nothing.
   */
  finish(outcome: CallOutcome): Promise<void>;
}

/** The call must not run. `publicDenial` is what its caller may be told. */
export interface Refusal {
  readonly ok: false;
  readonly denial: Denial;
  readonly publicDenial: Denial;
  /** What is known of the reason beside `denial`, for operators; null when that says it all. */
  readonly cause: string | null;
  readonly record: number | null;
}

/** How an answer came about: for operators and their tools, never for the caller. */
export interface Explained {
  /** The token; null when it is not genuine. */
  readonly view: TokenView | null;
  /** How its holder showed this call to be its own; null when not. */
  readonly proof: VerifiedToken['proof'] | null;
  /** With an operator's configuration: one answer for each of the four layers. */
  readonly layers: readonly LayerAnswer[];
  /** What became of each check of the token; none where the facts were not found. */
  readonly checks: readonly Explanation[];
  /** What an allowed call was charged. */
  readonly charges: Charges | null;
}

/** One enforcement point. */
export interface Guard {
  readonly verifier: Verifier;
  authorize(p: GuardRequest): Promise<Permit | Refusal>;
  /** How an answer of this guard came about; TypeError for another's. */
  explain(answer: Permit | Refusal): Explained;
  /** Records a refusal that an adapter found before there was a call (malformed, unknown method): none goes unlogged. */
  refuse(
    denial: Denial,
    about?: {
      readonly token?: string | undefined;
      readonly tool?: string | undefined;
      readonly context?: CallContext | undefined;
      /** Why, for the log and not for the caller. */
      readonly cause?: string | undefined;
    },
  ): Promise<Refusal>;
  /** Tells the operator what failed (`onFault`). */
  fault(error: unknown): void;
  /** `authorize`, then `tool` with the checked call, then the outcome. What `tool` throws is thrown on. */
  run<T>(
    p: GuardRequest,
    tool: (call: Call, permit: Permit) => Promise<T>,
    measure?: (result: T) => Partial<CallOutcome>,
  ): Promise<{ readonly ok: true; readonly result: T; readonly permit: Permit } | Refusal>;
  /** Resolves when every outcome handed over so far is durable, or was reported to `onFault`. */
  settled(): Promise<void>;
  /** Records something that is not a decision: ingestion, an alert, an approval. */
  readonly audit: Sink;
}

// The way of a call (decide.ts): one immutable value, which each stage extends. A stage that refuses or throws stops
// it, and what was found until then stays for the record.

/** A request, before anything was looked at. */
export interface Arrived {
  readonly ok: true;
  readonly request: GuardRequest;
  /** Unix milliseconds. */
  readonly started: number;
}

/** The call could be read: the one snapshot that is checked, logged and run. */
export interface Read extends Arrived {
  readonly call: Call;
}

/** The token is genuine and its holder made this call. */
export interface Verified extends Read {
  readonly token: VerifiedToken;
  readonly view: TokenView;
}

/** The facts are found and the identity layers allow it. */
export interface Known extends Verified {
  readonly facts: Facts;
  readonly layers: readonly LayerAnswer[];
  /** Null without an operator's configuration. */
  readonly tool: ToolFacts | null;
  /** What the call costs, by unit. */
  readonly prices: Prices;
}

/** Everything allows the call, and it is charged. `layers` has the answers of the state as well. */
export interface Allowed extends Known {
  readonly authorized: Authorized;
}

/** A stage refused. `view` without `token`: the token is genuine, but this call is not shown to be its holder's. */
export interface Stopped extends Partial<Omit<Known, 'ok' | 'request' | 'started'>> {
  readonly ok: false;
  readonly request: GuardRequest;
  readonly started: number;
  readonly denial: Denial;
  /** What the operator is told beside the denial. */
  readonly cause?: string | undefined;
}

/** A call at the end of its way. */
export type Decided = Allowed | Stopped;

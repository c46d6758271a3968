// What is asked for (a call) and what the enforcement point knows about it (facts). The call is covered by
// the proof; facts come from the configuration and the connection, never from the caller (docs/design.md
// section 3).
import type { Arguments } from './args/arguments.ts';
import type { Work } from './args/check.ts';

/** The HTTP side of a call, for `http` caveats and proofs bound to a request (attack P10). */
export interface HttpContext {
  /** Upper-case method token (RFC 9110 section 9.1). */
  readonly method: string;
  /** The origin, `https://host[:port]`, from the service's own configuration. */
  readonly origin: string;
  /** Path and query as received, starting with `/`. */
  readonly target: string;
  /** SHA-256(label || body) of the raw body, as `bodyDigest` gives it; absent without a body or for an empty one. */
  readonly bodyDigest?: Uint8Array | undefined;
}

/** One call: made once by `call()`, frozen, and the same object from proof check to tool. */
export interface Call {
  /** Segments of `[A-Za-z0-9_-]` joined by `.` or `/`. Case-sensitive. */
  readonly tool: string;
  readonly args: Arguments;
  readonly http?: HttpContext | undefined;
}

/** What the enforcement point states about a call. A fact that a caveat needs and that is missing denies. */
export interface Facts {
  /** Unix seconds. Core has no clock of its own. */
  readonly now: number;
  /** Labels of the data the call touches; undefined when unknown, which denies under any data scope. */
  readonly data?: readonly string[] | undefined;
  /** Whether the call leaves the operator's systems. Undefined counts as true. */
  readonly external?: boolean | undefined;
  /** Bytes the call will move at most; needed by a `bytes` budget. */
  readonly bytes?: number | undefined;
  /** What the call costs at most, by unit (`microusd`, `tokens`), whole numbers; needed by a `cost` budget. */
  readonly cost?: Readonly<Record<string, number>> | undefined;
  /** The client's address as text, from the connection. */
  readonly address?: string | undefined;
  /** What has come into the session, for `flow` caveats; undefined when it is not tracked. */
  readonly flow?: FlowFacts | undefined;
}

/** What the guard knows of the session's information flow (caveat `flow`). */
export interface FlowFacts {
  /** Labels of untrusted content that has entered the session; empty when none has. */
  readonly untrusted: readonly string[];
  /** Whether every destination in the arguments was named by the user or came from trusted content. */
  readonly destinationsNamed: boolean;
  /** Whether a person approved this very call. */
  readonly approved: boolean;
}

/** What a caveat sees of one call. `now` is the later of the facts' and the verifier's time. */
export interface CallRequest {
  readonly call: Call;
  readonly facts: Facts;
  readonly now: number;
  readonly skew: number;
  readonly audience: string;
  /** Steps left for all argument constraints of this call together. */
  readonly work: Work;
}

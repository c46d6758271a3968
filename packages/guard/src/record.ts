// A decision and its outcome as audit records (law L11). What did not verify is a digest, a size and a key id,
// and none of its claims is repeated (docs/design.md section 9).
import { toBase64url, utf8, type Call, type Denial, type TokenView } from '@ambit/core';
import { fromToken, unverifiedToken, type Draft, type IdentityLayer } from '@ambit/audit';
import type { Authorized } from '@ambit/state';
import type { GuardRequest, Progress } from './guard.ts';

/** The place of a call among others. */
export interface CallContext {
  /** Index of the decision record of the call from within which this one is made. */
  readonly parent?: number;
  /** The caller's own id of the call. */
  readonly id?: string;
  /** W3C trace context, hexadecimal. */
  readonly trace?: string;
  readonly span?: string;
}

/** How a call ended. */
export interface CallOutcome {
  readonly status: 'ok' | 'error' | 'timeout' | 'cancelled' | 'unknown';
  /** Bytes that were really moved: what a `bytes` budget keeps. */
  readonly bytes?: number;
  /** base64url of SHA-256 of the result. */
  readonly digest?: string;
  /** A short name of the error; never its text, which may hold anything. */
  readonly error?: string;
}

/** The record of a decision. */
export function decisionDraft(
  p: GuardRequest,
  state: Progress,
  decision: Authorized | Denial,
  personal: ((name: string) => string) | undefined,
): Draft {
  const code = decision.ok ? 'allowed' : decision.code;
  return {
    kind: 'decision',
    ...tokenParts(p, state, personal),
    ...layerParts(state, decision),
    ...(state.call === null ? {} : callParts(state.call, state)),
    ...contextParts(p.context),
    // Nothing is vouched for by a token that did not verify, a proof least of all.
    ...(state.view === null ? {} : { proof: state.proof ?? 'none' }),
    code,
    ...(decision.ok || decision.caveat === undefined ? {} : { caveat: decision.caveat }),
    ...(decision.ok ? proceeded(decision) : { reason: decision.message.slice(0, 240) }),
  };
}

const proceeded = (a: Authorized): { reason?: string } =>
  a.fault === null ? {} : { reason: `proceeded uncharged although the store failed: ${a.fault}` };

function tokenParts(p: GuardRequest, state: Progress, personal?: (name: string) => string): Partial<Draft> {
  if (state.view !== null) return fromToken(state.view, personal);
  return p.token === undefined ? {} : { token: unverifiedToken(p.token) };
}

function layerParts(state: Progress, decision: Authorized | Denial): Partial<Draft> {
  if (state.layers === null || decision.ok) return {};
  const of = (answer: 'allowed' | 'refused'): IdentityLayer[] =>
    (state.layers ?? []).filter((l) => l.answer === answer).map((l) => l.layer);
  const session = decision.code === 'session_closed' || decision.code === 'session_not_found';
  const refused: IdentityLayer[] = session ? [...of('refused'), 'session'] : of('refused');
  const allowed = of('allowed').filter((layer) => !refused.includes(layer));
  return { ...(allowed.length > 0 ? { allowed } : {}), ...(refused.length > 0 ? { refused } : {}) };
}

function callParts(call: Call, state: Progress): Partial<Draft> {
  const { tool } = state;
  const classes =
    tool === undefined
      ? []
      : [...(tool.class === null ? [] : [tool.class]), ...(tool.writes ? ['write'] : ['read'])];
  return {
    tool: {
      name: call.tool,
      ...(tool === undefined ? {} : { external: tool.external, classes }),
      ...(tool?.data ? { data: tool.data } : {}),
    },
    args: { digest: toBase64url(call.args.digest()), bytes: utf8(call.args.canonical()).length },
  };
}

function contextParts(c: CallContext | undefined): Partial<Draft> {
  if (c === undefined) return {};
  return {
    ...(c.parent === undefined ? {} : { parent: c.parent }),
    ...(c.id === undefined ? {} : { call: c.id }),
    ...(c.trace === undefined ? {} : { trace: c.trace }),
    ...(c.span === undefined ? {} : { span: c.span }),
  };
}

/** The record of an outcome; `of` is its decision's. */
export function outcomeDraft(
  view: TokenView,
  call: Call,
  of: number,
  outcome: CallOutcome,
  milliseconds: number,
  personal: ((name: string) => string) | undefined,
): Draft {
  const { token: _, ...who } = fromToken(view, personal);
  return {
    kind: 'outcome',
    ...who,
    of,
    tool: { name: call.tool },
    result: {
      status: outcome.status,
      milliseconds: Math.round(milliseconds),
      ...(outcome.bytes === undefined ? {} : { bytes: outcome.bytes }),
      ...(outcome.digest === undefined ? {} : { digest: outcome.digest }),
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
    },
  };
}

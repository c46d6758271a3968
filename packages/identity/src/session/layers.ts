// The four layers at use: who acts is asked again for every call, against what is in force now. Operator:
// registered, and the token minted under its configuration in force (or one within a stated grace period).
// Model: still admitted, its digest not revoked. Session: open. User: the *current* entitlements allow the tool
// on the data it touches. Every answer costs look-ups bounded by the length of names; nothing is cached.
import { compileTools, deny, fromHex, type Denial, type TokenView, type VerifiedToken } from '@ambit/core';
import type { ToolFacts } from '../config/configuration.ts';
import { checkModel, checkRevoked, type RevocationView } from '../model/admit.ts';
import type { LayerName } from '../operator/layer.ts';
import { LabelSet } from '../operator/tables.ts';
import { checkMintedUnder, type Registration } from '../operator/registration.ts';
import type { Entitlements } from '../user/entitlements.ts';
import { checkFederated } from './federation.ts';

/** What is known at use. */
export interface LayerContext {
  /** The operators registered here, by id. */
  readonly operators: ReadonlyMap<string, Registration>;
  readonly entitlements: Entitlements;
  readonly revocations: RevocationView;
  /** What the session store said of the token's session: `Sessions.check` of `@ambit/state`. */
  readonly session: SessionView;
}

/** An answer about a session. */
export type SessionView = { readonly ok: true } | { readonly ok: false; readonly code: Denial['code'] };

/** What a layer says of one call. `not_asked`: another layer had refused before. */
export interface LayerAnswer {
  readonly layer: LayerName;
  readonly answer: 'allowed' | 'refused' | 'not_asked';
  /** Who it is: the operator's id, `model@sha256:...`, the session's id, the user's id. */
  readonly who: string;
  readonly code?: Denial['code'];
  readonly message?: string;
}

/** All layers allow the call, or the denial of the first that refuses; with every layer's answer either way. */
export type LayersAnswer = (
  | { readonly ok: true; readonly facts: ToolFacts; /** When a grace period ends. */ readonly until?: number }
  | Denial
) & { readonly layers: readonly LayerAnswer[] };

/** The fields of a token that name its layers: a `TokenView` has them. */
export type Actor = Pick<
  TokenView,
  | 'way'
  | 'issuer'
  | 'operator'
  | 'model'
  | 'session'
  | 'user'
  | 'issuedAt'
  | 'expires'
  | 'sealedBy'
  | 'chain'
  | 'tools'
  | 'data'
  | 'deny'
>;

/**
 * Asks all layers about the call that `token` was verified for. `now` is Unix seconds; a time before the one the
 * token was verified at counts as that one.
 */
export function checkLayers(token: VerifiedToken, context: LayerContext, now: number): LayersAnswer {
  return ask(token.view, token.call.tool, context, Math.max(now, token.now), false);
}

/**
 * The same for people (`ambit explain`): asks every layer even when one has refused, about a tool by name. It
 * decides nothing: what it is given need not have been verified.
 */
export function explainLayers(actor: Actor, tool: string, context: LayerContext, now: number): LayersAnswer {
  return ask(actor, tool, context, now, true);
}

function ask(actor: Actor, tool: string, context: LayerContext, now: number, all: boolean): LayersAnswer {
  const registration = context.operators.get(actor.operator.id);
  if (registration === undefined || actor.way === 'signatures')
    return askFederated(actor, tool, context, now, all);
  const { operator } = registration;
  const facts = operator.facts(tool);
  const revoked = revocation(actor, context);
  let until: number | undefined;
  const layers = new Answers(actor, all, revoked);
  layers.ask('operator', () => {
    const minted = checkMintedUnder(actor, registration, now);
    if (!minted.ok) return minted;
    until = minted.until;
    return operator.layer.check(tool, facts.data);
  });
  layers.ask('model', () => {
    const model = checkModel(operator, actor.model.id, actor.model.digest);
    return 'ok' in model ? model : model.layer.check(tool, facts.data);
  });
  layers.ask(
    'session',
    () => checkSession(actor, context, now) ?? (all ? checkGrant(actor, tool, facts.data) : null),
  );
  layers.ask('user', () => {
    const user = context.entitlements.view(operator, actor.user, now);
    return 'ok' in user ? user : user.check(tool, facts.data);
  });
  return layers.sum(facts, until);
}

// Another operator's token, found genuine by signatures alone: the most that the operators here accept of it.
// Its own configuration, session and user are its operator's business; only what can be known here is asked.
function askFederated(
  actor: Actor,
  tool: string,
  context: LayerContext,
  now: number,
  all: boolean,
): LayersAnswer {
  let denial: Denial | null = deny('operator_unknown', actor.operator.id);
  let facts: ToolFacts | null = null;
  for (const { operator } of context.operators.values()) {
    if (operator.federated(actor.operator.id) === undefined) continue;
    denial = checkFederated(operator, actor, tool, now);
    facts = operator.facts(tool);
    if (denial === null) break;
  }
  const layers = new Answers(actor, all, revocation(actor, context));
  layers.ask('operator', () => denial);
  layers.ask('model', () => null);
  layers.ask('session', () => (all ? checkGrant(actor, tool, facts?.data ?? null) : null));
  layers.ask('user', () => null);
  return layers.sum(facts, undefined);
}

// Collects what each layer says, and the first denial.
class Answers {
  readonly #actor: Actor;
  readonly #all: boolean;
  readonly #revoked: ReturnType<typeof checkRevoked>;
  readonly #layers: LayerAnswer[] = [];
  #first: Denial | null = null;

  constructor(actor: Actor, all: boolean, revoked: ReturnType<typeof checkRevoked>) {
    this.#actor = actor;
    this.#all = all;
    this.#revoked = revoked;
  }

  ask(layer: LayerName, check: () => Denial | null): void {
    const who = name(layer, this.#actor);
    if (this.#first !== null && !this.#all) {
      this.#layers.push({ layer, answer: 'not_asked', who });
      return;
    }
    const denial = this.#revoked?.layer === layer ? this.#revoked.denial : check();
    this.#first ??= denial;
    this.#layers.push(
      denial === null
        ? { layer, answer: 'allowed', who }
        : { layer, answer: 'refused', who, code: denial.code, message: denial.message },
    );
  }

  sum(facts: ToolFacts | null, until: number | undefined): LayersAnswer {
    const layers = this.#layers;
    if (this.#first !== null || facts === null)
      return { ...(this.#first ?? deny('operator_unknown')), layers };
    return { ok: true, facts, layers, ...(until === undefined ? {} : { until }) };
  }
}

function name(layer: LayerName, actor: Actor): string {
  if (layer === 'operator') return actor.operator.id;
  if (layer === 'model') return `${actor.model.id}@sha256:${actor.model.digest}`;
  return layer === 'session' ? actor.session : actor.user;
}

function revocation(actor: Actor, context: LayerContext): ReturnType<typeof checkRevoked> {
  const digest = fromHex(actor.model.digest);
  if (digest?.length !== 32) throw new TypeError('model digest: expected 64 hexadecimal digits');
  const { issuer, session, user } = actor;
  return checkRevoked(context.revocations, {
    issuer,
    operator: actor.operator.id,
    model: digest,
    session,
    user,
  });
}

function checkSession(actor: Actor, context: LayerContext, now: number): Denial | null {
  if (!context.session.ok) return deny(context.session.code, actor.session);
  return now < actor.expires ? null : deny('expired', actor.session);
}

// For explanations: what the grant itself says. At use `clear` of core asks the grant and every caveat.
function checkGrant(actor: Actor, tool: string, data: readonly string[] | null): Denial | null {
  if (compileTools(actor.deny)(tool)) return deny('tool_denied', 'by the grant');
  if (!compileTools(actor.tools)(tool))
    return deny('tool_not_granted', `the grant has ${actor.tools.join(', ')}`);
  if (data === null) return deny('data_unknown', tool);
  const scope = new LabelSet(actor.data ?? []);
  const outside = data.filter((label) => !scope.covers(label));
  return outside.length === 0 ? null : deny('data_refused', `the grant does not cover ${outside.join(', ')}`);
}

// The layers at use: who acts is asked again for every call, against what is in force now. Operator: registered,
// and the token minted under its configuration in force (or one within a stated grace period). Model: still admitted.
// User: the *current* entitlements allow the tool on the data it touches. These three need no store. Session and
// revocations are state: the authorizer of `@ambit/state` asks them, once, after everything else. Every answer
// costs look-ups bounded by the length of names; nothing is cached here (a resolver keeps an answer as long as it says).
import {
  compileTools,
  deny,
  inspect,
  isDenial,
  isExpired,
  toHex,
  type Denial,
  type VerifiedToken,
} from '@ambit/core';
import type { ToolFacts } from '../config/configuration.ts';
import { checkModel, checkRevoked, type RevocationView } from '../model/admit.ts';
import type { LayerName } from '../operator/layer.ts';
import { LabelSet } from '../operator/tables.ts';
import { checkMintedUnder, type Registration } from '../operator/registration.ts';
import type { Entitlements } from '../user/entitlements.ts';
import type { Actor } from './actor.ts';
import { checkFederated } from './federation.ts';

export type { Actor } from './actor.ts';

/** What is known at use. */
export interface LayerContext {
  /** The operators registered here, by id. */
  readonly operators: ReadonlyMap<string, Registration>;
  readonly entitlements: Entitlements;
}

/** What an explanation asks beside it. */
export interface ExplainContext extends LayerContext {
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
  | (Denial & { /** Null when no operator here knows the tool. */ readonly facts: ToolFacts | null })
) & { readonly layers: readonly LayerAnswer[] };

/**
 * Asks operator, model and user about the call that `token` was verified for. `now` is Unix seconds; a time before
 * the one the token was verified at counts as that one.
 */
export function checkLayers(token: VerifiedToken, context: LayerContext, now: number): LayersAnswer {
  const q = question(token.view, token.call.tool, context, Math.max(now, token.now));
  const layers: LayerAnswer[] = [];
  let first: Denial | null = null;
  for (const [layer, check] of q.registration === null ? FEDERATED : OWN) {
    if (first === null) {
      first = check(q);
      layers.push(said(layer, token.view, first));
    } else layers.push({ layer, answer: 'not_asked', who: nameIn(layer, token.view) });
  }
  return concluded(q, first, layers);
}

/**
 * For people (`ambit explain`): asks every layer even when one has refused, session and revocations too, about a
 * tool by name. It decides nothing: what it is given need not have been verified.
 */
export function explainLayers(
  actor: Actor,
  tool: string,
  context: ExplainContext,
  now: number,
): LayersAnswer {
  const q = question(actor, tool, context, now);
  const revoked = checkRevoked(context.revocations, actor);
  const session: Ask = ['session', () => checkSession(q, context.session) ?? checkGrant(q)];
  const [operator, model, user] = q.registration === null ? FEDERATED : OWN;
  const layers: LayerAnswer[] = [];
  let first: Denial | null = null;
  for (const [layer, check] of [operator, model, session, user]) {
    const denial = revoked?.layer === layer ? revoked.denial : check(q);
    first ??= denial;
    layers.push(said(layer, actor, denial));
  }
  return concluded(q, first, layers);
}

// One question to all layers: what each of them needs to answer. Use and explanation ask the same functions.
interface Question {
  readonly actor: Actor;
  readonly tool: string;
  readonly context: LayerContext;
  readonly now: number;
  /** The operator in force; null for another operator's token. */
  readonly registration: Registration | null;
  facts: ToolFacts | null;
  until: number | undefined;
}

type Ask = readonly [LayerName, (q: Question) => Denial | null];
type Three = readonly [Ask, Ask, Ask];

const OWN: Three = [
  ['operator', askOperator],
  ['model', askModel],
  ['user', askUser],
];

// Another operator's configuration, session and user are its own business; only what can be known here is asked.
const FEDERATED: Three = [
  ['operator', askFederated],
  ['model', (): null => null],
  ['user', (): null => null],
];

function question(actor: Actor, tool: string, context: LayerContext, now: number): Question {
  const known = actor.verifiedBy === 'mac' ? (context.operators.get(actor.operator.id) ?? null) : null;
  const facts = known?.operator.facts(tool) ?? null;
  return { actor, tool, context, now, registration: known, facts, until: undefined };
}

function said(layer: LayerName, actor: Actor, denial: Denial | null): LayerAnswer {
  const who = nameIn(layer, actor);
  if (denial === null) return { layer, answer: 'allowed', who };
  return { layer, answer: 'refused', who, code: denial.code, message: denial.message };
}

function concluded(q: Question, refused: Denial | null, layers: readonly LayerAnswer[]): LayersAnswer {
  const { facts } = q;
  if (refused !== null || facts === null) return { ...(refused ?? deny('operator_unknown')), facts, layers };
  return { ok: true, facts, layers, ...(q.until === undefined ? {} : { until: q.until }) };
}

/** What a token claims, for explanations without any key. `way` is how a verifier would find it genuine. */
export function unverifiedActor(token: string, way: Actor['verifiedBy'] = 'mac'): Actor {
  const { grant, nodes, expires } = inspect(token);
  const { issuer, session, user, issuedAt, tools, deny: denied } = grant;
  const config = grant.operator.config === undefined ? null : toHex(grant.operator.config);
  return {
    verifiedBy: way,
    issuer,
    session,
    user,
    issuedAt,
    tools,
    deny: denied,
    expires,
    data: grant.data ?? null,
    operator: { id: grant.operator.id, config },
    model: { id: grant.model.id, digest: toHex(grant.model.digest) },
    sealedBy: null,
    chain: nodes,
  };
}

function askOperator(q: Question): Denial | null {
  const minted = checkMintedUnder(q.actor, q.registration!, q.now);
  if (!minted.ok) return minted;
  q.until = minted.until;
  return q.registration!.operator.layer.check(q.tool, q.facts!.data);
}

function askModel(q: Question): Denial | null {
  const model = checkModel(q.registration!.operator, q.actor.model.id, q.actor.model.digest);
  return isDenial(model) ? model : model.layer.check(q.tool, q.facts!.data);
}

function askUser(q: Question): Denial | null {
  const user = q.context.entitlements.view(q.registration!.operator, q.actor.user, q.now);
  return isDenial(user) ? user : user.check(q.tool, q.facts!.data);
}

function askFederated(q: Question): Denial | null {
  let denial: Denial = deny('operator_unknown', q.actor.operator.id);
  for (const { operator } of q.context.operators.values()) {
    if (operator.federated(q.actor.operator.id) === undefined) continue;
    const refused = checkFederated(operator, q.actor, q.tool, q.now);
    q.facts = operator.facts(q.tool);
    if (refused === null) return null;
    denial = refused;
  }
  return denial;
}

/** Who a layer is about, for people and the log: the `who` of its answer. */
export function nameIn(
  layer: LayerName,
  actor: Pick<Actor, 'operator' | 'model' | 'session' | 'user'>,
): string {
  if (layer === 'operator') return actor.operator.id;
  if (layer === 'model') return `${actor.model.id}@sha256:${actor.model.digest}`;
  return layer === 'session' ? actor.session : actor.user;
}

// For explanations. A federated session is its own operator's business.
function checkSession({ actor, now, registration }: Question, session: SessionView): Denial | null {
  if (registration === null) return null;
  if (!session.ok) return deny(session.code, actor.session);
  return isExpired(actor.expires, now) ? deny('expired', actor.session) : null;
}

// For explanations: what the grant itself says. At use `authorize` of core asks the grant and every caveat.
function checkGrant({ actor, tool, facts }: Question): Denial | null {
  const data = facts?.data ?? null;
  if (compileTools(actor.deny)(tool)) return deny('tool_denied', 'by the grant');
  if (!compileTools(actor.tools)(tool))
    return deny('tool_not_granted', `the grant has ${actor.tools.join(', ')}`);
  if (data === null) return deny('data_unknown', tool);
  const scope = new LabelSet(actor.data ?? []);
  const outside = data.filter((label) => !scope.covers(label));
  return outside.length === 0 ? null : deny('data_refused', `the grant does not cover ${outside.join(', ')}`);
}

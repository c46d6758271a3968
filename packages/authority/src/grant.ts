// Binding the four layers into a grant: requested AND operator AND model AND user. Tools and data labels are
// intersected, deny lists added up, budgets, life and delegations brought down to the smallest. When nothing is
// left, the denial names the layer that took the last of it. At use the layers are asked again (identity's layers.ts), so
// a grant can never be worth more than what they allow then.
import {
  deny,
  isDenial,
  isLabel,
  isName,
  isToolPattern,
  LIMITS,
  toHex,
  type Budget,
  type Denial,
  type GrantSpec,
} from '@ambit/core';
import {
  admit,
  checkRevoked,
  covers,
  least,
  leastBudgets,
  reduce,
  withDefaults,
  type Entitlements,
  type Layer,
  type LayerName,
  type Manifest,
  type Registration,
  type RevocationView,
  type VerifiedAttestation,
} from '@ambit/identity';

/** What an agent's runtime asks for when it opens a session. */
export interface SessionRequest {
  /** For whom the agent acts. */
  readonly user: string;
  /** The session's id; ids are not reused. */
  readonly session: string;
  /** The model that runs, and its artifact as measured by the one who loaded it. */
  readonly model: { readonly id: string; readonly measured: Manifest | Uint8Array };
  /** Tool patterns wanted, at most 256. */
  readonly tools: readonly string[];
  /** Data labels that will be loaded or touched; absent: none. */
  readonly data?: readonly string[];
  /** Tool patterns to refuse regardless of what else is granted. */
  readonly deny?: readonly string[];
  /** Budgets wanted; those of the configuration's `sessions.default` are added. */
  readonly budgets?: readonly Budget[];
  /** Seconds wanted; absent: the configuration's default. */
  readonly life?: number;
  /** Delegations wanted; absent: the configuration's default. */
  readonly delegations?: number;
  /** The one service the token is for. */
  readonly audience?: string;
  /** The purpose of the session; kept in the token as a note. */
  readonly task?: string;
}

/** What minting is decided by. `now` is Unix seconds. */
export interface BindContext {
  readonly registration: Registration;
  /** null: none was given, which is refused. */
  readonly attestation: VerifiedAttestation | null;
  readonly entitlements: Entitlements;
  readonly revocations: RevocationView;
  readonly now: number;
}

/** What a layer took away from the request. */
export interface Taken {
  readonly layer: LayerName;
  readonly tools: readonly string[];
  readonly data: readonly string[];
}

/** A refusal, and the layer it came from. */
export type LayerDenial = Denial & { readonly layer: LayerName };

/** The grant's fields, ready to mint, and what each layer took from the request. */
export type Bound =
  { readonly ok: true; readonly spec: GrantSpec; readonly taken: readonly Taken[] } | LayerDenial;

/** The grant for a request. Throws TypeError for a request that is not of the stated form. */
export function grantFor(request: SessionRequest, context: BindContext): Bound {
  requireRequest(request);
  const { registration, entitlements, now } = context;
  if (!Number.isSafeInteger(now) || now < 0)
    throw new RangeError(`now: expected whole Unix seconds, got ${now}`);
  const { operator } = registration;
  if (now < registration.since)
    return at('operator', deny('config_changed', 'it comes into force in a moment; mint again'));
  const model = admit(operator, request.model.id, request.model.measured, context.attestation);
  if (isDenial(model)) return at('model', model);
  const { measured } = request.model;
  const digest = measured instanceof Uint8Array ? measured : measured.digest;
  const { issuer } = operator.config;
  const { session, user: name } = request;
  const who = { issuer, operator, model: { digest: toHex(digest) }, session, user: name };
  const revoked = checkRevoked(context.revocations, who);
  if (revoked !== null) return at(revoked.layer, revoked.denial);
  const user = entitlements.view(operator, request.user, now);
  if (isDenial(user)) return at('user', user);

  const layers: readonly Layer[] = [operator.layer, model.layer, user];
  const narrowed = narrow(request, layers);
  if (isDenial(narrowed)) return narrowed;
  const { tools, data, taken } = narrowed;
  const denied = deniedOf([request.deny ?? [], ...layers.map((l) => l.denied)], tools);
  const left = tools.filter((t) => !denied.some((d) => covers(d, t)));
  if (left.length === 0) {
    const layer = layers.find((l) => tools.some((t) => l.denied.some((d) => covers(d, t))));
    return at(
      layer?.name ?? 'session',
      deny('authority_empty', `${layer?.title ?? 'the request'} denies what is left`),
    );
  }
  const { sessions } = operator.config;
  const all = [sessions.most, ...layers.map((l) => l.ceilings)];
  const life = least(request.life ?? sessions.default.life, ...all.map((c) => c.life))!;
  const budgets = leastBudgets(
    withDefaults(request.budgets ?? [], sessions.default.budgets),
    ...all.map((c) => c.budgets),
  );
  const fits =
    left.length <= LIMITS.listItems && denied.length <= LIMITS.listItems && data.length <= LIMITS.listItems;
  if (!fits || budgets.length > LIMITS.counters) {
    const what = fits
      ? `${budgets.length} budgets; a token carries 16`
      : 'more than 256 tools, denials or labels';
    return at('session', deny('input_invalid', `${what}; ask for patterns, or for less`));
  }
  const spec: GrantSpec = {
    operator: { id: operator.id, config: operator.digest },
    model: { id: request.model.id, digest },
    session: request.session,
    user: request.user,
    tools: left,
    ...(data.length === 0 ? {} : { data }),
    deny: denied,
    budgets,
    delegations: least(
      request.delegations ?? sessions.default.delegations,
      ...all.map((c) => c.delegations),
    )!,
    issuedAt: now,
    expires: now + life,
    ...(request.audience === undefined ? {} : { audience: request.audience }),
    ...(request.task === undefined ? {} : { restrictions: [{ type: 'note', text: request.task }] }),
  };
  return { ok: true, spec, taken };
}

/** What the layers, one after the other, leave of the tools and data asked for; a denial by the one that leaves none. */
function narrow(
  request: SessionRequest,
  layers: readonly Layer[],
):
  | { readonly tools: readonly string[]; readonly data: readonly string[]; readonly taken: readonly Taken[] }
  | LayerDenial {
  const taken: Taken[] = [];
  let tools = reduce([...new Set(request.tools)]);
  let data = [...new Set(request.data ?? [])].sort() as readonly string[];
  for (const layer of layers) {
    const left = layer.narrowTools(tools);
    const labels = layer.narrowData(data);
    if (left.length === 0)
      return at(layer.name, deny('authority_empty', `${layer.title} leaves none of ${list(tools)}`));
    if (labels.length === 0 && data.length > 0) {
      return at(layer.name, deny('authority_empty', `${layer.title} leaves no data of ${list(data)}`));
    }
    taken.push({ layer: layer.name, tools: lost(tools, left), data: lost(data, labels) });
    tools = left;
    data = labels;
  }
  return { tools, data, taken };
}

const at = (layer: LayerName, denial: Denial): LayerDenial => ({ ...denial, layer });

const lost = (before: readonly string[], after: readonly string[]): readonly string[] => {
  const kept = new Set(after);
  return before.filter((item) => !kept.has(item));
};

// All denials that can still matter: those that share something with the tools left.
function deniedOf(lists: readonly (readonly string[])[], tools: readonly string[]): readonly string[] {
  const all = reduce([...new Set(lists.flat())]);
  return all.filter((d) => tools.some((t) => covers(d, t) || covers(t, d)));
}

const list = (items: readonly string[]): string =>
  items.length <= 5 ? items.join(', ') : `${items.slice(0, 5).join(', ')} and ${items.length - 5} more`;

function requireRequest(r: SessionRequest): void {
  const texts = (
    field: string,
    value: readonly string[] | undefined,
    valid: (text: string) => boolean,
  ): void => {
    if (value === undefined) return;
    if (
      !Array.isArray(value) ||
      value.length > LIMITS.listItems ||
      !value.every((v) => typeof v === 'string' && valid(v))
    ) {
      throw new TypeError(`${field}: expected at most ${LIMITS.listItems} valid texts`);
    }
  };
  if (!isName(r.user) || !isName(r.session)) throw new TypeError('user, session: expected names');
  texts('tools', r.tools, isToolPattern);
  texts('data', r.data, isLabel);
  texts('deny', r.deny, isToolPattern);
  for (const [field, value] of [
    ['life', r.life],
    ['delegations', r.delegations],
  ] as const) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= (field === 'life' ? 1 : 0))) {
      throw new TypeError(`${field}: expected a whole number`);
    }
  }
}

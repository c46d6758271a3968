// The issuer at work: what is asked for is bound by the four layers (grant.ts), minted, and put into a session
// (session.ts). Nothing is granted that a layer in force does not allow.
import { AmbitError, deny, toHex, type GrantSpec } from '@ambit/core';
import { askedView } from '@ambit/identity';
import {
  grantFor,
  type BindContext,
  type Bound,
  type LayerDenial,
  type SessionRequest,
  type Taken,
} from './grant.ts';
import { openSession, sessionOf, write, type Minting } from './session.ts';

/** An open session with its token. */
export interface OpenSession {
  readonly ok: true;
  readonly token: string;
  readonly session: string;
  readonly issuer: string;
  /** Unix seconds. */
  readonly expires: number;
  /** What each layer took from the request. */
  readonly taken: readonly Taken[];
}

/**
 * Binds the layers, mints the token, and opens its session, which must be new. A denial names the layer that refused;
 * AmbitError when the grant can't be written, the store can't open the session, or the keyring is another issuer's
 * (`key_invalid`).
 */
export async function issue(
  request: SessionRequest,
  context: BindContext,
  minting: Minting,
): Promise<OpenSession | LayerDenial> {
  const { issuer } = context.registration.operator.config;
  if (minting.keyring.issuer !== issuer) {
    throw new AmbitError(
      'key_invalid',
      `The keyring is ${minting.keyring.issuer}'s; the configuration names ${issuer}.`,
    );
  }
  const bound = await granted(request, context);
  if (!bound.ok) return bound;
  const { spec, taken } = bound;
  const token = write(minting, spec);
  await openSession(minting.sessions, sessionOf(issuer, spec), context.now);
  return { ok: true, token, session: spec.session, issuer, expires: spec.expires, taken };
}

/** What is asked for beside a grant; absent: the configuration's defaults. */
export interface Wanted {
  /** Seconds. */
  readonly life: number | undefined;
  readonly delegations: number | undefined;
}

/** `grantFor`, again with what the server says where a list of revocations that is not held knows nothing. */
async function granted(request: SessionRequest, context: BindContext): Promise<Bound> {
  const bound = grantFor(request, context);
  if (bound.ok || bound.code !== 'revocations_stale') return bound;
  const { operator } = context.registration;
  const { session, user, model } = request;
  const digest = model.measured instanceof Uint8Array ? model.measured : model.measured.digest;
  const who = { issuer: operator.config.issuer, operator, model: { digest: toHex(digest) }, session, user };
  return grantFor(request, { ...context, revocations: await askedView(context.revocations, who) });
}

/** Binds a grant as its author wrote it: what the layers leave of it, with its own restrictions after theirs. */
export async function bindGrant(
  spec: GrantSpec,
  { life, delegations }: Wanted,
  context: BindContext,
): Promise<Bound> {
  const { operator } = context.registration;
  if (spec.operator.id !== operator.id) {
    const why = `the configuration in force is ${operator.id}'s, and the grant is for ${spec.operator.id}`;
    return { ...deny('operator_unknown', why), layer: 'operator' };
  }
  if (life !== undefined && life <= 0)
    return { ...deny('expired', 'before it would be minted'), layer: 'session' };
  const bound = await granted(
    {
      user: spec.user,
      session: spec.session,
      model: { id: spec.model.id, measured: spec.model.digest },
      tools: spec.tools,
      deny: spec.deny ?? [],
      budgets: spec.budgets ?? [],
      ...(spec.data === undefined ? {} : { data: spec.data }),
      ...(life === undefined ? {} : { life }),
      ...(delegations === undefined ? {} : { delegations }),
      ...(spec.audience === undefined ? {} : { audience: spec.audience }),
    },
    context,
  );
  if (!bound.ok) return bound;
  const restrictions = [...(bound.spec.restrictions ?? []), ...(spec.restrictions ?? [])];
  return { ...bound, spec: { ...bound.spec, restrictions } };
}

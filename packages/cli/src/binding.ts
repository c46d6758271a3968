// Minting under a configuration: requested AND operator AND model AND user. What a layer takes away is said.
import type { GrantSpec, Restriction } from '@ambit/core';
import { configuredEntitlements, grantFor, type Registration } from '@ambit/identity';
import type { SyncStore } from '@ambit/state';
import type { Cli } from './cli.ts';
import { attestationOf } from './configured.ts';
import { Failure } from './failure.ts';
import type { Home } from './home.ts';

/** What was asked for: a grant as the flags or the file have it. */
export interface Asked {
  readonly spec: GrantSpec;
  /** Absent: the configuration's defaults. */
  readonly life: number | undefined;
  readonly delegations: number | undefined;
  readonly attestation: string | undefined;
}

/** The grant that is left, and what the layers took; a Failure that names the layer when nothing is. */
export function bindLayers(
  cli: Cli,
  home: Home,
  store: SyncStore,
  registration: Registration,
  asked: Asked,
): { readonly spec: GrantSpec; readonly notes: readonly string[] } {
  const { spec, life, delegations } = asked;
  const { operator } = registration;
  if (spec.operator.id !== operator.id) {
    throw new Failure(
      'operator_unknown',
      `the configuration in force is ${operator.id}'s, and the grant is for ${spec.operator.id}`,
    );
  }
  if (life !== undefined && life <= 0)
    throw new Failure('expired', 'the grant would have expired before it is minted');
  const bound = grantFor(
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
    {
      registration,
      attestation: attestationOf(home, registration, spec.model.digest, asked.attestation),
      entitlements: configuredEntitlements,
      revocations: store.revocations,
      now: cli.now,
    },
  );
  if (!bound.ok) throw new Failure(bound.code, `${bound.layer}: ${bound.message}`, hintOf(bound.code));
  const notes = bound.taken.flatMap(({ layer, tools, data }) => [
    ...(tools.length === 0 ? [] : [`the ${layer} layer takes away ${tools.join(', ')}`]),
    ...(data.length === 0 ? [] : [`the ${layer} layer takes away data ${data.join(', ')}`]),
  ]);
  const restrictions: readonly Restriction[] = [
    ...(bound.spec.restrictions ?? []),
    ...(spec.restrictions ?? []),
  ];
  return { spec: { ...bound.spec, restrictions }, notes };
}

const hintOf = (code: string): string | undefined =>
  code === 'model_unattested'
    ? 'name it with --attestation FILE, or keep it with `ambit model verify PATH --attestation FILE --keep`'
    : undefined;

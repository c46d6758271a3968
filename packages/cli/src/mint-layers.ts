// Minting under a configuration: requested AND operator AND model AND user. What a layer takes away is said.
import { bindGrant, type Wanted } from '@ambit/authority';
import type { GrantSpec } from '@ambit/core';
import { configuredEntitlements, type Registration } from '@ambit/identity';
import type { Store } from '@ambit/state';
import type { Cli } from './cli.ts';
import { attestationOf } from './home/configuration.ts';
import { Failure } from './failure.ts';
import type { Home } from './home/home.ts';

/** What was asked for: a grant as the flags or the file have it. */
export interface RequestedGrant extends Wanted {
  readonly spec: GrantSpec;
  readonly attestation: string | undefined;
}

/** The grant that is left, and what the layers took; a Failure that names the layer when nothing is. */
export async function bindLayers(
  cli: Cli,
  home: Home,
  store: Store,
  registration: Registration,
  asked: RequestedGrant,
): Promise<{ readonly spec: GrantSpec; readonly notes: readonly string[] }> {
  const { spec } = asked;
  const bound = await bindGrant(spec, asked, {
    registration,
    attestation: attestationOf(home, registration, spec.model.digest, asked.attestation),
    entitlements: configuredEntitlements,
    revocations: store.revocations,
    now: cli.now,
  });
  if (!bound.ok) throw new Failure(bound.code, `${bound.layer}: ${bound.message}`, hintOf(bound.code));
  const notes = bound.taken.flatMap(({ layer, tools, data }) => [
    ...(tools.length === 0 ? [] : [`the ${layer} layer takes away ${tools.join(', ')}`]),
    ...(data.length === 0 ? [] : [`the ${layer} layer takes away data ${data.join(', ')}`]),
  ]);
  return { spec: bound.spec, notes };
}

const hintOf = (code: string): string | undefined =>
  code === 'model_unattested'
    ? 'name it with --attestation FILE, or keep it with `ambit model verify PATH --attestation FILE --keep`'
    : undefined;

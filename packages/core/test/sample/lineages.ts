// Random derivations: a scene, a grant that mostly allows it, and the tokens grown from it step by step.
import fc from 'fast-check';
import {
  attenuate,
  delegate,
  type Budget,
  type HolderGrantSpec,
  type Restriction,
  type Signer,
} from '@ambit/core';
import {
  budgetArb,
  kindRestrictionArb,
  PATTERNS,
  restrictionArb,
  sceneArb,
  some,
  type Scene,
} from './arbitraries.ts';
import { holder, mintBase, T0 } from './keys.ts';

/** One step of a derivation. */
export type Step =
  | { readonly kind: 'attenuate'; readonly restrictions: readonly Restriction[] }
  | { readonly kind: 'delegate'; readonly restrictions: readonly Restriction[] };

export interface Lineage extends Scene {
  readonly spec: Partial<HolderGrantSpec>;
  readonly steps: readonly Step[];
}

/** A scene, a grant that mostly allows it, and a derivation of one to six steps that mostly go on allowing it. */
export const lineageArb: fc.Arbitrary<Lineage> = sceneArb.chain((scene) => {
  const restriction = fc.oneof(
    { weight: 5, arbitrary: kindRestrictionArb(scene) },
    { weight: 1, arbitrary: restrictionArb },
  );
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('attenuate' as const, 'attenuate' as const, 'delegate' as const),
    restrictions: fc.array(restriction, { maxLength: 2 }),
  });
  const spec: fc.Arbitrary<Partial<HolderGrantSpec>> = fc.record({
    tools: fc.oneof(
      { weight: 8, arbitrary: some(PATTERNS, 0, 3).map((more) => [...new Set([scene.call.tool, ...more])]) },
      { weight: 1, arbitrary: some(PATTERNS, 0, 4) },
    ),
    data: fc.constantFrom(['public', 'internal'], ['public', 'internal:research', 'internal:hr', 'internal']),
    deny: fc.oneof(
      { weight: 6, arbitrary: fc.constant<string[]>([]) },
      { weight: 1, arbitrary: some(PATTERNS, 1, 1) },
    ),
    budgets: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Budget[]>([]) },
      {
        weight: 2,
        arbitrary: fc.array(
          budgetArb.map((b) => ({ ...b, limit: b.limit + 3 })),
          { maxLength: 2 },
        ),
      },
    ),
    delegations: fc.constantFrom(0, 2, 4),
  });
  return fc
    .record({ spec, steps: fc.array(step, { minLength: 1, maxLength: 5 }) })
    .map((made) => ({ ...scene, ...made }));
});

/** A lineage in which every step hands the token on, so that its chain is as long as its steps are many. */
export const chainArb: fc.Arbitrary<Lineage> = lineageArb.map((l) => ({
  ...l,
  spec: { ...l.spec, delegations: 16 },
  steps: l.steps.map(({ restrictions }) => ({
    kind: 'delegate',
    restrictions: restrictions.filter((r) => r.type !== 'depth'),
  })),
}));

/** A token of a lineage, and who holds it. */
export interface Generation {
  readonly token: string;
  readonly by: Signer<'holder'>;
}

/** Every token of a lineage, root first; steps that can't be made (depth, counters) are left out. */
export function generations(l: Lineage, seal?: Signer<'issuer'>): Generation[] {
  const out: Generation[] = [{ token: mintBase(l.spec, seal), by: holder(0) }];
  let next = 1;
  for (const { kind, restrictions } of l.steps) {
    const { token, by } = out.at(-1)!;
    try {
      if (kind === 'attenuate') out.push({ token: attenuate(token, ...restrictions), by });
      else {
        const to = holder(next);
        out.push({
          token: delegate(token, { to: to.publicKey, label: `agent ${next}`, time: T0, restrictions }, by),
          by: to,
        });
        next++;
      }
    } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error;
    }
  }
  return out;
}

// How a decision came about, from the value that it is the end of. It asks nothing again but the token's own checks,
// which `explain` of core evaluates by the same predicates.
import { explain } from '@ambit/core';
import { LAYERS } from '@ambit/audit';
import { nameIn, type LayerAnswer } from '@ambit/identity';
import type { Decided, Explained } from './contract.ts';

/** The explanation of a decision. `layered`: whether an operator's configuration is in force. */
export function explained(decided: Decided, layered: boolean): Explained {
  const { view = null, token, facts } = decided;
  return {
    view,
    proof: token?.proof ?? null,
    layers: layered ? layersOf(decided) : [],
    checks: token === undefined || facts === undefined ? [] : explain(token, facts),
    charges: decided.ok ? decided.authorized.charges : null,
  };
}

// One answer a layer: a refusal outweighs, and a layer without an answer was not asked.
function layersOf({ view, token, layers = [] }: Decided): LayerAnswer[] {
  // Without a verified token no layer was asked; one out of its time has its session's answer.
  if (view === undefined || (token === undefined && layers.length === 0)) return [];
  return LAYERS.map((layer) => {
    const said = layers.filter((l) => l.layer === layer);
    const answer = said.find((l) => l.answer === 'refused') ?? said[0];
    return answer ?? { layer, answer: 'not_asked', who: nameIn(layer, view) };
  });
}

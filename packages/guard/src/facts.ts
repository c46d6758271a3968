// The facts about one call: what the enforcement point knows of tool, data and connection, and what the identity layers
// say under the operator's configuration in force. None comes from the caller (law L2); a handler may add labels.
import { asksForFlow, deny, type Facts } from '@ambit/core';
import { checkLayers, ResolvedEntitlements, type Prices } from '@ambit/identity';
import type { GuardOptions, Known, Stopped, Verified } from './contract.ts';
import { LATE, within } from './deadline.ts';
import { secondsOf, stop } from './decide.ts';

/** The stage that finds the facts. `timeout`: milliseconds that the resolver of entitlements, and the flow keeper, may take. */
export function createFacts(
  options: GuardOptions,
  timeout: number,
): (p: Verified) => Promise<Known | Stopped> {
  const { identity, flow } = options;

  // A resolver's answer is fetched before it is needed: it is looked up synchronously, and too old denies.
  async function refresh({ view }: Verified): Promise<void> {
    if (!(identity?.entitlements instanceof ResolvedEntitlements)) return;
    const registration = identity.operators.get(view.operator.id);
    if (registration === undefined) return;
    await within(identity.entitlements.refresh(registration.operator, view.user), timeout);
  }

  async function followed({ token, view, call }: Verified): Promise<Facts['flow']> {
    if (flow === undefined) return undefined;
    const found = flow.facts(view, call, asksForFlow(token));
    if (!(found instanceof Promise)) return found;
    const known = await within(found, timeout);
    return known === LATE ? undefined : known;
  }

  return async (p) => {
    await refresh(p);
    const { request, call, token } = p;
    const now = secondsOf(p);
    const known = request.known?.(call) ?? {};
    const bytes = known.bytes ?? request.bytes;
    const added = [...(request.data ?? []), ...(known.data ?? [])];
    const seen = await followed(p);
    const extra = {
      now,
      ...(request.address === undefined ? {} : { address: request.address }),
      ...(bytes === undefined ? {} : { bytes }),
      ...(seen === undefined ? {} : { flow: seen }),
    };
    if (identity === undefined) {
      const listed = options.tools === undefined ? {} : options.tools(call.tool);
      if (listed === null) return stop(p, deny('data_unknown', `${call.tool} is not listed at this service`));
      const { external, data = null, price = {} } = listed;
      const outside = external === undefined ? {} : { external };
      const facts = { ...extra, ...outside, ...merged(data, added), ...costs(price) };
      return { ...p, facts, layers: [], tool: null, prices: price };
    }
    const answer = checkLayers(token, identity, now);
    const { layers, facts: tool } = answer;
    const prices = tool?.price ?? {};
    const facts = {
      ...extra,
      ...costs(prices),
      ...(tool === null ? {} : { external: tool.external, ...merged(tool.data, added) }),
    };
    const found = { ...p, facts, layers, tool, prices };
    if (!answer.ok) return stop(found, answer);
    if (answer.facts.signedProof && token.proof !== 'signed')
      return stop(found, deny('proof_signature_required'));
    return found;
  };
}

// What a `cost` budget is charged before the call: the most it may cost.
function costs(prices: Prices): Pick<Facts, 'cost'> {
  const units = Object.entries(prices);
  if (units.length === 0) return {};
  return { cost: Object.fromEntries(units.map(([unit, { most }]) => [unit, most])) };
}

// A handler may know of more data than the configuration; it can add labels and take none away.
function merged(known: readonly string[] | null, added: readonly string[]): Pick<Facts, 'data'> {
  if (known === null) return {};
  return { data: added.length === 0 ? known : [...new Set([...known, ...added])] };
}

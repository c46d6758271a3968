// A replayed run as the events that a guard would write: what the detectors see of it. AgentDojo has no times of
// calls, so calls stand ten seconds apart (the median of the OpenAgentSafety runs), and the pace says nothing here.
import { sha256, toBase64url } from '@ambit/core';
import type { AgentEvent, CallEvent, Deployment, FlowReading, ToolShape } from '@ambit/behavior';
import { normalise } from '@ambit/behavior';
import type { Trace } from './traces.ts';

const GAP = 10;
const digests = new Map<string, string>();

const digest = (value: string): string => {
  const { kind, value: plain } = normalise(value);
  const key = `${kind} ${plain}`;
  let text = digests.get(key);
  if (text === undefined) {
    text = toBase64url(sha256(new TextEncoder().encode(key)).subarray(0, 9));
    digests.set(key, text);
  }
  return text;
};

const destinationsOf = (shape: ToolShape, args: Record<string, unknown>): readonly string[] =>
  Object.entries(args)
    .filter(([param]) => shape.roles.get(param) === 'destination')
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter((value) => typeof value === 'string' && value !== '')
    .map((value) => digest(value as string));

/** What is known of one call beside its record. */
export interface CallContext {
  readonly shape: ToolShape | undefined;
  readonly reading: FlowReading | undefined;
  readonly requested: boolean;
}

/** The events of a run, with the index of its call for each. */
export const eventsOf = (trace: Trace, contexts: readonly CallContext[]): readonly AgentEvent[] => {
  const deployment: Deployment = { operator: 'agentdojo', model: trace.model, task: trace.suite };
  return trace.calls.flatMap((recorded, index): AgentEvent[] => {
    const { shape, reading, requested } = contexts[index] ?? {
      shape: undefined,
      reading: undefined,
      requested: false,
    };
    const common = {
      session: trace.id,
      deployment,
      tool: recorded.fn,
      class: shape?.class ?? ('write' as const),
      index,
    };
    const at: CallEvent = {
      ...common,
      kind: 'call',
      time: index * GAP,
      shape: Object.keys(recorded.args).sort().join(','),
      destinations: shape === undefined ? [] : destinationsOf(shape, recorded.args),
      bytes: JSON.stringify(recorded.args).length,
      grade: reading?.grade ?? 1,
      requested: requested || shape?.effect === false,
    };
    if (recorded.out === undefined) return [at];
    return [
      at,
      { ...common, kind: 'outcome', time: index * GAP + 1, ok: recorded.err === undefined },
      {
        ...common,
        kind: 'ingest',
        time: index * GAP + 1,
        trusted: shape?.trusted ?? shape?.effect ?? false,
        bytes: recorded.n ?? 0,
      },
    ];
  });
};

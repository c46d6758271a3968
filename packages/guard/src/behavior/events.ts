// What happened, for the monitor and for the log: a call as an event without values, and an alert as a record.
import type { Draft } from '@ambit/audit';
import {
  flowSentence,
  type Alert,
  type CallEvent,
  type Deployment,
  type FlowFinding,
  type ToolShape,
} from '@ambit/behavior';
import { sha256, toBase64url, utf8, type Call, type TokenView } from '@ambit/core';
import { keyOf } from './sessions.ts';

/** What every event of a call has. */
export type CommonEvent = Pick<CallEvent, 'session' | 'deployment' | 'tool' | 'class'>;

/** `deployment`: whose pattern it is; by default operator, model, and the label of the last holder. */
export function commonEvent(
  view: TokenView,
  call: Call,
  shape: ToolShape,
  deployment: Deployment | undefined,
): CommonEvent {
  const task = view.chain.at(-1)?.label ?? '';
  return {
    session: keyOf(view),
    deployment: deployment ?? { operator: view.operator.id, model: view.model.id, task },
    tool: call.tool,
    class: shape.class,
  };
}

/** The event of a call that was asked for, at `time`, Unix seconds. */
export function callEvent(
  common: CommonEvent,
  call: Call,
  shape: ToolShape,
  time: number,
  grade: number,
): CallEvent {
  const args = call.args.value;
  const destinations = Object.entries(args).flatMap(([name, value]) =>
    shape.roles.get(name) === 'destination' && (typeof value === 'string' || typeof value === 'number')
      ? [toBase64url(sha256(utf8(String(value).trim().toLowerCase()))).slice(0, 22)]
      : [],
  );
  return {
    ...common,
    kind: 'call',
    time,
    shape: Object.keys(args).sort().join(','),
    destinations,
    bytes: utf8(call.args.canonical()).length,
    grade,
  };
}

/** The record of an alert; `record`: the decision that it was about, null if that was not written. */
export function alertDraft(alert: Alert, findings: readonly FlowFinding[], record: number | null): Draft {
  const [first] = alert.evidence;
  const sentences = [
    first?.sentence ?? 'The session deviated from its usual pattern.',
    ...findings.slice(0, 1).map(flowSentence),
  ];
  const evidence = [record, alert.ingest?.index].filter((i): i is number => typeof i === 'number' && i >= 0);
  return {
    kind: 'alert',
    tool: { name: alert.tool },
    alert: {
      detector: first?.detector ?? 'fused',
      score: Math.max(0, Math.round(1000 * (1 - alert.p))),
      evidence: [...new Set(evidence)].sort((a, b) => a - b),
    },
    reason: sentences.join(' ').slice(0, 240),
    ...(record === null ? {} : { of: record }),
  };
}

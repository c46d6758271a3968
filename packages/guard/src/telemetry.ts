// Optional OpenTelemetry: counters and a histogram over a structural view of its API, so that no package of it is
// needed. Whatever a meter throws changes nothing (attack G4). Names follow the GenAI conventions where they exist.

interface Counter {
  add(value: number, attributes?: Record<string, string>): void;
}
interface Histogram {
  record(value: number, attributes?: Record<string, string>): void;
}

/** The part of `@opentelemetry/api`'s `Meter` that is used. */
export interface Meter {
  createCounter(name: string, options?: { description?: string; unit?: string }): Counter;
  createHistogram(name: string, options?: { description?: string; unit?: string }): Histogram;
}

/** Where measurements go. */
export interface Telemetry {
  readonly meter: Meter;
}

/** What the guard reports. */
export interface Instruments {
  decision(event: { readonly code: string; readonly tool: string; readonly milliseconds: number }): void;
  outcome(tool: string, status: string, milliseconds: number): void;
}

const quietly = (work: () => void): void => {
  try {
    work();
  } catch {
    // Metrics are never the call's business.
  }
};

/** The instruments over a meter; without one, nothing. */
export function instrument(t: Telemetry | undefined): Instruments {
  if (t === undefined) return { decision: () => undefined, outcome: () => undefined };
  const decisions = t.meter.createCounter('ambit.decisions', { description: 'Decisions by code' });
  const deciding = t.meter.createHistogram('ambit.decision.duration', { unit: 'ms' });
  const calls = t.meter.createHistogram('ambit.call.duration', { unit: 'ms' });
  return {
    decision: ({ code, tool, milliseconds }) =>
      quietly(() => {
        const attributes = { 'ambit.code': code, 'gen_ai.tool.name': tool };
        decisions.add(1, attributes);
        deciding.record(milliseconds, attributes);
      }),
    outcome: (tool, status, milliseconds) =>
      quietly(() => {
        const attributes: Record<string, string> = { 'gen_ai.tool.name': tool };
        if (status !== 'ok') attributes['error.type'] = status;
        calls.record(milliseconds, attributes);
      }),
  };
}

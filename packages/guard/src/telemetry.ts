// Optional OpenTelemetry: counters, histograms and spans over a structural view of its API, so that no package of it
// is needed. An error of a meter or tracer changes no decision (attack G4)
// and goes to `fault`. Names follow the GenAI conventions
// where they exist. Attributes are tool, code and status: no argument, no name of a person.
import { quietly } from './quietly.ts';

type Attributes = Record<string, string | number>;
interface Counter {
  add(value: number, attributes?: Attributes): void;
}
interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

/** The part of `@opentelemetry/api`'s `Meter` that is used. */
export interface OtelMeter {
  createCounter(name: string, options?: { description?: string; unit?: string }): Counter;
  createHistogram(name: string, options?: { description?: string; unit?: string }): Histogram;
}

/** The part of `@opentelemetry/api`'s `Span` that is used. */
export interface Span {
  setAttribute(name: string, value: string | number): unknown;
  setStatus(status: { code: number }): unknown;
  end(): void;
}

/** The part of `@opentelemetry/api`'s `Tracer` that is used. */
export interface Tracer {
  startSpan(name: string, options?: { kind?: number; startTime?: number; attributes?: Attributes }): Span;
}

/** Where measurements go. */
export interface Telemetry {
  readonly meter?: OtelMeter;
  readonly tracer?: Tracer;
}

/** A decision as it is reported. */
interface Decided {
  readonly ok: boolean;
  readonly code: string;
  readonly tool: string;
  readonly record: number | null;
  readonly milliseconds: number;
}

/** What the guard reports. */
export interface Instruments {
  /** Gives the call's span if the call proceeds. `started` is Unix milliseconds. */
  decision(event: Decided, started: number): Span | null;
  outcome(span: Span | null, tool: string, status: string, milliseconds: number): void;
}

/** `SpanKind.SERVER` and `SpanStatusCode.ERROR` of the API. */
const SERVER = 1;
const ERROR = 2;

/** The instruments over a meter and a tracer; without them, nothing. */
export function instrument(
  { meter, tracer }: Telemetry | undefined = {},
  fault: (error: unknown) => void,
): Instruments {
  const decisions = meter?.createCounter('ambit.decisions', { description: 'Decisions by code' });
  const deciding = meter?.createHistogram('ambit.decision.duration', { unit: 'ms' });
  const calls = meter?.createHistogram('gen_ai.execute_tool.duration', { unit: 'ms' });

  function begin({ ok, code, tool, record }: Decided, startTime: number): Span | null {
    if (tracer === undefined) return null;
    const attributes = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': tool,
      'ambit.code': code,
      ...(record === null ? {} : { 'ambit.decision': record }),
    };
    const span = tracer.startSpan(`execute_tool ${tool}`, { kind: SERVER, startTime, attributes });
    if (ok) return span;
    span.setAttribute('error.type', code);
    span.setStatus({ code: ERROR });
    span.end();
    return null;
  }

  return {
    decision: (event, started) => {
      const attributes = { 'ambit.code': event.code, 'gen_ai.tool.name': event.tool };
      quietly(() => decisions?.add(1, attributes), fault);
      quietly(() => deciding?.record(event.milliseconds, attributes), fault);
      let span: Span | null = null;
      quietly(() => {
        span = begin(event, started);
      }, fault);
      return span;
    },
    outcome: (span, tool, status, milliseconds) => {
      const failed = status === 'ok' ? {} : { 'error.type': status };
      quietly(() => calls?.record(milliseconds, { 'gen_ai.tool.name': tool, ...failed }), fault);
      quietly(() => {
        if (status !== 'ok') {
          span?.setAttribute('error.type', status);
          span?.setStatus({ code: ERROR });
        }
        span?.end();
      }, fault);
    },
  };
}

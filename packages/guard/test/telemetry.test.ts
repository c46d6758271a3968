// OpenTelemetry through its real API: a meter provider and a tracer provider of the test's own, registered globally as
// an application would, and what the guard reports to them.
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  metrics,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Meter,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import { parseCall as makeCall, prove } from '@ambit/core';
import { createGuard } from '@ambit/guard';
import { AUDIENCE, seconds, world, type World } from './world.ts';

interface Measured {
  readonly instrument: string;
  readonly value: number;
  readonly attributes: Attributes;
}
interface Traced {
  readonly name: string;
  readonly options: SpanOptions;
  readonly attributes: Attributes;
  status: number;
  ended: boolean;
}
const measured: Measured[] = [];
const spans: Traced[] = [];
const keep =
  (instrument: string) =>
  (value: number, attributes: Attributes = {}): void =>
    void measured.push({ instrument, value, attributes });
const meter = {
  createCounter: (n: string) => ({ add: keep(n) }),
  createHistogram: (n: string) => ({ record: keep(n) }),
} as unknown as Meter;
const tracer = {
  startSpan: (name: string, options: SpanOptions): Span => {
    const traced: Traced = { name, options, attributes: { ...options.attributes }, status: 0, ended: false };
    spans.push(traced);
    return {
      setAttribute: (key: string, value: string) => void (traced.attributes[key] = value),
      setStatus: ({ code }: { code: number }) => void (traced.status = code),
      end: () => void (traced.ended = true),
    } as unknown as Span;
  },
} as unknown as Tracer;

let w: World;
beforeEach(async () => {
  w = await world();
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
});
afterEach(async () => {
  metrics.disable();
  trace.disable();
  await w.end();
});

it('counts decisions by code, times calls, and traces each call; no argument and no name of a person is in it', async () => {
  const telemetry = { meter: metrics.getMeter('ambit'), tracer: trace.getTracer('ambit') };
  const g = createGuard({
    verifier: w.verifier,
    store: w.store,
    audit: w.recorder,
    tools: () => ({ external: false, data: ['internal'] }),
    telemetry,
  });
  const run = async (tool: string, work: () => Promise<string>): Promise<unknown> => {
    const made = makeCall({ tool, args: { secret: 'swordfish' } });
    if (!made.ok) throw new Error(made.message);
    const token = w.token();
    const proof = prove(token, made.call, { audience: AUDIENCE, time: seconds() }, w.agent);
    return g.run({ token, proof, call: made.call }, work);
  };
  let ran = false;
  expect(await run('echo', async () => 'fine')).toMatchObject({ ok: true, result: 'fine' });
  expect(await run('delete_all', async () => ((ran = true), 'never'))).toMatchObject({
    ok: false,
    denial: { code: 'tool_not_granted' },
  });
  expect(ran).toBe(false);
  await expect(run('echo', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  const of = (instrument: string): unknown[] =>
    measured.filter((m) => m.instrument === instrument).map((m) => m.attributes);
  expect(of('ambit.decisions')).toEqual([
    { 'ambit.code': 'allowed', 'gen_ai.tool.name': 'echo' },
    { 'ambit.code': 'tool_not_granted', 'gen_ai.tool.name': 'delete_all' },
    { 'ambit.code': 'allowed', 'gen_ai.tool.name': 'echo' },
  ]);
  expect(of('gen_ai.execute_tool.duration')).toEqual([
    { 'gen_ai.tool.name': 'echo' },
    { 'gen_ai.tool.name': 'echo', 'error.type': 'error' },
  ]);
  expect(spans.map((s) => [s.name, s.options.kind, s.status, s.ended, s.attributes['error.type']])).toEqual([
    ['execute_tool echo', SpanKind.SERVER, SpanStatusCode.UNSET, true, undefined],
    ['execute_tool delete_all', SpanKind.SERVER, SpanStatusCode.ERROR, true, 'tool_not_granted'],
    ['execute_tool echo', SpanKind.SERVER, SpanStatusCode.ERROR, true, 'error'],
  ]);
  expect(spans[0]?.attributes['ambit.decision']).toBe(0);
  expect(JSON.stringify([measured, spans])).not.toMatch(/swordfish|jane|amb1_/);
});

it('what a meter or tracer throws goes to `onFault` and changes no decision', async () => {
  const failing = (): never => {
    throw new Error('exporter down');
  };
  const broken = { createCounter: () => ({ add: failing }), createHistogram: () => ({ record: failing }) };
  const faults: unknown[] = [];
  const g = createGuard({
    verifier: w.verifier,
    store: w.store,
    audit: w.recorder,
    tools: () => ({ external: false, data: ['internal'] }),
    telemetry: { meter: broken, tracer: { startSpan: failing } },
    onFault: (error) => faults.push(error),
  });
  const made = makeCall({ tool: 'echo' });
  if (!made.ok) throw new Error(made.message);
  const token = w.token();
  const proof = prove(token, made.call, { audience: AUDIENCE, time: seconds() }, w.agent);
  expect(await g.run({ token, proof, call: made.call }, async () => 'fine')).toMatchObject({ ok: true });
  // The decision's count, time and span, and the time of the call.
  expect(faults).toEqual(Array.from({ length: 4 }, () => new Error('exporter down')));
});

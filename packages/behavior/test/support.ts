// Sessions of an invented deployment: an assistant that reads mail and files and now and then pays or writes.
import type { AgentEvent, CallEvent, Deployment, SessionEvents, ToolClass } from '@ambit/behavior';

export const DEPLOYMENT: Deployment = { operator: 'acme', model: 'm-1', task: 'assistant' };

/** Deterministic numbers in 0..1. */
export const numbers = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
};

export const callEvent = (
  session: string,
  tool: string,
  cls: ToolClass,
  time: number,
  more: Partial<CallEvent> = {},
): CallEvent => ({
  kind: 'call',
  session,
  deployment: DEPLOYMENT,
  tool,
  class: cls,
  time,
  shape: 'a,b',
  destinations: [],
  bytes: 120,
  grade: 0,
  requested: true,
  ...more,
});

export const ingestEvent = (
  session: string,
  tool: string,
  time: number,
  bytes = 500,
  trusted = false,
): AgentEvent => ({
  kind: 'ingest',
  session,
  deployment: DEPLOYMENT,
  tool,
  class: 'read',
  time,
  bytes,
  trusted,
});

/** A benign session: two to six reads, then perhaps one effect with a destination of the user's. */
export const benignSession = (n: number, tools = ['read_mail', 'list_files', 'read_file']): SessionEvents => {
  const random = numbers(n * 7919 + 13);
  const session = `s${String(n)}`;
  const events: AgentEvent[] = [];
  let time = 1000 + n * 100;
  const reads = 2 + Math.floor(random() * 5);
  for (let i = 0; i < reads; i += 1) {
    const tool = tools[Math.floor(random() * tools.length)] ?? 'read_mail';
    events.push(callEvent(session, tool, 'read', time, { bytes: 40 + Math.floor(random() * 60) }));
    events.push(ingestEvent(session, tool, time + 1, 200 + Math.floor(random() * 3000)));
    time += 4 + random() * 30;
  }
  if (random() < 0.6) {
    events.push(
      callEvent(session, 'send_mail', 'send', time, {
        bytes: 150 + Math.floor(random() * 400),
        destinations: ['d1'],
      }),
    );
  } else if (random() < 0.5) {
    events.push(callEvent(session, 'send_money', 'pay', time, { bytes: 90, destinations: ['d2'] }));
  }
  return { group: `g${String(n % 12)}`, events };
};

export const benignSessions = (count: number, from = 0): SessionEvents[] =>
  Array.from({ length: count }, (_, i) => benignSession(from + i));

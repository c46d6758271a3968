// Behavior on the hot path: what an event, a flow reading and an incoming result cost, and what a session holds.
// Targets of issue 8: under 20 us an event, under 50 KB a session.
import { fileURLToPath } from 'node:url';
import { FlowTracker, Monitor, learn, toolShape } from '@ambit/behavior';
import type { AgentEvent, JsonValue, SessionEvents } from '@ambit/behavior';
import { measure, rounds } from './measure.ts';
import { tableText, type BenchOptions, type Table } from './table.ts';

const DEPLOYMENT = { operator: 'acme', model: 'm-1', task: 'assistant' };
const TOOLS = ['read_mail', 'list_files', 'read_file', 'search_web'];

/** Ten events of one session: three reads with their content, an effect, an outcome. */
const session = (id: string, n: number): AgentEvent[] => {
  const common = { session: id, deployment: DEPLOYMENT };
  const events: AgentEvent[] = [];
  for (let i = 0; i < 4; i += 1) {
    const tool = TOOLS[(n * 7 + i * 3) % TOOLS.length] ?? 'read_mail';
    const time = n * 100 + i * 10;
    events.push({
      ...common,
      kind: 'call',
      tool,
      class: 'read',
      time,
      shape: 'query',
      destinations: [],
      bytes: 50,
      grade: 0,
    });
    events.push({
      ...common,
      kind: 'ingest',
      tool,
      class: 'read',
      time: time + 1,
      bytes: 280 + ((n * 131 + i * 977) % 4000),
      trusted: false,
    });
  }
  events.push({
    ...common,
    kind: 'call',
    tool: 'send_mail',
    class: 'send',
    time: n * 100 + 50,
    shape: 'body,recipients',
    destinations: ['d1'],
    bytes: 300,
    grade: 0,
  });
  events.push({ ...common, kind: 'outcome', tool: 'send_mail', class: 'send', time: n * 100 + 51, ok: true });
  return events;
};

const text = (bytes: number): string => {
  const sentence =
    'The meeting with bob@example.com is on 2024-05-15 at www.example.com/a; Total 98.70 for GB29NWBK60161331926819. ';
  return sentence.repeat(Math.ceil(bytes / sentence.length)).slice(0, bytes);
};

const heap = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

/** Bytes that each of `count` made things holds, and the things, so that they live until they are measured. */
const held = (count: number, make: (i: number) => unknown): number => {
  const things: unknown[] = [];
  const before = heap();
  for (let i = 0; i < count; i += 1) things.push(make(i));
  const bytes = (heap() - before) / things.length;
  return bytes;
};

/** Costs of the live path. Memory is measured only when node runs with --expose-gc. */
export async function benchBehavior(options: BenchOptions = {}): Promise<Table[]> {
  const sessions: SessionEvents[] = Array.from({ length: 300 }, (_, n) => ({
    group: `g${String(n % 20)}`,
    events: session(`s${String(n)}`, n),
  }));
  const base = learn('acme', sessions);
  const monitor = new Monitor(base, { maxSessions: 1024 });
  const stream = Array.from({ length: 1000 }, (_, n) => session(`live${String(n)}`, n)).flat();
  const pay = toolShape({ name: 'send_money', params: ['recipient', 'amount', 'subject'] });
  const read = toolShape({ name: 'read_file', params: ['path'] });
  const warm = (): FlowTracker => {
    const tracker = new FlowTracker(1);
    tracker.prompt("Pay the bill 'bill.txt' to GB29NWBK60161331926819 and tell Bob");
    for (let i = 0; i < 20; i += 1)
      tracker.result(read, { args: { path: `f${String(i)}.txt` }, value: text(1500) });
    return tracker;
  };
  const tracker = warm();
  const call = { recipient: 'US133000000121212121212', amount: 98.7, subject: 'Bill for December' };
  const results = [280, 4333, 30_000].map((bytes) => ({ bytes, value: text(bytes) as JsonValue }));
  const record = Array.from({ length: 40 }, (_, i) => ({
    id: String(i),
    sender: `u${String(i)}@example.com`,
    subject: 'Notes',
    body: text(200),
  }));
  let at = 0;
  const measured = await measure(
    [
      {
        name: 'event through the monitor (all detectors, fusion)',
        run: (n) => {
          for (let i = 0; i < n; i += 1) monitor.event(stream[(at += 1) % stream.length] as AgentEvent);
        },
      },
      {
        name: 'flow reading of a call, three arguments',
        run: (n) => {
          for (let i = 0; i < n; i += 1) tracker.read(pay, call);
        },
      },
      ...results.map(({ bytes, value }) => ({
        name: `result of ${String(bytes)} bytes of prose comes in`,
        run: (n: number): void => {
          for (let i = 0; i < n; i += 1) tracker.result(read, { args: { path: 'x.txt' }, value });
        },
      })),
      {
        name: 'result of 40 records comes in (12 KB)',
        run: (n) => {
          for (let i = 0; i < n; i += 1) tracker.result(read, { args: { path: 'y' }, value: record });
        },
      },
    ],
    rounds(options.quick),
  );
  const cost: Table = {
    title: 'Behavior: cost of the live path',
    notes: [
      'Microseconds each, median over rounds. Sizes: the median, 90th percentile and beyond of the recorded outputs.',
    ],
    columns: ['what', 'us', 'p10', 'p90'],
    rows: [...measured.values()].map(({ name, median, p10, p90 }) => [name, median, p10, p90]),
  };
  if (globalThis.gc === undefined) return [cost];
  const count = options.quick === true ? 200 : 1000;
  const one = new Monitor(base, { maxSessions: 1_000_000 });
  const watch = held(count, (i) => {
    for (let k = 0; k < 60; k += 1) for (const event of session(`m${String(i)}`, k)) one.event(event);
  });
  const flow = held(count, warm);
  return [
    cost,
    {
      title: 'Behavior: memory a session',
      notes: [
        'Heap and buffers after collection, by the number of sessions kept. Detectors: 600 events each; flow: 20 results of 1,500 bytes.',
      ],
      columns: ['what', 'KB'],
      rows: [
        ['detectors', watch / 1024],
        ['flow and provenance', flow / 1024],
        ['both', (watch + flow) / 1024],
      ],
    },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const table of await benchBehavior({ quick: process.argv.includes('--quick') }))
    console.log(tableText(table));
}

// Server-sent events (WHATWG HTML, section 9.2) through a gate, event by event. Only events whose data is one message
// that may pass are forwarded, and those without data, which keep a stream alive or name a place to resume.
import type { Gate } from './gate.ts';
import { asMessage, type Message } from '@ambit/wire/mcp';

/** A message in a text of the server; null if invalid; lists of messages are invalid too. */
export function readMessage(text: string): Message | null {
  try {
    return asMessage(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A stream of events filtered by `gate`. Ends with an error when one event has more than `limit` characters. */
export function eventGate(gate: Gate, limit: number): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let pending = '';
  const event = async (block: string): Promise<string> => {
    const lines = block.split('\n');
    const data = lines.filter((l) => l.startsWith('data:')).map((l) => l.slice(l[5] === ' ' ? 6 : 5));
    const others = lines.filter((l) => !/^data(?::|$)/.test(l));
    const text = data.join('\n');
    const message = text === '' ? null : readMessage(text);
    const passed = message === null ? null : await gate.fromServer(message, text.length);
    const body =
      passed !== null ? [`data: ${JSON.stringify(passed)}`] : text === '' ? data.map(() => 'data:') : [];
    // A dropped event still leaves its id, so that a resumed stream continues after it.
    if (text !== '' && passed === null)
      return others.filter((l) => l.startsWith('id:')).join('\n') + '\ndata:\n\n';
    return `${[...others, ...body].join('\n')}\n\n`;
  };
  const take = async (
    controller: TransformStreamDefaultController<Uint8Array>,
    more: string,
    last: boolean,
  ): Promise<void> => {
    pending += more;
    // A line end may be cut in two by the chunk: its first half waits.
    const whole = last || !pending.endsWith('\r') ? pending : pending.slice(0, -1);
    const kept = pending.slice(whole.length);
    let rest = whole.includes('\r') ? whole.replace(/\r\n?/g, '\n') : whole;
    for (let at = rest.indexOf('\n\n'); at >= 0; at = rest.indexOf('\n\n')) {
      controller.enqueue(encoder.encode(await event(rest.slice(0, at))));
      rest = rest.slice(at + 2);
    }
    pending = rest + kept;
    if (pending.length > limit) throw new RangeError('an event of the server is too large');
    // What is not ended by an empty line is no event (section 9.2.6).
  };
  return new TransformStream({
    transform: (chunk, controller) => take(controller, decoder.decode(chunk, { stream: true }), false),
    flush: (controller) => take(controller, decoder.decode(), true),
  });
}

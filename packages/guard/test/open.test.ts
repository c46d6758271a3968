// The table of open requests: bounded in both directions, one use of an id, and nobody's answer to nothing.
import { describe, expect, it } from 'vitest';
import { OPEN_REQUESTS, OpenRequests } from '../src/mcp/open.ts';

const begin = (open: OpenRequests, id: number): ReturnType<OpenRequests['begin']> =>
  open.begin(id, 'tools/call', {});

describe('open requests of one connection', () => {
  it('at most 1024 of a client: the next is refused until one ends', () => {
    expect(OPEN_REQUESTS).toBe(1024);
    const open = new OpenRequests();
    for (let id = 0; id < 1024; id++) expect(begin(open, id)).not.toBeNull();
    expect(begin(open, 1024)).toBeNull();
    expect(open.end(7)).toBeDefined();
    expect(begin(open, 1024)).not.toBeNull();
    expect(begin(open, 1025)).toBeNull();
  });

  it('a cancelled one that was allowed makes room, one that is still being decided does not', () => {
    const open = new OpenRequests();
    for (let id = 0; id < 1024; id++) begin(open, id);
    open.get(3)!.cancelled = true;
    expect(begin(open, 1024)).toBeNull();
    open.get(3)!.permit = {} as never;
    expect(begin(open, 1024)).not.toBeNull();
    expect(open.get(3)).toBeUndefined();
    expect(begin(open, 1025)).toBeNull();
  });

  it('at most 1024 of a server: an answer to what was past them is an answer to nothing', () => {
    const open = new OpenRequests();
    for (let id = 0; id <= 1024; id++) open.asks(id);
    expect([open.answers(0), open.answers(0), open.answers(1023), open.answers(1024)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it('an id in use opens no second request; an answer before it was sent is none', () => {
    const open = new OpenRequests();
    const first = begin(open, 1);
    expect(begin(open, 1)).toBeNull();
    expect(open.answered(1)).toBeUndefined();
    first!.sent = true;
    expect(open.answered(1)).toBe(first);
    expect(open.answered(1)).toBeUndefined();
  });
});

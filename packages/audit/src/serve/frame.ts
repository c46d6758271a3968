// The append-only protocol on a local socket. A frame is its length (four bytes, big-endian), an operation, the
// caller's number for it (four bytes) and a payload. There is no operation that changes, removes or skips anything.
import { AmbitError } from '../core.ts';

/** Requests: append a record (a draft as plain CBOR), a receipt or the bytes of a record of one's own (index as text), or publish. */
export const OPERATION = { append: 1, receipt: 2, read: 3, publish: 4 } as const;
/** Answers: done (index, receipt or bytes), or refused (a code, a space, a sentence). */
export const ANSWER = { done: 0x80, refused: 0x81 } as const;

/** The longest payload: a draft with its fields' names is longer than its record, which has at most 65,535 bytes. */
export const MAX_PAYLOAD = 262_144;
const HEAD = 9;

export interface SocketFrame {
  readonly operation: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** One frame as bytes. */
export function encodeFrame(operation: number, id: number, payload: Uint8Array | string): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const out = Buffer.allocUnsafe(HEAD + body.length);
  out.writeUInt32BE(HEAD - 4 + body.length, 0);
  out[4] = operation;
  out.writeUInt32BE(id, 5);
  out.set(body, HEAD);
  return out;
}

/** Cuts a stream into frames. Throws AmbitError `request_invalid` or `request_too_large`: the connection is then closed. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): SocketFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: SocketFrame[] = [];
    let at = 0;
    while (this.#rest.length - at >= 4) {
      const length = this.#rest.readUInt32BE(at);
      if (length < HEAD - 4) throw new AmbitError('request_invalid');
      if (length > MAX_PAYLOAD + HEAD) throw new AmbitError('request_too_large');
      if (this.#rest.length - at < 4 + length) break;
      const frame = this.#rest.subarray(at, at + 4 + length);
      frames.push({ operation: frame[4]!, id: frame.readUInt32BE(5), payload: frame.subarray(HEAD) });
      at += 4 + length;
    }
    this.#rest = this.#rest.subarray(at);
    return frames;
  }
}

// The other end of the socket: a sink for records in a process that may only append. A connection that breaks denies
// what was under way (law L11) and is made again for the next record.
import { createConnection, type Socket } from 'node:net';
import { encodePlain } from '@ambit/cbor';
import { AmbitError, CODES, type DenialCode } from '../core.ts';
import type { Draft } from '../record/record.ts';
import type { Recorded, Sink } from '../record/recorder.ts';
import { ANSWER, encodeFrame, FrameReader, OPERATION } from './frame.ts';

interface Pending {
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: AmbitError) => void;
}

export interface ConnectOptions {
  /** Milliseconds until a request is given up (default 5000). */
  readonly timeout?: number;
}

/** A connection to a writer; made by `connectLog`. */
export class LogConnection implements Sink {
  readonly #path: string;
  readonly #timeout: number;
  readonly #pending = new Map<number, Pending>();
  #socket: Promise<Socket> | null = null;
  #next = 0;
  #closed = false;

  constructor(path: string, options: ConnectOptions = {}) {
    this.#path = path;
    this.#timeout = options.timeout ?? 5000;
  }

  #connect(): Promise<Socket> {
    this.#socket ??= new Promise<Socket>((resolve, reject) => {
      const socket = createConnection(this.#path);
      const reader = new FrameReader();
      const lost = (): void => {
        this.#socket = null;
        const error = new AmbitError('audit_unavailable', 'The connection to the audit log was lost.');
        for (const { reject: deny } of this.#pending.values()) deny(error);
        this.#pending.clear();
        reject(error);
      };
      socket.once('connect', () => resolve(socket));
      socket.on('error', () => socket.destroy());
      socket.once('close', lost);
      socket.on('data', (chunk: Buffer) => {
        try {
          for (const { operation, id, payload } of reader.push(chunk)) this.#answer(operation, id, payload);
        } catch {
          socket.destroy();
        }
      });
      socket.unref();
    });
    return this.#socket;
  }

  #answer(operation: number, id: number, payload: Buffer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (operation === ANSWER.done) pending?.resolve(payload);
    else {
      const [code, ...words] = payload.toString('utf8').split(' ');
      pending?.reject(new AmbitError(isCode(code) ? code : 'audit_unavailable', words.join(' ')));
    }
  }

  async #request(operation: number, payload: Uint8Array | string): Promise<Buffer> {
    if (this.#closed) throw new AmbitError('audit_unavailable', 'The connection to the audit log is closed.');
    const socket = await this.#connect();
    this.#next = (this.#next + 1) >>> 0;
    const id = this.#next;
    return new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new AmbitError('audit_unavailable', 'The audit log did not answer in time.'));
      }, this.#timeout);
      const settle = (): void => clearTimeout(timer);
      this.#pending.set(id, {
        resolve: (answer) => (settle(), resolve(answer)),
        reject: (error) => (settle(), reject(error)),
      });
      socket.write(encodeFrame(operation, id, payload));
    });
  }

  /**
   * Resolves with the index when the record is durable. Rejects with AmbitError; the recorded call must then
   * not run.
   */
  async record(draft: Draft): Promise<Recorded> {
    const answer = await this.#request(OPERATION.append, encodeDraft(draft));
    return { index: Number(answer.toString('latin1')) };
  }

  /** A receipt for a record of one's own. */
  async receipt(index: number): Promise<string> {
    return (await this.#request(OPERATION.receipt, String(index))).toString('utf8');
  }

  /** The bytes of a record of one's own. */
  async read(index: number): Promise<Uint8Array> {
    return new Uint8Array(await this.#request(OPERATION.read, String(index)));
  }

  /** Has everything that is durable now signed and published, so that a reader of the log's files sees it. */
  async publish(): Promise<void> {
    await this.#request(OPERATION.publish, '');
  }

  async close(): Promise<void> {
    this.#closed = true;
    const socket = await this.#socket?.catch(() => null);
    socket?.destroy();
  }
}

function encodeDraft(draft: Draft): Uint8Array {
  try {
    return encodePlain(draft);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AmbitError(
      'audit_refused',
      'The record holds a value that is neither text, number, list nor object.',
    );
  }
}

const isCode = (text: string | undefined): text is DenialCode =>
  text !== undefined && Object.hasOwn(CODES, text);

/**
 * Connects to a writer's socket. Rejects with AmbitError `audit_unavailable` when there is no listener or no
 * permission to connect.
 */
export const connectLog = (path: string, options: ConnectOptions = {}): LogConnection =>
  new LogConnection(path, options);

// The writer as a process of its own, under a user of its own (`ambit audit serve`): agents, their runtime and even a
// hijacked guard can add records and read back their own, and nothing else; files and key belong to the writer.
// The socket identifies the client: one socket for each enforcement point, with its own file mode.
import { chmod, chown, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { decodePlain } from '@ambit/cbor';
import { AmbitError, fromUtf8 } from '../core.ts';
import { decodeRecord } from '../record/codec.ts';
import type { Draft } from '../record/record.ts';
import type { Recorder } from '../record/recorder.ts';
import { ANSWER, encodeFrame, FrameReader, MAX_PAYLOAD, OPERATION, type SocketFrame } from './frame.ts';

/** A socket for one enforcement point. */
export interface ServeSocket {
  readonly path: string;
  /** Name of the enforcement point: the `by` of every record that arrives here. */
  readonly by: string;
  /** Who may connect (default 0o600: the writer's own user). */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface ServeOptions {
  readonly recorder: Recorder;
  readonly sockets: readonly ServeSocket[];
  /** Requests of one connection under way; beyond it the connection is not read (default 1024). */
  readonly inFlight?: number;
}

/** A listening writer. */
export interface LogServer {
  /** Stops listening, finishes what was taken; the recorder stays open. */
  close(): Promise<void>;
}

/** Listens on local sockets and writes what comes in. */
export async function serveLog(options: ServeOptions): Promise<LogServer> {
  const connections = new Set<Socket>();
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    for (const socket of connections) socket.destroy();
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  };
  const open = async (at: ServeSocket): Promise<void> => {
    const server = createServer((socket) => {
      connections.add(socket);
      socket.once('close', () => connections.delete(socket));
      serveConnection(socket, options.recorder, at.by, options.inFlight ?? 1024);
    });
    // We hold the lock of the log, so a socket file that is still here belongs to no living writer.
    await rm(at.path, { force: true });
    await listen(server, at.path);
    servers.push(server);
    if (at.uid !== undefined || at.gid !== undefined) await chown(at.path, at.uid ?? -1, at.gid ?? -1);
    await chmod(at.path, at.mode ?? 0o600);
  };
  try {
    for (const at of options.sockets) await open(at);
  } catch (error) {
    // All of them or none: one that went on listening would keep the process, and the log's socket, for nothing.
    await close();
    throw error;
  }
  return { close };
}

/** Binds without any permission; permissions are set afterwards. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const mask = process.umask(0o777);
    try {
      server.listen(path, () => resolve());
    } finally {
      process.umask(mask);
    }
  });
}

function serveConnection(socket: Socket, recorder: Recorder, by: string, most: number): void {
  const reader = new FrameReader();
  let underWay = 0;
  const one = async (frame: SocketFrame): Promise<void> => {
    let out: Buffer;
    try {
      out = encodeFrame(ANSWER.done, frame.id, await perform(frame, recorder, by));
    } catch (error) {
      out = encodeFrame(ANSWER.refused, frame.id, refusal(error));
    }
    if (!socket.destroyed) socket.write(out);
    underWay--;
    if (underWay < most && socket.isPaused()) socket.resume();
  };
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) {
        underWay++;
        void one(frame);
      }
    } catch {
      socket.destroy();
      return;
    }
    // Unread answers pile up too: a client that does not read is not read from.
    if (underWay >= most || socket.writableLength > 1_048_576) socket.pause();
  });
  socket.on('drain', () => {
    if (underWay < most && socket.isPaused()) socket.resume();
  });
}

const refusal = (error: unknown): string =>
  error instanceof AmbitError
    ? `${error.code} ${error.message}`
    : error instanceof RangeError
      ? `input_invalid ${error.message}`
      : 'internal The writer failed.';

async function perform(
  { operation, payload }: SocketFrame,
  recorder: Recorder,
  by: string,
): Promise<string | Uint8Array> {
  if (operation === OPERATION.append) {
    const { index } = await recorder.record(readDraft(payload), by);
    return String(index);
  }
  if (operation === OPERATION.publish) {
    await recorder.log.checkpoint();
    return '';
  }
  if (operation !== OPERATION.receipt && operation !== OPERATION.read)
    throw new AmbitError(
      'method_not_allowed',
      'The log takes records; it does not change, remove or skip them.',
    );
  const text = fromUtf8(payload) ?? '';
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) throw new AmbitError('request_invalid');
  const index = Number(text);
  const { log } = recorder;
  // The same answer for a record of another and for none: the length of the log is not the client's business.
  const denied = new AmbitError('audit_refused', 'You have written no such record.');
  if (!(index < log.size)) throw denied;
  if (index >= log.published.size) await log.checkpoint();
  const entry = await log.reader().entry(index);
  if (decodeRecord(entry)?.by !== by) throw denied;
  return operation === OPERATION.receipt ? log.receipt(index) : entry;
}

/**
 * A draft from plain CBOR. Its place and time are the writer's to give; the codec reports everything else. The bytes
 * may be hostile: `decodePlain` looks at all of them before it makes anything.
 */
function readDraft(payload: Buffer): Draft {
  const value = decodePlain(payload, MAX_PAYLOAD)?.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw new AmbitError('audit_refused', 'The record is not an object in plain CBOR.');
  for (const own of ['v', 'at', 'by', 'seq', 'prev']) {
    if (own in value) throw new AmbitError('audit_refused', `record ${own}: the writer sets it.`);
  }
  // Every field is checked when the record is encoded.
  return value as Draft;
}

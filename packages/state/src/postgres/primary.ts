// Which server to talk to: all hosts are asked, those that take writes say which history they are on, and the one
// of the latest timeline is used, never one of an earlier timeline than was seen. So a promoted standby is found
// without a person, and an old primary that comes back is passed over.
//
// What may have been lost denies: another system, a timeline that was not declared to be without loss, and a
// server that remembers fewer transactions of a connection than it has acknowledged to it (`hello`).
import { performance } from 'node:perf_hooks';
import { Connection, Lost, Unreachable, type Row } from './connection.ts';
import type { PostgresHost, PostgresPlace } from './options.ts';
import { checkSchema } from './schema.ts';

/** A connection to the primary. */
export interface Found {
  readonly connection: Connection;
  readonly epoch: string;
  readonly timeline: number;
  readonly host: PostgresHost;
}

/** Milliseconds that the other hosts have to show a later timeline once one server was found. */
const OTHERS = 250;

/** What a verifier makes of a word of the functions: null, or why it may not be believed. */
export function wordError(code: unknown): Error | null {
  if (code === 'ok' || code === 'taken') return null;
  const words: Record<string, string> = {
    lost: 'state may have been lost',
    epoch: 'the state was reset',
    version: 'the schema is of another version: migrate it',
    isolation: 'the transaction isolation is not read committed',
    durability: 'fsync, full_page_writes or synchronous_commit is off',
  };
  // A primary without its standby is expected to come back.
  if (code === 'alone') return new Unreachable('synchronous_standby_names is empty', { cause: code });
  return new Lost(words[String(code)] ?? 'the server answers in a way that is not known', { cause: code });
}

export class Primary {
  readonly schema: string;
  readonly timeout: number;
  readonly #place: PostgresPlace;
  /** The latest timeline seen. */
  #timeline = 0;

  constructor(place: PostgresPlace, timeout: number) {
    this.schema = checkSchema(place.schema ?? 'ambit');
    this.timeout = timeout;
    this.#place = place;
  }

  /**
   * Connects. `writer` names the connection that will write, '' for one that won't; `acked` is how many of its
   * transactions were acknowledged in `epoch`. Rejects with Lost or Unreachable.
   */
  async connect(writer = '', acked = 0, epoch: string | null = null): Promise<Found> {
    const found: Found[] = [];
    const failed: unknown[] = [];
    const hosts = this.#place.hosts;
    let first: () => void;
    const any = new Promise<void>((resolve) => (first = resolve));
    let over = false;
    const all = Promise.all(
      hosts.map(async (host) => {
        try {
          const each = await this.#ask(host);
          if (over) return each.connection.destroy();
          found.push(each);
          first();
        } catch (error) {
          failed.push(error);
        }
      }),
    );
    await Promise.race([all, any.then(() => new Promise((resolve) => setTimeout(resolve, OTHERS)))]);
    over = true;
    const best = found.toSorted((a, b) => b.timeline - a.timeline)[0];
    for (const each of found) if (each !== best) each.connection.destroy();
    if (best === undefined || best.timeline < this.#timeline) {
      best?.connection.destroy();
      throw (
        failed.find((error) => error instanceof Lost) ?? failed[0] ?? new Unreachable('an older timeline')
      );
    }
    this.#timeline = best.timeline;
    if (writer === '') return best;
    try {
      // What an operator has reset is counted from the beginning.
      const { epoch: now } = await this.join(best.connection, writer, best.epoch === epoch ? acked : 0);
      return { ...best, epoch: now };
    } catch (error) {
      best.connection.destroy();
      throw error;
    }
  }

  async #ask(host: PostgresHost): Promise<Found> {
    const started = performance.now();
    const connection = await Connection.open(this.#place, host, this.timeout);
    try {
      const left = Math.max(100, this.timeout - (performance.now() - started));
      const [row] = await connection.query(
        { text: 'select pg_is_in_recovery() as standby', values: [] },
        left,
      );
      if (row?.['standby'] !== false) throw new Unreachable('a standby');
      return { connection, host, ...(await this.#hello(connection, '', 0)) };
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /** Asks the server which state it has. Rejects with Lost. */
  async #hello(
    connection: Connection,
    writer: string,
    acked: number,
  ): Promise<{ epoch: string; timeline: number }> {
    const text = `select code, epoch, timeline from ${this.schema}.hello($1, $2)`;
    let row: Row | undefined;
    try {
      [row] = await connection.query({ text, values: [writer, acked] }, this.timeout);
    } catch (error) {
      const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined;
      if (/^(3F000|42883|42P01)$/.test(cause?.code ?? ''))
        throw new Lost('this database was not prepared', { cause: error });
      throw error;
    }
    const wrong = wordError(row?.['code']);
    if (wrong !== null) throw wrong;
    return { epoch: String(row!['epoch']), timeline: Number(row!['timeline']) };
  }

  /** Registers a writer on a connection that was found, or checks what the server remembers of it. Rejects with Lost. */
  join(connection: Connection, writer: string, acked: number): Promise<{ epoch: string }> {
    return this.#hello(connection, writer, acked);
  }
}

// One connection to one server, as little of pg as is needed. What it answers is believed only if the server said
// nothing beside it: a canceled wait for the standby is reported as a warning and then as success.
// Nothing is canceled from here, for the same reason: a statement that takes too long loses its connection.
import pg from 'pg';
import type { FaultCode } from '../budgets.ts';
import type { PostgresHost, PostgresPlace } from './options.ts';

/** The server could not be asked, or did not answer in time; or what it answered is not certain. */
export class Unreachable extends Error {}
/** State may have been lost, or this server doesn't keep what it says; an operator has to decide. */
export class Lost extends Error {}

/** What a verifier answers when a statement could not be run. */
export function faultOf(error: unknown): FaultCode {
  if (error instanceof Lost) return 'store_corrupt';
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === '53100') return 'store_full';
  // Damaged pages; a schema, table or function that is not there or is another.
  return /^(XX00[12]|3F000|42P01|42883|42703)$/.test(code) ? 'store_corrupt' : 'store_unavailable';
}

/** A statement with a name is parsed once a connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export type Row = { readonly [column: string]: unknown };

export class Connection {
  readonly #client: pg.Client;
  #dead: Error | null = null;
  #warned = false;
  /** Called once, when the connection is gone. */
  onEnd: () => void = () => undefined;
  /** Called for each notification. */
  onNotify: (payload: string) => void = () => undefined;

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on('error', (error) => this.#end(error));
    client.on('end', () => this.#end(new Unreachable('the server closed the connection')));
    client.on('notice', () => (this.#warned = true));
    client.on('notification', ({ payload }) => this.onNotify(payload ?? ''));
  }

  /** Connects; rejects with Unreachable. `timeout` is milliseconds. */
  static async open(place: PostgresPlace, at: PostgresHost, timeout: number): Promise<Connection> {
    const client = new pg.Client({
      host: at.host,
      port: at.port ?? 5432,
      ...(place.user === undefined ? {} : { user: place.user }),
      ...(place.password === undefined ? {} : { password: place.password }),
      ...(place.database === undefined ? {} : { database: place.database }),
      ssl: place.ssl === undefined || place.ssl === false ? false : { ...place.ssl },
      application_name: 'ambit',
      keepAlive: true,
      connectionTimeoutMillis: timeout,
      // What a database or role may have set otherwise. The functions check that it holds.
      options:
        '-c synchronous_commit=on -c default_transaction_isolation=read\\ committed -c statement_timeout=25000' +
        ' -c idle_in_transaction_session_timeout=25000 -c client_min_messages=warning',
    });
    const connection = new Connection(client);
    try {
      await client.connect();
    } catch (error) {
      connection.destroy();
      throw new Unreachable('no connection', { cause: error });
    }
    return connection;
  }

  get alive(): boolean {
    return this.#dead === null;
  }

  /** Runs one statement; rejects with Unreachable (see `cause`), after which the connection may be gone. */
  async query(statement: Statement, timeout: number): Promise<readonly Row[]> {
    if (this.#dead !== null) throw new Unreachable('the connection is gone', { cause: this.#dead });
    this.#warned = false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Unreachable('no answer in time', { cause: 'no_answer' });
        this.#end(error);
        reject(error);
      }, timeout);
    });
    try {
      const { rows } = await Promise.race([
        this.#client.query<Row>({ ...statement, values: [...statement.values] }),
        late,
      ]);
      if (this.#warned)
        throw new Unreachable('the server warned: not certain that the standby has it', {
          cause: 'uncertain',
        });
      return rows;
    } catch (error) {
      if (error instanceof Unreachable) throw error;
      // A server that became a standby, or is going down, will not be asked again.
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (/^(25006|57P0[1-5]|08...)$/.test(code)) this.#end(error as Error);
      throw new Unreachable('the statement failed', { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  #end(error: Error): void {
    if (this.#dead !== null) return;
    this.#dead = error;
    this.destroy();
    this.onEnd();
  }

  /** Drops it, with all that is under way. */
  destroy(): void {
    this.#dead ??= new Unreachable('closed');
    void this.#client.end().catch(() => undefined);
  }

  /** Ends it in good order. */
  async close(): Promise<void> {
    this.#dead ??= new Unreachable('closed');
    await this.#client.end().catch(() => undefined);
  }
}

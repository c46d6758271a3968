// The SQLite back end, the embedded default: one file, several processes, durable. `synchronous=FULL` in WAL
// mode, so that what was acknowledged survives a power cut as far as the disk keeps its word; concurrent calls
// share one transaction and its fsync (`sqlite/writer.ts`).
//
// The file is opened by SQLite alone. Nothing here opens it by another way: closing any descriptor of it would
// drop the locks this process holds (POSIX advisory locks).
import { closeSync, existsSync, openSync } from 'node:fs';
import { AmbitError, randomBytes, toHex, type Charges, type Ledger, type LedgerAnswer } from '@ambit/core';
import { applyCharges, applyRefund, leftOf } from './apply.ts';
import {
  ROWS_PER_TOKEN,
  checkCharges,
  checkNow,
  nothing,
  refunds,
  systemSeconds,
  type Budgets,
  type CounterKey,
  type FaultCode,
  type Refused,
  type Reservation,
  type Reserved,
} from './budgets.ts';
import { faultError, orFault } from './faults.ts';
import type { Replay } from './replay.ts';
import { Connection, faultOf, isBusy, type Value } from './sqlite/binding.ts';
import { OpenFile } from './sqlite/file.ts';
import { sqliteRevocations } from './sqlite/revocations.ts';
import { COUNTER, SqliteRows, counterOf } from './sqlite/rows.ts';
import { SCHEMA, SCHEMA_VERSION, rowKey } from './sqlite/schema.ts';
import { sqliteSessions } from './sqlite/sessions.ts';
import { checked } from './sqlite/sums.ts';
import { Turn } from './sqlite/turn.ts';
import { Writer } from './sqlite/writer.ts';
import { Tally, type StoreStats } from './stats.ts';
import type { SyncStore } from './store.ts';

/** Options of the SQLite back end. */
export interface SqliteOptions {
  /**
   * `full` (default): an answer is given after fsync; a power cut loses nothing acknowledged. `normal`: a
   * crash of the process loses nothing, a power cut may lose the last moments, budget spent in them included.
   */
  readonly durable?: 'full' | 'normal';
  /** Milliseconds to wait for other processes' transactions before `store_unavailable`. Default 5000. */
  readonly timeout?: number;
  /** The most bytes the file may take; above it `store_full`. Default: none but the disk. */
  readonly maxBytes?: number;
  /**
   * The most bytes the log beside the file may take while another program's open reader keeps it from being
   * copied; above it `store_full`. Default 512 MiB.
   */
  readonly maxLogBytes?: number;
  /** The most rows one token's holders may append (attack S12). */
  readonly rowsPerToken?: number;
  /** This process's own clock, Unix seconds, by which rows are dropped. Default: the system's. */
  readonly nowSeconds?: () => number;
}

function connect(path: string, options: SqliteOptions): Connection {
  const db = new Connection(path);
  db.exec('pragma busy_timeout = 1000');
  db.exec('pragma journal_mode = wal');
  db.exec(`pragma synchronous = ${options.durable === 'normal' ? 'normal' : 'full'}`);
  // Checkpoints are the writer's (see there); the log shrinks again to this after one.
  db.exec('pragma wal_autocheckpoint = 0');
  db.exec('pragma journal_size_limit = 4194304');
  if (options.maxBytes !== undefined)
    db.exec(`pragma max_page_count = ${Math.ceil(options.maxBytes / 4096)}`);
  return db;
}

/** Creates the tables once; several processes may try at the same time. */
function prepareFile(db: Connection): void {
  const meta = (key: string): unknown => db.value('select value from meta where key = ?', key);
  if (db.value("select count(*) from sqlite_master where name = 'meta'") === 0) {
    db.exec('begin immediate');
    try {
      db.exec(SCHEMA);
      db.prepare("insert or ignore into meta values ('version', ?)").run(String(SCHEMA_VERSION));
      db.prepare("insert or ignore into meta values ('epoch', ?)").run(toHex(randomBytes(16)));
      db.exec('commit');
    } catch (error) {
      if (db.inTransaction) db.exec('rollback');
      throw error;
    }
  }
  const version = meta('version');
  if (version !== String(SCHEMA_VERSION) && Number(version) < SCHEMA_VERSION)
    throw new AmbitError(
      'store_corrupt',
      `The state file is of version ${String(version)}; bring it to version ${SCHEMA_VERSION} with \`ambit state migrate\`.`,
    );
  if (version !== String(SCHEMA_VERSION) || meta('epoch') === undefined)
    throw new AmbitError('store_corrupt', 'The file is not an Ambit state file of this version.');
}

/**
 * Opens a state file, or creates it, readable by its owner alone. Throws AmbitError with a
 * store code: `store_corrupt` for a file that is damaged or something else.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): SyncStore {
  try {
    if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    // Another process was first, which is as good.
    if (!existsSync(path))
      throw new AmbitError('store_unavailable', 'The state file cannot be created.', { cause: error });
  }
  const deadline = Date.now() + (options.timeout ?? 5000);
  for (;;) {
    let db: Connection | null = null;
    try {
      const file = new OpenFile(path);
      db = connect(path, options);
      prepareFile(db);
      // Waiting is the writer's from here on: SQLite's own way blocks the event loop.
      db.exec('pragma busy_timeout = 0');
      file.check();
      return new SqliteStore(db, file, options).store();
    } catch (error) {
      db?.close();
      if (error instanceof AmbitError) throw error;
      if (!isBusy(error) || Date.now() > deadline) throw faultError(error, faultOf);
    }
  }
}

class SqliteStore {
  readonly #db: Connection;
  readonly #turn: Turn;
  readonly #writer: Writer;
  readonly #rows: SqliteRows;
  /** Reservations that can be settled, and the epoch they were made in: nothing is given back to another. */
  readonly #open = new WeakMap<Reservation, string>();
  readonly #tally = new Tally();
  readonly #file: OpenFile;
  readonly #clock: () => number;

  constructor(db: Connection, file: OpenFile, options: SqliteOptions) {
    this.#db = db;
    this.#file = file;
    this.#turn = new Turn(file);
    this.#clock = options.nowSeconds ?? systemSeconds;
    this.#rows = new SqliteRows(db, options.rowsPerToken ?? ROWS_PER_TOKEN, this.#clock);
    this.#writer = new Writer(db, file, options.timeout ?? 5000, this.#rows, options.maxLogBytes);
  }

  #reserve(charges: Charges, now: number, share: number): Reserved | Refused {
    this.#rows.at(now);
    const { era } = this.#rows.meta;
    const answer = applyCharges(this.#rows, charges, share);
    if (answer.ok) this.#open.set(answer.reservation, era);
    return answer;
  }

  async #giveBack(reservation: Reservation, amounts: readonly number[]): Promise<boolean> {
    const back = refunds(reservation, amounts);
    // Taken out of the open ones before the store is asked: an uncertain refund is never tried twice.
    const era = this.#open.get(reservation);
    if (back === null || !this.#open.delete(reservation)) return false;
    if (back.every((n) => n === 0)) return true;
    try {
      return await this.#writer.submit(() => {
        if (this.#rows.meta.era !== era) return false;
        applyRefund(this.#rows, reservation, back);
        return true;
      });
    } catch {
      return false;
    }
  }

  #budgets(): Budgets {
    const row = this.#db.prepare(COUNTER);
    return {
      reserve: async (charges, now, share = 0) => {
        checkNow(now);
        const wrong = checkCharges(charges);
        if (wrong !== null) return wrong;
        try {
          return await this.#writer.submit(() => this.#reserve(charges, now, share));
        } catch (error) {
          return { ok: false, code: this.#tally.fault(faultOf(error), error), caveat: -1 };
        }
      },
      settle: (reservation, amounts) => this.#giveBack(reservation, amounts),
      release: (reservation) => this.#giveBack(reservation, nothing(reservation)),
      era: () => {
        try {
          return this.#era();
        } catch {
          return null;
        }
      },
      left: async (_place, counters, now) => {
        checkNow(now);
        const leftAt = (c: CounterKey): number => {
          const found = row.get(rowKey(c.id)) as Value[] | undefined;
          return leftOf(found === undefined ? undefined : counterOf(checked(found)).row, c);
        };
        // In one transaction: what another process charges between two of them is in all of them or in none.
        return this.#read(() => this.#db.snapshot(() => counters.map(leftAt)));
      },
    };
  }

  #read<T>(query: () => T): T {
    return orFault(() => {
      this.#turn.look();
      return query();
    }, faultOf);
  }

  /** The epoch of the file, asked at most once a turn. */
  #era(): string {
    return this.#turn.once('epoch', () => this.#rows.meta.epoch());
  }

  #replay(): Replay {
    return { epoch: async () => this.#read(() => this.#rows.meta.epoch()) };
  }

  #ledger(): Ledger {
    return {
      apply: (charges, now): LedgerAnswer => {
        checkNow(now);
        const wrong = checkCharges(charges);
        if (wrong !== null) return wrong;
        try {
          const answer = this.#writer.now(() => this.#reserve(charges, now, 0));
          return answer.ok ? { ok: true } : answer;
        } catch (error) {
          const code: FaultCode = faultOf(error);
          return { ok: false, code, caveat: -1 };
        }
      },
    };
  }

  #stats(): StoreStats {
    const kinds = ['counters', 'claims', 'nonces', 'windows', 'sessions', 'revocations'];
    const number = (sql: string): number => this.#read(() => Number(this.#db.value(sql)));
    let rows: StoreStats['rows'] = {};
    let bytes: number | null = null;
    try {
      rows = Object.fromEntries(kinds.map((kind) => [kind, number(`select count(*) from ${kind}`)]));
      bytes = number('select page_count * page_size from pragma_page_count(), pragma_page_size()');
    } catch (error) {
      this.#tally.fault(faultOf(error), error);
    }
    const counted = { ...this.#tally.figures, revocationsAge: null, pushesMissed: 0 };
    return { backend: 'sqlite', ...counted, rows, bytes, logBytes: this.#file.logSize() };
  }

  store(): SyncStore {
    const revocations = sqliteRevocations(this.#db, this.#writer, this.#turn);
    return {
      budgets: this.#tally.over(this.#budgets()),
      replay: this.#replay(),
      revocations: revocations.revocations,
      sessions: sqliteSessions(this.#db, this.#writer, this.#turn, revocations.insert, this.#clock),
      ledger: this.#ledger(),
      stats: async () => this.#stats(),
      close: async () => {
        revocations.stop();
        await this.#writer.close();
      },
    };
  }
}

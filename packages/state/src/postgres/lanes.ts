// The connections that write. Charges and refunds wait until a lane is free and then travel together, so that
// many in flight pay for one round trip and one flush; other statements go one by one. A lane that is lost is
// connected again (which finds the new primary after a failover); while none is up, everything is refused at once.
import { performance } from 'node:perf_hooks';
import { randomBytes, toHex, type Charges } from '@ambit/core';
import type { Refused, Reservation, Reserved } from '../budgets.ts';
import { Lost, Unreachable, type Connection, type Row, type Statement } from './connection.ts';
import { Group, applyText } from './group.ts';
import { Primary, wordError } from './primary.ts';

/** Calls in one transaction at most: it holds its locks for some 10 ms. */
const GROUP = 256;
/** Milliseconds before the second attempt to connect, and the most between two. */
const AGAIN = { least: 20, most: 1000 } as const;
/**
 * The same after a statement that was not answered in time: the server may still be at it (waiting for its
 * standby), and each attempt costs it a process.
 */
const AFTER_SILENCE = { least: 100, most: 10_000 } as const;

interface Job {
  readonly deadline: number;
  fail(error: unknown): void;
}
/** A charge or a refund, and the epoch in which it was asked for: it counts in no other. */
type Charging = Job & { readonly epoch: string | null } & (
    | {
        readonly charges: Charges;
        readonly share: number;
        done(answer: Reserved | Refused): void;
      }
    | {
        readonly reservation: Reservation;
        readonly back: readonly number[];
        done(): void;
      }
  );
interface Asking extends Job {
  readonly statement: Statement;
  done(rows: readonly Row[]): void;
}

/** One connection and its own count of the transactions that were acknowledged to it in an epoch. */
interface Lane {
  readonly writer: string;
  acked: number;
  epoch: string | null;
  connection: Connection | null;
  state: 'connecting' | 'down' | 'idle' | 'busy';
  failures: number;
  timer: NodeJS.Timeout | null;
}

export class Lanes {
  readonly primary: Primary;
  readonly #cap: number;
  readonly #lanes: Lane[];
  #charging: Charging[] = [];
  #asking: Asking[] = [];
  #scheduled = false;
  #watch: NodeJS.Timeout | null = null;
  #closed = false;
  /** Why the last attempt to connect failed. */
  #fault: unknown = null;
  /** The epoch this process works under; null until it is known. */
  epoch: string | null = null;
  /** Connections made again so far. */
  reconnects = 0;

  constructor(primary: Primary, lanes: number, rowsPerToken: number) {
    this.primary = primary;
    this.#cap = rowsPerToken;
    this.#lanes = Array.from({ length: lanes }, () => ({
      writer: toHex(randomBytes(8)),
      acked: 0,
      epoch: null,
      connection: null,
      state: 'connecting',
      failures: 0,
      timer: null,
    }));
  }

  /** Connects all lanes; rejects with Lost or Unreachable. */
  async start(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => this.#connect(lane)));
    const failed = this.#lanes.find((lane) => lane.state === 'down');
    if (failed !== undefined) throw this.#fault;
  }

  reserve(charges: Charges, share: number): Promise<Reserved | Refused> {
    return new Promise((done, fail) => {
      if (this.#admits(fail))
        this.#charging.push({ ...this.#ticket(fail), epoch: this.epoch, charges, share, done });
    });
  }

  refund(reservation: Reservation, back: readonly number[]): Promise<void> {
    return new Promise((done, fail) => {
      if (this.#admits(fail))
        this.#charging.push({ ...this.#ticket(fail), epoch: this.epoch, reservation, back, done });
    });
  }

  /** One statement on a lane; the first column `code` has to be `ok`. Rejects with Lost or Unreachable. */
  async ask(statement: Statement): Promise<Row> {
    const [row] = await this.#one(statement);
    if (row?.['code'] === 'epoch') await this.adopt().catch(() => undefined);
    const wrong = wordError(row?.['code']);
    if (wrong !== null) throw wrong;
    return row!;
  }

  /** Takes a new epoch. Rejects with Lost or Unreachable. */
  async adopt(): Promise<string> {
    const text = `select code, epoch from ${this.primary.schema}.hello('', 0)`;
    const [row] = await this.#one({ text, values: [] });
    const wrong = wordError(row?.['code']);
    if (wrong !== null) throw this.#over(wrong);
    return (this.epoch = String(row!['epoch']));
  }

  /** What is lost ends the epoch: nothing is spent from its slices any more. */
  #over(error: unknown): unknown {
    if (error instanceof Lost) this.epoch = null;
    return error;
  }

  #one(statement: Statement): Promise<readonly Row[]> {
    return new Promise((done, fail) => {
      if (this.#admits(fail)) this.#asking.push({ ...this.#ticket(fail), statement, done });
    });
  }

  /** Whether a request may wait now; if not, `fail` was called. */
  #admits(fail: (error: unknown) => void): boolean {
    if (this.#closed) fail(new Unreachable('the store was closed'));
    else if (this.#lanes.every((lane) => lane.state === 'down')) fail(this.#fault);
    else return true;
    return false;
  }

  #ticket(fail: (error: unknown) => void): Job {
    this.#soon();
    // Who waits in the queue for longer than a statement may take is refused.
    this.#watch ??= setInterval(() => this.#refuseLate(), 50).unref();
    return { fail, deadline: performance.now() + this.primary.timeout };
  }

  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const lane of this.#lanes) if (lane.state === 'idle') this.#next(lane);
    });
  }

  #refuseLate(): void {
    const now = performance.now();
    const late = [...this.#charging, ...this.#asking].filter((job) => job.deadline <= now);
    if (late.length > 0) {
      this.#charging = this.#charging.filter((job) => job.deadline > now);
      this.#asking = this.#asking.filter((job) => job.deadline > now);
      for (const job of late) job.fail(new Unreachable('no lane was free in time'));
    }
    if (this.#charging.length + this.#asking.length > 0) return;
    clearInterval(this.#watch ?? undefined);
    this.#watch = null;
  }

  #next(lane: Lane): void {
    const ask = this.#asking.shift();
    if (ask !== undefined) return void this.#run(lane, [ask], this.#askOne(lane, ask));
    if (this.#charging.length === 0) return;
    const jobs = this.#charging.splice(0, GROUP);
    void this.#run(lane, jobs, this.#apply(lane, jobs));
  }

  async #run(lane: Lane, jobs: readonly Job[], work: Promise<void>): Promise<void> {
    lane.state = 'busy';
    try {
      await work;
    } catch (error) {
      for (const job of jobs) job.fail(error);
    }
    if (lane.state !== 'busy') return;
    lane.state = 'idle';
    lane.failures = 0;
    this.#next(lane);
  }

  async #askOne(lane: Lane, job: Asking): Promise<void> {
    job.done(await lane.connection!.query(job.statement, this.primary.timeout));
  }

  async #apply(lane: Lane, jobs: readonly Charging[]): Promise<void> {
    if (lane.epoch !== this.epoch) await this.#join(lane);
    const group = new Group();
    const { epoch } = this;
    const current = jobs.filter((job) => job.epoch === epoch);
    for (const job of jobs) if (job.epoch !== epoch) job.fail(new Lost('the state was reset'));
    for (const job of current) {
      if ('charges' in job) group.reserve(job.charges, job.share);
      else group.refund(job.reservation, job.back);
    }
    const values = [epoch, lane.writer, lane.acked, this.#cap, ...group.values()];
    const text = applyText(this.primary.schema);
    const [row] = await lane.connection!.query({ name: 'apply', text, values }, this.primary.timeout);
    const wrong = wordError(row?.['code']);
    if (wrong !== null) {
      // If an operator has reset the state meanwhile, the next call works under the new epoch.
      if (row?.['code'] === 'epoch') await this.#join(lane).catch(() => undefined);
      throw wrong;
    }
    lane.acked = Number(row!['acked']);
    const answers = group.answers(row!);
    let at = 0;
    for (const job of current) {
      if ('charges' in job) job.done(answers[at++]!);
      else job.done();
    }
  }

  /** Begins another epoch, in which nothing was acknowledged yet. */
  async #join(lane: Lane): Promise<void> {
    const { epoch } = await this.primary.join(lane.connection!, lane.writer, 0).catch((error: unknown) => {
      throw this.#over(error);
    });
    lane.acked = 0;
    this.epoch = lane.epoch = epoch;
  }

  async #connect(lane: Lane): Promise<void> {
    if (this.#closed) return;
    try {
      const { connection, epoch } = await this.primary.connect(lane.writer, lane.acked, lane.epoch);
      if (this.#closed) return connection.destroy();
      lane.connection = connection;
      connection.onEnd = () => this.#lost(lane);
      if (lane.epoch !== epoch) lane.acked = 0;
      this.epoch = lane.epoch = epoch;
      this.#fault = null;
      lane.state = 'idle';
      this.#next(lane);
    } catch (error) {
      this.#fault = error;
      lane.state = 'down';
      if (this.#lanes.every((each) => each.state === 'down')) {
        for (const job of [...this.#charging.splice(0), ...this.#asking.splice(0)]) job.fail(error);
      }
      this.#later(lane, AGAIN);
    }
  }

  #lost(lane: Lane): void {
    const silent = lane.state === 'busy';
    lane.connection = null;
    lane.state = 'connecting';
    this.reconnects++;
    if (lane.failures === 0) void this.#connect(lane);
    else this.#later(lane, silent ? AFTER_SILENCE : AGAIN);
    lane.failures++;
  }

  #later(lane: Lane, { least, most }: { least: number; most: number }): void {
    if (this.#closed) return;
    const wait = Math.min(most, least * 2 ** Math.min(lane.failures++, 10));
    lane.timer = setTimeout(() => void this.#connect(lane), wait * (0.5 + Math.random())).unref();
  }

  /** Ends the connections; what waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch ?? undefined);
    for (const lane of this.#lanes) clearTimeout(lane.timer ?? undefined);
    for (const job of [...this.#charging.splice(0), ...this.#asking.splice(0)])
      job.fail(new Unreachable('the store was closed'));
    const writers = this.#lanes.map((lane) => lane.writer);
    const text = `select ${this.primary.schema}.goodbye($1)`;
    const connections = this.#lanes.flatMap((lane) => lane.connection ?? []);
    await connections[0]?.query({ text, values: [writers] }, 500).catch(() => undefined);
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

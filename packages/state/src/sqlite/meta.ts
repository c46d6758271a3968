// The few facts about the whole file, read at the beginning of every transaction: its epoch, by which time rows
// were dropped, and when it was last reset.
import { AmbitError } from '@ambit/core';
import type { Horizon } from '../clock.ts';
import type { Connection, Statement } from './binding.ts';

export class Meta {
  readonly #all: Statement;
  readonly #put: Statement;
  readonly #epoch: Statement;
  /** Names this life of the file, 32 hexadecimal digits; another after a reset. */
  era = '';
  horizon: Horizon = { time: 0, leap: 0 };
  /** Unix seconds of the last reset; 0 when there was none. */
  began = 0;

  constructor(db: Connection) {
    this.#all = db.prepare('select key, value from meta');
    this.#put = db.prepare(
      'insert into meta values (?, ?) on conflict(key) do update set value = excluded.value',
    );
    this.#epoch = db.prepare("select value from meta where key = 'epoch'");
  }

  /** Reads them. AmbitError `store_corrupt` when they are not what this version writes. */
  begin(): void {
    const found = new Map(this.#all.all() as [string, string][]);
    this.era = found.get('epoch') ?? '';
    const number = (key: string): number => Number(found.get(key) ?? 0);
    this.horizon = { time: number('time'), leap: number('leap') };
    this.began = number('began');
    const numbers = [this.horizon.time, this.horizon.leap, this.began];
    if (!isEra(this.era) || !numbers.every((n) => Number.isSafeInteger(n) && n >= 0))
      throw new AmbitError('store_corrupt', 'The state file says nothing sensible about itself.');
  }

  /** The epoch as it is now, outside a transaction. */
  epoch(): string {
    const [epoch] = (this.#epoch.get() as [string] | undefined) ?? [''];
    if (!isEra(epoch)) throw new AmbitError('store_corrupt');
    return epoch;
  }

  /** Begins another life of the file at `now`; inside a transaction. */
  reset(epoch: string, now: number): void {
    this.#put.run('epoch', epoch);
    this.#put.run('began', String(now));
  }

  /** Writes the horizon; inside a transaction. */
  keep(horizon: Horizon): void {
    if (horizon.time !== this.horizon.time) this.#put.run('time', String(horizon.time));
    if (horizon.leap !== this.horizon.leap) this.#put.run('leap', String(horizon.leap));
    this.horizon = horizon;
  }
}

const isEra = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

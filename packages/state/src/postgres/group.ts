// What several calls ask for, as the arrays that the function `apply` takes: keys once, everything else pointing
// into them. Ids are base64url digests (checked before), so an array's text needs no quotes.
import { spanOf, type Charges } from '@ambit/core';
import type { Refused, Reservation, Reserved } from '../budgets.ts';
import { Keys, refusedBy, short } from '../grouped.ts';
import type { Row } from './connection.ts';

const list = (values: readonly (string | number | boolean)[]): string => `{${values.join(',')}}`;

export class Group {
  readonly #counters = new Keys();
  readonly #claims = new Keys();
  readonly #windows = new Keys();
  readonly #roots = new Keys();
  readonly #nonces = new Keys();
  readonly #nonceExpires: number[] = [];
  /** Columns, named as the parameters of `apply`. */
  readonly #f: [number[], number[], number[]] = [[], [], []];
  readonly #q: number[][] = Array.from({ length: 10 }, () => []);
  readonly #a: (number | boolean)[][] = Array.from({ length: 8 }, () => []);
  readonly #o: (number | boolean)[][] = [[], [], []];
  readonly #reserved: { readonly charges: Charges; readonly from: number }[] = [];

  /** Adds a call. Its answer is the one of the same number in `answers`. */
  reserve(charges: Charges, share: number): void {
    const { counters, once, replay, sequence, root } = charges;
    this.#reserved.push({ charges, from: this.#a[0]!.length });
    const nonce = replay === null ? 0 : this.#nonces.at(short(replay.id));
    if (replay !== null)
      this.#nonceExpires[nonce - 1] = Math.max(this.#nonceExpires[nonce - 1] ?? 0, replay.expires);
    const window = sequence === null ? 0 : this.#windows.at(short(sequence.session));
    const row = [
      this.#roots.at(short(root)),
      share,
      counters.length,
      once.length,
      nonce,
      replay?.expires ?? 0,
      window,
      sequence?.sequence ?? 0,
      sequence?.expires ?? 0,
      replay?.from ?? 0,
    ];
    row.forEach((value, i) => this.#q[i]!.push(value));
    for (const c of counters) {
      const charge = [
        this.#counters.at(short(c.id)),
        c.amount,
        c.limit,
        c.windowStart,
        c.expires,
        c.caveat >= 0,
        c.step,
        c.step === 0 ? 0 : spanOf(c.window, c.step),
      ] as const;
      charge.forEach((value, i) => this.#a[i]!.push(value));
    }
    for (const claim of once)
      [this.#claims.at(short(claim.id)), claim.expires, claim.caveat >= 0].forEach((value, i) =>
        this.#o[i]!.push(value),
      );
  }

  /** Adds a refund: amounts of a reservation that are given back. */
  refund({ charges, starts }: Reservation, back: readonly number[]): void {
    charges.counters.forEach((c, i) => {
      if (back[i] === 0) return;
      this.#f[0].push(this.#counters.at(short(c.id)));
      this.#f[1].push(back[i]!);
      this.#f[2].push(starts[i]!);
    });
  }

  /** The parameters of `apply` after the first four. */
  values(): string[] {
    return [
      this.#counters.all,
      this.#claims.all,
      this.#windows.all,
      this.#roots.all,
      this.#nonces.all,
      this.#nonceExpires,
      ...this.#f,
      ...this.#q,
      ...this.#a,
      ...this.#o,
    ].map(list);
  }

  /** What `apply` has answered, call by call. */
  answers(row: Row): (Reserved | Refused)[] {
    const verdicts = row['verdicts'] as string[];
    const starts = (row['starts'] as string[] | null) ?? [];
    const taken = (row['taken'] as string[] | null) ?? [];
    const remains = (row['remains'] as string[] | null) ?? [];
    return this.#reserved.map(({ charges, from }, i) => {
      const verdict = verdicts[i]!;
      if (verdict !== 'ok') return refusedBy(verdict.split(','), charges);
      const to = from + charges.counters.length;
      const reservation: Reservation = Object.freeze({
        charges,
        amounts: Object.freeze(taken.slice(from, to).map(Number)),
        starts: starts.slice(from, to).map(Number),
        left: remains.slice(from, to).map(Number),
      });
      return { ok: true, reservation };
    });
  }
}

/** The statement, with every array's type. */
export const applyText = (schema: string): string =>
  `select * from ${schema}.apply($1, $2, $3, $4, ${Array.from({ length: 30 }, (_, i) => `$${i + 5}`).join(', ')})`;

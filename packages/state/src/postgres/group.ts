// What several calls ask for, as the arrays that the function `apply` takes: keys once, everything else pointing
// into them. Ids are base64url digests (checked before), so an array's text needs no quotes.
import type { Charges } from '@ambit/core';
import { exceeded, type Refused, type Reservation, type Reserved } from '../budgets.ts';
import type { Row } from './connection.ts';

/** Rows are named by the first 22 characters of a digest, 132 bits. */
export const short = (id: string): string => id.slice(0, 22);

/** Distinct keys, numbered from 1. */
class Keys {
  readonly all: string[] = [];
  readonly #at = new Map<string, number>();
  at(id: string): number {
    const key = short(id);
    let at = this.#at.get(key);
    if (at === undefined) this.#at.set(key, (at = this.all.push(key)));
    return at;
  }
}

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
  readonly #q: number[][] = Array.from({ length: 9 }, () => []);
  readonly #a: (number | boolean)[][] = Array.from({ length: 6 }, () => []);
  readonly #o: (number | boolean)[][] = [[], [], []];
  readonly #reserved: { readonly charges: Charges; readonly from: number }[] = [];

  /** Adds a call. Its answer is the one of the same number in `answers`. */
  reserve(charges: Charges, share: number): void {
    const { counters, once, replay, sequence, root } = charges;
    this.#reserved.push({ charges, from: this.#a[0]!.length });
    const nonce = replay === null ? 0 : this.#nonces.at(replay.id);
    if (replay !== null)
      this.#nonceExpires[nonce - 1] = Math.max(this.#nonceExpires[nonce - 1] ?? 0, replay.expires);
    const window = sequence === null ? 0 : this.#windows.at(sequence.session);
    const row = [
      this.#roots.at(root),
      share,
      counters.length,
      once.length,
      nonce,
      replay?.expires ?? 0,
      window,
      sequence?.sequence ?? 0,
      sequence?.expires ?? 0,
    ];
    row.forEach((value, i) => this.#q[i]!.push(value));
    for (const c of counters) {
      const charge = [
        this.#counters.at(c.id),
        c.amount,
        c.limit,
        c.windowStart,
        c.expires,
        c.caveat >= 0,
      ] as const;
      charge.forEach((value, i) => this.#a[i]!.push(value));
    }
    for (const claim of once)
      [this.#claims.at(claim.id), claim.expires, claim.caveat >= 0].forEach((value, i) =>
        this.#o[i]!.push(value),
      );
  }

  /** Adds a refund: amounts of a reservation that are given back. */
  refund({ charges, starts }: Reservation, back: readonly number[]): void {
    charges.counters.forEach((c, i) => {
      if (back[i] === 0) return;
      this.#f[0].push(this.#counters.at(c.id));
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
    return this.#reserved.map(({ charges, from }, i) => {
      const verdict = verdicts[i]!;
      if (verdict !== 'ok') return refused(verdict, charges);
      const to = from + charges.counters.length;
      const reservation: Reservation = Object.freeze({
        charges,
        amounts: Object.freeze(taken.slice(from, to).map(Number)),
        starts: starts.slice(from, to).map(Number),
      });
      return { ok: true, reservation };
    });
  }
}

/** A verdict's words: the code, the place of what denied (claims count below zero), what is left. */
function refused(verdict: string, { counters, once }: Charges): Refused {
  const [word, place, left] = verdict.split(',');
  const code = word as Refused['code'];
  const at = Number(place);
  if (code === 'replayed' || code === 'store_unavailable') return { ok: false, code, caveat: -1 };
  if (code === 'once_used') return { ok: false, code, caveat: once[at - 1]!.caveat };
  if (at > 0) return exceeded(counters[at - 1]!, Number(left));
  return { ok: false, code, caveat: once[-at - 1]!.caveat, left: Number(left) };
}

/** The statement, with every array's type. */
export const applyText = (schema: string): string =>
  `select * from ${schema}.apply($1, $2, $3, $4, ${Array.from({ length: 27 }, (_, i) => `$${i + 5}`).join(', ')})`;

// Calls that are asked for in one turn of the event loop, as one script: a group is all of them on a single server,
// and those of one partition on a Cluster, where a script may touch one slot.
import type { Charges } from '@ambit/core';
import { exceeded, type Refused, type Reservation, type Reserved } from '../budgets.ts';
import { ALL_PARTITIONS, type Fence } from './fence.ts';
import { RESERVE_GROUP } from './reserve.ts';

/** Rows are named by the first 22 characters of a digest, 132 bits. */
export const short = (id: string): string => id.slice(0, 22);

/** The partition of a partition key. */
export const partition = (partitionKey: string): string => partitionKey[0]!;

/**
 * Calls in one script at most: it holds the server for about half a millisecond, and while it runs this process
 * prepares the next.
 */
const GROUP = 64;

interface Waiting {
  readonly charges: Charges;
  readonly share: number;
  done(answer: Reserved | Refused): void;
  fail(error: unknown): void;
}

/** Distinct keys, numbered from 1. */
class Keys {
  readonly all: string[] = [];
  readonly #at = new Map<string, number>();
  at(key: string): number {
    let at = this.#at.get(key);
    if (at === undefined) this.#at.set(key, (at = this.all.push(key)));
    return at;
  }
}

export class Groups {
  /** Reservations that can be settled, and the epoch they were made under: nothing is refunded to another. */
  readonly open: WeakMap<Reservation, string | null> = new WeakMap();
  readonly #fence: Fence;
  readonly #cap: number;
  readonly #queues = new Map<string, Waiting[]>();
  #scheduled = false;

  constructor(fence: Fence, rowsPerToken: number) {
    this.#fence = fence;
    this.#cap = rowsPerToken;
  }

  /** Rejects with Unreachable or Lost. */
  reserve(charges: Charges, share: number): Promise<Reserved | Refused> {
    return new Promise((done, fail) => {
      const name = this.#fence.oneSlot ? partition(charges.partitionKey) : '';
      const queue = this.#queues.get(name);
      const waiting = { charges, share, done, fail };
      if (queue === undefined) this.#queues.set(name, [waiting]);
      else queue.push(waiting);
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        const queues = [...this.#queues.values()];
        this.#queues.clear();
        for (const each of queues)
          for (let at = 0; at < each.length; at += GROUP) void this.#send(each.slice(at, at + GROUP));
      });
    });
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    const roots = new Keys();
    const keys = new Keys();
    const parts = new Set<string>();
    const calls = group.map(({ charges, share }) => {
      const part = partition(charges.partitionKey);
      parts.add(part);
      if (charges.sequence !== null && !this.#fence.oneSlot) parts.add(partition(charges.sequence.session));
      return this.#encode(charges, share, part, roots, keys);
    });
    try {
      const { oneSlot, epoch } = this.#fence;
      const [, text] = await this.#fence.run(
        'reserve',
        RESERVE_GROUP,
        [...parts],
        [...roots.all, ...keys.all],
        [roots.all.length, JSON.stringify([this.#cap, oneSlot ? 0 : 1, calls])],
        // Sent as text, it compares the run id of every partition that its hash will be good for.
        oneSlot ? [...parts] : ALL_PARTITIONS,
      );
      const verdicts = String(text).split(';');
      group.forEach((each, i) => {
        const answer = decode(verdicts[i]!, each.charges);
        if (answer.ok) this.open.set(answer.reservation, epoch);
        each.done(answer);
      });
    } catch (error) {
      for (const each of group) each.fail(error);
    }
  }

  /** A session's window is one; on a Cluster one in each partition whose tokens it used, which sees a part of the numbers. */
  #window(kind: string, session: string, part: string): string {
    return this.#fence.key(this.#fence.oneSlot ? part : partition(session), `${kind}:${short(session)}`);
  }

  #encode(charges: Charges, share: number, part: string, roots: Keys, keys: Keys): unknown[] {
    const { counters, once, replay, sequence, root } = charges;
    const at = (kind: string, id: string): number => keys.at(this.#fence.key(part, `${kind}:${short(id)}`));
    return [
      share,
      roots.at(this.#fence.key(part, `r:${short(root)}`)),
      counters.map((c) => [
        at('c', c.id),
        c.amount,
        c.limit,
        c.windowStart,
        c.expires,
        c.caveat >= 0 ? 1 : 0,
      ]),
      replay === null ? 0 : at('n', replay.id),
      replay?.expires ?? 0,
      once.map((claim) => [at('o', claim.id), claim.expires, claim.caveat >= 0 ? 1 : 0]),
      sequence === null ? 0 : keys.at(this.#window('h', sequence.session, part)),
      sequence === null ? 0 : keys.at(this.#window('b', sequence.session, part)),
      sequence?.sequence ?? 0,
      sequence?.expires ?? 0,
    ];
  }
}

/** A verdict's words: `ok` with start and amount of each counter, or the code, the place of what denied, what is left. */
function decode(verdict: string, charges: Charges): Reserved | Refused {
  const words = verdict.split(',');
  if (words[0] !== 'ok') return refused(words, charges);
  const starts: number[] = [];
  const amounts: number[] = [];
  for (let i = 1; i < words.length; i += 2) {
    starts.push(Number(words[i]));
    amounts.push(Number(words[i + 1]));
  }
  const reservation: Reservation = Object.freeze({ charges, amounts: Object.freeze(amounts), starts });
  return { ok: true, reservation };
}

function refused([word, place, left]: readonly string[], { counters, once }: Charges): Refused {
  const code = word as Refused['code'];
  const at = Number(place);
  if (code === 'replayed' || code === 'store_unavailable') return { ok: false, code, caveat: -1 };
  if (code === 'once_used') return { ok: false, code, caveat: once[at - 1]!.caveat };
  if (at > 0) return exceeded(counters[at - 1]!, Number(left));
  return { ok: false, code, caveat: once[-at - 1]!.caveat, left: Number(left) };
}

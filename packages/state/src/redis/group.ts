// Calls that are asked for in one turn of the event loop, as one script: a group is all of them on a single server,
// and those of one partition on a Cluster, where a script may touch one slot.
import { spanOf, type Charges } from '@ambit/core';
import type { Refused, Reservation, Reserved } from '../budgets.ts';
import { Keys, refusedBy, short } from '../grouped.ts';
import { ALL_PARTITIONS, type Fence } from './fence.ts';
import { RESERVE_GROUP } from './reserve.ts';

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

export class Groups {
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

  async #send(given: readonly Waiting[]): Promise<void> {
    // A reset may have come between the call and its turn, and the script would run under the new epoch.
    const group = given.filter((each) => {
      const { sequence } = each.charges;
      const current = sequence === null || sequence.epoch === this.#fence.epoch;
      if (!current) each.done({ ok: false, code: 'replayed', caveat: -1 });
      return current;
    });
    if (group.length === 0) return;
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
      const { oneSlot } = this.#fence;
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
        each.done(decode(verdicts[i]!, each.charges));
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
        ...(c.step === 0 ? [] : [c.step, spanOf(c.window, c.step)]),
      ]),
      replay === null ? 0 : at('n', replay.id),
      replay?.expires ?? 0,
      once.map((claim) => [at('o', claim.id), claim.expires, claim.caveat >= 0 ? 1 : 0]),
      sequence === null ? 0 : keys.at(this.#window('h', sequence.session, part)),
      sequence === null ? 0 : keys.at(this.#window('b', sequence.session, part)),
      sequence?.sequence ?? 0,
      sequence?.expires ?? 0,
      replay?.from ?? 0,
    ];
  }
}

/** A verdict's words: `ok` with start, amount and what is left of each counter, or what refused it. */
function decode(verdict: string, charges: Charges): Reserved | Refused {
  const words = verdict.split(',');
  if (words[0] !== 'ok') return refusedBy(words, charges);
  const starts: number[] = [];
  const amounts: number[] = [];
  const left: number[] = [];
  for (let i = 1; i < words.length; i += 3) {
    starts.push(Number(words[i]));
    amounts.push(Number(words[i + 1]));
    left.push(Number(words[i + 2]));
  }
  const reservation: Reservation = Object.freeze({ charges, amounts: Object.freeze(amounts), starts, left });
  return { ok: true, reservation };
}

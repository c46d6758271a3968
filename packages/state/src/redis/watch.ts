// The server under a running verifier, asked again while it runs (law L15, attacks W5). The fence costs nothing in
// the common case because a script's hash is only known to the server process that was looked at; what can change
// under a process that stays the same is looked at here, once a poll: whether it may evict or has evicted, whether a
// trusted one still writes its log and has no replica, and whether the process is the one that was initialized,
// for partitions that nobody calls as well: a failover and the way back would otherwise leave a quiet partition
// unaware of what was granted in between (finding S6).
//
// On a single server one look covers every partition. On a Cluster a look covers one partition, so each poll takes
// a few in turn, and all of them as soon as one is lost. Not noticed: what happens and is undone between two
// looks, except evictions, which the server counts.
import { ALL_PARTITIONS, Lost, type Fence } from './fence.ts';

/** Partitions looked at in one poll of a Cluster. */
const AT_ONCE = 8;

const LOOK = `return {'ok'}`;

export class Watch {
  readonly #fence: Fence;
  #next = 0;

  constructor(fence: Fence) {
    this.#fence = fence;
  }

  /** Looks again. Rejects with Lost, after which the fence denies as far as it must, or Unreachable. */
  async look(): Promise<void> {
    if (!this.#fence.oneSlot) return this.#at([ALL_PARTITIONS]);
    const some = Array.from(
      { length: AT_ONCE },
      (_, i) => ALL_PARTITIONS[(this.#next + i) % ALL_PARTITIONS.length]!,
    );
    this.#next = (this.#next + AT_ONCE) % ALL_PARTITIONS.length;
    try {
      await this.#at(some.map((each) => [each]));
    } catch (error) {
      // Every partition of a server that is another is marked, so that nobody believes it after the way back.
      if (error instanceof Lost)
        await Promise.allSettled(ALL_PARTITIONS.map((each) => this.#fence.look(LOOK, [each])));
      throw error;
    }
  }

  async #at(groups: readonly (readonly string[])[]): Promise<void> {
    const answers = await Promise.allSettled(groups.map((each) => this.#fence.look(LOOK, each)));
    const failed = answers
      .filter((answer) => answer.status === 'rejected')
      .map(({ reason }) => reason as Error);
    if (failed.length > 0) throw failed.find((error) => error instanceof Lost) ?? failed[0]!;
    this.#fence.inOrder();
  }
}

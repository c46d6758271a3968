// Revocations and sessions in Redis, in one partition. Every verifier holds the list, or asks a long one by name
// (`heard.ts`): a PUBLISH says that there is more, and because a message can be missed, the last number is polled every
// second.
import { GRACE } from '../budgets.ts';
import { HeardList, heardRevocations, type Part } from '../heard.ts';
import type { Named } from '../named.ts';
import { nameKey, type Revocation, type RevocationName, type Revocations } from '../revocations.ts';
import type { Sessions } from '../sessions.ts';
import { REGISTRY, fenceFaultOf, type Fence } from './fence.ts';
import { ADD_REVOCATION, LIST_KEYS, NAMED, PAGE, SINCE } from './list-scripts.ts';
import { redisSessions } from './sessions.ts';
import type { Step } from './step.ts';
import { Subscription, type RedisSubscriber } from './subscription.ts';
import { Watch } from './watch.ts';

/** Times in milliseconds. */
export interface RegistryOptions {
  /** Between two looks at the last number. Default 1000. */
  readonly poll?: number;
  /** The age at which an unconfirmed list denies. Default 5000. */
  readonly staleAfter?: number;
}

const toEntry = (found: unknown): Revocation => {
  const text = String(found);
  const space = text.indexOf(' ');
  const input = JSON.parse(text.slice(space + 1)) as Omit<Revocation, 'seq'>;
  return Object.freeze({ ...input, seq: Number(text.slice(0, space)) });
};

export class Registry {
  readonly list: HeardList;
  readonly #channel: string;
  readonly #subscription: Subscription;
  readonly #watch: Watch;
  readonly #timer: NodeJS.Timeout;
  readonly #run: Step;
  readonly #failed: (error: unknown) => void;

  /** `failed` is told of looks that could not be taken. */
  constructor(
    fence: Fence,
    subscriber: RedisSubscriber | null,
    options: RegistryOptions,
    failed: (error: unknown) => void,
  ) {
    this.#failed = failed;
    this.#channel = `${fence.prefix}revocations`;
    this.#run = (name, body, keys, args) => {
      const all = keys.map((key) => fence.key(REGISTRY, key));
      return fence.run(name, body, [REGISTRY], all, args);
    };
    this.list = new HeardList(
      (cursor, first) => this.#since(cursor, first),
      options.staleAfter ?? 5000,
      (names) => this.#named(names),
    );
    this.#subscription = new Subscription(
      subscriber,
      this.#channel,
      () => this.list.hear(),
      () => void this.list.sync().catch(failed),
    );
    this.#watch = new Watch(fence);
    this.#timer = setInterval(() => void this.#poll().catch(failed), options.poll ?? 1000).unref();
  }

  /** Subscribes, looks at the server, then loads the list: in this order nothing falls between. */
  async start(): Promise<void> {
    await this.#subscription.start();
    await this.#poll();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription.stop();
  }

  /** Entries that no message has brought; 0 where nothing is subscribed to. */
  get missed(): number {
    return this.#subscription.exists ? this.list.missed : 0;
  }

  async #poll(): Promise<void> {
    await this.#watch.look();
    await this.list.sync();
  }

  async #since(cursor: number, first = false): Promise<Part> {
    const [, last, named, now, long, ...found] = await this.#run('since', SINCE, LIST_KEYS, [
      cursor,
      first ? 1 : 0,
    ]);
    return {
      last: Number(last),
      entries: found.map(toEntry),
      more: found.length === PAGE,
      ended: Number(now) - GRACE,
      named: Number(named),
      long: long === 1,
    };
  }

  async #named(names: readonly RevocationName[]): Promise<Named> {
    const [, upto, ...found] = await this.#run('named', NAMED, LIST_KEYS, names.map(nameKey));
    return { upto: Number(upto), entries: found.map(toEntry) };
  }

  revocations(): Revocations {
    const add = async (entry: Omit<Revocation, 'seq'>): Promise<number> => {
      const args = [JSON.stringify(entry), entry.expires ?? '', this.#channel];
      const [, seq] = await this.#run('revoke', ADD_REVOCATION, LIST_KEYS, args);
      return Number(seq);
    };
    const since = async (cursor: number): Promise<readonly Revocation[]> =>
      (await this.#since(cursor)).entries;
    return heardRevocations(this.list, { add, since }, fenceFaultOf, this.#failed);
  }

  sessions(): Sessions {
    return redisSessions(this.#run, this.list, this.#channel);
  }
}

// The connection on which a verifier hears that something was revoked. A message is only a reason to look: what
// counts is read from the list, because anybody who may publish on the server, in any of its databases, can say
// anything (finding S20). A connection that is silent is asked whether it is alive, and replaced when it is not:
// a half-open one would look like a quiet list for ever (finding S13). When it is there again it subscribes again
// from here: the one time that ioredis does so itself (`autoResubscribe`), a connection that is lost meanwhile is a
// rejection that nobody can catch, which ends the process.

/** What is used of an ioredis client that has subscribed. */
export interface RedisSubscriber {
  subscribe(channel: string): Promise<unknown>;
  on(event: 'message' | 'ready', listener: (channel: string, message: string) => void): unknown;
  off(event: 'message' | 'ready', listener: (channel: string, message: string) => void): unknown;
  ping?(): Promise<unknown>;
  /** `true`: and connect again. */
  disconnect?(reconnect: boolean): void;
}

/** Milliseconds in which a connection that is alive answers. */
const PATIENCE = 500;

export class Subscription {
  readonly #subscriber: RedisSubscriber | null;
  readonly #channel: string;
  readonly #heard: () => void;
  readonly #back: () => void;
  #timer: NodeJS.Timeout | null = null;
  #asking = false;
  /** Whether it did not answer when it was last asked: revocations arrive by polling alone until it is replaced. */
  deaf = false;
  /** How often it was replaced. */
  replaced = 0;

  /** `heard`: something was said; `back`: it was away, and hears again. */
  constructor(subscriber: RedisSubscriber | null, channel: string, heard: () => void, back: () => void) {
    this.#subscriber = subscriber;
    this.#channel = channel;
    this.#heard = heard;
    this.#back = back;
  }

  /** Whether there is a connection at all. */
  get exists(): boolean {
    return this.#subscriber !== null;
  }

  async start(): Promise<void> {
    this.#subscriber?.on('message', this.#message);
    await this.#subscriber?.subscribe(this.#channel);
    this.#subscriber?.on('ready', this.#again);
    if (this.#subscriber?.ping !== undefined)
      this.#timer = setInterval(() => void this.#ask(), PATIENCE).unref();
  }

  stop(): void {
    clearInterval(this.#timer ?? undefined);
    this.#subscriber?.off('message', this.#message);
    this.#subscriber?.off('ready', this.#again);
  }

  /** Connected again: what was said meanwhile is looked for as soon as nothing can be missed any more. */
  readonly #again = (): void => {
    this.#subscriber!.subscribe(this.#channel).then(this.#back, () => undefined);
  };

  readonly #message = (channel: string): void => {
    if (channel === this.#channel) this.#heard();
  };

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    let timer: NodeJS.Timeout | undefined;
    try {
      const silence = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), PATIENCE);
      });
      const answered = this.#subscriber!.ping!().then(
        () => true,
        () => false,
      );
      const alive = await Promise.race([answered, silence]);
      if (!alive) {
        this.replaced++;
        this.#subscriber!.disconnect?.(true);
      }
      this.deaf = !alive;
    } finally {
      clearTimeout(timer);
      this.#asking = false;
    }
  }
}

// A user's current rights, asked at minting and at every use, so that a right lost in mid-session is lost to the
// agent. At use the answer is synchronous: from the configuration, or from what the service's resolver said at
// most `staleness` seconds ago. An older answer denies with `entitlements_unavailable` (law L2).
import { deny, isLabel, isName, isToolPattern, type Denial } from '@ambit/core';
import type { UserEntry } from '../config/configuration.ts';
import type { Layer } from '../operator/layer.ts';
import type { Operator } from '../operator/operator.ts';

/** Answers who may do what now. `operator` is the configuration in force: its groups give names their meaning. */
export interface Entitlements {
  /** The user's layer at `now` (Unix seconds), or `user_unknown`, or `entitlements_unavailable`. */
  view(operator: Operator, user: string, now: number): Layer | Denial;
}

/** Entitlements by the configuration alone. A change of rights is a change of configuration. */
export const configuredEntitlements: Entitlements = Object.freeze({
  view(operator: Operator, user: string): Layer | Denial {
    if (operator.config.entitlements.from !== 'configuration') {
      return deny('entitlements_unavailable', 'the configuration asks for a resolver and none is connected');
    }
    return operator.user(user) ?? deny('user_unknown', user);
  },
});

/** What a resolver says of a user: groups of the configuration, and rights beside them. */
export interface Entitlement {
  readonly groups?: readonly string[];
  readonly tools?: readonly string[];
  readonly data?: readonly string[];
  readonly deny?: readonly string[];
}

/** The service's own source: a directory, a database, an IAM. */
export interface EntitlementResolver {
  /** The user's rights now; null for a user that is not known. Rejecting, or an answer of another shape, counts as no answer. */
  resolve(user: string, signal: AbortSignal): Promise<Entitlement | null>;
}

/** Options of a resolver's cache. */
export interface ResolvedOptions {
  readonly resolver: EntitlementResolver;
  /** Seconds an answer is good for; the configuration's own `staleness` counts too, and the smaller one holds. */
  readonly staleness?: number;
  /** Seconds a resolver may take; default 5. */
  readonly timeout?: number;
  /** Users kept; the one asked for longest ago goes first. Default 10,000. */
  readonly capacity?: number;
  /** Unix seconds now; default the system's clock. Must be the clock that `view` is asked with. */
  readonly nowSeconds?: () => number;
}

interface Known {
  /** null: the user is not known. */
  readonly entry: UserEntry | null;
  /** When the question was asked: the answer may be as old as that, however long it took. */
  readonly asked: number;
  /** Compiled under this operator; another configuration compiles again. */
  operator: Operator | null;
  layer: Layer | null;
}

/** Entitlements by a resolver. `refresh` before use (the guard does), `view` at use. */
export class ResolvedEntitlements implements Entitlements {
  readonly #resolver: EntitlementResolver;
  readonly #staleness: number;
  readonly #timeout: number;
  readonly #capacity: number;
  readonly #clock: () => number;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<void>>();
  /** The highest time seen: a clock that goes back makes no answer younger. */
  #highest = 0;

  /** Throws RangeError for bounds that are not positive. */
  constructor(options: ResolvedOptions) {
    this.#resolver = options.resolver;
    this.#staleness = positive('staleness', options.staleness ?? Number.MAX_SAFE_INTEGER);
    this.#timeout = positive('timeout', options.timeout ?? 5);
    this.#capacity = positive('capacity', options.capacity ?? 10_000);
    this.#clock = options.nowSeconds ?? ((): number => Date.now() / 1000);
  }

  view(operator: Operator, user: string, now: number): Layer | Denial {
    const source = operator.config.entitlements;
    if (source.from !== 'resolver') {
      return deny(
        'entitlements_unavailable',
        'the configuration states users itself; a resolver is not asked',
      );
    }
    // Before anything is known too: an answer on its way must not look younger by a clock that goes back.
    if (now > this.#highest) this.#highest = now;
    const known = this.#known.get(user);
    if (known === undefined) return deny('entitlements_unavailable', "the user's rights were never fetched");
    if (Math.floor(this.#highest) - known.asked >= Math.min(this.#staleness, source.staleness)) {
      return deny('entitlements_unavailable', "the last answer about the user's rights is too old");
    }
    if (known.entry === null) return deny('user_unknown', user);
    if (known.operator !== operator || known.layer === null) {
      known.operator = operator;
      known.layer = operator.entitled(user, known.entry);
    }
    return known.layer;
  }

  /**
   * Asks the resolver when nothing is known of the user or the answer is older than half the staleness; several
   * callers share one question. Never rejects: what stays unknown denies in `view`.
   */
  async refresh(operator: Operator, user: string): Promise<void> {
    const source = operator.config.entitlements;
    if (source.from !== 'resolver') return;
    const half = Math.min(this.#staleness, source.staleness) / 2;
    const known = this.#known.get(user);
    if (known !== undefined && Math.max(this.#now(), this.#highest) - known.asked < half) return;
    await this.#ask(user);
  }

  /** Forgets a user at once: for services that learn of a change. An answer still on its way is discarded. */
  forget(user: string): void {
    this.#known.delete(user);
    this.#asking.delete(user);
  }

  #now(): number {
    const now = Math.floor(this.#clock());
    if (now > this.#highest) this.#highest = now;
    return this.#highest;
  }

  #ask(user: string): Promise<void> {
    const already = this.#asking.get(user);
    if (already !== undefined) return already;
    const asked = this.#now();
    const question = this.#resolve(user).then((entry) => {
      // Only the question that is still current may answer: see `forget`.
      if (this.#asking.get(user) !== question) return;
      this.#asking.delete(user);
      if (entry !== undefined) this.#keep(user, { entry, asked, operator: null, layer: null });
    });
    this.#asking.set(user, question);
    return question;
  }

  #keep(user: string, known: Known): void {
    this.#known.delete(user);
    if (this.#known.size >= this.#capacity) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    this.#known.set(user, known);
  }

  // The entry, null for an unknown user, undefined for no usable answer.
  async #resolve(user: string): Promise<UserEntry | null | undefined> {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        abort.abort();
        resolve(undefined);
      }, this.#timeout * 1000);
    });
    try {
      const answer = await Promise.race([this.#resolver.resolve(user, abort.signal), late]);
      return answer === undefined ? undefined : entryOf(answer);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A resolver's answer, checked and copied; undefined for an answer of another shape. */
export function entryOf(answer: Entitlement | null): UserEntry | null | undefined {
  if (answer === null) return null;
  if (typeof answer !== 'object') return undefined;
  const list = (value: unknown, valid: (text: string) => boolean): readonly string[] | undefined => {
    if (value === undefined) return Object.freeze([]);
    if (!Array.isArray(value) || value.length > 4096) return undefined;
    const items: readonly unknown[] = [...(value as readonly unknown[])];
    return items.every((item): item is string => typeof item === 'string' && valid(item))
      ? Object.freeze(items)
      : undefined;
  };
  const groups = list(answer.groups, isName);
  const tools = list(answer.tools, isToolPattern);
  const data = list(answer.data, isLabel);
  const denied = list(answer.deny, isToolPattern);
  if (groups === undefined || tools === undefined || data === undefined || denied === undefined)
    return undefined;
  return Object.freeze({ groups, tools, data, deny: denied, budgets: Object.freeze([]) });
}

function positive(field: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${field}: expected a positive number, got ${value}`);
  return value;
}

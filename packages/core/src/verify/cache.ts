// Bounded caches of successes (DESIGN section 6, attack S9). A cache belongs to one immutable verifier
// configuration: another configuration is another verifier with empty caches, so nothing stale can be hit.
// Two generations instead of a linked list: a hit in the young one costs one look-up and no write.
import { equal } from '../bytes.ts';
import { item, type Frame } from '../token/frame.ts';
import { partsOf, type AuthenticToken } from './authentic.ts';

/** At most `limit` entries; those not used for a while go first. */
export class BoundedMap<V> {
  readonly #half: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(limit: number) {
    this.#half = Math.ceil(limit / 2);
  }

  get(key: string): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (this.#half === 0) return;
    this.#young.set(key, value);
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

/** A verified token with its tail, which never leaves this cache. */
export interface CachedToken {
  readonly token: AuthenticToken;
  readonly tail: Uint8Array;
}

const TAIL_CHARACTERS = 42;

/** Verified tokens by their exact text, and by their grant, so that a child can start from its parent's tail. */
export class TokenCache {
  // Under the last 42 characters, which lie in the tail: hashing all of a text would cost more than a MAC.
  readonly #byText: BoundedMap<{ readonly text: string; readonly token: AuthenticToken }>;
  readonly #byGrant: BoundedMap<CachedToken[]>;

  constructor(limit: number) {
    this.#byText = new BoundedMap(limit);
    this.#byGrant = new BoundedMap(limit);
  }

  get(text: string): AuthenticToken | undefined {
    const entry = this.#byText.get(text.slice(-TAIL_CHARACTERS));
    return entry?.text === text ? entry.token : undefined;
  }

  /** The longest cached token whose items are a byte-equal, proper prefix of this one's. */
  parentOf(frame: Frame): CachedToken | undefined {
    let best: CachedToken | undefined;
    let bestItems = 0;
    for (const entry of this.#byGrant.get(grantName(frame)) ?? []) {
      const parent = partsOf(entry.token).frame;
      if (parent.items > bestItems && parent.items < frame.items && isPrefix(parent, frame)) {
        best = entry;
        bestItems = parent.items;
      }
    }
    return best;
  }

  /** Keeps a token that no child may start from. */
  setAlone(text: string, token: AuthenticToken): void {
    this.#byText.set(text.slice(-TAIL_CHARACTERS), { text, token });
  }

  set(text: string, entry: CachedToken): void {
    this.setAlone(text, entry.token);
    const name = grantName(partsOf(entry.token).frame);
    const others = this.#byGrant.get(name) ?? [];
    // A few of one grant: the root, and what was derived from it lately.
    this.#byGrant.set(name, [entry, ...others.slice(0, 7)]);
  }
}

// The last bytes of a grant hold the session, the tools and the budgets, the first the token id: taken
// together with the length they tell grants apart well enough for a look-up that is checked byte by byte.
function grantName(frame: Frame): string {
  const grant = item(frame, 0);
  return String.fromCharCode.apply(null, grant.subarray(0, 160) as unknown as number[]) + grant.length;
}

function isPrefix(parent: Frame, child: Frame): boolean {
  for (let i = 0; i < parent.items; i++) if (!equal(item(parent, i), item(child, i))) return false;
  return true;
}

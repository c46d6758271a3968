// Bounded caches of successes (docs/design.md section 6, attack S9). A cache belongs to one immutable verifier
// configuration: another configuration is another verifier with empty caches, so nothing stale can be hit.
// Two generations instead of a linked list: a hit in the young one costs one look-up and no write.
import type { Frame } from '../token/frame.ts';
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
/** Tokens of one grant that are kept as possible parents. */
const FAMILY = 8;
const itemsOf = (entry: CachedToken): number => partsOf(entry.token).frame.items;

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
    const kept = this.#byGrant.get(name);
    if (kept === undefined) this.#byGrant.set(name, [entry]);
    else if (kept.length < FAMILY) kept.push(entry);
    else {
      // A long chain is seldom a parent: the longest is evicted first, so that children don't evict their parent.
      let longest = 0;
      for (let k = 1; k < kept.length; k++) if (itemsOf(kept[k]!) > itemsOf(kept[longest]!)) longest = k;
      if (itemsOf(entry) <= itemsOf(kept[longest]!)) kept[longest] = entry;
    }
  }
}

// Grants are told apart by their length and 32 bytes near their end (session, tools, budgets), enough for a look-up
// whose answer is then compared byte by byte.
function grantName(frame: Frame): string {
  const { bytes, spans } = frame;
  const end = spans[1]!;
  const start = Math.max(spans[0]!, end - 32);
  let name = '';
  for (let i = start; i < end; i += 2) name += String.fromCharCode((bytes[i]! << 8) | bytes[i + 1]!);
  return name + String(end - spans[0]!);
}

// Items lie one behind the other, heads included, so two runs of bytes decide: the grant and the caveats.
function isPrefix(parent: Frame, child: Frame): boolean {
  const grantEnd = parent.spans[1]!;
  if (grantEnd !== child.spans[1]) return false;
  const length = parent.spans[2 * parent.items - 1]! - parent.caveatsAt;
  if (child.caveatsAt + length > child.spans[2 * child.items - 1]!) return false;
  const [a, b] = [parent.bytes, child.bytes];
  for (let i = parent.spans[0]! - 2; i < grantEnd; i++) if (a[i] !== b[i]) return false;
  for (let i = 0; i < length; i++) if (a[parent.caveatsAt + i] !== b[child.caveatsAt + i]) return false;
  // Equal bytes are equal items only if the run ends where an item of the child's ends.
  return child.spans[2 * parent.items - 1]! - child.caveatsAt === length;
}

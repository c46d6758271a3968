// Verified tokens, kept within a budget (docs/design.md section 6, attacks S9, K1). A cache belongs to one immutable
// verifier configuration: another configuration is another verifier with empty caches, so nothing stale can be hit.
// An entry is weighed by what its token can come to hold, parsed and compiled; its text is a copy.
import { BoundedMap, type Budget } from '../bounded-map.ts';
import { own } from '../bytes.ts';
import type { Constraint } from '../args/constraint.ts';
import type { Json } from '../args/json.ts';
import type { Frame } from '../token/frame.ts';
import { partsOf, type AuthenticToken } from './authentic.ts';

const TAIL_CHARACTERS = 42;
/** Tokens of one grant that are kept as possible parents. */
const FAMILY = 8;
/** What a family weighs: its names. */
const FAMILY_BYTES = FAMILY * 160;

interface Kept {
  readonly text: string;
  readonly token: AuthenticToken;
}

/** Verified tokens by their exact text, and by their grant, so that a child can start from its parent's tail. */
export class TokenCache {
  // Under the last 42 characters, which lie in the tail: hashing all of a text would cost more than a MAC.
  readonly #byText: BoundedMap<Kept>;
  // The names, and not the tokens, of those that children may start from: what `#byText` drops is gone.
  readonly #byGrant: BoundedMap<string[]>;

  constructor(budget: Budget) {
    this.#byText = new BoundedMap(budget);
    this.#byGrant = new BoundedMap({ entries: budget.entries, bytes: budget.entries * FAMILY_BYTES });
  }

  get(text: string): AuthenticToken | undefined {
    const kept = this.#byText.get(text.slice(-TAIL_CHARACTERS));
    return kept?.text === text ? kept.token : undefined;
  }

  /** Tokens kept. */
  get size(): number {
    return this.#byText.size;
  }

  /** Bytes kept, by weight. */
  get weight(): number {
    return this.#byText.weight;
  }

  /**
   * The longest cached token whose items are a byte-equal, proper prefix of this one's. Only one found genuine by its
   * MAC: signatures say nothing of a tail, and a child must not start from it.
   */
  parentOf(frame: Frame): AuthenticToken | undefined {
    let best: AuthenticToken | undefined;
    let bestItems = 0;
    for (const name of this.#byGrant.get(grantName(frame)) ?? []) {
      const token = this.#byText.get(name)?.token;
      if (token === undefined) continue;
      const { frame: parent, verifiedBy } = partsOf(token);
      if (verifiedBy !== 'mac' || parent.items <= bestItems || parent.items >= frame.items) continue;
      if (isPrefix(parent, frame)) {
        best = token;
        bestItems = parent.items;
      }
    }
    return best;
  }

  set(text: string, token: AuthenticToken): void {
    const kept = { text: own(text), token };
    const name = kept.text.slice(-TAIL_CHARACTERS);
    this.#byText.set(name, kept, weightOf(token) + 2 * text.length);
    if (partsOf(token).verifiedBy !== 'mac') return;
    const grant = grantName(partsOf(token).frame);
    const family = (this.#byGrant.get(grant) ?? []).filter((n) => n !== name);
    if (family.length < FAMILY) family.push(own(name));
    else {
      // A long chain is seldom a parent: the longest is evicted first, so that children don't evict their parent.
      let longest = 0;
      for (let k = 1; k < family.length; k++)
        if (this.#itemsOf(family[k]!) > this.#itemsOf(family[longest]!)) longest = k;
      if (partsOf(token).frame.items <= this.#itemsOf(family[longest]!)) family[longest] = own(name);
    }
    this.#byGrant.set(grant, family, FAMILY_BYTES);
  }

  // One that is gone is the first to be replaced.
  #itemsOf(name: string): number {
    const kept = this.#byText.get(name);
    return kept === undefined ? Infinity : partsOf(kept.token).frame.items;
  }
}

/** Bytes of a token's objects for each byte of it, for each constraint compiled, for each object or list compared. */
const PARSED = 40;
const COMPILED = 640;
const STRUCTURED = 320;

/** Bytes that a token can come to hold in memory: never less than it does, whatever its holder appended (measured). */
function weightOf(token: AuthenticToken): number {
  const { frame, caveats } = partsOf(token);
  let weight = 1024 + PARSED * (frame.spans.at(-1)! + 32);
  for (const c of caveats) {
    if (c.type === 'args') for (const constraint of c.args.values()) weight += weightOfConstraint(constraint);
  }
  return weight;
}

function weightOfConstraint(c: Constraint): number {
  if (c.kind === 'each') return COMPILED + weightOfConstraint(c.constraint);
  if (c.kind === 'all') return c.constraints.reduce((n, inner) => n + weightOfConstraint(inner), COMPILED);
  if (c.kind === 'equals') return COMPILED + weightOfValue(c.value);
  return c.kind === 'oneOf' ? c.values.reduce<number>((n, v) => n + weightOfValue(v), COMPILED) : COMPILED;
}

function weightOfValue(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((n, v) => n + weightOfValue(v), STRUCTURED);
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

// Items lie one behind the other, heads included. So two runs of equal bytes, the grant and the parent's caveats, are
// equal items: the child has more of them than the parent, and none can end elsewhere.
function isPrefix(parent: Frame, child: Frame): boolean {
  const [start, grantEnd] = parent.spans;
  if (grantEnd !== child.spans[1]) return false;
  const [a, b] = [parent.bytes, child.bytes];
  for (let i = start!; i < grantEnd!; i++) if (a[i] !== b[i]) return false;
  const end = parent.spans[2 * parent.items - 1]!;
  const shift = child.caveatsAt - parent.caveatsAt;
  for (let i = parent.caveatsAt; i < end; i++) if (a[i] !== b[i + shift]) return false;
  return true;
}

// One layer of identity as rights: pairs of tools and data that belong together, what is denied regardless of
// what else is allowed, and ceilings. A layer with several rights (a user in two groups) allows a call only
// when one right alone covers both the tool and all the data: two groups never add up to what neither of them
// has.
import { deny as denial, type Denial, type DenialCode } from '@ambit/core';
import type { UserAuthority, Ceilings } from '../config/configuration.ts';
import { leastCeilings } from './ceilings.ts';
import { LabelSet, reduce, ToolSet } from './tables.ts';

/** The layers, in the order they are asked. */
export type LayerName = 'operator' | 'model' | 'session' | 'user';

/** Tools, and the data they may touch. */
export interface Right {
  readonly tools: ToolSet;
  readonly data: LabelSet;
}

/** The codes a layer refuses with. */
interface Codes {
  readonly tool: DenialCode;
  readonly denied: DenialCode;
  readonly data: DenialCode;
}
const OF_OPERATOR: Codes = { tool: 'tool_not_granted', denied: 'tool_denied', data: 'data_refused' };
const OF_USER: Codes = { tool: 'user_not_entitled', denied: 'user_not_entitled', data: 'user_not_entitled' };

/** One of operator, model, user: what it allows. */
export class Layer {
  readonly name: LayerName;
  /** For messages: `operator acme-corp`, `user jane@acme.com`. */
  readonly title: string;
  readonly rights: readonly Right[];
  readonly ceilings: Ceilings;
  readonly #denied: readonly ToolSet[];
  readonly #codes: Codes;

  constructor(
    name: LayerName,
    title: string,
    rights: readonly Right[],
    denied: readonly ToolSet[],
    ceilings: Ceilings,
  ) {
    this.name = name;
    this.title = title;
    this.rights = rights;
    this.ceilings = ceilings;
    this.#denied = denied.filter((set) => set.patterns.length > 0);
    this.#codes = name === 'user' ? OF_USER : OF_OPERATOR;
  }

  /** Whether the layer allows the tool on that data (null: not known, which is refused). */
  check(tool: string, data: readonly string[] | null): Denial | null {
    for (let i = 0; i < this.#denied.length; i++) {
      if (this.#denied[i]!.has(tool)) return denial(this.#codes.denied, `${this.title} denies ${tool}`);
    }
    let known = false;
    for (const right of this.rights) {
      if (!right.tools.has(tool)) continue;
      if (data === null) return denial('data_unknown', `${this.title}: ${tool}`);
      if (data.every((label) => right.data.covers(label))) return null;
      known = true;
    }
    if (!known) return denial(this.#codes.tool, `${this.title} does not have ${tool}`);
    return denial(
      this.#codes.data,
      `${this.title} may not use ${tool} on ${data?.join(', ') ?? 'unknown data'}`,
    );
  }

  /** What of `wanted` this layer has in any of its rights. */
  narrowTools(wanted: readonly string[]): readonly string[] {
    return this.rights.length === 1
      ? this.rights[0]!.tools.narrow(wanted)
      : reduce([...new Set(this.rights.flatMap((r) => r.tools.narrow(wanted)))]);
  }

  /** What of `wanted` this layer has in any of its rights. */
  narrowData(wanted: readonly string[]): readonly string[] {
    if (this.rights.length === 1) return this.rights[0]!.data.narrow(wanted);
    return new LabelSet(wanted).narrow([...new Set(this.rights.flatMap((r) => r.data.narrow(wanted)))]);
  }

  /** All patterns denied. */
  get denied(): readonly string[] {
    return this.#denied.flatMap((set) => set.patterns);
  }
}

/** A right of what an entry states; none when it states no tools. */
export const rightOf = (a: UserAuthority): readonly Right[] =>
  a.tools.length === 0 ? [] : [Object.freeze({ tools: new ToolSet(a.tools), data: new LabelSet(a.data) })];

/** A layer of one entry. */
export const layerOf = (name: LayerName, title: string, entry: UserAuthority & Partial<Ceilings>): Layer =>
  new Layer(
    name,
    title,
    rightOf(entry),
    [new ToolSet(entry.deny)],
    leastCeilings([{ budgets: [], ...entry }]),
  );

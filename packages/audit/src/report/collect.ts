// What a report shows, gathered in one pass over the records and bounded in size for a log of any length.
import type { TreeReader } from '../tile/reader.ts';
import type { AuditRecord } from '../record/record.ts';
import { search, type Found, type Query } from '../read/search.ts';

/** Bounds of a page that a browser still opens at once; what is left out is said on the page. */
const REPORT_LIMITS: {
  readonly timeline: number;
  readonly refusals: number;
  readonly nodes: number;
  readonly alerts: number;
} = Object.freeze({
  timeline: 2000,
  refusals: 1000,
  nodes: 500,
  alerts: 500,
});

/** A node of the delegation tree: one holder of one token. */
export interface TreeNode {
  readonly id: string;
  readonly label: string | null;
  readonly holder: string | null;
  readonly children: TreeNode[];
  /** From the first record that showed it. */
  readonly first: Found;
  allowed: number;
  refused: number;
  revoked: boolean;
}

/** Everything on the page. */
export interface Collected {
  readonly roots: readonly TreeNode[];
  readonly timeline: readonly Found[];
  readonly refusals: readonly Found[];
  readonly alerts: readonly Found[];
  readonly counts: {
    readonly records: number;
    readonly decisions: number;
    readonly allowed: number;
    readonly refused: number;
    readonly unverified: number;
    readonly ingested: number;
    readonly alerts: number;
    readonly sessions: number;
  };
  readonly codes: ReadonlyMap<string, number>;
  readonly tools: ReadonlyMap<string, { readonly allowed: number; readonly refused: number }>;
  readonly from: number | null;
  readonly to: number | null;
  readonly left: {
    readonly timeline: number;
    readonly refusals: number;
    readonly nodes: number;
    readonly alerts: number;
  };
}

/** Keeps the last `most` of what is added. */
class Last<T> {
  readonly items: T[] = [];
  readonly #most: number;
  left = 0;
  constructor(most: number) {
    this.#most = most;
  }
  add(item: T): void {
    this.items.push(item);
    if (this.items.length > 2 * this.#most) this.left += this.items.splice(0, this.#most).length;
  }
  done(): T[] {
    const extra = Math.max(0, this.items.length - this.#most);
    this.left += extra;
    return this.items.slice(extra);
  }
}

class Tree {
  readonly roots: TreeNode[] = [];
  readonly #nodes = new Map<string, TreeNode>();
  readonly #revoked = new Set<string>();
  left = 0;

  add(found: Found): TreeNode | null {
    let parent: TreeNode | null = null;
    const { token } = found.record;
    for (const { node: id, holder, label } of token?.chain ?? []) {
      let node = this.#nodes.get(id);
      if (node === undefined) {
        if (this.#nodes.size >= REPORT_LIMITS.nodes) {
          this.left++;
          return parent;
        }
        node = {
          id,
          label: label ?? null,
          holder: holder ?? null,
          children: [],
          first: found,
          allowed: 0,
          refused: 0,
          revoked: false,
        };
        this.#nodes.set(id, node);
        (parent?.children ?? this.roots).push(node);
      }
      parent = node;
    }
    return parent;
  }

  revoke(id: string): void {
    this.#revoked.add(id);
  }

  /** A node dies with its token, its session, its holder's key, and everything above it. */
  mark(nodes: readonly TreeNode[] = this.roots, above: boolean = false): void {
    for (const node of nodes) {
      const { record } = node.first;
      const ids = [
        node.id,
        node.holder,
        record.token?.id,
        record.session,
        record.user,
        record.operator?.name,
        record.model?.digest,
      ];
      node.revoked = above || ids.some((id) => id !== undefined && id !== null && this.#revoked.has(id));
      this.mark(node.children, node.revoked);
    }
  }
}

const isDecision = (record: AuditRecord): boolean => record.kind === 'decision';

/** Gathers what a report shows from the records that match `query`. */
export async function collect(reader: TreeReader, query: Query = {}): Promise<Collected> {
  const tree = new Tree();
  const timeline = new Last<Found>(REPORT_LIMITS.timeline);
  const refusals = new Last<Found>(REPORT_LIMITS.refusals);
  const alerts = new Last<Found>(REPORT_LIMITS.alerts);
  const codes = new Map<string, number>();
  const tools = new Map<string, { allowed: number; refused: number }>();
  const sessions = new Set<string>();
  const counts = { records: 0, decisions: 0, allowed: 0, refused: 0, unverified: 0, ingested: 0, alerts: 0 };
  let from: number | null = null;
  let to: number | null = null;
  for await (const found of search(reader, query)) {
    const { record } = found;
    counts.records++;
    from ??= record.at;
    to = record.at;
    if (record.session !== undefined && sessions.size < 1_000_000) sessions.add(record.session);
    timeline.add(found);
    const node = tree.add(found);
    if (record.revocation !== undefined) tree.revoke(record.revocation.id);
    if (record.token?.unverified === true) counts.unverified++;
    if (record.kind === 'ingest') counts.ingested++;
    if (record.kind === 'alert') {
      counts.alerts++;
      alerts.add(found);
    }
    if (!isDecision(record)) continue;
    const verdict = record.code === 'allowed' ? 'allowed' : 'refused';
    counts.decisions++;
    counts[verdict]++;
    if (node !== null) node[verdict]++;
    if (record.tool !== undefined && (tools.has(record.tool.name) || tools.size < 1000)) {
      const tool = tools.get(record.tool.name) ?? { allowed: 0, refused: 0 };
      tool[verdict]++;
      tools.set(record.tool.name, tool);
    }
    if (verdict === 'allowed') continue;
    refusals.add(found);
    codes.set(record.code ?? 'unknown', (codes.get(record.code ?? 'unknown') ?? 0) + 1);
  }
  tree.mark();
  const kept = { timeline: timeline.done(), refusals: refusals.done(), alerts: alerts.done() };
  return {
    roots: tree.roots,
    ...kept,
    counts: { ...counts, sessions: sessions.size },
    codes,
    tools,
    from,
    to,
    left: { timeline: timeline.left, refusals: refusals.left, nodes: tree.left, alerts: alerts.left },
  };
}

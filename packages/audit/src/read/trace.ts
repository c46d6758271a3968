// The provenance of an action (law L5): for whom, by whose authority, through whose hands, and what belongs to it.
import { TILE_WIDTH } from '../merkle/edge.ts';
import type { TreeReader } from '../tile/reader.ts';
import { layersOf, type AuditRecord, type ChainNode, type IdentityLayer } from '../record/record.ts';
import { search, show, type Found } from './search.ts';

/** Everything a log says about how one record came about. */
export interface CallTrace {
  readonly record: Found;
  /** The decision it belongs to: of an outcome or approval the one it names, otherwise itself. */
  readonly decision: Found;
  readonly user: string | null;
  readonly operator: AuditRecord['operator'] | null;
  readonly model: AuditRecord['model'] | null;
  readonly session: string | null;
  readonly layers: Record<IdentityLayer, 'allowed' | 'refused' | 'not asked'>;
  /** The holders, first to last; with each, the record that says how it came to hold, where the log has one. */
  readonly chain: readonly (ChainNode & { readonly said: Found | null })[];
  /** The calls this one was made from within, outermost first. */
  readonly parents: readonly Found[];
  /** What belongs to the decision: its outcome, approvals. */
  readonly related: readonly Found[];
  /** Untrusted content that had entered the session before it. */
  readonly ingested: readonly Found[];
}

/** How far back and forth a trace looks for what belongs to a record, in entries. */
const REACH = 1_000_000;

/** Traces a record; null when the entry is not a record. Throws RangeError outside the log. */
export async function trace(reader: TreeReader, index: number): Promise<CallTrace | null> {
  const start = await show(reader, index);
  if (start === null) return null;
  const decision = start.record.of === undefined ? start : ((await show(reader, start.record.of)) ?? start);
  const { record } = decision;
  const parents: Found[] = [];
  // A parent comes before its child, so this ends.
  for (let at = record.parent; at !== undefined && at < (parents[0]?.index ?? decision.index);) {
    const parent = await show(reader, at);
    if (parent === null) break;
    parents.unshift(parent);
    at = parent.record.parent;
  }
  const related: Found[] = [];
  const ingested: Found[] = [];
  const made = new Map<string, Found>();
  const nodes = record.token?.chain ?? [];
  const from = Math.max(0, Math.floor((decision.index - REACH) / TILE_WIDTH) * TILE_WIDTH);
  if (record.session !== undefined) {
    for await (const found of search(reader, { session: record.session }, from)) {
      if (found.index > decision.index + REACH) break;
      const { kind, of, ingest, token } = found.record;
      if (of === decision.index) related.push(found);
      if (kind === 'ingest' && ingest?.trust !== 'trusted' && found.index < decision.index)
        ingested.push(found);
      const node = token?.chain?.at(-1)?.node;
      if (
        (kind === 'mint' || kind === 'delegate' || kind === 'attenuate') &&
        node !== undefined &&
        !made.has(node)
      )
        made.set(node, found);
    }
  }
  return {
    record: start,
    decision,
    user: record.user ?? null,
    operator: record.operator ?? null,
    model: record.model ?? null,
    session: record.session ?? null,
    layers: layersOf(record),
    chain: nodes.map((node) => ({ ...node, said: made.get(node.node) ?? null })),
    parents,
    related,
    ingested,
  };
}

const short = (id: string): string => `${id.slice(0, 10)}\u2026`;

/** A trace as lines for people, outermost authority first. */
export function traceLines(found: CallTrace): string[] {
  const { record } = found.decision;
  const lines = [
    `user      ${found.user ?? '-'} (${found.layers.user})`,
    `operator  ${found.operator?.name ?? '-'} (${found.layers.operator})${found.operator?.config === undefined ? '' : `, configuration ${short(found.operator.config)}`}`,
    `model     ${found.model?.name ?? '-'} (${found.layers.model})${found.model?.digest === undefined ? '' : `, artifact ${short(found.model.digest)}`}`,
    `session   ${found.session ?? '-'} (${found.layers.session})`,
  ];
  found.chain.forEach((node, i) => {
    const said = node.said === null ? '' : `, record ${node.said.index}`;
    const who = node.label ?? (i === 0 ? 'first holder' : 'holder');
    lines.push(
      `${'  '.repeat(i)}${i === 0 ? 'token to ' : '\u2514 delegated to '}${who}${node.holder === undefined ? '' : ` key ${short(node.holder)}`}, node ${short(node.node)}${said}`,
    );
  });
  for (const parent of found.parents)
    lines.push(`within    record ${parent.index}: ${parent.record.tool?.name ?? parent.record.kind}`);
  for (const read of found.ingested)
    lines.push(
      `after     record ${read.index}: ${read.record.ingest?.trust} content from ${read.record.ingest?.source}`,
    );
  const verdict =
    record.code === undefined
      ? ''
      : `: ${record.code}${record.reason === undefined ? '' : ` (${record.reason})`}`;
  lines.push(`action    record ${found.decision.index}: ${record.kind} ${record.tool?.name ?? ''}${verdict}`);
  for (const other of found.related)
    lines.push(
      `          record ${other.index}: ${other.record.kind} ${other.record.result?.status ?? other.record.code ?? ''}`,
    );
  return lines;
}

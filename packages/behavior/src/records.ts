// Audit records to events. The record's shape is declared here again, structurally and only as far as it is read,
// because this package imports nothing but core; `@ambit/audit`'s AuditRecord fits it.
import type { AgentEvent } from './event.ts';
import type { ToolClass, ToolShape } from './tool-shape.ts';
import { toolShape } from './tool-shape.ts';

/** The part of an audit record that is read. */
export interface RecordLike {
  readonly kind: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly operator?: { readonly name: string };
  readonly model?: { readonly name: string; readonly digest?: string };
  readonly agent?: string;
  readonly session?: string;
  readonly token?: { readonly unverified?: boolean };
  readonly tool?: { readonly name: string; readonly classes?: readonly string[] };
  readonly args?: {
    readonly bytes?: number;
    readonly destinations?: readonly string[];
    readonly idsFrom?: string;
  };
  readonly code?: string;
  readonly ingest?: { readonly trust: string; readonly bytes?: number };
  readonly result?: { readonly status: string; readonly bytes?: number };
}

const GRADES: Readonly<Record<string, number>> = {
  none: 0,
  prompt: 0,
  trusted: 0,
  mixed: 0.6,
  agent: 0.9,
  untrusted: 1,
};
/** The audit log's classes, hardest first. */
const CLASSES: readonly (readonly [string, ToolClass])[] = [
  ['money', 'pay'],
  ['identity', 'identity'],
  ['destructive', 'destroy'],
  ['egress', 'send'],
  ['write', 'write'],
  ['read', 'read'],
];

/**
 * The events of a record, usually one; none for records that say nothing about behavior, and none for what failed
 * verification: an attacker without a token must not be able to teach or disturb a baseline (docs/design.md
 * section 9).
 */
export const eventsOfRecord = (
  record: RecordLike,
  index: number,
  shapes: ReadonlyMap<string, ToolShape> = new Map(),
): readonly AgentEvent[] => {
  if (record.token?.unverified === true || record.session === undefined || record.tool === undefined)
    return [];
  const { name, classes = [] } = record.tool;
  const known = CLASSES.find(([label]) => classes.includes(label));
  const shape = shapes.get(name) ?? toolShape({ name, params: [] });
  const common = {
    session: record.session,
    deployment: {
      operator: record.operator?.name ?? '',
      model: record.model?.name ?? '',
      task: record.agent ?? '',
    },
    time: record.at / 1000,
    tool: name,
    class: known?.[1] ?? shape.class,
    index,
  };
  switch (record.kind) {
    case 'decision': {
      if (record.code !== 'allowed') return [{ ...common, kind: 'refusal', code: record.code ?? '' }];
      const { bytes = 0, destinations = [], idsFrom = 'none' } = record.args ?? {};
      return [{ ...common, kind: 'call', shape: '', destinations, bytes, grade: GRADES[idsFrom] ?? 1 }];
    }
    case 'ingest':
      return [
        {
          ...common,
          kind: 'ingest',
          trusted: record.ingest?.trust === 'trusted',
          bytes: record.ingest?.bytes ?? 0,
        },
      ];
    case 'outcome':
      return [{ ...common, kind: 'outcome', ok: record.result?.status === 'ok' }];
    default:
      return [];
  }
};

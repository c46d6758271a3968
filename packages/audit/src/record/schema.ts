// The schema as data: number, form and bound of each field. Encoder, decoder, checks and the scan for secrets all
// walk this one table, so none of them can know a field that another does not.
import {
  KINDS,
  LAYERS,
  ORIGINS,
  PROOFS,
  SESSION_EVENTS,
  STATUSES,
  TRUSTS,
  type RecordKind,
} from './record.ts';

/** The form of a value. `free` text comes from outside and is scanned for the shapes of keys as well. */
export type Form =
  | { readonly is: 'uint' }
  | { readonly is: 'int' }
  | { readonly is: 'bool' }
  | { readonly is: 'text'; readonly max: number; readonly free: boolean }
  | { readonly is: 'bytes'; readonly size: number; readonly shown: 'base64url' | 'hex' }
  | { readonly is: 'enum'; readonly values: readonly string[] }
  | { readonly is: 'list'; readonly of: Form; readonly max: number }
  | { readonly is: 'map'; readonly fields: readonly Field[] };

export interface Field {
  readonly name: string;
  readonly key: number;
  readonly form: Form;
  readonly required: boolean;
}

const uint: Form = { is: 'uint' };
const int: Form = { is: 'int' };
const bool: Form = { is: 'bool' };
/** Names are bounded as in core (LIMITS.nameBytes). */
const name: Form = { is: 'text', max: 256, free: false };
const free: Form = { is: 'text', max: 512, free: true };
const digest: Form = { is: 'bytes', size: 32, shown: 'base64url' };
const hex = (size: number): Form => ({ is: 'bytes', size, shown: 'hex' });
const oneOf = (values: readonly string[]): Form => ({ is: 'enum', values });
const list = (of: Form, max: number): Form => ({ is: 'list', of, max });

/** Fields in the order of their numbers, which is the canonical order. `!` after a name makes it required. */
const map = (fields: readonly (readonly [number, string, Form])[]): Form & { is: 'map' } => ({
  is: 'map',
  fields: fields.map(([key, text, form]) => ({
    key,
    form,
    name: text.replace('!', ''),
    required: text.endsWith('!'),
  })),
});

const chainNode = map([
  [0, 'node!', digest],
  [1, 'holder', digest],
  [2, 'label', { is: 'text', max: 256, free: true }],
]);

/** The table. Numbers are never reused. */
export const SCHEMA: Form & { is: 'map' } = map([
  [0, 'v!', uint],
  [1, 'kind!', oneOf(KINDS)],
  [2, 'at!', uint],
  [3, 'by', name],
  [
    4,
    'operator',
    map([
      [0, 'name!', name],
      [1, 'config', hex(32)],
    ]),
  ],
  [
    5,
    'model',
    map([
      [0, 'name!', name],
      [1, 'digest', hex(32)],
    ]),
  ],
  [6, 'session', name],
  [7, 'user', name],
  [8, 'agent', name],
  [9, 'allowed', list(oneOf(LAYERS), 4)],
  [10, 'refused', list(oneOf(LAYERS), 4)],
  [
    11,
    'token',
    map([
      [0, 'issuer', name],
      [1, 'key', name],
      [2, 'id', hex(16)],
      [3, 'audience', name],
      [4, 'chain', list(chainNode, 17)],
      [5, 'sealed', bool],
      [6, 'expires', uint],
      [7, 'digest', digest],
      [8, 'size', uint],
      [9, 'unverified', bool],
    ]),
  ],
  [12, 'proof', oneOf(PROOFS)],
  [
    13,
    'tool',
    map([
      [0, 'name!', { is: 'text', max: 256, free: true }],
      [1, 'classes', list(name, 16)],
      [2, 'external', bool],
      [3, 'data', list(name, 32)],
      [4, 'schema', digest],
    ]),
  ],
  [
    14,
    'args',
    map([
      [0, 'digest', digest],
      [1, 'salted', bool],
      [2, 'bytes', uint],
      [3, 'destinations', list(free, 16)],
      [4, 'idsFrom', oneOf(ORIGINS)],
    ]),
  ],
  [15, 'code', name],
  [16, 'caveat', int],
  [17, 'caveatType', name],
  [18, 'reason', free],
  [
    19,
    'result',
    map([
      [0, 'status!', oneOf(STATUSES)],
      [1, 'digest', digest],
      [2, 'salted', bool],
      [3, 'bytes', uint],
      [4, 'error', free],
      [5, 'milliseconds', uint],
    ]),
  ],
  [
    20,
    'ingest',
    map([
      [0, 'source!', free],
      [1, 'trust!', oneOf(TRUSTS)],
      [2, 'digest', digest],
      [3, 'salted', bool],
      [4, 'bytes', uint],
    ]),
  ],
  [21, 'of', uint],
  [22, 'parent', uint],
  [23, 'trace', hex(16)],
  [24, 'span', hex(8)],
  [25, 'call', { is: 'text', max: 256, free: true }],
  [26, 'seq', uint],
  [27, 'prev', digest],
  [
    28,
    'revocation',
    map([
      [0, 'target!', name],
      [1, 'id!', name],
    ]),
  ],
  [
    29,
    'event',
    map([
      [0, 'name!', oneOf(SESSION_EVENTS)],
      [1, 'count', uint],
      [2, 'head', digest],
    ]),
  ],
  [
    30,
    'configuration',
    map([
      [0, 'digest!', hex(32)],
      [1, 'previous', hex(32)],
      [2, 'what', free],
    ]),
  ],
  [
    31,
    'alert',
    map([
      [0, 'detector!', name],
      [1, 'score', uint],
      [2, 'action', name],
      [3, 'evidence', list(uint, 64)],
    ]),
  ],
  [
    32,
    'approval',
    map([
      [0, 'person!', name],
      [1, 'granted!', bool],
    ]),
  ],
  [33, 'scrubbed', bool],
]);

/** What a kind cannot do without. */
export const REQUIRED: Readonly<Record<RecordKind, readonly string[]>> = {
  mint: ['token'],
  attenuate: ['token'],
  delegate: ['token'],
  decision: ['code'],
  outcome: ['of', 'result'],
  ingest: ['ingest'],
  revocation: ['revocation'],
  session: ['session', 'event'],
  configuration: ['configuration'],
  alert: ['alert'],
  approval: ['of', 'approval'],
};

// How times, numbers, ids, actors and outcomes are written in the report.
import { CODES, type DenialCode } from '../core.ts';
import type { AuditRecord } from '../record/record.ts';
import { html, type Markup } from './html.ts';

export const time = (at: number): string => new Date(at).toISOString().replace('T', ' ').replace('Z', '');
export const short = (id: string): string => (id.length > 14 ? `${id.slice(0, 12)}\u2026` : id);
export const number = (n: number): string => n.toLocaleString('en-GB');
export const sentence = (code: string): string =>
  Object.hasOwn(CODES, code) ? CODES[code as DenialCode].sentence : '';

export type Tone = 'allowed' | 'refused' | 'ingest' | 'other';
export const toneOf = (record: AuditRecord): Tone => {
  if (record.kind === 'decision') return record.code === 'allowed' ? 'allowed' : 'refused';
  return record.kind === 'ingest' ? 'ingest' : 'other';
};
export const CLASS: Readonly<Record<Tone, string>> = {
  allowed: 'good',
  refused: 'bad',
  ingest: 'warn',
  other: 'note',
};

export const actor = (record: AuditRecord): string =>
  record.token?.unverified === true
    ? 'unverified'
    : (record.agent ??
      record.token?.chain?.at(-1)?.label ??
      short(record.token?.chain?.at(-1)?.holder ?? '-'));

export const left = (n: number, what: string): Markup | null =>
  n === 0
    ? null
    : html`<p class="soft">
        ${number(n)} earlier ${what} are not shown; narrow the report by session or time.
      </p>`;

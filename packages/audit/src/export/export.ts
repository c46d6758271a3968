// Exports of a log as lines, in three forms.
import { search, type Query } from '../read/search.ts';
import type { TreeReader } from '../tile/reader.ts';
import { jsonLine } from './jsonl.ts';
import { ocsfLine } from './ocsf.ts';
import { otelLine } from './otel.ts';

export const EXPORT_FORMS = ['jsonl', 'otel', 'ocsf'] as const;
export type ExportForm = (typeof EXPORT_FORMS)[number];

/** The records that match, as lines without newlines. */
export async function* exportLines(
  reader: TreeReader,
  form: ExportForm,
  origin: string,
  query: Query = {},
): AsyncGenerator<string> {
  for await (const found of search(reader, query)) {
    if (form === 'jsonl') yield jsonLine(found);
    else yield form === 'otel' ? otelLine(found, origin) : ocsfLine(found, origin);
  }
}

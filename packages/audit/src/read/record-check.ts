// What the tree cannot show: that entries are records, that no record of a session is missing between two others,
// that time does not run backwards, that no secret is in there.
import { toBase64url } from '../core.ts';
import { decodeRecord } from '../record/codec.ts';
import { refuseSecrets } from '../record/secrets.ts';

/** Checks records in the order of the log; keeps one place for each open session. */
export class RecordCheck {
  readonly #report: (what: string, index: number) => void;
  readonly #sessions = new Map<string, { count: number; head: string }>();
  #last = 0;

  constructor(report: (what: string, index: number) => void) {
    this.#report = report;
  }

  /** Takes the next entry and its leaf hash. */
  entry(index: number, bytes: Uint8Array, leaf: Uint8Array): void {
    const record = decodeRecord(bytes);
    if (record === null) {
      this.#report('not a record of this schema', index);
      return;
    }
    try {
      refuseSecrets(bytes);
    } catch {
      this.#report('holds what looks like a secret', index);
    }
    if (record.at < this.#last) this.#report(`its time is before that of the record before it`, index);
    this.#last = Math.max(this.#last, record.at);
    if (record.of !== undefined && record.of >= index)
      this.#report('belongs to a record that is not before it', index);
    if (record.session === undefined || record.seq === undefined) return;
    const place = this.#sessions.get(record.session);
    if (record.seq !== (place?.count ?? 0) || record.prev !== place?.head) {
      this.#report(
        `session ${record.session}: record ${record.seq} does not follow record ${(place?.count ?? 0) - 1}: one is missing or out of place`,
        index,
      );
    }
    const ends = record.event !== undefined && record.event.name !== 'open';
    if (ends && (record.event.count !== (place?.count ?? 0) || record.event.head !== place?.head)) {
      this.#report(
        `session ${record.session}: ended with ${record.event.count} records, the log holds ${place?.count ?? 0}`,
        index,
      );
    }
    if (ends) this.#sessions.delete(record.session);
    else this.#sessions.set(record.session, { count: record.seq + 1, head: toBase64url(leaf) });
  }
}

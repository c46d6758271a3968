// `note`: always holds. A purpose, for people and the log.
import { MALFORMED } from '../cbor/index.ts';
import { isNote } from '../token/names.ts';
import type { RestrictionKind } from './kind.ts';
import { fail } from './name-list.ts';

/** Always holds: a purpose, for people and the log. */
export interface NoteCaveat {
  readonly type: 'note';
  readonly text: string;
}

export const note: RestrictionKind<
  NoteCaveat,
  {
    /** A purpose, for people and the log. */
    readonly note: (text: string) => NoteCaveat;
  }
> = {
  type: 'note',
  number: 14,
  mayAppend: true,
  make: { note: (text) => ({ type: 'note', text }) },
  write: (c) => (isNote(c.text) ? c.text : fail('note: expected 1 to 1024 printable bytes')),
  read(r) {
    const text = r.text();
    if (!isNote(text)) throw MALFORMED;
    return { type: 'note', text };
  },
  decidedBy: 'nothing',
  text: (c) => c.text,
  words: (c) => JSON.stringify(c.text),
  limits: () => [],
};

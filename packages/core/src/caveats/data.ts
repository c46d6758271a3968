// `data`: every label of the data touched lies under one of these.
import type { CallRequest } from '../call.ts';
import { deny, shortList, type Denial } from '../codes.ts';
import { isLabel, isUnder } from '../patterns.ts';
import { readList } from '../token/lists.ts';
import type { RestrictionKind } from './kind.ts';
import { listWords, writeList } from './name-list.ts';

/** Every label of the data touched lies under one of these. */
export interface DataCaveat {
  readonly type: 'data';
  readonly labels: readonly string[];
}

/** Whether all data touched is within `labels`; the grant asks the same. */
export function withinData(labels: readonly string[], { facts }: CallRequest, i: number): Denial | null {
  if (facts.data === undefined) return deny('data_unknown', undefined, i);
  for (const label of facts.data) {
    let within = false;
    // Once for all of them, and not of the token's own, which were checked when it was read.
    if (isLabel(label))
      for (let k = 0; k < labels.length && !within; k++) within = isUnder(labels[k]!, label);
    if (!within) return deny('data_refused', `touches ${label}; allowed: ${shortList(labels)}`, i);
  }
  return null;
}

export const data: RestrictionKind<
  DataCaveat,
  {
    /** Only data under these labels. */
    readonly data: (...labels: readonly string[]) => DataCaveat;
  }
> = {
  type: 'data',
  number: 6,
  mayAppend: true,
  make: { data: (...labels) => ({ type: 'data', labels }) },
  write: (c) => writeList('data', c.labels, isLabel),
  read: (r) => ({ type: 'data', labels: readList(r, isLabel) }),
  decidedBy: 'call',
  check: (c, r, i) => withinData(c.labels, r, i),
  words: (c) => `only data under ${listWords(c.labels, 'no label')}`,
  limits: () => [],
};

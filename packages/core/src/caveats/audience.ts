// `audience`: the verifier is one of these.
import { deny, shortList } from '../codes.ts';
import { readList } from '../token/lists.ts';
import { isName } from '../token/names.ts';
import type { RestrictionKind } from './kind.ts';
import { listWords, writeList } from './name-list.ts';

/** The verifier is one of these. */
export interface AudienceCaveat {
  readonly type: 'audience';
  readonly audiences: readonly string[];
}

export const audience: RestrictionKind<
  AudienceCaveat,
  {
    /** Only at these services. */
    readonly audience: (...audiences: readonly string[]) => AudienceCaveat;
  }
> = {
  type: 'audience',
  number: 2,
  mayAppend: true,
  make: { audience: (...audiences) => ({ type: 'audience', audiences }) },
  write: (c) => writeList('audience', c.audiences, isName),
  read: (r) => ({ type: 'audience', audiences: readList(r, isName) }),
  decidedBy: 'call',
  check: (c, r, i) =>
    c.audiences.includes(r.audience) ? null : deny('audience_refused', `for: ${shortList(c.audiences)}`, i),
  words: (c) => `only at ${listWords(c.audiences, 'no service')}`,
  limits: () => [],
};

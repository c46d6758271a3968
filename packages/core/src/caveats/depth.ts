// `depth`: no more than so many delegations follow. Verification counts them (`delegationsLeft`).
import type { RestrictionKind } from './kind.ts';
import { writeWhole } from './name-list.ts';

/** No more than so many delegations follow. */
export interface DepthCaveat {
  readonly type: 'depth';
  readonly delegations: number;
}

export const depth: RestrictionKind<
  DepthCaveat,
  {
    /** No more than so many delegations follow. */
    readonly depth: (delegations: number) => DepthCaveat;
  }
> = {
  type: 'depth',
  number: 8,
  mayAppend: true,
  make: { depth: (delegations) => ({ type: 'depth', delegations }) },
  write: (c) => writeWhole('depth', c.delegations),
  read: (r) => ({ type: 'depth', delegations: r.uint() }),
  decidedBy: 'verification',
  words: ({ delegations: n }) => `at most ${n} ${n === 1 ? 'delegation follows' : 'delegations follow'}`,
  limits: () => [],
};

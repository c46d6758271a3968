// What outlives a request, behind one object: four small interfaces over one back end.
import type { Ledger } from '@ambit/core';
import type { Budgets } from './budgets.ts';
import type { Replay } from './replay.ts';
import type { Revocations } from './revocations.ts';
import type { Sessions } from './sessions.ts';
import type { StoreStats } from './stats.ts';

/** A back end. `close` ends timers and connections; what was acknowledged stays. */
export interface Store {
  readonly budgets: Budgets;
  readonly replay: Replay;
  readonly revocations: Revocations;
  readonly sessions: Sessions;
  /** What this process has done with the store, and figures of the store, which are absent while it can't be asked. */
  stats(): Promise<StoreStats>;
  close(): Promise<void>;
}

/** A back end that can also answer at once, for core's synchronous `authorize`. */
export interface SyncStore extends Store {
  readonly ledger: Ledger;
}

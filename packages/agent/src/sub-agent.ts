// Sub-agents: a token for a sub-task, narrower than the task's own, bound to the sub-agent's key, and dead when
// the sub-task ends. Deriving is offline (docs/design.md section 4); ending it is a revocation of the node,
// which kills everything that the sub-agent derived in turn and nothing beside it. A short life covers a
// runtime that dies.
import { delegate, inspect, restrict, type PublicKey, type Restriction, type Signer } from '@ambit/core';
import { noOther, type Names } from './options.ts';

/** What a sub-agent is given. */
export interface SpawnOptions {
  /** The sub-agent's public key; its secret never leaves it. */
  readonly to: PublicKey<'holder'>;
  /** What narrows the token: tools, arguments, budgets. At least one: a sub-agent gets less than its task. */
  readonly only: readonly Restriction[];
  /** Its name in the log. */
  readonly label: string;
  /** Seconds after which the token ends by itself; default 300. Never past the parent's expiry. */
  readonly life?: number;
  /** Revokes a node: `revokeIn(store)` of `@ambit/state`, or a call to the keeper of the revocation list. */
  readonly revoke: (node: string, expires: number, reason: string) => Promise<void>;
  /** Unix milliseconds; default the system clock. */
  readonly nowMs?: () => number;
}

const SPAWN: Names<SpawnOptions> = {
  to: true,
  only: true,
  label: true,
  life: true,
  revoke: true,
  nowMs: true,
};

/** A sub-agent's authority. */
export interface SubAgent {
  /** To be handed over. Useless without the sub-agent's key. */
  readonly token: string;
  /** The node's id, as in log and revocation list. */
  readonly node: string;
  /** Unix seconds. */
  readonly expires: number;
  /** Ends it, once; rejects when the revocation could not be written, and may then be called again. */
  end(reason?: string): Promise<void>;
}

/**
 * Derives a token for a sub-agent. Throws AmbitError `delegation_invalid` or `delegation_exceeded` when `holder` may
 * not delegate, `input_invalid` for an unknown option, RangeError without a restriction.
 */
export function createSubAgent(token: string, holder: Signer<'holder'>, options: SpawnOptions): SubAgent {
  noOther('createSubAgent', options, SPAWN);
  const { to, only, label, life = 300, revoke, nowMs = Date.now } = options;
  if (only.length === 0) throw new RangeError('only: expected at least one restriction');
  const time = Math.floor(nowMs() / 1000);
  const narrowed = [...only, restrict.expires(time + life)];
  const derived = delegate(token, { to, label, time, restrictions: narrowed }, holder);
  const { nodes, expires } = inspect(derived);
  const node = nodes.at(-1)!;
  let ended: Promise<void> | null = null;
  return Object.freeze({
    token: derived,
    node,
    expires,
    end: (reason = 'sub-task ended') => {
      ended ??= revoke(node, expires, reason).catch((error: unknown) => {
        // To be tried again.
        ended = null;
        throw error;
      });
      return ended;
    },
  });
}

/** Runs a sub-task with a token of its own and ends the token with it, whichever way it ends. */
export async function withSubAgent<T>(
  token: string,
  holder: Signer<'holder'>,
  options: SpawnOptions,
  task: (agent: SubAgent) => Promise<T>,
): Promise<T> {
  const agent = createSubAgent(token, holder, options);
  let result: T;
  try {
    result = await task(agent);
  } catch (error) {
    // The task's own error is the one to see; what could not be revoked ends by its time.
    await agent.end('sub-task failed').catch(() => undefined);
    throw error;
  }
  await agent.end();
  return result;
}

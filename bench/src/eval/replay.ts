// One recorded run through the real thing: a token minted for its task, a signed proof for each call, and the
// guard: verifier, caveats, budgets in a store, a record of each decision. What is not here is what a recording
// lacks: the agent does not see the refusal, so what it would have done next is unknown (README.md).
import { Keyring, SecretKey, parseCall, createVerifier, mint, prove, sha256, signer } from '@ambit/core';
import type { Signer, Verifier } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { memoryStore } from '@ambit/state';
import { createGuard } from '@ambit/guard';
import type { Guard } from '@ambit/guard';
import { SessionFlows } from '@ambit/behavior';
import type { FlowReading, FlowTracker, JsonValue, ToolShape } from '@ambit/behavior';
import { askedTools, policyFor } from './policy.ts';
import type { TaskPolicy } from './policy.ts';
import { structured } from './results.ts';
import type { Suite, Trace, TraceSet } from './traces.ts';

/** What was decided about one call of a run. */
export interface ReplayedCall {
  /** By the token alone: tools, arguments, budgets. */
  readonly token: string | null;
  /** With its flow caveats: null, or the code of the refusal. */
  readonly flow: string | null;
  readonly reading: FlowReading | undefined;
  /** The words of the request ask for this tool. */
  readonly requested: boolean;
  readonly shape: ToolShape | undefined;
}

const NOW = 1_800_000_000;
const AUDIENCE = 'agentdojo.eval';
/** The operator's configuration of each suite: the account that the agent works for. */
const OWN_ADDRESSES: Readonly<Record<Suite, readonly string[]>> = {
  banking: [],
  slack: [],
  travel: ['emma.johnson@bluesparrowtech.com'],
  workspace: ['emma.johnson@bluesparrowtech.com'],
};

/** Issuer, agent and service of the replay. */
export class Replayer {
  readonly #set: TraceSet;
  readonly #keyring: Keyring = Keyring.create('eval');
  readonly #holder: SecretKey<'holder'> = SecretKey.generate('holder');
  readonly #signer: Signer<'holder'>;
  readonly #verifier: Verifier;
  readonly #policies: Map<string, TaskPolicy> = new Map();

  constructor(set: TraceSet) {
    this.#set = set;
    this.#signer = signer(this.#holder, nodeProvider);
    this.#verifier = createVerifier({
      audience: AUDIENCE,
      keys: this.#keyring.exportFor(AUDIENCE),
      provider: nodeProvider,
    });
  }

  policy(suite: Suite, prompt: string): TaskPolicy {
    const key = `${suite}\n${prompt}`;
    let policy = this.#policies.get(key);
    if (policy === undefined) {
      policy = policyFor(prompt, this.#set.tools(suite));
      this.#policies.set(key, policy);
    }
    return policy;
  }

  /** Replays a run, call by call; `tokens` false: the flow's readings alone. */
  async run(trace: Trace, tokens = true): Promise<readonly ReplayedCall[]> {
    const prompt = this.#set.prompt(trace);
    const policy = this.policy(trace.suite, prompt);
    const session = trace.id.slice(0, 120);
    const flows = new SessionFlows(policy.shapes);
    const tracker = flows.open(session, prompt, OWN_ADDRESSES[trace.suite]);
    const alone = tokens ? this.#shower(trace, policy, false, flows) : undefined;
    const flowing = tokens ? this.#shower(trace, policy, true, flows) : undefined;
    const released = new Set<string>();
    const replayed: ReplayedCall[] = [];
    for (const recorded of trace.calls) {
      const shape = policy.shapes.get(recorded.fn);
      const args = recorded.args as JsonValue;
      const reading = flows.reading(session, { tool: recorded.fn }, args);
      flows.approve(session, released);
      const token = alone === undefined ? null : await alone(recorded.fn, recorded.args);
      const flow = flowing === undefined ? null : await flowing(recorded.fn, recorded.args);
      const output = this.#set.output(recorded);
      if (output !== undefined && shape !== undefined) {
        const value = structured(output);
        if (policy.left.size > 0) this.#author(tracker, value, trace.suite, released);
        flows.result(session, recorded.fn, { args, value });
      }
      const requested =
        policy.tools.includes(recorded.fn) && (!policy.left.has(recorded.fn) || released.has(recorded.fn));
      replayed.push({ token, flow, reading, requested, shape });
    }
    return replayed;
  }

  /** A record whose sender the mail system attests, and whom the user named, speaks for the user. */
  #author(tracker: FlowTracker, value: JsonValue, suite: Suite, released: Set<string>): void {
    for (const item of Array.isArray(value) ? (value as readonly JsonValue[]) : [value]) {
      if (typeof item !== 'object' || item === null) continue;
      const { sender, body } = item as { sender?: JsonValue; body?: JsonValue };
      if (typeof sender !== 'string' || typeof body !== 'string' || !sender.includes('@')) continue;
      if (!tracker.provenance.trace(sender).byUser) continue;
      tracker.prompt(body);
      for (const name of askedTools(body, this.#set.tools(suite), false)) released.add(name);
    }
  }

  /** Mints a token and returns a function that shows it to a guard for one call: null, or the code of the denial. */
  #shower(
    trace: Trace,
    policy: TaskPolicy,
    flow: boolean,
    flows: SessionFlows,
  ): (fn: string, args: Record<string, unknown>) => Promise<string | null> {
    const token = mint(this.#keyring, {
      operator: { id: trace.suite },
      model: { id: trace.model, digest: sha256(new TextEncoder().encode(trace.model)) },
      session: trace.id.slice(0, 120),
      user: 'eval',
      tools: policy.tools,
      budgets: policy.budgets,
      issuedAt: NOW - 10,
      expires: NOW + 3600,
      audience: AUDIENCE,
      holder: this.#signer.publicKey,
      restrictions: flow ? [...policy.args, ...policy.flow] : policy.args,
    });
    let records = 0;
    const guard: Guard = createGuard({
      verifier: this.#verifier,
      store: memoryStore(),
      requireOpenSession: false,
      // Decisions are counted, not written: the log's own cost and proofs are measured in bench/src/audit.ts.
      audit: { record: () => Promise.resolve({ index: (records += 1) }) },
      tools: () => ({ external: true, data: [] }),
      flow: flows,
      nowMs: () => NOW * 1000,
    });
    return async (fn, args) => {
      const made = parseCall({ tool: fn, args });
      if (!made.ok) return made.code;
      const proof = prove(token, made.call, { audience: AUDIENCE, time: NOW }, this.#signer);
      const answer = await guard.authorize({ token, proof, call: made.call });
      if (!answer.ok) return answer.denial.code;
      await answer.finish({ status: 'ok' });
      return null;
    };
  }
}

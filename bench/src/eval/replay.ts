// One recorded run through the real thing: a token minted for its task, a signed proof for each call, the
// verifier, the caveats, a ledger. What is not here is what a recording lacks: the agent does not see the refusal,
// so nobody knows what it would have done next (README.md, "What replay can't show").
import {
  AmbitError,
  Keyring,
  SecretKey,
  call,
  clear,
  createVerifier,
  mint,
  prove,
  sha256,
  signer,
} from '@ambit/core';
import type { Decision, Denial, Facts, Signer, Verifier } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { memoryLedger } from '@ambit/state';
import { FlowTracker } from '@ambit/behavior';
import type { FlowReading, Json, ToolShape } from '@ambit/behavior';
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
    this.#verifier = createVerifier({ audience: AUDIENCE, keys: this.#keyring.exportFor(AUDIENCE), provider: nodeProvider });
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

  /** Replays a run, call by call. */
  run(trace: Trace, tokens = true): readonly ReplayedCall[] {
    const prompt = this.#set.prompt(trace);
    const policy = this.policy(trace.suite, prompt);
    const alone = this.#session(trace, policy, false);
    const flowing = this.#session(trace, policy, true);
    const tracker = new FlowTracker(1);
    tracker.prompt(prompt);
    tracker.own(OWN_ADDRESSES[trace.suite]);
    const released = new Set<string>();
    return trace.calls.map((recorded) => {
      const shape = policy.shapes.get(recorded.fn);
      const reading = shape === undefined ? undefined : tracker.read(shape, recorded.args as Json);
      const approved = reading !== undefined && released.has(recorded.fn) && reading.facts.destinationsNamed;
      const facts: Facts = {
        now: NOW,
        external: true,
        data: [],
        flow: { ...(reading?.facts ?? { untrusted: ['unknown'], destinationsNamed: false }), approved },
      };
      const token = !tokens ? null : alone(recorded.fn, recorded.args, facts);
      const flow = !tokens ? null : flowing(recorded.fn, recorded.args, facts);
      const output = this.#set.output(recorded);
      if (output !== undefined && shape !== undefined) {
        const value = structured(output);
        if (policy.left.size > 0) this.#author(tracker, value, trace.suite, released);
        tracker.result(shape, { args: recorded.args as Json, value });
      }
      const requested = policy.tools.includes(recorded.fn) && (!policy.left.has(recorded.fn) || released.has(recorded.fn));
      return { token, flow, reading, requested, shape };
    });
  }

  /** A record whose sender the mail system attests, and whom the user named, speaks for the user. */
  #author(tracker: FlowTracker, value: Json, suite: Suite, released: Set<string>): void {
    for (const item of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
      if (typeof item !== 'object' || item === null) continue;
      const { sender, body } = item as { sender?: Json; body?: Json };
      if (typeof sender !== 'string' || typeof body !== 'string' || !sender.includes('@')) continue;
      if (!tracker.provenance.trace(sender).byUser) continue;
      tracker.prompt(body);
      for (const name of askedTools(body, this.#set.tools(suite), false)) released.add(name);
    }
  }

  /** Mints a token and returns a function that shows it for one call: null, or the code of the denial. */
  #session(trace: Trace, policy: TaskPolicy, flow: boolean): (fn: string, args: unknown, facts: Facts) => string | null {
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
    const ledger = memoryLedger();
    return (fn, args, facts) => {
      const made = call({ tool: fn, args: args as { [name: string]: unknown } });
      if (!made.ok) return made.code;
      let decision: Decision | Denial;
      try {
        const proof = prove(token, made.call, { audience: AUDIENCE, time: NOW }, this.#signer);
        const shown = this.#verifier.verify({ token, proof, call: made.call, now: NOW });
        decision = shown.ok ? clear(shown.token, facts, ledger) : shown;
      } catch (error) {
        if (error instanceof AmbitError) return error.code;
        throw error;
      }
      return decision.ok ? null : decision.code;
    };
  }
}

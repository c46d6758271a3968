// One recorded run through the real thing: a token minted for its task, a signed proof for each call, and the
// guard: verifier, caveats, budgets in a store, a record of each decision, and `Behavior`, which follows what came in and
// takes approvals. What is not here is what a recording lacks: the agent does not see the refusal, so what it would
// have done next is unknown, and results of refused calls come in as if they had run (README.md).
import { Keyring, SecretKey, parseCall, createVerifier, mint, prove, sha256, signer } from '@ambit/core';
import type { Call, Signer, TokenView, Verifier } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { memoryStore } from '@ambit/state';
import { Behavior, createGuard } from '@ambit/guard';
import type { GuardOptions, Permit } from '@ambit/guard';
import { Provenance } from '@ambit/behavior';
import type { FlowReading, JsonValue, ToolDescription, ToolShape } from '@ambit/behavior';
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

  /** Replays a run, call by call. */
  async run(trace: Trace): Promise<readonly ReplayedCall[]> {
    const prompt = this.#set.prompt(trace);
    const policy = this.policy(trace.suite, prompt);
    const behavior = new Behavior({
      audit: counted(),
      tools: (tool) => ({ shape: policy.shapes.get(tool) ?? {} }),
      nowMs: () => NOW * 1000,
    });
    const alone = this.#service(trace, policy, null);
    const flowing = this.#service(trace, policy, behavior);
    behavior.begin(flowing.view, prompt, OWN_ADDRESSES[trace.suite]);
    const spokesmen = new Spokesmen(prompt);
    const replayed: ReplayedCall[] = [];
    for (const recorded of trace.calls) {
      const { fn } = recorded;
      const shape = policy.shapes.get(fn);
      const token = await alone.ask(fn, recorded.args);
      if (token.permit !== null) await token.permit.finish({ status: 'ok' });
      const reading =
        shape === undefined || token.call === null ? undefined : behavior.reading(flowing.view, token.call);
      let flow = await flowing.ask(fn, recorded.args);
      if (flow.code === 'approval_required' && spokesmen.asked.has(fn) && reading?.facts.destinationsNamed) {
        await behavior.approve(flowing.view, flow.call!, 'the author whom the user named', flow.record!);
        flow = await flowing.ask(fn, recorded.args);
      }
      const output = this.#set.output(recorded);
      if (output !== undefined && flow.call !== null && shape !== undefined) {
        const value = structured(output);
        if (policy.left.size > 0)
          for (const body of spokesmen.hear(value, this.#set.tools(trace.suite)))
            behavior.begin(flowing.view, body);
        if (flow.permit === null) behavior.ingested(flowing.view, flow.call, value, flow.record ?? 0);
        else flow.permit.ingest(value);
        await flow.permit?.finish({ status: 'ok' });
      }
      const requested = policy.tools.includes(fn) && (!policy.left.has(fn) || spokesmen.asked.has(fn));
      replayed.push({ token: token.code, flow: flow.code, reading, requested, shape });
    }
    return replayed;
  }

  /** Mints a token and puts a guard before it; without `behavior`, the token has no caveats about flow. */
  #service(trace: Trace, policy: TaskPolicy, behavior: Behavior | null): Service {
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
      restrictions: behavior === null ? policy.args : [...policy.args, ...policy.flow],
    });
    const guard = createGuard({
      verifier: this.#verifier,
      store: memoryStore(),
      requireOpenSession: false,
      audit: counted(),
      tools: () => ({ external: true, data: [] }),
      ...(behavior === null ? {} : { flow: behavior, watcher: behavior, observer: behavior }),
      nowMs: () => NOW * 1000,
    });
    const genuine = this.#verifier.identify(token);
    if (!genuine.ok) throw new Error(genuine.message);
    return {
      view: genuine.token.view,
      ask: async (fn, args) => {
        const made = parseCall({ tool: fn, args });
        if (!made.ok) return { code: made.code, call: null, permit: null, record: null };
        const { call } = made;
        const proof = prove(token, call, { audience: AUDIENCE, time: NOW }, this.#signer);
        const answer = await guard.authorize({ token, proof, call });
        return answer.ok
          ? { code: null, call, permit: answer, record: answer.record }
          : { code: answer.denial.code, call, permit: null, record: answer.record };
      },
    };
  }
}

/** A guard before one run's token. */
interface Service {
  readonly view: TokenView;
  /** Puts a recorded call to it. `code`: null, or of the refusal; `call`: null if it was none. */
  ask(
    fn: string,
    args: Record<string, unknown>,
  ): Promise<{
    readonly code: string | null;
    readonly call: Call | null;
    readonly permit: Permit | null;
    readonly record: number | null;
  }>;
}

// Decisions are counted, not written: the log's own cost and proofs are measured in bench/src/audit.ts.
function counted(): GuardOptions['audit'] {
  let records = 0;
  return { record: () => Promise.resolve({ index: (records += 1) }) };
}

/** Authors whom the user named: a record whose sender the mail system attests speaks for the user then. */
class Spokesmen {
  /** Effects that they asked for. */
  readonly asked: Set<string> = new Set();
  readonly #prompts = new Provenance(1);

  constructor(prompt: string) {
    this.#prompts.prompt(prompt);
  }

  /** The texts in a result that speak for the user. */
  hear(value: JsonValue, tools: readonly ToolDescription[]): readonly string[] {
    const heard: string[] = [];
    for (const item of Array.isArray(value) ? (value as readonly JsonValue[]) : [value]) {
      if (typeof item !== 'object' || item === null) continue;
      const { sender, body } = item as { sender?: JsonValue; body?: JsonValue };
      if (typeof sender !== 'string' || typeof body !== 'string' || !sender.includes('@')) continue;
      if (!this.#prompts.trace(sender).byUser) continue;
      this.#prompts.prompt(body);
      for (const name of askedTools(body, tools, false)) this.asked.add(name);
      heard.push(body);
    }
    return heard;
  }
}

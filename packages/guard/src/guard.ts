// The enforcement point: one call from what was presented to the end of the tool. Order (laws L6, L8, L11): the
// call is read, the token verified, the identity layers asked, revocation and session asked, caveats evaluated,
// everything charged in one step, the decision made durable in the audit log; only then the tool runs; then the
// outcome is recorded and what was not used is given back. Each step fails closed. All state of a call lives in
// the call's own objects, so that concurrent calls can't mix.
import {
  AmbitError,
  parseCall as makeCall,
  compileTools,
  deny,
  forCaller,
  type Call,
  type CallInput,
  type Denial,
  type Facts,
  type TokenView,
  type VerifiedToken,
} from '@ambit/core';
import { checkLayers, ResolvedEntitlements, type Registration } from '@ambit/identity';
import { createAuthorizer, type Authorized, type Authorizer } from '@ambit/state';
import type { Draft } from '@ambit/audit';
import type { Verifier } from '@ambit/core';
import type {
  DecisionEvent,
  Guard,
  GuardOptions,
  Permit,
  GuardRequest,
  Progress,
  Refusal,
} from './contract.ts';
import { LATE, within } from './deadline.ts';
import { decisionDraft, outcomeDraft, type CallContext, type CallOutcome } from './record.ts';
import { quietly } from './quietly.ts';
import { instrument } from './telemetry.ts';

export type * from './contract.ts';

/** A guard; throws TypeError for options that make none. */
export function createGuard(options: GuardOptions): Guard {
  const { verifier, store, audit } = options;
  if (typeof audit?.record !== 'function')
    throw new TypeError('audit: expected a recorder; no tool runs unlogged');
  const clock = options.nowMs ?? Date.now;
  const listed = compileTools(options.proceedOnFault ?? []);
  const operators = options.identity?.operators;
  const authorizer: Authorizer = createAuthorizer({
    verifier,
    store,
    ...(options.requireOpenSession === undefined ? {} : { requireOpenSession: options.requireOpenSession }),
    proceedOnFault: (tool) => listed(tool) || proceeds(operators, tool),
  });
  const telemetry = instrument(options.telemetry);
  const timeout = options.timeout ?? 5000;
  if (!(timeout > 0)) throw new RangeError('timeout: expected milliseconds above 0');
  const outcomes = new Set<Promise<void>>();

  const write = async (draft: Draft): Promise<number> => {
    const answer = await within(audit.record(draft), timeout);
    if (answer === LATE) throw new AmbitError('audit_unavailable', 'The log did not answer in time.');
    return answer.index;
  };

  async function authorize(p: GuardRequest): Promise<Permit | Refusal> {
    const started = clock();
    const state: Progress = { call: null, view: null, layers: null };
    const decision = await decide(p, started / 1000, state);
    let record: number | null = null;
    try {
      record = await write(decisionDraft(p, state, decision, options.personal));
    } catch {
      // Nothing unlogged (L11): what was reserved is given back, and the call does not run. A refusal that can't be
      // written says so as well, or nobody would notice the hole.
      if (decision.ok) await release(decision);
      return report(p, state, refusalOf(deny('audit_unavailable'), null), started);
    }
    if (!decision.ok) return report(p, state, refusalOf(decision, record), started);
    return report(p, state, permitOf(state, decision, record, started), started);
  }

  async function refuse(
    denial: Denial,
    about: {
      readonly token?: string | undefined;
      readonly tool?: string;
      readonly context?: CallContext;
    } = {},
  ): Promise<Refusal> {
    const started = clock();
    const { tool = 'unknown', ...rest } = about;
    const p: GuardRequest = { ...rest, call: { tool } };
    const state: Progress = { call: null, view: null, layers: null };
    let record: number | null = null;
    try {
      record = await write(decisionDraft(p, state, denial, options.personal));
    } catch {
      // It is refused either way; that it could not be written shows in its missing place.
    }
    return report(p, state, refusalOf(denial, record), started);
  }

  async function decide(p: GuardRequest, now: number, state: Progress): Promise<Authorized | Denial> {
    const made = isCall(p.call) ? { ok: true as const, call: p.call } : makeCall(p.call);
    if (!made.ok) return made;
    state.call = made.call;
    if (p.token === undefined) return deny('token_missing');
    const at = Math.floor(now);
    let answer: Authorized | Denial | typeof LATE;
    try {
      await refresh(p.token);
      const asked = authorizer.authorize({
        token: p.token,
        proof: p.proof,
        call: made.call,
        now: at,
        facts: (token) => {
          try {
            return factsOf(p, token, at, state);
          } catch {
            return deny('fact_missing', 'finding the facts failed');
          }
        },
      });
      answer = await within(asked, timeout, (late) => (late.ok ? release(late) : undefined));
    } catch {
      answer = LATE;
    }
    if (answer === LATE) return deny('store_unavailable');
    if (!answer.ok) {
      if (answer.unverified !== true) state.view ??= viewOf(verifier, p.token);
      return answer;
    }
    let refused: Denial | null;
    try {
      const { view, proof } = answer.token;
      refused = options.watcher?.refuse(view, made.call, at, proof) ?? null;
    } catch {
      refused = deny('internal');
    }
    if (refused === null) return answer;
    await release(answer);
    return refused;
  }

  // A resolver's answer is fetched before it is needed: at use it is looked up synchronously, and too old denies.
  async function refresh(token: string): Promise<void> {
    const { operators, entitlements } = options.identity ?? {};
    if (operators === undefined || !(entitlements instanceof ResolvedEntitlements)) return;
    const view = viewOf(verifier, token);
    const registration = view === null ? undefined : operators.get(view.operator.id);
    if (view !== null && registration !== undefined) {
      await within(entitlements.refresh(registration.operator, view.user), timeout);
    }
  }

  function factsOf(p: GuardRequest, token: VerifiedToken, now: number, state: Progress): Facts | Denial {
    const { view, call } = token;
    state.view = view;
    state.proof = token.proof;
    const known = p.known?.(call) ?? {};
    const bytes = known.bytes ?? p.bytes;
    const added = [...(p.data ?? []), ...(known.data ?? [])];
    const extra = {
      ...(p.address === undefined ? {} : { address: p.address }),
      ...(bytes === undefined ? {} : { bytes }),
      ...flowFacts(options.flow?.facts(view, call)),
    };
    if (options.identity === undefined) {
      const tool = options.tools?.(call.tool) ?? {};
      const external = tool.external === undefined ? {} : { external: tool.external };
      return { now, ...extra, ...external, ...merged(tool.data ?? null, added) };
    }
    const { operators, entitlements } = options.identity;
    // The session itself is asked by the authorizer, after the layers and before anything is charged.
    const context = {
      operators,
      entitlements,
      revocations: store.revocations,
      session: { ok: true as const },
    };
    const layers = checkLayers(token, context, now);
    state.layers = layers.layers;
    if (!layers.ok) return layers;
    const { facts } = layers;
    if (facts.signedProof && token.proof !== 'signed') return deny('proof_signature_required');
    state.tool = facts;
    return { now, ...extra, external: facts.external, ...merged(facts.data, added) };
  }

  const release = async (answer: Authorized): Promise<void> => {
    if (answer.reservation === null) return;
    try {
      await within(store.budgets.release(answer.reservation), timeout);
    } catch {
      // A reservation that nobody gives back stays spent: it can waste budget, never make any.
    }
  };

  function permitOf(state: Progress, answer: Authorized, record: number, started: number): Permit {
    const call = state.call!;
    const { view } = answer.token;
    let finished = false;
    let reported: Partial<CallOutcome> = {};
    const finish = async (seen: CallOutcome): Promise<void> => {
      if (finished) return;
      finished = true;
      const outcome = { ...seen, ...reported };
      const milliseconds = Math.max(0, clock() - started);
      telemetry.outcome(state.span ?? null, call.tool, outcome.status, milliseconds);
      quietly(() => options.observer?.ended(view, call, outcome, record));
      const draft = outcomeDraft(view, call, record, outcome, milliseconds, options.personal);
      const written: Promise<void> = write(draft).then(() => undefined, fault);
      const done = written.finally(() => outcomes.delete(done));
      outcomes.add(done);
      await settle(answer, outcome.bytes);
    };
    return Object.freeze({
      ok: true as const,
      call,
      view,
      record,
      report: (outcome: Partial<CallOutcome>) => {
        reported = { ...reported, ...outcome };
      },
      ingest: (value: unknown) => quietly(() => options.observer?.ingested(view, call, value, record)),
      finish,
    });
  }

  async function settle({ reservation, charges }: Authorized, bytes: number | undefined): Promise<void> {
    if (reservation === null || bytes === undefined) return;
    const { counters } = charges;
    if (!counters.some((c) => c.unit === 'bytes')) return;
    const moved = Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : Number.MAX_SAFE_INTEGER;
    const amounts = counters.map((c) => (c.unit === 'bytes' ? Math.min(c.amount, moved) : c.amount));
    try {
      await within(store.budgets.settle(reservation, amounts), timeout);
    } catch (error) {
      // What nobody gives back stays spent: that can waste budget, never make any.
      fault(error);
    }
  }

  function fault(error: unknown): void {
    quietly(() => options.onFault?.(error));
  }

  function report<T extends Permit | Refusal>(
    p: GuardRequest,
    state: Progress,
    answer: T,
    started: number,
  ): T {
    const event: DecisionEvent = {
      ok: answer.ok,
      code: answer.ok ? 'allowed' : answer.denial.code,
      tool: state.call?.tool ?? (isCall(p.call) ? p.call.tool : String(p.call.tool).slice(0, 64)),
      session: state.view?.session ?? null,
      record: answer.record,
      milliseconds: clock() - started,
    };
    state.span = telemetry.decision(event, started);
    quietly(() => options.onDecision?.(event));
    const { view, call } = state;
    if (view !== null && call !== null) {
      quietly(() => options.observer?.decided(view, call, { code: event.code, record: answer.record }));
    }
    return answer;
  }

  async function run<T>(
    p: GuardRequest,
    tool: (call: Call, permit: Permit) => Promise<T>,
    measure: (result: T) => Partial<CallOutcome> = () => ({}),
  ): Promise<{ readonly ok: true; readonly result: T; readonly permit: Permit } | Refusal> {
    const answer = await authorize(p);
    if (!answer.ok) return answer;
    let result: T;
    try {
      result = await tool(answer.call, answer);
    } catch (error) {
      await answer.finish({ status: 'error' });
      throw error;
    }
    await answer.finish({ status: 'ok', ...measure(result) });
    return { ok: true, result, permit: answer };
  }

  const settled = async (): Promise<void> => {
    await Promise.all(outcomes);
  };
  return Object.freeze({ verifier, audit, authorize, refuse, run, settled });
}

// Every operator that is registered here has to say so: a tool is one, whoever's agent calls it.
function proceeds(operators: ReadonlyMap<string, Registration> | undefined, tool: string): boolean {
  if (operators === undefined || operators.size === 0) return false;
  for (const { operator } of operators.values()) if (!operator.facts(tool).proceed) return false;
  return true;
}

function isCall(c: Call | CallInput): c is Call {
  return (
    typeof c === 'object' &&
    c !== null &&
    'toJSON' in c &&
    typeof (c as { args?: { digest?: unknown } }).args?.digest === 'function'
  );
}

const viewOf = (verifier: Verifier, token: string): TokenView | null => {
  const found = verifier.identify(token);
  return found.ok ? found.token.view : null;
};

const refusalOf = (denial: Denial, record: number | null): Refusal =>
  Object.freeze({ ok: false as const, denial, publicDenial: forCaller(denial), record });

const flowFacts = (flow: Facts['flow']): Pick<Facts, 'flow'> => (flow === undefined ? {} : { flow });

// A handler may know of more data than the configuration; it can add labels and take none away.
function merged(known: readonly string[] | null, added: readonly string[]): Pick<Facts, 'data'> {
  if (known === null) return {};
  return { data: added.length === 0 ? known : [...new Set([...known, ...added])] };
}

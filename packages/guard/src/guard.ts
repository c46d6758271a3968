// The enforcement point: one call from its request to the end of the tool. `decide` finds the decision, the journal
// makes it durable, only then the tool runs; afterwards the outcome is recorded and what was not used is given
// back. Each step fails closed (laws L2, L11); what watches or measures changes nothing (attack G4).
import { compileTools, deny, type Denial } from '@ambit/core';
import type { Registration } from '@ambit/identity';
import { createAuthorizer, type Authorizer } from '@ambit/state';
import type { Decided, DecisionEvent, Guard, GuardOptions, Permit, Refusal } from './contract.ts';
import { createDecide, stop } from './decide.ts';
import { explained } from './explain.ts';
import { createFacts } from './facts.ts';
import { createJournal } from './journal.ts';
import { chargesIn, permitOf, refusalOf } from './permit.ts';
import { quietly } from './quietly.ts';
import { createWarn } from './warnings.ts';
import { instrument, type Instruments, type Span } from './telemetry.ts';

/** A guard; throws TypeError for options that make none. */
export function createGuard(options: GuardOptions): Guard {
  const { verifier, store, audit, timeout = 5000, nowMs: clock = Date.now } = options;
  if (typeof audit?.record !== 'function')
    throw new TypeError('audit: expected a recorder; no tool runs unlogged');
  if (!(timeout > 0)) throw new RangeError('timeout: expected milliseconds above 0');
  const fault = (error: unknown): void => quietly(() => options.onFault?.(error), unheard);
  const telemetry = instrument(options.telemetry, fault);
  const journal = createJournal(options, timeout, fault);
  const charges = chargesIn(store.budgets, timeout, fault);
  const parts = { options, charges, journal, telemetry, fault, clock };
  const decide = createDecide({
    options,
    timeout,
    authorizer: authorizerOf(options),
    know: createFacts(options, timeout),
    fault,
    release: charges.release,
  });

  const warn = createWarn(options, timeout, fault);
  const observe = observing(options, telemetry, fault, clock);

  // Nothing unlogged (L11): what was reserved is given back, and the call does not run. A refusal that can't be
  // written is reported as well, or the gap would not be noticed.
  async function unlogged(decided: Decided): Promise<Refusal> {
    if (decided.ok) await charges.release(decided.authorized);
    const denial = deny('audit_unavailable');
    observe(stop(decided, denial), null);
    return refusalOf(denial, null);
  }

  const ways = new WeakMap<Permit | Refusal, Decided>();
  const answered = <T extends Permit | Refusal>(answer: T, decided: Decided): T => {
    ways.set(answer, decided);
    return answer;
  };

  const authorize: Guard['authorize'] = async (request) => {
    const decided = await decide(request, clock());
    const record = await journal.decision(decided);
    if (record === null) return answered(await unlogged(decided), decided);
    const span = observe(decided, record);
    if (!decided.ok) return answered(refusalOf(decided.denial, record, decided.cause), decided);
    const warnings = await warn(decided, record);
    return answered(permitOf(parts, decided, record, span, warnings), decided);
  };

  const explain: Guard['explain'] = (answer) => {
    const decided = ways.get(answer);
    if (decided === undefined) throw new TypeError('answer: expected one that this guard gave');
    return explained(decided, options.identity !== undefined);
  };

  const refuse = async (
    denial: Denial,
    { tool = 'unknown', cause, ...about }: Parameters<Guard['refuse']>[1] = {},
  ): Promise<Refusal> => {
    const stopped = stop({ request: { ...about, call: { tool } }, started: clock(), cause }, denial);
    // It is refused either way; that it could not be written shows in its missing place.
    const record = await journal.decision(stopped);
    observe(stopped, record);
    return answered(refusalOf(denial, record, cause), stopped);
  };

  const run = runOf(authorize);
  return Object.freeze({ verifier, audit, authorize, explain, refuse, fault, run, settled: journal.settled });
}

// `onFault` is the last that is told; what it throws has nowhere to go.
const unheard = (): void => undefined;

// Informs the callbacks; nothing that they do changes a decision.
function observing(
  options: GuardOptions,
  telemetry: Instruments,
  fault: (error: unknown) => void,
  clock: () => number,
): (decided: Decided, record: number | null) => Span | null {
  return (decided, record) => {
    const { started, view, call } = decided;
    const event: DecisionEvent = {
      ok: decided.ok,
      code: decided.ok ? 'allowed' : decided.denial.code,
      tool: toolOf(decided),
      session: view?.session ?? null,
      cause: decided.ok ? null : (decided.cause ?? null),
      record,
      milliseconds: clock() - started,
    };
    const span = telemetry.decision(event, started);
    quietly(() => options.onDecision?.(event), fault);
    if (view !== undefined && call !== undefined)
      quietly(() => options.observer?.decided(view, call, { code: event.code, record }), fault);
    return span;
  };
}

// `authorize`, the tool, the outcome.
function runOf(authorize: Guard['authorize']): Guard['run'] {
  return async (request, tool, measure = () => ({})) => {
    const answer: Permit | Refusal = await authorize(request);
    if (!answer.ok) return answer;
    let result: Awaited<ReturnType<typeof tool>>;
    try {
      result = await tool(answer.call, answer);
    } catch (error) {
      await answer.finish({ status: 'error' });
      throw error;
    }
    await answer.finish({ status: 'ok', ...measure(result) });
    return { ok: true, result, permit: answer };
  };
}

function authorizerOf({
  verifier,
  store,
  requireOpenSession,
  proceedOnFault,
  identity,
}: GuardOptions): Authorizer {
  const listed = compileTools(proceedOnFault ?? []);
  return createAuthorizer({
    verifier,
    store,
    requireOpenSession,
    proceedOnFault: (tool) => listed(tool) || proceeds(identity?.operators, tool),
  });
}

// Every operator that is registered here has to say so: a tool is the same for the agents of all operators.
function proceeds(operators: ReadonlyMap<string, Registration> | undefined, tool: string): boolean {
  if (operators === undefined || operators.size === 0) return false;
  for (const { operator } of operators.values()) if (!operator.facts(tool).proceed) return false;
  return true;
}

// A call that could not be read is named as far as it goes.
function toolOf({ call, request }: Decided): string {
  if (call !== undefined) return call.tool;
  try {
    return String(request.call.tool).slice(0, 64);
  } catch {
    return 'unknown';
  }
}

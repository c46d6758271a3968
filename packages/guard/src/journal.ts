// The journal of a guard (law L11): a decision is durable before its tool runs, an outcome is handed over and awaited
// by `settled`. Then decision and outcome as audit records. What did not verify is a digest, a size and a key id, and
// none of its claims is repeated (docs/design.md section 9).
import { AmbitError, toBase64url, utf8, type Call } from '@ambit/core';
import { fromToken, LAYERS, unverifiedToken, type Draft, type IdentityLayer } from '@ambit/audit';
import type { Allowed, CallContext, CallOutcome, Decided, GuardOptions, Stopped } from './contract.ts';
import { LATE, within } from './deadline.ts';

/** Where a guard records. */
export interface Journal {
  /** Index of the decision's record; null when the log did not take it in time: then nothing may run. */
  decision(decided: Decided): Promise<number | null>;
  /** Hands over the outcome of an allowed call without waiting for it. `of` is its decision's record. */
  outcome(allowed: Allowed, of: number, outcome: CallOutcome, milliseconds: number): void;
  /** Resolves when every outcome handed over so far is durable, or was reported as a fault. */
  readonly settled: () => Promise<void>;
}

/** The journal over a recorder, which may take `timeout` milliseconds for each record. */
export function createJournal(
  { audit, personal }: Pick<GuardOptions, 'audit' | 'personal'>,
  timeout: number,
  fault: (error: unknown) => void,
): Journal {
  const outcomes = new Set<Promise<void>>();
  const write = async (draft: Draft): Promise<number> => {
    const answer = await within(audit.record(draft), timeout);
    if (answer === LATE) throw new AmbitError('audit_unavailable', 'The log did not answer in time.');
    return answer.index;
  };
  return {
    decision: async (decided) => {
      try {
        return await write(decisionDraft(decided, personal));
      } catch (error) {
        fault(error);
        return null;
      }
    },
    outcome: (allowed, of, outcome, milliseconds) => {
      const draft = outcomeDraft(allowed, of, outcome, milliseconds, personal);
      const written: Promise<void> = write(draft).then(() => undefined, fault);
      const done = written.finally(() => outcomes.delete(done));
      outcomes.add(done);
    },
    settled: async () => {
      await Promise.all(outcomes);
    },
  };
}

type Personal = GuardOptions['personal'];

function decisionDraft(decided: Decided, personal: Personal): Draft {
  const { ok, view, call, token } = decided;
  return {
    kind: 'decision',
    ...tokenParts(decided, personal),
    ...layerParts(decided),
    ...(call === undefined ? {} : callParts(call, decided)),
    ...contextParts(decided.request.context),
    // Nothing is vouched for by a token that did not verify, a proof least of all.
    ...(view === undefined ? {} : { proof: token?.proof ?? 'none' }),
    code: ok ? 'allowed' : decided.denial.code,
    ...(ok ? proceeded(decided) : refused(decided)),
  };
}

const REASON = 240;

// The operator's part first, for the code has the rest.
const refused = ({ denial: { caveat, message }, cause }: Stopped): Partial<Draft> => ({
  ...(caveat === undefined ? {} : { caveat }),
  reason: (cause === undefined ? message : `${cause}. ${message}`).slice(0, REASON),
});

const proceeded = ({ authorized: { fault } }: Allowed): Partial<Draft> =>
  fault === null ? {} : { reason: `proceeded uncharged although the store failed: ${fault}` };

function tokenParts({ request, view }: Decided, personal: Personal): Partial<Draft> {
  if (view !== undefined) return fromToken(view, personal);
  return request.token === undefined ? {} : { token: unverifiedToken(request.token) };
}

// A layer has several answers when the list of revocations names it beside its own; one refusal counts.
function layerParts({ ok, layers = [] }: Decided): Partial<Draft> {
  if (ok) return {};
  const of = (answer: 'allowed' | 'refused'): IdentityLayer[] =>
    LAYERS.filter((layer) => layers.some((l) => l.layer === layer && l.answer === answer));
  const refusing = of('refused');
  const allowing = of('allowed').filter((layer) => !refusing.includes(layer));
  return {
    ...(allowing.length > 0 ? { allowed: allowing } : {}),
    ...(refusing.length > 0 ? { refused: refusing } : {}),
  };
}

function callParts(call: Call, { tool = null, facts }: Decided): Partial<Draft> {
  const classes =
    tool === null
      ? []
      : [...(tool.class === null ? [] : [tool.class]), ...(tool.writes ? ['write'] : ['read'])];
  return {
    tool: {
      name: call.tool,
      ...(facts?.external === undefined ? {} : { external: facts.external }),
      ...(facts?.data === undefined ? {} : { data: facts.data }),
      ...(tool === null ? {} : { classes }),
    },
    args: { digest: toBase64url(call.args.digest()), bytes: utf8(call.args.canonical()).length },
  };
}

function contextParts(c: CallContext | undefined): Partial<Draft> {
  if (c === undefined) return {};
  return {
    ...(c.parent === undefined ? {} : { parent: c.parent }),
    ...(c.id === undefined ? {} : { call: c.id }),
    ...(c.trace === undefined ? {} : { trace: c.trace }),
    ...(c.span === undefined ? {} : { span: c.span }),
  };
}

function outcomeDraft(
  { view, call }: Allowed,
  of: number,
  outcome: CallOutcome,
  milliseconds: number,
  personal: Personal,
): Draft {
  const { token: _, ...who } = fromToken(view, personal);
  return {
    kind: 'outcome',
    ...who,
    of,
    tool: { name: call.tool },
    result: {
      status: outcome.status,
      milliseconds: Math.round(milliseconds),
      ...(outcome.bytes === undefined ? {} : { bytes: outcome.bytes }),
      ...(outcome.digest === undefined ? {} : { digest: outcome.digest }),
      ...(outcome.error === undefined ? {} : { error: outcome.error }),
    },
  };
}

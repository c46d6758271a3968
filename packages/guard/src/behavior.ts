// Behavior at the guard: follows the information flow of each session, supplies the facts that `flow` caveats are
// evaluated against, feeds the monitor, and acts on its responses. It can only refuse or demand more: what it does
// happens after everything else has allowed a call. A person approves single calls and releases sessions; both are
// recorded. A session whose beginning was not seen has no flow facts, which denies where a caveat asks (law L2).
import {
  deny,
  matchTool,
  sha256,
  toBase64url,
  utf8,
  type Call,
  type Denial,
  type Facts,
  type TokenView,
  type VerifiedToken,
} from '@ambit/core';
import { fromToken, type Draft, type Sink } from '@ambit/audit';
import {
  ACTIONS,
  FlowTracker,
  flowSentence,
  toolShape,
  type Action,
  type Alert,
  type CallEvent,
  type Deployment,
  type FlowFinding,
  type JsonValue,
  type Monitor,
  type BehaviorResponse,
  type Responses,
  type ToolShape,
} from '@ambit/behavior';
import { contentOf } from './content.ts';
import type { CallOutcome, FlowKeeper, Observer, Watcher } from './contract.ts';
import { quietly } from './quietly.ts';

/** What the operator's configuration says of a tool; a fact that is missing is taken at its worst. */
export interface BehaviorFacts {
  /** It brings in content that is not trusted. */
  readonly untrusted?: boolean;
  readonly writes?: boolean;
  /** What the flow rules make of it, where the tool's name does not tell. */
  readonly shape?: Partial<Omit<ToolShape, 'name'>>;
}

/** How behavior is watched. */
export interface BehaviorOptions {
  readonly audit: Sink;
  readonly tools?: (tool: string) => BehaviorFacts;
  /** A monitor with a learnt baseline, and what to do about its alerts; without them flow is followed, no more. */
  readonly monitor?: Monitor;
  readonly responses?: Responses;
  /** Told of each response, to revoke where it says so; what it throws changes nothing. */
  readonly onResponse?: (response: BehaviorResponse, view: TokenView) => void;
  readonly deployment?: (view: TokenView) => Deployment;
  /**
   * Begin a session with its first call, or where the function says so. Only for a guard that sees every call of such a
   * session from its first on; by default a session begins with `begin`.
   */
  readonly implicit?: boolean | ((view: TokenView) => boolean);
  /**
   * Take what is not known at its worst: a tool that is not stated to write brings in content, whatever its name, and an
   * allowed call whose answer was not handed in (`Permit.ingest`) ends what is known of its session. Default false.
   */
  readonly strict?: boolean;
  /** Sessions followed at once; default 4096. The one unused longest is forgotten, and then denied flow facts. */
  readonly maxSessions?: number;
  /** Unix milliseconds; default the system clock. */
  readonly nowMs?: () => number;
}

interface Followed {
  readonly flow: FlowTracker;
  /** Calls that a person approved, by tool and arguments; each for one use. */
  readonly approved: Set<string>;
  /** Content came in that was not seen. */
  blind: boolean;
}
interface Read {
  readonly grade: number;
  readonly findings: readonly FlowFinding[];
  readonly shape: ToolShape;
}

const APPROVALS = 64;
const keyOf = (issuer: string, session: string): string => JSON.stringify([issuer, session]);
const callKey = (call: Call): string => `${call.tool} ${toBase64url(call.args.digest())}`;
const atLeast = (action: Action, wanted: Action): boolean =>
  ACTIONS.indexOf(action) >= ACTIONS.indexOf(wanted);

/** Behavior of all sessions behind one guard: its flow keeper, watcher and observer. */
export class Behavior implements FlowKeeper, Watcher, Observer {
  readonly #options: BehaviorOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #read = new WeakMap<Call, Read>();
  readonly #seen = new WeakSet<Call>();
  readonly #alerts = new WeakMap<Call, Alert>();
  #forgot = false;

  constructor(options: BehaviorOptions) {
    if ((options.monitor === undefined) !== (options.responses === undefined))
      throw new TypeError('monitor: expected together with responses');
    this.#options = options;
  }

  /**
   * A session begins, or continues with another prompt: the user's own words, from the program that talks with
   * the user.
   */
  begin(
    session: { readonly issuer: string; readonly session: string },
    prompt = '',
    own: readonly string[] = [],
  ): void {
    const { flow } = this.#start(keyOf(session.issuer, session.session));
    if (prompt !== '') flow.prompt(prompt);
    if (own.length > 0) flow.own(own);
  }

  /**
   * A person approves one call, once; `asked` is the record of the decision that asked for it. Resolves when
   * the approval is in the log; rejects, and approves nothing, if not.
   */
  async approve(view: TokenView, call: Call, person: string, asked: number): Promise<void> {
    if (person === '') throw new TypeError('person: expected a name');
    const followed = this.#followed.get(keyOf(view.issuer, view.session));
    if (followed === undefined) throw new RangeError('session: not followed here');
    const tool = { name: call.tool };
    const args = { digest: toBase64url(call.args.digest()) };
    await this.#options.audit.record({
      kind: 'approval',
      ...who(view),
      of: asked,
      tool,
      args,
      approval: { person, granted: true },
    });
    if (followed.approved.size < APPROVALS) followed.approved.add(callKey(call));
  }

  /** A person lifts what the monitor has put on a session; `asked` as for `approve`. False when there was nothing to lift. */
  async release(view: TokenView, person: string, asked: number): Promise<boolean> {
    if (person === '') throw new TypeError('person: expected a name');
    const { responses, audit } = this.#options;
    const key = keyOf(view.issuer, view.session);
    const response = responses?.of(key);
    if (responses === undefined || response === undefined || response.action.startsWith('revoke'))
      return false;
    // In the log first: no session is released without it.
    const reason = `released from ${response.action}`;
    const approval = { person, granted: true };
    await audit.record({ kind: 'approval', ...who(view), of: asked, reason, approval });
    return responses.release(key, person) !== null;
  }

  facts(view: TokenView, call: Call): Facts['flow'] {
    const followed = this.#of(view);
    if (followed === undefined || followed.blind) return undefined;
    const shape = this.#shape(call);
    const reading = followed.flow.read(shape, argumentsOf(call), followed.approved.has(callKey(call)));
    this.#read.set(call, { grade: reading.grade, findings: reading.findings, shape });
    return reading.facts;
  }

  refuse(view: TokenView, call: Call, now: number, proof: VerifiedToken['proof']): Denial | null {
    const { monitor, responses, onResponse } = this.#options;
    if (monitor === undefined || responses === undefined) return null;
    const key = keyOf(view.issuer, view.session);
    const alert = monitor.event(this.#call(view, call, now));
    if (alert !== null) {
      this.#alerts.set(call, alert);
      const response = responses.on(alert);
      if (response !== null) quietly(() => onResponse?.(response, view));
    }
    const response = responses.of(key);
    return response === undefined ? null : this.#answer(response, view, call, proof);
  }

  #answer(
    { action, because, restrictions }: BehaviorResponse,
    view: TokenView,
    call: Call,
    proof: VerifiedToken['proof'],
  ): Denial | null {
    const effect = this.#shape(call).effect;
    if (action.startsWith('revoke')) return deny('behavior_narrowed', because.sentence);
    for (const restriction of restrictions) {
      // Denials are all that responses are made of; another kind would have to be understood first.
      const denies =
        restriction.type !== 'deny' || restriction.tools.some((pattern) => matchTool(pattern, call.tool));
      if (denies) return deny('behavior_narrowed', because.sentence);
    }
    if (atLeast(action, 'approval') && effect) {
      const approved = this.#of(view)?.approved.has(callKey(call)) === true;
      if (!approved) return deny('approval_required', because.sentence);
    }
    return atLeast(action, 'signed_proof') && proof !== 'signed' ? deny('proof_signature_required') : null;
  }

  decided(view: TokenView, call: Call, { code, record }: Parameters<Observer['decided']>[2]): void {
    const alert = this.#alerts.get(call);
    if (alert !== undefined)
      this.#write(view, alertDraft(alert, this.#read.get(call)?.findings ?? [], record));
    if (code === 'allowed') this.#of(view)?.approved.delete(callKey(call));
    else this.#feed(view, call, { kind: 'refusal', code, ...(record === null ? {} : { index: record }) });
  }

  ingested(view: TokenView, call: Call, value: unknown, record: number): void {
    const shape = this.#shape(call);
    this.#seen.add(call);
    const content = contentOf(value);
    const followed = this.#of(view);
    const bringsIn = this.#bringsIn(call);
    followed?.flow.result({ ...shape, effect: !bringsIn }, { args: argumentsOf(call), value: content.json });
    if (!bringsIn) return;
    const ingest = {
      source: call.tool,
      trust: shape.trusted ? ('trusted' as const) : ('untrusted' as const),
      bytes: content.bytes,
    };
    this.#write(view, { kind: 'ingest', of: record, tool: { name: call.tool }, ingest });
    this.#feed(view, call, { kind: 'ingest', trusted: shape.trusted, bytes: content.bytes, index: record });
  }

  ended(view: TokenView, call: Call, outcome: CallOutcome, record: number): void {
    const followed = this.#of(view);
    const unseen = this.#options.strict === true && !this.#seen.has(call) && this.#bringsIn(call);
    if (unseen && followed !== undefined) followed.blind = true;
    this.#feed(view, call, { kind: 'outcome', ok: outcome.status === 'ok', index: record });
  }

  /** The session ended: nothing of it is needed any more. */
  end(session: { readonly issuer: string; readonly session: string }): void {
    const key = keyOf(session.issuer, session.session);
    this.#followed.delete(key);
    this.#options.monitor?.close(key);
  }

  #of(view: TokenView): Followed | undefined {
    const key = keyOf(view.issuer, view.session);
    const known = this.#followed.get(key);
    // Once something was forgotten, a session that is not known may be one of those.
    if (known === undefined) return !this.#forgot && this.#mayBegin(view) ? this.#start(key) : undefined;
    this.#followed.delete(key);
    this.#followed.set(key, known);
    return known;
  }

  #mayBegin(view: TokenView): boolean {
    const { implicit = false } = this.#options;
    return typeof implicit === 'function' ? implicit(view) : implicit;
  }

  #start(key: string): Followed {
    const known = this.#followed.get(key);
    if (known !== undefined) return known;
    const followed: Followed = { flow: new FlowTracker(), approved: new Set(), blind: false };
    this.#followed.set(key, followed);
    const oldest = this.#followed.keys().next();
    if (this.#followed.size > (this.#options.maxSessions ?? 4096) && oldest.done !== true) {
      this.#followed.delete(oldest.value);
      this.#forgot = true;
    }
    return followed;
  }

  #bringsIn(call: Call): boolean {
    const guessed = this.#options.strict === true && this.#options.tools?.(call.tool).writes !== true;
    return guessed || !this.#shape(call).effect;
  }

  #shape(call: Call): ToolShape {
    const known = this.#read.get(call);
    if (known !== undefined) return known.shape;
    const { untrusted = true, writes, shape = {} } = this.#options.tools?.(call.tool) ?? {};
    const params = Object.keys(argumentsOf(call));
    const tool = { name: call.tool, params, ...(writes === undefined ? {} : { readOnly: !writes }) };
    return toolShape(tool, { trusted: !untrusted, ...shape });
  }

  #common(view: TokenView, call: Call): Pick<CallEvent, 'session' | 'deployment' | 'tool' | 'class'> {
    const task = view.chain.at(-1)?.label ?? '';
    const deployment = this.#options.deployment?.(view) ?? {
      operator: view.operator.id,
      model: view.model.id,
      task,
    };
    return {
      session: keyOf(view.issuer, view.session),
      deployment,
      tool: call.tool,
      class: this.#shape(call).class,
    };
  }

  #call(view: TokenView, call: Call, time: number): CallEvent {
    const args = argumentsOf(call);
    const shape = this.#shape(call);
    const destinations = Object.entries(args).flatMap(([name, value]) =>
      shape.roles.get(name) === 'destination' && (typeof value === 'string' || typeof value === 'number')
        ? [toBase64url(sha256(utf8(String(value).trim().toLowerCase()))).slice(0, 22)]
        : [],
    );
    return {
      ...this.#common(view, call),
      kind: 'call',
      time,
      shape: Object.keys(args).sort().join(','),
      destinations,
      bytes: utf8(call.args.canonical()).length,
      grade: this.#read.get(call)?.grade ?? 0,
    };
  }

  #feed(
    view: TokenView,
    call: Call,
    event:
      | { readonly kind: 'refusal'; readonly code: string; readonly index?: number }
      | { readonly kind: 'ingest'; readonly trusted: boolean; readonly bytes: number; readonly index: number }
      | { readonly kind: 'outcome'; readonly ok: boolean; readonly index: number },
  ): void {
    const { monitor, responses, onResponse, nowMs: clock = Date.now } = this.#options;
    const alert = monitor?.event({ ...this.#common(view, call), ...event, time: clock() / 1000 }) ?? null;
    if (alert === null) return;
    this.#write(view, alertDraft(alert, [], event.index ?? null));
    const response = responses?.on(alert) ?? null;
    if (response !== null) quietly(() => onResponse?.(response, view));
  }

  // What can't be written is no reason to stop: the log's failure denies the next call anyway.
  #write(view: TokenView, draft: Draft): void {
    quietly(() => this.#options.audit.record({ ...who(view), ...draft }));
  }
}

function who(view: TokenView): Partial<Draft> {
  const { token: _, ...parts } = fromToken(view);
  return parts;
}

const argumentsOf = (call: Call): { readonly [name: string]: JsonValue } => call.args.value;

function alertDraft(alert: Alert, findings: readonly FlowFinding[], record: number | null): Draft {
  const [first] = alert.evidence;
  const sentences = [
    first?.sentence ?? 'The session deviated from its usual pattern.',
    ...findings.slice(0, 1).map(flowSentence),
  ];
  const evidence = [record, alert.ingest?.index].filter((i): i is number => typeof i === 'number' && i >= 0);
  return {
    kind: 'alert',
    tool: { name: alert.tool },
    alert: {
      detector: first?.detector ?? 'fused',
      score: Math.max(0, Math.round(1000 * (1 - alert.p))),
      evidence: [...new Set(evidence)].sort((a, b) => a - b),
    },
    reason: sentences.join(' ').slice(0, 240),
    ...(record === null ? {} : { of: record }),
  };
}

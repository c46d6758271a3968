// Behavior at the guard: follows the information flow of each session, supplies the facts that `flow` caveats are
// evaluated against, feeds the monitor, and acts on its responses. It can only refuse or demand more: what it does
// happens after everything else has allowed a call. A person approves single calls and releases sessions; both are
// recorded. A session that this guard has not seen whole is tainted: what was missed counts as untrusted (law L2).
import { toBase64url, type Call, type Denial, type Facts, type TokenView } from '@ambit/core';
import type { VerifiedToken } from '@ambit/core';
import { fromToken, type Draft, type Sink } from '@ambit/audit';
import type {
  Alert,
  BehaviorResponse,
  Deployment,
  FlowReading,
  JsonValue,
  Monitor,
  Responses,
} from '@ambit/behavior';
import type { Store } from '@ambit/state';
import { Attendance } from './behavior/attendance.ts';
import { alertDraft, callEvent, commonEvent } from './behavior/events.ts';
import { refusedBy } from './behavior/response.ts';
import { FollowedSessions, keyOf, type Followed } from './behavior/sessions.ts';
import { knownTool, type BehaviorFacts, type KnownTool } from './behavior/tools.ts';
import { contentOf } from './content.ts';
import type { CallOutcome, FlowKeeper, Observer, Watcher } from './contract.ts';
import { quietly } from './quietly.ts';

/** How behavior is watched. */
export interface BehaviorOptions {
  readonly audit: Sink;
  readonly tools?: (tool: string) => BehaviorFacts;
  /**
   * Where the guards that meet a session count themselves. With it a session begins with its first call, if no other
   * guard of this store has met it; it is tainted as soon as one does. Without it a session begins with `begin`.
   */
  readonly store?: Pick<Store, 'budgets'>;
  /** A monitor with a learnt baseline, and what to do about its alerts; without them flow is followed, no more. */
  readonly monitor?: Monitor;
  readonly responses?: Responses;
  /** Told of each response, to revoke where it says so; what it throws changes no decision. */
  readonly onResponse?: (response: BehaviorResponse, view: TokenView) => void;
  /** Told what `onResponse` throws, and of an alert that could not be written. Its errors are ignored. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  readonly deployment?: (view: TokenView) => Deployment;
  /** Sessions followed at once; default 4096. The one unused longest is forgotten, and is tainted when it comes back. */
  readonly maxSessions?: number;
  /** Unix milliseconds; default the system clock. */
  readonly nowMs?: () => number;
}

/** A session, by its issuer's name for it. */
export interface SessionName {
  readonly issuer: string;
  readonly session: string;
}

/** Behavior of all sessions behind one guard: its flow keeper, watcher and observer. */
export class Behavior implements FlowKeeper, Watcher, Observer {
  readonly #options: BehaviorOptions;
  readonly #attendance: Attendance | null;
  readonly #sessions: FollowedSessions;
  readonly #tools = new WeakMap<Call, KnownTool>();
  readonly #readings = new WeakMap<Call, FlowReading>();
  readonly #seen = new WeakSet<Call>();
  readonly #alerts = new WeakMap<Call, Alert>();
  readonly #approved = new WeakSet<Call>();

  constructor(options: BehaviorOptions) {
    const { monitor, responses, store, maxSessions = 4096 } = options;
    if ((monitor === undefined) !== (responses === undefined))
      throw new TypeError('monitor: expected together with responses');
    this.#options = options;
    this.#attendance = store === undefined ? null : new Attendance(store);
    this.#sessions = new FollowedSessions(maxSessions);
  }

  /**
   * A session begins, or continues with another prompt: the user's own words, from the program that talks with the user;
   * `own`: the user's own addresses. It has to come before the session's first call, and makes no session clean again.
   */
  begin(session: SessionName, prompt = '', own: readonly string[] = []): void {
    const followed = this.#sessions.of(keyOf(session));
    followed.begun = true;
    if (prompt !== '') followed.flow.prompt(prompt);
    if (own.length > 0) followed.flow.own(own);
  }

  /** What a call looks like from its session's history, for whoever is asked to approve it; undefined if that is not followed. */
  reading(view: SessionName, call: Call): FlowReading | undefined {
    return this.#sessions.get(keyOf(view))?.flow.read(this.#tool(call).shape, argumentsOf(call));
  }

  /**
   * A person approves one call, once; `asked` is the record of the decision that asked for it. Resolves when
   * the approval is in the log; rejects, and approves nothing, if not.
   */
  async approve(view: TokenView, call: Call, person: string, asked: number): Promise<void> {
    if (person === '') throw new TypeError('person: expected a name');
    const followed = this.#sessions.get(keyOf(view));
    if (followed === undefined) throw new RangeError('session: not followed here');
    await this.#options.audit.record({
      kind: 'approval',
      ...who(view),
      of: asked,
      tool: { name: call.tool },
      args: { digest: toBase64url(call.args.digest()) },
      approval: { person, granted: true },
    });
    followed.approve(call);
  }

  /** A person lifts what the monitor has put on a session; `asked` as for `approve`. False when there was nothing to lift. */
  async release(view: TokenView, person: string, asked: number): Promise<boolean> {
    if (person === '') throw new TypeError('person: expected a name');
    const { responses, audit } = this.#options;
    const key = keyOf(view);
    const response = responses?.of(key);
    if (responses === undefined || response === undefined || response.action.startsWith('revoke'))
      return false;
    // In the log first: no session is released without it.
    const reason = `released from ${response.action}`;
    const approval = { person, granted: true };
    await audit.record({ kind: 'approval', ...who(view), of: asked, reason, approval });
    return responses.release(key, person) !== null;
  }

  facts(view: TokenView, call: Call, asked = true): Facts['flow'] | Promise<Facts['flow']> {
    const followed = this.#sessions.of(keyOf(view));
    const attending = this.#attend(followed, view, asked);
    return attending === null
      ? this.#read(followed, call, asked)
      : attending.then(() => this.#read(followed, call, asked));
  }

  refuse(view: TokenView, call: Call, now: number, proof: VerifiedToken['proof']): Denial | null {
    const { monitor, responses } = this.#options;
    if (monitor === undefined || responses === undefined) return null;
    const { shape } = this.#tool(call);
    const grade = this.#readings.get(call)?.grade ?? 0;
    const alert = monitor.event(callEvent(this.#common(view, call), call, shape, now, grade));
    if (alert !== null) {
      this.#alerts.set(call, alert);
      this.#respond(alert, view);
    }
    const key = keyOf(view);
    const response = responses.of(key);
    if (response === undefined) return null;
    const approved = this.#approved.has(call) || this.#takeApproval(this.#sessions.get(key), call);
    return refusedBy(response, { tool: call.tool, effect: shape.effect, approved, proof });
  }

  decided(view: TokenView, call: Call, { code, record }: Parameters<Observer['decided']>[2]): void {
    const alert = this.#alerts.get(call);
    if (alert !== undefined)
      this.#write(view, alertDraft(alert, this.#readings.get(call)?.findings ?? [], record));
    const approved = this.#approved.delete(call);
    if (code === 'allowed') return;
    // Something else refused it: the approval is good for the next attempt.
    if (approved) this.#sessions.get(keyOf(view))?.approve(call);
    this.#feed(view, call, { kind: 'refusal', code, ...(record === null ? {} : { index: record }) });
  }

  ingested(view: TokenView, call: Call, value: unknown, record: number): void {
    const { shape, bringsIn } = this.#tool(call);
    this.#seen.add(call);
    const content = contentOf(value);
    const untrusted = bringsIn && !shape.trusted;
    this.#sessions
      .of(keyOf(view))
      .flow.result(shape, { args: argumentsOf(call), value: content.json, untrusted });
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
    const { shape, bringsIn } = this.#tool(call);
    // Its answer, or its error, was given to the agent and not to this guard.
    if (bringsIn && !shape.trusted && !this.#seen.has(call)) this.#sessions.of(keyOf(view)).taint();
    this.#feed(view, call, { kind: 'outcome', ok: outcome.status === 'ok', index: record });
  }

  /** The session ended: nothing of it is needed any more. */
  end(session: SessionName): void {
    const key = keyOf(session);
    this.#sessions.delete(key);
    this.#options.monitor?.close(key);
  }

  // Null when nothing has to be asked of the store.
  #attend(followed: Followed, view: TokenView, asked: boolean): Promise<void> | null {
    const attendance = this.#attendance;
    if (attendance === null) {
      if (!followed.begun && !followed.tainted) followed.taint();
      return null;
    }
    if (followed.guards === null)
      return (followed.joining ??= this.#join(attendance, followed, view).finally(
        () => (followed.joining = null),
      ));
    return asked && !followed.tainted ? this.#recount(attendance, followed, view) : null;
  }

  // A store that fails taints; joining is tried again, so that other guards learn of this one.
  async #join(attendance: Attendance, followed: Followed, view: TokenView): Promise<void> {
    try {
      followed.guards = await attendance.join(view, this.#now());
      if (followed.guards !== 1 && !followed.begun) followed.taint();
    } catch {
      followed.taint();
    }
  }

  async #recount(attendance: Attendance, followed: Followed, view: TokenView): Promise<void> {
    const guards = await attendance.count(view, this.#now()).catch(() => null);
    if (guards !== followed.guards) followed.taint();
  }

  // Where no caveat asks, the reading is the monitor's alone.
  #read(followed: Followed, call: Call, asked: boolean): Facts['flow'] {
    if (!asked && this.#options.monitor === undefined) return undefined;
    const { shape } = this.#tool(call);
    const reading = followed.flow.read(shape, argumentsOf(call), this.#takeApproval(followed, call));
    this.#readings.set(call, reading);
    return reading.facts;
  }

  // Taken before the decision and not after it: of two equal calls at once, one is approved.
  #takeApproval(followed: Followed | undefined, call: Call): boolean {
    const taken = followed?.useApproval(call) === true;
    if (taken) this.#approved.add(call);
    else this.#approved.delete(call);
    return taken;
  }

  #tool(call: Call): KnownTool {
    let known = this.#tools.get(call);
    if (known === undefined) {
      known = knownTool(this.#options.tools?.(call.tool) ?? {}, call);
      this.#tools.set(call, known);
    }
    return known;
  }

  #common(view: TokenView, call: Call): ReturnType<typeof commonEvent> {
    return commonEvent(view, call, this.#tool(call).shape, this.#options.deployment?.(view));
  }

  #feed(
    view: TokenView,
    call: Call,
    event:
      | { readonly kind: 'refusal'; readonly code: string; readonly index?: number }
      | { readonly kind: 'ingest'; readonly trusted: boolean; readonly bytes: number; readonly index: number }
      | { readonly kind: 'outcome'; readonly ok: boolean; readonly index: number },
  ): void {
    const { monitor, nowMs = Date.now } = this.#options;
    if (monitor === undefined) return;
    const alert = monitor.event({ ...this.#common(view, call), ...event, time: nowMs() / 1000 });
    if (alert === null) return;
    this.#write(view, alertDraft(alert, [], event.index ?? null));
    this.#respond(alert, view);
  }

  #respond(alert: Alert, view: TokenView): void {
    const response = this.#options.responses?.on(alert) ?? null;
    if (response !== null) quietly(() => this.#options.onResponse?.(response, view), this.#fault);
  }

  readonly #fault = (error: unknown): void => this.#options.onFault?.(error);

  #now(): number {
    return Math.floor((this.#options.nowMs ?? Date.now)() / 1000);
  }

  // What can't be written is no reason to stop: the log's failure denies the next call anyway.
  #write(view: TokenView, draft: Draft): void {
    quietly(() => this.#options.audit.record({ ...who(view), ...draft }), this.#fault);
  }
}

function who(view: TokenView): Partial<Draft> {
  const { token: _, ...parts } = fromToken(view);
  return parts;
}

const argumentsOf = (call: Call): { readonly [name: string]: JsonValue } => call.args.value;

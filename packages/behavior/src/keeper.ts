// The two places where a guard asks this package: before a call is authorized (what has come into the session: facts
// for `flow` caveats) and after everything else has allowed it (does the pattern break?). Both hold a bounded number
// of sessions; one that was forgotten has no facts, and a `flow` caveat without facts denies (law L2).
import { deny } from '@ambit/core';
import type { Call, Denial, FlowFacts } from '@ambit/core';
import type { AgentEvent } from './event.ts';
import { FlowTracker } from './flow.ts';
import type { FlowReading, FlowResult } from './flow.ts';
import type { Alert, Monitor } from './monitor.ts';
import type { JsonValue } from './scalars.ts';
import type { BehaviorResponse, Responses } from './respond.ts';
import type { ToolShape } from './tool-shape.ts';

const SESSIONS = 4096;

/** Flow of all sessions of a guard; fits `FlowKeeper` of `@ambit/guard`. */
export class SessionFlows {
  readonly #shapes: ReadonlyMap<string, ToolShape>;
  readonly #limit: number;
  readonly #trackers: Map<string, FlowTracker> = new Map();
  readonly #approved: Map<string, ReadonlySet<string>> = new Map();

  /** `shapes`: the operator's catalogue; a tool that isn't in it has no facts and is denied under `flow`. */
  constructor(shapes: ReadonlyMap<string, ToolShape>, sessions: number = SESSIONS) {
    this.#shapes = shapes;
    this.#limit = sessions;
  }

  /** Opens a session with the user's words and the user's own addresses. */
  open(session: string, prompt: string, own: readonly string[] = []): FlowTracker {
    if (this.#trackers.size >= this.#limit) {
      const oldest = this.#trackers.keys().next();
      if (oldest.done !== true) this.close(oldest.value);
    }
    const tracker = new FlowTracker();
    tracker.prompt(prompt);
    if (own.length > 0) tracker.own(own);
    this.#trackers.set(session, tracker);
    return tracker;
  }

  /** A result has come in. Unknown sessions and tools are ignored: without a tracker everything is denied anyway. */
  result(session: string, tool: string, result: FlowResult): void {
    const shape = this.#shapes.get(tool);
    if (shape !== undefined) this.#trackers.get(session)?.result(shape, result);
  }

  /** Tools that a person, or an author whom the user named, has approved in this session. */
  approve(session: string, tools: ReadonlySet<string>): void {
    this.#approved.set(session, tools);
  }

  close(session: string): void {
    this.#trackers.delete(session);
    this.#approved.delete(session);
  }

  /** The reading of a call, with its findings; undefined for an unknown session or tool. */
  reading(session: string, call: Pick<Call, 'tool'>, args: JsonValue): FlowReading | undefined {
    const shape = this.#shapes.get(call.tool);
    return shape === undefined ? undefined : this.#trackers.get(session)?.read(shape, args);
  }

  /** Facts for the guard. An approval covers calls whose destinations are the user's, and no others. */
  facts(view: { readonly session: string }, call: Call): FlowFacts | undefined {
    const reading = this.reading(view.session, call, call.args.value);
    if (reading === undefined) return undefined;
    const approved =
      reading.facts.destinationsNamed && this.#approved.get(view.session)?.has(call.tool) === true;
    return { ...reading.facts, approved };
  }
}

/** What a watcher does with an alert and a response, beside refusing: write them to the audit log. */
export interface WatcherHooks {
  readonly onAlert?: (alert: Alert) => void;
  readonly onResponse?: (response: BehaviorResponse) => void;
}

/** Refuses calls while a response is in force; fits `Watcher` of `@ambit/guard`. */
export class SessionWatcher {
  readonly #monitor: Monitor;
  readonly #responses: Responses;
  readonly #event: (session: string, call: Call, now: number) => AgentEvent;
  readonly #isRead: (tool: string) => boolean;
  readonly #hooks: WatcherHooks;

  /** `event` makes the monitor's event of a call; `isRead` tells which tools only read. */
  constructor(
    monitor: Monitor,
    responses: Responses,
    event: (session: string, call: Call, now: number) => AgentEvent,
    isRead: (tool: string) => boolean,
    hooks: WatcherHooks = {},
  ) {
    this.#monitor = monitor;
    this.#responses = responses;
    this.#event = event;
    this.#isRead = isRead;
    this.#hooks = hooks;
  }

  /** Content came in, a tool ended, a call was refused. */
  observe(event: AgentEvent): void {
    this.#take(this.#monitor.event(event));
  }

  /** Null lets the call pass. Reads pass under every response but a revocation. */
  refuse(view: { readonly session: string }, call: Call, now: number): Denial | null {
    this.#take(this.#monitor.event(this.#event(view.session, call, now)));
    const response = this.#responses.of(view.session);
    if (response === undefined) return null;
    if (response.action.startsWith('revoke')) return deny('revoked', response.because.sentence);
    if (this.#isRead(call.tool)) return null;
    if (response.action === 'approval') return deny('approval_required', response.because.sentence);
    return response.action === 'narrow' ? deny('behavior_narrowed', response.because.sentence) : null;
  }

  #take(alert: Alert | null): void {
    if (alert === null) return;
    this.#hooks.onAlert?.(alert);
    const response = this.#responses.on(alert);
    if (response !== null) this.#hooks.onResponse?.(response);
  }
}

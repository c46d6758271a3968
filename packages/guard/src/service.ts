// The front door of a service: two answers (whom do I trust, what do my tools touch) make a guard with a door for each
// framework. It owns what it opened and closes it in order. The defaults are the safe ones: a tool that is not listed
// is refused, and a session that was not seen whole counts as tainted.
import { AmbitError, createVerifier, nearest } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { configuredEntitlements } from '@ambit/identity';
import { openStore } from '@ambit/state/open';
import type { Sink } from '@ambit/audit';
import type { Store } from '@ambit/state';
import { Behavior } from './behavior.ts';
import type { BehaviorFacts } from './behavior/tools.ts';
import type { Guard, GuardOptions, GuardRequest } from './contract.ts';
import { createGuard } from './guard.ts';
import type { McpOptions } from './mcp/gate.ts';
import { guardServer, type ServerLike } from './mcp/server.ts';
import { doorsOf, type Doors } from './service/doors.ts';
import { openGuardHome, type GuardHome } from './service/home.ts';
import { readGuardOptions, type OpenGuardOptions, type ReadOptions } from './service/options.ts';
import { registrationAt } from './service/registration.ts';
import { both, Underway } from './service/underway.ts';

/** A service's guard. */
export interface ServiceGuard extends Doors {
  /** The guard below: `run`, `refuse`, `audit`, and what adapters of one's own are made over. */
  readonly guard: Guard;
  readonly authorize: Guard['authorize'];
  /** Guards every connection that an MCP server (of either SDK) makes from now on, and returns it. */
  mcp<S extends ServerLike>(server: S, options?: McpOptions): S;
  /**
   * A session begins here, with the user's own words, before its first call. Needed for `flow` caveats that ask for
   * named destinations, and where another guard of the store has met the session, or this one before its start.
   */
  begin: Behavior['begin'];
  /** Waits for the calls under way, writes their outcomes, then closes the log, then the store. */
  close(): Promise<void>;
}

/**
 * Opens the guard of a service. AmbitError `input_invalid` lists everything that is missing or wrong; what the store, the
 * log or the home report otherwise keeps its own code, and nothing is left open.
 */
export async function openGuard(options: OpenGuardOptions): Promise<ServiceGuard> {
  const read = readGuardOptions(options);
  const place = await openPlace(read);
  try {
    return serviceOf(read, place);
  } catch (error) {
    await place.close();
    throw error;
  }
}

interface Place {
  readonly home: GuardHome | null;
  readonly store: Store;
  readonly audit: Sink;
  close(): Promise<void>;
}

async function openPlace({ given, home: path, timeout }: ReadOptions): Promise<Place> {
  if (path !== undefined) {
    const home = await openGuardHome(path, given.onFault ?? report);
    return { home, store: home.store, audit: home.recorder, close: () => home.close() };
  }
  const { store } = given;
  const audit = given.audit!;
  if (typeof store !== 'string') return { home: null, store: store!, audit, close: async () => undefined };
  const opened = await openStore(store, { timeout });
  return { home: null, store: opened, audit, close: () => opened.close() };
}

function serviceOf(read: ReadOptions, place: Place): ServiceGuard {
  const { given, timeout } = read;
  const underway = new Underway();
  let closing: Promise<void> | null = null;
  // Once it closes no call is allowed any more: its outcome could come too late to be written.
  const audit: Sink = {
    record: async (draft) => {
      if (closing !== null && draft.code === 'allowed')
        throw new AmbitError('audit_unavailable', 'The guard is closed.');
      return place.audit.record(draft);
    },
  };
  const { identity, facts } = classify(read);
  const behavior = new Behavior({
    audit,
    store: place.store,
    tools: facts,
    ...(given.nowMs === undefined ? {} : { nowMs: given.nowMs }),
  });
  const guard = createGuard({
    ...passed(given),
    verifier: verifierOf(read, place),
    store: place.store,
    audit,
    timeout,
    requireOpenSession: given.requireOpenSession ?? keptIn(place.home),
    flow: behavior,
    observer: both(underway, behavior),
    ...identity,
  });
  const close = async (): Promise<void> => {
    try {
      await underway.none(timeout);
      await guard.settled();
    } finally {
      await place.close();
    }
  };
  return Object.freeze({
    guard,
    authorize: (request: GuardRequest) => guard.authorize(request),
    ...doorsOf(guard, read.origin, toolsOf(read)),
    mcp: <S extends ServerLike>(server: S, mcp: McpOptions = {}) =>
      guardServer(server, { ...mcp, guard: guard }),
    begin: behavior.begin.bind(behavior),
    close: () => (closing ??= close()),
  });
}

function verifierOf({ given, audience, trusted, proofAge }: ReadOptions, { home }: Place): Guard['verifier'] {
  const { bearer, signedProofTools } = given;
  const { keys, seals, federated } = trusted;
  return createVerifier({
    audience,
    keys,
    seals,
    federated,
    provider: nodeProvider,
    ...(bearer === undefined ? {} : { bearer }),
    ...(signedProofTools === undefined ? {} : { signedProofTools }),
    ...(proofAge === undefined ? {} : { proofAge }),
    // Elsewhere several guards may share a store and not a key: signed proofs work with all of them.
    ...(home === null ? {} : { proofSessions: home.proofSessions }),
  });
}

// A configuration classifies every tool, with the worst for those that it does not name.
const toolsOf =
  ({ find, given }: ReadOptions): Parameters<typeof doorsOf>[2] =>
  (tool) =>
    find === undefined || find(tool) !== null
      ? { ok: true, near: null }
      : { ok: false, near: nearest(tool, Object.keys(given.tools ?? {})) };

// The issuer whose home this is keeps its sessions here; those of others are unknown here, and closing one revokes it.
const keptIn =
  (home: GuardHome | null) =>
  (issuer: string): boolean =>
    home !== null && home.issuer === issuer;

function classify({ given, home, trusted, find }: ReadOptions): {
  readonly identity: Pick<GuardOptions, 'identity' | 'tools'>;
  readonly facts: (tool: string) => BehaviorFacts;
} {
  if (trusted.operator === null) {
    const tools = find!;
    return { identity: { tools }, facts: (tool) => tools(tool) ?? {} };
  }
  const now = Math.floor((given.nowMs ?? Date.now)() / 1000);
  const registration = registrationAt(home ?? null, trusted.operator, now);
  const { operator } = registration;
  const identity = {
    operators: new Map([[operator.id, registration]]),
    entitlements: configuredEntitlements,
  };
  return { identity: { identity }, facts: (tool) => operator.facts(tool) };
}

// A service that says nothing of faults still has to hear of them: where its other errors go.
const report = (error: unknown): void =>
  console.error('ambit guard:', error instanceof AmbitError ? error.message : error);

function passed(given: ReadOptions['given']): Partial<GuardOptions> {
  const { proceedOnFault, watcher, nowMs, onDecision, warnAt, onWarning, telemetry, personal } = given;
  const { onFault = report } = given;
  return { proceedOnFault, watcher, nowMs, onDecision, warnAt, onWarning, onFault, telemetry, personal };
}

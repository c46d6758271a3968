// The options of `openGuard`, checked before anything is opened: everything that is missing or wrong is said at once.
import { isName, Problems, spanSeconds, type Span } from '@ambit/core';
import type { Sink } from '@ambit/audit';
import type { Store } from '@ambit/state';
import type { GuardOptions } from '../contract.ts';
import { findIn, type FindTool, type ListedTools } from './tools.ts';
import { readTrust, type Trust, type Trusted } from './trust.ts';

type Passed = 'proceedOnFault' | 'watcher' | 'nowMs' | 'onDecision' | 'onFault' | 'telemetry' | 'personal';

/** Who the service is, whom it trusts, where it keeps things, and what its tools touch. */
export interface OpenGuardOptions extends Pick<GuardOptions, Passed> {
  /** The name of this service, as tokens and proofs have it. */
  readonly audience: string;
  readonly trust: Trust;
  /** A directory for state, log and the key of proof sessions; made when it is not there. Or `store` and `audit`. */
  readonly home?: string;
  /** A store, or the URL of one (`openStore`): what is opened here is closed here, and nothing else. */
  readonly store?: string | Store;
  /** Takes every decision; with `store`. It stays open. */
  readonly audit?: Sink;
  /** The service's tools, by name or pattern; any other is refused. Not with an operator's configuration, which has them. */
  readonly tools?: ListedTools;
  /** The service's own origin, `https://host[:port]`: for HTTP. */
  readonly origin?: string;
  /**
   * Whether a token's session has to be open in the store. Default: only for the issuer whose home `home` is; of others
   * the revocation list says which sessions are closed.
   */
  readonly requireOpenSession?: boolean;
  /** Accept tokens that are bound to no key; default false. */
  readonly bearer?: boolean;
  /** Tool patterns for which a session proof is not enough. */
  readonly signedProofTools?: readonly string[];
  /** How old a signed proof may be; default 60 seconds. */
  readonly proofAge?: Span;
  /** How long store and log may take, each; default 5 seconds. Then the call is denied. */
  readonly timeout?: Span;
}

/** The options, read and checked. */
export interface ReadOptions {
  readonly given: OpenGuardOptions;
  readonly trusted: Trusted;
  /** Undefined under an operator's configuration. */
  readonly find: FindTool | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  /** Seconds. */
  readonly proofAge: number | undefined;
}

const ORIGIN = /^https?:\/\/[^\s/?#@\\]+$/;

/** Reads the options; AmbitError `input_invalid` with everything that is missing or wrong, a line each. */
export function readGuardOptions(given: OpenGuardOptions): ReadOptions {
  const problems = new Problems();
  const { audience, trust, tools, origin } = given;
  if (typeof audience !== 'string' || !isName(audience))
    problems.add('audience', 'expected the name of this service, such as files.acme.com');
  const trusted = trustOf(trust, audience, problems);
  const configured = typeof trust === 'object' && trust !== null;
  if (configured && tools !== undefined)
    problems.add('tools', "the operator's configuration has them: leave one of the two out");
  if (!configured && (typeof tools !== 'object' || tools === null))
    problems.add(
      'tools',
      "expected what the service's tools touch, such as { 'files.read': { data: ['internal'] } }",
    );
  const find =
    configured || typeof tools !== 'object' || tools === null ? undefined : findIn(tools, problems);
  checkPlace(given, problems);
  if (origin !== undefined && !ORIGIN.test(origin)) problems.add('origin', 'expected https://host[:port]');
  const timeout = span(given.timeout, 'timeout', problems) ?? 5;
  const proofAge = span(given.proofAge, 'proofAge', problems);
  problems.done('openGuard');
  return { given, trusted, find, timeout: timeout * 1000, proofAge };
}

const NO_TRUST: Trusted = { keys: [], seals: [], federated: [], operator: null };

function trustOf(trust: Trust | undefined, audience: string, problems: Problems): Trusted {
  if (trust === undefined || trust === '') {
    problems.add(
      'trust',
      'expected the keys that `ambit keyring export` writes, their file, or { operator: FILE }',
    );
    return NO_TRUST;
  }
  const before = problems.count;
  const trusted = readTrust(trust, audience, problems);
  if (trusted.keys.length === 0 && trusted.federated.length === 0 && problems.count === before)
    problems.add('trust', 'it names nobody whose tokens could be verified');
  return trusted;
}

function checkPlace({ home, store, audit }: OpenGuardOptions, problems: Problems): void {
  if (home !== undefined) {
    if (store !== undefined || audit !== undefined)
      problems.add(
        'home',
        'it has a store and a log of its own: leave out `store` and `audit`, or leave out `home`',
      );
    return;
  }
  if (store === undefined && audit === undefined) {
    problems.add('home', 'expected a directory for state and log, or `store` and `audit`');
    return;
  }
  if (store === undefined) problems.add('store', "expected a store or its URL, such as 'redis://127.0.0.1'");
  if (typeof audit?.record !== 'function')
    problems.add('audit', 'expected a recorder; no tool runs unlogged');
}

function span(value: Span | undefined, field: string, problems: Problems): number | undefined {
  if (value === undefined) return undefined;
  const seconds = spanSeconds(value);
  if (seconds === null) problems.add(field, "expected a time span such as '30s', '5m' or seconds");
  return seconds ?? undefined;
}

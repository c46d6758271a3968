// The options of `openGuard`, checked before anything is opened: everything that is missing, wrong or misspelled is said
// at once. What can be told from the rest has a default: the audience from the keys, the origin from the audience.
import {
  createVerifier,
  isName,
  isToolPattern,
  ownOptions,
  Problems,
  spanSeconds,
  type Span,
} from '@ambit/core';
import type { Sink } from '@ambit/audit';
import type { Store } from '@ambit/state';
import { parseStoreUrl } from '@ambit/state/url';
import type { GuardOptions } from '../contract.ts';
import { originProblem } from '../http/origin.ts';
import { warnAtProblem } from '../warnings.ts';
import { checkNamed, findIn, type FindTool, type ListedTools } from './tools.ts';
import { readTrust, type Trust, type Trusted } from './trust.ts';

type Passed =
  | 'proceedOnFault'
  | 'watcher'
  | 'nowMs'
  | 'onDecision'
  | 'warnAt'
  | 'onWarning'
  | 'onFault'
  | 'telemetry'
  | 'personal';

/** Whom the service trusts and what its tools touch; what is left out has a default. */
export interface OpenGuardOptions extends Pick<GuardOptions, Passed> {
  readonly trust: Trust;
  /** The service's tools, by name or pattern; any other is refused. Not with an operator's configuration, which has them. */
  readonly tools?: ListedTools | undefined;
  /** The name of this service, as tokens and proofs have it; default the one that the keys in `trust` are for. */
  readonly audience?: string | undefined;
  /**
   * A directory for state, log and the key of proof sessions; made when it is not there. Default: the one that the
   * command line uses here, AMBIT_HOME or `.ambit`. Or `store` and `audit`. Another guard that has it is waited for, five
   * seconds; `onFault` is told for whom after one.
   */
  readonly home?: string | undefined;
  /** A store, or the URL of one (`openStore`): what is opened here is closed here, and nothing else. */
  readonly store?: string | Store | undefined;
  /** Takes every decision; with `store`. It stays open. */
  readonly audit?: Sink | undefined;
  /**
   * The origin at which clients reach the service, for HTTP: `https://host[:port]`, or `http://` where TLS is not used.
   * Default: the audience if it is an origin, else `https://AUDIENCE`.
   */
  readonly origin?: string | undefined;
  /**
   * Whether a token's session has to be open in the store. Default: only for the issuer whose home `home` is; of others
   * the revocation list says which sessions are closed.
   */
  readonly requireOpenSession?: boolean | undefined;
  /** Accept tokens that are bound to no key; default false. */
  readonly bearer?: boolean | undefined;
  /** Tool patterns for which a session proof is not enough. */
  readonly signedProofTools?: readonly string[] | undefined;
  /** How old a signed proof may be; default 60 seconds. */
  readonly proofAge?: Span | undefined;
  /** How long store and log may take, each; default 5 seconds. Then the call is denied. */
  readonly timeout?: Span | undefined;
}

// The compiler asks for a name that is added above.
const NAMES: Readonly<Record<keyof OpenGuardOptions, true>> = {
  trust: true,
  tools: true,
  audience: true,
  home: true,
  store: true,
  audit: true,
  origin: true,
  requireOpenSession: true,
  bearer: true,
  signedProofTools: true,
  proofAge: true,
  timeout: true,
  proceedOnFault: true,
  watcher: true,
  nowMs: true,
  onDecision: true,
  warnAt: true,
  onWarning: true,
  onFault: true,
  telemetry: true,
  personal: true,
};

/** The options, read and checked. */
export interface ReadOptions {
  readonly given: Partial<OpenGuardOptions>;
  readonly audience: string;
  readonly trusted: Trusted;
  /** Undefined under an operator's configuration. */
  readonly find: FindTool | undefined;
  /** Undefined where store and log are given. */
  readonly home: string | undefined;
  /** Undefined where the audience gives none and none was stated: then HTTP has no door. */
  readonly origin: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  /** Seconds. */
  readonly proofAge: number | undefined;
}

/** Reads the options; AmbitError `input_invalid` with everything that is missing or wrong, a line each. */
export function readGuardOptions(options: OpenGuardOptions): ReadOptions {
  const given = ownOptions(options);
  const problems = new Problems();
  problems.unknown(given, NAMES);
  const { tools } = given;
  const { audience, ...trusted } = trustOf(given, problems);
  const configured = typeof given.trust === 'object' && given.trust !== null;
  if (configured && tools !== undefined)
    problems.add('tools', "the operator's configuration has them: leave one of the two out");
  if (!configured && (typeof tools !== 'object' || tools === null))
    problems.add(
      'tools',
      "expected what the service's tools touch, such as { 'files.read': { data: ['internal'] } }",
    );
  const find =
    configured || typeof tools !== 'object' || tools === null ? undefined : findIn(tools, problems);
  const home = placeOf(given, problems);
  const origin = given.origin ?? originOf(audience);
  const wrong = given.origin === undefined ? null : originProblem(given.origin);
  if (wrong !== null) problems.add('origin', wrong);
  const timeout = span(given.timeout, 'timeout', problems) ?? 5;
  const proofAge = span(given.proofAge, 'proofAge', problems);
  checkKinds(given, problems);
  // What only a verifier finds, such as one key given twice; made to be thrown away, and before any home.
  if (problems.count === 0 && audience !== undefined)
    problems.attempt('trust', () => createVerifier({ audience, ...trusted }));
  problems.done('openGuard');
  return { given, audience: audience!, trusted, find, home, origin, timeout: timeout * 1000, proofAge };
}

const NO_TRUST: Trusted = { keys: [], seals: [], federated: [], operator: null };

function trustOf(
  { trust, audience }: Partial<OpenGuardOptions>,
  problems: Problems,
): Trusted & { readonly audience: string | undefined } {
  const named = typeof audience === 'string' && isName(audience);
  const wrong = audience !== undefined && !named;
  if (wrong) problems.add('audience', 'expected the name of this service, such as files.acme.com');
  if (trust === undefined || trust === '' || (typeof trust !== 'string' && typeof trust !== 'object')) {
    problems.add(
      'trust',
      'expected the keys that `ambit keyring export` writes, their file, or { operator: FILE }',
    );
    return { ...NO_TRUST, audience: named ? audience : undefined };
  }
  const before = problems.count;
  const trusted = readTrust(trust, named ? audience : undefined, problems);
  if (problems.count > before) return trusted;
  if (trusted.keys.length === 0 && trusted.federated.length === 0)
    problems.add('trust', 'it names nobody whose tokens could be verified');
  else if (trusted.audience === undefined && !wrong)
    problems.add('audience', 'expected the name of this service, for the keys in `trust` name none');
  return trusted;
}

// The directory, unless store and log are given.
function placeOf({ home, store, audit }: Partial<OpenGuardOptions>, problems: Problems): string | undefined {
  if (home !== undefined) {
    if (typeof home !== 'string' || home === '') problems.add('home', 'expected a directory');
    else if (store !== undefined || audit !== undefined)
      problems.add(
        'home',
        'it has a store and a log of its own: leave out `store` and `audit`, or leave out `home`',
      );
    return home;
  }
  // The same as the command line's, so that `ambit audit search` beside the service finds its log.
  if (store === undefined && audit === undefined) return process.env['AMBIT_HOME'] || '.ambit';
  if (typeof store === 'string' && store !== '') problems.attempt('store', () => parseStoreUrl(store));
  else if (typeof store !== 'object' || store === null)
    problems.add('store', "expected a store or its URL, such as 'redis://127.0.0.1'");
  if (typeof audit?.record !== 'function')
    problems.add('audit', 'expected a recorder; no tool runs unlogged');
  return undefined;
}

function originOf(audience: string | undefined): string | undefined {
  if (audience === undefined) return undefined;
  return [audience, `https://${audience}`].find((origin) => originProblem(origin) === null);
}

// What would fail later, or at the first call.
function checkKinds(given: Partial<OpenGuardOptions>, problems: Problems): void {
  for (const field of ['signedProofTools', 'proceedOnFault'] as const) {
    const list: unknown = given[field];
    if (
      list !== undefined &&
      !(Array.isArray(list) && list.every((t) => typeof t === 'string' && isToolPattern(t)))
    )
      problems.add(field, "expected tool names or patterns, such as ['mail.*']");
    // An operator's configuration has a word for tools that it does not name, so there any name may be right.
    else if (list !== undefined && typeof given.tools === 'object' && given.tools !== null)
      checkNamed(field, list, given.tools, problems);
  }
  for (const field of ['bearer', 'requireOpenSession'] as const)
    if (given[field] !== undefined && typeof given[field] !== 'boolean')
      problems.add(field, 'expected true or false');
  for (const field of ['nowMs', 'onDecision', 'onWarning', 'onFault', 'personal'] as const)
    if (given[field] !== undefined && typeof given[field] !== 'function')
      problems.add(field, 'expected a function');
  const percent = warnAtProblem(given.warnAt);
  if (percent !== null) problems.add('warnAt', percent);
  if (given.watcher !== undefined && typeof given.watcher?.refuse !== 'function')
    problems.add('watcher', 'expected an object with a function `refuse`');
}

function span(value: Span | undefined, field: string, problems: Problems): number | undefined {
  if (value === undefined) return undefined;
  const seconds = spanSeconds(value);
  if (seconds === null) problems.add(field, "expected a time span such as '30s', '5m' or seconds");
  return seconds ?? undefined;
}

// `ambit verify`: is the token genuine, is this its holder, and may this call run? In this order; and only what
// has passed everything else is charged to the home's state. Exit 0 allowed, 1 denied, 3 unverifiable, 4 no store.
import { CODES, type Call, type Denial, type SealKey } from '@ambit/core';
import type { Sink } from '@ambit/audit';
import { createGuard, type GuardOptions } from '@ambit/guard';
import type { Registration } from '@ambit/identity';
import type { Store } from '@ambit/state';
import type { Command } from 'commander';
import { account } from '../home/audit.ts';
import {
  addCallFlags,
  addFactFlags,
  factsOf,
  readCall,
  type CallFlags,
  type FactFlags,
} from '../flags/call.ts';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import { readText } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { decisionText, explanationRows, type VerifyResult } from '../show/decision.ts';
import { withState } from '../home/state.ts';
import { addAcceptFlags, verifierOf, type AcceptFlags } from '../home/verifier.ts';
import { toolNote } from '../tokens.ts';

/** Other commands may hold the log, each for a while. */
const LOG_WAIT_MS = 120_000;

interface VerifyFlags extends CallFlags, FactFlags, AcceptFlags {
  readonly proof?: string;
  readonly explain?: boolean;
}

export function define(command: Command, cli: Cli): void {
  command
    .argument('<token>', 'the token: a file, - or its text')
    .optionsGroup('What came with the call:')
    .option('--proof <file>', 'the proof');
  addCallFlags(command);
  addAcceptFlags(command);
  addFactFlags(command)
    .optionsGroup('How:')
    .option('--explain', 'show every check: passed, failed, not reached, and why')
    .addHelpText(
      'after',
      example(
        'ambit verify b.tok --proof b.proof --audience search.acme.com --tool web_search --args \'{"q":"macaroons"}\' --explain',
      ),
    )
    .action((source: string, flags: VerifyFlags) => run(cli, source, flags));
}

async function run(cli: Cli, source: string, flags: VerifyFlags): Promise<void> {
  const home = new Home(cli).require();
  const token = await readText(cli, 'the token', source);
  const proof = flags.proof === undefined ? undefined : await readText(cli, 'the proof', flags.proof);
  const call = await readCall(cli, flags, flags.audience);
  const verdict = await withState(home, (store) => decide(cli, home, store, { token, proof, call }, flags));
  const { decision } = verdict;
  cli.exit = decision.ok ? 0 : CODES[decision.code].exit;
  if (cli.quiet && !cli.json) return;
  cli.result(verdictJson(verdict, call.tool, flags.explain === true), () =>
    decisionText(cli, verdict, call.tool, flags.explain === true),
  );
  if (verdict.note !== null) cli.warn(verdict.note);
  if (!decision.ok) adviseOnClock(cli, decision);
}

interface Presented {
  readonly token: string;
  readonly proof: string | undefined;
  readonly call: Call;
}

// The guard of this home decides; here its answer becomes words.
async function decide(
  cli: Cli,
  home: Home,
  store: Store,
  presented: Presented,
  flags: VerifyFlags,
): Promise<VerifyResult> {
  const { token, call } = presented;
  const registration = home.configured
    ? (await import('../home/configuration.ts')).registrationIn(home)
    : null;
  const known = registration?.operator.facts(call.tool) ?? null;
  if (known !== null && flags.internal === true)
    throw usage('--internal: the configuration in force says whether a tool leaves your systems');
  const { data, external, bytes, address, flow } = factsOf(cli, flags, known ?? home.defaults);
  const { verifier, issuer } = await verifierOf(cli, home, store, flags, {
    ...(known?.signedProof === true ? { signedProofTools: [call.tool] } : {}),
    ...(registration === null ? {} : await sealsOf(registration)),
  });
  const log = sinkOf(cli, home);
  const guard = createGuard({
    verifier,
    store,
    audit: log,
    // Sessions live with their issuer; others learn of a closed one from the revocation list.
    requireOpenSession: (of) => of === issuer,
    identity: registration === null ? undefined : await identityOf(registration),
    tools: () => ({ external, data }),
    flow: { facts: () => flow },
    timeout: LOG_WAIT_MS,
    nowMs: () => cli.now * 1000,
  });
  // With a configuration the labels of the flags are added to its own.
  const answer = await guard.authorize({ ...presented, bytes, address, data: flags.data && data });
  if (answer.record === null) throw log.fault ?? new Failure('audit_unavailable', 'the log did not answer');
  const { view, ...explained } = guard.explain(answer);
  const genuine = explained.proof === null && view !== null;
  return {
    ...explained,
    decision: answer.ok ? { ok: true } : answer.denial,
    view: genuine ? null : view,
    note: genuine ? besides(token, call) : null,
    record: answer.record,
  };
}

async function identityOf(registration: Registration): Promise<NonNullable<GuardOptions['identity']>> {
  const { configuredEntitlements } = await import('@ambit/identity');
  const { operator } = registration;
  return { operators: new Map([[operator.id, registration]]), entitlements: configuredEntitlements };
}

// The home's log, which may be held by other commands for a while; why it took no record is kept for the message.
function sinkOf(cli: Cli, home: Home): Sink & { readonly fault: unknown } {
  let fault: unknown;
  return {
    get fault() {
      return fault;
    },
    record: async (draft) => {
      try {
        return { index: await account(cli, home, draft) };
      } catch (error) {
        fault = error;
        throw error;
      }
    },
  };
}

function verdictJson(
  { decision, view, proof, checks, note, layers, charges, record }: VerifyResult,
  tool: string,
  all: boolean,
): { readonly [field: string]: unknown } {
  const { ok, ...denial } = decision;
  const counters = charges?.counters ?? [];
  return {
    decision: ok ? 'allowed' : 'denied',
    tool,
    ...(ok
      ? { charges: counters.map(({ unit, amount, limit, caveat }) => ({ unit, amount, limit, caveat })) }
      : { ...denial, exit: CODES[decision.code].exit }),
    proof,
    token: view,
    ...(note === null ? {} : { note }),
    ...(layers.length === 0 ? {} : { layers }),
    ...(all ? { checks: explanationRows(decision, checks) } : {}),
    record,
  };
}

async function sealsOf(registration: Registration): Promise<{ readonly seals: readonly SealKey[] }> {
  const { verifierSeals } = await import('@ambit/identity');
  return { seals: verifierSeals(registration.operator.config).seals };
}

// The proof comes first and hides the rest. A genuine token that would not allow the call under any proof is worth
// a note to the operator of the service, who reads this output; the caller does not.
function besides(token: string, call: Call): string | null {
  const why = toolNote(token, call.tool);
  return why === null ? null : `and with any proof: ${why}`;
}

function adviseOnClock(cli: Cli, denial: Denial): void {
  const past = cli.stated && cli.now < Math.floor(Date.now() / 1000) - 60;
  if (!past || !['session_not_found', 'session_closed'].includes(denial.code)) return;
  cli.warn(
    '--at is in the past. If this home has been used at a later time, use a fresh AMBIT_HOME to replay earlier times.',
  );
}

// `ambit verify`: is the token genuine, is this its holder, and may this call run? In this order; and only what
// has passed everything else is charged to the home's state. Exit 0 allowed, 1 denied, 3 unverifiable, 4 no store.
import { CODES, effectiveAuthority, explain, matchTool, toBase64url } from '@ambit/core';
import type { Call, Denial, Facts, SealKey, VerifiedToken } from '@ambit/core';
import type { Draft } from '@ambit/audit';
import type { LayerAnswer, LayersAnswer, Registration } from '@ambit/identity';
import { createAuthorizer, type SyncStore } from '@ambit/state';
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
import { readText } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { decisionText, explanationRows, type VerifyResult } from '../show/decision.ts';
import { withState } from '../home/state.ts';
import { addAcceptFlags, verifierOf, type AcceptFlags } from '../home/verifier.ts';

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
  const registration = home.configured
    ? (await import('../home/configuration.ts')).registrationIn(home)
    : null;
  const known = registration?.operator.facts(call.tool) ?? null;
  const facts = factsOf(cli, flags, known ?? home.defaults);
  const verdict = await withState(home, async (store): Promise<VerifyResult> => {
    const { verifier, issuer } = await verifierOf(cli, home, store, flags, {
      ...(known?.signedProof === true ? { signedProofTools: [call.tool] } : {}),
      ...(registration === null ? {} : await sealsOf(registration)),
    });
    // Looked at once by itself, for what is shown: verifying claims nothing, so asking twice changes nothing.
    const shown = verifier.verify({ token, proof, call, now: cli.now });
    if (!shown.ok) {
      const found = verifier.identify(token);
      const genuine = found.ok ? found.token.view : null;
      const note = genuine === null ? null : besides(token, call);
      return { decision: shown, view: null, genuine, proof: null, checks: [], note, layers: [] };
    }
    const { view } = shown.token;
    const proved = {
      view,
      genuine: view,
      proof: shown.token.proof,
      checks: explain(shown.token, facts),
      note: null,
    };
    const layers = registration === null ? null : await askLayers(store, registration, shown.token, cli.now);
    if (layers?.ok === false) return { ...proved, decision: denialOf(layers), layers: layers.layers };
    // Sessions live with their issuer; others learn of a closed one from the revocation list.
    const proceed = known?.proceed === true ? [call.tool] : [];
    const authorizer = createAuthorizer({
      verifier,
      store,
      requireOpenSession: view.issuer === issuer,
      proceedOnFault: proceed,
    });
    const decision = await authorizer.authorize({ token, proof, call, facts });
    return { ...proved, decision, layers: layers?.layers ?? [] };
  });
  const { decision } = verdict;
  const record = await account(cli, home, await draftOf(token, call, facts, verdict));
  cli.exit = decision.ok ? 0 : CODES[decision.code].exit;
  if (cli.quiet && !cli.json) return;
  cli.result({ ...verdictJson(verdict, call.tool, flags.explain === true), record }, () =>
    decisionText(cli, verdict, call.tool, flags.explain === true),
  );
  if (verdict.note !== null) cli.warn(verdict.note);
  if (!decision.ok) adviseOnClock(cli, decision);
}

function verdictJson(
  { decision, view, proof, checks, note, layers }: VerifyResult,
  tool: string,
  all: boolean,
): { readonly [field: string]: unknown } {
  const { ok, ...denial } = decision;
  const charges = ok
    ? decision.charges.counters.map(({ unit, amount, limit, caveat }) => ({ unit, amount, limit, caveat }))
    : [];
  return {
    decision: ok ? 'allowed' : 'denied',
    tool,
    ...(ok ? { charges } : { ...denial, exit: CODES[decision.code].exit }),
    proof,
    token: view,
    ...(note === null ? {} : { note }),
    ...(layers.length === 0 ? {} : { layers }),
    ...(all ? { checks: explanationRows(decision, checks) } : {}),
  };
}

async function askLayers(
  store: SyncStore,
  registration: Registration,
  token: VerifiedToken,
  now: number,
): Promise<LayersAnswer> {
  const { checkLayers } = await import('@ambit/identity');
  const { layerContext } = await import('../home/configuration.ts');
  return checkLayers(token, await layerContext(store, registration, token.view, now), now);
}

async function sealsOf(registration: Registration): Promise<{ readonly seals: readonly SealKey[] }> {
  const { verifierSeals } = await import('@ambit/identity');
  return { seals: verifierSeals(registration.operator.config).seals };
}

const denialOf = ({ code, message }: Denial): Denial => ({ ok: false, code, message });

/** The decision as the log has it. Of a token that did not verify: its digest, its size, the key id it names. */
async function draftOf(token: string, call: Call, facts: Facts, v: VerifyResult): Promise<Draft> {
  const { fromToken, unverifiedToken } = await import('@ambit/audit');
  const { decision } = v;
  const { external, data } = facts;
  const denied = decision.ok
    ? {}
    : { reason: decision.message, ...(decision.caveat === undefined ? {} : { caveat: decision.caveat }) };
  return {
    kind: 'decision',
    code: decision.ok ? 'allowed' : decision.code,
    ...denied,
    ...(v.genuine === null ? { token: unverifiedToken(token) } : fromToken(v.genuine)),
    ...(v.genuine === null ? {} : { proof: v.proof ?? 'none' }),
    tool: {
      name: call.tool,
      ...(external === undefined ? {} : { external }),
      ...(data === undefined ? {} : { data }),
    },
    ...(v.layers.length === 0 ? {} : layersOf(v.layers)),
    args: { digest: toBase64url(call.args.digest()), bytes: call.args.canonical().length },
  };
}

function layersOf(layers: readonly LayerAnswer[]): Pick<Draft, 'allowed' | 'refused'> {
  const said = (answer: LayerAnswer['answer']): LayerAnswer['layer'][] =>
    layers.filter((l) => l.answer === answer).map((l) => l.layer);
  return { allowed: said('allowed'), refused: said('refused') };
}

// The proof comes first and hides the rest. A genuine token that would not allow the call under any proof is worth
// a note to the operator of the service, who reads this output; the caller does not.
function besides(token: string, call: Call): string | null {
  const { tools } = effectiveAuthority(token);
  if (tools.some((pattern) => matchTool(pattern, call.tool))) return null;
  return `and with any proof: this token does not allow ${call.tool}; it allows ${tools.length === 0 ? 'nothing' : tools.join(', ')}`;
}

function adviseOnClock(cli: Cli, denial: Denial): void {
  const past = cli.stated && cli.now < Math.floor(Date.now() / 1000) - 60;
  if (!past || !['session_not_found', 'session_closed'].includes(denial.code)) return;
  cli.warn(
    '--at is in the past. If this home has been used at a later time, use a fresh AMBIT_HOME to replay earlier times.',
  );
}

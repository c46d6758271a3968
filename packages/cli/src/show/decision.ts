// A decision as text: one line, and with `--explain` each check of the token with its outcome.
import { CODES, type Denial, type Explanation, type TokenView } from '@ambit/core';
import type { Explained } from '@ambit/guard';
import type { Cli, Tone } from '../cli.ts';

/** What became of one call. */
export interface VerifyResult extends Omit<Explained, 'view'> {
  readonly decision: { readonly ok: true } | Denial;
  /** Null when the token did not verify: nothing of it is known to be true. */
  readonly view: TokenView | null;
  /** What else would stand in the way. */
  readonly note: string | null;
  /** Index of the decision in the log. */
  readonly record: number;
}

/** What became of a check once the state had been asked. */
export type Became = 'passed' | 'failed' | 'charged' | 'not charged' | 'not reached' | 'not applicable';

/** One check. `caveat` is -1 for the grant. */
export interface CheckRow {
  readonly caveat: number;
  readonly check: string;
  readonly outcome: Became;
  readonly code: string | null;
  readonly detail: string | null;
}

/** Core's explanation, completed by what the state said. */
export function explanationRows(
  decision: VerifyResult['decision'],
  checks: readonly Explanation[],
): readonly CheckRow[] {
  const refused: Denial | null = decision.ok ? null : decision;
  // What core found passing and the state refused: the counter that had no room, named by its caveat.
  const stateful = checks.some((c) => c.outcome === 'failed') ? null : refused;
  return checks.map((c): CheckRow => {
    const base = { caveat: c.caveat, check: c.name };
    if (c.outcome === 'needs_ledger') {
      if (refused === null) return { ...base, outcome: 'charged', code: null, detail: c.detail ?? null };
      const mine =
        stateful?.caveat === c.caveat &&
        (stateful.code === 'budget_exceeded' || stateful.code === 'once_used');
      if (mine) return { ...base, outcome: 'failed', code: stateful.code, detail: stateful.message };
      return { ...base, outcome: 'not charged', code: null, detail: c.detail ?? null };
    }
    const outcome: Became =
      c.outcome === 'not_reached'
        ? 'not reached'
        : c.outcome === 'not_applicable'
          ? 'not applicable'
          : c.outcome;
    return { ...base, outcome, code: c.code ?? null, detail: c.detail ?? null };
  });
}

const TONES: Readonly<Record<Became, Tone>> = {
  passed: 'good',
  charged: 'good',
  failed: 'bad',
  'not charged': 'dim',
  'not reached': 'dim',
  'not applicable': 'dim',
};

/** The text that `ambit verify` prints. */
export function decisionText(cli: Cli, v: VerifyResult, tool: string, all: boolean): string {
  const { decision, view } = v;
  const who = view === null ? '' : ` for ${view.user}${byWhom(v)}`;
  const head = decision.ok
    ? `${cli.paint('good', 'allowed')}: ${tool}${who}`
    : `${cli.paint('bad', 'denied')}: ${decision.code}: ${decision.message}`;
  if (!all) return `${head}\n`;
  return `${[head, ...stages(cli, v), ...rows(cli, v)].join('\n')}\n`;
}

function byWhom({ view, proof }: VerifyResult): string {
  if (view === null || proof === null) return '';
  if (view.holder === null) return ' (bearer token: no holder to prove)';
  const last = view.chain.at(-1)?.label;
  return `, by ${last ?? 'the first holder'} (${proof} proof)`;
}

const line = (cli: Cli, name: string, outcome: Became, detail: string): string =>
  `  ${name.padEnd(24)} ${cli.paint(TONES[outcome], outcome.padEnd(13))} ${detail}`.trimEnd();

const checkName = (caveat: number, check: string): string =>
  `${(caveat < 0 ? 'grant' : `caveat ${caveat}`).padEnd(10)} ${check}`;

function stages(cli: Cli, { decision, view, proof }: VerifyResult): readonly string[] {
  if (view === null) {
    const denial = decision as Denial;
    const genuine = line(cli, 'token', 'passed', 'genuine');
    // A genuine token's times are asked before its proof (SPEC.md section 5).
    if (denial.code === 'expired' || denial.code === 'not_yet_valid') {
      return [
        genuine,
        line(cli, checkName(denial.caveat ?? -1, 'time'), 'failed', CODES[denial.code].sentence),
        line(cli, 'everything else', 'not reached', ''),
      ];
    }
    const what =
      denial.code.startsWith('proof_') ||
      denial.code.startsWith('ticket_') ||
      denial.code.startsWith('session_')
        ? 'proof'
        : 'token';
    return [
      ...(what === 'proof' ? [genuine] : []),
      line(cli, what, 'failed', CODES[denial.code].sentence),
      line(cli, 'everything else', 'not reached', ''),
    ];
  }
  const way =
    view.verifiedBy === 'mac'
      ? `by MAC, key ${view.keyId} of ${view.issuer}`
      : `by signatures, seal of ${view.issuer}`;
  const holders =
    view.chain.length <= 1
      ? ''
      : `, ${view.chain.length - 1} ${view.chain.length === 2 ? 'delegation' : 'delegations'}`;
  return [
    line(cli, 'token', 'passed', way + holders),
    line(
      cli,
      'proof',
      'passed',
      proof === 'bearer' ? 'none needed: a bearer token' : `${proof ?? ''}, by the current holder`,
    ),
  ];
}

function rows(cli: Cli, v: VerifyResult): readonly string[] {
  const { decision } = v;
  if (v.view === null) return [];
  const layers = v.layers.map((l) =>
    line(
      cli,
      `layer      ${l.layer}`,
      l.answer === 'allowed' ? 'passed' : l.answer === 'refused' ? 'failed' : 'not reached',
      l.message ?? l.who,
    ),
  );
  const shown = explanationRows(decision, v.checks).map((r) =>
    line(cli, checkName(r.caveat, r.check), r.outcome, r.detail ?? ''),
  );
  // Refusals other than the checks of the token: revocation, session, replay, the store itself.
  const failed =
    explanationRows(decision, v.checks).some((r) => r.outcome === 'failed') ||
    v.layers.some((l) => l.answer === 'refused');
  if (!decision.ok && !failed) shown.push(line(cli, 'state', 'failed', decision.message));
  return [...layers, ...shown];
}

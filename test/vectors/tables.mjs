// The tables of SPEC.md that are written from the code: limits, steps, codes. A number that changes there changes here,
// or the test that compares them fails.

/** `page` with what stands between the marks of `name` replaced by `text`. */
export function block(page, name, text) {
  const [open, close] = [`<!-- ${name}: written by test/vectors/generate.mjs -->`, `<!-- end of ${name} -->`];
  const from = page.indexOf(open);
  const to = page.indexOf(close);
  if (from < 0 || to < from) throw new Error(`SPEC.md: no place for ${name}`);
  return `${page.slice(0, from)}${open}\n${text}\n${page.slice(to)}`;
}

const table = (...rows) => {
  const [head, ...rest] = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return `\n${[head, `|${' --- |'.repeat(rows[0].length)}`, ...rest].join('\n')}\n`;
};
const n = (value) => value.toLocaleString('en-US');

/** Section 9: what a check costs. */
export function stepTable(s) {
  return table(
    ['what is asked', 'steps'],
    [
      'each argument that the caveat names, there or not; each constraint of `all`; each item under `each`',
      `${s.constraint} (the last two before any of them is checked)`,
    ],
    [
      'equals, oneOf, when the value is an object or a list',
      `${s.compared}, and ${s.member} for it and for every object and list in it, and ${s.member} for each of their names or items; once for all values of a oneOf. (A value whose canonical text is longer than 1024 bytes equals none)`,
    ],
    ['length of a text', 'n'],
    [
      'pattern of m code units',
      `${s.pattern} + ${s.unit} m + (${s.state} + n + 1 + min(n + 1, ${s.tabled})) x states`,
    ],
    ['subpath', `${s.text} + ${s.ascii} n (${s.folded} n when the value is not ASCII) + ${s.rule} x roots`],
    [
      'url',
      `${s.text} + ${s.ascii} n, or with paths ${s.path} n (with paths, and \`%\` in the value, ${s.folded} n), + ${s.rule} x (hosts + paths)`,
    ],
    ['cidr', `${s.address} + ${s.network} x networks`],
    ['email', `${s.mail} x (min(n, ${s.mailLength}) + domains)`],
    ['all else', '0'],
  );
}

/** Section 10: all limits and defaults. */
export function limitTable(l, d) {
  const rows = [
    ['limit', 'is'],
    ['a token', `${n(l.tokenBytes)} bytes`],
    ['caveats of a token', n(l.caveats)],
    ['a proof; a ticket', `${n(l.proofBytes)} bytes; ${n(l.ticketBytes)} bytes`],
    ['nesting of CBOR', n(l.cborDepth)],
    ['a text; a name, a tool, a label', `${n(l.textBytes)} bytes; ${n(l.nameBytes)}`],
    ['items of a list', n(l.listItems)],
    ['arguments; their nesting', `${n(l.argumentBytes)} bytes; ${n(l.argumentDepth)}`],
    ['*after the MAC or the signatures*', ''],
    ['delegations of a token', n(l.delegations)],
    ['budget entries of a token', n(l.counters)],
    ['states of a pattern', n(l.patternStates)],
    ['steps of the constraints of one call', n(l.checkSteps)],
    ['*what a verifier may set, and has otherwise*', ''],
    ['age of a proof', `${d.proofAge} s`],
    ['skew', `${d.skew} s`],
    ['life of a ticket (not to be set)', `${d.ticketLife} s`],
    ['numbers of a session ahead and behind (not to be set)', n(d.sessionWindow)],
    ['open sessions of one holder; of one grant; in all', `${d.sessionsPerHolder}; ${d.sessionsPerRoot}; ${n(d.sessions)}`],
  ]; // prettier-ignore
  return table(...rows);
}

/** Codes that a decision, its transport or its state may end with, in the order in which they can come up. */
export const DECISION_CODES = [
  'token_missing', 'method_not_allowed', 'request_too_large', 'request_timeout',
  'tool_invalid', 'arguments_invalid', 'request_invalid',
  'token_invalid', 'wrong_audience', 'key_retired', 'delegation_invalid', 'delegation_exceeded', 'seal_invalid', 'seal_required', 'bearer_refused',
  'not_yet_valid', 'expired',
  'proof_missing', 'proof_invalid', 'proof_expired', 'proof_signature_required', 'session_unknown', 'ticket_invalid', 'ticket_expired', 'session_limit', 'replayed',
  'tool_not_granted', 'tool_denied', 'data_unknown', 'data_refused', 'audience_refused', 'argument_refused', 'fact_missing', 'http_refused', 'net_refused', 'flow_refused', 'approval_required',
  'budget_amount', 'budget_exceeded', 'once_used', 'ledger_required',
  'revoked', 'revocations_stale', 'session_not_found', 'session_closed', 'store_unavailable', 'store_full', 'store_corrupt',
]; // prettier-ignore

/** Section 10: codes with their HTTP status. */
export function codeTable(codes) {
  const byStatus = new Map();
  for (const code of DECISION_CODES) {
    const { status } = codes[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${code}\``]);
  }
  const rows = [...byStatus].sort(([a], [b]) => a - b).map(([status, names]) => [status, names.join(' ')]);
  return table(['HTTP', 'codes'], ...rows);
}

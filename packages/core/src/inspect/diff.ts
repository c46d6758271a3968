// The difference between the authority of two tokens, subject by subject: `-` lost, `~` narrowed, `=` kept, `+`
// gained. A descendant of a token can never show a `+`.
import { coversTools, intersectTools, matchLabel } from '../patterns.ts';
import type { Caveat } from '../caveats/index.ts';
import { CAVEATS } from '../caveats/index.ts';
import { budgetWords } from '../token/budget.ts';
import { effectiveAuthority, type Authority } from './authority.ts';
import type { Inspection } from './inspect.ts';

/** One line of a difference. */
export interface DiffRow {
  readonly mark: '=' | '~' | '-' | '+';
  readonly subject: Caveat['type'] | 'tool' | 'not before' | 'expires' | 'delegations' | 'holder';
  /** What it was; null when there was none. */
  readonly before: string | null;
  /** What it is; null if absent. */
  readonly after: string | null;
}

type Subject = DiffRow['subject'];

/** The rows from `a` to `b` (token texts or inspections). Throws AmbitError `input_invalid`. */
export function diff(a: string | Inspection, b: string | Inspection): readonly DiffRow[] {
  const x = effectiveAuthority(a);
  const y = effectiveAuthority(b);
  return [
    ...tools(x.tools, y.tools),
    ...labels(x.data, y.data),
    ...limits('deny', x.deny, y.deny),
    ...audiences(x.audiences, y.audiences),
    ...limits('budget', x.budgets.map(budgetWords), y.budgets.map(budgetWords)),
    ...CAVEATS.flatMap(({ type }) => limits(type, textsOf(x, type), textsOf(y, type))),
    ...moment('not before', x.notBefore, y.notBefore, -1),
    ...moment('expires', x.expires, y.expires, 1),
    ...amount(x.delegationsLeft, y.delegationsLeft),
    ...holder(x.holder, y.holder),
  ]; // prettier-ignore
}

const textsOf = (a: Authority, type: Caveat['type']): readonly string[] => [
  ...new Set(a.limits.filter((limit) => limit.type === type).map((limit) => limit.text)),
];

// What is allowed: losing is narrower, gaining is wider.
function tools(a: readonly string[], b: readonly string[]): DiffRow[] {
  const rows: DiffRow[] = a.map((t) => {
    if (coversTools(b, [t])) return { mark: '=', subject: 'tool', before: t, after: t };
    const rest = intersectTools([t], b);
    return rest.length === 0
      ? { mark: '-', subject: 'tool', before: t, after: null }
      : { mark: '~', subject: 'tool', before: t, after: rest.join(', ') };
  });
  for (const t of b)
    if (!coversTools(a, [t])) rows.push({ mark: '+', subject: 'tool', before: null, after: t });
  return rows;
}

function labels(a: readonly string[], b: readonly string[]): DiffRow[] {
  const covers = (scopes: readonly string[], label: string): boolean =>
    scopes.some((s) => matchLabel(s, label));
  const rows: DiffRow[] = a.map((label) => {
    if (covers(b, label)) return { mark: '=', subject: 'data', before: label, after: label };
    const rest = b.filter((l) => matchLabel(label, l));
    return rest.length === 0
      ? { mark: '-', subject: 'data', before: label, after: null }
      : { mark: '~', subject: 'data', before: label, after: rest.join(', ') };
  });
  for (const l of b) if (!covers(a, l)) rows.push({ mark: '+', subject: 'data', before: null, after: l });
  return rows;
}

// What limits: gaining one is narrower, losing one is wider.
function limits(subject: Subject, a: readonly string[], b: readonly string[]): DiffRow[] {
  return [
    ...a.map((text): DiffRow =>
      b.includes(text)
        ? { mark: '=', subject, before: text, after: text }
        : { mark: '+', subject, before: text, after: null },
    ),
    ...b
      .filter((t) => !a.includes(t))
      .map((text): DiffRow => ({ mark: '~', subject, before: null, after: text })),
  ];
}

function audiences(a: readonly string[] | null, b: readonly string[] | null): DiffRow[] {
  const words = (list: readonly string[] | null): string => list?.join(', ') ?? "any of the issuer's domain";
  if (a === null && b === null) return [];
  const before = words(a);
  const after = words(b);
  if (before === after) return [{ mark: '=', subject: 'audience', before, after }];
  const narrower = b !== null && (a === null || b.every((x) => a.includes(x)));
  return [{ mark: narrower ? '~' : '+', subject: 'audience', before, after }];
}

function moment(
  subject: 'not before' | 'expires',
  a: number | null,
  b: number | null,
  sign: 1 | -1,
): DiffRow[] {
  if (a === null && b === null) return [];
  const text = (t: number | null): string | null =>
    t === null ? null : new Date(t * 1000).toISOString().replace('.000Z', 'Z');
  if (a === b) return [{ mark: '=', subject, before: text(a), after: text(b) }];
  const narrower = sign === 1 ? b! < a! : b !== null && (a === null || b > a);
  return [{ mark: narrower ? '~' : '+', subject, before: text(a), after: text(b) }];
}

function amount(a: number, b: number): DiffRow[] {
  if (a === 0 && b === 0) return [];
  const mark = a === b ? '=' : b < a ? '~' : '+';
  return [{ mark, subject: 'delegations', before: `${a} left`, after: `${b} left` }];
}

function holder(a: string | null, b: string | null): DiffRow[] {
  const before = a ?? 'bearer';
  const after = b ?? 'bearer';
  if (a === b) return [{ mark: '=', subject: 'holder', before, after }];
  return [{ mark: b === null ? '+' : '~', subject: 'holder', before, after }];
}

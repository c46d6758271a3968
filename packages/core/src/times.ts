// Times as people write them in options: a span is `90s`, `15m`, `2h`, `7d` or whole seconds; an end is a span from
// now, or a `Date`. One reading for every front door and for the command line.

/** `'15m'`, or whole seconds. */
export type Span = string | number;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const SPAN = /^([1-9]\d{0,8})(s|m|h|d)$/;

/** Whole seconds of a span, at least 1; null for anything else. */
export function spanSeconds(span: Span): number | null {
  if (typeof span === 'number') return Number.isSafeInteger(span) && span > 0 ? span : null;
  const m = typeof span === 'string' ? SPAN.exec(span) : null;
  return m === null ? null : Number(m[1]) * UNITS[m[2]!]!;
}

/** Seconds from `now` (Unix seconds) to an end: a span, or a `Date` after `now`; null for anything else. */
export function secondsUntil(end: Span | Date, now: number): number | null {
  if (!(end instanceof Date)) return spanSeconds(end);
  const seconds = Math.floor(end.getTime() / 1000) - now;
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : null;
}

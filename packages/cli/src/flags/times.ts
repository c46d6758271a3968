// Times as people write them: `15m` from now, or RFC 3339 with its zone. Shown in UTC, with the distance from now.
import { spanSeconds } from '@ambit/core';
import { usage } from '../failure.ts';

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))$/;
const FORMS = 'as 15m, 2h or 7d from now, or RFC 3339 such as 2026-03-01T14:05:00Z';

/** Seconds of a duration; Failure that names the field. */
export function parseDuration(field: string, text: string): number {
  const seconds = spanSeconds(text);
  if (seconds === null)
    throw usage(`${field}: expected a time span such as 90s, 15m, 2h or 7d, got "${text}"`);
  return seconds;
}

/** Unix seconds of an RFC 3339 time; null if invalid. Leap seconds count as the second before. */
export function rfc3339(text: string): number | null {
  const m = RFC3339.exec(text);
  if (m === null) return null;
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, Math.min(second, 59));
  const at = new Date(ms);
  // Date.UTC rolls 30 February over into March: such a date is invalid.
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60)
    return null;
  const [oh, om] = [Number(m[8] ?? 0), Number(m[9] ?? 0)];
  if (oh > 23 || om > 59) return null;
  const seconds = ms / 1000 - (m[7] === '-' ? -1 : 1) * (oh * 3600 + om * 60);
  return seconds >= 0 ? seconds : null;
}

/** Unix seconds of a time as people write it; Failure that names the field. */
export function parseTime(field: string, text: string, now: number): number {
  const span = spanSeconds(text);
  const at = span === null ? rfc3339(text) : now + span;
  if (at === null) throw usage(`${field}: expected a time ${FORMS}, got "${text}"`);
  return at;
}

/** `2026-03-01T14:05:00Z`. A number no calendar has is shown as it is. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace('.000Z', 'Z');
}

/** `90 s`, `15 min`, `2 h`, `7 days`. */
function spanText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** `in 15 min`, `25 min ago`, `now`. */
export function fromNow(seconds: number, now: number): string {
  const d = seconds - now;
  return d === 0 ? 'now' : d > 0 ? `in ${spanText(d)}` : `${spanText(-d)} ago`;
}

// No secret of a known shape gets into the log (attack A4, law L12). Texts from outside are scrubbed: what looks like a secret is
// replaced by its kind, so that hostile input can neither plant a secret nor make its own refusal unrecordable
// (A5). Then the finished bytes are scanned, and a record in which anything is left is refused.
import { AmbitError, foldText, nativeSha256, own, toHex } from '../core.ts';
import type { Draft } from './record.ts';
import { SCHEMA, type Form } from './schema.ts';
import { UNPRINTABLE } from './write.ts';

/** Prefixes of texts that are secret: tokens, secret keys, proofs. Evidence (`ambe1_`) and public keys are not. */
const PREFIXES = ['amb1_', 'ambsec_', 'ambp1_'];

/** Anything that begins like one of ours, or like a secret that other systems hand out, up to the next delimiter. */
const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ['ambit', /amb(?:1|sec|p1)_[^\s"'<>,;]*/giu],
  ['private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/gu],
  ['private key', /PRIVATE\+KEY\+[^\s"']*/gu],
  ['private key', /AGE-SECRET-KEY-1[A-Z0-9]*/giu],
  ['private key', /"(?:d|k|p|q|dp|dq|qi)"\s*:\s*"[A-Za-z0-9_-]{16,}"/gu],
  ['key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/gu],
  [
    'key',
    /\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|sk_live_|rk_live_|npm_|AIza)[A-Za-z0-9_-]{16,}/gu,
  ],
  ['credentials', /\b(?:Bearer|Basic|MAC|DPoP)\s+[A-Za-z0-9+/=_.~-]{8,}/giu],
  ['credentials', /(?<=:\/\/)[^\s/?#@]*:[^\s/?#@]*(?=@)/gu],
  [
    'credentials',
    /(?<=[?&;](?:access_token|api_?key|auth|key|passwo?r?d|pwd|secret|sig|signature|token)=)[^&#\s]+/giu,
  ],
];

/** A character of base64url. */
const isBase64url = (c: number): boolean =>
  (c >= 0x30 && c <= 0x39) || ((c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a) || c === 0x2d || c === 0x5f;

function runEnd(text: string, start: number): number {
  let i = start;
  while (i < text.length && isBase64url(text.charCodeAt(i))) i++;
  return i;
}

/** Marks JSON web tokens, `eyJ....x.y`. A scan: an expression would try each `eyJ` of a run to the run's end (K2). */
function withoutJwts(text: string): string {
  let out = '';
  let from = 0;
  for (let at = text.indexOf('eyJ'); at >= 0; at = text.indexOf('eyJ', from)) {
    const head = runEnd(text, at);
    let end = head;
    if (head - at >= 11 && text.charCodeAt(head) === 0x2e) {
      const body = runEnd(text, head + 1);
      if (text.charCodeAt(body) === 0x2e) {
        end = runEnd(text, body + 1);
        out += text.slice(from, at) + mark('token', text.slice(at, end));
        from = end;
        continue;
      }
    }
    out += text.slice(from, end);
    from = end;
  }
  return out + text.slice(from);
}

/** The shape of 32 bytes or more of key material: a long run that mixes cases and digits, or a run of hexadecimal. */
const SHAPES = /[A-Za-z0-9_+/-]{40,}={0,2}|[0-9a-fA-F]{32,}/gu;
const mixed = (run: string): boolean =>
  /^[0-9a-fA-F]+$/.test(run) || (/[a-z]/.test(run) && /[A-Z]/.test(run) && /[0-9]/.test(run));

/** The base64 that any alignment of `text` in a longer one must contain. */
function base64Cores(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + text).toString('base64url');
    const whole = Math.floor(((shift + text.length) * 8) / 6);
    return encoded.slice(Math.ceil((shift * 8) / 6), whole);
  });
}
const HIDDEN = PREFIXES.flatMap((prefix) => [
  ...base64Cores(prefix).filter((core) => core.length >= 5),
  Buffer.from(prefix).toString('hex'),
]);

/** The text as a reader with less care would see it: escapes undone, look-alikes folded, invisible characters gone. */
function unfold(text: string): string {
  let out = text;
  for (let i = 0; i < 3; i++) {
    const next = out
      .replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      .replaceAll(/\\u\{?([0-9a-fA-F]{2,6})\}?/g, (_, hex: string) => codePoint(Number.parseInt(hex, 16)))
      .replaceAll(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      .replaceAll(/&#(x?)([0-9a-fA-F]{1,6});/g, (_, x: string, n: string) =>
        codePoint(Number.parseInt(n, x === '' ? 10 : 16)),
      );
    if (next === out) break;
    out = next;
  }
  return foldText(out)
    .replaceAll(/[\p{Cf}\p{Cc}\p{Z}\p{M}]/gu, '')
    .toLowerCase();
}
const codePoint = (n: number): string => (n <= 0x10ffff ? String.fromCodePoint(n) : '');

const mark = (kind: string, secret: string): string =>
  `[${kind}, ${secret.length} characters, ${toHex(nativeSha256(Buffer.from(secret)).subarray(0, 4))}]`;

/** A quick no for the common case: none of the patterns can match without one of these. */
const SUSPECT =
  /amb|key|eyj|akia|asia|gh[pousr]_|github_pat|glpat|xox|sk[-_]|rk_|npm_|aiza|bearer|basic|mac\s|dpop|@|[?&;]|"|%|\\|&#|[^\x20-\x7e]|[A-Za-z0-9_+/-]{28,}/iu;

/** The text without secrets. `free` text loses runs that have the shape of key material as well. */
export function scrubText(text: string, free: boolean): string {
  if (!SUSPECT.test(text)) return text;
  let out = withoutJwts(text);
  for (const [kind, pattern] of PATTERNS) out = out.replaceAll(pattern, (secret) => mark(kind, secret));
  if (free) out = out.replaceAll(SHAPES, (run) => (mixed(run) ? mark('key material', run) : run));
  // Disguised: there is no telling where it ends, so the whole text goes.
  const plain = unfold(out);
  const disguised =
    PREFIXES.some((prefix) => plain.includes(prefix)) || /privatekey-----|private\+key\+/.test(plain);
  return disguised || HIDDEN.some((core) => out.includes(core) || plain.includes(core.toLowerCase()))
    ? mark('disguised secret', text)
    : out;
}

/** The text without characters that a field refuses, cut to the bytes it holds. */
function fit(text: string, max: number): string {
  const printable = UNPRINTABLE.test(text) ? text.replaceAll(ALL_UNPRINTABLE, '\ufffd') : text;
  if (printable.length * 3 <= max || Buffer.byteLength(printable) <= max) return printable;
  const cut = Buffer.from(printable)
    .subarray(0, max - 3)
    .toString('utf8');
  return `${cut.replace(/\ufffd+$/, '')}\u2026`;
}
const ALL_UNPRINTABLE = new RegExp(UNPRINTABLE.source, 'gu');

type TextForm = Extract<Form, { is: 'text' }>;

function walk(value: unknown, form: Form, change: (text: string, form: TextForm) => string): unknown {
  if (form.is === 'text') return typeof value === 'string' ? change(value, form) : value;
  if (form.is === 'list') {
    return Array.isArray(value)
      ? value.slice(0, form.max).map((item: unknown) => walk(item, form.of, change))
      : value;
  }
  if (form.is !== 'map' || typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = { ...value };
  for (const { name, form: inner } of form.fields) {
    if (out[name] !== undefined) out[name] = walk(out[name], inner, change);
  }
  return out;
}

/** Texts known to be clean, since most of a record's are those of the record before; `free` ones apart. */
const clean = { free: new Set<string>(), plain: new Set<string>() };
/** Texts of a set: a record has about forty. */
const CLEAN_TEXTS = 8192;
/** The longest text kept, in characters: with their number it bounds a set at 4 MiB, or 8 beyond Latin-1. */
const CLEAN_LENGTH = 512;

function isClean(text: string, { free, max }: TextForm): boolean {
  const known = free ? clean.free : clean.plain;
  const short = text.length <= CLEAN_LENGTH && text.length * 3 <= max;
  if (short && known.has(text)) return true;
  if (scrubText(text, free) !== text || fit(text, max) !== text) return false;
  if (!short) return true;
  if (known.size >= CLEAN_TEXTS) known.clear();
  // A caller's text may be a slice of its whole message.
  known.add(own(text));
  return true;
}

/** Whether nothing in `value` has to change. */
function isFit(value: unknown, form: Form): boolean {
  if (form.is === 'text') return typeof value !== 'string' || isClean(value, form);
  if (form.is === 'list') {
    if (!Array.isArray(value)) return true;
    return value.length <= form.max && (value as readonly unknown[]).every((item) => isFit(item, form.of));
  }
  if (form.is !== 'map' || typeof value !== 'object' || value === null) return true;
  const object = value as Readonly<Record<string, unknown>>;
  for (const { name, form: inner } of form.fields) {
    const item = object[name];
    if (item !== undefined && !isFit(item, inner)) return false;
  }
  return true;
}

/** The draft with every text scrubbed and cut to what its field holds; `scrubbed` is set when something was changed. */
export function scrub(draft: Draft): Draft {
  if (isFit(draft, SCHEMA)) return draft;
  const out = walk(draft, SCHEMA, (text, { free, max }) => fit(scrubText(text, free), max));
  // Texts were replaced by texts and lists cut: the shape is the draft's own.
  return { ...(out as Draft), scrubbed: true };
}

const NEEDLES = [...PREFIXES, 'PRIVATE KEY', 'PRIVATE+KEY+', 'AGE-SECRET-KEY-'].map((text) =>
  Buffer.from(text),
);

/** The last line: throws AmbitError `audit_refused` when finished bytes hold a secret. The message does not repeat it. */
export function refuseSecrets(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (NEEDLES.some((needle) => buffer.includes(needle))) {
    throw new AmbitError('audit_refused', 'The record holds what looks like a secret; it was not written.');
  }
}

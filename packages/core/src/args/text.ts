// Text for people, and what a text may not hold. A denial may quote a caller's text, so what is quoted is cut
// and made printable: no terminal escape, no line break, no bidirectional override reaches a log (attack G9).

/** Whether every surrogate of `text` is paired (ECMAScript isWellFormed, which es2023 does not type). */
export function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if ((c & 0xf800) !== 0xd800) continue;
    if (c > 0xdbff || (text.charCodeAt(i + 1) & 0xfc00) !== 0xdc00) return false;
    i++;
  }
  return true;
}

/** Bytes of `text` in UTF-8; a lone surrogate counts three, as the replacement character would. */
export function utf8Length(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    // A pair is two units and four bytes: one more for each half.
    if (c > 0x7f) n += c > 0x7ff && !isPairHalf(text, i, c) ? 2 : 1;
  }
  return n;
}

function isPairHalf(text: string, i: number, c: number): boolean {
  if ((c & 0xf800) !== 0xd800) return false;
  return c < 0xdc00
    ? (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00
    : (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
}

/**
 * Whether a code point draws nothing or changes how its neighbors are drawn or compared: controls, line and
 * paragraph separators, bidirectional controls, and the default-ignorable ones (Unicode DerivedCoreProperties),
 * which HFS+ skips when it compares names, so that `.<ZWJ>.` is `..` there.
 */
export function isInvisible(c: number): boolean {
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return true;
  if (c < 0x34f) return c === 0xad;
  return (
    c === 0x34f ||
    c === 0x61c ||
    c === 0x115f ||
    c === 0x1160 ||
    c === 0x17b4 ||
    c === 0x17b5 ||
    (c >= 0x180b && c <= 0x180f) ||
    (c >= 0x200b && c <= 0x200f) ||
    (c >= 0x2028 && c <= 0x202e) ||
    (c >= 0x2060 && c <= 0x206f) ||
    c === 0x3164 ||
    (c >= 0xfe00 && c <= 0xfe0f) ||
    c === 0xfeff ||
    c === 0xffa0 ||
    (c >= 0xfff0 && c <= 0xfffb) ||
    (c >= 0x1bca0 && c <= 0x1bca3) ||
    (c >= 0x1d173 && c <= 0x1d17a) ||
    (c >= 0xe0000 && c <= 0xe0fff)
  );
}

/** `text`, cut to `max` code units and never between the halves of a pair. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = (text.charCodeAt(max) & 0xfc00) === 0xdc00 ? max - 1 : max;
  return `${text.slice(0, end)}...`;
}

/** `text`, cut to `max` code units; what is invisible or unpaired becomes `?`. */
export function printable(text: string, max = 64): string {
  let out = '';
  for (const char of cut(text, max)) {
    const c = char.codePointAt(0) ?? 0;
    out += isInvisible(c) || (c & 0x1ff800) === 0xd800 ? '?' : char;
  }
  return out;
}

/** A printable text in double quotes, without any inside: for names that a caller chose. */
export function quote(text: string, max = 64): string {
  return `"${printable(text, max).replaceAll('"', '?')}"`;
}

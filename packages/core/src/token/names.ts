// Names that travel into logs, store keys and headers: issuers, audiences, key ids, sessions, users, labels.
// They are bounded, non-empty and hold no control characters or line separators, so that no name can forge a
// line of a log or a header (attacks D7, G7).
import { isInvisible } from '../args/text.ts';
import { utf8 } from '../bytes.ts';
import { AmbitError } from '../codes.ts';
import { LIMITS } from '../limits.ts';

const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\p{Bidi_Control}]/u;

/**
 * Whether `text` is a valid name: 1 to 256 bytes of UTF-8 without control, line-separator or bidi-control
 * characters.
 */
export function isName(text: string): boolean {
  if (text.length === 0 || text.length > LIMITS.nameBytes) return false;
  if (isPlainAscii(text)) return true;
  // Two names that look the same in a log or a table must be the same name.
  if (UNPRINTABLE.test(text) || hasInvisible(text)) return false;
  return text.length * 3 <= LIMITS.nameBytes || utf8(text).length <= LIMITS.nameBytes;
}

function hasInvisible(text: string): boolean {
  for (const char of text) if (isInvisible(char.codePointAt(0)!)) return true;
  return false;
}

// The common case without a regular expression: verification checks about eight names a token.
function isPlainAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

/** `text` if it is a name; otherwise AmbitError `input_invalid` that names the field. */
export function requireName(field: string, text: unknown): string {
  if (typeof text !== 'string' || !isName(text)) {
    throw new AmbitError(
      'input_invalid',
      `${field}: expected 1 to ${LIMITS.nameBytes} printable characters.`,
    );
  }
  return text;
}

/** Free text for people (notes): up to 1024 bytes, the same characters. */
export function isNote(text: string): boolean {
  if (text.length === 0 || text.length > LIMITS.textBytes) return false;
  return isPlainAscii(text) || (!UNPRINTABLE.test(text) && utf8(text).length <= LIMITS.textBytes);
}

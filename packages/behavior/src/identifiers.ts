// Finds what can be a destination or a handle in text: mail addresses, URLs and bare domains, IBANs, phone
// numbers, paths, UUIDs, crypto addresses, long numbers. One pass over the text, split at white space and
// brackets, so that the cost is linear and no regular expression ever sees more than one token (attack C7:
// every pattern below is anchored and runs on a token of at most 512 characters).
import { foldText } from '@ambit/core';

/** What an identifier is. `name` is a short text without a shape of its own (a person, a channel, a title). */
export type IdentifierKind =
  'email' | 'url' | 'iban' | 'phone' | 'path' | 'uuid' | 'crypto' | 'number' | 'code' | 'name';

/** An identifier in the form in which two spellings of one address are equal. */
export interface Identifier {
  readonly kind: IdentifierKind;
  /** Normalized: see `normalise`. */
  readonly value: string;
}

const TOKEN_LENGTH = 512;
const EMAIL = /^[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}$/i;
const DOMAIN = /^(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?::\d{1,5})?(?:[/?#].*)?$/i;
const IBAN = /^[A-Z]{2}\d{2}[A-Z0-9]{10,30}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const CRYPTO = /^(?:0x[0-9a-f]{40}|bc1[a-z0-9]{25,60}|[13][a-km-zA-HJ-NP-Z1-9]{25,34})$/;
const PHONE = /^\+?\(?\d[\d().-]{6,18}\d$/;
const PATH = /^(?:[A-Za-z]:\\|\.{0,2}\/|~\/)[^\s]{1,255}$/;
const FILE =
  /^[A-Za-z0-9_-]{1,100}\.(?:txt|pdf|docx?|xlsx?|csv|md|json|ya?ml|pptx?|zip|png|jpe?g|html?|log|eml)$/i;
/** Passport numbers, keys, vouchers: letters and at least three digits in one word. */
const CODE = /^(?=(?:[A-Za-z_-]*\d){3})(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_-]{6,128}$/;
const NUMBER = /^\d{6,34}$/;
/** Groups of an IBAN or a card number that people write with spaces. */
const GROUP = /^[A-Z0-9]{1,4}$/;
const IBAN_HEAD = /^[A-Z]{2}\d{2}[A-Z0-9]{0,4}$/;

/** Code units at which a token ends: white space, quotes, brackets, separators. */
const ENDS: Uint8Array = (() => {
  const table = new Uint8Array(128);
  for (const character of ' \t\n\r\f\v"\'`<>()[]{}|,;*\\') table[character.charCodeAt(0)] = 1;
  return table;
})();

const AMOUNT = /^[-+]?[$\u20ac\u00a3]?\d{1,12}(?:[.,]\d{1,4})?[$\u20ac\u00a3%]?$/;

/** Calls `found` for each number of a text that can be an amount: `98.70` and `$98.7` are the same `98.7`. */
export const amounts = (text: string, found: (amount: number) => void): void => {
  for (const match of text.matchAll(/[-+$\u20ac\u00a3]{0,2}\d[\d.,]{0,16}[$\u20ac\u00a3%]?/g)) {
    const token = match[0].replace(/(?<![.,])[.,]+$/, '').replace(/,(?=\d{3}(?:\D|$))/g, '');
    if (AMOUNT.test(token)) found(Math.abs(Number(token.replace(/[^\d.,]/g, '').replace(',', '.'))));
  }
};

/** A URL without scheme, `www.`, default port, trailing slash and case of the host; path and query are kept. */
const bareUrl = (text: string): string => {
  const rest = text.replace(/^[a-z][a-z0-9+.-]{0,20}:\/\//i, '').replace(/^www\./i, '');
  const cut = rest.search(/[/?#]/);
  const host = (cut < 0 ? rest : rest.slice(0, cut))
    .toLowerCase()
    .replace(/:(?:80|443)$/, '')
    .replace(/\.$/, '');
  const path = cut < 0 ? '' : rest.slice(cut);
  return path === '/' ? host : host + path.replace(/\/$/, '');
};

const classify = (token: string): Identifier | undefined => {
  const at = token.indexOf('@');
  if (at > 0) {
    const address = token.startsWith('mailto:') ? token.slice(7) : token;
    return EMAIL.test(address) ? { kind: 'email', value: address.toLowerCase() } : undefined;
  }
  if (token.includes('://')) return { kind: 'url', value: bareUrl(token) };
  const first = token.charCodeAt(0);
  const digit = first >= 48 && first <= 57;
  if (digit || first === 43) {
    if (NUMBER.test(token)) return { kind: 'number', value: token };
    if (UUID.test(token)) return { kind: 'uuid', value: token.toLowerCase() };
    if (CRYPTO.test(token)) return { kind: 'crypto', value: token };
    // Dates and decimals look like phone numbers with few digits; eight digits are asked for.
    if (PHONE.test(token) && !/^\d{1,4}[-.]\d{1,2}[-.]\d{1,4}$/.test(token)) {
      const digits = token.replace(/\D/g, '');
      // Card numbers have 13 to 19 digits, telephone numbers at most 15 with their plus sign (E.164).
      if (digits.length >= 13 && first !== 43) return { kind: 'number', value: digits };
      if (digits.length >= 8) return { kind: 'phone', value: digits };
    }
  }
  if (IBAN.test(token)) return { kind: 'iban', value: token };
  if (FILE.test(token) || PATH.test(token)) return { kind: 'path', value: token.toLowerCase() };
  if (token.includes('.') && DOMAIN.test(token)) return { kind: 'url', value: bareUrl(token) };
  if (token.length >= 26 && (CRYPTO.test(token) || UUID.test(token))) {
    return token.includes('-')
      ? { kind: 'uuid', value: token.toLowerCase() }
      : { kind: 'crypto', value: token };
  }
  return CODE.test(token) && !/^\d{4}-\d{2}-\d{2}/.test(token) ? { kind: 'code', value: token } : undefined;
};

/**
 * Calls `found` for each identifier of `text`, in order, with the offset where its token starts. Cost: one pass.
 * Tokens above 512 characters are skipped: no destination is that long, and what isn't found counts as unnamed.
 */
export const identifiers = (text: string, found: (identifier: Identifier, offset: number) => void): void => {
  const source = foldText(text);
  const length = source.length;
  let i = 0;
  while (i < length) {
    let code = source.charCodeAt(i);
    if (code < 128 && ENDS[code] === 1) {
      i += 1;
      continue;
    }
    const start = i;
    // Only tokens with a digit, a dot, a colon, a slash or an at sign can be anything; the rest is words.
    let hint = false;
    while (i < length) {
      code = source.charCodeAt(i);
      if (code < 128) {
        if (ENDS[code] === 1) break;
        if ((code >= 46 && code <= 58) || code === 64) hint = true;
      }
      i += 1;
    }
    if (!hint || i - start < 4 || i - start > TOKEN_LENGTH) continue;
    let end = i;
    while (end > start && '.,:;!?'.includes(source.charAt(end - 1))) end -= 1;
    const token = source.slice(start, end);
    const identifier = classify(token) ?? afterColon(token);
    if (identifier !== undefined) {
      found(identifier, start);
      // "see www.example.com.They sent": a sentence that begins without a blank is no top-level domain.
      const glued = /^(.*[a-z0-9])\.[A-Z][a-z]*$/.exec(token)?.[1];
      const before = glued === undefined ? undefined : classify(glued);
      if (before !== undefined) found(before, start);
    } else if (IBAN_HEAD.test(token)) {
      const joined = joinGroups(source, start, end);
      if (joined !== undefined) {
        found({ kind: 'iban', value: joined.value }, start);
        i = joined.end;
      }
    }
  }
};

/** `mail:someone@example.com`, `to=DE89...`: what follows the last colon or equals sign. */
const afterColon = (token: string): Identifier | undefined => {
  if (token.includes('://')) return undefined;
  const cut = Math.max(token.lastIndexOf(':'), token.lastIndexOf('='));
  return cut > 0 && cut < token.length - 4 ? classify(token.slice(cut + 1)) : undefined;
};

/** Joins `GB29 NWBK 6016 1331 9268 19`: at most nine groups of up to four characters. */
const joinGroups = (
  source: string,
  start: number,
  end: number,
): { value: string; end: number } | undefined => {
  let value = source.slice(start, end);
  let at = end;
  for (let group = 0; group < 9 && source.charAt(at) === ' '; group += 1) {
    let stop = at + 1;
    while (stop < source.length && stop - at <= 5 && /[A-Z0-9]/.test(source.charAt(stop))) stop += 1;
    const next = source.slice(at + 1, stop);
    if (!GROUP.test(next)) break;
    value += next;
    at = stop;
  }
  return IBAN.test(value) ? { value, end: at } : undefined;
};

/**
 * The one form of a value that is compared: the identifier's own form if the whole text is one, else the text in
 * lower case with runs of white space as one blank and quotes around it removed.
 */
export const normalise = (text: string): Identifier => {
  const trimmed = foldText(text)
    .trim()
    .replace(/[.,:;!?]{1,3}$/, '');
  if (trimmed.length <= TOKEN_LENGTH) {
    const identifier =
      classify(trimmed) ?? (IBAN.test(trimmed.replaceAll(' ', '')) ? iban(trimmed) : undefined);
    if (identifier !== undefined) return identifier;
  }
  return {
    kind: 'name',
    value: trimmed
      .toLowerCase()
      .replace(/\s+/g, ' ')
      .replace(/^["'#@]+|(?<!["'.!])["'.!]+$/g, ''),
  };
};

const iban = (text: string): Identifier => ({ kind: 'iban', value: text.replaceAll(' ', '') });

/** The host of a normalized URL or the domain of a mail address; undefined for other kinds. */
export const domainOf = (identifier: Identifier): string | undefined => {
  if (identifier.kind === 'email') return identifier.value.slice(identifier.value.indexOf('@') + 1);
  if (identifier.kind !== 'url') return undefined;
  const cut = identifier.value.search(/[/?#:]/);
  return cut < 0 ? identifier.value : identifier.value.slice(0, cut);
};

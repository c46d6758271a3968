// More cases of whole tokens: what mutants of an independent verifier lived through, and what they had to guess.
// Codes are written by hand, as in generate.mjs, whose helpers come in.
import { encodeCbor } from '@ambit/core';

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Cases of whole tokens. */
export function tokenMutants({ tok, raw, remac, base, NOW }) {
  // Step 3: a grant for another audience, so that what is let pass says wrong_audience.
  const text = (t) => encodeCbor(t);
  const [issuer, user, other, keyId] = ['acme-iam', 'u', 'mail.acme.com', 'k1'].map(text);
  const map = (count, ...pairs) =>
    Uint8Array.from([0xb8, count, ...pairs.flatMap(([k, v]) => [...encodeCbor(k), ...v])]);
  const few = (...pairs) => Uint8Array.from([0xa0 | pairs.length, ...map(0, ...pairs).subarray(2)]);
  const skim = (name, description, item, expect) =>
    tok(`selectors: ${name}`, description, remac([item]), expect);
  const broken = bytes('62c0af');
  skim('an issuer that is not UTF-8', 'The three texts are well-formed.', few([1, broken], [3, other], [-1, keyId]), 'token_invalid'); // prettier-ignore
  skim('an audience that is not UTF-8', 'The three texts are well-formed.', few([1, issuer], [3, broken], [-1, keyId]), 'token_invalid'); // prettier-ignore
  skim('a key id that is not UTF-8', 'The three texts are well-formed.', few([1, issuer], [3, other], [-1, broken]), 'token_invalid'); // prettier-ignore
  skim('a map whose keys are lists', 'Keys in values may be of any type.', few([1, issuer], [2, bytes('a28000f600')], [3, other], [-1, keyId]), 'wrong_audience'); // prettier-ignore
  const pairs = [[1, issuer], [2, user], [3, other], [-1, keyId], [-2, new Uint8Array(50 - 4 - 9 - 2 - 14 - 3 - 1)]]; // prettier-ignore
  skim('a count of half the bytes that are left', 'A pair takes two: 25 in 50 bytes.', map(25, ...pairs), 'wrong_audience'); // prettier-ignore
  skim('a count beyond half the bytes that are left', 'A pair takes two: 26 in 50 bytes.', map(26, ...pairs), 'token_invalid'); // prettier-ignore

  const caveat = (name, description, c, expect) => tok(name, description, raw(base, c), expect);
  caveat('time that ends where it begins', 'Legal; what it allows is asked later.', [1, [NOW, NOW]], 'ok');
  caveat('time that ends before it begins', 'Legal; it never holds.', [1, [NOW, 0]], 'ok');
  caveat('http path with an escaped star', 'Compared as it is written.', [11, [['GET'], ['/a%2a', '/%2A/*']]], 'ok'); // prettier-ignore
  for (const path of ['/a*', '/a*b', '/*/b', '/a*/*', '*'])
    caveat(`malformed: http path ${path}`, 'A star ends a pattern, behind /.', [11, [['GET'], [path]]], 'token_invalid'); // prettier-ignore

  // The values of constraints go by the rules for arguments.
  const inArgs = (c) => raw(base, [5, [['x'], new Map([['q', c]]), false]]);
  const deep = (n) => `${'['.repeat(n)}${']'.repeat(n)}`;
  tok('constraint: equals a list 32 deep', 'As deep as arguments may be.', inArgs([1, deep(32)]), 'ok');
  for (const [name, value] of [
    ['a list 33 deep', deep(33)],
    ['__proto__', '{"__proto__":1}'],
    ['-0', '-0'],
    ['2^53', '9007199254740992'],
    ['a lone surrogate', '"\\ud800"'],
  ])
    tok(`constraint: equals ${name}`, 'What arguments may not be, no value is.', inArgs([1, value]), 'token_invalid'); // prettier-ignore
}

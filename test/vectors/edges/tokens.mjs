// More cases of whole tokens: limits and one beyond, what is read before the MAC, several faults in one step.
// Codes are written by hand, as in generate.mjs, whose helpers come in: what an independent verifier could get wrong.
import { encodeCbor, decodeCbor, fromBase64url } from '@ambit/core';

const many = (n, item) => Array.from({ length: n }, (_, i) => item(i));

/** Cases of whole tokens. */
export function tokenEdges({ tok, raw, remac, parts, mapBut, base, bearer, ab, standard, signed }) {
  const grant = (name, description, change, expect, verifier) =>
    tok(name, description, remac([mapBut(change)]), expect, verifier);
  const budget = (pool, tools, argument = null) => [argument === null ? 1 : 4, 9, 0, argument, pool, tools];
  grant(
    'two budgets without a pool',
    'Entries that name no pool may be alike in all but their tools, or in all.',
    (m) =>
      m.set(-8, [
        budget(null, ['web_search']),
        budget(null, ['mail/send']),
        budget(null, null),
        budget(null, null),
      ]),
    'ok',
  );
  grant(
    'one pool twice',
    'One call would be charged to one counter twice.',
    (m) => m.set(-8, [budget('p', ['a']), budget('p', ['b'])]),
    'token_invalid',
  );
  grant(
    'two pools',
    'Well-formed; the seal is missing.',
    (m) => m.set(-8, [budget('p', null), budget('q', null)]),
    ['seal_required', -1],
  );
  grant(
    'a pool, a bearer token, no seal',
    'Bearer tokens come first.',
    (m) => (m.set(-8, [budget('p', null)]), m.delete(8), m.delete(-9)),
    'bearer_refused',
  );
  grant(
    'a pool, a bearer token, no seal; bearer tokens are taken',
    'Then the pool.',
    (m) => (m.set(-8, [budget('p', null)]), m.delete(8), m.delete(-9)),
    ['seal_required', -1],
    { ...standard, bearer: true },
  );
  grant(
    'a bearer token where a seal is demanded',
    'The seal comes first.',
    (m) => (m.delete(8), m.delete(-9)),
    'seal_required',
    { ...standard, requireSeal: true },
  );
  grant(
    'a user with an invisible character',
    'Two users that look the same.',
    (m) => m.set(2, 'a\u200bb'),
    'token_invalid',
  );
  grant(
    'a user with U+FFF9',
    'Not default-ignorable, and invisible.',
    (m) => m.set(2, 'a\ufff9b'),
    'token_invalid',
  );
  grant('a user of 256 bytes', 'In two-byte characters.', (m) => m.set(2, '\u00e9'.repeat(128)), 'ok');
  grant('a user of 257 bytes', 'One more.', (m) => m.set(2, `${'\u00e9'.repeat(128)}a`), 'token_invalid');
  grant('16 delegations', 'The most.', (m) => m.set(-9, 16), 'ok');
  grant('a holder key that is no point', 'Not asked before a signature.', (m) => m.set(8, new Map([[1, new Map([[1, 1], [-1, 6], [-2, new Uint8Array(32).fill(0xff)]])]])), 'ok'); // prettier-ignore
  grant(
    '256 tools',
    'The longest list.',
    (m) =>
      m.set(
        -5,
        many(256, (i) => `t${i}`),
      ),
    'ok',
  );
  grant(
    '257 tools',
    'One more.',
    (m) =>
      m.set(
        -5,
        many(257, (i) => `t${i}`),
      ),
    'token_invalid',
  );

  // Step 3: what is read of a grant before its MAC, and what is not.
  const other = (change) => (m) => (m.set(3, 'mail.acme.com'), change(m));
  const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
  const text = (t) => encodeCbor(t);
  const map = (...pairs) =>
    Uint8Array.from([0xa0 | pairs.length, ...pairs.flatMap(([k, v]) => [...encodeCbor(k), ...v])]);
  const selectors = (user, ...rest) =>
    map([1, text('acme-iam')], [2, user], [3, text('mail.acme.com')], [-1, text('k1')], ...rest);
  const skim = (name, description, item, expect) =>
    tok(`selectors: ${name}`, description, remac([item]), expect);
  skim(
    'all else missing',
    'Another audience is told apart before anything else is read.',
    selectors(text('u')),
    'wrong_audience',
  );
  skim(
    'a user that is not UTF-8',
    'Contents of texts are not looked at.',
    selectors(bytes('62c0af')),
    'wrong_audience',
  );
  skim(
    'rubbish after the key id',
    'What follows key -1 is not looked at.',
    selectors(text('u'), [-2, bytes('ff')]),
    'wrong_audience',
  );
  skim(
    'a map with repeated keys',
    'Keys within values are not looked at.',
    selectors(bytes('a201000100')),
    'wrong_audience',
  );
  skim('a user of 1025 bytes', 'Lengths are.', selectors(encodeCborText(1025)), 'token_invalid');
  skim('a user that is a float', 'Nor is there one in a value.', selectors(bytes('f93c00')), 'token_invalid');
  skim(
    'a user nested nine deep',
    'Eight are let pass.',
    selectors(bytes('818181818181818180')),
    'token_invalid',
  );
  skim(
    'a user nested eight deep',
    'Not a name, but not looked at.',
    selectors(bytes('8181818181818180')),
    'wrong_audience',
  );
  skim('a key twice', 'Keys go up.', map([1, text('acme-iam')], [2, text('u')], [2, text('u')], [3, text('mail.acme.com')], [-1, text('k1')]), 'token_invalid'); // prettier-ignore
  skim('keys out of order', 'Keys go up.', map([2, text('u')], [1, text('acme-iam')], [3, text('mail.acme.com')], [-1, text('k1')]), 'token_invalid'); // prettier-ignore
  skim('a text for a key', 'Keys are integers.', map([1, text('acme-iam')], ['a', text('u')], [-1, text('k1')]), 'token_invalid'); // prettier-ignore
  skim('an issuer of 257 bytes', 'The three texts are at most 256.', map([1, text('x'.repeat(257))], [3, text('mail.acme.com')], [-1, text('k1')]), 'token_invalid'); // prettier-ignore
  skim('an issuer that is no name', 'Its characters are not looked at.', map([1, text('a\u0007')], [3, text('mail.acme.com')], [-1, text('k1')]), 'wrong_audience'); // prettier-ignore
  skim(
    'no key id',
    'It has to be there.',
    map([1, text('acme-iam')], [3, text('mail.acme.com')]),
    'token_invalid',
  );
  tok(
    'selectors: another audience, a whole grant',
    'For comparison.',
    remac([mapBut(other(() => {}))]),
    'wrong_audience',
  );

  // Sizes.
  const path = (n, end = '') => [11, [['GET'], [`/${'x'.repeat(n - 1 - end.length)}${end}`]]];
  const caveat = (name, description, c, expect) => tok(name, description, raw(base, c), expect);
  caveat('http path of 257 bytes', 'Paths may be longer than names.', path(257), 'ok');
  caveat('http path of 1024 bytes', 'The longest.', path(1024), 'ok');
  caveat('http path of 1025 bytes', 'One more.', path(1025), 'token_invalid');
  caveat('http path pattern of 1024 bytes', 'The longest, its star included.', path(1024, '/*'), 'ok');
  caveat('http path pattern of 1025 bytes', 'One more.', path(1025, '/*'), 'token_invalid');
  caveat('audience of 256 bytes', 'The longest name.', [2, ['x'.repeat(256)]], 'ok');
  caveat('audience of 257 bytes', 'One more.', [2, ['x'.repeat(257)]], 'token_invalid');
  caveat('tool pattern of 256 characters', 'Its star included.', [3, [`${'x'.repeat(255)}*`]], 'ok');
  caveat(
    'tool pattern of 257 characters',
    'Its star included.',
    [3, [`${'x'.repeat(256)}*`]],
    'token_invalid',
  );
  caveat(
    '256 arguments',
    'The most in one caveat.',
    [5, [['*'], new Map(many(256, (i) => [`a${i}`, [11]])), false]],
    'ok',
  );
  caveat(
    '257 arguments',
    'One more.',
    [5, [['*'], new Map(many(257, (i) => [`a${i}`, [11]])), false]],
    'token_invalid',
  );
  caveat('256 networks', 'The longest list.', [12, many(256, () => '10.0.0.0/8')], 'ok');
  caveat('257 networks', 'One more.', [12, many(257, () => '10.0.0.0/8')], 'token_invalid');
  caveat('note of 1024 bytes', 'The longest.', [14, '\u00e9'.repeat(512)], 'ok');
  caveat('note of 1025 bytes', 'One more.', [14, `${'\u00e9'.repeat(512)}a`], 'token_invalid');
  caveat('largest numbers', 'In a budget.', [7, [[4, 2 ** 53 - 1, 2 ** 53 - 1, 'n', null, null]]], 'ok');
  caveat('16 budget entries', 'The most.', [7, many(16, () => budget(null, null))], 'ok');
  // Bytes of a token: notes fill it up to the last byte.
  const sizeOf = (t) => fromBase64url(t, 5).length;
  let full = raw(base, ...many(15, () => [14, 'x'.repeat(1000)]));
  const rest = 16_384 - sizeOf(full);
  const filler = (n) => [14, 'x'.repeat(n)];
  full = raw(base, ...many(15, () => filler(1000)), filler(rest - 10));
  const exact = raw(base, ...many(15, () => filler(1000)), filler(rest - 10 + (16_384 - sizeOf(full))));
  if (sizeOf(exact) !== 16_384) throw new Error(`a token of ${sizeOf(exact)} bytes`);
  tok('a token of 16,384 bytes', 'The longest.', exact, 'ok');
  tok('a token of 16,385 bytes', 'One more.', raw(base, ...many(15, () => filler(1000)), filler(rest - 9 + (16_384 - sizeOf(full)))), 'token_invalid'); // prettier-ignore
  tok('128 caveats', 'The most.', raw(base, ...many(128, () => [13, null])), 'ok');

  // Several faults in one step: one check after the other, over the whole chain.
  const [g, , link] = parts(ab).items;
  const seal = parts(signed).items[1];
  const badLink = encodeCbor([9, [decodeCbor(link).value[1][0], new Uint8Array(64).fill(1)]]);
  const faults = (name, description, items, expect, verifier) =>
    tok(`two faults: ${name}`, description, remac(items), expect, verifier);
  faults('bearer with delegations, and two seals', 'Bearer first.', [parts(bearer).items[0], link, seal, seal], 'delegation_invalid', { ...standard, bearer: true }); // prettier-ignore
  faults('too many delegations, a key twice, two seals', 'The number first.', [mapBut((m) => m.delete(-9)), link, link, seal, seal], 'delegation_exceeded'); // prettier-ignore
  faults('a seal out of place in front of a key twice', 'The keys first, wherever they stand.', [g, seal, seal, link, link], 'delegation_invalid'); // prettier-ignore
  faults('a bad signature in front of a second seal', 'Structure before signatures.', [g, badLink, seal], 'seal_invalid'); // prettier-ignore
  faults('17 budget entries and a key twice', 'The limits are of step 8.', [g, link, link, ...many(17, () => encodeCbor([7, [budget(null, null)]]))], 'token_invalid'); // prettier-ignore
  faults('a malformed caveat under a retired key', 'The key first.', [g, encodeCbor([16, null])], 'key_retired', { ...standard, keys: standard.keys.map((k) => ({ ...k, retired: true })) }); // prettier-ignore

  // Constraints, behind a right MAC.
  const inArgs = (c) => raw(base, [5, [['x'], new Map([['q', c]]), false]]);
  const deep = (n) => (n === 0 ? [5, 'a'] : [10, deep(n - 1)]);
  const sound = [
    ['nested four deep', deep(3)],
    ['a value of 1024 bytes', [1, `"${'x'.repeat(1022)}"`]],
    ['256 values', [2, ...many(256, (i) => `${i}`)]],
    ['a range of fractions', [3, '-0.5', '1e-7']],
    ['a range from an integer to a fraction', [3, -1, '0.5']],
    ['a list that repeats itself', [7, ['https', 'https'], ['a.b', 'a.b'], [443, 443], ['/', '/']]],
    ['a subpath of 1024 bytes', [6, `/${'x'.repeat(1023)}`]],
    ['an IPv6 literal', [7, null, ['[::ffff:102:304]'], null, null]],
    ['a network with a dotted tail', [8, '::ffff:1.2.3.0/120']],
    ['a pattern of 1024 states', [5, 'a{1022}']],
  ];
  for (const [name, c] of sound) tok(`constraint: ${name}`, 'Well-formed.', inArgs(c), 'ok');
  const malformed = [
    ['nothing', []], ['null', null], ['a name for a number', ['equals', '1']], ['number 0', [0]],
    ['equals nothing', [1]], ['equals two', [1, '1', '1']], ['equals what is no JSON', [1, 'x']], ['equals a value that is no text', [1, 1]],
    ['equals names out of order', [1, '{"b":1,"a":2}']], ['equals with white space', [1, ' 1']], ['equals 1.0', [1, '1.0']], ['equals a repeated name', [1, '{"a":1,"a":1}']], ['equals an escaped letter', [1, '"\\u0061"']],
    ['oneOf nothing', [2]], ['257 values', [2, ...many(257, (i) => `${i}`)]],
    ['a range without bounds', [3, null, null]], ['a range that ends before it begins', [3, 2, 1]], ['a range with one operand', [3, 1]], ['an integer as text', [3, '5', null]], ['a range of text', [3, '"x"', null]], ['a range from true', [3, true, null]], ['a fraction not as RFC 8785 has it', [3, '0.50', null]],
    ['a length without bounds', [4, null, null]], ['a negative length', [4, -1, null]], ['a length of a half', [4, '0.5', null]], ['a length that ends before it begins', [4, 2, 1]],
    ['no pattern', [5]], ['a pattern that is no text', [5, 1]], ['a pattern of 1025 states', [5, 'a{1023}']], ['a pattern with an anchor', [5, '^a']], ['a pattern with \\_', [5, '\\_']], ['a pattern with [\\d-z]', [5, '[\\d-z]']],
    ['no root', [6]], ['a root with a slash at its end', [6, '/a/']], ['a relative root', [6, 'a']], ['a root with a dot segment', [6, '/a/../b']], ['a root with U+00BD', [6, '/\u00bd']],
    ['another scheme', [7, ['ftp'], ['a.b'], null, null]], ['no scheme', [7, [], ['a.b'], null, null]], ['no host', [7, null, [], null, null]], ['hosts null', [7, null, null, null, null]], ['a host in upper case', [7, null, ['A.b'], null, null]], ['a wildcard over one label', [7, null, ['*.com'], null, null]], ['an address with a dotted tail', [7, null, ['[::ffff:1.2.3.4]'], null, null]], ['port 0', [7, null, ['a.b'], [0], null]], ['port 65536', [7, null, ['a.b'], [65536], null]], ['no port', [7, null, ['a.b'], [], null]], ['a relative path', [7, null, ['a.b'], null, ['a']]], ['a path beyond ASCII', [7, null, ['a.b'], null, ['/\u00e9']]], ['a url with three operands', [7, null, ['a.b'], null]],
    ['no network', [8]], ['bits below the prefix', [8, '10.0.0.1/8']], ['a prefix with a leading zero', [8, '10.0.0.0/08']], ['a prefix of 33', [8, '10.0.0.0/33']], ['an address alone', [8, '10.0.0.0']],
    ['no domain', [9]], ['any domain', [9, '*']], ['a domain of one label', [9, 'acme']], ['a literal for a domain', [9, '10.0.0.1']],
    ['each of nothing', [10]], ['each of two', [10, [5, 'a'], [5, 'a']]], ['nested five deep', deep(4)],
    ['absent with an operand', [11, null]], ['all of one', [12, [5, 'a']]], ['all with absent', [12, [5, 'a'], [11]]], ['257 of all', [12, ...many(257, () => [5, 'a'])]],
  ]; // prettier-ignore
  for (const [name, c] of malformed) tok(`constraint: ${name}`, 'Malformed.', inArgs(c), 'token_invalid');
}

const encodeCborText = (n) => Uint8Array.from([0x79, n >> 8, n & 255, ...Buffer.from('x'.repeat(n))]);

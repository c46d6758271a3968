// C5: one bare address, in a form no mail program reads as another recipient.
import { describe, expect, it } from 'vitest';
import { compileConstraint, encodeConstraint } from '../src/args/index.ts';

const exact = compileConstraint({ kind: 'email', domains: ['acme.com'] });
const below = compileConstraint({ kind: 'email', domains: ['*.acme.com'] });

describe('C5 e-mail addresses', () => {
  it.each([
    'jane@acme.com',
    'jane.doe@acme.com',
    'jane+tag@acme.com',
    "o'brien@acme.com",
    'j_d-1@ACME.com',
    '0@acme.com',
    'a=b~c&d@acme.com',
    `${'a'.repeat(64)}@acme.com`,
  ])('%s passes', (value) => {
    expect(exact(value)).toBe(null);
  });

  it.each<[string, unknown[]]>([
    [
      'prefix and suffix spoofing',
      [
        'jane@acme.com.evil.org',
        'jane@evilacme.com',
        'jane@evil-acme.com',
        'jane@acme.co',
        'jane@acme.comx',
        'jane@sub.acme.com',
        'acme.com@evil.org',
        'jane@acmexcom',
        'jane@com',
        'jane@acme',
        'jane@xn--acme-.com',
        'jane@аcme.com',
        'jane@acme。com',
        'jane@ａcme.com',
      ],
    ],
    [
      'several at signs',
      [
        'jane@evil.org@acme.com',
        'jane@acme.com@evil.org',
        '@acme.com',
        'jane@',
        '@',
        'jane',
        '',
        '@@acme.com',
        'jane@@acme.com',
        '@evil.org:jane@acme.com',
      ],
    ],
    [
      'display names and angle brackets',
      [
        'Jane <jane@acme.com>',
        '<jane@acme.com>',
        'jane@acme.com <jane@evil.org>',
        '"jane@acme.com" <jane@evil.org>',
        'jane@evil.org <jane@acme.com>',
        '<jane@evil.org>jane@acme.com',
        'mailto:jane@acme.com',
        'jane@acme.com>',
      ],
    ],
    [
      'comments and quotes',
      [
        'jane(comment)@acme.com',
        'jane@(evil.org)acme.com',
        'jane@acme.com(evil.org)',
        '"jane"@acme.com',
        '"jane@evil.org"@acme.com',
        '"jane doe"@acme.com',
        '"jane\\"@evil.org"@acme.com',
        "'jane'@evil.org,@acme.com",
        'jane\\@evil.org@acme.com',
      ],
    ],
    [
      'several recipients',
      [
        'jane@acme.com,joe@evil.org',
        'joe@evil.org,jane@acme.com',
        'jane@acme.com;joe@evil.org',
        'jane@acme.com joe@evil.org',
        'a,jane@acme.com',
        'joe@evil.org, jane@acme.com',
        'team:jane@acme.com;',
        'jane@acme.com\tjoe@evil.org',
        'jane@acme.com|joe@evil.org',
        ['jane@acme.com'],
        ['jane@acme.com', 'joe@evil.org'],
      ],
    ],
    [
      'newlines and controls',
      [
        'jane@acme.com\n',
        'jane@acme.com\r\nBcc: joe@evil.org',
        'jane@acme.com\nBcc:joe@evil.org',
        '\njane@acme.com',
        'ja\nne@acme.com',
        'jane@acme.com\0',
        'jane\0@acme.com',
        'jane@acme.com\u2028x',
        'jane@acme.com%0aBcc:joe@evil.org',
        'jane@acme.com\u0085',
        ' jane@acme.com',
        'jane@acme.com ',
        'jane @acme.com',
        'jane@ acme.com',
      ],
    ],
    [
      'routing and encoded words',
      [
        'jane%evil.org@acme.com',
        'evil.org!jane@acme.com',
        '=?utf-8?q?joe=40evil.org=3e?=@acme.com',
        '=?x?q?joe=40evil.org?=foo@acme.com',
        '@evil.org,@x.org:jane@acme.com',
        'jane/evil@acme.com',
        '|cmd@acme.com',
        '$(id)@acme.com',
        '`id`@acme.com',
        '{jane,joe}@acme.com',
        '*@acme.com',
        '#jane@acme.com',
        '^@acme.com',
      ],
    ],
    ['options of a command line', ['-oQ/tmp@acme.com', '-bs@acme.com', '--help@acme.com']],
    [
      'dots',
      [
        '.jane@acme.com',
        'jane.@acme.com',
        'ja..ne@acme.com',
        'jane@acme.com.',
        'jane@.acme.com',
        'jane@acme..com',
        '.@acme.com',
      ],
    ],
    ['address literals', ['jane@[127.0.0.1]', 'jane@127.0.0.1', 'jane@[IPv6:::1]', 'jane@2130706433']],
    [
      'non-ASCII',
      [
        'jané@acme.com',
        'jane@acmé.com',
        'jane＠acme.com',
        'jane﹫acme.com',
        'ｊane@acme.com',
        'jane\u200d@acme.com',
        'jane@acme.com\u200b',
        'ſ@acme.com',
      ],
    ],
    ['lengths', [`${'a'.repeat(65)}@acme.com`, `a@${'a.'.repeat(130)}acme.com`]],
    ['other types', [null, 1, true, { a: 1 }, undefined]],
  ])('%s are refused', (_, values) => {
    for (const value of values) {
      expect([value, exact(value as never)]).toEqual([value, 'must be one bare e-mail address at acme.com']);
      expect(below(value as never) === null).toBe(value === 'jane@sub.acme.com');
    }
  });

  it('every character of ASCII in the local part, inside and in front', () => {
    for (let c = 0; c < 0x80; c++) {
      const char = String.fromCharCode(c);
      const inside = /[A-Za-z0-9._+'=~&-]/.test(char);
      expect([char, exact(`x${char}y@acme.com`) === null]).toEqual([char, inside]);
      expect([char, exact(`${char}y@acme.com`) === null]).toEqual([char, inside && char !== '.' && char !== '-']);
      expect([char, exact(`x${char}@acme.com`) === null]).toEqual([char, inside && char !== '.']);
    }
  }); // prettier-ignore

  it('254 characters are not too many, with 64 before the sign', () => {
    const long = (n: number): string => `${'x'.repeat(64)}@${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(n)}.acme.com`;
    expect([long(52).length, below(long(52))]).toEqual([254, null]);
    expect(below(long(53))).not.toBe(null);
    expect(below('a.b.c.d@x.acme.com')).toBe(null);
  }); // prettier-ignore

  it('a domain of a rule has two labels or more, also behind a star', () => {
    for (const domains of [['acme.com'], ['*.acme.com'], ['a.b.c', '*.a.b.c']])
      expect(encodeConstraint({ kind: 'email', domains })).toEqual([9, ...domains]);
  });

  it('*.name is below the name, not itself', () => {
    for (const value of ['jane@a.acme.com', 'jane@a.b.acme.com', 'jane@A.Acme.com'])
      expect(below(value)).toBe(null);
    for (const value of [
      'jane@acme.com',
      'jane@xacme.com',
      'jane@.acme.com',
      'jane@a.acme.com.evil.org',
      'jane@xn--a.acme.com',
    ])
      expect(below(value)).not.toBe(null);
  });

  it.each([
    [[]],
    [['ACME.com']],
    [['acme']],
    [['*']],
    [['*.com']],
    [['@acme.com']],
    [['jane@acme.com']],
    [['acme.com.']],
    [['1.2.3.4']],
    [['[::1]']],
    [['acmé.com']],
    ['acme.com'],
    [null],
    [undefined],
  ])('%j is no list of domains', (domains) => {
    expect(() => encodeConstraint({ kind: 'email', domains } as never)).toThrow(/^email: domains/);
  });
});

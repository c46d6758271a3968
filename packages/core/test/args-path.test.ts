// C1: no path leaves its root, whatever the target decodes, normalises or strips.
import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileConstraint, encodeConstraint } from '../src/args/index.ts';
import { isRoot, segmentProblem, underRoot } from '../src/args/path.ts';
import { expectShares, runs } from './args-values.ts';

const check = compileConstraint({ kind: 'subpath', roots: ['/srv/docs'] });
const PHRASE = 'must be a plain absolute path in /srv/docs';

describe('C1 paths', () => {
  it.each([
    '/srv/docs',
    '/srv/docs/',
    '/srv/docs/a',
    '/srv/docs/a/',
    '/srv/docs/a/b.txt',
    '/srv/docs/.hidden',
    '/srv/docs/..a',
    '/srv/docs/...a',
    '/srv/docs/a b/c',
    '/srv/docs/ a',
    '/srv/docs/a..b',
    '/srv/docs/é/日本/😀',
    '/srv/docs/e\u0301',
    '/srv/docs/a:b',
    '/srv/docs/-rf',
    '/srv/docs/~',
    '/srv/docs/$HOME',
    '/srv/docs/a;b',
    '/srv/docs/srv/docs',
    '/srv/docs/\u202fa'.replace('\u202f', '_'),
  ])('%j is below', (path) => {
    expect(check(path)).toBe(null);
  });

  it.each([
    [
      'dot segments',
      [
        '/srv/docs/..',
        '/srv/docs/../',
        '/srv/docs/../secret',
        '/srv/docs/a/../../secret',
        '/srv/docs/./a',
        '/srv/docs/.',
        '/srv/docs/a/..',
        '/srv/../srv/docs/a',
        '/srv/docs/../docs/a',
        '/srv/docs/....//a',
        '/srv/docs/...',
        '/srv/docs/..../a',
        '/../srv/docs/a',
        '/./srv/docs/a',
        '/srv/docs/a/b/../../../../etc/passwd',
      ],
    ],
    [
      'encoded once',
      [
        '/srv/docs/%2e%2e/secret',
        '/srv/docs/%2E%2e/secret',
        '/srv/docs/.%2e/secret',
        '/srv/docs/%2e./secret',
        '/srv/docs/..%2fsecret',
        '/srv/docs%2f..%2fsecret',
        '/srv/docs/..%5csecret',
        '/srv/docs/%00',
        '/srv/docs/a%00.txt',
        '/srv/docs/%',
        '/srv/docs/%zz',
        '%2fsrv%2fdocs',
      ],
    ],
    [
      'encoded twice, overlong, other encodings',
      [
        '/srv/docs/%252e%252e/secret',
        '/srv/docs/..%252fsecret',
        '/srv/docs/%25252e%25252e/secret',
        '/srv/docs/%c0%ae%c0%ae/secret',
        '/srv/docs/%c0%afsecret',
        '/srv/docs/%e0%80%ae%e0%80%ae/secret',
        '/srv/docs/%u002e%u002e/secret',
        '/srv/docs/%uff0e%uff0e/secret',
        '/srv/docs/..%c1%9csecret',
        '/srv/docs/%%32%65%%32%65/secret',
        '/srv/docs/%ef%bc%8e%ef%bc%8e/secret',
      ],
    ],
    [
      'backslashes',
      [
        '/srv/docs\\..\\secret',
        '/srv/docs/..\\secret',
        '\\srv\\docs\\a',
        '/srv/docs/a\\b',
        '\\\\server\\share',
        '/srv\\docs/a',
        'C:\\srv\\docs\\a',
      ],
    ],
    [
      'NUL and controls',
      [
        '/srv/docs/a\0',
        '/srv/docs/a\0.txt',
        '/srv/docs\0/../secret',
        '/srv/docs/a\n',
        '/srv/docs/a\r\nb',
        '\n/srv/docs/a',
        '/srv/docs/\u007f',
        '/srv/docs/\u001b[2J',
        '/srv/docs/\u0085',
        '/srv/docs/\u2028',
        '/srv/docs/a\t',
      ],
    ],
    [
      'doubled slashes',
      [
        '//srv/docs/a',
        '/srv//docs/a',
        '/srv/docs//a',
        '/srv/docs/a//',
        '///srv/docs',
        '//',
        '/srv/docs//',
        '//server/share',
        '/srv/docs///etc/passwd',
      ],
    ],
    [
      'trailing dots and spaces',
      [
        '/srv/docs/a.',
        '/srv/docs/a ',
        '/srv/docs/.. ',
        '/srv/docs/.. /secret',
        '/srv/docs/..../',
        '/srv/docs/ ',
        '/srv/docs/a./b',
        '/srv/docs/a /b',
        '/srv/docs./a',
        '/srv/docs /a',
        '/srv/docs/..\u00a0/secret',
        '/srv/docs/..\u3000/secret',
        '/srv/docs/a\u2003',
      ],
    ],
    [
      'full-width and look-alike dots and slashes',
      [
        '/srv/docs/．．/secret',
        '/srv/docs/．./secret',
        '/srv/docs/․․/secret',
        '/srv/docs/‥/secret',
        '/srv/docs/…',
        '/srv/docs/﹒﹒/secret',
        '/srv/docs/。。/secret',
        '/srv/docs/｡｡/secret',
        '/srv/docs／../secret',
        '/srv/docs／a',
        '/srv/docs/..／secret',
        '/srv/docs/..＼secret',
        '/srv/docs/..﹨secret',
        '/srv/docs/..⁄secret',
        '/srv/docs/..∕secret',
        '/srv/docs/..∖secret',
        '/srv/docs/..⧵secret',
        '/srv/docs/..⧸secret',
        '/srv/docs/..⧹secret',
        '/srv/docs/..¥secret',
        '/srv/docs/..￥secret',
        '/srv/docs/..₩secret',
        '/srv/docs/℀',
        '/srv/docs/℅',
        '/srv/docs/％2e',
        '/srv/docs/﹪2e',
        '／srv／docs／a',
      ],
    ],
    [
      'characters that a file system skips',
      [
        '/srv/docs/.\u200d./secret',
        '/srv/docs/\u200c../secret',
        '/srv/docs/.\ufeff.',
        '/srv/docs/\u202e../secret',
        '/srv/docs/.\u00ad./secret',
        '/srv/docs/..\u2060/secret',
        '/srv/docs/.\u180e.',
        '/srv/docs/.\u{e0020}.',
        '/srv/docs/a\ufe0f',
        '/srv/docs/\u2066a',
      ],
    ],
    [
      'siblings and parents',
      [
        '/srv/docs-evil',
        '/srv/docs-evil/a',
        '/srv/docsa',
        '/srv/docs.bak',
        '/srv/doc',
        '/srv',
        '/',
        '/srv/',
        '/etc/passwd',
        '/srv/docs2/a',
        '/x/srv/docs/a',
      ],
    ],
    ['another case', ['/SRV/docs/a', '/srv/Docs/a', '/srv/DOCS', '/ſrv/docs/a', '/srv/docſ/a']],
    [
      'relative',
      [
        '',
        'srv/docs/a',
        './srv/docs/a',
        '../srv/docs/a',
        'docs/a',
        '~/docs',
        '~root/srv/docs',
        ' /srv/docs/a',
        'C:/srv/docs/a',
        'file:///srv/docs/a',
        'http://x/srv/docs/a',
        '-/srv/docs',
      ],
    ],
  ])('%s are refused', (_, paths) => {
    for (const path of paths) expect([path, check(path)?.startsWith(PHRASE)]).toEqual([path, true]);
  });

  it.each([[null], [1], [true], [['/srv/docs/a']], [{ path: '/srv/docs/a' }], [undefined]])(
    '%j is no path',
    (value) => {
      expect(check(value)).toBe(PHRASE);
    },
  );

  it("a name that looks like a symbolic link is a name: links are the tool's to resolve", () => {
    expect(check('/srv/docs/latest -> ')).not.toBe(null);
    expect(check('/srv/docs/proc/self/root/etc/passwd')).toBe(null);
  });

  it('the reason names what was found and repeats nothing', () => {
    expect(check('/srv/docs/../x')).toBe(`${PHRASE} (found: segments that end in a dot or a space)`);
    expect(check('/srv/docs/%2e')).toBe(`${PHRASE} (found: percent signs)`);
    expect(check(`/srv/docs/\u001b${'x'.repeat(10_000)}`)).toBe(`${PHRASE} (found: control characters)`);
  });

  it('every character of ASCII in a name', () => {
    for (let c = 0; c < 0x80; c++) {
      const char = String.fromCharCode(c);
      const found =
        c < 0x20 || c === 0x7f
          ? ' (found: control characters)'
          : char === '\\'
            ? ' (found: backslashes)'
            : char === '%'
              ? ' (found: percent signs)'
              : null;
      expect([c, check(`/srv/docs/x${char}y`)]).toEqual([c, found === null ? null : PHRASE + found]);
    }
  });

  it.each([
    ['/srv/docs/\uffff\u200d', 'invisible characters'],
    ['/srv/docs/\u{10000}\u200d', 'invisible characters'],
    ['/srv/docs/\u{10000}\ud800', 'invisible characters'],
    ['/srv/docs/\ud800', 'invisible characters'],
    ['/srv/docs/\udfffx', 'invisible characters'],
    ['/srv/docs/\u0080', 'invisible characters'],
    ['/srv/docs/\u{1f600}\u2215', 'look-alikes of separators'],
    ['/srv/docs/\uffe5', 'look-alikes of separators'],
    ['/srv/docs/\ufe55', 'look-alikes of separators'],
    ['/srv/docs/\ufe54', 'look-alikes of separators'],
    ['/srv/docs/\uff1a', 'look-alikes of separators'],
    ['/srv/docs/\uff1b', 'look-alikes of separators'],
    ['/srv/docs/\uff0fa', 'look-alikes of separators'],
    ['/srv/docs/\uff3ca', 'look-alikes of separators'],
    ['/srv/docs/\uff0ea', 'look-alikes of separators'],
    ['/srv/docs/\uff05a', 'look-alikes of separators'],
    ['/srv/docs/a\u1680', 'segments that end in a dot or a space'],
    ['/srv/docs/a\u1680/b', 'segments that end in a dot or a space'],
    ['/srv/docs/é\u00a0', 'segments that end in a dot or a space'],
    ['/srv/docs/é/a./b', 'segments that end in a dot or a space'],
    [`/srv/docs/e${'\u0301'.repeat(32)}`, 'long runs of marks'],
    ['/srv/docs//é', 'empty segments'],
    ['/srv/docs/é%', 'percent signs'],
    ['/srv/docs//', 'empty segments'],
    ['é/srv/docs', 'a relative start'],
  ])('%j is refused: %s', (path, found) => {
    expect(check(path)).toBe(`${PHRASE} (found: ${found})`);
  });

  it('what is not ASCII and means nothing is a name', () => {
    for (const name of ['\uffff', '\u{10000}a', '\u{1d800}', '\u00a1', `e${'\u0301'.repeat(29)}`, 'a\u1680b', 'ﬁ', '\u{1f600}é/'])
      expect([name, check(`/srv/docs/${name}`)]).toEqual([name, null]);
  }); // prettier-ignore

  it('a root, what is below it, and a segment', () => {
    for (const root of ['/', '/a', '/a/b', '/é']) expect([root, isRoot(root)]).toEqual([root, true]);
    for (const root of ['', 'a', '/a/', '//', '/a//b', '/.', '/é/']) expect([root, isRoot(root)]).toEqual([root, false]);
    const under = [['/', '/'], ['/a', '/'], ['/a', '/a'], ['/a/', '/a'], ['/a/b', '/a']] as const;
    expect(under.map(([path, root]) => underRoot(path, root))).toEqual(under.map(() => true));
    const beside = [['a', '/'], ['a/', '/'], ['/ab', '/a'], ['/b', '/a'], ['/', '/a'], ['/a', '/a/b'], ['/b/a', '/a']] as const;
    expect(beside.map(([path, root]) => underRoot(path, root))).toEqual(beside.map(() => false));
    for (const segment of ['a', '.a', 'é', 'a b']) expect([segment, segmentProblem(segment)]).toEqual([segment, null]);
    expect(['', '/', 'a/b', '.', 'a ', 'a%', '\\'].map(segmentProblem)).toEqual([
      'empty segments',
      'a separator in a segment',
      'a separator in a segment',
      'segments that end in a dot or a space',
      'segments that end in a dot or a space',
      'percent signs',
      'backslashes',
    ]);
  }); // prettier-ignore

  it('several roots, and the root of all', () => {
    const two = compileConstraint({ kind: 'subpath', roots: ['/a', '/b/c'] });
    expect([two('/a/x'), two('/b/c'), two('/b'), two('/b/cc')].map((x) => x === null)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([two('/c'), two(1)]).toEqual(Array(2).fill('must be a plain absolute path in /a or /b/c'));
    const all = compileConstraint({ kind: 'subpath', roots: ['/'] });
    expect([all('/'), all('/etc/passwd')]).toEqual([null, null]);
    expect(all('/a/../b')).not.toBe(null);
    expect(all('a')).not.toBe(null);
  });

  it.each([
    ['srv'],
    ['/srv/'],
    ['/srv/..'],
    ['/srv//a'],
    ['/srv/%61'],
    ['/srv\\a'],
    [''],
    ['/srv\0'],
    ['//'],
    ['/srv.'],
    ['/\ud800'],
    [`/${'a'.repeat(1024)}`],
  ])('%j cannot be a root', (root) => {
    expect(() => encodeConstraint({ kind: 'subpath', roots: [root] })).toThrow(/^subpath: roots/);
  });
});

describe('properties', () => {
  const piece = fc.constantFrom(
    '..',
    '.',
    '/',
    '//',
    '\\',
    '%2e',
    '%2f',
    'a',
    'srv',
    'docs',
    ' ',
    '．',
    '／',
    '\u200d',
    'é',
    '\0',
    '-',
    ':',
    '…',
  );
  it('a path that passes stays below its root after any decoding, normalisation and stripping', () => {
    const came = { passed: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/srv/docs/${pieces.join('')}`;
        const passed = check(path) === null;
        if (pieces.length > 1) came[passed ? 'passed' : 'refused']++;
        if (!passed) return;
        const forms = [
          path,
          path.normalize('NFKC'),
          path.normalize('NFD'),
          path.replaceAll(/[\u200d\ufeff]/g, ''),
          path.replaceAll(/[. ]+(?=\/|$)/g, ''),
        ];
        const ends = [...forms, ...forms.map(decodeURIComponent)].flatMap((form) => [
          posix.resolve('/', form),
          win32.resolve('C:\\', form).slice(2).replaceAll('\\', '/'),
          new URL(`http://x${form.replaceAll(/[?#]/g, '')}`).pathname,
        ]);
        expect(ends.filter((end) => !/^\/srv\/docs(\/|$)/.test(end))).toEqual([]);
      }),
      runs(5000),
    );
    expectShares(came, 0.01);
  });

  it('plain names below the root pass', () => {
    const name = fc.string({ unit: fc.constantFrom(...'abz09_-éß日'), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), (names) => {
        expect(check(['/srv/docs', ...names].join('/'))).toBe(null);
      }),
    );
  });
});

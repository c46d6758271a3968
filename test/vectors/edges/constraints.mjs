// More constraints and patterns: characters, literals, states and steps at their limits.
// Codes are written by hand, as in generate.mjs, whose helpers come in: what an independent verifier could get wrong.
const many = (n, item) => Array.from({ length: n }, (_, i) => item(i));

/** Constraints: [constraint, cases, description?]; a value may be pieces that are repeated. */
export const constraintEdges = (() => {
  const q = (text) => JSON.stringify(text);
  const list = [
    [{ kind: 'subpath', roots: ['/'] }, [['"/\u00bd"', false], ['"/\ufff9"', false], ['"/\ufffb"', false], ['"/a\ufe0f"', false], ['"/a\u034f"', false], ['"/\u3164"', false], ['"/\u115f"', false], ['"/\u00b5"', true], ['"/\ufdfa"', true], ['"/a\u2024"', false], ['"/a\u3000"', false], ['"/\u2100"', false], ['"/\u0085"', false], ['"/\\ud83e\\udd80"', true], ['"/a\u00a0"', false], ['"/a\u00a0b"', true], ['"//"', false], ['"/"', true], ['"/a//"', false], ['""', false], ['"/a:b;c"', true], ['"/\u037e"', false], [`"/${'\\uff9e'.repeat(31)}"`, false]]],
    [{ kind: 'url', hosts: ['[2001:db8::1]', '[::ffff:102:304]', 'h'] }, [['"https://[2001:DB8::1]/"', true], ['"https://[2001:db8:0::1]/"', false], ['"https://[::ffff:1.2.3.4]/"', false], ['"https://[::FFFF:102:304]/"', true], ['"https://h/"', true], ['"https://H"', true], ['"https://h:443"', true], ['"https://h:0443/"', false], ['"https://h:/"', false], ['"https://h:65536/"', false], ['"https://h/%"', false], ['"https://h/%4"', false], ['"https://h/[x]"', false], ['"https://h/?[x]"', false], ['"https://h/a#b?c"', true], ['"https://h#x"', false], ['"HTTPS://h/"', false], ['"https:/h/"', false], ['"https://h/\u00e9"', false]]],
    [{ kind: 'url', hosts: ['h'], paths: ['/v1', '/a;b'] }, [['"https://h/v1/;x"', false], ['"https://h/v1/a;x"', true], ['"https://h/v1/a%2fb"', false], ['"https://h/v1/%C3%A9"', true], ['"https://h/v1/%c2%bd"', false], ['"https://h/v1//"', false], ['"https://h/v1/"', true], ['"https://h/v1;x"', false], ['"https://h/v1?/../"', true], ['"https://h/%761"', false], ['"https://h/a;b"', true]]],
    [{ kind: 'pattern', pattern: '[\\d-]|[a-c-e]|[--/]{2}|[^^]{3}|' }, [['"-"', true], ['"7"', true], ['"d"', false], ['"e"', true], ['"b"', true], ['"./"', true], ['"a^b"', false], ['"abc"', true], ['""', true]]],
    [{ kind: 'pattern', pattern: '\\s\\S\\w\\W\\d\\D.' }, [['"\\u000bxa-1x."', true], ['" xa-1x\\n"', false], ['"\u00a0xa-1x."', false], ['" \u00a0_\u00e91\u0661\u2027"', true], ['" xa-1x\u2028"', false], ['" x\u00e9-1x."', false]]],
    [{ kind: 'email', domains: ['*.acme.org', 'acme.com'] }, [['"a@b.acme.org"', true], ['"a@xn--b.acme.org"', false], ['".a@acme.com"', false], ['"a.@acme.com"', false], [q(`${'a'.repeat(64)}@acme.com`), true], [q(`${'a'.repeat(65)}@acme.com`), false], ['"a@acme.com."', false], ['"a@ACME.COM"', true], ['"\u00e9@acme.com"', false]]],
    [{ kind: 'cidr', networks: ['::/0', '0.0.0.0/0'] }, [['"::ffff:1.2.3.4"', false], ['"2002::1"', false], ['"64:ff9b::1"', false], ['"::1"', false], ['"1.2.3.4"', true], ['"2600::1"', true], ['"1::2::3"', false], ['"::1.2.3"', false], ['"1:2:3:4:5:6:7:8:9"', false], ['"1:2:3:4:5:6:7::"', true], ['"fe80::1%1"', false]]],
    [{ kind: 'cidr', networks: ['::ffff:10.0.0.0/104', '2002::/16'] }, [['"::ffff:10.1.2.3"', true], ['"::ffff:11.1.2.3"', false], ['"2002::1"', true], ['"10.1.2.3"', false]]],
    [{ kind: 'range', min: 1, max: 2 ** 53 - 1 }, [['9007199254740991', true], ['0.9999999999999999', false], ['1e0', true]]],
    [{ kind: 'equals', value: [] }, [['[]', true], ['{}', false], ['[[]]', false]]],
  ]; // prettier-ignore

  // Steps: the last value that is within 2^22, and one more; `from 0` says how each is computed.
  const all = (n, c) => ({ kind: 'all', constraints: many(n, () => c) });
  const text = (before, unit, n) => [
    [`"${before}`, 1],
    [unit, n],
    ['"', 1],
  ];
  const items = (item, n) =>
    n === 1
      ? [[`[${item}]`, 1]]
      : [
          ['[', 1],
          [`${item},`, n - 1],
          [`${item}]`, 1],
        ];
  const edge = (description, c, pieces, n) =>
    list.push([
      c,
      [
        [pieces(n), true],
        [pieces(n + 1), false],
      ],
      description,
    ]);
  const same = { kind: 'equals', value: { a: [1, 2] } };
  const one = { kind: 'oneOf', values: [{ a: [1, 2] }, 'x'] };
  edge(
    'steps: a pattern of 1005 states',
    { kind: 'pattern', pattern: 'a{1000}|b*' },
    (n) => text('', 'b', n),
    4075,
  );
  edge(
    'steps: 256 times a length of at least 0',
    all(256, { kind: 'length', min: 0 }),
    (n) => text('', 'b', n),
    16_379,
  );
  edge(
    'steps: 64 times subpath of / /a /b, ASCII',
    all(64, { kind: 'subpath', roots: ['/', '/a', '/b'] }),
    (n) => text('/', 'b', n - 1),
    16_375,
  );
  edge(
    'steps: 8 times subpath of /, beyond ASCII',
    all(8, { kind: 'subpath', roots: ['/'] }),
    (n) => text('/', '\u00e9', n - 1),
    8191,
  );
  edge(
    'steps: 64 times a url with two hosts',
    all(64, { kind: 'url', hosts: ['a.example', 'b.example'] }),
    (n) => text('https://a.example/', 'b', n - 18),
    16_376,
  );
  edge(
    'steps: 32 times a url with a path',
    all(32, { kind: 'url', hosts: ['a.example'], paths: ['/'] }),
    (n) => text('https://a.example/', 'b', n - 18),
    16_380,
  );
  edge(
    'steps: 8 times a url with a path and an escape',
    all(8, { kind: 'url', hosts: ['a.example'], paths: ['/'] }),
    (n) => text('https://a.example/%41', 'b', n - 21),
    8191,
  );
  edge(
    'steps: 64 times a url with an escape and without paths',
    all(64, { kind: 'url', hosts: ['a.example', 'b.example'] }),
    (n) => text('https://a.example/%41', 'b', n - 21),
    16_376,
  );
  edge(
    'steps: each of 16 times cidr with two networks',
    { kind: 'each', constraint: all(16, { kind: 'cidr', networks: ['1.0.0.0/8', '2.0.0.0/8'] }) },
    (n) => items('"1.1.1.1"', n),
    948,
  );
  edge(
    'steps: each of 16 times email with two domains',
    { kind: 'each', constraint: all(16, { kind: 'email', domains: ['b.example', 'c.example'] }) },
    (n) => items('"a@b.example"', n),
    4660,
  );
  edge(
    'steps: each of 50 times equals and 50 times oneOf an object',
    {
      kind: 'each',
      constraint: { kind: 'all', constraints: [...many(50, () => same), ...many(50, () => one)] },
    },
    (n) => items('{"a":[1,2]}', n),
    317,
  );
  edge(
    'steps: each of 200 times a range',
    { kind: 'each', constraint: all(200, { kind: 'range', min: 0 }) },
    (n) => items('1', n),
    5216,
  );
  return list;
})();

/** The value of a case: JSON text, or pieces that are repeated; null for no argument. */
export const valueOf = (value) =>
  Array.isArray(value) ? value.map(([piece, times]) => piece.repeat(times)).join('') : value;

/** Patterns: whether each is well-formed. States at the limit by each operator: 1024, and the next. */
export const regularEdges = [
  ['a{1022}', true], ['a{1023}', false], ['a{1021,}', true], ['a{1022,}', false], ['a{0,511}', true], ['a{0,512}', false], ['a{2,512}', true], ['a{1,512}', false],
  ['(a?){340}', true], ['(a?){341}', false], ['(a*){511}', true], ['(a*){512}', false], ['(a+){340}', true], ['(a+){341}', false], ['(a|b){340}', true], ['(a|b){341}', false],
  ['(){1022}', true], ['(){1023}', false], ['(|){340}', true], ['(|){341}', false], ['a'.repeat(1023), true], ['a'.repeat(1024), false], [Array.from({ length: 512 }, () => 'a').join('|'), true], ['[^a-z]{1022}', true],
  ['(a{1024}){0}', true], ['(a{1025}){0}', false], ['((((a{30}){30}){30}){30}){30}', false], ['\u00e9'.repeat(512), true], ['\u00e9'.repeat(513), false],
  ['', true], ['()', true], ['(?:)', true], ['a|', true], ['(|a)', true], ['a{0}', true], ['a{01}', true], ['a{001,0002}', true], ['[\\d-]', true], ['[-a]', true], ['[a-]', true], ['[a-c-e]', true], ['[--/]', true], ['[^^]', true], ['[^-]', true], ['[a-c--e]', true], ['[\\]-a]', true], ['/', true], ['-', true], ['\\-\\/\\`\\~\\"', true], ['[*+?{}()|.$]', true], [`${'('.repeat(32)}a${')'.repeat(32)}`, true],
  [`${'('.repeat(33)}a${')'.repeat(33)}`, false], ['\\_', false], ['[\\_]', false], ['[\\d-z]', false], ['[\\s-\\w]', false], ['[a-\\d]', false], ['[z-a]', false], ['[]', false], ['[^]', false], ['[]]', false], ['[[]', false], ['[a', false], ['a]', false], ['a{,3}', false], ['a{2,1}', false], ['a{', false], ['a{1', false], ['a{}', false], ['{', false], ['}', false], ['^a', false], ['a$', false], ['*', false], ['(*a)', false], ['a|*', false], ['a**', false], ['a*?', false], ['a++', false], ['a{2}{3}', false], ['(', false], [')', false], ['(?=a)', false], ['(?<n>a)', false], ['(?i:a)', false], ['\\', false], ['\\a', false], ['\\b', false], ['\\0', false], ['\\1', false], ['\\x41', false], ['\\u0041', false], ['\\p{L}', false], ['\\ ', false], ['\\\u00e9', false],
]; // prettier-ignore

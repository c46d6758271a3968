// Hostile arguments and the heaviest constraints that fit a token, for the tests of cost (attacks K1 to K4).
import type { Constraint } from '../src/index.ts';

/** CPU milliseconds of the fastest of `times` runs. */
export function cpu(run: () => unknown, times = 3): number {
  let best = Infinity;
  for (let i = 0; i < times; i++) {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

/** `unit` again and again, to `bytes` of UTF-8 at most. */
const fill = (unit: string, bytes: number, before = ''): string => {
  const each = new TextEncoder().encode(unit).length;
  return before + unit.repeat(Math.max(1, Math.floor((bytes - before.length - 16) / each)));
};
const list = (item: unknown, bytes: number): unknown[] => {
  const each = new TextEncoder().encode(JSON.stringify(item)).length + 1;
  return Array.from({ length: Math.floor((bytes - 16) / each) }, () => item);
};

/** Shapes of one argument of about `bytes` bytes of JSON: texts first, then lists and objects. */
export const SHAPES: { readonly [name: string]: (bytes: number) => unknown } = {
  'marks of two classes, sorted wrong': (n) => fill('\u0300', n / 2, '/srv/a') + fill('\u0316', n / 2),
  'marks in runs of thirty': (n) => fill(`a${'\u0300\u0316'.repeat(15)}`, n, '/srv/'),
  'letters that fold to eighteen': (n) => fill('\ufdfa', n, '/srv/'),
  'letters with one mark': (n) => fill('e\u0301', n, '/srv/'),
  'half-width forms': (n) => fill('\uff76\uff9e', n, '/srv/'),
  'Hangul in pieces': (n) => fill('\u1100\u1161\u11a8', n, '/srv/'),
  'pairs of surrogates': (n) => fill('\u{1d165}', n, '/srv/'),
  'one letter': (n) => fill('a', n),
  'two letters in turn': (n) => fill('ab', n),
  'dots and colons': (n) => fill('.:', n),
  'many segments': (n) => fill('/a', n, '/srv'),
  'a prefix of every root': (n) => fill('a', n, '/srv/'),
  'an URL with escapes': (n) => fill('%C3%A9', n, 'https://a.example/srv/'),
  'an URL of many segments': (n) => fill('/%ef%b7%ba', n, 'https://a.example/srv'),
  'a host of many labels': (n) => `${fill('a.', n, 'https://')}example/`,
  'an address without end': (n) => fill('1:', n),
  'a mailbox without end': (n) => fill('a.', n) + '@a.example',
  digits: (n) => fill('7', n),
  'a list of numbers': (n) => list(7, n),
  'a list of paths': (n) => list('/srv/a', n),
  'a list of folded paths': (n) => list('/srv/\ufdfa', n),
  'a list of URLs': (n) => list('https://a.example/srv/a', n),
  'a list of letters': (n) => list('a', n),
  'a list of mailboxes': (n) => list('someone@b.a254.example', n),
  'a list of addresses': (n) => list('2001:db8::1', n),
  'a list of empty objects': (n) => list({}, n),
  'a list of lists of lists': (n) => list([[[]], []], n),
  'an object of many names': (n) =>
    Object.fromEntries(Array.from({ length: Math.floor((n - 16) / 14) }, (_, i) => [`k${1e6 + i}`, 1])),
  'an object of whole numbers as names': (n) =>
    Object.fromEntries(Array.from({ length: Math.floor((n - 16) / 10) }, (_, i) => [String(99_999 - i), 1])),
  'a list of objects': (n) => list(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, 1])), n),
};

const roots = Array.from({ length: 256 }, (_, i) => `/srv/${'a'.repeat(24)}${i}`);
/** So many classes that a pattern has to tell apart, each of which may be left out. */
const classes = (n: number): string =>
  Array.from(
    { length: n },
    (_, i) => `[${String.fromCodePoint(0x3041 + 4 * i, 0x2d, 0x3043 + 4 * i)}]?`,
  ).join('');
const empty = Array.from({ length: 255 }, () => ({}));
const times = (n: number, c: Constraint): Constraint => ({
  kind: 'all',
  constraints: Array.from({ length: n }, () => c),
});
const many = (n: number, make: (i: number) => Constraint): Constraint => ({
  kind: 'all',
  constraints: Array.from({ length: n }, (_, i) => make(i)),
});
const both = (name: string, c: Constraint): [string, Constraint][] => [
  [name, c],
  [`each ${name}`, { kind: 'each', constraint: c }],
];

/** The heaviest constraints of each kind that a token has room for; most fail, which is when all of it is looked at. */
export const HEAVY: readonly (readonly [string, Constraint])[] = [
  ...both('equals', times(200, { kind: 'equals', value: {} })),
  ...both('oneOf', times(16, { kind: 'oneOf', values: [...empty, []] })),
  ...both('range', times(250, { kind: 'range', min: 0 })),
  ...both('length', times(250, { kind: 'length', min: 0 })),
  ...both(
    'pattern',
    many(250, (i) => ({ kind: 'pattern', pattern: `(.|\\n){0,${i + 1}}` })),
  ),
  ...both(
    'large pattern',
    many(250, (i) => ({ kind: 'pattern', pattern: `[ab]*a[ab]{${500 + i}}` })),
  ),
  // More of them than the cache has places: each is built again for every item of a list.
  ...both(
    'small patterns',
    many(250, (i) => ({ kind: 'pattern', pattern: `[ab]*|c${i}` })),
  ),
  ...both(
    'nested repetitions',
    many(100, (i) => ({ kind: 'pattern', pattern: `((a*)*b?){${50 + i}}` })),
  ),
  ...both(
    'optional letters',
    many(30, (i) => ({ kind: 'pattern', pattern: `(a?){${300 + i}}a*` })),
  ),
  ...both(
    'patterns of many classes',
    many(20, (i) => ({ kind: 'pattern', pattern: `${classes(90)}a*(${i})?` })),
  ),
  ...both('subpath', times(190, { kind: 'subpath', roots: ['/srv'] })),
  ...both('subpath of many roots', times(2, { kind: 'subpath', roots: [...roots.slice(1), '/srv'] })),
  ...both('url', times(190, { kind: 'url', hosts: ['*.a.example', 'a.example'], paths: ['/srv'] })),
  ...both('url of many hosts', {
    kind: 'url',
    hosts: [...Array.from({ length: 255 }, (_, i) => `*.a${i}.example`), 'a.example'],
    paths: roots.map((r) => r.slice(0, 20)),
  }),
  ...both(
    'cidr',
    times(3, { kind: 'cidr', networks: Array.from({ length: 256 }, (_, i) => `10.0.${i}.0/24`) }),
  ),
  ...both(
    'cidr of v6',
    times(2, {
      kind: 'cidr',
      networks: [
        ...Array.from({ length: 255 }, (_, i) => `2001:db8:1::${i.toString(16)}/128`),
        '2001:db8::/32',
      ],
    }),
  ),
  ...both(
    'email',
    times(3, { kind: 'email', domains: Array.from({ length: 256 }, (_, i) => `*.a${i}.example`) }),
  ),
];

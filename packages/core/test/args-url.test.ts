// C2: a URL is accepted only when every parser takes it apart alike, and then it goes where the token says.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileConstraint, encodeConstraint, type UrlConstraint } from '../src/args/index.ts';
import { parseUrl, pathRuleProblem } from '../src/args/url.ts';
import { expectShares, runs } from './args-values.ts';

const compile = (fields: Omit<UrlConstraint, 'kind'>): ((value: never) => string | null) =>
  compileConstraint({ kind: 'url', ...fields });
const verdicts = (check: (value: never) => string | null, urls: readonly string[]): [string, boolean][] =>
  urls.map((url) => [url, check(url as never) === null]);
const expectAll = (
  check: (value: never) => string | null,
  urls: readonly string[],
  allowed: boolean,
): void => {
  expect(verdicts(check, urls)).toEqual(urls.map((url) => [url, allowed]));
};

const good = compile({ hosts: ['good.com', 'api.good.com'] });
const wide = compile({ hosts: ['*'] });
const below = compile({ hosts: ['*.good.com'] });

describe('C2 URLs', () => {
  it('plain ones pass', () => {
    expectAll(
      good,
      [
        'https://good.com',
        'https://good.com/',
        'https://good.com:443/',
        'https://GOOD.com/a',
        'https://api.good.com/v1/items?id=1&x=%20#top',
        'https://good.com/@user',
        'https://good.com/a?b=c@d',
        'https://good.com/a:b',
        'https://good.com/?u=https://evil.com',
        'https://good.com/a;b=c',
        'https://good.com//a',
      ],
      true,
    );
    expectAll(
      wide,
      [
        'https://example.org/',
        'https://a.b.c.example.co.uk/x',
        'https://1password.com/',
        'https://a_b.example.org/',
        'https://0x.example.org/',
      ],
      true,
    );
    expectAll(below, ['https://a.good.com/', 'https://a.b.good.com/', 'https://A.GOOD.COM/'], true);
  });

  const refusedEverywhere: readonly (readonly [string, readonly string[]])[] = [
    [
      'userinfo',
      [
        'https://good.com@evil.com/',
        'https://good.com:80@evil.com/',
        'https://user@good.com/',
        'https://user:pass@good.com/',
        'https://@good.com/',
        'https://good.com%40evil.com/',
        'https://evil.com@good.com/',
        'https://good.com:@evil.com/',
        'https://a@b@good.com/',
        'https://good.com#@evil.com/',
        'https://good.com?@evil.com/',
        'https://good.com;@evil.com/',
        'https://evil.com\\@good.com/',
        'https://good.com\\@evil.com/',
        'https://evil.com#@good.com/',
        'https://evil.com?@good.com/',
        'https://foo@evil.com:80@good.com/',
        'https://foo@evil.com @good.com/',
      ],
    ],
    [
      'CR, LF, tab, spaces, controls',
      [
        'https://good.com/\r\nHost: evil.com',
        'https://good.com/\n',
        'https://good.com\r/',
        'https://go\tod.com/',
        'https://\tgood.com/',
        ' https://good.com/',
        'https://good.com/ ',
        'https://good.com /',
        'ht\ntps://good.com/',
        'https:/\n/good.com/',
        'https://good.com/\0',
        '\u0000https://good.com/',
        'https://good.com/\u007f',
        'https://good.com/\u0085',
        '\u00a0https://good.com/',
        'https://good.com%0d%0a.evil.com/',
        'https://good.com%00.evil.com/',
        'https://good.com%09/',
      ],
    ],
    [
      'backslashes for slashes',
      [
        'https:\\\\good.com\\',
        'https:/\\good.com/',
        'https://good.com\\.evil.com/',
        'https://evil.com\\.good.com/',
        'https://good.com/\\evil.com',
        'https:\\/good.com/',
        'https://good.com\\',
        'https://good.com/a\\b',
      ],
    ],
    [
      'other schemes and missing slashes',
      [
        'http://good.com/',
        'ftp://good.com/',
        'file:///etc/passwd',
        'file://good.com/',
        'javascript://good.com/%0aalert(1)',
        'data:text/html,x',
        'gopher://good.com:70/_',
        'dict://good.com/',
        'HTTPS://good.com/',
        'Https://good.com/',
        '//good.com/',
        '/good.com/',
        'good.com',
        'good.com/',
        'https:good.com/',
        'https:/good.com/',
        'https:///good.com/',
        'https:////good.com/',
        'https://',
        'https:',
        '',
        ':',
        'https',
        'https:///',
        'https://?a',
        'https://#a',
        'https://:443/',
        'blob:https://good.com/a',
        'view-source:https://good.com/',
        'jar:https://good.com/!/',
        'wss://good.com/',
        'https+x://good.com/',
        'xhttps://good.com/',
        'mailto:a@good.com',
        'unix:///var/run/docker.sock',
        'http+unix://%2Fvar%2Frun%2Fdocker.sock/',
        'netdoc:///etc/passwd',
        'expect://id',
        'php://filter',
        'ldap://good.com/',
        'ssh://good.com/',
        'git+https://good.com/',
      ],
    ],
    [
      'encoded and non-ASCII hosts',
      [
        'https://%67ood.com/',
        'https://good%2ecom/',
        'https://good.com%2f.evil.com/',
        'https://good.com%23.evil.com/',
        'https://evil.com%2f@good.com/',
        'https://góod.com/',
        'https://gооd.com/',
        'https://ｇood.com/',
        'https://good。com/',
        'https://good．com/',
        'https://good｡com/',
        'https://ⓖood.com/',
        'https://good.com／.evil.com/',
        'https://good.com℀.evil.com/',
        'https://evil.c℀.good.com/',
        'https://go\u00adod.com/',
        'https://go\u200dod.com/',
        'https://good.com\u3002evil.com/',
        'https://faß.de/',
        'https://ı.good.com/',
        'https://good.com\u2025/',
      ],
    ],
    [
      'hosts of odd form',
      [
        'https://good.com./',
        'https://good.com../',
        'https://.good.com/',
        'https://good..com/',
        'https://-good.com/',
        'https://good-.com/',
        'https://good.com,evil.com/',
        'https://good.com;evil.com/',
        'https://good.com|evil.com/',
        'https://good.com&evil.com/',
        'https://good.com$evil.com/',
        'https://good.com!evil.com/',
        'https://*.good.com/',
        'https://good.com*/',
        "https://good.com'/",
        'https://good.com(evil)/',
        'https://{good.com}/',
        'https://<good.com>/',
        'https://[good.com]/',
        'https://good.com[/',
        'https://good.com]/',
        `https://${'a'.repeat(64)}.good.com/`,
        `https://${'a.'.repeat(130)}good.com/`,
        'https://./',
        'https://../',
        'https://good.com^evil/',
        'https://good.com`/',
        'https://good.com"/',
        'https://good=com/',
        'https://good+com/',
        'https://~good.com/',
      ],
    ],
    [
      'ports',
      [
        'https://good.com:80/',
        'https://good.com:8443/',
        'https://good.com:/',
        'https://good.com:0/',
        'https://good.com:00443/',
        'https://good.com:0443/',
        'https://good.com:65536/',
        'https://good.com:65979/',
        'https://good.com:4294967739/',
        'https://good.com:+443/',
        'https://good.com:-1/',
        'https://good.com:443:80/',
        'https://good.com:80:443/',
        'https://good.com:443@evil.com/',
        'https://good.com:0x1bb/',
        'https://good.com:４４３/',
        'https://good.com:443 /',
        'https://good.com:4 43/',
        'https://good.com:https/',
        'https://good.com:443.evil.com/',
        'https://good.com:443%2f/',
        'https://good.com::443/',
      ],
    ],
    [
      'malformed escapes and characters that have to be escaped',
      [
        'https://good.com/%',
        'https://good.com/%2',
        'https://good.com/%zz',
        'https://good.com/%u0041',
        'https://good.com/a b',
        'https://good.com/"',
        'https://good.com/<x>',
        'https://good.com/{x}',
        'https://good.com/x|y',
        'https://good.com/^',
        'https://good.com/`',
        'https://good.com/[x]',
        'https://good.com/é',
        'https://good.com/?q=é',
        'https://good.com/#é',
        'https://good.com/\ud83d\ude00',
      ],
    ],
  ];
  it.each(refusedEverywhere)('%s are refused', (_, urls) => {
    expectAll(good, urls, false);
    // Even the widest rule, but for those that merely are not good.com or https on 443.
    const strict = urls.filter((url) => typeof parseUrl(url) === 'string');
    expectAll(wide, strict, false);
  });

  it('other hosts are refused, however alike', () => {
    const spoofs = [
      'https://evil.com/',
      'https://good.com.evil.com/',
      'https://good.comevil.com/',
      'https://evilgood.com/',
      'https://evil-good.com/',
      'https://good.co/',
      'https://good.com.br/',
      'https://www.good.com/',
      'https://goodxcom/',
      'https://g00d.com/',
      'https://xn--gd-immb.com/',
      'https://com/',
      'https://good/',
      'https://evil.com/good.com',
      'https://evil.com/?good.com',
      'https://evil.com/#good.com',
      'https://evil.com/https://good.com/',
      'https://api-good.com/',
      'https://api.good.com.evil.com/',
      'https://good_com/',
    ];
    expectAll(good, spoofs, false);
    expectAll(
      below,
      [
        ...spoofs.filter((url) => !url.includes('www.')),
        'https://good.com/',
        'https://xgood.com/',
        'https://.good.com/',
        'https://a..good.com/',
      ],
      false,
    );
  });

  const addresses = [
    // IPv4: dotted, decimal, octal, hexadecimal, short, mixed, overflowing.
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0x0.0x0.0x1',
    '0177.0.0.1',
    '017700000001',
    '0x7f.1',
    '127.0.0.1.',
    '127.0.0.01',
    '0127.0.0.1',
    '127.0.0.256',
    '0',
    '0.0.0.0',
    '00000177.1',
    '1.1',
    '0x0',
    '0x',
    '0X7F.1',
    '4294967295',
    '4294967296',
    '99999999999999999999',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0xa9.0xfe.0xa9.0xfe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '169.16689662',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    '8.8.8.8',
    '1.1.1.1',
    '255.255.255.255',
    '224.0.0.1',
    '100.64.0.1',
    '198.18.0.1',
    '425.510.425.510',
    // Ends in a number: WHATWG URL refuses what RFC 3986 calls a name.
    '1.2.3',
    'a.1',
    'foo.0x1',
    'foo.09',
    'good.com.1',
    'a.b.0x',
    '1.2.3.4.5',
    '127.0.0.1.2',
    // IPv6: loopback, unspecified, mapped, compatible, NAT64, 6to4, Teredo, link-local, zones, metadata.
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[0:0:0:0:0:ffff:169.254.169.254]',
    '[64:ff9b::169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b:1::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '[2001:0:a9fe:a9fe::]',
    '[fe80::1]',
    '[fe80::1%25eth0]',
    '[fe80::1%eth0]',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
    '[fc00::1]',
    '[ff02::1]',
    '[2606:4700:4700::1111]',
    '[::ffff:0:7f00:1]',
    '[::1',
    '::1',
    '::1]',
    '[::1]x',
    '[]',
    '[127.0.0.1]',
    '[v1.x]',
    '[:1]',
    '[::g]',
    '[1:2:3:4:5:6:7:8:9]',
    '[::1]]',
    '[[::1]]',
    '[::1].good.com',
  ];
  it('no address passes, in any of its forms, under a name, below a name, or under *', () => {
    for (const check of [good, below, wide])
      expectAll(
        check,
        addresses.map((host) => `https://${host}/`),
        false,
      );
    expectAll(
      wide,
      addresses.map((host) => `https://${host}:443/a?b#c`),
      false,
    );
  });

  it('no local or metadata name passes under * or a wildcard, unless it is named exactly', () => {
    const names = [
      'localhost',
      'LOCALHOST',
      'localhost.localdomain',
      'foo.localhost',
      'a.b.localhost',
      'printer.local',
      'metadata',
      'metadata.google.internal',
      'METADATA.google.internal',
      'metadata.goog',
      'instance-data.ec2.internal',
      'db.internal',
      'intranet',
      'wiki.corp',
      'nas.home',
      'router.lan',
      'x.home.arpa',
      '1.0.0.127.in-addr.arpa',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'host.docker.internal',
      'x.onion',
      'x.test',
      'x.invalid',
      'x.example',
      'com',
      'kubernetes',
      'xn--bcher-kva.example.org',
      'xn--localhost-.example.org',
      'www.xn--good-.com',
      'metadata.tencentyun.com',
    ];
    expectAll(
      wide,
      names.map((name) => `https://${name}/`),
      false,
    );
    expectAll(
      compile({ hosts: ['*.google.internal', '*.ec2.internal', '*.tencentyun.com'] }),
      [
        'https://metadata.google.internal/',
        'https://instance-data.ec2.internal/',
        'https://metadata.tencentyun.com/',
      ],
      false,
    );
    expectAll(
      compile({ hosts: ['*.example.org'] }),
      ['https://xn--bcher-kva.example.org/', 'https://a.xn--p1ai.example.org/'],
      false,
    );
    expectAll(
      compile({ hosts: ['localhost', 'metadata.google.internal', 'xn--bcher-kva.example.org'] }),
      ['https://localhost/', 'https://metadata.google.internal/', 'https://XN--bcher-kva.example.org/'],
      true,
    );
    expectAll(
      compile({ hosts: ['*.corp.internal', '*.xn--bcher-kva.example'] }),
      ['https://db.corp.internal/', 'https://www.xn--bcher-kva.example/'],
      true,
    );
  });

  it('an address passes when it is named exactly, in its canonical text alone', () => {
    const literal = compile({
      schemes: ['http'],
      hosts: ['127.0.0.1', '[::1]', '[2001:db8::1]'],
      ports: [8080],
    });
    expectAll(
      literal,
      [
        'http://127.0.0.1:8080/',
        'http://[::1]:8080/x',
        'http://[2001:db8::1]:8080/',
        'http://[2001:DB8::1]:8080/',
      ],
      true,
    );
    expectAll(
      literal,
      [
        'http://127.1:8080/',
        'http://2130706433:8080/',
        'http://127.0.0.2:8080/',
        'http://127.0.0.01:8080/',
        'http://[0::1]:8080/',
        'http://[::0001]:8080/',
        'http://[::ffff:127.0.0.1]:8080/',
        'http://[2001:db8:0::1]:8080/',
        'http://localhost:8080/',
        'http://127.0.0.1/',
        'http://[::1]/',
        'http://[::1]:80/',
        'http://127.0.0.1.:8080/',
      ],
      false,
    );
  });

  it('what it does not claim: names are compared, not resolved', () => {
    // A public name may point anywhere; rebinding services are names like others. Egress filtering is another layer.
    expectAll(
      wide,
      ['https://localtest.me/', 'https://127.0.0.1.nip.io/', 'https://7f000001.sslip.io/'],
      true,
    );
  });

  it('schemes and ports', () => {
    const both = compile({ schemes: ['http', 'wss'], hosts: ['good.com'] });
    expectAll(
      both,
      ['http://good.com/', 'http://good.com:80/', 'wss://good.com/', 'wss://good.com:443/'],
      true,
    );
    expectAll(
      both,
      ['https://good.com/', 'ws://good.com/', 'http://good.com:443/', 'wss://good.com:80/'],
      false,
    );
    const ports = compile({ hosts: ['good.com'], ports: [8443, 443] });
    expectAll(ports, ['https://good.com/', 'https://good.com:8443/'], true);
    expectAll(
      compile({ hosts: ['good.com'], ports: [8443] }),
      ['https://good.com/', 'https://good.com:443/'],
      false,
    );
  });

  it('values of other types, and what the reason says', () => {
    for (const value of [null, 1, true, ['https://good.com/'], { href: 'https://good.com/' }, undefined]) {
      expect(good(value as never)).toBe('must be a plain https URL of good.com or api.good.com');
    }
    expect(parseUrl('https://good.com?a')).toBe('no path before the query');
    expect(good('https://good.com@evil.com/\u001b' as never)).toBe(
      'must be a plain https URL of good.com or api.good.com (found: user information)',
    );
    expect(compile({ schemes: ['http'], hosts: ['*'], ports: [1], paths: ['/a'] })('x' as never)).toBe(
      'must be a plain http URL of any public name on port 1 under /a (found: another scheme)',
    );
  });
});

describe('C2 the parts of a URL', () => {
  it.each([
    ['https://a.b', 'https', 'a.b', 443, '/'],
    ['http://A.b/', 'http', 'a.b', 80, '/'],
    ['wss://a.b/c', 'wss', 'a.b', 443, '/c'],
    ['ws://a/c/?d', 'ws', 'a', 80, '/c/'],
    ['https://a.b/?c/d#e', 'https', 'a.b', 443, '/'],
    ['https://a.b/c#d?e', 'https', 'a.b', 443, '/c'],
    ['https://a.b/c?d?e', 'https', 'a.b', 443, '/c'],
    ['https://a.b/:1', 'https', 'a.b', 443, '/:1'],
    ['https://a.b:1/:2', 'https', 'a.b', 1, '/:2'],
    ['https://a.b:9', 'https', 'a.b', 9, '/'],
    ['https://a.b:10/', 'https', 'a.b', 10, '/'],
    ['https://a.b:65535/', 'https', 'a.b', 65535, '/'],
    ['https://[::1]', 'https', '[::1]', 443, '/'],
    ['https://[2001:DB8::a]:8080/c:d', 'https', '[2001:db8::a]', 8080, '/c:d'],
    ['http://127.0.0.1:81/%09%af%AF', 'http', '127.0.0.1', 81, '/%09%af%AF'],
    ['http://a.b/c@d//e', 'http', 'a.b', 80, '/c@d//e'],
  ])('%s', (text, scheme, host, port, path) => {
    expect(parseUrl(text)).toEqual({ scheme, host, port, path });
  });

  it.each([
    ['', 'another scheme'],
    [':', 'another scheme'],
    ['://a.b', 'another scheme'],
    ['http', 'another scheme'],
    ['httpsx', 'another scheme'],
    ['httpss://a.b', 'another scheme'],
    ['HTTP://a.b', 'another scheme'],
    ['https:a.b', 'no host'],
    ['https:/a.b', 'no host'],
    ['https://', 'a host that can be read in two ways'],
    ['https:///', 'a host that can be read in two ways'],
    ['https://:1/', 'a host that can be read in two ways'],
    ['https://a@b/', 'user information'],
    ['https://a?', 'no path before the query'],
    ['https://a#', 'no path before the query'],
    ['https://a.b/%', 'a malformed escape'],
    ['https://a.b/%1', 'a malformed escape'],
    ['https://a.b/%1/', 'a malformed escape'],
    ['https://a.b/%/1', 'a malformed escape'],
    ['https://a.b/%:1', 'a malformed escape'],
    ['https://a.b/%1:', 'a malformed escape'],
    ['https://a.b/%@1', 'a malformed escape'],
    ['https://a.b/%1G', 'a malformed escape'],
    ['https://a.b/%g1', 'a malformed escape'],
    ['https://a.b/[', 'a character that has to be escaped'],
    ['https://a.b/?]', 'a character that has to be escaped'],
    ['https://a.b/\u0080', 'a character that has to be escaped'],
    ['https://a.b/\u007f', 'a character that has to be escaped'],
    ['https://[::1', 'a host that can be read in two ways'],
    ['https://[::1/', 'a host that can be read in two ways'],
    ['https://[::1]]/', 'a host that can be read in two ways'],
    ['https://[::1]1/', 'a host that can be read in two ways'],
    ['https://::1/', 'a host that can be read in two ways'],
    ['https://a.b:', 'a malformed port'],
    ['https://a.b:/', 'a malformed port'],
    ['https://a.b:0/', 'a malformed port'],
    ['https://a.b:01/', 'a malformed port'],
    ['https://a.b:65536/', 'a malformed port'],
    ['https://a.b:99999/', 'a malformed port'],
    ['https://a.b:100000/', 'a malformed port'],
    ['https://a.b:1.2/', 'a malformed port'],
    ['https://a.b:1:2/', 'a malformed port'],
    ['https://a.b:1a/', 'a malformed port'],
    ['https://[::1]:/', 'a malformed port'],
  ])('%j has none: %s', (text, why) => {
    expect(parseUrl(text)).toBe(why);
  });

  it('every character of ASCII in a path, a query and a fragment', () => {
    for (let c = 0; c < 0x80; c++) {
      const char = String.fromCharCode(c);
      const refused = c < 0x21 || c === 0x7f || '"<>\\^`{|}[]'.includes(char);
      for (const [head, tail] of [['/x', '20'], ['/?', '20'], ['/#', '20'], ['/', '41']] as const) {
        const parts = parseUrl(`https://a.b${head}${char}${tail}`);
        expect([head, c, typeof parts === 'string']).toEqual([head, c, refused]);
      }
    }
  }); // prettier-ignore
});

it('C2 a path that can be held to a prefix', () => {
  for (const path of ['', '/', '/a', '/a/', '/a/b', '/a;b', '/a;', '/a;b;c/d', '/%41', '/%C3%A9/', '/a%20b', '/.a', '/a;b.c'])
    expect([path, pathRuleProblem(path)]).toEqual([path, null]);
  const refused: readonly (readonly [string, string])[] = [
    ['//', 'an empty segment'],
    ['/a//', 'an empty segment'],
    ['/a//b', 'an empty segment'],
    ['/%ff', 'an escape that is not UTF-8'],
    ['/a/%e9/b', 'an escape that is not UTF-8'],
    ['/;', 'empty segments'],
    ['/a/;b', 'empty segments'],
    ['/.;b', 'segments that end in a dot or a space'],
    ['/a/..;b/c', 'segments that end in a dot or a space'],
    ['/..', 'segments that end in a dot or a space'],
    ['/a/.', 'segments that end in a dot or a space'],
    ['/a;b.', 'segments that end in a dot or a space'],
    ['/a/%2e%2E/b', 'segments that end in a dot or a space'],
    ['/a%2fb', 'a separator in a segment'],
    ['/a%3b%2f', 'a separator in a segment'],
    ['/a%25', 'percent signs'],
    ['/a%5c/b', 'backslashes'],
    ['/a/%00', 'control characters'],
    ['/%e2%80%8d', 'invisible characters'],
  ];
  for (const [path, why] of refused) expect([path, pathRuleProblem(path)]).toEqual([path, why]);
}); // prettier-ignore

describe('C2 path prefixes', () => {
  const check = compile({ hosts: ['good.com'], paths: ['/v1', '/public/docs'] });
  const url = (path: string): string => `https://good.com${path}`;

  it('hold by whole segments', () => {
    expectAll(
      check,
      [
        '/v1',
        '/v1/',
        '/v1/a',
        '/v1/a/b?x=/../',
        '/v1?x',
        '/v1#/../x',
        '/v1/a%20b',
        '/v1/%C3%A9',
        '/v1/a;b=1/c',
        '/v1/a.b',
        '/public/docs/x',
        '/v1/a=b&c',
      ].map(url),
      true,
    );
    expectAll(
      check,
      [
        '',
        '/',
        '/v',
        '/v10',
        '/v1x',
        '/v1-evil/a',
        '/v2',
        '/V1',
        '/public',
        '/public/docsx',
        '/a/v1',
        '/%76%31',
        '/v%31/a',
        '/?/v1',
        '/#/v1',
        '/v1;x',
        '/v1;x/a',
      ].map(url),
      false,
    );
  });

  it('are not escaped by dots, escapes, parameters or look-alikes', () => {
    expectAll(
      check,
      [
        '/v1/..',
        '/v1/../admin',
        '/v1/./a',
        '/v1/.',
        '/v1/%2e%2e/admin',
        '/v1/.%2e/admin',
        '/v1/%2E%2E/admin',
        '/v1/%252e%252e/admin',
        '/v1/..%2fadmin',
        '/v1/..%5cadmin',
        '/v1/..%252fadmin',
        '/v1//admin',
        '/v1/a//b',
        '//v1',
        '/v1//',
        '/v1/..;/admin',
        '/v1/..;x=y/admin',
        '/v1/.;/admin',
        '/v1/;/admin',
        '/v1/..%3b/admin',
        '/v1/..%3bx/admin',
        '/v1/%c0%ae%c0%ae/admin',
        '/v1/%c0%af',
        '/v1/%00',
        '/v1/a%00b',
        '/v1/a%0a',
        '/v1/..%00/admin',
        '/v1/..%20/admin',
        '/v1/...',
        '/v1/a.',
        '/v1/a%20',
        '/v1/%ef%bc%8e%ef%bc%8e/admin',
        '/v1/%e2%80%a5/admin',
        '/v1/%ef%bc%8fadmin',
        '/v1/%e2%88%95admin',
        '/v1/%e2%80%8d',
        '/v1/%ff',
        '/v1/%e9',
        '/v1/%ed%a0%80',
        '/v1/%',
        '/v1/%2',
        '/v1/%u002e',
        '/v1/a%2fb',
        '/v1/a%5cb',
        '/v1/a%25b',
        '/../v1/a',
        '/x/../v1/a',
      ].map(url),
      false,
    );
  });

  it('without paths any path goes', () => {
    expectAll(good, ['/a/../b', '/%2e%2e', '//', '/a;b'].map(url), true);
  });
});

describe('rules that are refused', () => {
  it.each<[string, unknown]>([
    ['hosts', []],
    ['hosts', ['']],
    ['hosts', ['Good.com']],
    ['hosts', ['good.com.']],
    ['hosts', ['good com']],
    ['hosts', ['good.com/']],
    ['hosts', ['good.com:443']],
    ['hosts', ['https://good.com']],
    ['hosts', ['*.com']],
    ['hosts', ['*good.com']],
    ['hosts', ['*.*.com']],
    ['hosts', ['a.*.com']],
    ['hosts', ['**']],
    ['hosts', ['*.']],
    ['hosts', ['gооd.com']],
    ['hosts', ['127.1']],
    ['hosts', ['0x7f.1']],
    ['hosts', ['127.0.0.01']],
    ['hosts', ['::1']],
    ['hosts', ['[0:0::1]']],
    ['hosts', ['[::FFFF:1]']],
    ['hosts', ['*.1.2.3.4']],
    ['hosts', ['*.[::1]']],
    ['hosts', 'good.com'],
    ['hosts', [1]],
    ['hosts', null],
    ['hosts', undefined],
    ['hosts', Array.from({ length: 257 }, (_, i) => `h${i}.com`)],
    ['hosts', ['good.com\n']],
    ['schemes', []],
    ['schemes', ['HTTPS']],
    ['schemes', ['https:']],
    ['schemes', ['file']],
    ['schemes', ['ftp']],
    ['schemes', ['https', 'javascript']],
    ['schemes', 'https'],
    ['schemes', null],
    ['ports', []],
    ['ports', [0]],
    ['ports', [65536]],
    ['ports', [1.5]],
    ['ports', [443, 0]],
    ['ports', ['443']],
    ['ports', [-1]],
    ['ports', 443],
    ['ports', null],
    ['paths', []],
    ['paths', ['v1']],
    ['paths', ['/v1/']],
    ['paths', ['/v1/..']],
    ['paths', ['/v%31']],
    ['paths', ['/v 1']],
    ['paths', ['/é']],
    ['paths', ['//']],
    ['paths', ['']],
    ['paths', null],
  ])('%s %j', (field, value) => {
    const constraint = { kind: 'url', hosts: ['good.com'], [field]: value } as unknown as UrlConstraint;
    expect(() => encodeConstraint(constraint)).toThrow(new RegExp(`^url: ${field}`));
    expect(() => compileConstraint(constraint)).toThrow(TypeError);
  });
});

it('L2 what a constraint leaves out is not looked for in Object.prototype', () => {
  const others = { schemes: ['http'], ports: [80], paths: ['/other'] };
  let said: (string | null)[];
  try {
    for (const [field, value] of Object.entries(others))
      Reflect.defineProperty(Object.prototype, field, { value, configurable: true });
    const check = compile({ hosts: ['a.b'] });
    said = ['https://a.b/', 'http://a.b/other'].map((text) => check(text as never));
  } finally {
    for (const field of Object.keys(others)) Reflect.deleteProperty(Object.prototype, field);
  }
  expect(said).toEqual([null, 'must be a plain https URL of a.b']);
});

describe('properties', () => {
  const piece = fc.constantFrom(
    'https://',
    'http://',
    'good.com',
    'evil.com',
    'a',
    '.',
    '..',
    '/',
    '//',
    '\\',
    '@',
    ':',
    '443',
    '80',
    '?',
    '#',
    '%2f',
    '%40',
    '%00',
    '[::1]',
    '127.0.0.1',
    '0x7f',
    '1',
    ';',
    '&',
    '=',
    ' ',
    '\t',
    '\n',
    'é',
    '。',
    '*',
    '-',
    '_',
  );
  it('whatever passes, WHATWG URL and a reading by RFC 3986 go to the same place', () => {
    const came = { passed: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.constantFrom('https://', 'https://a.b', 'ws://a.b/', ''),
        fc.array(piece, { minLength: 1, maxLength: 8 }),
        (head, pieces) => {
          const text = head + pieces.join('');
          const parts = parseUrl(text);
          came[typeof parts === 'string' ? 'refused' : 'passed']++;
          if (typeof parts === 'string') return;
          const theirs = new URL(text);
          expect(`${parts.scheme}:`).toBe(theirs.protocol);
          expect(parts.host).toBe(theirs.hostname);
          expect(theirs.username + theirs.password).toBe('');
          expect(String(parts.port)).toBe(theirs.port || (theirs.protocol === 'https:' ? '443' : '80'));
          // RFC 3986 appendix B.
          const authority = /^(?:[^:/?#]+:)?(?:\/\/([^/?#]*))?/.exec(text)![1]!;
          expect(authority.toLowerCase().replace(/:\d+$/, '')).toBe(parts.host);
          expect(parts.path).toBe(/^[^:/?#]+:\/\/[^/?#]*([^?#]*)/.exec(text)![1]! || '/');
        },
      ),
      runs(20_000),
    );
    expectShares(came, 0.05);
  });

  it('a path that is held to a prefix stays there for WHATWG URL, decoded or not', () => {
    const check = compile({ hosts: ['good.com'], paths: ['/v1'] });
    const segment = fc.constantFrom(
      '/',
      '//',
      '..',
      '.',
      '%2e',
      '%2f',
      '%5c',
      '%25',
      '%252e',
      ';',
      'a',
      'v1',
      '?',
      '#',
      '%20',
      '%EF%BC%8E',
      '&',
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        const text = `https://good.com/v1${segments.join('')}`;
        if (check(text as never) !== null) return;
        const { pathname } = new URL(text);
        for (const path of [
          pathname,
          pathname.replaceAll(/;[^/]*/g, ''),
          decodeURIComponent(pathname),
          decodeURIComponent(pathname).normalize('NFKC'),
        ]) {
          expect(new URL(`https://x${path.replaceAll(/[?#]/g, '')}`).pathname).toMatch(/^\/v1(\/|$)/);
        }
      }),
      runs(10_000),
    );
  });
});

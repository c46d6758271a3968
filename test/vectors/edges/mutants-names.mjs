// More names, paths, addresses, hosts, steps and arguments: what mutants of an independent verifier lived through.
// Verdicts are written by hand, as in generate.mjs, whose helpers come in.
import { encodeCbor, toBase64url } from '@ambit/core';
import { pathCases } from './decisions.mjs';

const many = (n, item) => Array.from({ length: n }, (_, i) => item(i));
const char = (code) => String.fromCodePoint(code);
const hexed = (code) => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;

// Ends of the ranges of section 1, and what stands beside them.
const INVISIBLE = [0x00, 0x1f, 0x7f, 0x9f, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180f, 0x200b, 0x200f, 0x2028, 0x2029, 0x202e, 0x2060, 0x2065, 0x206f, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0xfff8, 0xfffb, 0x1bca0, 0x1bca3, 0x1d173, 0x1d17a, 0xe0000, 0xe0001, 0xe007f, 0xe0080, 0xe0fff]; // prettier-ignore
const VISIBLE = [0x20, 0x7e, 0xa0, 0xac, 0xae, 0x34e, 0x350, 0x61b, 0x61d, 0x115e, 0x1161, 0x17b3, 0x17b6, 0x180a, 0x1810, 0x200a, 0x2010, 0x2027, 0x202f, 0x205f, 0x2070, 0x3163, 0x3165, 0xfe10, 0xfefe, 0xff00, 0xff9f, 0xffa1, 0xffef, 0xfffc, 0x1bc9f, 0x1bca4, 0x1d172, 0x1d17b, 0xdffff, 0xe1000]; // prettier-ignore
// All but U+2044, which NFKC of U+00BD holds.
const LOOKALIKES = [0xa5, 0x20a9, 0x2215, 0x2216, 0x29f5, 0x29f8, 0x29f9, 0x3002, 0xff61, 0x2571, 0x27cb, 0x27cd, 0x1735]; // prettier-ignore

/** Names, by the audience of an offer: texts.json. */
export function nameTexts() {
  const offer = (what, audience, valid) => ({
    form: 'offer',
    description: `an audience ${what}`,
    text: `ambo1_${toBase64url(encodeCbor([audience, new Uint8Array(32), new Uint8Array(16)]))}`,
    valid,
  });
  return [
    ...INVISIBLE.map((c) => offer(`with ${hexed(c)}, invisible`, `a${char(c)}b`, false)),
    ...VISIBLE.map((c) => offer(`with ${hexed(c)}`, `a${char(c)}b`, true)),
    offer('of 256 bytes', '\u00e9'.repeat(128), true),
    offer('of 257 bytes', `${'\u00e9'.repeat(128)}a`, false),
  ];
}

/** Notes, labels, lists and paths of caveats: tokens.json; paths of requests: decisions.json. */
export function nameMutants({ tok, raw, base, several, shown, at, a, nonce }) {
  const caveat = (name, c, expect) =>
    tok(`${expect === 'ok' ? 'legal' : 'malformed'}: ${name}`, 'A caveat behind a right MAC.', raw(base, c), expect); // prettier-ignore
  for (const c of [0x1f, 0x7f, 0x9f, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x2066, 0x2069])
    caveat(`note with ${hexed(c)}`, [14, `a${char(c)}b`], 'token_invalid');
  const plain = [0x20, 0x7e, 0xa0, 0xad, 0x200b, 0x200d, 0x2027, 0x202f, 0x2065, 0x206a, 0xfeff];
  caveat('note with what only a name may not hold', [14, plain.map(char).join('')], 'ok');
  caveat('data label of 256', [6, [`a:${'x'.repeat(254)}`]], 'ok');
  caveat('data label of 257', [6, [`a:${'x'.repeat(255)}`]], 'token_invalid');
  for (const label of ['a::b', ':a', 'a:', '', 'a/b', 'a b'])
    caveat(`data label ${JSON.stringify(label)}`, [6, [label]], 'token_invalid');
  for (const path of ['/a%2eb', '/a%2Eb/*', '/a|b', '/a%7', '/a"b', '/a\u007fb', '/a%7fb', '/a%00', '/a%5cb', '/a%25b', '/a%2fb'])
    caveat(`http path ${JSON.stringify(path)}`, [11, [['GET'], [path]]], 'token_invalid'); // prettier-ignore
  caveat('http path of all pchar', [11, [['GET'], ["/a-z0._~!$&'()+,;=:@/%41"]]], 'ok');
  for (const [name, item] of [
    ['roots', '/'],
    ['networks', '10.0.0.0/8'],
    ['domains', 'a.b'],
  ])
    for (const n of [256, 257])
      tok(`constraint: ${n} ${name}`, n === 256 ? 'The longest list.' : 'One more.', raw(base, [5, [['x'], new Map([['q', [{ roots: 6, networks: 8, domains: 9 }[name], ...many(n, () => item)]]]), false]]), n === 256 ? 'ok' : 'token_invalid'); // prettier-ignore
  const url = [['https'], ['a.b'], [443], ['/']];
  ['schemes', 'hosts', 'ports', 'paths'].forEach((name, i) => {
    for (const n of [256, 257])
      tok(`constraint: a url with ${n} ${name}`, n === 256 ? 'The longest list.' : 'One more.', raw(base, [5, [['x'], new Map([['q', [7, ...url.with(i, many(n, () => url[i][0]))]]]), false]]), n === 256 ? 'ok' : 'token_invalid'); // prettier-ignore
  });
  const request = pathCases({ several, shown, at, a, nonce }, 'A path of the request.');
  request('characters of a path', '/*', [["/a-z0._~!$&'()*+,;=:@/%41", true], ['/a%2eb', false], ['/a%2Eb', false], ['/a|b', false], ['/a"b', false], ['/a[b]', false], ['/a%7', false], ['/a#b', false], ['/a%7fb', false], ['/a\\b', false], ['/a?|"[]\\%', true]]); // prettier-ignore
  request('length of a path', '/*', [[`/${'x'.repeat(1023)}`, true], [`/${'x'.repeat(1024)}`, false], [`/x?${'x'.repeat(1024)}`, true]]); // prettier-ignore
}

/** Constraints: [constraint, cases, description?], as in constraints.mjs. */
export const nameConstraints = (() => {
  const q = (text) => JSON.stringify(text);
  const each = (values, holds, form = q) => values.map((v) => [form(v), holds]);
  const urls = (hosts, holds) => each(hosts, holds, (h) => q(`https://${h}/`));
  const x = (n) => 'x'.repeat(n);
  const marks = (n) => '\u0301'.repeat(n);
  const long = (n) => [x(63), x(63), x(63), x(n), 'acme.com'].join('.');
  const local = 'localhost local internal intranet private corp home lan localdomain domain workgroup mshome host arpa test invalid example onion alt svc cluster docker kubernetes consul default kube-system kube-public kube-node-lease localnet intra priv prod'.split(' '); // prettier-ignore
  const metadata = 'metadata.google.internal metadata.goog metadata.azure.internal metadata.tencentyun.com instance-data.ec2.internal metadata.platformequinix.com'.split(' '); // prettier-ignore
  const all = (...constraints) => ({ kind: 'all', constraints });
  const b = (n) => [
    ['"', 1],
    ['b', n],
    ['"', 1],
  ];
  const item = (n) => many(n, () => ({ kind: 'length', min: 0 }));
  const wild = (n) => ({ kind: 'pattern', pattern: `b*|a{${n}}` });
  return [
    [{ kind: 'subpath', roots: ['/'] }, [
      ...each([...INVISIBLE.filter((c) => c > 0x1f), ...LOOKALIKES].map((c) => `/a${char(c)}b`), false),
      ...each(['/a\u007fb', '/a\uff1ab', '/a\ufe55b', '/a\uff05b', '/a\ufe6ab', '/a\u2024b', '/a\uff0eb', '/a\uff1bb', '/a\uff0fb', '/a\uff3cb', '/a\uffe5b', '/a\uffe6b'], false),
      ...each(['/a:b%'.replace('%', ''), `/a${marks(30)}b${marks(30)}`, `/a${'\uff9f'.repeat(30)}`, '/a\u00a0b', '/a\u2027b', '/a~!"#$&\'()*+,-<=>?@[]^_`{|}b'], true),
      ...each([`/a${marks(15)}${'\uff9f'.repeat(16)}`, `/a${'\uff9f'.repeat(31)}`, `/a${marks(31)}b`], false),
    ], 'invisible characters, look-alikes, marks'],
    [{ kind: 'cidr', networks: ['::/0', '0.0.0.0/0'] }, [
      ...each(['1::', '1:2:3::5:6:7:8', '1:2:3:4:5:6:1.2.3.4', '2600::1.2.3.4', 'ABCD:ef01::', '2001:1::1', '64:ff9b:2::1', '::ffff:1:1.2.3.4', '0.0.0.0', '255.255.255.255', '2003::'], true),
      ...each(['12345::1', '1:2:3:4::5:6:7:8', '::1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8::', '1.2.3.4::', '1:1.2.3.4::', '1::1.2.3.4:5', '1:2:3:4:5:6:7:1.2.3.4', '1:2:3:4:5:1.2.3.4', '1.2.3.4.5', '1.2.3.256', '1.2.3.', '1..2.3', '01.2.3.4', '1.2.3.00', ':1:2:3:4:5:6:7', '1:2:3:4:5:6:7:', '1:2:3:4:5:6:7', ':::', '1:::2', '::g', '::1.2.3.04', '', ':', '1', '1.2.3.4 ', '::ffff:0:1.2.3.4', '64:ff9b:1::1', '64:ff9b:1:ffff::', '2001::', '2001:0:1::', '2002:ffff::', '::1.2.3.4'], false),
    ], 'addresses'],
    [{ kind: 'cidr', networks: ['::ffff:0:0:0/96', '64:ff9b:1::/48', '2001::/32', '::/96'] }, [
      ...each(['::ffff:0:1.2.3.4', '64:ff9b:1::1', '2001:0:1::', '::1.2.3.4', '::1'], true),
      ...each(['64:ff9b::1', '2001:1::', '1.2.3.4'], false),
    ], 'networks that carry IPv4'],
    [{ kind: 'cidr', networks: ['2001::/31', '64:ff9b::/32', '::/95'] }, [
      ...each(['2001:1::', '64:ff9b:2::'], true),
      ...each(['2001::', '2001:0:1::', '64:ff9b:1::1', '64:ff9b::1', '::1'], false),
    ], 'networks wider than those that carry IPv4'],
    [{ kind: 'url', hosts: ['[1:0:0:2::3]', '[1::2:0:0:3:4]', '[1:2:3:4:5:6:0:8]', '[::]', '[1::]', '1.2.3.4'] }, [
      ...urls(['[1:0:0:2::3]', '[1::2:0:0:3:4]', '[1:2:3:4:5:6:0:8]', '[::]', '[1::]', '1.2.3.4'], true),
      ...urls(['[1::2:0:0:0:3]', '[1:0:0:2:0:0:0:3]', '[1:0:0:2::3:4]', '[1:2:3:4:5:6::8]', '[0::]', '[1::0]', '[01::]', '[::', '::', '[]', '[1.2.3.4]', '1.2.3.4.', '1.2.3.04'], false),
    ], 'RFC 5952'],
    [{ kind: 'url', hosts: ['*.acme.com', '*'] }, [
      ...urls([long(52), `${x(63)}.acme.com`, 'a-b.acme.com', '_a.acme.com', 'a_.acme.com', 'a.0xg', 'a.1a', 'a.x0', '1.acme.com'], true),
      ...urls([long(53), `${x(64)}.acme.com`, '-a.acme.com', 'a-.acme.com', 'a.-', 'a.b-', '.acme.com', 'a..acme.com', 'a.0x', 'a.0X', 'a.0x1f', 'a.0X1F', 'a.123', 'acme', 'a.xn--b', 'xn--a.acme.com', 'a.XN--b.acme.com'], false),
    ], 'host names'],
    [{ kind: 'url', hosts: ['*', '*.google.internal', '*.azure.internal', '*.ec2.internal', '*.tencentyun.com', '*.platformequinix.com'] }, [
      ...urls([...metadata, 'METADATA.goog', ...local.flatMap((l) => [`a.${l}`])], false),
      ...urls(['x.google.internal', 'x.metadata.google.internal', 'x.metadata.goog', 'x.tencentyun.com', 'a.local.com', 'a.productions', 'local.de'], true),
    ], 'names of metadata services, last labels of *'],
    [{ kind: 'url', hosts: metadata }, urls(metadata, true), 'names of metadata services, named'],
    [{ kind: 'url', schemes: ['https', 'http', 'wss', 'ws'], hosts: ['h'] }, each(['ws://h/', 'ws://h:80/', 'wss://h/', 'wss://h:443/', 'http://h:80/', "https://h/a!#$&'()*+,;=:@?~"], true).concat(each(['ws://h:443/', 'wss://h:80/', 'http://h:443/', 'https://h:0/', 'https://h:00443/', 'ftp://h/', 'https://h/}', 'https://h/{', 'https://h/"', 'https://h/^', 'https://h/|', 'https://h/<', 'https://h/>', 'https://h/`', 'https://h/\\', 'https://h/]', 'https://h/?]', 'https://h/#[', 'https://h]/', 'https://h/\u007f', 'https://h/ '], false)), 'schemes and characters of a url'],
    [{ kind: 'url', schemes: ['ws', 'wss'], hosts: ['h'], ports: [80] }, [...each(['ws://h/', 'ws://h:80', 'wss://h:80/'], true), ...each(['wss://h/', 'ws://h:8080/'], false)], 'ports that are listed'],
    [{ kind: 'url', hosts: ['h'], paths: ['/'] }, each(['https://h', 'https://h/', 'https://h/a/'], true), 'an empty path'],
    [{ kind: 'url', hosts: ['h'], paths: ['/v1'] }, [...each(['https://h/v1#/../x', 'https://h/v1#', 'https://h/v1?#', 'https://h/v1/?/%2f'], true), ...each(['https://h', 'https://h/#/v1', 'https://h/v1%23', 'https://h/v1%3f', 'https://h/v1/%252e'], false)], 'what follows a path'],
    [{ kind: 'email', domains: ['*.acme.com'] }, [
      ...each([`${x(64)}@${[x(63), x(63), x(52)].join('.')}.acme.com`, "a'b&c=d~e-f_g+h@b.acme.com"], true),
      ...each([`${x(64)}@${[x(63), x(63), x(53)].join('.')}.acme.com`, 'a!b@b.acme.com', 'a#b@b.acme.com', 'a/b@b.acme.com', 'a?b@b.acme.com', '@b.acme.com', 'a@acme.com', 'a@.acme.com', 'a b@b.acme.com'], false),
    ], 'mail addresses'],
    [{ kind: 'range', min: 5, max: 5 }, [['5', true], ['4', false], ['6', false]]],
    [{ kind: 'length', min: 2, max: 2 }, [['"ab"', true], ['"a"', false], ['"abc"', false], ['[1,2]', true], ['"\\ud83e\\udd80\\ud83e\\udd80"', true], ['"\\ud83e\\udd80"', false]]],
    [{ kind: 'length', min: 1, max: 3 }, [['"a"', true], ['[1]', true]]],
    [{ kind: 'pattern', pattern: '.' }, [...each(['\u2027', '\u202a', '\u000b', '\u0085', ' '], true), ...each(['\n', '\r', '\u2028', '\u2029', ''], false)]],
    [all(wild(911), wild(911), ...item(36)), [[b(2149), true], [b(2150), false]], 'steps: 2^22 exactly, by two patterns'],
    [all(wild(980), ...item(27)), [[b(4048), true], [b(4049), false]], 'steps: 2^22 and 1 more, by one pattern'],
    [all(...many(26, () => wild(990))), [[b(64), true], [b(65), false]], 'steps: 26 patterns, the 64 characters that may each make a state'],
    [all(...many(32, () => ({ kind: 'url', hosts: ['a.example', 'b.example'], paths: ['/', '/a', '/b', '/c'] }))), [16_378, 16_379].map((n, i) => [[['"https://a.example/', 1], ['b', n - 18], ['"', 1]], i === 0]), 'steps: 32 times a url with four paths'],
  ]; // prettier-ignore
})();

/** Arguments: texts, or pieces that are repeated. */
export const argumentMutants = [
  '{"a":{"__proto__":1}}', '{"a":[{"__proto__":null}]}', '{"a":0.000001,"b":0.0000001,"c":1e-6,"d":-1.5e-7,"e":1e15,"f":123e13}', '{"a":"\u007f\\u007f"}', '{"a":"\\u000c\\u0008\\b\\f\\u000b\\u001f\\t\\r\\n"}', '\f{}', '{}\f', '{"a":\f1}', '{"a":"\\"\\\\\\/"}', '{"a":1e-323}', '{"a":0e5,"b":0.0}',
  [['{"a":"', 1], ['x', 65_528], ['"}', 1]],
  [['{"a":"', 1], ['x', 65_529], ['"}', 1]],
  [['{"a":"', 1], ['\u00e9', 32_764], ['"}', 1]],
  [['{"a":"', 1], ['\u00e9', 32_764], ['x"}', 1]],
  [['{"a":"', 1], ['x', 65_528], ['"} ', 1]],
  [['{"a":[', 1], ['1e15,', 3853], ['1e15],"b":"1234"}', 1]],
  [['{"a":[', 1], ['1e15,', 3853], ['1e15],"b":"12345"}', 1]],
]; // prettier-ignore

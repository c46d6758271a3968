// The URL of a store, part by part (`url.ts`): what each is read as, and what is refused. `operator.test.ts` has whole
// ones.
import { AmbitError } from '@ambit/core';
import { describe, expect, test } from 'vitest';
import { parsePostgresUrl } from '../src/postgres/options.ts';
import { parseStoreUrl, withoutPassword, type RedisPlace } from '../src/url.ts';

const BARE: RedisPlace = {
  kind: 'redis',
  mode: 'single',
  tls: false,
  ca: null,
  servers: [{ host: 'h', port: 6379 }],
  master: null,
  database: 0,
  username: null,
  password: null,
  prefix: 'ambit:',
};

describe('a URL', () => {
  test.each<[string, unknown]>([
    ['memory:', { kind: 'memory' }],
    ['file:s.db', { kind: 'sqlite', path: 's.db' }],
    ['file:/s.db', { kind: 'sqlite', path: '/s.db' }],
    ['file:///s.db', { kind: 'sqlite', path: '/s.db' }],
    ['file:a//b%25', { kind: 'sqlite', path: 'a//b%' }],
    ['file:a///b', { kind: 'sqlite', path: 'a///b' }],
    ['postgres://u@h/d', { kind: 'postgres', url: 'postgres://u@h/d' }],
    ['postgresql://h', { kind: 'postgres', url: 'postgresql://h' }],
    ['redis://h', BARE],
    ['rediss://h', { ...BARE, tls: true }],
    ['rediss://h?ca=%2Fa', { ...BARE, tls: true, ca: '/a' }],
    ['redis://h?prefix=', { ...BARE, prefix: '' }],
    ['redis://h?prefix=a&ca=b', { ...BARE, prefix: 'a', ca: 'b' }],
    ['redis://h/', BARE],
    ['redis://h/0?', BARE],
    ['redis://h/15', { ...BARE, database: 15 }],
    ['redis://h/9999', { ...BARE, database: 9999 }],
    ['redis://h/%31', { ...BARE, database: 1 }],
    ['redis://h:1', { ...BARE, servers: [{ host: 'h', port: 1 }] }],
    ['redis://h:65535', { ...BARE, servers: [{ host: 'h', port: 65_535 }] }],
    ['redis://[::1]', { ...BARE, servers: [{ host: '::1', port: 6379 }] }],
    ['redis://[Fe80::1.2.3.4]:8', { ...BARE, servers: [{ host: 'Fe80::1.2.3.4', port: 8 }] }],
    ['redis://@h', BARE],
    ['redis://u@h', { ...BARE, username: 'u' }],
    ['redis://:p@h', { ...BARE, password: 'p' }],
    ['redis://u:@h', { ...BARE, username: 'u', password: '' }],
    ['redis://u%40:p%2F:q@h', { ...BARE, username: 'u@', password: 'p/:q' }],
    ['redis+cluster://h/0', { ...BARE, mode: 'cluster' }],
    [
      'rediss+cluster://a,b:2',
      {
        ...BARE,
        mode: 'cluster',
        tls: true,
        servers: [
          { host: 'a', port: 6379 },
          { host: 'b', port: 2 },
        ],
      },
    ],
    [
      'redis+sentinel://h/m',
      { ...BARE, mode: 'sentinel', master: 'm', servers: [{ host: 'h', port: 26_379 }] },
    ],
    [
      'rediss+sentinel://h/m%31/3',
      {
        ...BARE,
        mode: 'sentinel',
        tls: true,
        master: 'm1',
        database: 3,
        servers: [{ host: 'h', port: 26_379 }],
      },
    ],
  ])('%s is read', (url, place) => expect(parseStoreUrl(url)).toEqual(place));

  test.each<[string, string]>([
    ['', 'begins with one of'],
    [':', 'begins with one of'],
    ['xmemory:', 'begins with one of'],
    ['1memory:', 'begins with one of'],
    ['MEMORY:', 'begins with one of'],
    ['memory', 'begins with one of'],
    ['sqlite:s.db', 'begins with one of'],
    ['redis+x://h', 'begins with one of'],
    ['file:', 'file:/PATH'],
    ['file://', 'file:/PATH'],
    ['file://h/s.db', 'file:/PATH'],
    ['file:////h', 'file:/PATH'],
    ['file:a%00b', 'file:/PATH'],
    ['redis:h', 'redis://USER'],
    ['redis:redis://h', 'redis://USER'],
    ['redis://h?prefix=a\nb', 'redis://USER'],
    ['redis://', 'redis://USER'],
    ['redis:///1', 'redis://USER'],
    ['redis://u:p@ss@h', 'host of the URL'],
    ['redis://h?a=1', 'no parameter a'],
    ['redis://h?prefix=a&b=1', 'no parameter b'],
    [`redis://h?${'x'.repeat(50)}=1`, `no parameter ${'x'.repeat(40)}.`],
    ['redis://a,b', 'one host'],
    ['redis://h:', 'host of the URL'],
    ['redis://h:123456', 'host of the URL'],
    ['redis://h:x', 'host of the URL'],
    ['redis://h:1:2', 'host of the URL'],
    ['redis://::1', 'host of the URL'],
    ['redis://[::1', 'host of the URL'],
    ['redis://[]', 'host of the URL'],
    ['redis://[::1]x', 'host of the URL'],
    ['redis://x[::1]', 'host of the URL'],
    ['redis://[g]', 'host of the URL'],
    ['redis+cluster://a,', 'host of the URL'],
    ['redis+cluster://,a', 'host of the URL'],
    ['redis://h/x', 'database'],
    ['redis://h/1x', 'database'],
    ['redis://h/x1', 'database'],
    ['redis://h/-1', 'database'],
    ['redis://h/12345', 'database'],
    ['redis+cluster://h/1', 'database'],
    ['redis+sentinel://h/m/x', 'database'],
    ['redis+sentinel://h', 'NAME-OF-THE-MASTER'],
    ['redis+sentinel://h/', 'NAME-OF-THE-MASTER'],
    ['redis+sentinel://h//3', 'NAME-OF-THE-MASTER'],
  ])('%s is refused', (url, words) => {
    const attempt = (): unknown => parseStoreUrl(url);
    expect(attempt).toThrow(AmbitError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'input_invalid' }));
    expect(attempt).toThrow(words);
  });
});

test.each([
  ['redis://u:p@h:1/2', 'redis://u@h:1/2'],
  ['redis://:p@h', 'redis://@h'],
  ['redis://u:p:q@h', 'redis://u@h'],
  ['redis://u:p@ss@h/1', 'redis://u@h/1'],
  ['postgres://u:p@:s@a,b/d@', 'postgres://u@a,b/d@'],
  ['redis+sentinel://u:p@a,b/m', 'redis+sentinel://u@a,b/m'],
  ['redis://u@h:1', 'redis://u@h:1'],
  ['redis://h:1/a@b', 'redis://h:1/a@b'],
  ['redis://h:1?prefix=a@b', 'redis://h:1?prefix=a@b'],
  ['file:a:b@c', 'file:a:b@c'],
  [' redis://u:p@h', ' redis://u:p@h'],
])('L12 %s is shown as %s', (url, shown) => expect(withoutPassword(url)).toBe(shown));

test('L12 a password of a postgres URL may have colons; what is not encoded is no host', () => {
  expect(parsePostgresUrl('postgres://u:p:q%40@h')).toMatchObject({
    user: 'u',
    password: 'p:q@',
    hosts: [{ host: 'h' }],
  });
  expect(parsePostgresUrl('postgres://u@h')).not.toHaveProperty('password');
  expect(parsePostgresUrl('postgres://u:@h')).toMatchObject({ password: '' });
  for (const url of ['postgres://u:p@secret@h', 'postgres://u:p@h,secret%40h']) {
    expect(() => parsePostgresUrl(url)).toThrow(expect.objectContaining({ code: 'input_invalid' }));
    expect(() => parsePostgresUrl(url)).not.toThrow(/secret/);
  }
});

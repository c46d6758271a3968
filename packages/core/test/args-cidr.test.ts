// C6: addresses and networks, read strictly; addresses that carry another one inside are not taken for either.
import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileConstraint,
  encodeConstraint,
  formatAddress,
  inCidr,
  isCidr,
  parseAddress,
  parseCidr,
  unmapAddress,
  type Address,
} from '../src/args/index.ts';
import { expectShares, runs } from './args-values.ts';

const within = (address: string, network: string): boolean =>
  inCidr(parseAddress(address)!, parseCidr(network)!);

describe('C6 addresses', () => {
  it.each([
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['10.0.0.1', '10.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['fe80::1', 'fe80::1'],
    ['::0:9:a:f:A:F', '::9:a:f:a:f'],
    ['0:0:3:4:5:6:0:0', '::3:4:5:6:0:0'],
    ['1:0:0:4:0:0:0:0', '1:0:0:4::'],
    ['1:0:3:0:0:6:7:8', '1:0:3::6:7:8'],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255', '::ffff:ffff:ffff'],
    ['10.0.99.200', '10.0.99.200'],
    ['249.19.90.100', '249.19.90.100'],
  ])('%s is read, and written %s', (text, canonical) => {
    expect(formatAddress(parseAddress(text)!)).toBe(canonical);
    expect(parseAddress(canonical)).toEqual(parseAddress(text));
  });

  it.each([
    '',
    ' ',
    '1',
    '1.2',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '1..2.3',
    '1.2.3.',
    '256.1.1.1',
    '1.2.3.256',
    '1.2.3.999',
    '1.2.3.4294967296',
    '01.2.3.4',
    '1.2.3.04',
    '00.0.0.0',
    '0177.0.0.1',
    '010.8.8.8',
    '0x7f.0.0.1',
    '0x7f000001',
    '2130706433',
    '127.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1.2.3.4:80',
    '1.2.3.4/32',
    '[1.2.3.4]',
    '1.2.3.a',
    '-1.2.3.4',
    '+1.2.3.4',
    '1.2.3.4\0',
    '１.2.3.4',
    '١.2.3.4',
    '1。2。3。4',
    '1,2,3,4',
    '1.2.3.4e0',
    '[::1]',
    '[::1]:80',
    '::1%eth0',
    '::1%25eth0',
    'fe80::1%1',
    '::1/128',
    ':',
    ':::',
    '::1::',
    '1::2::3',
    '1:2',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:',
    ':2:3:4:5:6:7:8',
    '12345::',
    '::12345',
    '::g',
    '::1.2.3',
    '::1.2.3.4.5',
    '::1.2.3.256',
    '::01.2.3.4',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1:2:3:4:5:1.2.3.4',
    '::ffff:0x7f.0.0.1',
    ' ::1',
    '::1 ',
    '::１',
    'localhost',
    '::ffff:1.2.3.4%0',
    '0000:0000:0000:0000:0000:0000:255.255.255.2555',
    '::1:',
    '1::2:',
    '1:2:3:4:5:6:7:8:1.2.3.4',
    '::@',
    '::`',
    '::G',
    '::/',
    '::;',
    '1.2.3./',
    '1.2.3.:',
    '1.2.3.1/',
    '.1::',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBe(null);
  });

  it('networks have an address, a slash, a length and no bits below it', () => {
    for (const text of [
      '0.0.0.0/0',
      '10.0.0.0/8',
      '10.1.2.3/32',
      '192.168.1.128/25',
      '::/0',
      '2001:db8::/32',
      '::1/128',
      'fe80::/10',
      '1:2:3:8000::/49',
    ])
      expect([text, isCidr(text)]).toEqual([text, true]);
    for (const text of [
      '10.0.0.0',
      '10.0.0.0/',
      '/8',
      '10.0.0.0/33',
      '10.0.0.0/08',
      '10.0.0.0/+8',
      '10.0.0.0/-1',
      '10.0.0.0/8 ',
      '10.0.0.0 /8',
      '10.0.0.0/ 8',
      '10.0.0.0/8/8',
      '10.0.0.1/8',
      '10.0.0.0/255.0.0.0',
      '10/8',
      '10.0.0/8',
      '010.0.0.0/8',
      '10.0.0.0/8\n',
      '10.0.0.0/1e1',
      '10.0.0.0/0x8',
      '10.0.0.0/８',
      '10.0.0.0/999999999999',
      '192.168.1.1/24',
      '192.168.1.64/25',
      '0.0.0.1/0',
      '::/129',
      '::1/127',
      '[::]/0',
      '::%eth0/0',
      'fe80::1%eth0/128',
      '2001:db8::1/32',
      '::1',
      '*',
      'any',
      '',
      '/',
      '1:2:3:8000::/48',
      '::1/0',
      ':/0',
    ])
      expect([text, isCidr(text)]).toEqual([text, false]);
  });

  it.each([
    ['10.255.0.1', '10.0.0.0/8', true],
    ['11.0.0.0', '10.0.0.0/8', false],
    ['9.255.255.255', '10.0.0.0/8', false],
    ['192.168.1.255', '192.168.1.128/25', true],
    ['192.168.1.127', '192.168.1.128/25', false],
    ['8.8.8.8', '0.0.0.0/0', true],
    ['10.1.2.3', '10.1.2.3/32', true],
    ['10.1.2.4', '10.1.2.3/32', false],
    ['10.1.128.0', '10.1.128.0/17', true],
    ['10.1.127.255', '10.1.128.0/17', false],
    ['2001:db8:ffff::1', '2001:db8::/32', true],
    ['2001:db9::', '2001:db8::/32', false],
    ['::1', '::/0', true],
    ['febf::1', 'fe80::/10', true],
    ['fec0::1', 'fe80::/10', false],
    ['::1', '::1/128', true],
    ['::2', '::1/128', false],
    ['::ffff:10.0.0.1', '10.0.0.0/8', false],
    ['10.0.0.1', '::/0', false],
    ['10.0.0.1', '::ffff:0:0/96', false],
    ['0.0.0.1', '::/0', false],
  ])('%s in %s: %s', (address, network, expected) => {
    expect(within(address, network)).toBe(expected);
  });

  it('the groups of a dotted quad are its bytes, two by two', () => {
    expect(parseAddress('1.2.3.4')).toEqual({ version: 4, groups: [0x102, 0x304] });
    expect(parseAddress('::255.254.253.252')?.groups.slice(6)).toEqual([0xfffe, 0xfdfc]);
  });

  it('a network has each length, no bit below it, and all addresses with the bits above', () => {
    for (const [version, bits] of [
      [4, 32],
      [6, 128],
    ] as const)
      for (let prefix = 0; prefix <= bits; prefix++) {
        /** The first so many bits set, and the one at `flipped` changed. */
        const address = (ones: number, flipped = -1): Address => ({
          version,
          groups: Array.from({ length: bits / 16 }, (_, i) => {
            const set = 0xffff & ~(0xffff >> Math.min(16, Math.max(0, ones - 16 * i)));
            return flipped >> 4 === i ? set ^ (0x8000 >> (flipped & 15)) : set;
          }),
        });
        const text = `${formatAddress(address(prefix))}/`;
        expect([text, parseCidr(`${text}${prefix}`)]).toEqual([text, { ...address(prefix), prefix }]);
        if (prefix > 0) expect([text, isCidr(`${text}${prefix - 1}`)]).toEqual([text, false]);
        const network = parseCidr(`${text}${prefix}`)!;
        const inside = (bit: number): boolean => inCidr(address(prefix, bit), network);
        if (prefix > 0) expect([inside(0), inside(prefix - 1)]).toEqual([false, false]);
        if (prefix < bits) expect([inside(prefix), inside(bits - 1)]).toEqual([true, true]);
      }
  });

  it('a mapped address of a connection is unmapped by name, no other is', () => {
    expect(formatAddress(unmapAddress(parseAddress('::ffff:10.0.0.1')!))).toBe('10.0.0.1');
    for (const text of [
      '10.0.0.1',
      '::1',
      '::10.0.0.1',
      '64:ff9b::10.0.0.1',
      '1::ffff:10.0.0.1',
      '::fffe:10.0.0.1',
      '0:1::ffff:10.0.0.1',
      '0:0:1::ffff:10.0.0.1',
      '::1:0:ffff:10.0.0.1',
      '::1:ffff:10.0.0.1',
    ]) {
      expect(unmapAddress(parseAddress(text)!)).toEqual(parseAddress(text));
    }
  });
});

describe('C6 the cidr constraint', () => {
  const check = compileConstraint({ kind: 'cidr', networks: ['10.0.0.0/8', '2001:db8::/32'] });

  it('takes an address inside, as text and nothing else', () => {
    for (const value of ['10.0.0.1', '10.255.255.255', '2001:db8::1']) expect(check(value)).toBe(null);
    for (const value of [
      '11.0.0.1',
      '::1',
      '010.0.0.1',
      '10.0.0.1.',
      '10.0.0.1:80',
      '[2001:db8::1]',
      '10.0.0.1/32',
      '10.1',
      '0xa.0.0.1',
      '167772161',
      ' 10.0.0.1',
      '10.0.0.1\n',
      '10.0.0.1\0',
      '::ffff:10.0.0.1',
      '::10.0.0.1',
      '64:ff9b::10.0.0.1',
      '2002:a00:1::',
      '',
      'localhost',
      null,
      167772161,
      true,
      ['10.0.0.1'],
      { a: 1 },
      undefined,
    ])
      expect([value, check(value)]).toEqual([value, 'must be an address in 10.0.0.0/8 or 2001:db8::/32']);
  });

  it('an address that carries IPv4 meets only a network inside the same range', () => {
    const everything = compileConstraint({ kind: 'cidr', networks: ['::/0', '0.0.0.0/0'] });
    for (const value of [
      '::ffff:169.254.169.254',
      '64:ff9b::a9fe:a9fe',
      '64:ff9b:1::1',
      '2002:a9fe:a9fe::',
      '2001:0:1::',
      '::169.254.169.254',
      '::ffff:0:a9fe:a9fe',
      '::1',
      '::',
    ]) {
      expect([value, everything(value) === null]).toEqual([value, false]);
    }
    for (const value of ['2001:db8::1', '169.254.169.254', 'fe80::1']) expect(everything(value)).toBe(null);
    const named = compileConstraint({ kind: 'cidr', networks: ['::1/128', '64:ff9b::/96'] });
    for (const value of ['::1', '64:ff9b::1.2.3.4']) expect(named(value)).toBe(null);
    expect(named('::2')).not.toBe(null);
    // A range itself, a part of one, and what holds more than one.
    for (const [network, yes, no] of [
      ['2002::/16', '2002:a00:1::', '2003::'],
      ['2002:a00::/32', '2002:a00:1::', '2002:b00::'],
      ['2000::/3', '2003::', '2002:a00:1::'],
    ] as const) {
      const check = compileConstraint({ kind: 'cidr', networks: [network] });
      expect([network, check(yes) === null, check(no) === null]).toEqual([network, true, false]);
    }
  });

  it.each([[[]], [['10.0.0.0']], [['10.0.0.1/8']], ['10.0.0.0/8'], [[1]], [null], [undefined]])(
    '%j is no list of networks',
    (networks) => {
      expect(() => encodeConstraint({ kind: 'cidr', networks } as never)).toThrow(/^cidr: networks/);
    },
  );
});

describe('properties', () => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
  const v6 = fc.array(group, { minLength: 8, maxLength: 8 });
  const v4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });

  it('what is read is what node calls an address, and round trips through WHATWG URL', () => {
    const text = fc.oneof(
      v6.map((groups) => formatAddress({ version: 6, groups })),
      v6.map((groups) => groups.map((g) => g.toString(16).padStart(4, '0')).join(':')),
      v4.map((parts) => parts.join('.')),
      fc.string({ unit: fc.constantFrom(...'0123456789abcf:.::..'), maxLength: 20 }),
      fc
        .array(fc.constantFrom('::', ':', '1', 'ffff', '0', '1.2.3.4', '01', '.'), { maxLength: 10 })
        .map((x) => x.join('')),
    );
    const came = { none: 0, v4: 0, v6: 0 };
    fc.assert(
      fc.property(text, (candidate) => {
        const address = parseAddress(candidate);
        came[address === null ? 'none' : address.version === 4 ? 'v4' : 'v6']++;
        expect([candidate, address?.version ?? 0]).toEqual([candidate, isIP(candidate)]);
        if (address === null) return;
        const host = address.version === 6 ? `[${candidate}]` : candidate;
        expect(new URL(`http://${host}/`).hostname.replaceAll(/[[\]]/g, '')).toBe(formatAddress(address));
      }),
      runs(5000),
    );
    expectShares(came, 0.06);
  });

  it('an address lies in every network cut from it, and leaves it when a bit before the length flips', () => {
    const came = { inside: 0, outside: 0 };
    fc.assert(
      fc.property(v6, fc.integer({ min: 0, max: 128 }), fc.nat(127), (groups, prefix, bit) => {
        const masked = groups.map((g, i) => {
          const free = Math.min(16, Math.max(0, (i + 1) * 16 - prefix));
          return (g >> free) << free;
        });
        const network = parseCidr(`${formatAddress({ version: 6, groups: masked })}/${prefix}`)!;
        expect(inCidr({ version: 6, groups }, network)).toBe(true);
        const flipped = groups.map((g, i) => (i === bit >> 4 ? g ^ (0x8000 >> (bit & 15)) : g));
        came[bit >= prefix ? 'inside' : 'outside']++;
        expect(inCidr({ version: 6, groups: flipped }, network)).toBe(bit >= prefix);
      }),
      runs(1000),
    );
    expectShares(came, 0.15);
  });
});

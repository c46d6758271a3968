// The caveat `net`: from which networks.
import { expect, test } from 'vitest';
import { attenuate, restrict } from '@ambit/core';
import { facts, knownCall, knownFacts, mintBase, outcome, search } from '../sample.ts';

test('L2 a missing client address denies', () => {
  expect(outcome(attenuate(mintBase(), restrict.net('0.0.0.0/0', '::/0')))).toBe('fact_missing');
});

test('an address in any of the networks is let through, and no other text is an address', () => {
  const token = attenuate(mintBase(), restrict.net('10.0.0.0/8', '2001:db8::/32', '192.0.2.7/32'));
  const code = (address: string): string => outcome(token, search, facts({ address }));
  for (const address of ['10.1.2.3', '192.0.2.7', '2001:db8::1', '::ffff:10.1.2.3'])
    expect(code(address), address).toBe('ok');
  for (const address of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '::ffff:11.0.0.1', '', 'localhost', '10.1.2.3 ', '10.1.2', '10.1.2.3/32'])
    expect(code(address), address).toBe('net_refused'); // prettier-ignore
});

test('L2 an empty list allows nothing', () => {
  expect(outcome(attenuate(mintBase(), restrict.net()), knownCall, knownFacts)).toBe('net_refused');
});

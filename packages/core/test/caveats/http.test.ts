// The caveat `http`: which methods and paths.
import { expect, it, test } from 'vitest';
import { attenuate, restrict } from '@ambit/core';
import { knownCall, knownFacts, makeCall, mintBase, outcome } from '../sample.ts';

test('L2 a missing HTTP request denies', () => {
  expect(outcome(attenuate(mintBase(), restrict.http(['GET'], ['/*'])))).toBe('fact_missing');
});

test.each([
  ['methods', restrict.http([], ['/*'])],
  ['paths', restrict.http(['GET'], [])],
])('L2 an empty list of %s allows nothing', (_, caveat) => {
  expect(outcome(attenuate(mintBase(), caveat), knownCall, knownFacts)).toBe('http_refused');
});

test('one of the methods on one of the paths, and no other', () => {
  const token = attenuate(mintBase(), restrict.http(['GET', 'PUT'], ['/a', '/b/*']));
  const code = (method: string, target: string): string =>
    outcome(token, makeCall({ tool: 'web_search', http: { method, origin: 'https://a.example', target } }));
  for (const [method, target] of [['GET', '/a'], ['PUT', '/a'], ['GET', '/b/c'], ['PUT', '/b/c/d?e'], ['GET', '/a?b=/c']] as const)
    expect(code(method, target), `${method} ${target}`).toBe('ok'); // prettier-ignore
  for (const [method, target] of [['POST', '/a'], ['GET', '/b'], ['GET', '/c'], ['GET', '/a/'], ['GET', '/b//c'], ['GET', '/b/./c'], ['GET', '/b/../c'], ['GET', '/b/..'], ['GET', '/b/c//'], ['GET', '/'], ['GET', '/?/a']] as const)
    expect(code(method, target), `${method} ${target}`).toBe('http_refused'); // prettier-ignore
});

it('C1 every escape that a path may not hold', () => {
  const token = attenuate(mintBase(), restrict.http(['GET'], ['/public/*']));
  const escapes = [
    '2e',
    '2f',
    '5c',
    '25',
    '7f',
    ...Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0')),
  ];
  for (const escape of escapes.flatMap((e) => [e, e.toUpperCase()])) {
    const target = `/public/a%${escape}b`;
    const call = makeCall({
      tool: 'web_search',
      http: { method: 'GET', origin: 'https://a.example', target },
    });
    expect(outcome(token, call), target).toBe('http_refused');
  }
});

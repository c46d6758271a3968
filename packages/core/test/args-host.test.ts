// C2, C5: what is a host name, an address as a host, a rule over hosts; what each rule covers. SPEC.md section 9.
import { describe, expect, it } from 'vitest';
import { compileHosts, countLabels, isHostRule, isLiteral } from '../src/args/host.ts';

const labels = (text: string): number => countLabels(text, 0, text.length);

describe('C2 a host name', () => {
  it.each([
    ['a', 1],
    ['a.b', 2],
    ['0a.z9.AZ', 3],
    ['_a.b_', 2],
    ['a-b.c--d', 2],
    ['xn--a.b', 2],
    [`${'a'.repeat(63)}.b`, 2],
    [`${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(61), 4],
    // Digits in front of the last label, or with others in it.
    ['1.2.a', 3],
    ['a.1b', 2],
    ['a.b1', 2],
    ['a.1-1', 2],
    ['a.1_', 2],
    ['a.0xg', 2],
    ['a.0x-1', 2],
    ['a.0x1g', 2],
    ['a.1x1', 2],
    ['a.0y1', 2],
    ['a.x1', 2],
    ['a.ab', 2],
    ['0x1.a', 2],
  ])('%s has labels: %i', (text, count) => {
    expect(labels(text)).toBe(count);
    // Of a part of a text alone.
    expect(countLabels(`.${text}.`, 1, text.length + 1)).toBe(count);
    expect(countLabels(`-${text}-`, 1, text.length + 1)).toBe(count);
  });

  it.each([
    '', '.', '..', 'a.', '.a', 'a..b', '-', '-a', 'a-', 'a.-b', 'a-.b', 'a.b-', 'a b', 'a/b', 'a:b', 'a@b', 'a[b', 'a`b', 'a{b', 'a,b',
    'a\0', 'a\u007f', 'a\u0080', 'aé', 'é', `${'a'.repeat(64)}.b`, `b.${'a'.repeat(64)}`, `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(62),
    // Ends in a number.
    '0', '9', '1.2', 'a.0', 'a.9', 'a.09', 'a.0x', 'a.0X', 'a.0x0', 'a.0x9', 'a.0xa', 'a.0xf', 'a.0XAF', 'a.0x1f', '0x',
  ])('%j is none', (text) => {
    expect(labels(text)).toBe(0);
  }); // prettier-ignore
});

it('C2 an address as a host has one form', () => {
  for (const host of ['127.0.0.1', '0.0.0.0', '[::1]', '[2001:db8::1]', '[::ffff:102:304]'])
    expect([host, isLiteral(host)]).toEqual([host, true]);
  for (const host of [
    '', '[', ']', '[]', '::1', '[::1', '::1]', '[127.0.0.1]', '[127.0.0.1', '127.0.0.1]', '127.0.0.01', '[::01]', '[::A]', '[0:0::1]',
    '[::ffff:1.2.3.4]', 'a', '[a]', '[[::1]]', '2001:db8::1',
  ])
    expect([host, isLiteral(host)]).toEqual([host, false]);
}); // prettier-ignore

it('C2 rules over hosts', () => {
  for (const rule of ['a', 'a.b', '*.a.b', '*.a.b.c', '127.0.0.1', '[::1]']) {
    expect([rule, isHostRule(rule, true), isHostRule(rule, false)]).toEqual([rule, true, true]);
  }
  expect([isHostRule('*', true), isHostRule('*', false)]).toEqual([true, false]);
  for (const rule of ['', 'A', 'a.B', '*.A.b', '*.a', '*.', '*.*', '*.*.a', '*a.b', '**', 'a.*', '*.a.b.', '*.1.2', '*.[::1]', '[::A]', '127.1'])
    expect([rule, isHostRule(rule, true), isHostRule(rule, false)]).toEqual([rule, false, false]);
}); // prettier-ignore

describe('C2 what rules cover', () => {
  it.each<[rules: string[], yes: string[], no: string[]]>([
    [[], [], ['a.b', 'a', '']],
    [['a.b'], ['a.b'], ['x.a.b', 'a', 'b', 'xa.b', 'a.bc', '.a.b']],
    [['localhost', '127.0.0.1', '[::1]'], ['localhost', '127.0.0.1', '[::1]'], ['127.0.0.2', '[::2]', 'x.localhost']],
    [['*.a.b'], ['x.a.b', 'x.y.a.b', '_.a.b'], ['a.b', '.a.b', 'xa.b', 'x.a.bc', 'a.b.x', 'x.a', '-.a.b', 'x..a.b']],
    [['*.c.d', '*.a.b', 'e.f'], ['x.a.b', 'x.c.d', 'e.f'], ['x.e.f', 'a.b', 'c.d', 'x.a.d']],
    // Punycode in the part that the star stands for, wherever a label begins.
    [['*.a.b'], ['axn--x.a.b', 'x.axn--y.a.b'], ['xn--x.a.b', 'x.xn--y.a.b', 'xn--x.y.a.b', 'x.y.xn--z.a.b']],
    [['*.xn--a.b'], ['x.xn--a.b'], ['xn--x.xn--a.b', 'x.xn--y.xn--a.b']],
    [['*'], ['a.b', 'a.b.co', 'axn--b.c'], ['a', 'xn--a.b', 'a.xn--b', 'a.xn--b.c', 'a.localhost', 'x.y.internal', 'a.prod', '1.2.3.4', '[::1]']],
    // A local or metadata name that is named, and one that a star would cover.
    [['*', 'a.localhost', 'metadata.goog'], ['a.localhost', 'metadata.goog', 'a.b'], ['b.localhost', 'metadata.google.internal']],
    [['*.internal.b', '*.goog.x'], ['a.internal.b', 'metadata.goog.x'], ['metadata.goog']],
    [
      ['*.google.internal', '*.azure.internal', '*.platformequinix.com', '*.ec2.internal', '*.tencentyun.com'],
      ['a.google.internal', 'x.metadata.google.internal', 'metadata2.platformequinix.com'],
      ['metadata.google.internal', 'metadata.azure.internal', 'metadata.platformequinix.com', 'instance-data.ec2.internal', 'metadata.tencentyun.com'],
    ],
  ])('%j', (rules, yes, no) => {
    const covers = compileHosts(rules);
    expect(yes.filter((host) => !covers(host))).toEqual([]);
    expect(no.filter((host) => covers(host))).toEqual([]);
  }); // prettier-ignore
});

// Making a call: what is one, what is refused with which code, and that nothing of it changes afterwards.
import { describe, expect, it } from 'vitest';
import {
  Arguments,
  bodyDigest,
  parseCall,
  prove,
  utf8,
  type Call,
  type CallInput,
  type HttpContext,
} from '../src/index.ts';
import { AUDIENCE, holder, makeCall, mintBase, NOW, verifierWith } from './sample.ts';

const http: HttpContext = { method: 'POST', origin: 'https://a.example:8443', target: '/x?y=%20' };
const code = (input: unknown): string => {
  const made = parseCall(input as CallInput);
  return made.ok ? 'ok' : made.code;
};

describe('a call', () => {
  it('has a tool that is a name', () => {
    for (const tool of ['a', 'web_search', 'files.read', 'mail/send', 'a-b', 'x'.repeat(256)])
      expect(code({ tool }), tool).toBe('ok');
    for (const tool of [undefined, null, 5, {}, ['a'], '', 'a b', 'a*', '.a', 'a.', 'x'.repeat(257)])
      expect(code({ tool }), String(tool)).toBe('tool_invalid');
    for (const input of [undefined, null, 'web_search', 5]) expect(() => code(input)).toThrow(TypeError);
  });

  it('takes arguments as bytes, text, a value, arguments taken before, or none', () => {
    const taken = Arguments.parse('{"q":1}');
    for (const args of [utf8('{"q":1}'), '{"q":1}', { q: 1 }, taken])
      expect(makeCall({ tool: 'a', args: args as never }).args.value).toEqual({ q: 1 });
    expect(makeCall({ tool: 'a', args: taken as never }).args).toBe(taken);
    expect(makeCall({ tool: 'a' }).args.value).toEqual({});
    for (const args of [null, 5, '', 'x', '[]', '{"q":1', [], utf8('{"q":1,"q":1}')])
      expect(code({ tool: 'a', args }), String(args)).toBe('arguments_invalid');
  });

  it('has a request that a verifier can read, field by field', () => {
    const digest = bodyDigest(utf8('x'));
    for (const change of [{}, { origin: 'http://a' }, { target: '/' }, { bodyDigest: digest }, { bodyDigest: undefined }])
      expect(code({ tool: 'a', http: { ...http, ...change } }), JSON.stringify(change)).toBe('ok'); // prettier-ignore
    const wrong: Record<string, unknown>[] = [
      ...[undefined, null, 5, ['POST'], '', 'post', 'PO ST', '\ud800'].map((method) => ({ method })),
      ...[undefined, null, 5, ['https://a'], '', 'https://', 'ftp://a', 'https://a/', 'https://a?b', 'https://a#b',
        'https://a@b', 'https://a b', 'https://ä', 'x https://a', 'https://a\n', '\ud800'].map((origin) => ({ origin })),
      ...[undefined, null, 5, ['/x'], '', 'x', '/ x', '/ä', '/x\n', '*', '\ud800'].map((target) => ({ target })),
      ...[null, 5, 'x', new Uint8Array(31), new Uint8Array(33), [...new Uint8Array(32)], new Int8Array(32)].map((d) => ({ bodyDigest: d })),
    ]; // prettier-ignore
    for (const change of wrong)
      expect(code({ tool: 'a', http: { ...http, ...change } }), JSON.stringify(change)).toBe(
        'request_invalid',
      );
  });

  it('P2 is frozen, and so is its request; the digest of its body is a copy each time', () => {
    const digest = bodyDigest(utf8('x'))!;
    const given = { ...http, bodyDigest: digest.slice() };
    const call = makeCall({ tool: 'a', http: given });
    expect(Object.isFrozen(call) && Object.isFrozen(call.http)).toBe(true);
    given.bodyDigest.fill(0);
    call.http!.bodyDigest!.fill(0);
    expect(call.http!.bodyDigest).toEqual(digest);
    given.target = '/other';
    expect(call.http).toMatchObject({ method: 'POST', origin: http.origin, target: http.target });
    expect(makeCall({ tool: 'a', http }).http!.bodyDigest).toBeUndefined();
    expect(makeCall({ tool: 'a' }).http).toBeUndefined();
  });

  it('is shown as what was asked', () => {
    const args = { q: 1 };
    expect(JSON.parse(JSON.stringify(makeCall({ tool: 'a', args })))).toEqual({ tool: 'a', args });
    expect(JSON.parse(JSON.stringify(makeCall({ tool: 'a', args, http })))).toEqual({
      tool: 'a',
      args,
      http,
    });
  });

  it('P2 is made by parseCall and by nothing else', () => {
    const real = makeCall({ tool: 'web_search' });
    const Class = real.constructor as new (...args: unknown[]) => Call;
    expect(() => new Class(Symbol('checked'), 'web_search', real.args, undefined)).toThrow(TypeError);
    const forged: unknown[] = [
      undefined,
      null,
      'web_search',
      5,
      {},
      { tool: 'web_search', args: real.args },
      Object.create(real),
      Object.create(Object.getPrototypeOf(real) as object),
    ];
    const options = { audience: AUDIENCE, time: NOW };
    for (const call of forged) {
      expect(() => prove(mintBase(), call as Call, options, holder(0))).toThrow('call: expected a Call');
      expect(() => verifierWith().verify({ token: mintBase(), call: call as Call, now: NOW })).toThrow(
        'call: expected a Call',
      );
    }
    expect(() => prove(mintBase(), real, options, holder(0))).not.toThrow();
  });
});

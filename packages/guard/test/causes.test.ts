// What an operator is told beyond the caller: why a proof does not fit, and what of the service's own failed. The caller
// gets a code and its sentence, as for any other refusal (attack G4: what watches and what fails changes no answer).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capabilityFetch, createAgentKey } from '@ambit/agent';
import {
  directorySource,
  homePaths,
  homeVerifier,
  openHome,
  openReader,
  search,
  type Recorder,
} from '@ambit/audit';
import {
  AmbitError,
  attenuate,
  CODES,
  createVerifier,
  Keyring,
  mint,
  parseCall,
  ProofSession,
  prove,
  PublicKey,
  restrict,
  SecretKey,
  signer,
  type CallInput,
} from '@ambit/core';
import { createGuard, type DecisionEvent, type Guard, type GuardOptions } from '@ambit/guard';
import { fetchHandler, httpGuard, type CapabilityOptions } from '@ambit/guard/http';
import { memoryStore, type Store } from '@ambit/state';
import { BODY_BYTES, contextOf, PROOF_HEADER } from '@ambit/wire/http';

const NOW = 4_102_444_800;
const AUDIENCE = 'files.acme.com';
const ORIGIN = 'https://files.acme.com';
const keyring = Keyring.create('iam.acme.com');
const { key, holder } = createAgentKey();
const by = signer(SecretKey.parse('holder', key));

let folder: string;
let recorder: Recorder;
let store: Store;
let faults: unknown[];
let events: DecisionEvent[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ambit-causes-'));
  recorder = await openHome(folder, { origin: 'audit.acme.com/test' });
  store = memoryStore({ nowSeconds: () => NOW });
  faults = [];
  events = [];
});
afterEach(async () => {
  await recorder.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const guardWith = (options: Partial<GuardOptions> = {}): Guard =>
  createGuard({
    verifier: createVerifier({
      audience: AUDIENCE,
      keys: keyring.exportFor(AUDIENCE),
      proofSessions: { key: SecretKey.generate('x25519') },
    }),
    store,
    audit: recorder,
    requireOpenSession: false,
    tools: () => ({ external: false, data: ['internal'] }),
    nowMs: () => NOW * 1000,
    onFault: (error) => void faults.push(error),
    onDecision: (event) => void events.push(event),
    ...options,
  });

const token = (): string =>
  mint(keyring, {
    operator: { id: 'acme' },
    model: { id: 'agent-v2', digest: new Uint8Array(32).fill(1) },
    session: 's-1',
    user: 'jane',
    tools: ['files.*', 'http.*'],
    data: ['internal'],
    audience: AUDIENCE,
    holder: PublicKey.parse('holder', holder),
    issuedAt: NOW,
    expires: NOW + 900,
  });

/** The reasons in the log, in order. */
async function reasons(): Promise<(string | undefined)[]> {
  await recorder.log.checkpoint();
  const { reader } = await openReader(
    directorySource(homePaths(folder).directory),
    await homeVerifier(folder),
  );
  const found: (string | undefined)[] = [];
  for await (const { record } of search(reader, {}))
    if (record.kind === 'decision') found.push(record.reason);
  return found;
}

const made = (input: CallInput): Parameters<typeof prove>[1] => {
  const read = parseCall(input);
  if (!read.ok) throw new Error(read.message);
  return read.call;
};

describe('why a proof does not fit is in the log, and the caller is not told', () => {
  const http = {
    method: 'POST',
    origin: ORIGIN,
    target: '/files?id=7',
    bodyDigest: new Uint8Array(32).fill(7),
  };
  const { bodyDigest: _, ...empty } = http;
  const call: CallInput = { tool: 'files.read', args: { id: '7' }, http };
  const cases: readonly (readonly [string, CallInput, string])[] = [
    ['the tool was not named', { tool: 'http.post', args: {}, http }, 'made for http.post'],
    ['the arguments were not given', { tool: 'files.read', args: {}, http }, 'without arguments'],
    ['no HTTP request was proved', { tool: 'files.read', args: { id: '7' } }, 'covers no HTTP request'],
    [
      'another scheme',
      { ...call, http: { ...http, origin: 'http://files.acme.com' } },
      'made for http://files.acme.com; the origin of this service is https://files.acme.com',
    ],
    [
      'another origin',
      { ...call, http: { ...http, origin: 'http://127.0.0.1:8471' } },
      'made for http://127.0.0.1:8471',
    ],
    ['no body', { ...call, http: empty }, 'without a body'],
    ['no query', { ...call, http: { ...http, target: '/files' } }, 'without its query'],
    [
      'another argument',
      { ...call, args: { id: '8' } },
      'another key, or for something else than audience files.acme.com, tool files.read, POST at https://files.acme.com',
    ],
  ];

  it.each(cases)('%s', async (_name, proved, words) => {
    const guard = guardWith();
    const text = token();
    const proof = prove(text, made(proved), { audience: AUDIENCE, time: NOW }, by);
    const answer = await guard.authorize({
      token: text,
      proof,
      call,
      origins: () => ['http://127.0.0.1:8471'],
    });
    if (answer.ok) throw new Error('allowed');
    expect(answer.cause).toContain(words);
    expect(answer.publicDenial).toEqual({
      ok: false,
      code: 'proof_invalid',
      message: CODES.proof_invalid.sentence,
    });
    expect(events[0]!.cause).toBe(answer.cause);
    expect((await reasons())[0]).toContain(words.slice(0, 60));
    expect(faults).toEqual([]);
  });

  it('the origins that a client may mean are looked up for a refused proof, and for nothing else', async () => {
    const answer = httpGuard({
      guard: guardWith(),
      origin: ORIGIN,
      toCall: () => ({ tool: 'files.read', args: { id: '7' } }),
    });
    const asked = async (proof: string | null): Promise<readonly [boolean, number]> => {
      let looked = 0;
      const headers: Record<string, string> = { authorization: `Capability ${text}`, host: 'files.acme.com' };
      if (proof !== null) headers[PROOF_HEADER] = proof;
      const header = (name: string): readonly string[] => {
        if (name === 'host') looked++;
        return headers[name] === undefined ? [] : [headers[name]];
      };
      const { ok } = await answer({ method: 'GET', target: '/files', body: undefined, header });
      return [ok, looked];
    };
    const text = token();
    const proved = (target: string): string => {
      const sent = { ...call, http: contextOf({ method: 'GET', target, body: undefined }, ORIGIN) };
      return prove(text, made(sent), { audience: AUDIENCE, time: NOW }, by);
    };
    expect(await asked(proved('/files'))).toEqual([true, 0]);
    expect(await asked(null)).toEqual([false, 0]);
    expect(await asked(proved('/other'))).toEqual([false, 1]);
  });

  it('another key; the token before it was narrowed; a proof session', async () => {
    const guard = guardWith();
    const thief = createAgentKey();
    const text = token();
    const stolen = mint(keyring, {
      ...{ operator: { id: 'acme' }, model: { id: 'agent-v2', digest: new Uint8Array(32) }, session: 's-2' },
      ...{ user: 'jane', tools: ['files.*'], audience: AUDIENCE, issuedAt: NOW, expires: NOW + 900 },
      holder: PublicKey.parse('holder', thief.holder),
    });
    const theirs = prove(
      stolen,
      made(call),
      { audience: AUDIENCE, time: NOW },
      signer(SecretKey.parse('holder', thief.key)),
    );
    const narrow = attenuate(text, restrict.calls(5), restrict.tools('files.read'));
    const wide = prove(text, made(call), { audience: AUDIENCE, time: NOW }, by);
    const session = ProofSession.open(guard.verifier.sessionOffer!, { time: NOW }, by);
    const first = session.prove(text, made(call), NOW);
    expect((await guard.authorize({ token: text, proof: first, call })).ok).toBe(true);
    const second = session.prove(text, made({ ...call, args: {} }), NOW);
    for (const [shown, proof] of [
      [text, theirs],
      [narrow, wide],
      [text, second],
    ] as const)
      expect((await guard.authorize({ token: shown, proof, call })).ok).toBe(false);
    expect(events.map((e) => e.cause)).toEqual([
      null,
      expect.stringContaining('another key'),
      expect.stringContaining('before its last 2 caveats'),
      expect.stringContaining('without arguments'),
    ]);
  });

  it('whoever has a token can make the guard look into ten proofs a second, and no more', async () => {
    const guard = guardWith();
    const text = token();
    const wrong = made({ ...call, args: { id: '8' } });
    for (let i = 0; i < 12; i++)
      await guard.authorize({
        token: text,
        proof: prove(text, wrong, { audience: AUDIENCE, time: NOW }, by),
        call,
      });
    expect(events.filter((e) => e.cause !== null)).toHaveLength(10);
    expect(events.every((e) => e.code === 'proof_invalid')).toBe(true);
  });
});

describe("what of the service's own fails is told to its operator and not to the caller", () => {
  const SECRET = 'hunter2 at /srv/app.js';
  const fail = (): never => {
    throw new RangeError(SECRET);
  };
  const service = (
    options: Partial<CapabilityOptions>,
    over: Partial<GuardOptions> = {},
  ): ReturnType<typeof fetchHandler> =>
    fetchHandler(
      httpGuard({ guard: guardWith(over), origin: ORIGIN, ...options }),
      () => new Response('plan'),
    );
  const ask = async (handler: ReturnType<typeof fetchHandler>): Promise<{ status: number; text: string }> => {
    const send = capabilityFetch({
      ...{ token: token(), signer: by, audience: AUDIENCE, nowMs: () => NOW * 1000 },
      fetch: async (url, init) => handler(new Request(url, init)),
    });
    const response = await send(`${ORIGIN}/plan`);
    return { status: response.status, text: await response.text() };
  };

  it('a hook that reads the request', async () => {
    const { status, text } = await ask(service({ toCall: fail }));
    expect(status).toBe(500);
    // The sentence of the code, and not what the operator is told beside it.
    expect(JSON.parse(text)).toMatchObject({
      code: 'service_failed',
      detail: CODES.service_failed.sentence,
    });
    expect(text).not.toContain(SECRET);
    expect(faults).toEqual([expect.objectContaining({ message: SECRET })]);
    expect(await reasons()).toEqual([
      expect.stringContaining('reading what the request asks for threw RangeError'),
    ]);
    expect((await reasons()).join()).not.toContain('hunter2');
  });

  it.each([
    ['JSON.parse', () => JSON.parse('{')],
    ['decodeURIComponent', () => decodeURIComponent('%')],
    [
      'AmbitError',
      () => {
        throw new AmbitError('request_invalid', 'no id');
      },
    ],
    [
      'an error with a status',
      () => {
        throw Object.assign(new Error('no id'), { status: 422 });
      },
    ],
  ])("a hook that finds the request at fault stays the caller's: %s", async (_name, toCall) => {
    const { status, text } = await ask(service({ toCall: toCall as never }));
    expect([status, (JSON.parse(text) as { code: string }).code]).toEqual([400, 'request_invalid']);
    expect(faults).toEqual([]);
    expect(await reasons()).toEqual([expect.stringMatching(/^reading what the request asks for threw /)]);
  });

  it.each<readonly [string, Partial<CapabilityOptions>, Partial<GuardOptions>, string, string]>([
    ['what the service knows of a request', { known: fail }, {}, 'fact_missing', 'finding the facts'],
    ['what it knows of its tools', {}, { tools: fail }, 'fact_missing', 'finding the facts'],
    ['what follows the flow', {}, { flow: { facts: fail } }, 'fact_missing', 'finding the facts'],
    ['a watcher', {}, { watcher: { refuse: fail } }, 'service_failed', 'the watcher'],
  ])('%s', async (_name, options, over, code, step) => {
    const { text } = await ask(service(options, over));
    const { sentence } = CODES[code as keyof typeof CODES];
    expect(JSON.parse(text)).toMatchObject({ code, detail: sentence });
    expect(text).not.toContain('hunter2');
    expect(faults).toEqual([expect.objectContaining({ message: SECRET })]);
    expect(await reasons()).toEqual([expect.stringContaining(`${step} threw RangeError`)]);
  });

  it('what looks into a refused proof: it is refused by the same code, and the operator hears of it', async () => {
    const genuine = guardWith().verifier;
    const verifier = new Proxy(genuine, {
      get: (_, name: keyof typeof genuine) => {
        const value = genuine[name];
        return name === 'mismatch' ? fail : typeof value === 'function' ? value.bind(genuine) : value;
      },
    });
    const guard = guardWith({ verifier });
    const text = token();
    const call = { tool: 'files.read', args: { id: '7' } };
    const wrong = made({ ...call, args: { id: '8' } });
    const proof = prove(text, wrong, { audience: AUDIENCE, time: NOW }, by);
    expect(await guard.authorize({ token: text, proof, call })).toMatchObject({
      ok: false,
      publicDenial: { code: 'proof_invalid' },
    });
    expect(faults).toEqual([expect.objectContaining({ message: SECRET })]);
  });

  it('a body beyond what is read is refused by whoever is handed it, as by whoever reads it', async () => {
    const capability = httpGuard({ guard: guardWith(), origin: ORIGIN });
    const request = { method: 'POST', target: '/plan', header: () => [] };
    for (const [size, code] of [
      [BODY_BYTES, 'token_missing'],
      [BODY_BYTES + 1, 'request_too_large'],
    ] as const) {
      const answer = await capability({ ...request, body: new Uint8Array(size) });
      expect(answer.ok || (JSON.parse(answer.refusal.body) as { code: string }).code).toBe(code);
    }
  });

  it('the log and the store', async () => {
    const broken = { ...recorder, record: async () => fail() } as never;
    expect(JSON.parse((await ask(service({}, { audit: broken }))).text)).toMatchObject({
      code: 'audit_unavailable',
    });
    expect(faults).toEqual([expect.objectContaining({ message: SECRET })]);
  });

  it('callbacks that fail change nothing, and are not lost', async () => {
    const onDecision = fail;
    const { status } = await ask(
      service({}, { onDecision, observer: { decided: fail, ingested: fail, ended: fail } }),
    );
    expect(status).toBe(200);
    expect(faults).toHaveLength(3);
  });
});

// Records: one encoding, small, linked by session, without secrets whatever is handed in.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { fromBase64url } from '../src/core.ts';
import { leafHash } from '../src/merkle/hash.ts';
import { decodeRecord, encodeRecord } from '../src/record/codec.ts';
import { fromToken, unverifiedToken } from '../src/record/from-token.ts';
import { layersOf, type AuditRecord, type Draft } from '../src/record/record.ts';
import { Recorder } from '../src/record/recorder.ts';
import { refuseSecrets, scrub, scrubText } from '../src/record/secrets.ts';
import { commitment, pseudonym, Vault } from '../src/record/vault.ts';
import { decision, digestOf, drafts, hexOf } from './sample.ts';
import { openAt, scratch } from './scratch.ts';

const complete = (draft: Draft, seq = 5): AuditRecord => ({
  ...draft,
  v: 1,
  at: 1_764_000_000_123,
  seq,
  prev: digestOf('before'),
});
const refused = expect.objectContaining({ code: 'audit_refused' }) as unknown;

describe('a record', () => {
  it('comes back as it went in, for every kind of draft', () => {
    for (const draft of drafts('s1')) {
      const record =
        draft.session === undefined ? ({ ...draft, v: 1, at: 1 } as AuditRecord) : complete(draft);
      expect(decodeRecord(encodeRecord(record))).toEqual(record);
    }
  });

  it('of a typical decision takes at most 600 bytes', () => {
    const bytes = encodeRecord(complete(decision('3f0c8a52d4be4f6a9c1e7d20b5a8f613', 1)));
    expect(bytes.length).toBeLessThanOrEqual(600);
    expect(bytes.length).toBe(556);
  });

  it('has one encoding: no other bytes are read as a record', () => {
    const bytes = encodeRecord(complete(decision('s1', 1)));
    const came = { read: 0, refused: 0 };
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        // Not `slice`, which for a Buffer is no copy.
        const copy = Uint8Array.from(bytes);
        copy[at]! ^= mask;
        const read = decodeRecord(copy);
        came[read === null ? 'refused' : 'read']++;
        if (read !== null) expect(Buffer.from(encodeRecord(read)).equals(Buffer.from(copy))).toBe(true);
      }),
      { numRuns: 3000 },
    );
    for (const [way, times] of Object.entries(came)) expect(times, way).toBeGreaterThan(300);
    // What the encoder would refuse, the decoder does not read: a line break in a name.
    const name = Buffer.from(bytes).indexOf('acme');
    expect(decodeRecord(bytes.with(name, 0x0a))).toBeNull();
    expect(decodeRecord(bytes.with(name, 0xff))).toBeNull();
    for (let n = 0; n < bytes.length; n++) expect(decodeRecord(bytes.subarray(0, n))).toBeNull();
    expect(decodeRecord(Buffer.concat([bytes, Uint8Array.of(0)]))).toBeNull();
  });

  it('refuses fields, values and combinations it does not know', () => {
    const good = complete(decision('s1', 1));
    const bad: unknown[] = [
      { ...good, extra: 1 },
      { ...good, kind: 'gossip' },
      { ...good, v: 2 },
      { ...good, at: -1 },
      { ...good, at: 1.5 },
      { ...good, code: undefined },
      { ...good, prev: 'short' },
      { ...good, session: 'line\nbreak' },
      { ...good, reason: 'x'.repeat(513) },
      { ...good, reason: '\ud800' },
      { ...good, seq: undefined },
      { ...good, token: { ...good.token, unverified: true } },
      { ...good, args: { destinations: Array.from({ length: 17 }, () => 'x') } },
      { v: 1, at: 1, kind: 'outcome', result: { status: 'ok' } },
      { v: 1, at: 1, kind: 'decision', code: 'token_invalid', user: 'ada', token: unverifiedToken('x') },
    ];
    for (const record of bad)
      expect(() => encodeRecord(record as AuditRecord), JSON.stringify(record)).toThrow(refused);
  });

  it('says of each layer whether it allowed, refused or was not asked', () => {
    const refusal = drafts('s1')[4]!;
    expect(layersOf(complete(refusal))).toEqual({
      operator: 'allowed',
      model: 'allowed',
      session: 'refused',
      user: 'allowed',
    });
    expect(layersOf(complete({ ...refusal, allowed: ['operator'], refused: ['model'] })).user).toBe(
      'not asked',
    );
    expect(Object.values(layersOf(complete(decision('s', 1))))).toEqual([
      'allowed',
      'allowed',
      'allowed',
      'allowed',
    ]);
  });

  it('takes layers, chain and ids from a verified token, and next to nothing from a forged one', () => {
    const view = {
      tokenId: hexOf('id').slice(0, 32),
      keyId: 'k1',
      issuer: 'acme',
      audience: null,
      expires: 9,
      operator: { id: 'acme', config: hexOf('c') },
      model: { id: 'm', digest: hexOf('m') },
      session: 's',
      user: 'ada',
      chain: [
        { id: digestOf('0'), holder: digestOf('h0') },
        { id: digestOf('1'), holder: digestOf('h1'), label: 'helper' },
      ],
      sealedBy: null,
      digest: digestOf('d'),
    };
    const draft = {
      kind: 'decision' as const,
      code: 'allowed' as const,
      ...fromToken(view, (name) => pseudonym(new Uint8Array(32), name)),
    };
    const record = decodeRecord(encodeRecord({ ...draft, v: 1, at: 1, seq: 0 }))!;
    expect(record.token?.chain?.map((node) => node.label)).toEqual([undefined, 'helper']);
    expect([record.agent, record.user]).toEqual(['helper', pseudonym(new Uint8Array(32), 'ada')]);
    expect(Object.keys(unverifiedToken('amb1_x', 'k1')).toSorted()).toEqual([
      'digest',
      'key',
      'size',
      'unverified',
    ]);
  });
});

const secrets = (): string[] => {
  const token = `amb1_${'Zm9yZ2Vk'.repeat(12)}`;
  const hidden = [0, 1, 2].map((n) => Buffer.from(`${'.'.repeat(n)}${token}`).toString('base64'));
  return [
    token,
    token.toUpperCase(),
    `ambsec_holder_${'A1b2'.repeat(12)}`,
    `ambp1_${'q'.repeat(140)}`,
    `text before ${token}, and after`,
    `https://example.com/?x=1&token=${token}`,
    `https://example.com/${encodeURIComponent(token).replace('_', '%5F')}`,
    encodeURIComponent(encodeURIComponent('%61mb1_secret')),
    token.replace('amb1_', 'amb\u200b1_'),
    token.replace('amb1_', 'a\u00admb1_'),
    token.replace('amb1_', '\uff41\uff4d\uff42\uff11\uff3f'),
    token.replace('_', '\\u005f'),
    token.replace('amb1_', 'amb&#49;_'),
    token.replace('amb1_', 'a m b 1 _'),
    ...hidden,
    ...hidden.map((text) => Buffer.from(text, 'base64').toString('base64url')),
    Buffer.from(token).toString('hex'),
    'PRIVATE+KEY+example.com/log+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg',
    '-----BEGIN PRIVATE KEY----- MC4CAQAwBQYDK2VwBCIEIA -----END PRIVATE KEY-----',
    'AGE-SECRET-KEY-1QL3Z7HJY54PW3HYWW5AYYFG7ZQGVC7W3J2ELW8ZMRJ2KG5SFN9AQMCAC8P',
    '{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}',
    'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'Authorization: Bearer c2VjcmV0LXNlY3JldC1zZWNyZXQ',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl',
    'postgres://ada:hunter2@db.example/x',
    'AKIAIOSFODNN7EXAMPLE',
    `ghp_${'a1B2'.repeat(9)}`,
    `sk-${'a1B2'.repeat(12)}`,
  ];
};

describe('A4 a record that holds a secret', () => {
  const places: ((text: string) => Draft)[] = [
    (text) => ({ ...decision('s', 1), reason: text }),
    (text) => ({ ...decision('s', 1), tool: { name: text.slice(0, 256) } }),
    (text) => ({ ...decision('s', 1), args: { destinations: ['ok', text] } }),
    (text) => ({ kind: 'ingest', ingest: { source: text, trust: 'untrusted' } }),
    (text) => ({ kind: 'outcome', of: 1, result: { status: 'error', error: text } }),
    (text) => ({ ...decision('s', 1), call: text.slice(0, 256) }),
    (text) => ({ kind: 'configuration', configuration: { digest: hexOf('c'), what: text } }),
    (text) => ({
      kind: 'decision',
      code: 'token_invalid',
      token: { chain: [{ node: digestOf('n'), label: text.slice(0, 256) }] },
    }),
  ];

  it('is written without it: in no text field, in no disguise, does any part of it reach the log', () => {
    for (const secret of secrets()) {
      const core = secret.replaceAll(/[^A-Za-z0-9]/g, '').slice(-20);
      for (const place of places) {
        const clean = scrub(place(secret));
        const bytes = encodeRecord({
          ...clean,
          v: 1,
          at: 1,
          ...(clean.session === undefined ? {} : { seq: 0 }),
        });
        refuseSecrets(bytes);
        expect(Buffer.from(bytes).toString('latin1'), secret).not.toContain(core);
        expect(decodeRecord(bytes)?.scrubbed, secret).toBe(true);
      }
    }
  });

  it('is refused when it comes past the scrubbing', () => {
    for (const text of [
      'amb1_x',
      'ambsec_root_x',
      'ambp1_x',
      '-----BEGIN PRIVATE KEY-----',
      'PRIVATE+KEY+a',
    ]) {
      const bytes = encodeRecord({ v: 1, at: 1, kind: 'decision', code: 'allowed', reason: text });
      expect(() => refuseSecrets(bytes)).toThrow(refused);
      expect(() => refuseSecrets(bytes)).not.toThrow(text);
    }
  });

  it('what is public or harmless stays as it is', () => {
    for (const text of [
      'ambe1_evidence',
      'ambpub_holder_x',
      'mail.send',
      'https://example.com/a/b?page=2',
      'bob@example.com',
      'The key is missing.',
      'basic auth is off',
      'DE89370400440532013000',
      'ambient music',
      'caf\u00e9 \u2014 \u6771\u4eac',
      '3f0c8a52-d4be-4f6a-9c1e-7d20b5a8f613',
    ]) {
      expect(scrubText(text, true)).toBe(text);
    }
  });

  it('is found in base64 that is disguised itself, in fields that are no free text', () => {
    for (const prefix of ['amb1_', 'ambsec_', 'ambp1_']) {
      for (const shift of [0, 1, 2]) {
        const encoded = Buffer.from(`${'.'.repeat(shift)}${prefix}${'x'.repeat(30)}`).toString('base64url');
        const at = 4;
        const char = encoded.charCodeAt(at);
        const disguises = [
          encoded,
          `${encoded.slice(0, at)}\u200b${encoded.slice(at)}`,
          `${encoded.slice(0, at)}%${char.toString(16)}${encoded.slice(at + 1)}`,
          `${encoded.slice(0, at)}&#${char};${encoded.slice(at + 1)}`,
          `${encoded.slice(0, at)}${String.fromCodePoint(char + 0xfee0)}${encoded.slice(at + 1)}`,
        ];
        for (const text of disguises) expect(scrubText(text, false), text).toMatch(/^\[disguised secret/);
      }
    }
  });

  it('A5 hostile text cannot keep a refusal out of the log', async () => {
    const log = await openAt(scratch());
    const recorder = await Recorder.open(log);
    for (const secret of secrets()) {
      await recorder.record({
        kind: 'decision',
        code: 'token_invalid',
        token: unverifiedToken(secret),
        tool: { name: secret.slice(0, 256) },
        reason: secret,
      });
    }
    for (const text of ['x'.repeat(100_000), 'a\u202eb\nc\0', '\ud800', '\u6771'.repeat(300), '']) {
      await recorder.record({
        kind: 'decision',
        code: 'tool_invalid',
        tool: { name: text },
        args: { destinations: Array.from({ length: 100 }, () => text) },
        reason: text,
      });
    }
    expect(log.size).toBe(secrets().length + 5);
    await recorder.close();
  });
});

describe('the recorder', () => {
  it('numbers and links the records of a session, across restarts, and closes it with count and head', async () => {
    const root = scratch();
    const sessionsFile = join(root, 'sessions');
    const open = async (): Promise<Recorder> =>
      Recorder.open(await openAt(root), { by: 'guard-1', sessionsFile });
    const parts = [drafts('s1').slice(0, 3), drafts('s1').slice(3, 5), drafts('s1').slice(5)];
    for (const [i, part] of parts.entries()) {
      const recorder = await open();
      await Promise.all(part.map((draft) => recorder.record(draft)));
      await recorder.close();
      if (i === 1) rmSync(sessionsFile);
    }
    const recorder = await open();
    const entries = await Promise.all(Array.from({ length: 7 }, (_, i) => recorder.log.reader().entry(i)));
    const records = entries.map((entry) => decodeRecord(entry)!);
    expect(records.map((r) => r.seq)).toEqual([0, 1, 2, 3, 4, undefined, 5]);
    for (const [i, before] of [
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
      [6, 4],
    ] as const) {
      expect(fromBase64url(records[i]!.prev!)).toEqual(leafHash(entries[before]!));
    }
    expect(records[6]!.event).toEqual({ name: 'close', count: 5, head: records[6]!.prev });
    expect(records.every((r) => r.by === 'guard-1')).toBe(true);
    await recorder.close();
  });

  it('never lets time run backwards', async () => {
    const times = [5, 3, 9, 1];
    const log = await openAt(scratch());
    const recorder = await Recorder.open(log, { nowMs: () => times.shift() ?? 0 });
    for (let i = 0; i < 4; i++) await recorder.record(decision('s', i));
    await log.checkpoint();
    const at = await Promise.all(
      [0, 1, 2, 3].map(async (i) => decodeRecord(await log.reader().entry(i))!.at),
    );
    expect(at).toEqual([5, 5, 9, 9]);
    await recorder.close();
  });

  it('says in the log what opening it had to repair', async () => {
    const root = scratch();
    const log = await openAt(root);
    await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        log.append(encodeRecord({ v: 1, at: 1, kind: 'decision', code: 'allowed', call: `c${i}` })),
      ),
    );
    await log.close();
    rmSync(join(root, 'log/tile/0/000'));
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(root, 'log/tile/0/000'), 'nonsense');
    const again = await openAt(root);
    const recorder = await Recorder.open(again);
    await again.checkpoint();
    const alert = decodeRecord(await again.reader().entry(300));
    expect(alert?.alert).toEqual({ detector: 'audit.recovery', action: 'recovered' });
    expect(alert?.reason).toContain('tile/0/000 (different)');
    await recorder.close();
  });
});

describe('content beside the log', () => {
  it('is found by its commitment, noticed when changed, and erased without a trace', async () => {
    const vault = new Vault(join(scratch(), 'vault'));
    const digest = await vault.put(Buffer.from('a personal letter'));
    expect(Buffer.from((await vault.get(digest))!).toString()).toBe('a personal letter');
    // Salted: the same content has another commitment each time, so it cannot be guessed from the log.
    expect(await vault.put(Buffer.from('a personal letter'))).not.toBe(digest);
    expect((await vault.list()).length).toBe(2);
    await vault.erase(digest);
    expect(await vault.get(digest)).toBeNull();
    expect(commitment(new Uint8Array(32), Buffer.from('x'))).toHaveLength(43);
    await expect(vault.get('../../etc/passwd')).rejects.toThrow(TypeError);
  });
});

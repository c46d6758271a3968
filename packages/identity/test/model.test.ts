// Model artifacts: digests of real files, DSSE and in-toto attestations, and the attacks on them (I1).
import { createHash, createPublicKey, verify as nodeVerify } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { AmbitError, fromHex, nobleProvider, SecretKey, signer, toHex, utf8 } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  admit, attest, attestLater, bundleText, checkArtifact, digestModel, envelopeText, isModelDigest, keyid, manifest, measure, modelDigestText,
  openssfRoot, pae, parseModelDigest, readEnvelope, signModel, attestationStatement, verifyAttestation, verifyModel,
} from '../src/index.ts'; // prettier-ignore
import { comparePaths } from '../src/model/manifest.ts';
import { acme, modelKey, modelSigner, otherModelSecret } from './operators.ts';

const root = mkdtempSync(join(tmpdir(), 'ambit-model-'));
afterAll(() => rmSync(root, { recursive: true }));
let n = 0;
let dir = '';
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A model directory of real files. */
beforeEach(() => {
  dir = join(root, `m${n++}`);
  mkdirSync(join(dir, 'tokenizer'), { recursive: true });
  writeFileSync(join(dir, 'weights.bin'), Buffer.alloc(3_000_000, 7));
  writeFileSync(join(dir, 'config.json'), '{"layers":2}');
  writeFileSync(join(dir, 'tokenizer', 'vocab.txt'), 'a\nb\n');
  writeFileSync(join(dir, 'tokenizer.json'), '{}');
});

interface Resource {
  readonly name: string;
  readonly digest: string;
}
/** A statement with other resources, and the root that goes with them: only what they say is wrong. */
function listed(
  s: Record<string, unknown>,
  change: (all: readonly Resource[]) => readonly Resource[],
): object {
  const predicate = s['predicate'] as { resources: Resource[] };
  const resources = change(predicate.resources);
  const root = createHash('sha256');
  for (const { digest } of resources) root.update(Buffer.from(digest, 'hex'));
  const subject = [{ name: 'agent-v2', digest: { sha256: root.digest('hex') } }];
  return { ...s, subject, predicate: { ...predicate, resources } };
}

const denial = (answer: object): string => ('code' in answer ? String(answer.code) : 'none');
const failure = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => 'none', (e: unknown) => (e instanceof AmbitError ? `${e.code} ${e.message}` : String(e))); // prettier-ignore

describe('the digest of an artifact', () => {
  test('of a file is its SHA-256, as sha256sum prints it', async () => {
    const path = join(dir, 'config.json');
    expect((await digestModel(path)).digest).toBe(`sha256:${sha('{"layers":2}')}`);
  });

  test('of a directory is that of the manifest SPEC describes, computed here by other means', async () => {
    const lines = [
      `${sha('{"layers":2}')} 12 config.json\n`,
      `${sha('a\nb\n')} 4 tokenizer/vocab.txt\n`,
      `${sha('{}')} 2 tokenizer.json\n`,
      `${createHash('sha256').update(Buffer.alloc(3_000_000, 7)).digest('hex')} 3000000 weights.bin\n`,
    ];
    expect((await digestModel(dir)).digest).toBe(`sha256:${sha(`ambit/1/model\0${lines.join('')}`)}`);
    expect((await digestModel(`${dir}/`)).digest).toBe((await digestModel(dir)).digest);
  });

  test('does not depend on name, place, times, modes or the order of the directory', async () => {
    const before = (await digestModel(dir)).digest;
    const moved = `${dir}-moved`;
    renameSync(dir, moved);
    chmodSync(join(moved, 'config.json'), 0o600);
    writeFileSync(join(moved, 'tokenizer.json'), '{}');
    mkdirSync(join(moved, 'empty'));
    expect((await digestModel(moved)).digest).toBe(before);
  });

  test('changes with every byte, name, size and place of a file', async () => {
    const seen = new Set([(await digestModel(dir)).digest]);
    const changes: (() => void)[] = [
      () => writeFileSync(join(dir, 'config.json'), '{"layers":3}'),
      () => renameSync(join(dir, 'config.json'), join(dir, 'Config.json')),
      () => truncateSync(join(dir, 'weights.bin'), 2_999_999),
      () => writeFileSync(join(dir, 'extra'), ''),
      () => renameSync(join(dir, 'extra'), join(dir, 'tokenizer', 'extra')),
      () => rmSync(join(dir, 'tokenizer', 'extra')),
      () => rmSync(join(dir, 'tokenizer.json')),
    ];
    for (const change of changes.filter((_, i) => i !== 5)) {
      change();
      const { digest } = await digestModel(dir);
      expect(seen.has(digest)).toBe(false);
      seen.add(digest);
    }
  });

  test('two files with their contents swapped are another model, which the OpenSSF root shows too', async () => {
    const a = await measure(dir);
    writeFileSync(join(dir, 'config.json'), '{}');
    writeFileSync(join(dir, 'tokenizer.json'), '{"layers":2}');
    const b = await measure(dir);
    expect(toHex(a.digest)).not.toBe(toHex(b.digest));
    // What the OpenSSF root alone does not show: the same digests in the same order under other names.
    const renamed = manifest(
      'directory',
      a.files.map((f) => ({ ...f, path: `x/${f.path}` })),
    );
    expect(toHex(openssfRoot(renamed.files))).toBe(toHex(openssfRoot(a.files)));
    expect(toHex(renamed.digest)).not.toBe(toHex(a.digest));
  });

  test.each([
    ['a symbolic link inside', (): string => { symlinkSync('/etc/passwd', join(dir, 'link')); return dir; }, /^input_invalid .*symbolic link/],
    ['a symbolic link to a directory', (): string => { symlinkSync(dir, `${dir}-link`); return `${dir}-link`; }, /^input_invalid .*symbolic link/],
    ['a dangling link', (): string => { symlinkSync('nowhere', join(dir, 'link')); return dir; }, /^input_invalid .*symbolic link/],
    ['a missing path', (): string => join(dir, 'nope'), /^file_missing/],
    ['an empty directory', (): string => { mkdirSync(join(root, 'empty'), { recursive: true }); return join(root, 'empty'); }, /^input_invalid .*no files/],
    ['a name with a line break', (): string => { writeFileSync(join(dir, 'a\nb'), ''); return dir; }, /^input_invalid .*no manifest can hold/],
    ['a name with a backslash', (): string => { writeFileSync(join(dir, 'a\\b'), ''); return dir; }, /^input_invalid .*no manifest can hold/],
    ['a name that is not UTF-8', (): string => { writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff])]), ''); return dir; }, /^input_invalid .*no manifest can hold/],
    ['a device', (): string => '/dev/null', /^input_invalid .*neither a file nor a directory/],
  ] as const)('%s is refused', async (_, path, message) => {
    expect(await failure(measure(path()))).toMatch(message);
  }); // prettier-ignore

  test('a file that changes while it is read is refused', async () => {
    const path = join(dir, 'weights.bin');
    const writing = measure(path, { onProgress: (bytes) => { if (bytes < 2_000_000) writeFileSync(path, 'x'); } }); // prettier-ignore
    expect(await failure(writing)).toMatch(/^io_failed .*changed while it was read/);
  });

  test('the order of paths is that of their segments in UTF-8', () => {
    expect(['a.txt', 'a/b', 'a', '\u{10000}', '\uffff', 'B', 'a/a/z'].sort(comparePaths)).toEqual([
      'B',
      'a',
      'a/a/z',
      'a/b',
      'a.txt',
      '\uffff',
      '\u{10000}',
    ]);
  });

  test('the text form is strict', () => {
    const text = modelDigestText(new Uint8Array(32).fill(171));
    expect(modelDigestText(parseModelDigest(text))).toBe(text);
    for (const bad of [
      '',
      'sha256:',
      text.toUpperCase(),
      `${text}0`,
      text.slice(0, -1),
      ` ${text}`,
      text.replace('sha256', 'sha512'),
    ]) {
      expect(isModelDigest(bad)).toBe(false);
      expect(() => parseModelDigest(bad)).toThrow(AmbitError);
    }
  });
});

describe('DSSE', () => {
  test('PAE is that of the specification', () => {
    expect(new TextDecoder().decode(pae('http://example.com/HelloWorld', utf8('hello world')))).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
    expect(new TextDecoder().decode(pae('t', utf8('é')))).toBe('DSSEv1 1 t 2 é');
  });

  test('the signature verifies with node:crypto over the PAE, and the key id is that of its SubjectPublicKeyInfo', async () => {
    const envelope = JSON.parse((await signModel(dir, 'agent-v2', modelSigner)).text) as {
      payload: string;
      payloadType: string;
      signatures: { keyid: string; sig: string }[];
    };
    const key = createPublicKey({
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(modelKey.bytes).toString('base64url') },
    });
    const body = Buffer.from(envelope.payload, 'base64');
    const message = Buffer.concat([
      Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${body.length} `),
      body,
    ]);
    expect(nodeVerify(null, message, key, Buffer.from(envelope.signatures[0]!.sig, 'base64'))).toBe(true);
    const spki = key.export({ format: 'der', type: 'spki' });
    expect(envelope.signatures[0]!.keyid).toBe(
      `SHA256:${createHash('sha256').update(spki).digest('base64').replace(/=+$/, '')}`,
    );
    expect(keyid(modelKey)).toBe(envelope.signatures[0]!.keyid);
  });

  test('the statement is that of OpenSSF model signing 1.0', async () => {
    const artifact = await measure(dir);
    const value = JSON.parse(new TextDecoder().decode(attestationStatement('agent-v2', artifact))) as Record<
      string,
      unknown
    >;
    const digests = artifact.files.map((f) => f.sha256);
    expect(value).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'agent-v2', digest: { sha256: createHash('sha256').update(Buffer.concat(digests)).digest('hex') } }],
      predicateType: 'https://model_signing/signature/v1.0',
      predicate: {
        serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false },
        resources: [{ name: 'config.json', algorithm: 'sha256', digest: sha('{"layers":2}') }, { name: 'tokenizer/vocab.txt' }, { name: 'tokenizer.json' }, { name: 'weights.bin' }],
      },
    }); // prettier-ignore
    const file = JSON.parse(
      new TextDecoder().decode(attestationStatement('m', await measure(join(dir, 'config.json')))),
    ) as { predicate: { resources: { name: string }[] } };
    expect(file.predicate.resources.map((r) => r.name)).toEqual(['.']);
  });

  test('an envelope is read bare or in a Sigstore bundle, in either base64 alphabet', async () => {
    const envelope = attest('agent-v2', await measure(dir), modelSigner);
    const text = envelopeText(envelope);
    const urlSafe = JSON.stringify(JSON.parse(text), (key, value: unknown) =>
      key === 'payload' || key === 'sig'
        ? String(value).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
        : value,
    );
    const signers = acme().config.signers;
    for (const form of [text, bundleText(envelope), urlSafe])
      expect(verifyAttestation(form, signers).ok).toBe(true);
    for (const bad of [
      '',
      '{}',
      '[]',
      'null',
      '{"payload":"","payloadType":"x","signatures":[]}',
      text.replace('"sig"', '"Sig"'),
      text.replace('"payload":"', '"payload":"*'),
      JSON.stringify({
        ...JSON.parse(text),
        signatures: Array.from({ length: 17 }, () => ({ keyid: '', sig: '' })),
      }),
    ]) {
      expect(readEnvelope(bad)).toBeNull();
    }
  });
});

describe('I1 attestations', () => {
  const operator = acme();
  const { signers } = operator.config;

  test('a signed directory is admitted, and an asynchronous signer makes the same attestation', async () => {
    const { text, artifact } = await signModel(dir, 'agent-v2', modelSigner);
    const verified = await verifyModel(dir, text, operator);
    expect(verified).toMatchObject({ ok: true, attestation: { model: 'agent-v2', signer: 'ml-platform' } });
    const later = await attestLater('agent-v2', artifact, {
      publicKey: modelKey,
      sign: (l, m) => Promise.resolve(modelSigner.sign(l, m)),
    });
    expect(envelopeText(later)).toBe(text);
  });

  test('I1 a tampered artifact is refused and what was tampered with is named', async () => {
    const { text } = await signModel(dir, 'agent-v2', modelSigner);
    writeFileSync(join(dir, 'config.json'), '{"layers":3}');
    writeFileSync(join(dir, 'inject.py'), 'x');
    rmSync(join(dir, 'tokenizer.json'));
    const answer = await verifyModel(dir, text, operator);
    expect(answer).toMatchObject({ ok: false, code: 'model_tampered' });
    expect('message' in answer && answer.message).toMatch(
      /changed config\.json, added inject\.py, missing tokenizer\.json/,
    );
  });

  test('I1 one flipped bit anywhere in any file is refused', async () => {
    const { text } = await signModel(dir, 'agent-v2', modelSigner);
    for (const name of ['weights.bin', 'config.json', 'tokenizer.json']) {
      const path = join(dir, name);
      const size = statSync(path).size;
      const bytes = readFileSync(path);
      for (const at of [0, size >> 1, size - 1]) {
        bytes[at]! ^= 1;
        writeFileSync(path, bytes);
        expect(denial(await verifyModel(dir, text, operator))).toBe('model_tampered');
        bytes[at]! ^= 1;
      }
      writeFileSync(path, bytes);
    }
    expect(denial(await verifyModel(dir, text, operator))).toBe('none');
  });

  test('I1 an attestation by an untrusted signer', async () => {
    const stranger = await signModel(
      dir,
      'agent-v2',
      signer(new SecretKey('model', new Uint8Array(32).fill(9))),
    );
    expect(denial(await verifyModel(dir, stranger.text, operator))).toBe('model_signer_unknown');
    // Trusted for something, but not for this model.
    const other = await signModel(dir, 'agent-v2', signer(otherModelSecret));
    expect(denial(await verifyModel(dir, other.text, operator))).toBe('model_signer_unknown');
    // A stranger's signature under a trusted key's id.
    const claimed = stranger.text.replace(/"keyid":"[^"]*"/, `"keyid":${JSON.stringify(keyid(modelKey))}`);
    expect(denial(await verifyModel(dir, claimed, operator))).toBe('model_unattested');
    // And a trusted signature under a wrong or no id still counts: the id is a hint.
    const good = await signModel(dir, 'agent-v2', modelSigner);
    for (const id of ['', 'x'])
      expect(verifyAttestation(good.text.replace(/"keyid":"[^"]*"/, `"keyid":"${id}"`), signers).ok).toBe(
        true,
      );
  });

  test('I1 an attestation for another model', async () => {
    const { text } = await signModel(dir, 'agent-v1', modelSigner);
    expect(denial(await verifyModel(dir, text, operator))).toBe('model_unknown');
    const attestation = verifyAttestation(text, signers);
    if (!attestation.ok) throw new Error(attestation.message);
    expect(denial(admit(operator, 'agent-v2', await measure(dir), attestation))).toBe('model_unattested');
  });

  test('I1 no attestation, and one that only looks verified', async () => {
    const measured = await measure(dir);
    expect(denial(admit(operator, 'agent-v2', measured, null))).toBe('model_unattested');
    const forged = {
      ok: true,
      model: 'agent-v2',
      signer: 'ml-platform',
      key: modelKey,
      artifact: measured,
    } as const;
    expect(() => admit(operator, 'agent-v2', measured, forged)).toThrow(TypeError);
  });

  test('I1 a digest the configuration does not name, where it names digests', async () => {
    const { text, digest } = await signModel(dir, 'agent-v2', modelSigner);
    const pinned = (d: string): ReturnType<typeof acme> =>
      acme((t) => t.replace('{ signers: [ml-platform],', `{ signers: [ml-platform], digests: ["${d}"],`));
    expect(denial(await verifyModel(dir, text, pinned(digest)))).toBe('none');
    expect(denial(await verifyModel(dir, text, pinned(`sha256:${'0'.repeat(64)}`)))).toBe('model_unknown');
  });

  test('I1 a file and a directory of the same content are two artifacts', async () => {
    const file = join(dir, 'tokenizer.json');
    const { text } = await signModel(file, 'agent-v2', modelSigner);
    const alone = join(root, `alone${n}`);
    mkdirSync(alone);
    writeFileSync(join(alone, 'tokenizer.json'), '{}');
    expect(denial(await verifyModel(file, text, operator))).toBe('none');
    expect(denial(await verifyModel(alone, text, operator))).toBe('model_tampered');
  });

  test('I1 every changed byte of an attestation is refused, and by every provider alike', async () => {
    const { text } = await signModel(join(dir, 'config.json'), 'agent-v2', modelSigner);
    const good = readEnvelope(text)!;
    fc.assert(
      fc.property(
        fc.nat(good.payload.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('payload', 'sig'),
        (at, xor, where) => {
          const payload = Uint8Array.from(good.payload);
          const sig = Uint8Array.from(good.signatures[0]!.sig);
          if (where === 'payload') payload[at]! ^= xor;
          else sig[at % 64]! ^= xor;
          const bad = envelopeText({ ...good, payload, signatures: [{ ...good.signatures[0]!, sig }] });
          for (const provider of [nobleProvider, nodeProvider])
            expect(denial(verifyAttestation(bad, signers, provider))).toBe('model_unattested');
        },
      ),
      { numRuns: 60 },
    );
    expect(
      denial(verifyAttestation(envelopeText({ ...good, payloadType: 'application/json' }), signers)),
    ).toBe('model_unattested');
  });

  test.each([
    [
      'another statement type',
      (s: Record<string, unknown>) => ({ ...s, _type: 'https://in-toto.io/Statement/v0.1' }),
    ],
    [
      'another predicate',
      (s: Record<string, unknown>) => ({ ...s, predicateType: 'https://slsa.dev/provenance/v1' }),
    ],
    [
      'two subjects',
      (s: Record<string, unknown>) => ({
        ...s,
        subject: [...(s['subject'] as unknown[]), ...(s['subject'] as unknown[])],
      }),
    ],
    [
      'a wrong root',
      (s: Record<string, unknown>) => ({
        ...s,
        subject: [{ name: 'agent-v2', digest: { sha256: '0'.repeat(64) } }],
      }),
    ],
    [
      'no resources',
      (s: Record<string, unknown>) => ({ ...s, predicate: { ...(s['predicate'] as object), resources: [] } }),
    ],
    [
      'a path that climbs',
      (s: Record<string, unknown>) => ({
        ...s,
        predicate: {
          ...(s['predicate'] as object),
          resources: [{ name: '../x', algorithm: 'sha256', digest: '0'.repeat(64), size: 0 }],
        },
      }),
    ],
    // One path, two contents: which of them was signed depends on who reads it.
    [
      'a path listed twice',
      (s: Record<string, unknown>) => listed(s, (all) => [all[0]!, { ...all[1]!, name: all[0]!.name }]),
    ],
    ['paths out of order', (s: Record<string, unknown>) => listed(s, (all) => all.toReversed())],
    [
      'another serialization',
      (s: Record<string, unknown>) => ({
        ...s,
        predicate: {
          ...(s['predicate'] as object),
          serialization: { method: 'shards', hash_type: 'sha256' },
        },
      }),
    ],
    ['no statement', () => ({})],
  ])('I1 a trusted signature over %s attests nothing', async (_, change) => {
    const payload = JSON.parse(
      new TextDecoder().decode(attestationStatement('agent-v2', await measure(dir))),
    ) as Record<string, unknown>;
    const bytes = utf8(JSON.stringify(change(payload)));
    const type = 'application/vnd.in-toto+json';
    const rest = pae(type, bytes).subarray('DSSEv1 '.length);
    const sig = modelSigner.sign({ name: 'dsse', bytes: utf8('DSSEv1 ') }, rest);
    expect(
      denial(
        verifyAttestation(
          envelopeText({ payloadType: type, payload: bytes, signatures: [{ keyid: '', sig }] }),
          signers,
        ),
      ),
    ).toBe('model_unattested');
  });

  test('an artifact of another kind is another artifact, whatever its digest', async () => {
    const measured = await measure(dir);
    const found = verifyAttestation(envelopeText(attest('agent-v2', measured, modelSigner)), signers);
    if (!found.ok) throw new Error(found.message);
    expect(checkArtifact(found, measured)).toEqual({ ok: true });
    expect(denial(checkArtifact(found, { ...measured, kind: 'file' }))).toBe('model_tampered');
  });

  test('a manifest refuses paths that could mean another file', () => {
    const sha256 = fromHex('00'.repeat(32))!;
    for (const path of ['', '/a', 'a//b', './a', 'a/..', '../a', 'a\\b', 'a\nb', '.'])
      expect(() => manifest('directory', [{ path, size: 0, sha256 }])).toThrow(TypeError);
    expect(() => manifest('directory', [{ path: 'a', size: 0, sha256 }, { path: 'a', size: 0, sha256 }])).toThrow(/twice/); // prettier-ignore
    expect(() => manifest('directory', [])).toThrow(TypeError);
    expect(readdirSync(dir).length).toBe(4);
  });
});

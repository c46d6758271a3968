// Signed notes, keys, checkpoints, cosignatures, policies, receipts: the specifications' examples and hostile input.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../src/core.ts';
import { Edge } from '../src/merkle/edge.ts';
import { leafHash } from '../src/merkle/hash.ts';
import { parseCheckpoint, signCheckpoint, verifyCheckpoint } from '../src/note/checkpoint.ts';
import { cosignerKey, generateSigner, parseSignerKey, parseVerifierKey, signerKey } from '../src/note/key.ts';
import { parseNote, signatureLine, signNote, verifyNote } from '../src/note/note.ts';
import { parsePolicy, satisfies, witnessKeys } from '../src/note/policy.ts';
import { formatProof, parseProof, verifyProof } from '../src/note/proof.ts';

const example = {
  key: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  note: 'This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
};
const go = {
  peter: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  enoch: 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  peterLine:
    '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
  enochLine:
    '\u2014 EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n',
};
/** The public test log of tessera: its key is printed in its build script. */
const tessera = {
  private: 'PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg',
  public: 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx',
  entries: 'one,two,three,four,five,six,seven,eit,nain,ten,ileven,twelf,threeten,fourten,fivten'.split(','),
  checkpoints: {
    0: '\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 example.com/log/testdata M9e0lhxJACzE1KoUdqKuPa+9p6R7dSW8BlEvrg/noo8FkGg6PbJoRNOcdjqjOq89wVvTA60eubCc4oufo5BvIVEgtQc=\n',
    1: '\n1\n0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n\n\u2014 example.com/log/testdata M9e0lhr9kuLxGdAtaUrhm84TQffVsLdcy808sN0a3WyniNlfcr9+bywoiIke1YYciCNjJGkCgIlQ8b16jhsmg/SChAM=\n',
    8: '\n8\nbC+VwvrJbalNVjfkdI8kUgs7mJoXrqiXCE7bgnD28pY=\n\n\u2014 example.com/log/testdata M9e0lq1EK37dHtgv9O3UzPxisw5vwIPcJsX9ab0xt4mvVfbdUR1fbMjN6sBFYpBoBEmD4+cWhj/AVgI5MitCO5+mews=\n',
    15: '\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n\u2014 example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd/fmwlM/dlPWF74ewI=\n',
  } as Record<number, string>,
};

describe('notes and keys of the specifications', () => {
  it('verifies the example of signed-note', () => {
    const key = parseVerifierKey(example.key);
    expect(toHex(key.id)).toBe('530d903a');
    expect(key.text).toBe(example.key);
    expect(verifyNote(example.note, [key])?.text).toBe('This is an example message.\n');
    expect(verifyNote(example.note.replace('message', 'massage'), [key])).toBeNull();
  });

  it('verifies the notes of Go, one signature and two, with either key', () => {
    const [peter, enoch] = [parseVerifierKey(go.peter), parseVerifierKey(go.enoch)];
    const note = `${go.text}\n${go.peterLine}${go.enochLine}`;
    expect(verifyNote(note, [peter, enoch])?.signers.length).toBe(2);
    expect(verifyNote(note, [enoch])?.signers.length).toBe(1);
    expect(verifyNote(note, [parseVerifierKey(example.key)])).toBeNull();
  });

  it('a bad line by a known key rejects the note, though another is good', () => {
    const known = [parseVerifierKey(go.peter), parseVerifierKey(go.enoch)];
    const bad = go.enochLine.replace('rwz+eBzm', 'rwz+eBzn');
    expect(verifyNote(`${go.text}\n${go.peterLine}${bad}`, known)).toBeNull();
    expect(verifyNote(`${go.text}\n${go.peterLine}${bad}`, [known[0]!])?.signers.length).toBe(1);
  });

  it('recomputes the key id of a real witness (type 0x04)', () => {
    const key = parseVerifierKey('remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2');
    expect([key.type, toHex(key.id)]).toEqual([4, 'da77ade7']);
    expect(() =>
      parseVerifierKey('remora.n621.de+da77ade8+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2'),
    ).toThrow();
  });

  it('signs what the test log of tessera signed, byte for byte', () => {
    const signer = parseSignerKey(tessera.private);
    expect(signer.verifier.text).toBe(tessera.public);
    expect(signer.unsafeExport()).toBe(tessera.private);
    const edge = new Edge();
    for (let size = 0; size <= 15; size++) {
      const note = signCheckpoint(signer, size, edge.root());
      if (tessera.checkpoints[size])
        expect(note).toBe(`example.com/log/testdata${tessera.checkpoints[size]}`);
      expect(verifyCheckpoint(note, parseVerifierKey(tessera.public))?.size).toBe(size);
      if (size < 15) edge.push(leafHash(Buffer.from(tessera.entries[size]!)));
    }
    expect(Buffer.from(edge.root()).toString('base64')).toBe('rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=');
  });

  it('makes the cosignature of the witness Wit1 over checkpoint.15', () => {
    const seed = Buffer.from('AeadRiG7XM4XiieCHzD8lxysXMwcViy5nYsoXURWGrlE', 'base64').subarray(1);
    const witness = signerKey('Wit1', seed, 4);
    expect(toHex(witness.verifier.id)).toBe('9b3fb2d5');
    expect(toHex(signerKey('Wit1', seed).verifier.id)).toBe('55ee4561');
    expect(cosignerKey(signerKey('Wit1', seed)).verifier.text).toBe(witness.verifier.text);
    const note = `example.com/log/testdata${tessera.checkpoints[15]}`;
    const line = signatureLine(parseNote(note)!.text, witness, 1679315147);
    expect(line).toBe(
      '\u2014 Wit1 mz+y1QAAAABkGFDLi4zi/+2kU/5P/4hpCkNoBjvoRHwqkmsDuocW+0ObiIxdYaW7bwTBaMLGHYwvM5lh63uUblihMBNMSJQRd2V3AQ==\n',
    );
    const signed = verifyCheckpoint(note + line, parseVerifierKey(tessera.public), [witness.verifier]);
    expect(signed?.signers.find((s) => s.key === witness.verifier)?.time).toBe(1679315147);
  });
});

describe('hostile notes', () => {
  const signer = generateSigner('example.com/log');
  const text = 'example.com/log\n3\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n';
  const note = signNote(text, [signer]);

  it('every changed byte of a signed checkpoint is noticed', () => {
    const bytes = Buffer.from(note);
    for (let i = 0; i < bytes.length; i++) {
      for (const mask of [1, 2, 0x20, 0x80]) {
        const copy = Buffer.from(bytes);
        copy[i]! ^= mask;
        expect(verifyCheckpoint(copy, signer.verifier), `byte ${i} ^ ${mask}`).toBeNull();
      }
    }
  });

  it('shapes that are not a note or a checkpoint', () => {
    for (const bad of [
      '',
      '\n',
      'a\n',
      'a\n\n',
      'a\n\n\u2014 x y\n',
      note.replace(/\n$/, ''),
      note.replace('\n3', '\r\n3'),
    ]) {
      expect(parseNote(bad), JSON.stringify(bad)).toBeNull();
    }
    const root = 'rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=';
    for (const size of ['', '-1', '01', '1.5', '1e3', ' 1', '99999999999999999']) {
      expect(parseCheckpoint(`o\n${size}\n${root}\n`), size).toBeNull();
    }
    for (const bad of [
      `o\n1\n${root}`,
      `o\n1\n${root.slice(0, -1)}\n`,
      `\n1\n${root}\n`,
      `o\n1\n${root.replace('s=', 't=')}\n`,
    ]) {
      expect(parseCheckpoint(bad), bad).toBeNull();
    }
    expect(parseCheckpoint(`o\n1\n${root}\next\n`)?.extensions).toEqual(['ext']);
  });

  it("a checkpoint of another origin under the log's key is refused", () => {
    expect(verifyCheckpoint(signNote(text.replace('/log', '/other'), [signer]), signer.verifier)).toBeNull();
  });

  // Seeds whose text holds a plus or ends in one: the key is all that follows the fourth plus.
  it.each([0x11, 0xfb, 0xfe, 0xbe, 0xef])(
    'a private key shows itself to no dump (seed of 32 bytes %i)',
    (n) => {
      const key = signerKey('example.com/log', new Uint8Array(32).fill(n));
      const secret = key.unsafeExport();
      const text = secret.split('+').slice(4).join('+');
      expect(text).toHaveLength(44);
      const dump = `${JSON.stringify(key)}${String(key)}${Object.values(key).join()}${inspect(key, { depth: 9, showHidden: true })}`;
      expect(dump).toContain(key.verifier.text);
      for (const verified of [
        text,
        text.slice(4),
        toHex(new Uint8Array(32).fill(n)),
        `${n}, ${n}, ${n}`,
        `${n},${n},${n}`,
      ])
        expect(dump).not.toContain(verified);
      expect(() => parseSignerKey(`${secret}x`)).toThrow(/not a signer key/);
      expect(parseSignerKey(secret).verifier.text).toBe(key.verifier.text);
    },
  );
});

describe('policies', () => {
  const keys = [1, 2, 3, 4].map((i) => signerKey(`w${i}`, fromHex(`0${i}`.repeat(32))!, 4));
  const [k1, k2, k3, k4] = keys.map((k) => k.verifier.text);
  const lines = [
    `witness X1 ${k1} https://x1.example/`,
    `witness X2 ${k2}`,
    `witness X3 ${k3}`,
    'group X 2 X1 X2 X3',
    `\twitness Y1 ${k4}`,
    ' # both',
    'group XY all X Y1',
    'quorum XY',
  ];
  const signed = (...by: number[]): { signers: { key: (typeof keys)[number]['verifier'] }[] } => ({
    signers: by.map((i) => ({ key: keys[i - 1]!.verifier })),
  });

  it('count witnesses in groups of groups', () => {
    const policy = parsePolicy(lines.join('\n'));
    expect(witnessKeys(policy).length).toBe(4);
    expect(satisfies(policy, signed(1, 2, 4))).toBe(true);
    expect(satisfies(policy, signed(1, 2, 3))).toBe(false);
    expect(satisfies(policy, signed(1, 4))).toBe(false);
    expect(satisfies(parsePolicy('quorum none'), signed())).toBe(true);
  });

  it('are refused when a line is unknown, a name is missing or counted twice', () => {
    const bad = [
      '',
      'quorum X',
      lines.slice(0, 7).join('\n'),
      `${lines.join('\n')}\nquorum X1`,
      lines.join('\n').replace('group X 2 X1', 'group X 4 X1'),
      lines.join('\n').replace('X1 X2 X3', 'X1 X1 X3'),
      lines.join('\n').replace('all X Y1', 'all X X1'),
      lines.join('\n').replace(k2!, k1!),
      `${lines[0]}\n${lines[0]}\nquorum X1`,
      'cosigner a b\nquorum none',
      'group G 0 X\nquorum none',
      'witness none x\nquorum none',
      'quorum none\u0007',
    ];
    for (const text of bad) expect(() => parsePolicy(text), text).toThrow();
  });
});

describe('receipts', () => {
  const signer = generateSigner('example.com/log');
  const entries = ['a', 'b', 'c'].map((t) => Buffer.from(t));
  const edge = new Edge();
  for (const entry of entries) edge.push(leafHash(entry));
  const checkpoint = signCheckpoint(signer, 3, edge.root());
  const hashes = [leafHash(entries[0]!), leafHash(entries[2]!)];
  const text = formatProof({ index: 1, hashes, checkpoint });

  it('have the form of tlog-proof@v1 and verify offline', () => {
    expect(text.split('\n').slice(0, 2)).toEqual(['c2sp.org/tlog-proof@v1', 'index 1']);
    expect(verifyProof(text, entries[1]!, signer.verifier)).toMatchObject({ ok: true, index: 1 });
    const extra = formatProof({ index: 1, hashes, checkpoint, extra: Buffer.from('hello') });
    expect(Buffer.from(parseProof(extra)!.extra!).toString()).toBe('hello');
    expect(verifyProof(extra, entries[1]!, signer.verifier)).toMatchObject({ ok: true });
  });

  it('prove nothing else', () => {
    expect(verifyProof(text, entries[0]!, signer.verifier)).toEqual({ ok: false, why: 'entry_not_included' });
    expect(verifyProof(text.replace('index 1', 'index 0'), entries[1]!, signer.verifier).ok).toBe(false);
    expect(verifyProof(text, entries[1]!, generateSigner('example.com/log').verifier)).toEqual({
      ok: false,
      why: 'checkpoint_unsigned',
    });
    expect(verifyProof(text.replace('v1', 'v2'), entries[1]!, signer.verifier)).toEqual({
      ok: false,
      why: 'malformed',
    });
    const witness = signerKey('w', fromHex('07'.repeat(32))!, 4);
    const policy = parsePolicy(`witness w ${witness.verifier.text}\nquorum w`);
    expect(verifyProof(text, entries[1]!, signer.verifier, policy)).toEqual({
      ok: false,
      why: 'witnesses_missing',
    });
    const line = signatureLine(parseNote(checkpoint)!.text, witness, 1_700_000_000);
    expect(verifyProof(text + line, entries[1]!, signer.verifier, policy).ok).toBe(true);
  });

  it('every changed character is noticed', () => {
    for (let i = 0; i < text.length; i++) {
      const changed = text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1);
      expect(verifyProof(changed, entries[1]!, signer.verifier).ok, `character ${i}`).toBe(false);
    }
  });
});

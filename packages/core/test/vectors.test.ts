// The vectors of test/vectors and SPEC.md: the engine gives what the files say, the generator writes the files and
// the worked example as they are, and an independent verifier in Python, written from SPEC.md alone, agrees.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  Arguments,
  constraintProblem,
  decodeCbor,
  encodeCbor,
  fromHex,
  isToolName,
  LABELS,
  matchLabel,
  matchTool,
  nobleProvider,
  PublicKey,
  SecretKey,
  toHex,
  VerificationKey,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';

const folder = new URL('../../../test/vectors/', import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
interface Vector {
  readonly name: string;
  readonly steps: readonly { readonly expect: unknown }[];
}
interface Generator {
  readonly vectors: ReadonlyMap<string, string>;
  run(v: Vector): readonly unknown[];
  runLedger(v: unknown): readonly unknown[];
  isText(v: unknown): boolean;
  specAsWritten(): string;
}
const generator = (await import(new URL('generate.mjs', folder).href)) as Generator;
const bytes = (hex: string): Uint8Array => fromHex(hex)!;

test('regenerating gives the same files, and no others are there', () => {
  const files = readdirSync(folder)
    .filter((f) => f.endsWith('.json'))
    .sort();
  expect(files).toEqual([...generator.vectors.keys()].sort());
  for (const [name, text] of generator.vectors)
    expect(readFileSync(new URL(name, folder), 'utf8'), name).toBe(text);
});

test('the worked example of SPEC.md, its limits, steps and codes are those of the engine', () => {
  expect(readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8')).toBe(generator.specAsWritten());
});

describe.each(['tokens.json', 'proofs.json', 'sessions.json', 'decisions.json'])('%s', (file) => {
  test.each((read(file) as Vector[]).map((v) => [v.name, v] as const))('%s', (_, v) => {
    const got = JSON.parse(JSON.stringify(generator.run(v))) as unknown;
    expect(got).toEqual(v.steps.map((s) => s.expect));
  });
});

interface ArgumentsVector {
  readonly input: string | readonly (readonly [piece: string, times: number])[];
  readonly expect: { readonly code: string; readonly canonical?: string; readonly digest?: string };
}
test('arguments.json', () => {
  for (const { input, expect: expected } of read('arguments.json') as ArgumentsVector[]) {
    const text = typeof input === 'string' ? input : input.map(([piece, n]) => piece.repeat(n)).join('');
    const taken = Arguments.parse(text);
    const canonical =
      Arguments.is(taken) && typeof input === 'string' ? { canonical: taken.canonical() } : {};
    const got = Arguments.is(taken)
      ? { code: 'ok', ...canonical, digest: toHex(taken.digest()) }
      : { code: taken.code };
    expect(got, text.slice(0, 80)).toEqual(expected);
  }
});

test('encodings.json', () => {
  for (const { hex, valid } of read('encodings.json') as { hex: string; valid: boolean }[]) {
    const value = decodeCbor(bytes(hex));
    expect(value !== null, hex).toBe(valid);
    if (value !== null) expect(toHex(encodeCbor(value.value))).toBe(hex);
  }
});

interface PatternVectors {
  readonly tools: readonly { readonly pattern: string; readonly tool: string; readonly matches: boolean }[];
  readonly names: readonly { readonly name: string; readonly valid: boolean }[];
  readonly labels: readonly { readonly scope: string; readonly label: string; readonly covers: boolean }[];
  readonly regular: readonly { readonly pattern: string; readonly valid: boolean }[];
}
test('patterns.json', () => {
  const p = read('patterns.json') as PatternVectors;
  for (const { pattern, tool, matches } of p.tools) expect(matchTool(pattern, tool)).toBe(matches);
  for (const { name, valid } of p.names) expect(isToolName(name)).toBe(valid);
  for (const { scope, label, covers } of p.labels) expect(matchLabel(scope, label)).toBe(covers);
  for (const { pattern, valid } of p.regular)
    expect(constraintProblem({ kind: 'pattern', pattern }) === null, pattern).toBe(valid);
});

test('keys.json', () => {
  const k = read('keys.json') as {
    labels: { [name: string]: string };
    keys: {
      use: 'root' | 'holder' | 'issuer' | 'x25519';
      secret: string;
      secretText: string;
      public?: string;
      publicText?: string;
    }[];
    derived: { key: string; text?: string }[];
  };
  expect(k.labels).toEqual(Object.fromEntries(Object.values(LABELS).map((l) => [l.name, toHex(l.bytes)])));
  for (const { use, secret, secretText, public: pub, publicText } of k.keys) {
    expect(SecretKey.parse(use, secretText).unsafeBytes()).toEqual(bytes(secret));
    if (use !== 'root') expect(PublicKey.parse(use, publicText!).bytes).toEqual(bytes(pub!));
  }
  for (const { key, text } of k.derived)
    if (text !== undefined) expect(VerificationKey.parse(text).unsafeBytes()).toEqual(bytes(key));
});

test('ledger.json: what the stores do', () => {
  for (const v of read('ledger.json') as Vector[])
    expect(generator.runLedger(v), v.name).toEqual(v.steps.map((s) => s.expect));
});

test('texts.json', () => {
  for (const v of read('texts.json') as { form: string; description: string; valid: boolean }[])
    expect(generator.isText(v), `${v.form}: ${v.description}`).toBe(v.valid);
});

test('signatures.json', () => {
  const list = read('signatures.json') as {
    description: string;
    publicKey: string;
    message: string;
    signature: string;
    valid: boolean;
  }[];
  for (const { description, publicKey, message, signature, valid } of list)
    for (const provider of [nobleProvider, nodeProvider])
      expect(provider.verify(bytes(publicKey), bytes(message), bytes(signature)), description).toBe(valid);
});

/** Every field of a JSON value, as README.md spells it: the outermost list is left out, labels have any name. */
function fieldsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => fieldsOf(item, path === '' ? '' : `${path}[]`));
  if (typeof value !== 'object' || value === null || path.endsWith('value')) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = path === '' ? name : /^labels$|facts\.cost$/.test(path) ? `${path}.*` : `${path}.${name}`;
    return [field, ...fieldsOf(inner, field)];
  });
}

test('README.md of the vectors documents every field, and no other', () => {
  const page = readFileSync(new URL('README.md', folder), 'utf8');
  const documented = new Map<string, Set<string>>();
  for (const section of page.split(/^## /m).slice(1)) {
    const [heading = '', ...lines] = section.split('\n');
    const rows = lines.flatMap((line) => /^\| `([^`]+)` \| \S/.exec(line)?.[1] ?? []);
    for (const name of heading === 'Charges'
      ? ['charges']
      : [...heading.matchAll(/`([^`]+)`/g)].map((m) => m[1]!))
      documented.set(name, new Set(rows));
  }
  const shared = ['tokens.json', 'proofs.json', 'sessions.json', 'decisions.json'];
  const found = new Map<string, Set<string>>();
  for (const file of generator.vectors.keys()) {
    const name = shared.includes(file) ? shared[0]! : file;
    for (const field of fieldsOf(read(file))) {
      const inner = /(?:^|\.)(charges\..+)$/.exec(field)?.[1];
      const at = inner === undefined ? name : 'charges';
      found.set(at, (found.get(at) ?? new Set()).add(inner ?? field));
    }
  }
  for (const file of shared) expect(documented.get(file), file).toEqual(documented.get(shared[0]!));
  for (const [name, fields] of found)
    expect([...fields].toSorted(), name).toEqual([...(documented.get(name) ?? [])].toSorted());
  expect([...documented.keys()].toSorted()).toEqual([...generator.vectors.keys(), 'charges'].toSorted());
});

test('check.py reads nothing but the vectors', () => {
  const source = readFileSync(new URL('check.py', folder), 'utf8');
  expect(source.match(/open\(.*/g)).toEqual(['open(os.path.join(HERE, file), encoding="utf-8") as f:']);
});

const python = spawnSync('python3', ['--version'], { encoding: 'utf8' });
test.skipIf(python.status !== 0)(
  `check.py, written from SPEC.md alone, passes every vector${python.status === 0 ? '' : ' (skipped: no python3 on PATH)'}`,
  { timeout: 300_000 },
  () => {
    // Its own words are what counts: no complaint of a shell about a language that is not installed.
    const env = { ...process.env, LC_ALL: 'C' };
    const ran = spawnSync('python3', [fileURLToPath(new URL('check.py', folder))], { encoding: 'utf8', env });
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toMatch(/^\d+ checks, 0 failed$/m);
    expect(ran.status).toBe(0);
  },
);

// Witness policies (C2SP tlog-policy): which logs, which witnesses, in which groups, and how many must cosign.
// Lines: `log <vkey> [url]`, `witness <name> <vkey> [url]`, `group <name> <k|any|all> <member>...`,
// `quorum <name|none>`; `#` begins a comment line.
import { AmbitError, equal } from '../core.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { parseVerifierKey, SIGNATURE, verifierKey, type VerifierKey } from './key.ts';

/** A witness of a policy; without `url` it is counted but not asked. */
export interface PolicyWitness {
  readonly name: string;
  readonly key: VerifierKey;
  readonly url?: string;
}

/** A parsed policy. */
export interface Policy {
  readonly logs: readonly { readonly key: VerifierKey; readonly url?: string }[];
  readonly witnesses: readonly PolicyWitness[];
  readonly groups: ReadonlyMap<string, { readonly needed: number; readonly members: readonly string[] }>;
  /** The name of a witness or group, or null when none is needed. */
  readonly quorum: string | null;
}

const fail = (line: number, what: string): AmbitError =>
  new AmbitError('input_invalid', `policy line ${line}: ${what}.`);

/** A witness's key on a line of type 0x01 stands for the cosigner key with the same bytes (tlog-policy). */
function cosigner(text: string): VerifierKey {
  const key = parseVerifierKey(text);
  return key.type === SIGNATURE.ed25519 ? verifierKey(key.name, SIGNATURE.cosignature, key.publicKey) : key;
}

const twice = (keys: readonly { readonly key: VerifierKey }[], key: VerifierKey): boolean =>
  keys.some((k) => equal(k.key.publicKey, key.publicKey));

/** Reads a policy. A name is defined once and before its use, so groups cannot form a cycle. Throws AmbitError `input_invalid`. */
export function parsePolicy(text: string): Policy {
  const logs: { key: VerifierKey; url?: string }[] = [];
  const witnesses: PolicyWitness[] = [];
  const groups = new Map<string, { needed: number; members: string[] }>();
  let quorum: string | null | undefined;
  const grouped = new Set<string>();
  const defined = (name: string): boolean => groups.has(name) || witnesses.some((w) => w.name === name);
  if (/[^\P{Cc}\n\t]/u.test(text))
    throw new AmbitError('input_invalid', 'policy: control characters are not allowed.');
  text.split('\n').forEach((raw, i) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const [word, ...rest] = line.split(/[ \t]+/);
    if (word === 'log' && (rest.length === 1 || rest.length === 2)) {
      const key = parseVerifierKey(rest[0]!);
      if (key.type !== SIGNATURE.ed25519 || twice(logs, key))
        throw fail(i + 1, 'expected the Ed25519 key of another log');
      logs.push({ key, ...(rest[1] === undefined ? {} : { url: rest[1] }) });
    } else if (word === 'witness' && (rest.length === 2 || rest.length === 3)) {
      const [name, vkey, url] = rest;
      if (name === 'none' || defined(name!)) throw fail(i + 1, `the name ${name} is taken`);
      const key = cosigner(vkey!);
      if (twice(witnesses, key)) throw fail(i + 1, 'two witnesses share a key');
      witnesses.push({ name: name!, key, ...(url === undefined ? {} : { url }) });
    } else if (word === 'group' && rest.length >= 3) {
      const [name, count, ...members] = rest;
      if (name === 'none' || defined(name!)) throw fail(i + 1, `the name ${name} is taken`);
      const unknown = members.find((member) => !defined(member));
      if (unknown !== undefined) throw fail(i + 1, `${unknown} is not defined before its use`);
      // A name counts in one place only, so that no witness is counted twice.
      for (const member of members) {
        if (grouped.has(member)) throw fail(i + 1, `${member} is a member twice`);
        grouped.add(member);
      }
      const needed = count === 'any' ? 1 : count === 'all' ? members.length : Number(count);
      if (!/^(any|all|[1-9][0-9]*)$/.test(count!) || needed > members.length)
        throw fail(i + 1, `${count} of ${members.length} cannot be met`);
      groups.set(name!, { needed, members });
    } else if (word === 'quorum' && rest.length === 1) {
      if (quorum !== undefined) throw fail(i + 1, 'a second quorum');
      if (rest[0] !== 'none' && !defined(rest[0]!)) throw fail(i + 1, `${rest[0]} is not defined`);
      quorum = rest[0] === 'none' ? null : rest[0]!;
    } else throw fail(i + 1, `expected log, witness, group or quorum, got "${word}"`);
  });
  if (quorum === undefined) throw new AmbitError('input_invalid', 'policy: the quorum line is missing.');
  return { logs, witnesses, groups, quorum };
}

/** The cosigner keys of a policy's witnesses. */
export const witnessKeys = (policy: Policy): VerifierKey[] => policy.witnesses.map((w) => w.key);

/** Whether enough witnesses have cosigned: the signers of a checkpoint verified with `witnessKeys(policy)`. */
export function satisfies(policy: Policy, checkpoint: Pick<SignedCheckpoint, 'signers'>): boolean {
  const signed = new Set(checkpoint.signers.map(({ key }) => key.text));
  const met = (name: string): boolean => {
    const witness = policy.witnesses.find((w) => w.name === name);
    if (witness !== undefined) return signed.has(witness.key.text);
    const group = policy.groups.get(name)!;
    return group.members.filter(met).length >= group.needed;
  };
  return policy.quorum === null || met(policy.quorum);
}

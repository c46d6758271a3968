// Every MAC, signature, digest and key derivation begins with its own constant label that ends in a zero
// byte, so bytes made for one purpose can never be shown for another (attack F12). No label is a prefix of
// another one: the zero byte occurs at the end only.

/** The one list of labels: what code calls each, and its name in the bytes (SPEC.md, "Labels"). */
const NAMES = {
  grant: 'grant',
  key: 'key',
  delegate: 'delegate',
  seal: 'seal',
  statementSigned: 'statement-signed',
  statementSession: 'statement-session',
  sessionKey: 'session-key',
  ticket: 'ticket',
  prefix: 'prefix',
  counter: 'counter',
  arguments: 'arguments',
  context: 'context',
  revocations: 'revocations',
  config: 'config',
  model: 'model',
  body: 'body',
} as const;

/**
 * The names of all labels; `Signer` implementations may log them, and refuse those they do not serve. `dsse` is
 * not ours and not in the table: model attestations are signed as DSSE has it, `DSSEv1 ` and the rest.
 */
export type LabelName = (typeof NAMES)[keyof typeof NAMES] | 'dsse';

/** A domain-separation label: its name, and the bytes that come first in everything hashed or signed. */
export interface Label {
  readonly name: LabelName;
  readonly bytes: Uint8Array;
}

const label = (name: LabelName): Label =>
  Object.freeze({ name, bytes: new TextEncoder().encode(`ambit/1/${name}\0`) });

/** The table of labels. */
export const LABELS: { readonly [Key in keyof typeof NAMES]: Label } = Object.freeze(
  Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, label(name)])) as {
    [Key in keyof typeof NAMES]: Label;
  },
);

// Every MAC, signature, digest and key derivation begins with its own constant label that ends in a zero
// byte, so bytes made for one purpose can never be shown for another (attack F12). No label is a prefix of
// another one: the zero byte occurs at the end only.

/**
 * The names of all labels; `Signer` implementations may log them, and refuse those they do not serve. `dsse` is
 * not ours and not in the table: model attestations are signed as DSSE has it, `DSSEv1 ` and the rest.
 */
export type LabelName =
  | 'grant'
  | 'key'
  | 'delegate'
  | 'seal'
  | 'statement-signed'
  | 'statement-session'
  | 'session-key'
  | 'ticket'
  | 'prefix'
  | 'counter'
  | 'arguments'
  | 'context'
  | 'revocations'
  | 'config'
  | 'model'
  | 'dsse'
  | 'body';

/** A domain-separation label: its name, and the bytes that come first in everything hashed or signed. */
export interface Label {
  readonly name: LabelName;
  readonly bytes: Uint8Array;
}

const label = (name: LabelName): Label =>
  Object.freeze({ name, bytes: new TextEncoder().encode(`ambit/1/${name}\0`) });

/** The table of labels (SPEC.md, "Labels"). */
export const LABELS: {
  readonly grant: Label;
  readonly key: Label;
  readonly delegate: Label;
  readonly seal: Label;
  readonly statementSigned: Label;
  readonly statementSession: Label;
  readonly sessionKey: Label;
  readonly ticket: Label;
  readonly prefix: Label;
  readonly counter: Label;
  readonly arguments: Label;
  readonly context: Label;
  readonly revocations: Label;
  readonly config: Label;
  readonly model: Label;
  readonly body: Label;
} = Object.freeze({
  grant: label('grant'),
  key: label('key'),
  delegate: label('delegate'),
  seal: label('seal'),
  statementSigned: label('statement-signed'),
  statementSession: label('statement-session'),
  sessionKey: label('session-key'),
  ticket: label('ticket'),
  prefix: label('prefix'),
  counter: label('counter'),
  arguments: label('arguments'),
  context: label('context'),
  revocations: label('revocations'),
  config: label('config'),
  model: label('model'),
  body: label('body'),
});

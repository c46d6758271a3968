// What several commands do with an unverified token: read it, and say what a change took away.
import {
  diff,
  effectiveAuthority,
  inspect,
  isExpired,
  matchesAny,
  withoutEffect,
  type DiffRow,
  type Inspection,
  type Restriction,
} from '@ambit/core';
import type { Cli } from './cli.ts';
import { readText } from './home/files.ts';
import { inContext } from './home/keyfile.ts';
import { tokenDiffText } from './show/diff.ts';

/** A token's (or evidence's) text with what it claims. */
export interface GivenToken {
  readonly text: string;
  readonly said: Inspection;
}

/** Reads a token from a file, `-`, or its own text. */
export async function readTokenText(cli: Cli, source: string, what = 'the token'): Promise<GivenToken> {
  const text = await readText(cli, what, source);
  return { text, said: inContext(what, source, () => inspect(text)) };
}

/** Why a token allows no call of this tool, as far as it can be read; null when it may. */
export function toolNote(token: string | Inspection, tool: string): string | null {
  const { tools, deny } = effectiveAuthority(token);
  if (matchesAny(deny, tool)) return `this token denies ${tool}`;
  if (matchesAny(tools, tool)) return null;
  return `this token does not allow ${tool}; it allows ${tools.length === 0 ? 'nothing' : tools.join(', ')}`;
}

/** What a holder should know before it sends a proof: a call that the token does not allow is refused by any service. */
export function proofNotes(said: Inspection, tool: string, audience: string, now: number): readonly string[] {
  const { audiences } = effectiveAuthority(said);
  const notes: string[] = [];
  if (audiences !== null && !audiences.includes(audience))
    notes.push(`this token is for ${audiences.join(', ') || 'no service'}; ${audience} will refuse it`);
  const why = toolNote(said, tool);
  if (why !== null) notes.push(`${why}; the call will be refused`);
  if (isExpired(said.expires, now)) notes.push('this token has expired; the call will be refused');
  return notes;
}

/** What a person should know of a narrowing: restrictions that change nothing, and a token that is worth nothing. */
export function narrowingNotes(
  before: Inspection,
  after: string,
  restrictions: readonly Restriction[],
): readonly string[] {
  const had = effectiveAuthority(before);
  const notes = restrictions.flatMap((r) => {
    const why = withoutEffect(had, r);
    return why === null
      ? []
      : [`this ${r.type === 'time' ? 'expiry' : r.type} restriction changes nothing: ${why}`];
  });
  const { empty } = effectiveAuthority(after);
  if (empty !== null) notes.push(`nothing can be done with this token: ${empty}`);
  return notes;
}

/** Prints the difference to stderr, with the notes; gives both for JSON. */
export function showChange(
  cli: Cli,
  before: GivenToken,
  after: string,
  restrictions: readonly Restriction[],
): { readonly changes: readonly DiffRow[]; readonly notes: readonly string[] } {
  const rows = diff(before.said, after);
  const changes = rows.filter((r) => r.mark !== '=');
  const notes = narrowingNotes(before.said, after, restrictions);
  cli.say(tokenDiffText(cli, rows, process.stderr));
  for (const note of notes) cli.warn(note);
  return { changes, notes };
}

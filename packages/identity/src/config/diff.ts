// What a change of configuration means before it is applied: which entries change, who gains and who loses what,
// and how many live sessions end. Users are compared by what they can effectively do (operator AND user, with
// the data each tool touches), so that the reclassification of a tool shows as a loss to those who had it.
import { canonicalJson, type Denial } from '@ambit/core';
import type { Layer } from '../operator/layer.ts';
import type { Operator } from '../operator/operator.ts';
import { covers } from '../operator/tables.ts';
import { canonicalConfiguration } from './digest.ts';

/** A field of an entry, before and after, as canonical JSON; absent where it did not exist. */
export interface FieldChange {
  readonly field: string;
  readonly from?: string;
  readonly to?: string;
}

/** An entry of a section (`tools`, `groups`, `models` ...) that is not what it was. */
export interface EntryChange {
  readonly section: string;
  /** Absent for sections that are one entry. */
  readonly name?: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly fields: readonly FieldChange[];
}

/** Tools (names and patterns) and data labels. */
export interface Gain {
  readonly tools: readonly string[];
  readonly data: readonly string[];
}

/** What a user can do after the change and could not do before, and the reverse. */
export interface UserChange {
  readonly user: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly gains: Gain;
  readonly loses: Gain;
}

/** A live session, as the session store of `@ambit/state` lists it. */
export interface LiveSession {
  readonly id: string;
  readonly operator: string;
  readonly user: string | null;
  readonly expires: number;
  readonly closed: number | null;
}

/** Sessions as they come: a list, or read page by page (`openSessions` of `@ambit/state`). */
export type LiveSessions = Iterable<LiveSession> | AsyncIterable<LiveSession>;

/** The whole difference. */
export interface ConfigurationDiff {
  /** False: the digests are equal, and nothing ends. */
  readonly changed: boolean;
  readonly from: string;
  readonly to: string;
  readonly entries: readonly EntryChange[];
  /** Those who gain or lose, by name. */
  readonly users: readonly UserChange[];
  readonly sessions: {
    /** Open and not expired, of this operator. */
    readonly live: number;
    /** Those that end because of the change: at once, or when the grace period is over. */
    readonly ending: number;
    /** Of those, the ones of users who lose something. */
    readonly ofLosers: number;
    /** Unix seconds at which the last of them is over. */
    readonly by: number;
  };
}

type Tree = { readonly [name: string]: unknown };
const SINGLE: ReadonlySet<string> = new Set(['defaults', 'allow', 'sessions', 'entitlements']);

/**
 * Compares two configurations of one operator; `sessions` are the ones open at `now` (Unix seconds). They are counted as
 * they come, and none is kept. Rejects with what reading them rejects with.
 */
export async function diffConfigurations(
  old: Operator,
  next: Operator,
  sessions: LiveSessions,
  now: number,
): Promise<ConfigurationDiff> {
  const changed = old.digestHex !== next.digestHex;
  const users = changed ? userChanges(old, next) : [];
  const entries = changed ? entryChanges(old, next) : [];
  const losers = new Set(
    users.filter((u) => u.loses.tools.length + u.loses.data.length > 0).map((u) => u.user),
  );
  const by = now + next.config.grace;
  let live = 0;
  let ending = 0;
  let ofLosers = 0;
  for await (const s of sessions) {
    if (s.operator !== old.id || s.closed !== null || s.expires <= now) continue;
    live++;
    if (!changed || s.expires <= by) continue;
    ending++;
    if (s.user !== null && losers.has(s.user)) ofLosers++;
  }
  return {
    changed,
    from: old.digestHex,
    to: next.digestHex,
    entries,
    users,
    sessions: { live, ending, ofLosers, by },
  };
}

// The canonical JSON of both is what their digests cover: compared field by field, nothing can be forgotten.
function entryChanges(old: Operator, next: Operator): EntryChange[] {
  const a = JSON.parse(canonicalConfiguration(old.config)) as Tree;
  const b = JSON.parse(canonicalConfiguration(next.config)) as Tree;
  const out: EntryChange[] = [];
  for (const section of Object.keys(b)) {
    const before = a[section];
    const after = b[section];
    if (!isTree(before) || !isTree(after) || SINGLE.has(section)) {
      const fields =
        isTree(before) && isTree(after) ? fieldChanges(before, after) : valueChange(section, before, after);
      if (fields.length > 0) out.push({ section, change: 'changed', fields });
      continue;
    }
    for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
      const x = own(before, name);
      const y = own(after, name);
      const fields = isTree(x) && isTree(y) ? fieldChanges(x, y) : valueChange('', x, y);
      if (fields.length === 0) continue;
      const change = x === undefined ? 'added' : y === undefined ? 'removed' : 'changed';
      out.push({ section, name, change, fields: change === 'changed' ? fields : [] });
    }
  }
  return out;
}

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const own = (tree: Tree, name: string): unknown => (Object.hasOwn(tree, name) ? tree[name] : undefined);
const text = (value: unknown): string => canonicalJson(value as Parameters<typeof canonicalJson>[0]);

function fieldChanges(before: Tree, after: Tree): FieldChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => valueChange(name, own(before, name), own(after, name)));
}

function valueChange(field: string, before: unknown, after: unknown): FieldChange[] {
  const from = before === undefined ? undefined : text(before);
  const to = after === undefined ? undefined : text(after);
  if (from === to) return [];
  return [{ field, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
}

function userChanges(old: Operator, next: Operator): UserChange[] {
  const tools = universe(old, next);
  const labels = [...new Set([...labelsOf(old), ...labelsOf(next)])].sort();
  // Users with the same groups and rights are one profile: 10,000 users cost as much as there are profiles.
  const seen = new Map<string, { readonly gains: Gain; readonly loses: Gain }>();
  const out: UserChange[] = [];
  for (const user of [...new Set([...old.config.users.keys(), ...next.config.users.keys()])].sort()) {
    const before = old.config.users.get(user);
    const after = next.config.users.get(user);
    const profile = JSON.stringify([before ?? null, after ?? null]);
    let delta = seen.get(profile);
    if (delta === undefined) {
      const x = effective(old, old.user(user), tools, labels);
      const y = effective(next, next.user(user), tools, labels);
      delta = { gains: minus(y, x), loses: minus(x, y) };
      seen.set(profile, delta);
    }
    const moved =
      delta.gains.tools.length + delta.gains.data.length + delta.loses.tools.length + delta.loses.data.length;
    if (moved > 0 || before === undefined || after === undefined) {
      out.push({
        user,
        change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
        ...delta,
      });
    }
  }
  return out;
}

const minus = (a: Gain, b: Gain): Gain => ({
  tools: a.tools.filter((t) => !b.tools.includes(t)),
  data: a.data.filter((l) => !b.data.includes(l)),
});

function effective(
  operator: Operator,
  user: Layer | undefined,
  tools: readonly string[],
  labels: readonly string[],
): Gain {
  if (user === undefined) return { tools: [], data: [] };
  const layers = [operator.layer, user];
  const covers = (layer: Layer, label: string): boolean => layer.rights.some((r) => r.data.covers(label));
  return {
    tools: tools.filter((t) => layers.every((l) => allows(operator, l, t))),
    data: labels.filter((l) => layers.every((layer) => covers(layer, l))),
  };
}

// A name is judged with the data its tool touches; a pattern by whether the layer has all it names.
function allows(operator: Operator, layer: Layer, tool: string): boolean {
  if (!tool.endsWith('*')) {
    const refused: Denial | null = layer.check(tool, operator.facts(tool).data);
    return refused === null;
  }
  const has = layer.rights.some((r) => r.tools.patterns.some((p) => covers(p, tool)));
  return has && !layer.denied.some((d) => covers(d, tool));
}

/** All names and patterns that either configuration mentions. */
function universe(...operators: readonly Operator[]): readonly string[] {
  const out = new Set<string>();
  for (const { config } of operators) {
    for (const tool of config.tools.keys()) out.add(tool);
    for (const entry of [config.allow, ...config.groups.values(), ...config.users.values()]) {
      for (const tool of [...entry.tools, ...entry.deny]) out.add(tool);
    }
  }
  return [...out].sort();
}

function labelsOf({ config }: Operator): readonly string[] {
  const entries = [config.allow, ...config.groups.values(), ...config.users.values()];
  return [
    ...new Set([
      ...entries.flatMap((e) => e.data),
      ...[...config.tools.values()].flatMap((t) => t.data ?? []),
    ]),
  ];
}

/** The difference for people, one fact a line: `+` gained or new, `-` lost or gone, `~` changed. */
export function diffText(d: ConfigurationDiff): string {
  if (!d.changed) return 'no change: the digests are equal\n';
  const lines: string[] = [];
  const sign = { added: '+', removed: '-', changed: '~' } as const;
  for (const e of d.entries) {
    lines.push(`${sign[e.change]} ${e.name === undefined ? e.section : `${e.section} ${e.name}`}`);
    for (const f of e.fields)
      lines.push(`    ${f.field === '' ? '' : `${f.field}: `}${f.from ?? 'absent'} -> ${f.to ?? 'absent'}`);
  }
  for (const u of d.users) {
    lines.push(`${sign[u.change]} user ${u.user}`);
    for (const t of u.gains.tools) lines.push(`    + ${t}`);
    for (const l of u.gains.data) lines.push(`    + data ${l}`);
    for (const t of u.loses.tools) lines.push(`    - ${t}`);
    for (const l of u.loses.data) lines.push(`    - data ${l}`);
  }
  const { live, ending, ofLosers } = d.sessions;
  const when = `${ending} of ${live} live sessions end`;
  lines.push(ending === 0 ? when : `${when}, ${ofLosers} of them of users who lose something`);
  return `${lines.join('\n')}\n`;
}

// From the YAML text of a configuration to the configuration, or to every problem with its line and path.
// The sections refer to one another (users to groups, models to signers), so names are checked here.
import { isModelDigest } from '../model/digest.ts';
import { isLabel, isName, isToolPattern, LIMITS, nearest } from '@ambit/core';
import {
  FORMAT,
  WORST,
  type UserAuthority,
  type Configuration,
  type EntitlementSource,
  type FederatedEntry,
  type GroupEntry,
  type ModelEntry,
  type SessionTerms,
  type ToolFacts,
  type UserEntry,
} from './configuration.ts';
import { AUTHORITY_FIELDS, authority, budgets, CEILING_FIELDS, ceilings, keys, life } from './sections.ts';
import { name, TABLE_LIMITS, toolFacts } from './sections.ts';
import { Shape, type Place } from './shape.ts';
import { readSource, type ConfigProblem } from './source.ts';

/** The configuration, or what is wrong with the text. */
export type Parsed =
  | { readonly ok: true; readonly config: Configuration }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const FIELDS = [
  'ambit', 'operator', 'issuer', 'keys', 'signers', 'defaults', 'tools', 'allow', 'models', 'groups', 'users',
  'entitlements', 'sessions', 'grace', 'warn', 'federation',
] as const; // prettier-ignore

/** Reads and checks a configuration text. Never throws for bad text. */
export function parseConfiguration(text: string): Parsed {
  const s = new Shape();
  const node = readSource(text, s.problems);
  const config = node === null ? null : configuration(s, { node, path: '' });
  if (config === null || s.problems.length > 0) {
    return { ok: false, problems: [...s.problems].sort((a, b) => a.line - b.line || a.column - b.column) };
  }
  return { ok: true, config };
}

function configuration(s: Shape, root: Place): Configuration {
  const f = s.fields(root, FIELDS, ['ambit', 'operator', 'issuer', 'tools', 'sessions']);
  if (
    f.ambit !== undefined &&
    s.integer(f.ambit, FORMAT, FORMAT, 0) !== FORMAT &&
    f.ambit.node.kind === 'integer'
  ) {
    s.fail(f.ambit, `this version of Ambit reads format ${FORMAT}`);
  }
  const defaults = f.defaults === undefined ? WORST : toolFacts(s, f.defaults, WORST);
  const tools = table(s, f.tools, TABLE_LIMITS.tools, isToolPattern, 'a tool name or pattern', (at) =>
    toolFacts(s, at, defaults),
  );
  const allow = allowed(s, f.allow, tools, defaults);
  const signers = keys(s, f.signers, 'model');
  const groups = table(s, f.groups, TABLE_LIMITS.groups, isName, 'a group', (at) => layer(s, at, null));
  const entitlements = entitlementSource(s, f.entitlements);
  if (entitlements.from === 'resolver' && f.users !== undefined) {
    s.fail(f.users, 'users come from the resolver here (entitlements.from); name groups only');
  }
  const operator = name(s, f.operator, 'the operator id');
  const issuer = name(s, f.issuer, "the issuer's name");
  const federation = table(s, f.federation, TABLE_LIMITS.keys, isName, 'an operator id', (at) =>
    federated(s, at),
  );
  for (const [id, other] of federation) {
    if (id === operator) s.fail(f.federation!, `${id} is this operator itself`);
    if (other.issuer !== '' && other.issuer === issuer)
      s.fail(f.federation!, `${id}: its issuer is this operator's own`);
  }
  return Object.freeze({
    operator,
    issuer,
    keys: keys(s, f.keys, 'issuer'),
    signers,
    defaults,
    tools,
    allow,
    models: table(s, f.models, TABLE_LIMITS.models, isName, 'a model id', (at) =>
      model(s, at, allow, signers),
    ),
    groups,
    users: table(s, f.users, TABLE_LIMITS.users, isName, 'a user id', (at) => user(s, at, groups)),
    entitlements,
    sessions: sessions(s, f.sessions),
    grace: s.duration(f.grace, 0, 0),
    warn: f.warn === undefined ? null : s.integer(f.warn, 1, 100, 100),
    federation,
  });
}

/** A map from checked names to entries. */
function table<T>(
  s: Shape,
  at: Place | undefined,
  limit: number,
  valid: (text: string) => boolean,
  what: string,
  read: (at: Place) => T,
): ReadonlyMap<string, T> {
  const out = new Map<string, T>();
  for (const [key, place, entry] of s.entries(at, limit)) {
    if (!valid(key)) s.fail({ node: entry, path: place.path }, `expected ${what}`);
    out.set(key, read(place));
  }
  return out;
}

// The operator's own ceiling: what `allow` states, or else exactly the tools and data of the `tools` table.
function allowed(
  s: Shape,
  at: Place | undefined,
  tools: ReadonlyMap<string, ToolFacts>,
  defaults: ToolFacts,
): UserAuthority {
  const touched = new Set([...tools.values(), defaults].flatMap((t) => t.data ?? []));
  const stated = {
    tools: Object.freeze([...tools.keys()].filter(isToolPattern).sort()),
    data: Object.freeze([...touched].filter(isLabel).sort()),
  };
  if (at === undefined) return Object.freeze({ ...stated, deny: Object.freeze([]) });
  return authority(s, at, s.fields(at, AUTHORITY_FIELDS), stated);
}

const LAYER_FIELDS = [...AUTHORITY_FIELDS, ...CEILING_FIELDS] as const;

/** Rights and ceilings; `otherwise` stands for tools and data that are not stated. */
function layer(s: Shape, at: Place, otherwise: UserAuthority | null): GroupEntry {
  const f = s.fields(at, LAYER_FIELDS);
  return Object.freeze({ ...authority(s, at, f, otherwise), ...ceilings(s, f) });
}

function model(s: Shape, at: Place, allow: UserAuthority, signers: ReadonlyMap<string, unknown>): ModelEntry {
  const f = s.fields(at, ['signers', 'digests', ...LAYER_FIELDS], ['signers']);
  const named = s.set(f.signers, TABLE_LIMITS.keys, 'the name of a signer', isName);
  for (const n of named) if (!signers.has(n)) s.fail(f.signers!, unknown('signer', n, signers.keys()));
  if (f.signers !== undefined && named.length === 0) s.fail(f.signers, 'name at least one signer');
  const digests =
    f.digests === undefined
      ? null
      : s.set(f.digests, 1024, 'a digest sha256:… of 64 hexadecimal digits', isModelDigest);
  return Object.freeze({ signers: named, digests, ...authority(s, at, f, allow), ...ceilings(s, f) });
}

function user(s: Shape, at: Place, groups: ReadonlyMap<string, GroupEntry>): UserEntry {
  const f = s.fields(at, ['groups', ...LAYER_FIELDS]);
  const named = s.set(f.groups, 64, 'the name of a group', isName);
  for (const n of named) if (!groups.has(n)) s.fail(f.groups!, unknown('group', n, groups.keys()));
  return Object.freeze({ groups: named, ...authority(s, at, f, null), ...ceilings(s, f) });
}

function federated(s: Shape, at: Place): FederatedEntry {
  // Budgets are the other issuer's to count: a ceiling here could not be kept.
  const f = s.fields(
    at,
    ['issuer', 'keys', ...AUTHORITY_FIELDS, 'life', 'delegations'],
    ['issuer', 'keys', 'tools', 'data'],
  );
  const table = keys(s, f.keys, 'issuer');
  if (f.keys !== undefined && table.size === 0) s.fail(f.keys, 'name at least one issuer key');
  const issuer = name(s, f.issuer, "the issuer's name");
  return Object.freeze({ issuer, keys: table, ...authority(s, at, f, null), ...ceilings(s, f) });
}

function entitlementSource(s: Shape, at: Place | undefined): EntitlementSource {
  if (at === undefined) return Object.freeze({ from: 'configuration' });
  const f = s.fields(at, ['from', 'staleness'], ['from']);
  const from = s.text(f.from, 'configuration or resolver', (t) => t === 'configuration' || t === 'resolver');
  if (from !== 'resolver') {
    if (f.staleness !== undefined) s.fail(f.staleness, 'only a resolver can be behind');
    return Object.freeze({ from: 'configuration' });
  }
  if (f.staleness === undefined)
    s.fail(at, 'staleness: state how far behind the resolver may be, such as 30s');
  return Object.freeze({ from, staleness: s.duration(f.staleness, 1, 1) });
}

function sessions(s: Shape, at: Place | undefined): Configuration['sessions'] {
  const none: SessionTerms = { life: 1, delegations: 0, budgets: [] };
  if (at === undefined) return { default: none, most: none };
  const f = s.fields(at, ['default', 'most'], ['most']);
  if (f.most === undefined) return { default: none, most: none };
  const m = s.fields(f.most, CEILING_FIELDS, ['life']);
  const most = Object.freeze({
    life: life(s, m.life, 1),
    delegations: s.integer(m.delegations, 0, LIMITS.delegations, 0),
    budgets: budgets(s, m.budgets),
  });
  if (f.default === undefined) return Object.freeze({ default: most, most });
  const d = s.fields(f.default, CEILING_FIELDS);
  const start = Object.freeze({
    life: life(s, d.life, most.life),
    delegations: s.integer(d.delegations, 0, LIMITS.delegations, most.delegations),
    budgets: budgets(s, d.budgets),
  });
  if (start.life > most.life) s.fail(d.life ?? f.default, 'longer than the most a session may live');
  if (start.delegations > most.delegations)
    s.fail(d.delegations ?? f.default, 'more than the most a session may have');
  return Object.freeze({ default: start, most });
}

const unknown = (what: string, given: string, known: Iterable<string>): string => {
  const near = nearest(given, known);
  return `no ${what} ${JSON.stringify(given)} in this configuration${near === null ? '' : `; did you mean ${near}?`}`;
};

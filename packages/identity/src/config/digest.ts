// The canonical digest of a configuration: SHA-256(label || RFC 8785 JSON of the validated configuration with
// every default written out). Comments, layout and the order of entries don't count; everything with a meaning
// does. It is bound into every grant, so a change makes every token minted before it invalid.
import { canonicalJson, LABELS, sha256, utf8, type Budget } from '@ambit/core';
import type {
  UserAuthority,
  Ceilings,
  Configuration,
  Prices,
  SessionTerms,
  ToolFacts,
} from './configuration.ts';
import { FORMAT } from './configuration.ts';

type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** The canonical text: what is digested, and what a person can compare byte by byte. */
export function canonicalConfiguration(c: Configuration): string {
  return canonicalJson(
    object({
      ambit: FORMAT,
      operator: c.operator,
      issuer: c.issuer,
      keys: table(c.keys, String),
      signers: table(c.signers, String),
      defaults: facts(c.defaults),
      tools: table(c.tools, facts),
      allow: object(authority(c.allow)),
      models: table(c.models, (m) =>
        object({ signers: m.signers, digests: m.digests, ...authority(m), ...ceilings(m) }),
      ),
      groups: table(c.groups, (g) => object({ ...authority(g), ...ceilings(g) })),
      users: table(c.users, (u) => object({ groups: u.groups, ...authority(u), ...ceilings(u) })),
      entitlements: object({ ...c.entitlements }),
      sessions: object({ default: terms(c.sessions.default), most: terms(c.sessions.most) }),
      grace: c.grace,
      ...(c.warn === null ? {} : { warn: c.warn }),
      federation: table(c.federation, (f) =>
        object({ issuer: f.issuer, keys: table(f.keys, String), ...authority(f), ...ceilings(f) }),
      ),
    }),
  );
}

/** The digest of 32 bytes. */
export const configurationDigest = (c: Configuration): Uint8Array =>
  sha256(LABELS.config.bytes, utf8(canonicalConfiguration(c)));

// Without a prototype: `__proto__` and `constructor` are names like any other (attack E10).
function object(fields: Readonly<Record<string, Value>>): { readonly [name: string]: Value } {
  const out = Object.create(null) as Record<string, Value>;
  for (const name of Object.keys(fields)) out[name] = fields[name]!;
  return out;
}

function table<T>(entries: ReadonlyMap<string, T>, write: (entry: T) => Value): Value {
  const out = Object.create(null) as Record<string, Value>;
  for (const [name, entry] of entries) out[name] = write(entry);
  return out;
}

// Prices and warnings only where there are some: a configuration of before keeps its digest.
const facts = ({ price, ...t }: ToolFacts): Value =>
  object({ ...t, ...(Object.keys(price).length === 0 ? {} : { price: prices(price) }) });

const prices = (all: Prices): Value =>
  table(new Map(Object.entries(all)), ({ most, least }) => object({ most, least }));

const authority = (a: UserAuthority): Record<string, Value> => ({
  tools: a.tools,
  data: a.data,
  deny: a.deny,
});

const ceilings = (c: Ceilings): Record<string, Value> => ({
  life: c.life ?? null,
  delegations: c.delegations ?? null,
  budgets: c.budgets.map(budget).sort(byText),
});

const terms = (t: SessionTerms): Value =>
  object({ life: t.life, delegations: t.delegations, budgets: t.budgets.map(budget).sort(byText) });

const budget = (b: Budget): Value =>
  object({
    unit: b.unit,
    limit: b.limit,
    window: b.window ?? 0,
    // Only where it says something: a configuration of before keeps its digest.
    ...(b.sliding === true ? { sliding: true } : {}),
    argument: b.argument ?? null,
    tools: b.tools ?? null,
  });

// All budgets must hold, so their order says nothing.
function byText(a: Value, b: Value): number {
  const x = canonicalJson(a);
  const y = canonicalJson(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

// A token as a tree: who it is for, then each holder with the caveats that bind it, delegated to the next.
import {
  budgetWords,
  caveatWords,
  effectiveAuthority,
  isExpired,
  PublicKey,
  toHex,
  type Caveat,
  type Grant,
  type Inspection,
} from '@ambit/core';
import { fromBase64url } from '@ambit/core';
import type { Cli } from '../cli.ts';
import { fromNow, timeText } from '../flags/times.ts';

/** A branch: its line, and what hangs on it. */
interface Branch {
  readonly text: string;
  readonly under: Branch[];
}
const branch = (text: string, under: Branch[] = []): Branch => ({ text, under });

function draw(list: readonly Branch[], indent = ''): string[] {
  return list.flatMap((b, i) => {
    const last = i === list.length - 1;
    return [
      `${indent}${last ? '└─ ' : '├─ '}${b.text}`,
      ...draw(b.under, `${indent}${last ? '   ' : '│  '}`),
    ];
  });
}

const field = (name: string, value: string): Branch => branch(`${name.padEnd(11)} ${value}`);
const list = (items: readonly string[], none: string): string =>
  items.length === 0 ? none : items.join(', ');
const keyText = (bytes: Uint8Array): string => new PublicKey('holder', bytes).toString();

/** What a caveat says, as text; times relative to `now`. */
const says = (c: Caveat, now: number): string =>
  caveatWords(c, { plain: timeText, fromNow: (t) => fromNow(t, now) });

function grantBranches(g: Grant, now: number): Branch[] {
  return [
    field('issuer', `${g.issuer}, key ${g.keyId}`),
    field('audience', g.audience ?? "any that holds the issuer's domain key"),
    field(
      'operator',
      `${g.operator.id}${g.operator.config === undefined ? '' : `, configuration sha256:${toHex(g.operator.config)}`}`,
    ),
    field('model', `${g.model.id}@sha256:${toHex(g.model.digest)}`),
    field('session', g.session),
    field('user', g.user),
    field('issued', `${timeText(g.issuedAt)} (${fromNow(g.issuedAt, now)})`),
    field('expires', `${timeText(g.expires)} (${fromNow(g.expires, now)})`),
    field('tools', list(g.tools, 'none: it grants nothing')),
    field('denied', list(g.deny, 'none')),
    field('data', g.data === undefined ? 'no labeled data' : list(g.data, 'none')),
    field('budgets', list(g.budgets.map(budgetWords), 'none')),
    field('delegable', `${g.delegations} ${g.delegations === 1 ? 'time' : 'times'}`),
  ];
}

// The caveats below the holder they bind; each `delegate` opens the next holder's branch.
function chainBranches(t: Inspection, now: number): Branch[] {
  const { grant, caveats, nodes } = t;
  const first = branch(
    grant.holder === undefined
      ? 'holder      none: a bearer token'
      : `holder      ${keyText(grant.holder)}, node ${nodes[0]!}`,
  );
  let holder = first;
  let node = 1;
  caveats.forEach((c, i) => {
    const text = `caveat ${String(i).padEnd(4)} ${c.type}: ${says(c, now)}`;
    if (c.type !== 'delegate') {
      holder.under.push(branch(text));
      return;
    }
    const next = branch(`holder      ${keyText(c.to)}, node ${nodes[node++]!}`);
    holder.under.push(branch(text, [next]));
    holder = next;
  });
  return [first];
}

/** The whole view as text. */
export function inspectionText(cli: Cli, t: Inspection): string {
  const now = cli.now;
  const left = effectiveAuthority(t);
  const what = t.form === 'token' ? 'token' : "evidence (a token without its tail: it can't be used)";
  const state = isExpired(t.expires, now)
    ? cli.paint('bad', `expired ${fromNow(t.expires, now)}`)
    : `expires ${fromNow(t.expires, now)}`;
  const lines = [
    `${cli.paint('warn', 'UNVERIFIED')}: these are the token's own claims; only \`ambit verify\` checks them.`,
    '',
    `${what} ${t.tokenId}, version ${t.version}, ${t.bytes} bytes (${t.characters} characters), ${t.sealed ? 'sealed' : 'not sealed'}, ${state}`,
    ...draw([...grantBranches(t.grant, now), ...chainBranches(t, now)]),
    '',
    left.empty === null
      ? `In effect: ${list(left.tools, 'no tool')}${left.data.length === 0 ? '' : `; data ${left.data.join(', ')}`}; until ${timeText(t.expires)}; ${t.delegationsLeft} further ${t.delegationsLeft === 1 ? 'delegation' : 'delegations'}`
      : `In effect: nothing, because ${left.empty}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The same for programs: bytes as text, times as RFC 3339. */
export function inspectionJson(t: Inspection, now: number): { readonly [field: string]: unknown } {
  const { grant: g, caveats } = t;
  const left = effectiveAuthority(t);
  return {
    unverified: true,
    form: t.form,
    token_id: t.tokenId,
    bytes: t.bytes,
    characters: t.characters,
    sealed: t.sealed,
    digest: t.digest,
    issuer: g.issuer,
    key_id: g.keyId,
    audience: g.audience ?? null,
    operator: {
      id: g.operator.id,
      config: g.operator.config === undefined ? null : toHex(g.operator.config),
    },
    model: { id: g.model.id, digest: toHex(g.model.digest) },
    session: g.session,
    user: g.user,
    issued_at: timeText(g.issuedAt),
    expires: timeText(t.expires),
    expired: isExpired(t.expires, now),
    tools: g.tools,
    deny: g.deny,
    data: g.data ?? null,
    budgets: g.budgets,
    delegations: g.delegations,
    delegations_left: t.delegationsLeft,
    holder: t.holder === null ? null : keyText(fromBase64url(t.holder)!),
    nodes: t.nodes,
    caveats: caveats.map((c, index) => ({ index, type: c.type, says: says(c, now) })),
    effective: { tools: left.tools, data: left.data, empty: left.empty },
  };
}

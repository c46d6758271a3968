// The signatures inside a token: the issuer's seal and the chain of delegations (docs/design.md sections 4 and
// 5). The chain is walked once: the holder is the grant's key, each `delegate` is signed by the holder before
// it over everything before it, within the delegations that remain, and a key occurs once.
import type { BoundedMap } from '../bounded-map.ts';
import { keyOf32, concat, equal } from '../bytes.ts';
import type { DelegateCaveat } from '../caveats/delegate.ts';
import type { Caveat } from '../caveats/index.ts';
import type { SealCaveat } from '../caveats/seal.ts';
import { deny, type Denial } from '../codes.ts';
import { LABELS } from '../labels.ts';
import { counterCount, delegatesOf, delegationsLeft, type Contents } from '../token/contents.ts';
import type { Prefixes } from '../token/prefix.ts';
import { LIMITS } from '../limits.ts';
import type { Config } from './options.ts';

/** What the signatures say. */
export interface Signatures {
  readonly ok: true;
  readonly holder: Uint8Array | undefined;
  readonly delegationsLeft: number;
  readonly sealedBy: Uint8Array | null;
}

/**
 * Checks structure, seal and delegations. Costs at most one Ed25519 verification a signature not seen before; each is
 * remembered as soon as it is found good, since it is true whatever follows it: a chain whose last signature is bad
 * costs one verification a showing, and not all of them again (attack K5).
 */
export function checkSignatures(
  contents: Contents,
  prefixes: Prefixes,
  config: Config,
  known: BoundedMap<true>,
): Signatures | Denial {
  const { grant, caveats } = contents;
  if (counterCount(grant, caveats) > LIMITS.counters) return deny('token_invalid', 'too many counters');
  const left = delegationsLeft(grant, caveats);
  const { holder: first } = grant;
  // Most tokens hold no signature at all.
  if (!caveats.some(isSigned)) {
    if (first === undefined && grant.delegations > 0) return notDelegable();
    return { ok: true, holder: first, delegationsLeft: left, sealedBy: null };
  }
  const shape = checkShape(contents, left);
  if (shape !== null) return shape;

  let holder = first;
  let sealedBy: Uint8Array | null = null;
  for (let i = 0; i < caveats.length; i++) {
    const c = caveats[i]!;
    if (c.type === 'seal') {
      const verdict = checkSeal(c, i, contents, prefixes, config, known);
      if (verdict === false) return { ...deny('seal_invalid', undefined, i) };
      sealedBy = verdict;
    } else if (c.type === 'delegate') {
      if (!checkDelegate(c, i, holder!, prefixes, config, known)) {
        return deny('delegation_invalid', `delegation to ${c.label}`, i);
      }
      holder = c.to;
    }
  }
  return { ok: true, holder, delegationsLeft: left, sealedBy };
}

const isSigned = (c: Caveat): boolean => c.type === 'delegate' || c.type === 'seal';
const notDelegable = (): Denial => deny('delegation_invalid', 'a bearer token is never delegable');

// All that can be refused without a signature being checked (law L8).
function checkShape({ grant, caveats }: Contents, left: number): Denial | null {
  const delegates = delegatesOf(caveats);
  if (delegates.length > LIMITS.delegations) return deny('token_invalid', 'too many delegations');
  const { holder } = grant;
  if (holder === undefined && (delegates.length > 0 || grant.delegations > 0)) {
    return notDelegable();
  }
  if (left < 0) return deny('delegation_exceeded');
  const keys = [holder, ...delegates.map((d) => d.to)];
  for (let i = 1; i < keys.length; i++) {
    for (let j = 0; j < i; j++)
      if (equal(keys[i]!, keys[j]!)) return deny('delegation_invalid', 'a key occurs twice');
  }
  let seals = 0;
  let delegated = false;
  for (const c of caveats) {
    if (c.type === 'delegate') delegated = true;
    else if (c.type === 'seal' && (seals++ > 0 || delegated)) return deny('seal_invalid', 'out of place');
  }
  return null;
}

function checkDelegate(
  c: DelegateCaveat,
  i: number,
  by: Uint8Array,
  prefixes: Prefixes,
  config: Config,
  known: BoundedMap<true>,
): boolean {
  // The node id covers everything before, the fields and the signature; and so, through D, the signer's key.
  const node = keyOf32(prefixes.at(i + 1));
  if (known.get(node) === true) return true;
  const message = concat(LABELS.delegate.bytes, prefixes.at(i), c.fields);
  if (!config.provider.verify(by, message, c.signature)) return false;
  known.set(node, true);
  return true;
}

// The key when the seal holds and is pinned here, null when its key is not known, false when it is wrong.
function checkSeal(
  c: SealCaveat,
  i: number,
  { grant }: Contents,
  prefixes: Prefixes,
  config: Config,
  known: BoundedMap<true>,
): Uint8Array | null | false {
  const pins = config.seals.get(keyOf32(c.key));
  if (pins === undefined) return null;
  const pinned = pins.some(
    (p) =>
      p.issuer === grant.issuer && (p.operators === undefined || p.operators.includes(grant.operator.id)),
  );
  if (!pinned) return false;
  const node = keyOf32(prefixes.at(i + 1));
  if (known.get(node) === true) return c.key;
  const message = concat(LABELS.seal.bytes, prefixes.at(i));
  if (!config.provider.verify(c.key, message, c.signature)) return false;
  known.set(node, true);
  return c.key;
}

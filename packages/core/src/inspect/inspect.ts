// Inspecting a token without any key: its own claims, UNVERIFIED. For people and for tools that show
// tokens; nothing here may decide anything.
import { frozen } from '../bare.ts';
import { toBase64url, toHex } from '../bytes.ts';
import type { Caveat } from '../caveats/index.ts';
import {
  currentHolder,
  delegationsLeft,
  earliestExpiry,
  sealOf,
  unverifiedContents,
} from '../token/contents.ts';
import { EVIDENCE_PREFIX } from '../token/frame.ts';
import type { Grant } from '../token/grant.ts';
import { Prefixes } from '../token/prefix.ts';

/** What a token claims. Ids are base64url of prefix digests, as in logs and revocations. */
export interface Inspection {
  /** Always true: nothing of this has been checked. */
  readonly unverified: true;
  readonly form: 'token' | 'evidence';
  readonly version: 1;
  /** Size of the binary form in bytes, and of the text in characters. */
  readonly bytes: number;
  readonly characters: number;
  readonly grant: Grant;
  readonly caveats: readonly Caveat[];
  /** Hexadecimal token id. */
  readonly tokenId: string;
  /** Node ids: the root's, then one for each delegation. */
  readonly nodes: readonly string[];
  /** base64url of D(n), the token's digest. */
  readonly digest: string;
  /** base64url of the current holder's key; null for a bearer token. */
  readonly holder: string | null;
  /** The earliest expiry of grant and `time` caveats, Unix seconds. */
  readonly expires: number;
  readonly delegationsLeft: number;
  readonly sealed: boolean;
}

/** Reads a token (`amb1_`) or evidence (`ambe1_`). Throws AmbitError `input_invalid`, saying what to check. */
export function inspect(text: string): Inspection {
  const contents = unverifiedContents(text);
  const { frame, grant, caveats } = contents;
  const prefixes = new Prefixes(frame);
  const holder = currentHolder(contents);
  const nodes = [0, ...caveats.flatMap((c, i) => (c.type === 'delegate' ? [i + 1] : []))];
  return {
    unverified: true,
    form: text.startsWith(EVIDENCE_PREFIX) ? 'evidence' : 'token',
    version: 1,
    bytes: frame.bytes.length,
    characters: text.length,
    grant: frozen(grant),
    caveats: frozen(caveats),
    tokenId: toHex(grant.tokenId),
    nodes: nodes.map((i) => toBase64url(prefixes.at(i))),
    digest: toBase64url(prefixes.all()),
    holder: holder === undefined ? null : toBase64url(holder),
    expires: earliestExpiry(grant, caveats),
    delegationsLeft: Math.max(0, delegationsLeft(grant, caveats)),
    sealed: sealOf(caveats) !== undefined,
  };
}

// Proof sessions: verifiers with fixed keys, what they make of a proof, and opening proofs that say whatever a test wants.
import {
  hmacSha256,
  LABELS,
  SecretKey,
  type Call,
  type SessionOffer,
  type Signer,
  type Verifier,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { proofText } from '../../src/proof/proof.ts';
import { statement } from '../../src/proof/statement.ts';
import { encodeTicket, sessionId, sessionKey, type Ticket } from '../../src/proof/ticket.ts';
import { Prefixes } from '../../src/token/prefix.ts';
import { readToken } from '../../src/token/frame.ts';
import { bytes16, COLD, holder, mintBase, NOW, search, verifierWith, x25519Secret } from './keys.ts';

const token = mintBase();
/** The epoch of these verifiers. */
export const EPOCH = bytes16(0x0e);
/** What proof sessions of these verifiers need. */
export const SESSIONS = { key: x25519Secret, unsafeEpoch: EPOCH };
/** A cold verifier with proof sessions. */
export const sessionVerifier = (more: object = {}): Verifier =>
  verifierWith({ ...COLD, proofSessions: { ...SESSIONS, ...more } });
/** The offer of such a verifier. */
export const SESSION_OFFER: SessionOffer = sessionVerifier().sessionOffer!;

/** How a proof was given, `signed` or `session`, or the code of what refused it. */
export const shownSession = (
  v: Verifier,
  proof: string,
  t: string = token,
  now: number = NOW,
  c: Call = search,
): string => {
  const answer = v.verify({ token: t, proof, call: c, now });
  return answer.ok ? answer.token.proof : answer.code;
};

const eph = new SecretKey('x25519', new Uint8Array(32).fill(0x77)).unsafeBytes();
/** What an opening proof says otherwise than an honest one. */
export interface Lie {
  readonly ticket?: Partial<Ticket>;
  readonly sequence?: number;
  readonly by?: Signer<'holder'>;
  readonly shared?: Uint8Array;
  readonly token?: string;
  readonly time?: number;
  readonly call?: Call;
  readonly signature?: (s: Uint8Array) => Uint8Array;
}
/** An opening proof with any field of one's choice, honestly signed and MACed. */
export function openingProof(lie: Lie = {}): string {
  const fields: Ticket = {
    holder: holder(0).publicKey.bytes,
    ephemeral: nodeProvider.x25519PublicKey(eph),
    audience: SESSION_OFFER.audience,
    verifier: SESSION_OFFER.key.bytes,
    epoch: EPOCH,
    issuedAt: NOW,
    expires: NOW + 300,
    nonce: bytes16(1),
    ...lie.ticket,
  };
  const ticket = encodeTicket(fields);
  const signed = (lie.by ?? holder(0)).sign(LABELS.ticket, ticket);
  const signature = lie.signature === undefined ? signed : lie.signature(signed);
  const shared = lie.shared ?? nodeProvider.x25519(eph, SESSION_OFFER.key.bytes)!;
  const id = sessionId(ticket, signature);
  const sequence = lie.sequence ?? 0;
  const time = lie.time ?? NOW;
  const digest = new Prefixes(readToken(lie.token ?? token)!).all();
  const st = statement(
    { audience: SESSION_OFFER.audience, token: digest, time, freshness: { session: id, sequence } },
    lie.call ?? search,
  );
  const mac = hmacSha256(sessionKey(shared, id, fields), LABELS.statementSession.bytes, st);
  return proofText({ kind: 'opening', ticket, signature, sequence, time, mac });
}

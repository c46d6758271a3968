// The holder's side of session proofs: one signed ticket, then one HMAC a call. The first proofs carry the
// ticket, until the verifier has answered one; a session that the verifier no longer knows is not resumed, the
// holder opens another.
import { bare } from '../bare.ts';
import { toBase64url, fromBase64url } from '../bytes.ts';
import type { Call } from '../call.ts';
import { decode, encode } from '../cbor/index.ts';
import { AmbitError } from '../codes.ts';
import { HmacKey, nobleProvider, randomBytes, type Provider } from '../crypto/index.ts';
import { PublicKey, SecretKey } from '../keys/key.ts';
import { signLater, signNow, type AsyncSigner, type Signer, type SigningPlan } from '../keys/signer.ts';
import { LABELS } from '../labels.ts';
import { DEFAULTS } from '../limits.ts';
import { requireCall } from '../make-call.ts';
import { isName } from '../token/names.ts';
import { proofText } from './proof.ts';
import { tokenDigest } from './prove.ts';
import { statementScratch, writeStatement } from './statement.ts';
import { encodeTicket, sessionId, sessionKey, type Ticket } from './ticket.ts';

/** What a verifier publishes so that holders can open sessions with it. */
export interface SessionOffer {
  readonly audience: string;
  readonly key: PublicKey<'x25519'>;
  /** 16 bytes: one life of one verifier instance. */
  readonly epoch: Uint8Array;
}

/** Text prefix of an offer. */
export const OFFER_PREFIX = 'ambo1_';

/** The text form of an offer; it is public. */
export const offerText = (o: SessionOffer): string =>
  OFFER_PREFIX + toBase64url(encode([o.audience, o.key.bytes, o.epoch]));

/** Reads an offer's text; AmbitError `input_invalid`. */
export function readOffer(text: string): SessionOffer {
  const bytes =
    text.startsWith(OFFER_PREFIX) && text.length < 1024 ? fromBase64url(text, OFFER_PREFIX.length) : null;
  const value = bytes === null ? null : (decode(bytes)?.value ?? null);
  if (Array.isArray(value) && value.length === 3) {
    const [audience, key, epoch] = value as readonly unknown[];
    if (typeof audience === 'string' && isName(audience) && key instanceof Uint8Array && key.length === 32) {
      if (epoch instanceof Uint8Array && epoch.length === 16) {
        return { audience, key: new PublicKey('x25519', key), epoch };
      }
    }
  }
  throw new AmbitError('input_invalid', 'Expected a session offer (ambo1_...), whole and unchanged.');
}

/** When a session starts and how long it lives. */
export interface SessionTiming {
  /** Unix seconds. */
  readonly time: number;
  /** Seconds, at most 300. */
  readonly life?: number;
  /** For test vectors only: a key of one session, never used for another. New when absent. */
  readonly unsafeEphemeral?: SecretKey<'x25519'>;
  /** 16 bytes; random when absent. */
  readonly nonce?: Uint8Array;
}

/** What can be kept of a session between processes; it holds a secret, so only in a file of mode 0600. */
export interface UnsafeSessionState {
  readonly ticket: string;
  readonly signature: string;
  readonly key: string;
  readonly id: string;
  readonly audience: string;
  readonly expires: number;
  readonly sequence: number;
  readonly established: boolean;
}

interface Opened {
  readonly ticket: Uint8Array;
  readonly signature: Uint8Array;
  readonly id: Uint8Array;
  readonly key: Uint8Array;
  readonly audience: string;
  readonly expires: number;
}

/** One open session of a holder with one verifier. */
export class ProofSession {
  readonly holder: PublicKey<'holder'>;
  readonly expires: number;
  readonly #opened: Opened;
  #sequence = 0;
  #established = false;
  #mac: HmacKey | null = null;
  #lastToken = '';
  #lastDigest: Uint8Array = new Uint8Array(0);

  private constructor(holder: PublicKey<'holder'>, opened: Opened) {
    this.holder = holder;
    this.expires = opened.expires;
    this.#opened = opened;
  }

  /** Opens a session by signing a ticket. */
  static open(o: SessionOffer, t: SessionTiming, by: Signer<'holder'>, provider?: Provider): ProofSession {
    return signNow(ProofSession.#plan(o, t, by.publicKey, provider), by);
  }

  /** `open` with a key that answers later. */
  static async openLater(
    o: SessionOffer,
    t: SessionTiming,
    by: AsyncSigner<'holder'>,
    provider?: Provider,
  ): Promise<ProofSession> {
    return signLater(ProofSession.#plan(o, t, by.publicKey, provider), by);
  }

  static #plan(
    offer: SessionOffer,
    timing: SessionTiming,
    holder: PublicKey<'holder'>,
    provider: Provider = nobleProvider,
  ): SigningPlan<ProofSession> {
    const o = bare(offer, 'offer');
    const t = bare(timing, 'timing');
    const life = t.life ?? DEFAULTS.ticketLife;
    if (!(life > 0 && life <= DEFAULTS.ticketLife))
      throw new RangeError(`life: expected 1 to ${DEFAULTS.ticketLife} s`);
    const secret = (t.unsafeEphemeral ?? SecretKey.generate('x25519')).unsafeBytes();
    const nonce = t.nonce ?? randomBytes(16);
    if (nonce.length !== 16) throw new TypeError('nonce: expected 16 bytes');
    const issuedAt = Math.floor(t.time);
    const fields: Ticket = {
      holder: holder.bytes,
      ephemeral: provider.x25519PublicKey(secret),
      audience: o.audience,
      verifier: o.key.bytes,
      epoch: o.epoch,
      issuedAt,
      expires: issuedAt + Math.floor(life),
      nonce,
    };
    const ticket = encodeTicket(fields);
    return {
      label: LABELS.ticket,
      message: ticket,
      finish: (signature) => {
        const shared = provider.x25519(secret, fields.verifier);
        if (shared === null) throw new AmbitError('key_invalid', "The verifier's X25519 key is invalid.");
        const id = sessionId(ticket, signature);
        const key = sessionKey(shared, id, fields);
        return new ProofSession(holder, {
          ticket,
          signature,
          id,
          key,
          audience: o.audience,
          expires: fields.expires,
        });
      },
    };
  }

  /** The verifier has accepted a proof of this session: the next ones need not carry the ticket. */
  established(): void {
    this.#established = true;
  }

  /** A proof for one call: one HMAC. `time` is Unix seconds. */
  prove(token: string, call: Call, time: number): string {
    requireCall(call);
    if (token !== this.#lastToken) {
      this.#lastDigest = tokenDigest(token, this.holder);
      this.#lastToken = token;
    }
    const { audience, id, key, ticket, signature } = this.#opened;
    const sequence = this.#sequence++;
    const at = Math.floor(time);
    const fields = { audience, token: this.#lastDigest, time: at, freshness: { session: id, sequence } };
    this.#mac ??= new HmacKey(key);
    const mac = this.#mac.mac(statementScratch, writeStatement(LABELS.statementSession, fields, call));
    return proofText(
      this.#established
        ? { kind: 'session', session: id, sequence, time: at, mac }
        : { kind: 'opening', ticket, signature, sequence, time: at, mac },
    );
  }

  /** What a later process needs to continue this session, secret included. */
  unsafeState(): UnsafeSessionState {
    const o = this.#opened;
    return {
      ticket: toBase64url(o.ticket),
      signature: toBase64url(o.signature),
      key: toBase64url(o.key),
      id: toBase64url(o.id),
      audience: o.audience,
      expires: o.expires,
      sequence: this.#sequence,
      established: this.#established,
    };
  }

  /** Goes on from a kept state; AmbitError `input_invalid` if it is invalid. */
  static unsafeResume(holder: PublicKey<'holder'>, state: UnsafeSessionState): ProofSession {
    const s = bare(state, 'state');
    const [ticket, signature, key, id] = [s.ticket, s.signature, s.key, s.id].map((t) =>
      typeof t === 'string' ? fromBase64url(t) : null,
    );
    const whole = Number.isSafeInteger(s.sequence) && s.sequence >= 0 && Number.isSafeInteger(s.expires);
    if (!ticket || signature?.length !== 64 || key?.length !== 32 || id?.length !== 32 || !whole) {
      throw new AmbitError('input_invalid', 'The kept session is damaged; open another.');
    }
    const session = new ProofSession(holder, {
      ticket,
      signature,
      id,
      key,
      audience: s.audience,
      expires: s.expires,
    });
    session.#sequence = s.sequence;
    session.#established = s.established === true;
    return session;
  }

  toJSON(): string {
    return '[proof session]';
  }
}

// The verifier's side of session proofs: its offer (key and epoch) and the table of open sessions. A session is
// registered, and a number claimed, only after token, ticket, ticket signature, key agreement and MAC have all
// passed (docs/design.md section 5, "Order"); so bad statements neither fill the table nor move a window
// (attack P9). No window is ever dropped while its ticket lives: beyond the bounds, new sessions are refused
// instead.
import { bare } from '../bare.ts';
import { keyOf32, concat, copyOf, equal, toBase64url, toHex } from '../bytes.ts';
import type { Call } from '../call.ts';
import type { SequenceClaim } from '../charges.ts';
import { deny, type Denial } from '../codes.ts';
import { HmacKey, randomBytes, type Provider } from '../crypto/index.ts';
import { PublicKey, type SecretKey } from '../keys/key.ts';
import { LABELS } from '../labels.ts';
import { DEFAULTS } from '../limits.ts';
import type { OpeningProof, SessionProof } from './proof.ts';
import type { SessionOffer } from './proof-session.ts';
import { statementScratch, writeStatement } from './statement.ts';
import { readTicket, sessionId, sessionKey, type Ticket } from './ticket.ts';
import { SequenceWindow } from './window.ts';

/** How a verifier takes session proofs. */
export interface SessionTableOptions {
  readonly key: SecretKey<'x25519'>;
  /**
   * 16 bytes; only with `shared`: TypeError without it, since a table that begins empty would take the tickets and the
   * numbers of the one before again. Random when absent.
   */
  readonly epoch?: Uint8Array;
  /** An epoch for a table of its own: for vectors and tests, which need the same bytes each time. */
  readonly unsafeEpoch?: Uint8Array;
  /** The numbers are claimed by the ledger (`Charges.sequence`), which all replicas share, and not in this table. */
  readonly shared?: boolean;
  readonly perHolder?: number;
  /** Of all holders together whose tokens descend from one grant. */
  readonly perRoot?: number;
  readonly total?: number;
}

/** What has to match at each use. */
export interface SessionUse {
  readonly call: Call;
  /** D(n) of the token shown. */
  readonly token: Uint8Array;
  /** D(0) of it: its grant. */
  readonly root: Uint8Array;
  /** The token's current holder. */
  readonly holder: Uint8Array;
  readonly tokenExpires: number;
  readonly now: number;
  readonly skew: number;
}

interface Open {
  readonly holder: Uint8Array;
  /** The grant of the token it was opened with. */
  readonly root: string;
  readonly key: HmacKey;
  readonly id: Uint8Array;
  readonly name: string;
  readonly expires: number;
  readonly window: SequenceWindow;
}

/** A session proof that holds; `claim` is for the ledger when windows are shared. */
export type SessionVerdict = { readonly ok: true; readonly claim: SequenceClaim | null } | Denial;

/** How many of each. */
class Tally {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string, n: number): void {
    const count = this.of(name) + n;
    if (count === 0) this.#counts.delete(name);
    else this.#counts.set(name, count);
  }
}

function bound(field: string, n: number): number {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`${field}: expected a whole number from 1 on`);
  return n;
}

/** The open sessions of one verifier. */
export class SessionTable {
  readonly audience: string;
  readonly offer: SessionOffer;
  readonly #secret: Uint8Array;
  readonly #public: Uint8Array;
  readonly #epoch: Uint8Array;
  readonly #provider: Provider;
  readonly #shared: boolean;
  readonly #perHolder: number;
  readonly #perRoot: number;
  readonly #total: number;
  readonly #open = new Map<string, Open>();
  /** Sessions of each holder, and of each grant: one grant may have many holders (attack K6). */
  readonly #byHolder = new Tally();
  readonly #byRoot = new Tally();
  #nextSweep = 0;

  constructor(audience: string, given: SessionTableOptions, provider: Provider) {
    const options = bare(given, 'proofSessions');
    this.audience = audience;
    this.#secret = options.key.unsafeBytes();
    this.#public = provider.x25519PublicKey(this.#secret);
    if (options.epoch !== undefined && options.shared !== true)
      throw new TypeError('epoch: expected it with shared: true alone; without, leave it out');
    this.#epoch = copyOf(options.epoch ?? options.unsafeEpoch ?? randomBytes(16));
    if (this.#epoch.length !== 16) throw new TypeError('epoch: expected 16 bytes');
    this.#provider = provider;
    this.#shared = options.shared ?? false;
    this.#perHolder = bound('perHolder', options.perHolder ?? DEFAULTS.sessionsPerHolder);
    this.#perRoot = bound('perRoot', options.perRoot ?? DEFAULTS.sessionsPerRoot);
    this.#total = bound('total', options.total ?? DEFAULTS.sessions);
    this.offer = Object.freeze({
      audience,
      key: new PublicKey('x25519', this.#public),
      epoch: copyOf(this.#epoch),
    });
  }

  // A session whose ticket is over is not open, whether it was swept by now or not.
  #find(name: string, now: number): Open | undefined {
    const open = this.#open.get(name);
    return open !== undefined && now < open.expires ? open : undefined;
  }

  /** Sessions kept now; some of them may be over. */
  get size(): number {
    return this.#open.size;
  }

  /** Checks a proof of an open session. */
  use(proof: SessionProof, u: SessionUse): SessionVerdict {
    const open = this.#find(keyOf32(proof.session), u.now);
    if (open === undefined) return deny('session_unknown');
    return this.#check(open, proof, u, false);
  }

  /** Whether the MAC of an open session's proof is right for D(n) `token` and `call`; it claims nothing. */
  fits(proof: SessionProof | OpeningProof, token: Uint8Array, call: Call): boolean {
    const { sequence, time, mac } = proof;
    const id = proof.kind === 'session' ? proof.session : sessionId(proof.ticket, proof.signature);
    const open = this.#open.get(keyOf32(id));
    if (open === undefined) return false;
    const fields = { audience: this.audience, token, time, freshness: { session: open.id, sequence } };
    const length = writeStatement(LABELS.statementSession, fields, call);
    return open.key.verify(statementScratch, length, mac);
  }

  /** Checks a proof that brings a ticket, and registers the session when all of it holds. */
  opening(proof: OpeningProof, u: SessionUse): SessionVerdict {
    const id = sessionId(proof.ticket, proof.signature);
    const known = this.#find(keyOf32(id), u.now);
    if (known !== undefined) return this.#check(known, proof, u, false);
    const ticket = readTicket(proof.ticket);
    if (ticket === null) return deny('ticket_invalid', 'malformed');
    const wrong = this.#fields(ticket, u);
    if (wrong !== null) return wrong;
    if (!this.#provider.verify(ticket.holder, concat(LABELS.ticket.bytes, proof.ticket), proof.signature)) {
      return deny('ticket_invalid', 'signature');
    }
    const shared = this.#provider.x25519(this.#secret, ticket.ephemeral);
    if (shared === null) return deny('ticket_invalid', 'ephemeral key');
    const open: Open = {
      holder: ticket.holder,
      root: keyOf32(u.root),
      key: new HmacKey(sessionKey(shared, id, ticket)),
      id,
      name: keyOf32(id),
      expires: ticket.expires,
      window: new SequenceWindow(DEFAULTS.sessionWindow),
    };
    return this.#check(open, proof, u, true);
  }

  #fields(t: Ticket, u: SessionUse): Denial | null {
    if (!equal(t.holder, u.holder)) return deny('ticket_invalid', 'another holder');
    if (t.audience !== this.audience) return deny('ticket_invalid', 'another audience');
    if (!equal(t.verifier, this.#public)) return deny('ticket_invalid', 'another verifier key');
    if (!equal(t.epoch, this.#epoch))
      return deny('ticket_invalid', 'another epoch: the verifier was restarted');
    if (t.expires - t.issuedAt > DEFAULTS.ticketLife || t.expires <= t.issuedAt)
      return deny('ticket_invalid', 'life');
    if (t.expires > u.tokenExpires) return deny('ticket_invalid', 'outlives the token');
    if (t.issuedAt > u.now + u.skew) return deny('ticket_invalid', 'from the future');
    return u.now < t.expires ? null : deny('ticket_expired');
  }

  #check(open: Open, proof: SessionProof | OpeningProof, u: SessionUse, register: boolean): SessionVerdict {
    const { sequence, time, mac } = proof;
    const fields = {
      audience: this.audience,
      token: u.token,
      time,
      freshness: { session: open.id, sequence },
    };
    const length = writeStatement(LABELS.statementSession, fields, u.call);
    if (!open.key.verify(statementScratch, length, mac)) return deny('proof_invalid');
    // The session is its holder's: a delegatee, or another key of the chain, can't continue it.
    if (!equal(open.holder, u.holder)) return deny('proof_invalid', "the session is another holder's");
    if (register) {
      const refused = this.#register(open, u.now);
      if (refused !== null) return refused;
    }
    if (this.#shared) {
      const { id, expires } = open;
      return { ok: true, claim: { session: toBase64url(id), sequence, expires, epoch: toHex(this.#epoch) } };
    }
    const claimed = open.window.claim(sequence);
    if (claimed === 'taken') return deny('replayed');
    return claimed === 'ok'
      ? { ok: true, claim: null }
      : deny('proof_invalid', 'sequence number out of the window');
  }

  #register(open: Open, now: number): Denial | null {
    const holder = keyOf32(open.holder);
    if (now >= this.#nextSweep || this.#full(holder, open.root) !== null) this.#sweep(now);
    const full = this.#full(holder, open.root);
    if (full !== null) return deny('session_limit', full);
    this.#open.set(open.name, open);
    this.#byHolder.add(holder, 1);
    this.#byRoot.add(open.root, 1);
    return null;
  }

  #full(holder: string, root: string): string | null {
    if (this.#byHolder.of(holder) >= this.#perHolder) return 'of this holder';
    if (this.#byRoot.of(root) >= this.#perRoot) return 'of this grant';
    return this.#open.size >= this.#total ? 'of this verifier' : null;
  }

  // Drops sessions whose tickets are over; those can't be opened again, so no number of theirs comes back.
  #sweep(now: number): void {
    for (const [name, open] of this.#open) {
      if (now < open.expires) continue;
      this.#open.delete(name);
      this.#byHolder.add(keyOf32(open.holder), -1);
      this.#byRoot.add(open.root, -1);
    }
    this.#nextSweep = now + 60;
  }
}

// The client's side: `attach(transport, holder)` once; from then on every request that asks for authority carries
// the token and a fresh proof, made as the message is sent, so retries carry another. Where the server offers
// proof sessions they are used: one signature, then one HMAC a call.
import {
  AmbitError,
  DEFAULTS,
  inspect,
  call as makeCall,
  ProofSession,
  prove,
  readOffer,
  type Call,
  type Provider,
  type SessionOffer,
  type Signer,
} from '@ambit/core';
import type { TransportLike } from './server.ts';
import {
  askedBy,
  asMessage,
  attachTo,
  DENIAL_KEY,
  isRequest,
  isResponse,
  LISTS,
  OFFER_KEY,
  type Id,
  type Message,
  type Request,
} from './message.ts';

/** Who calls. */
export interface Holder {
  /** The token, or what gives the current one. */
  readonly token: string | (() => string);
  readonly signer: Signer<'holder'>;
  /** The audience of the server's verifier. */
  readonly audience: string;
  /** Unix milliseconds; default the system clock. */
  readonly clock?: () => number;
  /** Use proof sessions where they are offered; default true. */
  readonly sessions?: boolean;
  /** Tools that need a signed proof all the same. */
  readonly signed?: (tool: string) => boolean;
  readonly alias?: (name: string) => string;
  readonly provider?: Provider;
}

type Send = (message: Message, options?: unknown) => Promise<void>;
type Handler = (message: Message, extra?: unknown) => void;

/** Attaches token and proof to what a client's transport sends. Call it before `client.connect(transport)`. */
export function attach<T extends TransportLike>(transport: T, holder: Holder): T {
  const prover = new Prover(holder);
  const send = transport.send.bind(transport) as Send;
  // On the instance: a wrapper object would change the class that the SDK looks at.
  transport.send = (async (message: Message, options?: unknown) => {
    const m = asMessage(message);
    await send(m !== null && isRequest(m) ? prover.outgoing(m) : message, options);
  }) as T['send'];
  let handler: Handler | undefined = transport.onmessage as Handler | undefined;
  const receive: Handler = (message, extra) => {
    prover.incoming(message);
    handler?.(message, extra);
  };
  Object.defineProperty(transport, 'onmessage', {
    configurable: true,
    enumerable: true,
    get: () => (handler === undefined ? undefined : receive),
    set: (next: Handler | undefined) => {
      handler = next;
    },
  });
  return transport;
}

class Prover {
  readonly #holder: Holder;
  #offer: SessionOffer | null = null;
  #session: ProofSession | null = null;
  /** Requests that a session proof went out with. */
  readonly #pending = new Map<Id, ProofSession>();

  constructor(holder: Holder) {
    this.#holder = holder;
  }

  outgoing(m: Request): Request {
    const { token: given } = this.#holder;
    const token = typeof given === 'string' ? given : given();
    const asked = askedBy(m.method, m.params);
    if (asked === null) {
      return m.method in LISTS ? { ...m, params: attachTo(m.params, { token }) } : m;
    }
    const tool = this.#holder.alias?.(asked.tool) ?? asked.tool;
    const made = makeCall({ tool, args: asked.args as { readonly [name: string]: unknown } });
    // What can't be a call is sent as it is, and refused there with the reason.
    if (!made.ok) return { ...m, params: attachTo(m.params, { token }) };
    return { ...m, params: attachTo(m.params, { token, proof: this.#prove(m.id, token, made.call) }) };
  }

  #prove(id: Id, token: string, call: Call): string {
    const { signer, audience, clock = Date.now } = this.#holder;
    const time = clock() / 1000;
    const session = this.#holder.signed?.(call.tool) === true ? null : this.#sessionAt(time, token);
    if (session === null) return prove(token, call, { audience, time }, signer);
    this.#pending.set(id, session);
    return session.prove(token, call, time);
  }

  #sessionAt(time: number, token: string): ProofSession | null {
    if (this.#offer === null || this.#holder.sessions === false) return null;
    // A few seconds early, so that what is on its way does not arrive too late.
    if (this.#session === null || time > this.#session.expires - 10) {
      // A ticket may not outlive the token; for the last moments of one a signature is cheaper anyway.
      const life = Math.min(DEFAULTS.ticketLife, Math.floor(inspect(token).expires - time) - 1);
      if (life < 20) return null;
      try {
        const timing = { time, life };
        this.#session = ProofSession.open(this.#offer, timing, this.#holder.signer, this.#holder.provider);
      } catch (error) {
        if (!(error instanceof AmbitError)) throw error;
        this.#offer = null;
        this.#session = null;
      }
    }
    return this.#session;
  }

  incoming(message: unknown): void {
    const m = asMessage(message);
    if (m === null || !isResponse(m)) return;
    const meta = m.result?.['_meta'] as { readonly [key: string]: unknown } | undefined;
    const offer = meta?.[OFFER_KEY];
    if (typeof offer === 'string') this.#take(offer);
    const session = this.#pending.get(m.id);
    if (session === undefined) return;
    this.#pending.delete(m.id);
    const denial = meta?.[DENIAL_KEY] as { readonly code?: unknown } | undefined;
    const code = denial?.code ?? (m.error?.data as { readonly code?: unknown } | undefined)?.code;
    if (code === undefined) session.established();
    else if (SESSION_CODES.has(String(code))) {
      // The verifier does not take this session, or none: go on with signatures until it offers another.
      if (this.#session === session) this.#session = null;
      if (code !== 'session_unknown') this.#offer = null;
    }
  }

  #take(text: string): void {
    try {
      const offer = readOffer(text);
      if (offer.audience === this.#holder.audience) this.#offer = offer;
    } catch {
      // An offer that can't be read is none.
    }
  }
}

const SESSION_CODES: ReadonlySet<string> = new Set([
  'session_unknown',
  'session_limit',
  'ticket_invalid',
  'ticket_expired',
  'proof_signature_required',
]);

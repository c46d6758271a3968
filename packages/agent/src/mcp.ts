// The client's side: `attach(transport, holder)` once; from then on every request that asks for authority carries
// the token and a fresh proof, made as the message is sent, so retries carry another. Where the server offers
// proof sessions they are used: one signature, then one HMAC a call.
import {
  AmbitError,
  DEFAULTS,
  inspect,
  parseCall as makeCall,
  ProofSession,
  prove,
  readOffer,
  type Call,
  type Provider,
  type SessionOffer,
  type Signer,
} from '@ambit/core';
import { interpose } from '@ambit/wire/interpose';
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
  type RpcRequest,
  type TransportLike,
} from '@ambit/wire/mcp';
import { HOLDER, noOther, type Names } from './options.ts';

/** Who calls. */
export interface Holder {
  /** The token, or what gives the current one. */
  readonly token: string | (() => string);
  readonly signer: Signer<'holder'>;
  /** The audience of the server's verifier. */
  readonly audience: string;
  /** Unix milliseconds; default the system clock. */
  readonly nowMs?: () => number;
  /** Use proof sessions where they are offered; default true. */
  readonly useProofSessions?: boolean;
  /** Tools that need a signed proof all the same. */
  readonly signed?: (tool: string) => boolean;
  readonly alias?: (name: string) => string;
  readonly provider?: Provider;
}

type Send = (message: Message, options?: unknown) => Promise<void>;
type Handler = (message: Message, extra?: unknown) => void;

/** Requests whose answers are awaited with a session proof; beyond it the oldest is not sent again. */
const PENDING = 1024;
const attached = new WeakSet<TransportLike>();

/**
 * Attaches token and proof to what a client's transport sends. Call it before `client.connect(transport)`. Throws
 * TypeError for a transport that has a holder already, AmbitError for an unknown option of `holder`.
 */
export function attach<T extends TransportLike>(transport: T, holder: Holder): T {
  if (attached.has(transport)) throw new TypeError('attach: this transport has a holder already');
  noOther('attach', holder, HOLDER satisfies Names<Holder>);
  attached.add(transport);
  const prover = new Prover(holder);
  const send = transport.send.bind(transport) as Send;
  // On the instance: a wrapper object would change the class that the SDK looks at.
  transport.send = async (message: Message, options?: unknown) => {
    const m = asMessage(message);
    await send(m !== null && isRequest(m) ? prover.outgoing(m, options) : message, options);
  };
  interpose<Handler>(transport, 'onmessage', (inner) => (message, extra) => {
    const again = prover.incoming(message);
    if (again === null) inner()?.(message, extra);
    else send(again.message, again.options).catch(() => inner()?.(message, extra));
  });
  return transport;
}

/** A request that went out with a session proof. */
interface Pending {
  readonly session: ProofSession;
  readonly message: RpcRequest;
  readonly options: unknown;
}

class Prover {
  readonly #holder: Holder;
  /** Tools for which the server wants signatures. */
  readonly #signed = new Set<string>();
  #offer: SessionOffer | null = null;
  #session: ProofSession | null = null;
  readonly #pending = new Map<Id, Pending>();

  constructor(holder: Holder) {
    this.#holder = holder;
  }

  outgoing(m: RpcRequest, options: unknown): RpcRequest {
    const { token: given } = this.#holder;
    const token = typeof given === 'string' ? given : given();
    const asked = askedBy(m.method, m.params);
    if (asked === null) {
      return Object.hasOwn(LISTS, m.method) ? { ...m, params: attachTo(m.params, { token }) } : m;
    }
    const tool = this.#holder.alias?.(asked.tool) ?? asked.tool;
    const made = makeCall({ tool, args: asked.args as { readonly [name: string]: unknown } });
    // What can't be a call is sent as it is, and refused there with the reason.
    if (!made.ok) return { ...m, params: attachTo(m.params, { token }) };
    return { ...m, params: attachTo(m.params, { token, proof: this.#prove(m, options, token, made.call) }) };
  }

  #prove(message: RpcRequest, options: unknown, token: string, call: Call): string {
    const { signer, audience, nowMs = Date.now } = this.#holder;
    const time = nowMs() / 1000;
    const signed = this.#signed.has(call.tool) || this.#holder.signed?.(call.tool) === true;
    const session = signed ? null : this.#sessionAt(time, token);
    if (session === null) return prove(token, call, { audience, time }, signer);
    if (this.#pending.size >= PENDING) this.#pending.delete(this.#pending.keys().next().value!);
    this.#pending.set(message.id, { session, message, options });
    return session.prove(token, call, time);
  }

  #sessionAt(time: number, token: string): ProofSession | null {
    if (this.#offer === null || this.#holder.useProofSessions === false) return null;
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

  /** A message from the server; gives a request that has to be sent again, with a signature, in its stead. */
  incoming(message: unknown): { readonly message: RpcRequest; readonly options: unknown } | null {
    const m = asMessage(message);
    if (m === null || !isResponse(m) || m.id === null) return null;
    const meta = m.result?.['_meta'] as { readonly [key: string]: unknown } | undefined;
    const offer = meta?.[OFFER_KEY];
    if (typeof offer === 'string') this.#take(offer);
    const pending = this.#pending.get(m.id);
    if (pending === undefined) return null;
    this.#pending.delete(m.id);
    const denial = meta?.[DENIAL_KEY] as { readonly code?: unknown } | undefined;
    const code = denial?.code ?? (m.error?.data as { readonly code?: unknown } | undefined)?.code;
    if (code === undefined) pending.session.established();
    if (typeof code !== 'string' || !SESSION_CODES.has(code)) return null;
    // The verifier does not take this session, or none for this tool: nothing ran, so the call goes out once more.
    const tool = askedBy(pending.message.method, pending.message.params)?.tool ?? '';
    if (code === 'proof_signature_required') this.#remember(this.#holder.alias?.(tool) ?? tool);
    else if (this.#session === pending.session) this.#session = null;
    if (code !== 'session_unknown' && code !== 'proof_signature_required') this.#offer = null;
    return { message: this.#signedAgain(pending.message), options: pending.options };
  }

  #signedAgain(m: RpcRequest): RpcRequest {
    return new Prover({ ...this.#holder, useProofSessions: false }).outgoing(m, undefined);
  }

  #remember(tool: string): void {
    if (this.#signed.size < PENDING) this.#signed.add(tool);
  }

  #take(text: string): void {
    try {
      const offer = readOffer(text);
      if (offer.audience === this.#holder.audience) this.#offer = offer;
    } catch {
      // An offer that can't be read is ignored.
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

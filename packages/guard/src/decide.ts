// The way of a call to its decision, in the order of laws L6 and L8: the call is read, the token verified, facts found
// and the identity layers asked, caveats evaluated, revocation and session asked and everything charged in one
// step, and last the watcher asked. Each stage takes the value of the one before and returns a longer one, or a stop. A
// stage that throws denies (L2). Nothing of a call is kept anywhere else, so that concurrent calls can't mix.
import { CODES, deny, parseCall, type Call, type CallInput, type Denial, type Verifier } from '@ambit/core';
import { layerOfRevocation, modelRevoked, nameIn, type LayerAnswer } from '@ambit/identity';
import type { Admission, Authorized, Authorizer } from '@ambit/state';
import type {
  Allowed,
  Arrived,
  Decided,
  GuardOptions,
  GuardRequest,
  Known,
  Read,
  Stopped,
  Verified,
} from './contract.ts';
import { threw } from './cause.ts';
import { LATE, within } from './deadline.ts';

/** What the stages work with. */
export interface Stages {
  readonly options: GuardOptions;
  readonly authorizer: Authorizer;
  /** Milliseconds for the store. */
  readonly timeout: number;
  /** Finds the facts; `facts.ts`. */
  readonly know: (p: Verified) => Promise<Known | Stopped>;
  /** Tells the operator what was thrown. */
  readonly fault: (error: unknown) => void;
  /** Gives back what was charged. */
  readonly release: (authorized: Authorized) => Promise<void>;
}

/** The decision about a request that arrived at `started`, Unix milliseconds. Never rejects. */
export type Decide = (request: GuardRequest, started: number) => Promise<Decided>;

/** The stages in their order. */
export function createDecide({ options, authorizer, timeout, know, fault, release }: Stages): Decide {
  const { verifier, watcher } = options;
  const explainProof = proofCauses(verifier, fault);

  function verify(p: Read): Verified | Stopped {
    const { token, proof } = p.request;
    if (token === undefined) return stop(p, deny('token_missing'));
    const verified = verifier.verify({ token, proof, call: p.call, now: secondsOf(p) });
    if (verified.ok) return { ...p, token: verified.token, view: verified.token.view };
    // A genuine token whose use was refused is named in the log; of any other, nothing is repeated.
    const genuine = verified.unverified === true ? null : verifier.identify(token);
    if (genuine?.ok !== true) return stop(p, verified);
    const { view } = genuine.token;
    if (verified.code === 'proof_invalid')
      return stop({ ...p, view, cause: explainProof(p, verified) }, verified);
    // Out of its time: its session's layer refused it, and no other was asked.
    const late = verified.code === 'expired' || verified.code === 'not_yet_valid';
    if (!late || options.identity === undefined) return stop({ ...p, view }, verified);
    const who = nameIn('session', view);
    return stop(
      { ...p, view, layers: [{ layer: 'session', answer: 'refused', who, ...words(verified) }] },
      verified,
    );
  }

  async function admit(p: Known): Promise<Allowed | Stopped> {
    const asked = authorizer.admit(p.token, p.facts);
    const answer = await within(asked, timeout, ({ verdict }) => (verdict.ok ? release(verdict) : undefined));
    if (answer === LATE)
      return stop({ ...p, cause: `the store did not answer in ${timeout} ms` }, deny('store_unavailable'));
    const { verdict } = answer;
    if (verdict.ok) return { ...p, layers: [...p.layers, ...stateLayers(p, answer)], authorized: verdict };
    const denial = denialOf(p, verdict, answer);
    return stop({ ...p, layers: [...p.layers, ...stateLayers(p, answer, denial)] }, denial);
  }

  // To an operator that admits models by name, a revoked one is an answer of its own.
  function denialOf({ view }: Known, denial: Denial, { revocation }: Admission): Denial {
    const model = revocation.answer === 'refused' && revocation.kind === 'model';
    return model && options.identity !== undefined ? modelRevoked(view.model.digest) : denial;
  }

  function watch(p: Allowed): Decided {
    const refused = watcher?.refuse(p.view, p.call, secondsOf(p), p.token.proof) ?? null;
    return refused === null ? p : stop(p, refused);
  }

  return async (request, started) => {
    const arrived: Arrived = { ok: true, request, started };
    const read = await attempt(arrived, readCall, ['internal', 'reading the call'], fault);
    if (!read.ok) return read;
    const verified = await attempt(read, verify, ['internal', 'verifying'], fault);
    if (!verified.ok) return verified;
    const known = await attempt(verified, know, ['fact_missing', 'finding the facts'], fault);
    if (!known.ok) return known;
    const allowed = await attempt(known, admit, ['store_unavailable', 'asking the store'], fault);
    if (!allowed.ok) return allowed;
    const watched = await attempt(allowed, watch, ['service_failed', 'the watcher'], fault);
    if (!watched.ok) await release(allowed.authorized);
    return watched;
  };
}

/** The time of a call in whole Unix seconds: every check of one call has the same. */
export const secondsOf = (p: { readonly started: number }): number => Math.floor(p.started / 1000);

/** Ends the way of a call here; what was found so far stays for the record. */
export function stop(p: Omit<Stopped, 'ok' | 'denial'>, denial: Denial): Stopped {
  return Object.freeze({ ...p, ok: false as const, denial });
}

async function attempt<From extends Arrived, To extends From>(
  from: From,
  stage: (from: From) => To | Stopped | Promise<To | Stopped>,
  [code, what]: readonly [Denial['code'], string],
  fault: (error: unknown) => void,
): Promise<To | Stopped> {
  try {
    return Object.freeze(await stage(from));
  } catch (error) {
    fault(error);
    return stop({ ...from, cause: threw(what, error) }, deny(code));
  }
}

/** Refused proofs that are looked into, each second: whoever has a token could make this service work for nothing. */
const LOOKS = 10;

// What a proof fits that was refused without a word: the mistakes of agents and of set-ups look alike from outside.
function proofCauses(
  verifier: Verifier,
  fault: (error: unknown) => void,
): (p: Read, refused: Denial) => string | undefined {
  let second = 0;
  let looks = 0;
  return (p, { message }) => {
    const { token, proof, origins } = p.request;
    if (token === undefined || message !== CODES.proof_invalid.sentence) return undefined;
    const now = secondsOf(p);
    if (now !== second) [second, looks] = [now, 0];
    if (++looks > LOOKS) return undefined;
    try {
      return verifier.mismatch({ token, proof, call: p.call, now }, origins?.());
    } catch (error) {
      // It is refused either way, and by the same code.
      fault(error);
      return undefined;
    }
  };
}

// The state's two answers beside those of the identity layers; a revocation is said of the layer that it names.
function stateLayers({ view }: Known, { revocation, session }: Admission, denial?: Denial): LayerAnswer[] {
  const who = nameIn('session', view);
  const asked = { layer: 'session' as const, answer: session.answer, who };
  const layers: LayerAnswer[] = [
    session.answer === 'refused' ? { ...asked, ...words(session.denial) } : asked,
  ];
  const layer = revocation.answer === 'refused' ? layerOfRevocation(revocation.kind) : null;
  if (layer === null || denial === undefined) return layers;
  return [...layers, { layer, answer: 'refused', who: nameIn(layer, view), ...words(denial) }];
}

const words = ({ code, message }: Denial): Pick<LayerAnswer, 'code' | 'message'> => ({ code, message });

function readCall(p: Arrived): Read | Stopped {
  const { call } = p.request;
  if (isCall(call)) return { ...p, call };
  const made = parseCall(call);
  return made.ok ? { ...p, call: made.call } : stop(p, made);
}

// Whether an adapter has read the call already.
function isCall(c: Call | CallInput): c is Call {
  return (
    typeof c === 'object' &&
    c !== null &&
    'toJSON' in c &&
    typeof (c as { args?: { digest?: unknown } }).args?.digest === 'function'
  );
}

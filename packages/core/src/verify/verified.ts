// A token verified for one call: genuine, and shown by its holder. The only thing `authorize` takes, and only a
// verifier makes it (law L6): the type has no public constructor, and a forged object is refused at run time.
import type { Call } from '../call.ts';
import type { SequenceClaim } from '../charges.ts';
import type { AuthenticToken, TokenView } from './authentic.ts';
import type { Config } from './options.ts';
import type { Proved, ProofKind, ReplayClaim } from './possession.ts';

/** What `authorize` needs of a verified token. */
export interface VerifiedParts {
  readonly token: AuthenticToken;
  readonly call: Call;
  readonly now: number;
  readonly skew: number;
  readonly audience: string;
  readonly replay: ReplayClaim | null;
  /** Seconds that a nonce stays claimed: age, skew and one. */
  readonly replayLife: number;
  readonly sequence: SequenceClaim | null;
}

/** For verifiers only. */
export let makeVerified: (
  token: AuthenticToken,
  call: Call,
  config: Config,
  now: number,
  proved: Proved,
) => VerifiedToken;
/** Throws TypeError for anything a verifier did not make. */
export let verifiedParts: (v: VerifiedToken) => VerifiedParts;
/**
 * Takes the one use of a verified token; false when it has been taken before (`replayed`). A session proof's number is
 * claimed when it is verified and a bearer token has none: without this mark, the object alone would run a call twice.
 * For hosts that apply the charges of `evaluate` themselves; `authorize` does it.
 */
export let takeUse: (v: VerifiedToken) => boolean;
/** Gives the use back: the call was refused after all, and did not run. */
export let giveUseBack: (v: VerifiedToken) => void;

/** Known to this file only: what the constructor demands, since `private` is the compiler's word alone. */
const CONSTRUCT: unique symbol = Symbol('verified');

/** A token verified for `call` at `now`. Good for that call, once. */
export class VerifiedToken {
  readonly #token: AuthenticToken;
  readonly #config: Config;
  readonly #proved: Proved;
  readonly #call: Call;
  readonly #now: number;
  #used = false;

  private constructor(
    door: typeof CONSTRUCT,
    token: AuthenticToken,
    call: Call,
    config: Config,
    now: number,
    proved: Proved,
  ) {
    if (door !== CONSTRUCT) throw new TypeError('VerifiedToken: only a verifier makes one');
    this.#token = token;
    this.#call = call;
    this.#config = config;
    this.#now = now;
    this.#proved = proved;
    // Against properties that would hide the getters: who runs `v.call` must run what was proved (60 ns).
    Object.freeze(this);
  }

  /** The call that the proof covers; the one that is authorized and run. It can't be replaced. */
  get call(): Call {
    return this.#call;
  }

  /** Unix seconds: the highest time the verifier had seen. */
  get now(): number {
    return this.#now;
  }

  /** How the holder was proved. */
  get proof(): ProofKind {
    return this.#proved.kind;
  }

  /** Everything that may be shown of the token. */
  get view(): TokenView {
    return this.#token.view;
  }

  /** The service it was verified for. */
  get audience(): string {
    return this.#config.audience;
  }

  toJSON(): TokenView {
    return this.view;
  }

  static {
    makeVerified = (token, call, config, now, proved) =>
      new VerifiedToken(CONSTRUCT, token, call, config, now, proved);
    takeUse = (v) => {
      const free = !v.#used;
      v.#used = true;
      return free;
    };
    giveUseBack = (v) => {
      v.#used = false;
    };
    verifiedParts = (v) => ({
      token: v.#token,
      // Not by the getters: a property of the same name on the object would hide them.
      call: v.#call,
      now: v.#now,
      skew: v.#config.skew,
      audience: v.#config.audience,
      replay: v.#proved.replay,
      replayLife: v.#config.proofAge + v.#config.skew + 1,
      sequence: v.#proved.sequence,
    });
  }
}

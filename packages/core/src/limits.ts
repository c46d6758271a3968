// One block of limits and defaults (docs/design.md section 8). Sizes are bytes, times are seconds.

/** Hard limits: checked before any cryptography runs (law L8). */
export const LIMITS = {
  /** A token in bytes; the text form is 4/3 of it. Node refuses HTTP headers above 16 KiB anyway. */
  tokenBytes: 16_384,
  /** Caveats in a token: enough for 16 delegations that each add seven. */
  caveats: 128,
  /** `delegate` caveats in a token: each costs one Ed25519 verification when cold. */
  delegations: 16,
  /** CBOR nesting: the deepest legal item (an `each` constraint on a list of lists) needs six. */
  cborDepth: 8,
  /** Arguments that are parsed, digested and checked. */
  argumentBytes: 65_536,
  /** Nesting of arguments: JSON of real tools stays under ten. */
  argumentDepth: 32,
  /** A text anywhere in a token: names, labels, notes. */
  textBytes: 1024,
  /** Names that travel into logs and keys: tools, audiences, issuers, sessions, users. */
  nameBytes: 256,
  /** Counters (budget entries) in a token: one store round trip has to charge them all. */
  counters: 16,
  /** Items of one list in a caveat: patterns, labels, CIDRs. */
  listItems: 256,
  /** A proof: the signed form takes 95 bytes, the session form 80, one that brings a ticket up to 540. */
  proofBytes: 640,
  /** A session ticket: 170 bytes and the audience. */
  ticketBytes: 512,
  /** States of one compiled pattern: bounds the memory and the time a character. */
  patternStates: 1024,
  /**
   * Steps that the argument constraints of one call may take together: a character against a state of a pattern,
   * an item of a list. A holder may append constraints, so their product with the arguments has to be bounded.
   */
  checkSteps: 4_194_304,
} as const;

/**
 * Every cache of this package: entries and bytes at most, by weights that are never less than what is held (law L16).
 * A verifier's configuration may change how many tokens and signatures are kept, never how many bytes.
 */
export const CACHES = {
  /** Verified tokens that a holder has proved to hold: 32 MiB hold 1024 tokens of ordinary size. */
  tokens: { bytes: 33_554_432 },
  /** Genuine tokens that nobody has proved to hold: whoever has one's bytes can make others without end. */
  unproved: { entries: 64, bytes: 1_048_576 },
  /** Delegation and seal signatures found good, by node id. */
  signatures: { bytes: 1_048_576 },
  /** Compiled patterns of all verifiers of a process: about 2^20 states. */
  patterns: { entries: 1024, bytes: 8_388_608 },
} as const;

/** Defaults that a verifier's configuration may change. */
export const DEFAULTS = {
  /** A signed proof is good for so long after its time. */
  proofAge: 60,
  /** A proof, a grant or a not-before may lie so far in the future. */
  skew: 30,
  /** The longest life of a session ticket: what a captured one could ever be worth. */
  ticketLife: 300,
  /** Sequence numbers a session window remembers behind the highest one. */
  sessionWindow: 1024,
  /** Open sessions a holder may have with one verifier. */
  sessionsPerHolder: 8,
  /** Open sessions that tokens of one grant may have with one verifier, whoever holds them. */
  sessionsPerRoot: 64,
  /** Open sessions of one verifier. */
  sessions: 4096,
  /** Verified tokens kept by exact bytes. */
  tokenCache: 1024,
  /** Verified delegation signatures kept by node id. */
  delegationCache: 4096,
} as const;

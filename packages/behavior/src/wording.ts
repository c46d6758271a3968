// What the user's words say about destinations without naming them: "every user", "like last month", "the
// websites posted there". Closed lists of English function words; they can only turn a refusal into a pass for
// values that a system listed, not for values that occur in prose.

/** What the prompt says about destinations. */
export interface Wording {
  /** "All users", "each member": the destinations are what a system lists. */
  readonly quantified: boolean;
  /** "Like last month", "the usual": what has been used before may be used again. */
  readonly history: boolean;
  /** A channel, a user or a recipient is described instead of named; by parameter name. */
  readonly described: ReadonlySet<string>;
  /** "Follow the instructions", "do the tasks": a document is to say what is done. */
  readonly delegating: boolean;
}

const QUANTIFIER = /\b(?:all|each|every|everyone|everybody|both|any(?:one)?)\b/i;
const HISTORY =
  /\b(?:last|previous(?:ly)?|usual(?:ly)?|again|same|as before|regular(?:ly)?|existing|history|past|earlier|recent(?:ly)?)\b/i;
const DESCRIBED: readonly (readonly [string, RegExp])[] = [
  ['channel', /\bchannels?\b/i],
  ['user', /\b(?:users?|persons?|people|members?|employees?|whoever|who)\b/i],
  ['recipient', /\b(?:users?|persons?|people|members?|employees?|whoever|sender|author|who)\b/i],
];
const DELEGATING =
  /\b(?:follow|do|perform|execute|complete|carry out|act on|finish)\b(?! (?:the|these) following\b)[^.!?]{0,40}\b(?:instructions?|tasks?|actions?|to-?do|steps|requests?|what (?:it|he|she|they))\b/i;

/** Reads a prompt. Cost: a few linear passes, once a prompt. */
export const wordingOf = (prompt: string): Wording => ({
  quantified: QUANTIFIER.test(prompt),
  history: HISTORY.test(prompt),
  described: new Set(
    DESCRIBED.filter(([, words]) => QUANTIFIER.test(prompt) || words.test(prompt)).map(([param]) => param),
  ),
  delegating: DELEGATING.test(prompt),
});

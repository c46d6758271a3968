// The words by which the policy reads a user's request. Families of English verbs and nouns, written from a
// dictionary's point of view (what can one do to a message, a payment, a meeting, a file), not from the tasks.
// Words are compared by their stem.

const family = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== '');

/** For the verb in a tool's name: the words with which a user asks for it. */
export const VERBS: Readonly<Record<string, readonly string[]>> = {
  send: family('send post pass message email mail write reply respond forward text dm notify'),
  post: family('post publish upload write put share submit'),
  create: family(
    'create add make set schedule book plan put new write save remind reminder organize organise arrange save generate invite',
  ),
  append: family('append add put insert include write extend'),
  delete: family('delete remove erase drop discard trash clear'),
  cancel: family('cancel remove delete drop call'),
  remove: family('remove delete kick drop ban exclude fire'),
  update: family(
    'update change modify adjust edit correct increase decrease raise lower switch fix replace set rename move moving moved',
  ),
  reschedule: family('reschedule move postpone shift change delay push bring'),
  share: family('share grant'),
  invite: family('invite add onboard'),
  add: family('add invite include join'),
  reserve: family('reserve book booking reservation'),
  pay: family('pay send transfer refund wire reimburse return repay settle split give'),
  schedule: family('schedule recurring standing regular plan monthly weekly'),
};

/** For a noun in a tool's name: the words with which a user means it. Verbs that imply their object are here too. */
export const NOUNS: Readonly<Record<string, readonly string[]>> = {
  email: family('email mail e-mail message inbox'),
  event: family('event meeting appointment calendar reminder lunch dinner call session'),
  calendar: family('event meeting appointment calendar reminder'),
  participants: family('participant attendee invitee guest'),
  file: family('file document doc drive list spreadsheet report sheet notes'),
  money: family(
    'money bill payment rent invoice transaction amount refund pay transfer repay reimburse debt share cost price subscription',
  ),
  transaction: family('transaction payment rent transfer bill subscription order money'),
  password: family('password passcode credential'),
  info: family('address name street city profile details information'),
  message: family('message dm summary feedback hello reply tell news'),
  channel: family('channel group room'),
  webpage: family('webpage website page site web blog homepage'),
  slack: family('slack workspace team'),
  user: family('user member people person colleague employee everyone team'),
  hotel: family('hotel room stay accommodation'),
  car: family('car vehicle'),
  restaurant: family('restaurant table lunch dinner'),
};

/** Words that are nouns as often as verbs: they ask for something only where a verb can stand. */
export const AMBIGUOUS: ReadonlySet<string> = new Set(
  family(
    'email message mail text dm book schedule plan share contact answer name post set move shift change call rent order list report',
  ),
);

/** What stands before a verb in a request: the start of a clause, a conjunction, `to`, an auxiliary, a courtesy. */
export const BEFORE_VERB: RegExp =
  /(?:^|[.!?,;:)]|\d\.|\b(?:and|then|to|please|also|or|you|must|can|could|would|should|will|just|kindly|directly|not))\s*$/i;

/** Crude English stem: enough to make `invited`, `invites` and `inviting` one word. */
export const stem = (word: string): string => {
  const lower = word.toLowerCase();
  if (lower.length <= 4) return lower.replace(/s$/, '');
  return lower
    .replace(/(?:ies)$/, 'y')
    .replace(/(?:ing|ed|es|s)$/, '')
    .replace(/(.)\1$/, '$1')
    .replace(/e$/, '');
};

/** The stems of a text. */
export const stems = (text: string): ReadonlySet<string> =>
  new Set(
    (text.toLowerCase().match(/[a-z][a-z-]*/g) ?? []).flatMap((word) => [
      stem(word),
      ...word.split('-').map(stem),
    ]),
  );

/** "Tell Bob", "let them know", "share it with Eve": words that send only if another person is addressed. */
const ADDRESSED =
  /\b(tell|inform|ask|remind|thank|contact|share|give|let|ping|answer|invite)\b(?:\s+(?:it|this|that|these|those|them|the\s+\w+)\s+(?:with|to))?\s+(?:the\s+)?(?:[A-Z][a-z]+|him|her|them|everyone|everybody|each|all|team|client|group)\b/g;

/** What follows a verb and could be anything: "send it to ...", "write them the following". */
const GENERIC_OBJECT =
  /^\W*(?:\w+\W+){0,3}?(?:it|them|this|that|these|summary|information|info|question|answer|link|details|results?|following|notes?)\b/i;

/** One place where the request asks for something. */
export interface Asking {
  readonly stem: string;
  /** Stems of what follows in the same sentence: the object, mostly. */
  readonly clause: ReadonlySet<string>;
  /** The object could be anything (`it`, `the following`). */
  readonly generic: boolean;
}

/** The places where a verb of the request may stand, ambiguous words only where a verb can. */
export const askings = (text: string, user = true): readonly Asking[] => {
  const found: Asking[] = [];
  const clauseAt = (end: number): string =>
    /^[^!?\n]*?(?=[.!?](?:\s|$)|[!?\n]|$)/.exec(text.slice(end, end + 240))?.[0] ?? '';
  for (const match of text.matchAll(/[A-Za-z][A-Za-z-]*/g)) {
    const word = match[0].toLowerCase();
    const end = match.index + word.length;
    // "Send me", "give us": the answer to the user, no action.
    if (user && /^\s+(?:me|us)\b/i.test(text.slice(end, end + 6))) continue;
    // "The event I was invited to", "shared with": a participle tells, it doesn't ask.
    if (/.{3}ed$/.test(word)) continue;
    const ambiguous = AMBIGUOUS.has(word.replace(/s$/, ''));
    if (ambiguous && !BEFORE_VERB.test(text.slice(Math.max(0, match.index - 24), match.index))) continue;
    const clause = clauseAt(end);
    found.push({
      stem: stem(word),
      clause: stems(`${word} ${clause}`),
      generic: GENERIC_OBJECT.test(clause),
    });
  }
  for (const match of text.matchAll(ADDRESSED)) {
    found.push({ stem: 'send', clause: stems(clauseAt(match.index)), generic: true });
  }
  return found;
};

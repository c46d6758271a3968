// What kind of thing a tool does and what its parameters mean, read from its name, its parameters' names and the
// MCP annotations if there are any. An operator's configuration overrides every guess; a parameter that is
// unknown counts as a destination, the strictest part (law L2).

/** What a call does to the world. */
export type ToolClass =
  'read' | 'fetch' | 'write' | 'send' | 'pay' | 'share' | 'destroy' | 'identity' | 'reserve';
/** The part a parameter plays. */
export type ParamRole = 'destination' | 'object' | 'amount' | 'secret' | 'setting' | 'content' | 'other';

/** A tool as a catalogue describes it (MCP `tools/list`). */
export interface ToolDescription {
  readonly name: string;
  readonly params: readonly string[];
  readonly description?: string;
  /** MCP's `readOnlyHint`; only the operator's own catalogue may set it. */
  readonly readOnly?: boolean;
}

/** What the flow tracker and the detectors know of a tool. */
export interface ToolShape {
  readonly name: string;
  readonly class: ToolClass;
  /** It changes something, or sends something to a person. */
  readonly effect: boolean;
  /** It changes a record that exists: keeping the record's values is nothing new. */
  readonly update: boolean;
  readonly roles: ReadonlyMap<string, ParamRole>;
  /** Its results are the operator's own facts about the user, the clock or the address book. */
  readonly trusted: boolean;
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Verbs with which the name of a tool begins that only reads. */
const READ_VERBS: ReadonlySet<string> = set(
  'get read search list find check show view fetch lookup query count describe download retrieve browse open',
);
const FETCH_PARAMS = set('url uri link href');
const CLASSES: readonly (readonly [ToolClass, ReadonlySet<string>])[] = [
  ['pay', set('pay money payment transaction transfer invoice refund purchase buy order')],
  ['destroy', set('delete remove cancel drop erase revoke kick ban terminate')],
  ['identity', set('password credential profile permission role mfa secret key user_info info account')],
  ['share', set('share invite grant add_user participants member members')],
  ['reserve', set('reserve book reservation booking')],
  ['send', set('send post publish reply forward message email notify submit upload')],
];
const DESTINATION = set(
  'recipient recipients to cc bcc email emails user_email participants attendees invitees address url uri endpoint webhook iban account channel user username group host domain phone hotel company restaurant airline',
);
const AMOUNT = set('amount sum price total');
const SECRET = set('password secret pin passcode key');
const CONTENT = set('body content text message description title subject filename');
const OTHER = set(
  'date day time start_time end_time start_day end_day new_start_time new_end_time recurring location permission n limit offset page query format attachments sender',
);
const OWN_FACTS = /^(?:get|search)_(?:user_info|user_information|iban|balance|current_day|contacts)/;

const roleOf = (param: string, profile: boolean): ParamRole => {
  if (DESTINATION.has(param)) return 'destination';
  if (param === 'id' || param.endsWith('_id')) return 'object';
  if (AMOUNT.has(param)) return 'amount';
  if (SECRET.has(param)) return 'secret';
  if (profile) return 'setting';
  if (CONTENT.has(param)) return 'content';
  return OTHER.has(param) ? 'other' : 'destination';
};

/** Reads a tool's shape; `overrides` are what the operator's configuration says. */
export const toolShape = (
  tool: ToolDescription,
  overrides: Partial<Omit<ToolShape, 'name'>> = {},
): ToolShape => {
  const words = tool.name.toLowerCase().split(/[^a-z0-9]+/);
  const first = words[0] ?? '';
  const reads = tool.readOnly ?? READ_VERBS.has(first);
  const fetches = reads && tool.params.some((param) => FETCH_PARAMS.has(param));
  const joined = tool.name.toLowerCase();
  const effect = CLASSES.find(([, names]) =>
    [...names].some((name) => (name.includes('_') ? joined.includes(name) : words.includes(name))),
  );
  const guess: ToolShape = {
    name: tool.name,
    class: fetches ? 'fetch' : reads ? 'read' : (effect?.[0] ?? 'write'),
    effect: !reads,
    update: first === 'update' || first === 'reschedule' || first === 'edit',
    roles: new Map(tool.params.map((param) => [param, roleOf(param, effect?.[0] === 'identity')])),
    trusted: OWN_FACTS.test(joined),
  };
  return { ...guess, ...overrides };
};

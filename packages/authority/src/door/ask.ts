// What is asked of an authority, from the words of a caller to a grant: the model measured where it is, the holder's key
// read by its prefix, times as people write them; everything that is wrong said at once.
import { basename, resolve } from 'node:path';
import {
  isLabel,
  AmbitError,
  isName,
  isToolPattern,
  ownOptions,
  Problems,
  PublicKey,
  secondsUntil,
  type Budget,
  type GrantSpec,
  type Span,
} from '@ambit/core';
import { textOf } from '@ambit/core/node';
import { measure, parseModelDigest } from '@ambit/identity';
import { newSessionId } from '../session.ts';

/** For whom, for which model and agent, and what. */
export interface Ask {
  /** For whom the agent acts. */
  readonly user: string;
  /** A folder or file with the model's artifact, which is measured; or `NAME@sha256:DIGEST`. */
  readonly model: string;
  /** What the model is called; default: as attested, or as its folder. */
  readonly modelId?: string;
  /** Tool patterns. */
  readonly tools: readonly string[];
  /** The agent's public key, `ambpub_holder_...`, or the file that has it. */
  readonly holder: string | PublicKey<'holder'>;
  /** How long, or until when; default 15 minutes, or what the configuration says. */
  readonly for?: Span | Date;
  /** The one service it is for. */
  readonly audience?: string;
  /** Data labels; absent: none. */
  readonly data?: readonly string[];
  readonly deny?: readonly string[];
  readonly budgets?: readonly Budget[];
  /** How many delegations may follow; default none, or what the configuration says. */
  readonly delegations?: number;
  /** The session, new or open; default a new one. */
  readonly session?: string;
  /** What narrows it further: `restrict`. */
  readonly restrictions?: GrantSpec['restrictions'];
  /** Under a configuration: the file with the model's attestation; default the one that the home keeps. */
  readonly attestation?: string;
}

// The compiler asks for a name that is added above.
const NAMES: Readonly<Record<keyof Ask, true>> = {
  user: true,
  model: true,
  modelId: true,
  tools: true,
  holder: true,
  for: true,
  audience: true,
  data: true,
  deny: true,
  budgets: true,
  delegations: true,
  session: true,
  restrictions: true,
  attestation: true,
};

/** The same, read. */
export interface Read {
  readonly spec: GrantSpec;
  readonly holder: PublicKey<'holder'>;
  /** Seconds; undefined where none was stated. */
  readonly life: number | undefined;
}

const LIFE = 900;

/** Reads what is asked for at `now`; AmbitError `input_invalid` with everything that is missing or wrong. */
export async function readAsk(given: Ask, operator: string, now: number): Promise<Read> {
  const problems = new Problems();
  // Of the asker's own, whatever is missing: each is said below.
  const ask = ownOptions(given) as Ask;
  problems.unknown(ask, NAMES);
  const { user, tools, data, deny, audience, session = newSessionId() } = ask;
  for (const [field, name] of Object.entries({ user, session, audience: audience ?? 'none' }))
    if (typeof name !== 'string' || !isName(name)) problems.add(field, 'expected a name');
  const texts = (field: string, value: unknown, valid: (text: string) => boolean, words: string): void => {
    if (!Array.isArray(value) || !value.every((t) => typeof t === 'string' && valid(t)))
      problems.add(field, words);
  };
  texts('tools', tools, isToolPattern, 'expected tool names or patterns');
  texts('data', data ?? [], isLabel, 'expected labels');
  texts('deny', deny ?? [], isToolPattern, 'expected tool names or patterns');
  const holder = problems.attempt('holder', () => holderOf(ask.holder));
  const life = ask.for === undefined ? undefined : secondsUntil(ask.for, now);
  if (life === null)
    problems.add('for', "expected a time span such as '15m', seconds, or a Date in the future");
  const model = await modelOf(ask, problems);
  problems.done('issue');
  const spec: GrantSpec = {
    operator: { id: operator },
    model: model!,
    session,
    user,
    tools,
    ...(data === undefined ? {} : { data }),
    ...(deny === undefined ? {} : { deny }),
    ...(ask.budgets === undefined ? {} : { budgets: ask.budgets }),
    ...(ask.delegations === undefined ? {} : { delegations: ask.delegations }),
    ...(audience === undefined ? {} : { audience }),
    ...(ask.restrictions === undefined ? {} : { restrictions: ask.restrictions }),
    issuedAt: now,
    expires: now + (life ?? LIFE),
  };
  return { spec, holder: holder!, life: life ?? undefined };
}

function holderOf(holder: Ask['holder']): PublicKey<'holder'> {
  if (holder instanceof PublicKey) return holder;
  if (typeof holder !== 'string')
    throw new TypeError("expected the agent's public key, or the file that has it");
  return PublicKey.parse('holder', textOf(holder));
}

// Missing, empty, unreadable: each asks for something else to be done.
function whyNot(error: unknown): string {
  if (!(error instanceof AmbitError)) throw error;
  const hint =
    error.code === 'file_missing' ? ' Expected a folder or file to measure, or NAME@sha256:DIGEST.' : '';
  return `${error.message}${hint}`;
}

async function modelOf(ask: Ask, problems: Problems): Promise<GrantSpec['model'] | undefined> {
  const { model, modelId } = ask;
  const named = /^(.+)@(sha256:[0-9a-f]{64})$/.exec(typeof model === 'string' ? model : '');
  if (named !== null) return { id: modelId ?? named[1]!, digest: parseModelDigest(named[2]!) };
  if (typeof model !== 'string' || model === '') {
    problems.add('model', 'expected a folder or file to measure, or NAME@sha256:DIGEST');
    return undefined;
  }
  try {
    const { digest } = await measure(model);
    return { id: modelId ?? basename(resolve(model)), digest };
  } catch (error) {
    problems.add('model', whyNot(error));
    return undefined;
  }
}

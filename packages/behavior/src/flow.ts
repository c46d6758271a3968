// Information flow of one session: what came in, and whether a call's destinations are the user's. The answer is
// the `FlowFacts` that a token's `flow` caveat is evaluated against, with a sentence for each thing found. Rules:
// - a destination is the user's if the prompt or a trusted result has it;
// - a system's own record may supply one that the prompt describes (named person, same part as before, "each");
// - a document that the user named may supply one if it holds exactly one of its kind, and the amount with it;
// - nothing that occurs in other prose, and nothing that the agent put together, is the user's;
// - private facts of the user (card, passport, account) don't leave unless the prompt has them;
// - once content came in that was not seen, only what the prompt or a trusted result has is the user's.
import { own, type FlowFacts } from '@ambit/core';
import { identifiers } from './identifiers.ts';
import type { IdentifierKind } from './identifiers.ts';
import { Provenance } from './provenance.ts';
import { ORIGIN } from './provenance/origin.ts';
import type { ValueTrace } from './provenance/origin.ts';
import { scalars } from './scalars.ts';
import type { JsonValue } from './scalars.ts';
import type { ToolShape } from './tool-shape.ts';
import { wordingOf } from './wording.ts';
import type { Wording } from './wording.ts';

/** Why a value is not the user's. */
export type FlowReason =
  | 'assembled'
  | 'prose'
  | 'record'
  | 'undescribed'
  | 'amount'
  | 'private'
  | 'link'
  | 'secret'
  | 'setting'
  | 'pointed'
  | 'unseen';

/** One thing found in a call. `param` and `kind` may be logged; the value never is. */
export interface FlowFinding {
  readonly reason: FlowReason;
  readonly param: string;
  readonly kind: IdentifierKind;
  /** Event with which the value came in; -1 if the agent made it up. */
  readonly first: number;
}

/** What a call looks like from the session's history. */
export interface FlowReading {
  readonly facts: FlowFacts;
  readonly findings: readonly FlowFinding[];
  /** 0: every destination is the user's own; 1: it occurs in prose, or nowhere. */
  readonly grade: number;
}

/** A result that comes in. */
export interface FlowResult {
  readonly args: JsonValue;
  readonly value: JsonValue;
  /** What the operator calls this kind of content; default the tool's name. */
  readonly label?: string;
  /** What this effect answers is content as well; by default it is taken for an echo of the call. */
  readonly untrusted?: boolean;
}

const SENTENCES: Readonly<Record<FlowReason, string>> = {
  assembled: 'was put together by the agent and occurs nowhere in what came in',
  prose: 'stands in untrusted prose and was not named by the user',
  record: 'comes from an untrusted record that the user did not refer to',
  undescribed: 'is a name that the user neither gave nor described',
  amount: 'is not in the document that names the payee',
  private: 'holds a private fact of the user that the user did not mention',
  link: 'carries an address that stands in untrusted prose',
  secret: 'is a secret that the user did not give',
  setting: 'is personal data that neither the user nor a named document gives',
  pointed: 'is a record at which untrusted prose points',
  unseen: 'is not from the user, and may come from content that was not seen here',
};

/** The sentence for a finding: which argument, and why. */
export const flowSentence = (finding: FlowFinding): string => {
  const since = finding.first < 0 ? '' : ` (came in with event ${String(finding.first)})`;
  return `Argument ${finding.param} ${SENTENCES[finding.reason]}${since}.`;
};

const GRADES: Readonly<Record<FlowReason, number>> = {
  assembled: 0.9,
  prose: 1,
  record: 0.6,
  undescribed: 0.6,
  amount: 0.7,
  private: 0.9,
  link: 0.8,
  secret: 0.9,
  setting: 0.7,
  pointed: 0.8,
  unseen: 0.6,
};
const LABELS = 32;
const LINKS: ReadonlySet<IdentifierKind> = new Set(['url', 'iban', 'crypto', 'email']);
const PRIVATE: ReadonlySet<IdentifierKind> = new Set(['number', 'code', 'iban', 'phone', 'crypto']);
/** Parts whose value has to be the user's own where content was not seen; a secret has to be in the prompt anyway. */
const UNSEEN: ReadonlySet<string> = new Set(['destination', 'object', 'setting']);
const OWN = ORIGIN.prompt | ORIGIN.trusted;

/** Follows one session. Bounded memory (see provenance.ts); not for concurrent use. */
export class FlowTracker {
  readonly provenance: Provenance;
  readonly #untrusted: Set<string> = new Set();
  #wording: Wording = wordingOf('');
  #prompt = '';
  #unseen = false;

  constructor(seed?: number) {
    this.provenance = new Provenance(seed);
  }

  /** The user's own words, or those of an author whom the user named and a system attests. */
  prompt(text: string): void {
    // A copy: a slice would keep the whole text alive.
    this.#prompt = own(`${this.#prompt}\n${text.slice(-8192)}`.slice(-8192));
    this.#wording = wordingOf(this.#prompt);
    this.provenance.prompt(text);
  }

  /** Facts from the operator's configuration: the user's own addresses. */
  own(values: readonly string[]): void {
    this.provenance.result({ tool: '', args: {}, value: values, trusted: true });
  }

  get wording(): Wording {
    return this.#wording;
  }

  /**
   * Content may have come in that was not seen here. It counts as untrusted, and from now on nothing but the prompt and
   * trusted results makes a value the user's: what is missing could have held it, or a second one of its kind.
   */
  taint(label: string): void {
    this.#unseen = true;
    this.#untrusted.add(label);
  }

  /** Whether content may have come in that was not seen here. */
  get unseen(): boolean {
    return this.#unseen;
  }

  /**
   * A tool's result comes in. What an effect returns is an echo: only handles of new records are learnt, and nothing
   * else in it makes a value better than prose.
   */
  result(tool: ToolShape, result: FlowResult): void {
    const { args, value } = result;
    if (tool.effect) {
      const record =
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? (value as Record<string, JsonValue>)
          : {};
      const handle = record['id'] ?? record['id_'];
      if (handle !== undefined)
        this.provenance.result({ tool: tool.name, args, value: { id: handle }, trusted: false });
      if (result.untrusted !== true) return;
      this.provenance.result({ tool: tool.name, args, value, trusted: false, echo: true });
    } else {
      const fetched = tool.class === 'fetch';
      this.provenance.result({ tool: tool.name, args, value, trusted: tool.trusted, fetched });
      if (tool.trusted) return;
    }
    if (this.#untrusted.size < LABELS) this.#untrusted.add(result.label ?? tool.name);
  }

  /** Reads a call before it is authorized. `approved`: a person has agreed to this very call. */
  read(tool: ToolShape, args: JsonValue, approved = false): FlowReading {
    const findings: FlowFinding[] = [];
    const tainted = this.#untrusted.size > 0;
    if (tainted && (tool.effect || tool.class === 'fetch') && typeof args === 'object' && args !== null) {
      const document = { used: false };
      for (const [param, value] of Object.entries(args as Record<string, JsonValue>)) {
        const role = tool.roles.get(param) ?? 'destination';
        scalars(value, (item) => {
          if (typeof item === 'boolean' || item === '') return;
          const finding = this.#judge(tool, param, role, item, document);
          if (finding !== undefined) findings.push(finding);
        });
      }
      if (document.used) this.#amounts(tool, args as Record<string, JsonValue>, findings);
    }
    const facts = { untrusted: [...this.#untrusted], destinationsNamed: findings.length === 0, approved };
    return {
      facts,
      findings,
      grade: findings.reduce((worst, finding) => Math.max(worst, GRADES[finding.reason]), 0),
    };
  }

  #judge(
    tool: ToolShape,
    param: string,
    role: string,
    item: string | number,
    document: { used: boolean },
  ): FlowFinding | undefined {
    const trace = this.provenance.trace(item, param);
    const found = (reason: FlowReason): FlowFinding => ({
      reason,
      param,
      kind: trace.kind,
      first: trace.first,
    });
    const own = (trace.origin & OWN) !== 0;
    const field = (trace.origin & ORIGIN.field) !== 0;
    if (this.#unseen && UNSEEN.has(role))
      return this.#ownUnseen(tool, role, trace) ? undefined : found('unseen');
    if (tool.class === 'fetch') {
      // One step along a link of a conversation that the user named; never along a link of a fetched page.
      if (role !== 'destination' || own || (trace.origin & (ORIGIN.field | ORIGIN.named)) !== 0)
        return undefined;
      return found(trace.origin === 0 ? 'assembled' : 'prose');
    }
    switch (role) {
      case 'destination':
        return own ? undefined : this.#destination(tool, param, trace, document, found);
      case 'secret':
        return (trace.origin & ORIGIN.prompt) !== 0 ? undefined : found('secret');
      case 'setting':
        return own || field || this.provenance.quoted(String(item)) ? undefined : found('setting');
      case 'object':
        if (tool.class === 'destroy' || tool.class === 'share') {
          if ((trace.origin & ORIGIN.pointed) !== 0 && (trace.origin & ORIGIN.prompt) === 0)
            return found('pointed');
        }
        return own || field ? undefined : found('record');
      case 'content':
      case 'other':
        return typeof item === 'string' ? this.#content(item, param) : undefined;
      default:
        return undefined;
    }
  }

  /** Prose that was not seen may point at any record, so one that is destroyed or shared has to be the prompt's. */
  #ownUnseen(tool: ToolShape, role: string, { origin }: ValueTrace): boolean {
    const pointed = role === 'object' && (tool.class === 'destroy' || tool.class === 'share');
    return (origin & (pointed ? ORIGIN.prompt : OWN)) !== 0;
  }

  #destination(
    tool: ToolShape,
    param: string,
    trace: ValueTrace,
    document: { used: boolean },
    found: (reason: FlowReason) => FlowFinding,
  ): FlowFinding | undefined {
    const { quantified, history, described } = this.#wording;
    const field = (trace.origin & ORIGIN.field) !== 0;
    if (trace.kind === 'name') return field && described.has(param) ? undefined : found('undescribed');
    if (trace.bound) return undefined;
    if (trace.played && (tool.update || history || (trace.origin & ORIGIN.record) !== 0)) return undefined;
    if (trace.unique && !tool.update) {
      document.used = true;
      return undefined;
    }
    if (field) return quantified ? undefined : found('record');
    return found(trace.origin === 0 ? 'assembled' : 'prose');
  }

  /** Texts may say anything, but carry no address from prose and no private fact of the user. */
  #content(text: string, param: string): FlowFinding | undefined {
    let finding: FlowFinding | undefined;
    identifiers(text, ({ kind, value }) => {
      if (finding !== undefined) return;
      const { origin, first } = this.provenance.trace(value);
      if (PRIVATE.has(kind) && (origin & ORIGIN.trusted) !== 0 && (origin & ORIGIN.prompt) === 0) {
        finding = { reason: 'private', param, kind, first };
      } else if (
        LINKS.has(kind) &&
        (origin & ORIGIN.free) !== 0 &&
        (origin & (OWN | ORIGIN.field | ORIGIN.named)) === 0
      ) {
        finding = { reason: 'link', param, kind, first };
      } else if (this.#unseen && (origin & OWN) === 0 && (LINKS.has(kind) || PRIVATE.has(kind))) {
        finding = { reason: 'unseen', param, kind, first };
      }
    });
    return finding;
  }

  /** A payee read from a document is paid what the user or that document says. */
  #amounts(tool: ToolShape, args: Record<string, JsonValue>, findings: FlowFinding[]): void {
    for (const [param, value] of Object.entries(args)) {
      if (tool.roles.get(param) !== 'amount') continue;
      if ((this.provenance.amount(Number(value)) & (ORIGIN.prompt | ORIGIN.named)) === 0) {
        findings.push({ reason: 'amount', param, kind: 'number', first: -1 });
      }
    }
  }
}

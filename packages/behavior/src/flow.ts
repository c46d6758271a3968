// Information flow of one session: what came in, and whether a call's destinations are the user's. The answer is
// the `FlowFacts` that a token's `flow` caveat is evaluated against, with a sentence for each thing found. Rules:
// - a destination is the user's if the prompt or a trusted result has it;
// - a system's own record may supply one that the prompt describes (named person, same part as before, "each");
// - a document that the user named may supply one if it holds exactly one of its kind, and the amount with it;
// - nothing that occurs in other prose, and nothing that the agent put together, is the user's;
// - private facts of the user (card, passport, account) don't leave unless the prompt has them.
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
  | 'pointed';

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
};
const LABELS = 32;
const LINKS: ReadonlySet<IdentifierKind> = new Set(['url', 'iban', 'crypto', 'email']);
const PRIVATE: ReadonlySet<IdentifierKind> = new Set(['number', 'code', 'iban', 'phone', 'crypto']);
const OWN = ORIGIN.prompt | ORIGIN.trusted;

/** Follows one session. Bounded memory (see provenance.ts); not for concurrent use. */
export class FlowTracker {
  readonly provenance: Provenance;
  readonly #untrusted: Set<string> = new Set();
  #wording: Wording = wordingOf('');
  #prompt = '';

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

  /** A tool's result comes in. What an effect returns is an echo: only handles of new records are learnt. */
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
      return;
    }
    this.provenance.result({
      tool: tool.name,
      args,
      value,
      trusted: tool.trusted,
      fetched: tool.class === 'fetch',
    });
    if (!tool.trusted && this.#untrusted.size < LABELS) this.#untrusted.add(result.label ?? tool.name);
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

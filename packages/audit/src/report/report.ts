// The report: one page for an incident review or a regulator. Who acted for whom, what was done and refused and why,
// and whether the record of it can be believed. It needs no network, no script and no server.
import { CODES, type DenialCode } from '../core.ts';
import { toBase64 } from '../base64.ts';
import type { AuditRecord } from '../record/record.ts';
import type { VerifyReport } from '../read/verify.ts';
import type { Found, Query } from '../read/search.ts';
import type { TreeReader } from '../tile/reader.ts';
import { collect, type Collected, type TreeNode } from './collect.ts';
import { html, page, type Markup } from './html.ts';
import { CSS } from './style.ts';

export interface ReportOptions {
  readonly reader: TreeReader;
  /** The result of `verifyLog` on the same log; the page says so when there is none. */
  readonly verified: VerifyReport | null;
  readonly origin: string;
  /** Limits the report to some records. */
  readonly query?: Query;
  /** Unix milliseconds that stand on the page. */
  readonly now?: number;
}

const time = (at: number): string => new Date(at).toISOString().replace('T', ' ').replace('Z', '');
const short = (id: string): string => (id.length > 14 ? `${id.slice(0, 12)}\u2026` : id);
const number = (n: number): string => n.toLocaleString('en-GB');
const sentence = (code: string): string =>
  Object.hasOwn(CODES, code) ? CODES[code as DenialCode].sentence : '';

type Tone = 'allowed' | 'refused' | 'ingest' | 'other';
const toneOf = (record: AuditRecord): Tone => {
  if (record.kind === 'decision') return record.code === 'allowed' ? 'allowed' : 'refused';
  return record.kind === 'ingest' ? 'ingest' : 'other';
};
const CLASS: Readonly<Record<Tone, string>> = {
  allowed: 'good',
  refused: 'bad',
  ingest: 'warn',
  other: 'note',
};

/** The whole report as one self-contained HTML page. */
export async function htmlReport(options: ReportOptions): Promise<string> {
  const data = await collect(options.reader, options.query);
  const { counts } = data;
  const numbers: readonly (readonly [string, number])[] = [
    ['records', counts.records],
    ['sessions', counts.sessions],
    ['decisions', counts.decisions],
    ['allowed', counts.allowed],
    ['refused', counts.refused],
    ['forged or unverified', counts.unverified],
    ['ingestions', counts.ingested],
    ['alerts', counts.alerts],
  ];
  const body = html`<header>
      <h1>Audit report</h1>
      <p><span class="id">${options.origin}</span></p>
      <p class="soft">
        ${data.from === null ? 'No records.' : `${time(data.from)} to ${time(data.to ?? data.from)} UTC`}.
        Written ${time(options.now ?? Date.now())} UTC.
      </p>
    </header>
    ${integrity(options.verified)}
    <ul class="numbers">
      ${numbers.map(([name, n]) => html`<li><b>${number(n)}</b>${name}</li>`)}
    </ul>
    <h2 id="delegations">Who acted for whom</h2>
    ${
      data.roots.length === 0
        ? html`<p class="soft">No verified token appears in these records.</p>`
        : html`<ul class="tree">
            ${data.roots.map(branch)}
          </ul>`
    }
    ${left(data.left.nodes, 'delegations')}
    <h2 id="refusals">Refusals</h2>
    ${refusals(data)}
    <h2 id="alerts">Alerts</h2>
    ${alerts(data)}
    <h2 id="timeline">Timeline</h2>
    ${strip(data.timeline)} ${timeline(data)}
    <h2 id="tools">Tools</h2>
    ${tools(data)}`;
  return page(`Audit report: ${options.origin}`, CSS, body);
}

const left = (n: number, what: string): Markup | null =>
  n === 0
    ? null
    : html`<p class="soft">
        ${number(n)} earlier ${what} are not shown; narrow the report by session or time.
      </p>`;

function integrity(report: VerifyReport | null): Markup {
  if (report === null)
    return html`<section class="state bad" id="integrity">
      <strong>Not verified</strong>
      <p>This page was made without checking the log.</p>
    </section>`;
  const facts = html`<p>
      ${number(report.size)} entries, ${number(report.checkpoints)} signed checkpoints, root
      <code>${toBase64(report.root)}</code>.
    </p>
    <p>
      ${report.witnesses.length === 0 ? 'No witness has cosigned: a rollback of log and head together could not be seen.' : `Cosigned by ${report.witnesses.join(', ')}.`}
    </p>`;
  if (report.ok)
    return html`<section class="state" id="integrity">
      <strong class="good">✓ The log is whole</strong>${facts}
    </section>`;
  return html`<section class="state bad" id="integrity">
    <strong class="bad">✗ The log has been damaged or changed</strong>${facts}
    <table>
      <thead>
        <tr>
          <th>Where</th>
          <th>Entry</th>
          <th>What</th>
        </tr>
      </thead>
      <tbody>
        ${report.problems.slice(0, 200).map(
          (problem) =>
            html`<tr>
              <td><code>${problem.where}</code></td>
              <td class="n">${problem.index}</td>
              <td>${problem.what}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${report.problems.length > 200 || report.truncated ? html`<p>There are more.</p>` : null}
  </section>`;
}

const calls = ({ allowed, refused }: TreeNode): Markup =>
  allowed + refused === 0
    ? html`<span class="soft">no calls</span>`
    : html`<span class="good">${number(allowed)} allowed</span>,
        <span class="${refused > 0 ? 'bad' : 'soft'}">${number(refused)} refused</span>`;

function branch(node: TreeNode): Markup {
  const { record } = node.first;
  const isRoot = record.token?.chain?.[0]?.node === node.id;
  const who = node.label ?? (isRoot ? (record.agent ?? 'first holder') : 'holder');
  const origin = isRoot
    ? html` <span class="soft"
        >for ${record.user ?? 'nobody named'}, by ${record.operator?.name ?? 'an unknown operator'}, model
        ${record.model?.name ?? 'unknown'}, session ${short(record.session ?? '-')}</span
      >`
    : null;
  return html`<li class="${node.revoked ? 'dead' : 'live'}">
    <span class="who">${isRoot && node.label === null ? 'Token' : who}</span>${origin}
    ${node.revoked ? html` <span class="tag bad">revoked</span>` : null}
    <span class="soft"
      >node
      <code>${short(node.id)}</code
      >${node.holder === null ? ', bearer' : html`, key <code>${short(node.holder)}</code>`}</span
    >
    ${calls(node)}
    ${
      node.children.length === 0
        ? null
        : html`<ul>
            ${node.children.map(branch)}
          </ul>`
    }
  </li>`;
}

const actor = (record: AuditRecord): string =>
  record.token?.unverified === true
    ? 'unverified'
    : (record.agent ??
      record.token?.chain?.at(-1)?.label ??
      short(record.token?.chain?.at(-1)?.holder ?? '-'));

function refusals(data: Collected): Markup {
  if (data.refusals.length === 0) return html`<p class="soft">Nothing was refused.</p>`;
  const most = Math.max(...data.codes.values());
  const codes = [...data.codes].toSorted((a, b) => b[1] - a[1]);
  return html`${codes.map(([code, n]) => html`<div class="bar"><code>${code}</code><meter min="0" low="0" high="0" optimum="0" max="${most}" value="${n}">${n}</meter><span class="n">${number(n)}</span></div>`)}
    <table>
      <thead>
        <tr>
          <th>#</th>
          <th>Time (UTC)</th>
          <th>Agent</th>
          <th>Tool</th>
          <th>Code</th>
          <th>Why</th>
        </tr>
      </thead>
      <tbody>
        ${data.refusals.map(
          ({ index, record }) =>
            html`<tr>
              <td class="n">${index}</td>
              <td class="n">${time(record.at)}</td>
              <td>${actor(record)}</td>
              <td>${record.tool?.name}</td>
              <td class="n"><code class="bad">${record.code}</code></td>
              <td>
                ${record.reason ?? sentence(record.code ?? '')}
                ${record.caveat === undefined ? null : html` <span class="soft">${record.caveat < 0 ? 'Decided by the grant.' : `Decided by caveat ${record.caveat}${record.caveatType === undefined ? '' : ` (${record.caveatType})`}.`}</span>`}
                ${record.refused === undefined ? null : html` <span class="soft">Refused by: ${record.refused.join(', ')}.</span>`}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${left(data.left.refusals, 'refusals')}`;
}

function alerts(data: Collected): Markup {
  if (data.alerts.length === 0) return html`<p class="soft">No alerts.</p>`;
  return html`<table>
      <thead>
        <tr>
          <th>#</th>
          <th>Time (UTC)</th>
          <th>Detector</th>
          <th>Action</th>
          <th>What</th>
        </tr>
      </thead>
      <tbody>
        ${data.alerts.map(
          ({ index, record }) =>
            html`<tr>
              <td class="n">${index}</td>
              <td class="n">${time(record.at)}</td>
              <td><code>${record.alert?.detector}</code></td>
              <td>${record.alert?.action}</td>
              <td>
                ${record.reason}${record.alert?.evidence === undefined ? null : html` <span class="soft">Rests on records ${record.alert.evidence.join(', ')}.</span>`}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${left(data.left.alerts, 'alerts')}`;
}

/** One lane an agent, one mark a record. */
function strip(records: readonly Found[]): Markup | null {
  const first = records[0]?.record.at;
  const last = records.at(-1)?.record.at;
  if (first === undefined || last === undefined) return null;
  const names = [...new Set(records.map(({ record }) => actor(record)))].slice(0, 12);
  const x = (at: number): string =>
    (170 + (last === first ? 400 : ((at - first) / (last - first)) * 800)).toFixed(1);
  const y = (record: AuditRecord): number => 24 + names.indexOf(actor(record)) * 26;
  const height = 24 + names.length * 26 + 18;
  const shape = (record: AuditRecord): Markup => {
    const [cx, cy, tone] = [x(record.at), y(record), toneOf(record)];
    // Refusals are squares, so that they can be told apart without colour.
    if (tone === 'refused')
      return html`<rect class="refused" x="${Number(cx) - 4}" y="${cy - 4}" width="8" height="8" />`;
    return html`<circle class="${tone}" cx="${cx}" cy="${cy}" r="${tone === 'allowed' ? 3.5 : 2.5}" />`;
  };
  return html`<svg
    viewBox="0 0 1000 ${height}"
    role="img"
    aria-label="Records over time, one lane an agent; squares are refusals"
  >
    ${names.map((name, i) => html`<line x1="165" x2="980" y1="${24 + i * 26}" y2="${24 + i * 26}" /><text x="10" y="${28 + i * 26}">${name.slice(0, 26)}</text>`)}
    ${records.filter(({ record }) => names.includes(actor(record))).map(({ record }) => shape(record))}
    <text x="165" y="${height - 6}">${time(first)}</text>
    <text x="980" y="${height - 6}" text-anchor="end">${time(last)}</text>
  </svg>`;
}

function timeline(data: Collected): Markup {
  const choices = [
    ['all', 'all records'],
    ['only-decisions', 'decisions'],
    ['only-refused', 'refusals'],
  ] as const;
  return html`<fieldset>
      <legend class="soft">Show</legend>
      ${choices.map(([id, label], i) => html`<label><input type="radio" name="show" id="${id}" ${i === 0 ? html` checked` : null} /> ${label}</label>`)}
    </fieldset>
    <table class="timeline">
      <thead>
        <tr>
          <th>#</th>
          <th>Time (UTC)</th>
          <th>Session</th>
          <th>Agent</th>
          <th>What</th>
          <th>Result</th>
        </tr>
      </thead>
      <tbody>
        ${data.timeline.map(({ index, record }) => {
          const tone = toneOf(record);
          return html`<tr class="${tone}" id="r${index}">
            <td class="n">${index}</td>
            <td class="n">${time(record.at)}</td>
            <td><code>${short(record.session ?? '')}</code></td>
            <td>${actor(record)}</td>
            <td>${record.kind} ${what(record)}</td>
            <td class="${CLASS[tone]}">${result(record)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
    ${left(data.left.timeline, 'records')}`;
}

function what(record: AuditRecord): Markup {
  const { tool, args, ingest, revocation, event, of, configuration } = record;
  return html`${tool === undefined ? null : html`<b>${tool.name}</b>`}${args?.destinations === undefined ? null : ` to ${args.destinations.join(', ')}`}
  ${ingest === undefined ? null : ` ${ingest.trust} content from ${ingest.source}`}${revocation === undefined ? null : ` of ${revocation.target} ${revocation.id}`}
  ${event === undefined ? null : ` ${event.name}`}${configuration?.what === undefined ? null : ` ${configuration.what}`}${of === undefined ? null : html` of <a href="#r${of}">${of}</a>`}`;
}

function result(record: AuditRecord): string {
  if (record.code !== undefined) return record.code;
  if (record.result !== undefined)
    return `${record.result.status}${record.result.error === undefined ? '' : `: ${record.result.error}`}`;
  if (record.approval !== undefined)
    return `${record.approval.granted ? 'granted' : 'denied'} by ${record.approval.person}`;
  return record.alert?.detector ?? '';
}

function tools(data: Collected): Markup {
  if (data.tools.size === 0) return html`<p class="soft">No tool was called.</p>`;
  const rows = [...data.tools]
    .toSorted(([, a], [, b]) => b.allowed + b.refused - a.allowed - a.refused)
    .slice(0, 100);
  return html`<table>
    <thead>
      <tr>
        <th>Tool</th>
        <th>Allowed</th>
        <th>Refused</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([name, n]) =>
          html`<tr>
            <td><code>${name}</code></td>
            <td class="n">${number(n.allowed)}</td>
            <td class="n ${n.refused > 0 ? 'bad' : ''}">${number(n.refused)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

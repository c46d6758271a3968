// The report: one page for an incident review or a regulator. Who acted for whom, what was done and refused and why,
// and whether the record of it can be believed. It needs no network, no script and no server.
import type { VerifyReport } from '../read/verify.ts';
import type { Query } from '../read/search.ts';
import type { TreeReader } from '../tile/reader.ts';
import { alerts } from './alerts.ts';
import { collect } from './collect.ts';
import { delegations } from './delegations.ts';
import { number, time } from './format.ts';
import { html, page } from './html.ts';
import { integrity } from './integrity.ts';
import { refusals } from './refusals.ts';
import { CSS } from './style.ts';
import { strip, timeline } from './timeline.ts';
import { tools } from './tools.ts';

export interface ReportOptions {
  readonly reader: TreeReader;
  /** The result of `verifyLog` on the same log; without it the page says that the log was not verified. */
  readonly verified: VerifyReport | null;
  readonly origin: string;
  /** Limits the report to some records. */
  readonly query?: Query;
  /** Unix milliseconds that stand on the page. */
  readonly now?: number;
}

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
    ${delegations(data)}
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

// The records in order: a picture with one lane an agent, and a table.
import type { AuditRecord } from '../record/record.ts';
import type { Found } from '../read/search.ts';
import type { Collected } from './collect.ts';
import { actor, CLASS, left, short, time, toneOf } from './format.ts';
import { html, type Markup } from './html.ts';

/** One lane an agent, one mark a record. */
export function strip(records: readonly Found[]): Markup | null {
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
    // Refusals are squares, so that they differ without color.
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

export function timeline(data: Collected): Markup {
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

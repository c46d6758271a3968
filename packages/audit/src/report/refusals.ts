// What was refused and why.
import type { Collected } from './collect.ts';
import { actor, left, number, sentence, time } from './format.ts';
import { html, type Markup } from './html.ts';

export function refusals(data: Collected): Markup {
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

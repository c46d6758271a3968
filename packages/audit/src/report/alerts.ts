// What the detectors said, and on which records it rests.
import type { Collected } from './collect.ts';
import { left, time } from './format.ts';
import { html, type Markup } from './html.ts';

export function alerts(data: Collected): Markup {
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

// Which tools were called, and how often each was refused.
import type { Collected } from './collect.ts';
import { number } from './format.ts';
import { html, type Markup } from './html.ts';

export function tools(data: Collected): Markup {
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

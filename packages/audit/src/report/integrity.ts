// Whether the record can be believed: what `verifyLog` found.
import { toBase64 } from '../base64.ts';
import type { VerifyReport } from '../read/verify.ts';
import { number } from './format.ts';
import { html, type Markup } from './html.ts';

export function integrity(report: VerifyReport | null): Markup {
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

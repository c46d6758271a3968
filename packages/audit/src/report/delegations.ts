// Who acted for whom: the tree of tokens and what was derived from them.
import type { Collected, TreeNode } from './collect.ts';
import { left, number, short } from './format.ts';
import { html, type Markup } from './html.ts';

/** The tree, or a sentence if there is no tree. */
export function delegations(data: Collected): Markup {
  if (data.roots.length === 0) return html`<p class="soft">No verified token appears in these records.</p>`;
  return html`<ul class="tree">
      ${data.roots.map(branch)}
    </ul>
    ${left(data.left.nodes, 'delegations')}`;
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
        >for ${record.user ?? 'an unnamed user'}, by ${record.operator?.name ?? 'an unknown operator'}, model
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

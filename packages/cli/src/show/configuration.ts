// Configurations and layers in words: what `ambit config` and `ambit explain` print.
import type { AppliedConfiguration } from '@ambit/authority';
import { diffText, problemText, type Checked, type LayersAnswer, type Operator } from '@ambit/identity';

const headOf = ({ id, digestHex }: Operator): string => `operator ${id} sha256:${digestHex}\n`;

/** A configuration that was checked; `file` is the name before each problem's line number. */
export function checkedText(checked: Checked, file: string): string {
  if (!checked.ok) return `${checked.problems.map((p) => `${file}:${problemText(p)}`).join('\n')}\n`;
  const { id, digestHex, config } = checked.operator;
  const { tools, models, groups, users } = config;
  const counts = `${tools.size} tools, ${models.size} models, ${groups.size} groups, ${users.size} users`;
  return `operator ${id}: ${counts}\ndigest sha256:${digestHex}\n`;
}

/** A configuration that was put in force: what changed, and what becomes of the tokens minted before. */
export function appliedText({ registration, diff }: AppliedConfiguration): string {
  const { operator } = registration;
  const { grace } = operator.config;
  const ends =
    grace === 0
      ? 'tokens minted before are invalid from now on'
      : `tokens minted before are valid for ${grace} s`;
  return headOf(operator) + (diff === null ? '' : diffText(diff) + (diff.changed ? `${ends}\n` : ''));
}

/** A line for each layer, and which one forbids. */
export function layersText(answer: LayersAnswer): string {
  const width = Math.max(...answer.layers.map((l) => l.layer.length));
  const lines = answer.layers.map((l) => {
    const word = { allowed: 'allows', refused: 'forbids', not_asked: 'not asked' }[l.answer];
    const why = l.code === undefined ? '' : `  ${l.code}: ${l.message ?? ''}`;
    return `${l.layer.padEnd(width)}  ${word.padEnd(9)}  ${l.who}${why}`;
  });
  const grace =
    answer.ok && answer.until !== undefined ? `within a grace period that ends at ${answer.until}` : null;
  return `${[...lines, ...(grace === null ? [] : [grace])].join('\n')}\n`;
}

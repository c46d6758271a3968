// Plots as plain SVG, by hand: lines over a numeric axis, and horizontal bars on a logarithmic one.

/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const COLOURS = ['#1b6ca8', '#c1440e', '#3b7d3b', '#7a4fa3', '#8a6d00', '#555555', '#b0397b', '#0f8b8d'];
const W = 760;
const H = 420;
const M = { top: 48, right: 180, bottom: 52, left: 72 };

const escape = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const text = (x: number, y: number, value: string, extra = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-family="sans-serif" font-size="12" fill="#222" ${extra}>${escape(value)}</text>`;
const frame = (body: string, height = H): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${W}" height="${height}" viewBox="0 0 ${W} ${height}"><rect width="100%" height="100%" fill="#fff"/>${body}</svg>\n`;

function step(max: number): number {
  const raw = max / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw) ?? raw;
}

/** Lines of y over x, both axes from zero. */
export function linePlot(title: string, x: string, y: string, series: readonly Series[]): string {
  const all = series.flatMap((s) => s.points);
  const maxX = Math.max(...all.map((p) => p[0]), 1e-9);
  const maxY = Math.max(...all.map((p) => p[1]), 1e-9) * 1.05;
  const px = (v: number): number => M.left + (v / maxX) * (W - M.left - M.right);
  const py = (v: number): number => H - M.bottom - (v / maxY) * (H - M.top - M.bottom);
  const parts = [
    text(M.left, 26, title, 'font-weight="bold"'),
    text((W - M.right) / 2, H - 14, x),
    text(8, M.top - 14, y),
  ];
  for (let v = 0; v <= maxY; v += step(maxY)) {
    parts.push(`<line x1="${M.left}" x2="${W - M.right}" y1="${py(v)}" y2="${py(v)}" stroke="#e4e4e4"/>`);
    parts.push(text(M.left - 8, py(v) + 4, `${Number(v.toPrecision(3))}`, 'text-anchor="end"'));
  }
  for (let v = 0; v <= maxX; v += step(maxX))
    parts.push(text(px(v), H - M.bottom + 18, `${Number(v.toPrecision(3))}`, 'text-anchor="middle"'));
  series.forEach((s, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const d = s.points
      .map(([a, b], k) => `${k === 0 ? 'M' : 'L'}${px(a).toFixed(1)},${py(b).toFixed(1)}`)
      .join(' ');
    parts.push(`<path d="${d}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [a, b] of s.points) parts.push(`<circle cx="${px(a)}" cy="${py(b)}" r="3" fill="${colour}"/>`);
    parts.push(
      `<rect x="${W - M.right + 14}" y="${M.top + i * 20 - 9}" width="10" height="10" fill="${colour}"/>`,
    );
    parts.push(text(W - M.right + 30, M.top + i * 20, s.name));
  });
  return frame(parts.join(''));
}

/** Horizontal bars on a logarithmic axis, smallest first. */
export function barPlot(title: string, unit: string, bars: readonly (readonly [string, number])[]): string {
  const sorted = [...bars].sort((a, b) => a[1] - b[1]);
  const low = Math.floor(Math.log10(sorted[0]?.[1] ?? 1));
  const high = Math.ceil(Math.log10(sorted.at(-1)?.[1] ?? 10));
  const left = 270;
  const px = (v: number): number =>
    left + ((Math.log10(v) - low) / Math.max(1, high - low)) * (W - left - 90);
  const height = 80 + sorted.length * 24;
  const parts = [text(16, 26, title, 'font-weight="bold"'), text(16, height - 12, `${unit}, logarithmic`)];
  for (let p = low; p <= high; p++) {
    parts.push(
      `<line x1="${px(10 ** p)}" x2="${px(10 ** p)}" y1="40" y2="${height - 34}" stroke="#e4e4e4"/>`,
    );
    parts.push(text(px(10 ** p), height - 20, `${10 ** p}`, 'text-anchor="middle"'));
  }
  sorted.forEach(([name, value], i) => {
    const y = 46 + i * 24;
    const colour = name.startsWith('ambit') ? COLOURS[0]! : '#9aa5ad';
    parts.push(
      `<rect x="${left}" y="${y}" width="${Math.max(1, px(value) - left).toFixed(1)}" height="16" fill="${colour}"/>`,
    );
    parts.push(
      text(left - 8, y + 12, name, 'text-anchor="end"'),
      text(px(value) + 6, y + 12, `${Number(value.toPrecision(3))}`),
    );
  });
  return frame(parts.join(''), height);
}

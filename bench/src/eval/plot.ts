// Plots as plain SVG: no library, no font, readable on paper.

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const COLOURS = ['#1b4965', '#ca3c25', '#5f8a3f', '#8a5a9e', '#b07d2b', '#4a4a4a'];

/** One line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** ROC curves, false alarms on a square-root axis so that the first per cent can be seen. */
export const rocSvg = (title: string, lines: readonly Line[]): string => {
  const size = 420;
  const x = (rate: number): number => 60 + Math.sqrt(rate) * size;
  const y = (rate: number): number => 40 + (1 - rate) * size;
  const grid = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1]
    .map(
      (t) =>
        `<path d="M${x(t)} 40V${y(0)}" stroke="#ddd"/><text x="${x(t)}" y="${y(0) + 16}" text-anchor="middle">${String(t * 100)}</text>`,
    )
    .join('');
  const rows = [0, 0.25, 0.5, 0.75, 1]
    .map(
      (t) =>
        `<path d="M60 ${y(t)}H${x(1)}" stroke="#ddd"/><text x="54" y="${y(t) + 4}" text-anchor="end">${String(t * 100)}</text>`,
    )
    .join('');
  const drawn = lines
    .map(({ name, points }, i) => {
      const colour = COLOURS[i % COLOURS.length] ?? '#000';
      const path = points
        .map(([fp, tp], k) => `${k === 0 ? 'M' : 'L'}${x(fp).toFixed(1)} ${y(tp).toFixed(1)}`)
        .join('');
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/><text x="300" y="${330 + i * 18}" fill="${colour}">${escape(name)}</text>`;
    })
    .join('');
  return svg(
    540,
    510,
    `${grid}${rows}${drawn}<text x="60" y="24" font-weight="bold">${escape(title)}</text><text x="270" y="500" text-anchor="middle">false alarms, % of benign sessions (square-root axis)</text>`,
  );
};

/** One group of bars. */
export interface Bars {
  readonly name: string;
  /** Shares of 0 to 1 with an interval. */
  readonly values: readonly { readonly share: number; readonly low: number; readonly high: number }[];
}

/** Grouped bars with intervals. */
export const barSvg = (
  title: string,
  series: readonly string[],
  groups: readonly Bars[],
  top: number,
): string => {
  const y = (share: number): number => 300 - (Math.min(share, top) / top) * 240;
  const width = 30 * series.length + 30;
  const bars = groups
    .map(({ name, values }, g) => {
      const left = 60 + g * width;
      const drawn = values
        .map(({ share, low, high }, i) => {
          const x = left + i * 30;
          return `<rect x="${x}" y="${y(share)}" width="24" height="${300 - y(share)}" fill="${COLOURS[i % COLOURS.length] ?? ''}"/><path d="M${x + 12} ${y(low)}V${y(high)}" stroke="#000"/><text x="${x + 12}" y="${y(high) - 4}" text-anchor="middle" font-size="9">${(share * 100).toFixed(1)}</text>`;
        })
        .join('');
      return `${drawn}<text x="${left}" y="318">${escape(name)}</text>`;
    })
    .join('');
  const legend = series
    .map(
      (name, i) =>
        `<rect x="${60 + i * 160}" y="332" width="10" height="10" fill="${COLOURS[i % COLOURS.length] ?? ''}"/><text x="${75 + i * 160}" y="341">${escape(name)}</text>`,
    )
    .join('');
  return svg(
    80 + groups.length * width,
    360,
    `<text x="60" y="24" font-weight="bold">${escape(title)}</text>${bars}${legend}<path d="M60 300H${60 + groups.length * width}" stroke="#000"/>`,
  );
};

const svg = (width: number, height: number, body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>${body}</svg>\n`;

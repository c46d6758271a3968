// What a kept report says: each mutant that no test noticed, and the scores.
const DETECTED = new Set(['Killed', 'Timeout']);
const LIVING = new Set(['Survived', 'NoCoverage']);

const count = (mutants) => ({
  detected: mutants.filter((m) => DETECTED.has(m.status)).length,
  living: mutants.filter((m) => LIVING.has(m.status)),
});
const percent = (detected, living) =>
  detected + living === 0 ? 100 : (100 * detected) / (detected + living);

/** The share of mutants that were noticed, in percent; static, erroneous and excluded ones do not count. */
export function scoreOf(report) {
  const { detected, living } = count(Object.values(report.files).flatMap((f) => f.mutants));
  return percent(detected, living.length);
}

// The mutant as a change of its lines, shortened.
function shown(source, { location, replacement, mutatorName }) {
  const lines = source.split('\n').slice(location.start.line - 1, location.end.line);
  const [first = ''] = lines;
  const from =
    lines.length === 1 ? first.slice(location.start.column - 1, location.end.column - 1) : first.trim();
  const short = (text) => (text.length > 90 ? `${text.slice(0, 90)}...` : text).replaceAll('\n', ' ');
  return `${short(from)}  ->  ${short(replacement ?? mutatorName)}`;
}

/** Lines for people: survivors by file, then the scores. */
export function summary(name, report) {
  const lines = [];
  const scores = [];
  for (const [file, { source, mutants }] of Object.entries(report.files)) {
    const { detected, living } = count(mutants);
    for (const m of living.toSorted((a, b) => a.location.start.line - b.location.start.line)) {
      const none = m.status === 'NoCoverage' ? ' (no test comes here)' : '';
      lines.push(`${file}:${m.location.start.line}  ${shown(source, m)}${none}`);
    }
    scores.push(
      `${percent(detected, living.length).toFixed(1).padStart(6)} %  ${file}: ${detected} of ${detected + living.length}`,
    );
  }
  const pending = Object.values(report.files).flatMap((f) => f.mutants.filter((m) => m.status === 'Pending'));
  const cut = pending.length > 0 ? `, ${pending.length} mutants not tried yet` : '';
  return [...lines, ...scores, `${name}: ${scoreOf(report).toFixed(1)} %${cut}`].join('\n');
}

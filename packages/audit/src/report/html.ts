// HTML by template strings, with everything escaped that is not markup written here: records are hostile data.
import { nativeSha256 } from '../core.ts';
import { toBase64 } from '../base64.ts';

/** Markup that was made by `html`; nothing else can stand in a page unescaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | null | undefined | Markup | readonly Value[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for element content and quoted attributes. Characters that turn the direction of what follows are made visible. */
const escapeHtml = (text: string): string =>
  text
    .replaceAll(/[&<>"']/g, (c) => ESCAPES[c]!)
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Surrogate}]/gu, '\ufffd');

const render = (value: Value): string => {
  if (value === null || value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return (value as readonly Value[]).map(render).join('');
  return escapeHtml(typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '');
};

/** Markup from a template; every value is escaped unless it is markup itself. */
export const html = (strings: TemplateStringsArray, ...values: readonly Value[]): Markup =>
  new Markup(strings.map((text, i) => text + render(values[i])).join(''));

/** A whole page: no script, no request, one style sheet that the policy knows by its hash. */
export function page(title: string, css: string, body: Markup): string {
  const hash = toBase64(nativeSha256(Buffer.from(css)));
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${css}</style>
</head>
<body>
${body.text}
</body>
</html>
`;
}

// Headers of streamable HTTP through a proxy: by name, everything else stays here (hop-by-hop, credentials). The
// headers that repeat a part of the body (`Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`) are for routing: where they say
// something else than the body, the request is refused, so that proxy and server can't read different calls.
import { isRequest, type Message } from '@ambit/wire/mcp';

const UP = ['accept', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'last-event-id'];
const DOWN = ['content-type', 'mcp-session-id', 'mcp-protocol-version', 'allow', 'retry-after'];
const PARAM = 'mcp-param-';

/** What goes upstream with a message that was checked. */
export function headersUp(given: Headers, m: Message | null): Headers {
  const headers = new Headers();
  for (const name of UP) {
    const value = given.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (m === null) return headers;
  headers.set('content-type', 'application/json');
  given.forEach((value, name) => {
    if (name.startsWith(PARAM) && argumentNamed(m, name) !== undefined) headers.set(name, value);
  });
  return headers;
}

/** What goes back. */
export function headersDown(given: Headers): Headers {
  const headers = new Headers({ 'cache-control': 'no-store' });
  for (const name of DOWN) {
    const value = given.get(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}

/** Whether a header says something else than the body. */
export function disagrees(headers: Headers, m: Message): boolean {
  const method = headers.get('mcp-method');
  if (method !== null && 'method' in m && method !== m.method) return true;
  const name = headers.get('mcp-name');
  if (name !== null && isRequest(m)) {
    const said = m.params?.['name'] ?? m.params?.['uri'];
    if (said !== undefined && plain(name) !== said) return true;
  }
  let lie = false;
  headers.forEach((value, header) => {
    if (!header.startsWith(PARAM)) return;
    const said = argumentNamed(m, header);
    if (said !== undefined && plain(value) !== said) lie = true;
  });
  return lie;
}

// Values that no header can hold are sent as `=?base64?...?=`.
function plain(value: string): string | null {
  const match = /^=\?base64\?([A-Za-z0-9+/=]*)\?=$/.exec(value);
  if (match === null) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(atob(match[1]!), (c) => c.charCodeAt(0)),
    );
  } catch {
    return null;
  }
}

// The argument that `Mcp-Param-Name` repeats, as a header would have it.
function argumentNamed(m: Message, header: string): string | undefined {
  if (!isRequest(m)) return undefined;
  const args: unknown = m.params?.['arguments'];
  if (typeof args !== 'object' || args === null) return undefined;
  const fold = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');
  const wanted = fold(header.slice(PARAM.length));
  const found = Object.entries(args).filter(([name]) => fold(name) === wanted);
  const [entry] = found;
  // If two arguments could be meant, neither is taken.
  return entry === undefined || found.length > 1 || typeof entry[1] === 'object'
    ? undefined
    : String(entry[1]);
}

// What store URLs of servers have in common: who logs in, and where a server is.

/** Who logs in, decoded; null for what is not there. A password may hold `:`. */
export function loginOf(login: string = ''): {
  readonly user: string | null;
  readonly password: string | null;
} {
  const [user = '', ...rest] = login.split(':');
  return {
    user: user === '' ? null : decodeURIComponent(user),
    password: rest.length === 0 ? null : decodeURIComponent(rest.join(':')),
  };
}

/** A server, HOST or HOST:PORT, an IPv6 address in brackets; null for anything else. */
export function serverOf(text: string): { readonly host: string; readonly port: number | null } | null {
  // No `@`: it would be the rest of a password that is not encoded, and be shown as a host.
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:@[\]]+)(?::(\d{1,5}))?$/.exec(text);
  if (parts === null) return null;
  return {
    host: parts[1]!.replace(/^\[|\]$/g, ''),
    port: parts[2] === undefined ? null : Number(parts[2]),
  };
}

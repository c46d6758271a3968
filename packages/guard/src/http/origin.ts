// A service's own origin, as clients see it: scheme, host and port, in the form in which a client's URL has it. Another
// form of the same, such as one with a port that is the default, would be in no proof, and every call be refused.

/** Null for an origin; else what was expected instead. */
export function originProblem(origin: unknown): string | null {
  const expected =
    'expected where clients reach this service, such as https://files.acme.com or http://127.0.0.1:8080';
  if (typeof origin !== 'string' || !/^https?:\/\/[^\s/?#@\\]+\/?$/.test(origin))
    return `${expected}, without a path`;
  if (!URL.canParse(origin)) return expected;
  const proper = new URL(origin).origin;
  return proper === origin ? null : `expected ${proper}, the form in which clients send it`;
}

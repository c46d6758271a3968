// `home.json`, which whoever makes a home writes last: `ambit init`, `openAuthority`, `openGuard`. An entry of its own, so
// that a command of the command line that only reads a home does not load the log.

/** What is assumed about a tool that no configuration classifies: the most cautious. It is written for people to read. */
export const HOME_DEFAULTS: { readonly external: boolean; readonly data: readonly string[] } = {
  external: true,
  data: ['public'],
};

/** `home.json`, which says that a home is whole: whoever makes one writes it last. `store`: where the state is kept. */
export const homeMarker = (created: Date, store?: string): string =>
  `${JSON.stringify({ v: 1, created: created.toISOString().replace('.000Z', 'Z'), ...(store === undefined ? {} : { store }), defaults: HOME_DEFAULTS }, null, 2)}\n`;

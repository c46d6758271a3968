// The texts of the help that no command's file has. Nothing is imported here, so every command may import it.
/** What the command is. */
export const INTRO = `Capability tokens for AI agents: narrowed offline, bound to a holder, proved at each use.`;

/** The text below the list of commands. */
export const OUTRO = `
Example:
  $ ambit init
  $ ambit keygen --type holder -o agent.key
  $ ambit mint --from session.json --holder agent.key.pub > a.tok
  $ ambit inspect a.tok

Inputs are files, - for stdin, or the text of a token itself; secret keys only ever files or -.
Exit states: 0 allowed or done, 1 denied, 2 usage, 3 malformed or unverifiable input,
             4 I/O or store, 70 a bug.  \`ambit codes\` lists them by code; \`ambit help arguments\`
             explains --arg. AMBIT_HOME names the home directory (default: .ambit here).`;

const ARGUMENTS = `Argument rules: --arg '[TOOL:] NAME RULE'. Without TOOL, a rule is about every tool of the token.

  'path under /srv /data'              a path at or below one of these; no .. and no encodings
  'read_*: path under /srv'            the same, for tools of this pattern only
  'currency is "EUR"'                  exactly this JSON value (EUR without quotes is the text EUR)
  'currency in EUR CHF'                one of these
  'amount between 1 and 100'           a number; also 'at most 100', 'at least 1'
  'q length 1..200'                    characters of a text, or items of a list; either end may be left out
  'q matches [a-z ]+'                  the whole text; the pattern goes on to the end of the rule
  'link url docs.acme.com *.acme.org'  an https URL at one of these hosts
  'ip network 10.0.0.0/8'              an address in one of these networks
  'to email acme.com'                  one address in one of these domains
  'paths each under /srv'              a list of one or more, each of which meets the rule
  'debug absent'                       must be left out
  'link {"kind":"url","schemes":["http"],"hosts":["a.b"],"ports":[8080]}'   any constraint as JSON

With --closed, arguments that no rule names are refused. Two rules for one argument must both hold.
Example: ambit attenuate a.tok --tool read_file --arg 'path under /srv/docs' --closed`;

/** Texts of `ambit help TOPIC` that are not commands. */
export const TOPICS: ReadonlyMap<string, string> = new Map([['arguments', ARGUMENTS]]);

/** For the help of a command: its example lines. */
export const example = (...lines: readonly string[]): string =>
  `\nExample:\n${lines.map((l) => `  $ ${l}`).join('\n')}`;

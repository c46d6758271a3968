// Completion scripts for three shells, from the leaves of the command tree. Each is self-contained: completing
// never starts `ambit`.

/** One command, as a shell needs to know it. */
export interface Leaf {
  readonly path: readonly string[];
  readonly summary: string;
  readonly subcommands: readonly string[];
  readonly flags: readonly string[];
  /** Those flags that take a value. */
  readonly valued: readonly string[];
  readonly choices: Readonly<Record<string, readonly string[]>>;
  /** Fixed words for the first argument. */
  readonly words: readonly string[];
}

const quoted = (words: readonly string[]): string => `'${words.join(' ').replaceAll("'", '')}'`;
const keyOf = (leaf: Leaf): string => leaf.path.join(' ');

const shared = (leaves: readonly Leaf[]): readonly string[] => leaves[0]?.flags ?? [];
const all = (leaves: readonly Leaf[], leaf: Leaf): readonly string[] => [
  ...new Set([...leaf.subcommands, ...leaf.words, ...leaf.flags, ...shared(leaves)]),
];

function cases(leaves: readonly Leaf[], indent: string): string {
  return leaves.map((leaf) => `${indent}'${keyOf(leaf)}') words=${quoted(all(leaves, leaf))} ;;`).join('\n');
}

function choiceCases(leaves: readonly Leaf[], indent: string): string {
  const lines = leaves.flatMap((leaf) =>
    Object.entries(leaf.choices).map(
      ([flag, list]) => `${indent}'${keyOf(leaf)} ${flag}') words=${quoted(list)} ;;`,
    ),
  );
  return lines.join('\n');
}

const valued = (leaves: readonly Leaf[]): string => [...new Set(leaves.flatMap((l) => l.valued))].join('|');
const paths = (leaves: readonly Leaf[]): string =>
  leaves
    .slice(1)
    .map((l) => `'${keyOf(l)}'`)
    .join('|');

// The words before the cursor that are a command path; the same for bash and zsh, which count words differently.
const walk = (
  leaves: readonly Leaf[],
  first: string,
  upto: string,
  array: string,
): string => `  local path='' previous="\${${array}[${upto}-1]}" word i
  for (( i = ${first}; i < ${upto}; i++ )); do
    word="\${${array}[i]}"
    case "\${path:+$path }$word" in ${paths(leaves)}) path="\${path:+$path }$word" ;; esac
  done
  local words=''
  case "$path $previous" in
${choiceCases(leaves, '    ')}
    *)
      case "$previous" in ${valued(leaves)}) ;; *)
        case "$path" in
${cases(leaves, '          ')}
        esac ;;
      esac ;;
  esac`;

/** For bash 4 and later. */
export const bash = (leaves: readonly Leaf[]): string => `# bash completion for ambit
_ambit() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
${walk(leaves, '1', 'COMP_CWORD', 'COMP_WORDS')}
  COMPREPLY=( $(compgen -W "$words" -- "$current") )
  [[ \${#COMPREPLY[@]} -gt 0 ]] || compopt -o default
}
complete -F _ambit ambit
`;

/** For zsh. */
export const zsh = (leaves: readonly Leaf[]): string => `#compdef ambit
_ambit() {
  local -a given; given=("\${(@)words}")
  local at=$CURRENT
${walk(leaves, '2', 'at', 'given').replaceAll("local words=''", "local list=''").replaceAll(' words=', ' list=')}
  [[ -n "$list" ]] && compadd -- \${=list}
  _files
}
if [[ "\${funcstack[1]}" == _ambit ]]; then _ambit "$@"; else compdef _ambit ambit; fi
`;

/** For fish. */
export function fish(leaves: readonly Leaf[]): string {
  const lines = ['# fish completion for ambit', 'complete -c ambit -f -n __fish_use_subcommand'];
  const root = leaves[0]!;
  for (const leaf of leaves.slice(1)) {
    const [last = ''] = leaf.path.slice(-1);
    const parent = leaf.path.slice(0, -1);
    const where =
      parent.length === 0 ? '__fish_use_subcommand' : `"__fish_seen_subcommand_from ${parent.join(' ')}"`;
    lines.push(`complete -c ambit -n ${where} -a ${last} -d "${leaf.summary.replaceAll('"', '')}"`);
    const here = `"__fish_seen_subcommand_from ${last}"`;
    for (const flag of leaf.flags) lines.push(flagLine(leaf, flag, here));
    if (leaf.words.length > 0) lines.push(`complete -c ambit -n ${here} -f -a ${quoted(leaf.words)}`);
  }
  for (const flag of root.flags) lines.push(flagLine(root, flag, null));
  return `${lines.join('\n')}\n`;
}

function flagLine(leaf: Leaf, flag: string, here: string | null): string {
  const name = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
  const list = leaf.choices[flag];
  const value = list !== undefined ? ` -x -a ${quoted(list)}` : leaf.valued.includes(flag) ? ' -r' : '';
  return `complete -c ambit${here === null ? '' : ` -n ${here}`} ${name}${value}`;
}

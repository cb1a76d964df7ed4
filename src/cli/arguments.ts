/**
 * The commands of `tidemark` as a table: what each takes, what it does, and how its help reads. Reading a command line
 * with it is pure; `node:util` parses.
 */
import { parseArgs } from 'node:util';
import { TidemarkError } from '../core/errors.js';

export interface OptionSpec {
  readonly type: 'boolean' | 'string';
  /** What stands for the value in the help, such as `PORT`. */
  readonly value?: string;
  readonly help: string;
  /** What a value must look like, and in words. */
  readonly pattern?: readonly [RegExp, string];
}

export interface CommandSpec {
  /** As it is typed: `run`, `state list`. */
  readonly name: string;
  /** One in brackets may be left out. */
  readonly operands: readonly string[];
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
}

/** What a command is called with. */
export interface Invocation {
  readonly command: CommandSpec;
  readonly operands: readonly string[];
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
}

const wholeNumber: readonly [RegExp, string] = [/^[1-9]\d{0,8}$/, 'a whole number >= 1'];

const common: Readonly<Record<string, OptionSpec>> = {
  json: { type: 'boolean', help: 'one JSON object per line' },
  verbose: { type: 'boolean', help: 'with the stack of an error and everything that is logged' },
  help: { type: 'boolean', help: 'this text' },
};

const running: Readonly<Record<string, OptionSpec>> = {
  parallelism: {
    ...{ type: 'string', value: 'N', pattern: wholeNumber },
    help: 'logical shards, instead of what the job says',
  },
  metrics: {
    ...{ type: 'string', value: 'PORT', pattern: [/^\d{1,5}$/, 'a port, 0 to 65535'] },
    help: 'serve /metrics, /healthz and /readyz; 0 takes a free port',
  },
  'metrics-host': {
    ...{ type: 'string', value: 'HOST' },
    help: 'where they listen; default 127.0.0.1, so that nobody else sees them',
  },
  progress: {
    ...{
      type: 'string',
      value: 'EVERY',
      pattern: [/^\d+(?:ms|s|m)$/, 'a time such as 500ms or 10s'],
    },
    help: 'how often progress is told; default 200ms on a terminal, else 5s',
  },
  quiet: { type: 'boolean', help: 'no progress' },
};

const drain: Readonly<Record<string, OptionSpec>> = {
  drain: { type: 'boolean', help: 'end event time first, so that all windows and timers fire' },
};

const directory = 'the directory that the job gives to lmdb(...)';

export const commands: readonly CommandSpec[] = [
  {
    ...{ name: 'run', operands: ['FILE'] },
    options: {
      ...running,
      savepoint: {
        ...{ type: 'string', value: 'DIR' },
        help: 'leave a savepoint there when a signal stops it',
      },
      ...drain,
      rewind: { type: 'boolean', help: 'go back to the newest good snapshot if state is damaged' },
    },
    summary: 'Runs the job that FILE exports, from its last commit, until its input ends.',
  },
  {
    ...{ name: 'savepoint', operands: ['FILE', 'DIR'], options: drain },
    summary: 'Starts a job that does not run, only to leave a savepoint of it in DIR.',
  },
  {
    ...{ name: 'resume', operands: ['FILE', 'DIR'] },
    summary: 'Runs a job, with empty state of its own, from the savepoint in DIR.',
    options: {
      ...running,
      'allow-non-restored-state': {
        type: 'boolean',
        help: 'let go state of uids that no operator has any more',
      },
    },
  },
  {
    ...{ name: 'explain', operands: ['FILE'] },
    summary: 'Says what the pipeline of a job consists of. Nothing is opened.',
    options: { mermaid: { type: 'boolean', help: 'a flowchart for Mermaid' } },
  },
  {
    ...{ name: 'why', operands: ['FILE|DIR'], options: {} },
    summary: 'Says what waited for which watermark at the last commit, and what held it back.',
  },
  {
    ...{ name: 'state list', operands: ['DIR'], options: {} },
    summary: `Operators with state: keys, timers, bytes. DIR is ${directory}.`,
  },
  {
    ...{ name: 'state get', operands: ['DIR', 'UID', 'KEY'], options: {} },
    summary: 'State and timers of one key. KEY is JSON; what is not JSON is text.',
  },
  {
    ...{ name: 'state export', operands: ['DIR', '[UID]'], options: {} },
    summary: 'All state, or that of one operator, as lines of JSON.',
  },
  {
    ...{ name: 'state diff', operands: ['DIR', 'DIR'], options: {} },
    summary: 'What the second state has that the first has not, key by key.',
  },
  {
    ...{ name: 'checkpoints', operands: ['DIR'], options: {} },
    summary: 'The last commit, and the epochs before it as far as they are recorded.',
  },
];

/** What a command line asks for: a command, or a text. */
export type Asked = Invocation | { readonly help: string } | 'version';

/**
 * Reads a command line.
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function readArguments(argv: readonly string[]): Asked {
  const [first] = argv;
  if (first === '--version') return 'version';
  if (first === undefined || first === '--help' || first === 'help') {
    const about = commands.find(({ name }) => name === argv.slice(1).join(' '));
    return { help: about === undefined ? generalHelp() : helpOf(about) };
  }
  // `state` is the beginning of several commands.
  if (argv[1] === '--help' && commands.every(({ name }) => name !== first))
    return { help: generalHelp() };
  const command = commandOf(argv);
  const rest = argv.slice(command.name.split(' ').length);
  const where = `tidemark ${command.name}`;
  const options = { ...command.options, ...common };
  const { values, positionals } = parse(rest, options, where);
  if (values['help'] === true) return { help: helpOf(command) };
  for (const [name, { pattern }] of Object.entries(options)) {
    const value = values[name];
    if (pattern === undefined || typeof value !== 'string' || pattern[0].test(value)) continue;
    throw usage(pattern[1], JSON.stringify(value), `${where} --${name}`, command);
  }
  const most = command.operands.length;
  const least = command.operands.filter((operand) => !operand.startsWith('[')).length;
  if (positionals.length < least || positionals.length > most) {
    const got = positionals.length === 0 ? 'nothing' : positionals.join(' ');
    throw usage(command.operands.join(' '), got, where, command);
  }
  return { command, operands: positionals, values };
}

function commandOf(argv: readonly string[]): CommandSpec {
  const found = commands.find(({ name }) =>
    name.split(' ').every((word, index) => argv[index] === word),
  );
  if (found !== undefined) return found;
  const known = commands.map(({ name }) => name);
  const family = known.filter((name) => name.startsWith(`${argv[0] ?? ''} `));
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: `one of ${(family.length === 0 ? known : family).join(', ')}`,
    got: argv.slice(0, family.length === 0 ? 1 : 2).join(' '),
    where: 'tidemark',
    hint: 'Run tidemark --help.',
  });
}

function parse(
  args: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
  where: string,
): { values: Readonly<Record<string, string | boolean | undefined>>; positionals: string[] } {
  const types = Object.entries(options).map(([name, { type }]) => [name, { type }] as const);
  try {
    return parseArgs({
      args: [...args],
      options: Object.fromEntries(types),
      allowPositionals: true,
    });
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\. /);
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: Object.entries(options).map(spelled).join(', '),
      got: sentence.replace(/^\w/, (letter) => letter.toLowerCase()),
      where,
      hint: `Run ${where} --help.`,
    });
  }
}

function usage(expected: string, got: string, where: string, { name }: CommandSpec): TidemarkError {
  const hint = `Run tidemark ${name} --help.`;
  return new TidemarkError('OPTIONS_INVALID', { expected, got, where, hint });
}

function generalHelp(): string {
  const rows = commands.map(({ name, operands, summary }): [string, string] => [
    [name, ...operands].join(' '),
    summary,
  ]);
  return [
    'tidemark: runs jobs, and looks at what they have committed.',
    '',
    ...table(rows),
    '',
    'A FILE is a module whose default export is defineJob(...); a DIR is a state directory.',
    'tidemark COMMAND --help tells the options. All commands know --json, --verbose and --help.',
    'Exit codes: 0 done or stopped in good order, 1 failed, 2 wrong usage, 3 differences found, 130 aborted.',
  ].join('\n');
}

function helpOf({ name, operands, summary, options }: CommandSpec): string {
  const rows = Object.entries({ ...options, ...common }).map((option): [string, string] => [
    spelled(option),
    option[1].help,
  ]);
  return [`tidemark ${[name, ...operands].join(' ')}`, '', summary, '', ...table(rows)].join('\n');
}

function spelled([name, { value }]: [string, OptionSpec]): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

/** The command line of the demo: read with `parseArgs`, checked with zod, and refused with every problem named. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { TidemarkError, durationMs } from '../../src/index.js';
import type { Duration } from '../../src/index.js';

export const timeUnits = ['s', 'ms', 'iso'] as const;
export type TimeUnit = (typeof timeUnits)[number];
export const formats = ['csv', 'tsv', 'jsonl'] as const;
export type Format = (typeof formats)[number];

export interface GeneratedInput {
  readonly kind: 'generated';
  readonly seed: number;
  readonly events: number;
}

export interface FileInput {
  readonly kind: 'file';
  readonly path: string;
  readonly format: Format;
  /** Absent: the first line of the file names them. */
  readonly columns?: readonly string[];
  readonly time: string;
  readonly timeUnit: TimeUnit;
}

export interface DemoOptions {
  readonly input: GeneratedInput | FileInput;
  /** The field that is counted. */
  readonly key: string;
  /** Per field the values of which one must be there. */
  readonly where: ReadonlyMap<string, readonly string[]>;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly top: number;
  readonly outOfOrdernessMs: number;
  readonly latenessMs: number;
  readonly json: boolean;
  /** Directory of a durable job. */
  readonly state?: string;
  readonly parallelism: number;
}

export const helpText = `Finds what is trending: the most frequent keys per sliding window, rising and falling.

  npm run -s demo                        a day of an invented music service, live on a terminal
  npm run -s demo -- --input FILE ...    a file of yours

The file
  --input FILE             csv, tsv or jsonl; gzip by name (.gz)
  --format csv|tsv|jsonl   default: by the name of the file
  --columns a,b,c          names of the columns, for a file without a header line
  --time FIELD             event time
  --time-unit s|ms|iso     what it counts; default ms. iso without a zone is UTC
  --key FIELD              what is counted

The question
  --where FIELD=VALUE      count only such records; may be repeated,
                           and for one field either value will do
  --size 1h  --slide 5m    length of a window, and how often one ends
  --top 10                 places of a chart. Ties go by key
  --out-of-orderness 2m    how long windows wait for stragglers;
                           default 2m for the invented day, 1m for a file
  --lateness 0s            how long stragglers still mend a chart;
                           --json then prints it again, and the last one counts

The run
  --json                   one line per place on standard output, nothing else there
  --state DIR              a durable job: stop it, kill it, start it again,
                           and it goes on from its last commit
  --parallelism 1          shards; may differ at each start
  --seed 1
  --events 600000          of the invented day; its fields are songId, userId, country
  --help
`;

const text = z.string().min(1, 'text');
const wholeNumber = (minimum: number, maximum: number): z.ZodType<number> =>
  z
    .string()
    .refine(
      (given) => /^\d+$/.test(given) && Number(given) >= minimum && Number(given) <= maximum,
      `a whole number from ${minimum} to ${maximum}`,
    )
    .transform(Number);
const duration = (minimumMs: number): z.ZodType<number> =>
  z
    .string()
    .refine(
      (given) => (durationOf(given) ?? -1) >= minimumMs,
      `a duration${minimumMs > 0 ? ' above 0' : ''}, such as 500ms, 30s, 5m, 1h or 1d`,
    )
    .transform((given) => durationOf(given) ?? 0);
const list = z.string().transform((given) => given.split(',').map((name) => name.trim()));
const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodType<Values[number]> =>
  z.enum(values, { error: values.join(', ').replace(/, ([^,]*)$/, ' or $1') });

const schema = z.strictObject({
  input: text.optional(),
  format: oneOf(formats).optional(),
  columns: list
    .refine((names) => names.every((name) => name !== ''), 'names, with commas between')
    .refine((names) => new Set(names).size === names.length, 'each name once')
    .optional(),
  time: text.optional(),
  'time-unit': oneOf(timeUnits).optional(),
  key: text.optional(),
  where: z.array(z.string().refine((given) => given.indexOf('=') > 0, 'FIELD=VALUE')).default([]),
  size: duration(1).default(3_600_000),
  slide: duration(1).default(300_000),
  top: wholeNumber(1, 1000).default(10),
  'out-of-orderness': duration(0).optional(),
  lateness: duration(0).default(0),
  json: z.boolean().default(false),
  state: text.optional(),
  parallelism: wholeNumber(1, 64).default(1),
  seed: wholeNumber(0, 2 ** 32 - 1).optional(),
  events: wholeNumber(1, 100_000_000).optional(),
});

type Given = z.output<typeof schema>;

interface Problem {
  readonly option: string;
  readonly expected: string;
  readonly got: string;
}

/**
 * Reads the arguments behind the name of the program.
 *
 * @throws TidemarkError OPTIONS_INVALID, with all problems in one line
 */
export function parseOptions(argv: readonly string[]): DemoOptions | 'help' {
  const values = readArguments(argv);
  if (values['help'] === true) return 'help';
  const result = schema.safeParse(values);
  if (!result.success)
    throw invalid(
      result.error.issues.map(({ path, message }) => {
        const [name = '', index] = path;
        const option: unknown = values[String(name)];
        const got: unknown = Array.isArray(option) ? option[Number(index)] : option;
        return { option: `--${String(name)}`, expected: message, got: JSON.stringify(got) };
      }),
    );
  const problems = misfits(result.data);
  if (problems.length > 0) throw invalid(problems);
  return assemble(result.data);
}

function readArguments(argv: readonly string[]): Record<string, unknown> {
  const string = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(Object.keys(schema.shape).map((name) => [name, string])),
        where: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return { ...values };
  } catch (error) {
    const got = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'the options that --help lists',
      got: got.charAt(0).toLowerCase() + got.slice(1),
      where: 'the command line',
      hint: 'See npm run -s demo -- --help.',
    });
  }
}

/** Options that are right each, and wrong together. */
function misfits(given: Given): Problem[] {
  const problems: Problem[] = [];
  const expect = (option: string, expected: string, got = 'nothing'): void => {
    problems.push({ option, expected, got });
  };
  if (given.input === undefined) {
    for (const option of ['format', 'columns', 'time', 'time-unit'] as const)
      if (given[option] !== undefined) expect(`--${option}`, 'an --input beside it');
    const known = ['songId', 'userId', 'country'];
    for (const [option, field] of namedFields(given))
      if (!known.includes(field)) expect(option, `${known.join(', ')} of the invented day`, field);
    return problems;
  }
  for (const option of ['seed', 'events'] as const)
    if (given[option] !== undefined) expect(`--${option}`, 'no --input beside it', 'both');
  if (given.time === undefined) expect('--time', 'the field of the event time');
  if (given.key === undefined) expect('--key', 'the field that is counted');
  if (formatOf(given) === undefined) expect('--format', formats.join(' or '));
  const { columns } = given;
  if (columns !== undefined && formatOf(given) === 'jsonl')
    expect('--columns', 'none, because each record of jsonl names its fields', columns.join());
  else if (columns !== undefined)
    for (const [option, field] of namedFields(given))
      if (!columns.includes(field)) expect(option, `one of ${columns.join(', ')}`, field);
  return problems;
}

/** Where options name fields of a record. */
function namedFields({ time, key, where }: Given): [option: string, field: string][] {
  const named: [string, string | undefined][] = [
    ['--time', time],
    ['--key', key],
    ...where.map((condition): [string, string] => ['--where', splitCondition(condition)[0]]),
  ];
  return named.flatMap(([option, field]) => (field === undefined ? [] : [[option, field]]));
}

function assemble(given: Given): DemoOptions {
  const where = new Map<string, string[]>();
  for (const condition of given.where) {
    const [field, value] = splitCondition(condition);
    where.set(field, [...(where.get(field) ?? []), value]);
  }
  return {
    input: inputOf(given),
    key: given.key ?? 'songId',
    where,
    sizeMs: given.size,
    slideMs: given.slide,
    top: given.top,
    outOfOrdernessMs: given['out-of-orderness'] ?? (given.input === undefined ? 120_000 : 60_000),
    latenessMs: given.lateness,
    json: given.json,
    parallelism: given.parallelism,
    ...(given.state === undefined ? {} : { state: given.state }),
  };
}

function inputOf(given: Given): GeneratedInput | FileInput {
  if (given.input === undefined)
    return { kind: 'generated', seed: given.seed ?? 1, events: given.events ?? 600_000 };
  return {
    kind: 'file',
    path: given.input,
    format: formatOf(given) ?? 'csv',
    time: given.time ?? '',
    timeUnit: given['time-unit'] ?? 'ms',
    ...(given.columns === undefined ? {} : { columns: given.columns }),
  };
}

function formatOf({ format, input = '' }: Given): Format | undefined {
  return format ?? formats.find((name) => new RegExp(`\\.${name}(\\.gz)?$`, 'i').test(input));
}

function splitCondition(condition: string): [field: string, value: string] {
  const at = condition.indexOf('=');
  return [condition.slice(0, at), condition.slice(at + 1)];
}

function durationOf(given: string): number | undefined {
  try {
    return durationMs(given as Duration, 'the command line');
  } catch {
    return undefined;
  }
}

function invalid(problems: readonly Problem[]): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected: problems.map(({ option, expected }) => `${option}: ${expected}`).join('; '),
    got: problems.map(({ got }) => got).join('; '),
    where: problems.map(({ option }) => option).join(', '),
    hint: 'See npm run -s demo -- --help.',
  });
}

/** Where the records of the demo come from, and what its options mean for one record of them. */
import { TidemarkError, file, iterable, nodeRuntime } from '../../src/index.js';
import type { ErrorCode, Source } from '../../src/index.js';
import { songOf } from './catalogue.js';
import { heardMs, plays } from './generator.js';
import type { Play } from './generator.js';
import type { DemoOptions, FileInput, GeneratedInput, TimeUnit } from './options.js';
import type { Label } from './view.js';

export interface DemoInput {
  readonly source: Source<unknown>;
  readonly timestamp: (record: unknown) => number;
  readonly key: (record: unknown) => string;
  readonly where: (record: unknown) => boolean;
  /** What a key is called. */
  readonly label: (key: string) => Label;
  /** What the records are called. */
  readonly noun: string;
  /** How many records there are, where that is known. */
  readonly total: number | undefined;
}

/**
 * Opens what the options name.
 *
 * @throws TidemarkError SOURCE_FAILED for a file that cannot be read, OPTIONS_INVALID for fields that it does not have
 */
export async function openInput(options: DemoOptions): Promise<DemoInput> {
  const { input, where } = options;
  return input.kind === 'file'
    ? openFile(input, options)
    : openGenerated(input, { key: options.key, matches: matcher(where) });
}

function openGenerated(
  input: GeneratedInput,
  { key, matches }: { key: string; matches: (record: unknown) => boolean },
): DemoInput {
  return {
    source: iterable(() => plays(input), { name: 'play' }),
    timestamp: (play) => {
      const { at } = play as Play;
      if (Number.isNaN(at)) throw invalidField('TIMESTAMP_INVALID', 'a time', 'a broken clock');
      return at;
    },
    key: keyReader(key),
    where: (play) => (play as Play).ms >= heardMs && matches(play),
    label: (id) => (key === 'songId' ? (songOf(id) ?? { title: id }) : { title: id }),
    noun: 'plays',
    total: input.events,
  };
}

async function openFile(input: FileInput, options: DemoOptions): Promise<DemoInput> {
  const { path, format, columns } = input;
  const source: Source<unknown> =
    format === 'jsonl'
      ? file(path, { format })
      : file(path, { format, ...(columns === undefined ? {} : { columns }) });
  await checkFields(source, [
    ['--time', input.time],
    ['--key', options.key],
    ...[...options.where.keys()].map((field): [string, string] => ['--where', field]),
  ]);
  return {
    source,
    timestamp: timeReader(input.time, input.timeUnit),
    key: keyReader(options.key),
    where: matcher(options.where),
    label: (key) => ({ title: key }),
    noun: 'records',
    total: undefined,
  };
}

/** Looks at the first records, so that a field that is not there is said at once and not as a million dead letters. */
async function checkFields(
  source: Source<unknown>,
  fields: readonly (readonly [option: string, field: string])[],
): Promise<void> {
  const runtime = nodeRuntime();
  const [split] = await source.splits(runtime);
  if (split === undefined) return;
  const reader = await source.open(split, undefined, runtime);
  let first;
  try {
    first = await reader.read();
  } finally {
    await reader.close();
  }
  const known = new Set((first?.chunk.values ?? []).flatMap((value) => Object.keys(value ?? {})));
  if (known.size === 0) return;
  const unknown = fields.filter(([, field]) => !known.has(field));
  if (unknown.length === 0) return;
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: `fields of ${source.name}: ${[...known].join(', ')}`,
    got: unknown.map(([, field]) => JSON.stringify(field)).join(', '),
    where: unknown.map(([option]) => option).join(', '),
    hint: 'Name one of its fields; --columns names them for a file without a header line.',
  });
}

/** Thrown for one record, it makes that a dead letter; operator and position are added on the way. */
function invalidField(code: ErrorCode, expected: string, got = 'nothing'): TidemarkError {
  const hint = 'The record is kept among the dead letters, the others are counted.';
  return new TidemarkError(code, { expected, got, where: 'a record', hint });
}

function fieldOf(record: unknown, field: string): unknown {
  return typeof record === 'object' && record !== null
    ? (record as Readonly<Record<string, unknown>>)[field]
    : undefined;
}

function keyReader(field: string): (record: unknown) => string {
  return (record) => {
    const value = fieldOf(record, field);
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw invalidField('KEY_INVALID', `text or a number in "${field}"`, JSON.stringify(value));
  };
}

function matcher(where: DemoOptions['where']): (record: unknown) => boolean {
  const conditions = [...where].map(([field, values]) => ({ field, values: new Set(values) }));
  return (record) =>
    conditions.every(({ field, values }) => {
      const value = fieldOf(record, field);
      return value !== undefined && value !== null && values.has(scalarText(value));
    });
}

function scalarText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function timeReader(field: string, unit: TimeUnit): (record: unknown) => number {
  const read = unit === 'iso' ? isoMs : unit === 's' ? numberMs(1000) : numberMs(1);
  return (record) => {
    const value = fieldOf(record, field);
    const ms = read(value);
    if (ms === ms) return ms;
    const expected = `${unitNames[unit]} in "${field}"`;
    throw invalidField('TIMESTAMP_INVALID', expected, JSON.stringify(value));
  };
}

const unitNames: Readonly<Record<TimeUnit, string>> = {
  s: 'seconds since 1970',
  ms: 'milliseconds since 1970',
  iso: 'an ISO 8601 time',
};

function numberMs(factor: number): (value: unknown) => number {
  return (value) => {
    if (typeof value === 'number') return Math.round(value * factor);
    // Number('') is 0, and Number('0x10') is 16: neither is a time.
    if (typeof value !== 'string' || !/^\s*-?\d+(?:\.\d+)?\s*$/.test(value)) return NaN;
    return Math.round(Number(value) * factor);
  };
}

/** Date.parse takes a time without a zone for local time, which would differ between machines. */
function isoMs(value: unknown): number {
  const parts =
    typeof value === 'string'
      ? /^\s*(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?)?\s*$/i.exec(
          value,
        )
      : null;
  if (parts === null) return NaN;
  const [, date = '', time = '00:00', zone = 'Z'] = parts;
  return Date.parse(`${date}T${time.replace(',', '.')}${zone.replace(/^(...)(\d\d)$/, '$1:$2')}`);
}

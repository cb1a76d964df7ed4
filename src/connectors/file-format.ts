/**
 * Makes values of the records of a file: objects by column for csv and tsv, any JSON value for jsonl.
 *
 * Most CSV lines hold no quote, and for those a split at the delimiter is all there is to do. It is seven times as
 * fast as csv-parse (200 against 30 MB/s), and a property test holds it equal. Records with quotes go to csv-parse,
 * many at a time, because each call of it costs 20 µs.
 */
import { show } from '../core/errors.js';

/** One record as text, without its line end. */
export interface RawRecord {
  readonly text: string;
  /** The number of its first line. */
  readonly line: number;
  readonly hasQuotes: boolean;
  /** Why there is no record to decode; `text` is then what can be shown of it. */
  readonly problem: string | undefined;
}

/** Stands in the place of the value of a record that could not be decoded. */
export class Undecodable {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Gives one value, or `Undecodable`, per record. */
export type Decode = (records: readonly RawRecord[]) => unknown[];

/** The sync door of csv-parse, handed in because it is loaded only when a CSV file is opened. */
export type ParseCsv = (
  text: string,
  options: {
    readonly delimiter: string;
    readonly record_delimiter: string;
    readonly relax_column_count: boolean;
  },
) => string[][];

export const decodeJsonl: Decode = (records) =>
  records.map(({ text, problem }) => {
    if (problem !== undefined) return new Undecodable(problem);
    try {
      // `__proto__` in a record stays a plain property: JSON.parse defines it, it does not assign it.
      return JSON.parse(text) as unknown;
    } catch (error) {
      return new Undecodable(`not JSON: ${error instanceof Error ? error.message : show(error)}`);
    }
  });

/** The fields of each record; the header is read with it. */
export function decodeFields(delimiter: string, parse: ParseCsv): Decode {
  return (records) => {
    const rows = records.map(({ text, hasQuotes, problem }) =>
      problem !== undefined
        ? new Undecodable(problem)
        : hasQuotes
          ? undefined
          : text.split(delimiter),
    );
    const quoted = records.filter((_, index) => rows[index] === undefined);
    const parsed = parseQuoted(quoted, delimiter, parse).values();
    return rows.map((row) => row ?? parsed.next().value);
  };
}

/** An object per record; a field count that differs from the columns makes it unreadable. */
export function decodeRows(columns: readonly string[], delimiter: string, parse: ParseCsv): Decode {
  const fieldsOf = decodeFields(delimiter, parse);
  const plain = plainRow(columns, delimiter);
  return (records) => {
    const rows = records.map((record) => {
      if (record.problem !== undefined) return new Undecodable(record.problem);
      return record.hasQuotes ? undefined : plain(record.text);
    });
    const quoted = records.filter((_, index) => rows[index] === undefined);
    if (quoted.length === 0) return rows;
    const fields = fieldsOf(quoted).values();
    return rows.map((row) => row ?? rowOf(fields.next().value, columns));
  };
}

/** Cuts a line straight into an object; an array of fields between the two would cost half of the speed. */
function plainRow(columns: readonly string[], delimiter: string): (text: string) => object {
  const last = columns.length - 1;
  const set = setterFor(columns);
  return (text) => {
    const row: Record<string, string> = {};
    let from = 0;
    for (let column = 0; column < last; column += 1) {
      const to = text.indexOf(delimiter, from);
      if (to < 0) return wrongCount(column + 1, columns);
      set(row, columns[column] as string, text.slice(from, to));
      from = to + 1;
    }
    if (text.includes(delimiter, from)) return wrongCount(text.split(delimiter).length, columns);
    set(row, columns[last] as string, text.slice(from));
    return row;
  };
}

function rowOf(fields: unknown, columns: readonly string[]): unknown {
  if (!Array.isArray(fields)) return fields;
  if (fields.length !== columns.length) return wrongCount(fields.length, columns);
  const row: Record<string, string> = {};
  const set = setterFor(columns);
  columns.forEach((column, index) => set(row, column, fields[index] as string));
  return row;
}

type Setter = (row: Record<string, string>, column: string, field: string) => void;

/** Assigning to `__proto__` would lose the field; defining it makes a plain property, at a tenth of the speed. */
function setterFor(columns: readonly string[]): Setter {
  if (!columns.includes('__proto__')) return assign;
  return (row, column, value) =>
    Object.defineProperty(row, column, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

const assign: Setter = (row, column, field) => {
  row[column] = field;
};

function wrongCount(count: number, columns: readonly string[]): Undecodable {
  return new Undecodable(`expected ${columns.length} columns, got ${count}`);
}

/** All at once; should csv-parse refuse one that looked well, each on its own, so that only that one is lost. */
function parseQuoted(
  records: readonly RawRecord[],
  delimiter: string,
  parse: ParseCsv,
): (string[] | Undecodable)[] {
  if (records.length === 0) return [];
  const options = { delimiter, record_delimiter: '\n', relax_column_count: true };
  try {
    const rows = parse(records.map(({ text }) => text).join('\n'), options);
    if (rows.length === records.length) return rows;
  } catch (error) {
    if (records.length === 1)
      return [new Undecodable(error instanceof Error ? error.message : show(error))];
  }
  if (records.length === 1) return [new Undecodable('more than one record within quotes')];
  return records.flatMap((record) => parseQuoted([record], delimiter, parse));
}

/**
 * Makes lines of csv and tsv of rows, after RFC 4180: what a reader could misunderstand stands in quotes.
 *
 * A row must have no field that the columns do not name: it would be lost in silence.
 */
import { show } from '../core/errors.js';

export interface CsvLinesOptions {
  readonly columns: readonly string[];
  readonly delimiter: ',' | '\t';
  /** Whether text that a spreadsheet would take for a formula is given a quote in front, so that it is text there. */
  readonly formulaSafe: boolean;
}

/** A line without its end. Throws what an encoder of `partFiles` may throw. */
export type CsvLine = (row: unknown) => string;

export function csvLine(options: CsvLinesOptions): CsvLine {
  const { columns, delimiter } = options;
  const known = new Set(columns);
  const field = fieldOf(options);
  return (row) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row))
      throw new TypeError('a row is an object with a field for each column');
    const fields = row as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(fields).find((name) => !known.has(name));
    if (unknown !== undefined) throw new TypeError(`there is no column ${show(unknown)}`);
    const line = columns.map((name) =>
      field(Object.hasOwn(fields, name) ? fields[name] : undefined),
    );
    // A single empty field would be an empty line, which readers skip.
    return line.length === 1 && line[0] === '' ? '""' : line.join(delimiter);
  };
}

/** The names themselves as a line. */
export function csvHeader(options: CsvLinesOptions): string {
  return options.columns.map((name) => quoted(name, options.delimiter)).join(options.delimiter);
}

function fieldOf({ delimiter, formulaSafe }: CsvLinesOptions): (value: unknown) => string {
  return (value) => {
    switch (typeof value) {
      case 'string':
        return quoted(formulaSafe && FORMULA.test(value) ? `'${value}` : value, delimiter);
      case 'number':
      case 'boolean':
      case 'bigint':
        return String(value);
      case 'undefined':
        return '';
      case 'object':
        return value === null ? '' : quoted(textOf(value), delimiter);
      default:
        throw new TypeError(`${show(value)} is no value of a field`);
    }
  };
}

/** How a formula begins for the usual spreadsheets; a tab or line end in front of one is skipped by them. */
const FORMULA = /^[=+\-@\t\r\n]/;

/** What has a text of its own in JSON (a date) is that text; other objects and arrays are JSON. */
function textOf(value: object): string {
  const json: unknown = JSON.stringify(value);
  if (typeof json !== 'string') throw new TypeError(`${show(value)} is no value of a field`);
  const plain: unknown = json.startsWith('"') ? JSON.parse(json) : json;
  return plain as string;
}

function quoted(text: string, delimiter: string): string {
  const isPlain = !NEEDS_QUOTES.test(text) && !text.includes(delimiter);
  return isPlain ? text : `"${text.replaceAll('"', '""')}"`;
}

/** Besides quotes and line ends: spaces at an edge, which some readers cut off, and a byte order mark. */
const NEEDS_QUOTES = /["\r\n]|^[ \t\ufeff]|[ \t]$/;

/** A conformance case as it stands in a file of vectors, and how it is read. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Fields = Readonly<Record<string, unknown>>;

/** An item of an output: a record (`ts` absent: without timestamp), a watermark, or a change of idleness. */
export type Item = Recorded | { readonly wm: number } | { readonly status: string };

export interface Recorded {
  readonly v: unknown;
  readonly ts?: number | undefined;
}

/** What must hold once `at` steps have run. Everything but `at` is optional, and depends on the family. */
export interface Check extends Fields {
  readonly at: number;
  readonly out?: readonly Item[];
  readonly order?: string;
  readonly groups?: readonly number[];
  readonly fixedPositions?: readonly (readonly [number, Item])[];
  readonly side?: Readonly<Record<string, readonly Recorded[]>>;
  readonly sideOrder?: string;
  readonly error?: string;
}

export interface Case {
  readonly id: string;
  readonly given: Fields;
  readonly input: readonly Fields[];
  readonly expect: readonly Check[];
  /** All checks as Flink 2 gives them, where it differs. */
  readonly flink2?: readonly Check[];
  /** Quirks of Flink that a case shows, and that nobody has to copy. */
  readonly flags?: readonly string[];
}

/** A time that no double can hold beside the infinities: so many ms after MIN, or before MAX. */
export class OffEnd {
  readonly end: 'MIN' | 'MAX';
  readonly ms: number;

  constructor(end: 'MIN' | 'MAX', ms: number) {
    this.end = end;
    this.ms = ms;
  }
}

/** Reads a JSON array of cases, or a case per line. MIN and MAX become infinities, MIN+n and MAX-n an `OffEnd`. */
export function parseCases(text: string): Case[] {
  if (text.trimStart().startsWith('[')) return parse(text) as Case[];
  return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [parse(line) as Case]));
}

/** The cases of a file of the folder; undefined when there is no such file. */
export function readCases(folder: string, file: string): Case[] | undefined {
  const path = join(folder, file);
  return existsSync(path) ? parseCases(readFileSync(path, 'utf8')) : undefined;
}

/** The folder that TIDEMARK_VECTORS names, or the one of this repository, from the sources as from what was compiled. */
export function vectorsFolder(): string {
  const named = process.env['TIDEMARK_VECTORS'];
  if (named !== undefined && named !== '') return named;
  const places = ['./vectors', '../../conformance/vectors'];
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no folder of vectors at ${paths.join(' or ')}`);
  return found;
}

/** Whether a case speaks of times that a double cannot hold. */
export function hasOffEnd(value: unknown): boolean {
  if (value instanceof OffEnd) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasOffEnd);
}

function parse(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' ? numberOf(value) : value,
  );
}

function numberOf(text: string): unknown {
  if (text === 'MIN') return -Infinity;
  if (text === 'MAX') return Infinity;
  const found = /^(?:(MIN)\+|(MAX)-)(\d+)$/.exec(text);
  if (found === null) return text;
  return new OffEnd(found[1] === undefined ? 'MAX' : 'MIN', Number(found[3]));
}

/**
 * Finds where a CSV record with quotes ends, by the rules of RFC 4180: a quote counts only at the start of a field.
 *
 *     1,"a ""quoted"" word",2⏎         one record: two quotes inside a quoted field are one
 *     1,"two⏎lines",2⏎                 one record: a line end inside quotes is text
 *     1,5" disk,2⏎                     broken: a quote inside a field that does not begin with one
 *
 * It only finds the end; csv-parse makes the fields. Counting quotes instead would let the third line swallow all
 * lines up to the next stray quote.
 */

export const QUOTE = 0x22;
export const LINE_FEED = 0x0a;
export const CARRIAGE_RETURN = 0x0d;

/** Where a record ends, that more bytes are needed to say so, or why there is no record. */
export type QuoteScan =
  | { readonly kind: 'record'; readonly end: number; readonly next: number }
  | { readonly kind: 'starved' }
  | { readonly kind: 'broken'; readonly reason: string };

const starved: QuoteScan = { kind: 'starved' };

export interface QuoteScanOptions {
  readonly delimiter: number;
  /** Whether the input ends where the bytes end. */
  readonly isLast: boolean;
}

/** Scans one record that begins at `start`. `end` is behind its last byte, `next` behind its line end. */
export function scanQuoted(bytes: Uint8Array, start: number, options: QuoteScanOptions): QuoteScan {
  let position = start;
  for (;;) {
    const field =
      bytes[position] === QUOTE
        ? quotedField(bytes, position, options)
        : plainField(bytes, position, options);
    if (typeof field !== 'number') return field;
    position = field + 1;
  }
}

/** The place of the delimiter behind a quoted field, or the end of the scan. */
function quotedField(
  bytes: Uint8Array,
  start: number,
  { delimiter, isLast }: QuoteScanOptions,
): number | QuoteScan {
  let close = bytes.indexOf(QUOTE, start + 1);
  while (close >= 0 && bytes[close + 1] === QUOTE) close = bytes.indexOf(QUOTE, close + 2);
  if (close < 0) return isLast ? broken('a quoted field is not closed') : starved;
  const behind = close + 1;
  const isOnEdge =
    behind >= bytes.length || (bytes[behind] === CARRIAGE_RETURN && behind + 1 >= bytes.length);
  if (isOnEdge && !isLast) return starved;
  if (behind >= bytes.length) return { kind: 'record', end: behind, next: behind };
  if (bytes[behind] === delimiter) return behind;
  if (bytes[behind] === LINE_FEED) return { kind: 'record', end: behind, next: behind + 1 };
  if (bytes[behind] === CARRIAGE_RETURN && bytes[behind + 1] === LINE_FEED)
    return { kind: 'record', end: behind, next: behind + 2 };
  return broken('text stands behind the closing quote of a field');
}

/** The place of the delimiter behind a field without quotes, or the end of the scan. */
function plainField(
  bytes: Uint8Array,
  start: number,
  { delimiter, isLast }: QuoteScanOptions,
): number | QuoteScan {
  for (let position = start; position < bytes.length; position += 1) {
    const byte = bytes[position];
    if (byte === delimiter) return position;
    if (byte === QUOTE) return broken('a quote stands inside a field that does not begin with one');
    if (byte !== LINE_FEED) continue;
    const end =
      position > start && bytes[position - 1] === CARRIAGE_RETURN ? position - 1 : position;
    return { kind: 'record', end, next: position + 1 };
  }
  return isLast ? { kind: 'record', end: bytes.length, next: bytes.length } : starved;
}

function broken(reason: string): QuoteScan {
  return { kind: 'broken', reason };
}

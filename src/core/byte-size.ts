/** `'64MB'` to a number of bytes, or an error that says what is allowed. */
import { TidemarkError, show } from './errors.js';

/** Whole bytes as a number, or text: a number and one of `B`, `KB`, `MB`, `GB`, each 1,024 of the one before. */
export type Bytes = number | `${number}${'B' | 'KB' | 'MB' | 'GB'}`;

const unitBytes = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

/**
 * Reads a size.
 *
 * @param where the option it was given for, such as `checkpoint.bytes`
 * @throws TidemarkError OPTIONS_INVALID
 */
export function byteSize(size: Bytes, where: string): number {
  const bytes = typeof size === 'string' ? parse(size) : size;
  if (bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 1)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: "a whole number of bytes >= 1, or text such as '64KB', '256MB', '1.5GB'",
      got: show(size),
      where,
      hint: 'Write the unit directly behind the number, without a space; 1KB is 1,024 bytes.',
    });
  return bytes;
}

function parse(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|KB|MB|GB)$/.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes]);
}

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { TidemarkError } from '../core/errors.js';
import { checkOptions, durationOption, functionOption } from './options.js';

const schema = z.strictObject({
  size: z.number().int().min(1).max(10).default(5),
  format: z.enum(['csv', 'jsonl']),
  names: z.array(z.string()).min(1).optional(),
  label: z.string().min(2).optional(),
  path: z.union([z.string(), z.array(z.string())]).optional(),
  fn: functionOption<() => void>().optional(),
});

describe('checkOptions', () => {
  test('right options come back with their defaults', () => {
    expect(checkOptions(schema, { format: 'csv' }, 'thing()')).toEqual({ format: 'csv', size: 5 });
  });

  test('all problems are named in one error', () => {
    const error = refusal({ size: 1.5, names: [], label: 'x', fn: 3, path: 4, typo: 1 });
    expect(error.code).toBe('OPTIONS_INVALID');
    for (const text of [
      'size: a whole number',
      'format: "csv" or "jsonl"',
      'names: >= 1 entries',
      'label: text of >= 2 characters',
      'fn: a function',
      'path: text, or an array',
      'only options that exist',
    ])
      expect(error.expected).toContain(text);
    for (const text of ['size: 1.5', 'format: nothing', 'names: []', 'unknown option "typo"'])
      expect(error.got).toContain(text);
    expect(error.where).toBe('thing(), size, format, names, label, path, fn');
    expect(error.hint).toContain('all 7');
  });

  test('an option that is spelled wrongly is refused', () => {
    expect(refusal({ format: 'csv', sise: 3 }).got).toBe('unknown option "sise"');
  });

  test('a bound is told with its number', () => {
    expect(refusal({ format: 'csv', size: 11 }).expected).toBe('size: a number <= 10');
    expect(refusal({ format: 'csv', size: 0 }).expected).toBe('size: a number >= 1');
  });

  test('options that are no object are refused', () => {
    expect(refusal(7)).toMatchObject({
      expected: 'an object of options',
      got: '7',
      where: 'thing()',
    });
  });

  test('a discriminated union names what the discriminator may be', () => {
    const union = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('a'), size: z.number() }),
      z.strictObject({ kind: z.enum(['b', 'c']) }),
    ]);
    expect(refusal({ kind: 'z' }, union).expected).toBe('kind: "a" or "b" or "c"');
    expect(refusal({ kind: 'a', size: 'x', more: 1 }, union).expected).toBe(
      'size: a number; only options that exist',
    );
  });
});

describe('durationOption', () => {
  const durations = z.strictObject({
    gap: durationOption().optional(),
    size: durationOption({ min: 1 }).optional(),
  });

  test.each([0, 5, '0s', '1.5h'])('%s is a duration', (gap) => {
    expect(checkOptions(durations, { gap }, 'thing()')).toEqual({ gap });
  });

  test('what is none is told with what would be one', () => {
    const error = refusal({ gap: '5 minutes', size: 0 }, durations);
    expect(error.expected).toBe(
      "gap: a duration, such as 500, '30s' or '5m'; size: a duration > 0, such as 500, '30s' or '5m'",
    );
    expect(error.got).toBe('gap: "5 minutes"; size: 0');
    for (const gap of [-1, 1.5, NaN, Infinity, null, '', true, 5n])
      expect(refusal({ gap }, durations).where).toBe('thing(), gap');
  });
});

function refusal(options: unknown, by: z.ZodType = schema): TidemarkError {
  try {
    checkOptions(by, options, 'thing()');
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PipelineError, TidemarkError, assert, errorTable, show } from './errors.js';

const details = { expected: 'a', got: 'b', where: 'c', hint: 'Do d.' };

describe('TidemarkError', () => {
  test('the message answers what was expected, what was got, where, and what to do', () => {
    const error = new TidemarkError('KEY_INVALID', details);
    expect(error.message).toBe('KEY_INVALID: expected a, got b, at c. Do d.');
    expect(error).toMatchObject({ name: 'TidemarkError', code: 'KEY_INVALID', ...details });
  });

  test('the cause is kept, and absent where there is none', () => {
    const cause = new Error('deep');
    expect(new TidemarkError('KEY_INVALID', { ...details, cause }).cause).toBe(cause);
    expect('cause' in new TidemarkError('KEY_INVALID', details)).toBe(false);
  });

  test('whether a retry may help comes from the table', () => {
    expect(new TidemarkError('SINK_FAILED', details).retryable).toBe(true);
    expect(new TidemarkError('KEY_INVALID', details).retryable).toBe(false);
  });

  test('every entry of the table is a full sentence', () => {
    for (const { meaning } of Object.values(errorTable))
      expect(meaning).toMatch(/^(?:[A-Z]|maxParallelism ).*\.$/);
  });
});

describe('docs/errors.md', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const sections = new Map(
    page
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section.split('\n\n')]),
  );

  test('has a section for each code of the table, once, and for nothing else', () => {
    const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, code]) => code);
    expect(headings.toSorted()).toEqual(Object.keys(errorTable).toSorted());
  });

  test.each(Object.entries(errorTable))(
    '%s: meaning and retryable are those of the table',
    (code, entry) => {
      const [, meaning, retryable] = sections.get(code) ?? [];
      expect(meaning).toBe(entry.meaning);
      expect(retryable).toBe(`Retryable: ${entry.retryable ? 'yes' : 'no'}.`);
    },
  );

  test.each(Object.keys(errorTable))(
    '%s: the example has the four parts, and advice follows',
    (code) => {
      const [, , , example = '', ...advice] = sections.get(code) ?? [];
      const message = example.replaceAll('\n', ' ');
      expect(message).toMatch(
        new RegExp(`^\`\`\`text ${code}: expected .+, got .+, at .+\\. [A-Z].+\\. \`\`\`$`),
      );
      expect(advice.join('').trim()).not.toBe('');
    },
  );
});

describe('PipelineError', () => {
  test('the place names operator, key, timestamp and position', () => {
    const place = { operator: 'top', key: 'k', timestamp: 5, position: 'plays.csv line 17' };
    const error = new PipelineError('USER_FUNCTION_FAILED', details, place);
    expect(error.where).toBe('operator "top", key "k", timestamp 5, plays.csv line 17');
    expect(error).toMatchObject(place);
    expect(error).toBeInstanceOf(TidemarkError);
  });

  test('what is not known is left out', () => {
    const error = new PipelineError('USER_FUNCTION_FAILED', details, { operator: 'map' });
    expect(error.where).toBe('operator "map"');
  });
});

describe('show', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const hostile = {
    toJSON() {
      throw new Error('no');
    },
  };
  test.each([
    ['a', '"a"'],
    [5n, '5n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [NaN, 'NaN'],
    [-0, '0'],
    [{ a: 1n }, '{"a":"1n"}'],
    [cyclic, '[object Object]'],
    [hostile, '[object Object]'],
    [{ toJSON: () => undefined }, 'undefined'],
    [Symbol('s'), 'Symbol(s)'],
    [new RangeError('deep'), 'RangeError: deep'],
    [Object.create(null), '{}'],
  ] as [unknown, string][])('value %# is shown on one line', (value, text) => {
    expect(show(value)).toBe(text);
  });

  test('long values are cut to one readable line', () => {
    const text = show('x'.repeat(1000));
    expect(text.length).toBe(120);
    expect(text.endsWith('...')).toBe(true);
    expect(show('a\nb')).toBe('"a\\nb"');
  });

  test('a function is shown by its name', () => {
    function named(): void {}
    expect(show(named)).toBe('function named');
    expect(show(() => 1)).toBe('function (anonymous)');
  });
});

test('assert stops on a bug of ours with a plain error', () => {
  expect(() => assert(true, 'law')).not.toThrow();
  expect(() => assert(false, 'law')).toThrow('Tidemark bug: law');
});

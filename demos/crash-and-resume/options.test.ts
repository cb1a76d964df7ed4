import { expect, test } from 'vitest';
import { parseCrashOptions } from './options.js';

test('a terminal waits for a key, everything else dies by itself', () => {
  expect(parseCrashOptions([], true)).toMatchObject({ killAt: [], events: 400_000 });
  expect(parseCrashOptions([], false)).toMatchObject({ killAt: [40] });
  expect(parseCrashOptions(['--kill-at', '60%,20'], true)).toMatchObject({ killAt: [20, 60] });
});

test('what is wrong is named', () => {
  for (const [argv, text] of [
    [['--kill-at', '140%'], 'between 0 and 100'],
    [['--kill-at', 'soon'], 'got "soon"'],
    [['--events', '0'], 'a whole number from 1'],
    [['--fast'], "Unknown option '--fast'"],
  ] as const)
    expect(parseCrashOptions(argv, true)).toEqual({ text: expect.stringContaining(text), code: 2 });
  expect(parseCrashOptions(['--help'], true)).toMatchObject({ code: 0 });
});

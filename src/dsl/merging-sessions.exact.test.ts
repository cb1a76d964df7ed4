import { expect, test } from 'vitest';
import { count, eventTime, keyBy, pipeline, session, unchecked, window } from '../index.js';
import { testHarness } from '../testing/index.js';

const byParity = pipeline('p', unchecked<number>(), (n$) =>
  n$.pipe(
    eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
    keyBy((n) => (n % 2 < 1 ? 'even' : 'odd')),
    window(session({ gap: 10 }), count(), { uid: 'w' }),
  ),
);

test('fractions of a millisecond are exact, wherever they come between whole times', () => {
  const at = 50_000_000;
  const t = testHarness(byParity);
  const texts = (): string[] =>
    t.output().map(({ window: { start, end }, value }) => `[${start},${end}) ${value}`);
  t.push(at)
    .push(at + 9.3)
    .push(at + 21)
    .push(0.1)
    .push(9.4)
    .push(at + 30.7);
  t.watermark(at + 1000);
  expect(texts().toSorted()).toEqual(
    [
      `[${at},${at + 10}) 1`,
      `[${at + 9.3},${at + 9.3 + 10}) 1`,
      `[${at + 21},${at + 31}) 1`,
      `[${at + 30.7},${at + 30.7 + 10}) 1`,
      '[0.1,10.1) 1',
      '[9.4,19.4) 1',
    ].toSorted(),
  );
  t.checkpoint();
  t.push(at + 2000.25)
    .push(at + 2002.5)
    .crash();
  t.watermark(at + 3000);
  expect(texts().at(-1)).toBe(`[${at + 2000.25},${at + 2012.5}) 2`);
});

import { describe, expect, test } from 'vitest';
import {
  count,
  eventTime,
  keyBy,
  pipeline,
  session,
  sliding,
  tumbling,
  unchecked,
  window,
} from '../index.js';
import { testHarness } from '../testing/index.js';

interface Play {
  readonly song: string;
  readonly at: number;
}

describe('windows that wait', () => {
  test.each([
    ['tumbling', tumbling({ size: '1m' }), 59_999],
    ['sliding', sliding({ size: '1m', slide: '20s' }), 19_999],
    ['session', session({ gap: '30s' }), 34_999],
  ])('%s: for the end of the first, which then fires', (_name, spec, needs) => {
    const t = testHarness(
      pipeline('plays', unchecked<Play>(), (plays) =>
        plays.pipe(
          eventTime({ timestamp: ({ at }) => at, outOfOrderness: '10s', every: 0 }),
          keyBy(({ song }) => song),
          window(spec, count(), { uid: 'count' }),
        ),
      ),
    );
    t.push({ song: 'a', at: 5_000 }).push({ song: 'b', at: 7_000 });
    const [step] = t.why().steps;
    expect(step).toMatchObject({ name: 'count', kind: 'window', needs, watermark: -3_001 });
    expect(step?.waiting).toBeGreaterThan(0);
    expect(t.why().text).toMatch(
      /^Windows of "count" wait\. The first of them needs watermark 1970/,
    );
    const at = step?.heldBy[0]?.needs ?? NaN;
    expect(at).toBe(needs + 10_001);
    t.push({ song: 'c', at: at - 1 });
    expect(t.output()).toEqual([]);
    t.push({ song: 'c', at });
    expect(t.output().length).toBeGreaterThan(0);
  });
});

import { from } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { pickIndex, seededRandom } from '../shared/random.js';
import type { Chart } from './chart.js';
import { trending } from './pipeline.js';

interface Hit {
  readonly key: string;
  /** Event time in seconds: the watermark moves every 200 ms, so milliseconds would be too small for it. */
  readonly at: number;
}

/** All in seconds. */
interface Question {
  readonly size: number;
  readonly slide: number;
  readonly top: number;
  readonly outOfOrderness: number;
  readonly lateness: number;
}

const hits = (text: string): Hit[] =>
  text.split(' ').map((word) => {
    const [key = '', at] = word.split('@');
    return { key, at: Number(at) };
  });

function charts(records: readonly Hit[], question: Partial<Question> = {}): Chart[] {
  const { size = 10, slide = 10, top = 3, outOfOrderness = 0, lateness = 0 } = question;
  const told: Chart[] = [];
  from(records)
    .pipe(
      trending<Hit>({
        timestamp: ({ at }) => at * 1000,
        key: ({ key }) => key,
        size: `${size}s`,
        slide: `${slide}s`,
        top,
        outOfOrderness: `${outOfOrderness}s`,
        lateness: `${lateness}s`,
      }),
    )
    .subscribe((chart) => told.push(chart));
  return told;
}

/** `10: a2▲1 b1●`, one per chart. */
const shown = (told: readonly Chart[]): string[] =>
  told.map(({ window: { end }, entries }) => {
    const places = entries.map(({ key, count, change }) => {
      const moved =
        change === 'new' ? '●' : change === 0 ? '' : change > 0 ? `▲${change}` : `▼${-change}`;
      return `${key}${count}${moved}`;
    });
    return `${end / 1000}: ${places.join(' ')}`;
  });

describe('rise and fall', () => {
  test('in the first chart everything is new', () => {
    expect(shown(charts(hits('a@1 a@2 b@3')))).toEqual(['10: a2● b1●']);
  });

  test('each place is compared with the window before', () => {
    const told = charts(hits('a@1 a@2 a@3 b@4 b@5 c@6 b@11 b@12 c@13 c@14 c@15 a@16'));
    expect(shown(told)).toEqual(['10: a3● b2● c1●', '20: c3▲2 b2 a1▼2']);
  });

  test('after a window without anything all is new again', () => {
    expect(shown(charts(hits('a@1 a@25 b@31 a@32 a@33')))).toEqual([
      '10: a1●',
      '30: a1●',
      '40: a2 b1●',
    ]);
  });

  test('a key that falls out of the chart comes back as new', () => {
    const told = charts(hits('a@1 a@2 b@3 b@11 c@12 a@21'), { top: 1 });
    expect(shown(told)).toEqual(['10: a2●', '20: b1●', '30: a1●']);
  });

  test('ties go by key', () => {
    expect(shown(charts(hits('c@1 a@2 b@3 d@4')))).toEqual(['10: a1● b1● c1●']);
  });

  test('sliding windows are compared slide by slide', () => {
    const told = charts(hits('a@1 b@6 b@7 a@19'), { slide: 5 });
    expect(shown(told)).toEqual(['5: a1●', '10: b2● a1▼1', '15: b2', '20: a1●', '25: a1']);
  });
});

describe('with lateness', () => {
  // b@2 comes when the watermark stands at 22: windows 10 and 20 have been told.
  const late = hits('a@1 a@2 b@3 a@11 b@12 a@13 a@23 b@2 b@4 b@24 b@25 a@60');

  test('a straggler mends its chart, and the next one is compared anew though its counts stand', () => {
    expect(shown(charts(late, { lateness: 100 }))).toEqual([
      '10: a2● b1●',
      '20: a2 b1',
      '10: b3● a2●',
      '20: a2▲1 b1▼1',
      '30: b2▲1 a1▼1',
      '70: a1●',
    ]);
  });

  test('a straggler that changes nothing but counts does not touch the next chart', () => {
    const told = charts(hits('a@1 b@2 a@3 a@11 a@21 a@4 a@60'), { lateness: 100 });
    expect(shown(told)).toEqual(['10: a2● b1●', '20: a1', '10: a3● b1●', '30: a1', '70: a1●']);
  });

  test('a straggler into a window that nobody had told makes its chart, and the next one is no longer new', () => {
    const told = charts(hits('a@11 a@23 a@1 a@60'), { lateness: 100 });
    expect(shown(told)).toEqual(['20: a1●', '10: a1●', '20: a1', '30: a1', '70: a1●']);
  });

  test('beyond the lateness a straggler changes nothing', () => {
    const told = charts(hits('a@1 a@11 a@40 b@2 b@3 a@60'), { lateness: 10 });
    expect(shown(told)).toEqual(['10: a1●', '20: a1', '50: a1●', '70: a1●']);
  });
});

/** Recomputes all charts from all records at once: no time, no state, nothing of the library. */
function recomputed(
  records: readonly Hit[],
  sizes: { size: number; slide: number; top: number },
): string[] {
  const { size, slide, top } = sizes;
  const lines: string[] = [];
  let former = new Map<string, number>();
  const times = records.map(({ at }) => at);
  const last = Math.floor(Math.max(...times) / slide) * slide + size;
  for (
    let end = Math.floor(Math.min(...times) / slide) * slide + slide;
    end <= last;
    end += slide
  ) {
    const counts = new Map<string, number>();
    for (const { key, at } of records)
      if (at >= end - size && at < end) counts.set(key, (counts.get(key) ?? 0) + 1);
    const best = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, top);
    const places = best.map(([key, count], index) => {
      const was = former.get(key);
      const up = was === undefined ? 0 : was - index;
      return `${key}${count}${was === undefined ? '●' : up === 0 ? '' : up > 0 ? `▲${up}` : `▼${-up}`}`;
    });
    former = new Map(best.map(([key], index) => [key, index]));
    if (best.length > 0) lines.push(`${end}: ${places.join(' ')}`);
  }
  return lines;
}

describe('the charts equal a recomputation from scratch', () => {
  const sizes = { size: 40, slide: 10, top: 4 };
  const worlds = Array.from({ length: 25 }, (_, seed) => seed);

  test.each(worlds)('in any order within the bound, seed %i', (seed) => {
    const { arrivals } = world(seed, 30);
    expect(shown(charts(arrivals, { ...sizes, outOfOrderness: 30 }))).toEqual(
      recomputed(arrivals, sizes),
    );
  });

  test.each(worlds)(
    'the last told of each window, however late the stragglers, seed %i',
    (seed) => {
      const { arrivals } = world(seed, 200);
      const lastTold = new Map<number, string>();
      for (const chart of charts(arrivals, { ...sizes, outOfOrderness: 5, lateness: 400 }))
        lastTold.set(chart.window.end, shown([chart])[0] ?? '');
      const inOrder = [...lastTold].toSorted(([a], [b]) => a - b).map(([, line]) => line);
      expect(inOrder).toEqual(recomputed(arrivals, sizes));
    },
  );
});

/** Hits over ten minutes with holes in them, arriving up to `delay` seconds out of order. */
function world(seed: number, delay: number): { arrivals: Hit[] } {
  const random = seededRandom(seed);
  const arrivals = Array.from({ length: 300 }, () => {
    const at = pickIndex(random, 600);
    const key = 'abcdefgh'.charAt(Math.floor(8 * random() ** 2));
    return { key, at, arrivesAt: at + random() * delay };
  })
    .filter(({ at }) => Math.floor(at / 70) % 4 !== 2)
    .toSorted((a, b) => a.arrivesAt - b.arrivesAt);
  return { arrivals: arrivals.map(({ key, at }) => ({ key, at })) };
}

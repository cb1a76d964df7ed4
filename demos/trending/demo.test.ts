import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pickIndex, seededRandom } from '../shared/random.js';
import { Recorder, brokenPipe, demo } from './demo.testing.js';

const minute = 60;
const hour = 60 * minute;
/** Seconds of 2017-11-26 01:00:00 UTC. */
const start = 1_511_658_000;

interface View {
  readonly user: string;
  readonly item: string;
  readonly behavior: string;
  readonly at: number;
}

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-trending-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Three hours of views and purchases, some items far hotter than others, in order of time. */
function shop(seed: number, count = 3000): View[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    user: `u${pickIndex(random, 500)}`,
    item: String(100 + Math.floor(60 * random() ** 3)),
    behavior: random() < 0.8 ? 'pv' : 'buy',
    at: start + Math.floor((index / count) * 3 * hour),
  }));
}

/** Moves each view by up to two minutes, so that none arrives more than two minutes behind a newer one. */
function shuffled(views: readonly View[], seed: number): View[] {
  const random = seededRandom(seed);
  return views
    .map((view) => ({ view, arrivesAt: view.at + random() * 2 * minute }))
    .toSorted((a, b) => a.arrivesAt - b.arrivesAt)
    .map(({ view }) => view);
}

const csv = (views: readonly View[]): string =>
  views.map(({ user, item, behavior, at }) => `${user},${item},${behavior},${at}\n`).join('');

function save(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** What the demo must print, counted anew for each window with loops and a sort. */
function recomputed(views: readonly View[], top = 10): string[] {
  const size = hour;
  const slide = 5 * minute;
  const lines: string[] = [];
  for (let end = start - (start % slide) + slide; end <= start + 3 * hour + size; end += slide) {
    const counts: Record<string, number> = {};
    for (const { item, behavior, at } of views)
      if (behavior === 'pv' && at >= end - size && at < end) counts[item] = (counts[item] ?? 0) + 1;
    Object.entries(counts)
      .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, top)
      .forEach(([key, count], index) => {
        const window = { start: (end - size) * 1000, end: end * 1000 };
        lines.push(JSON.stringify({ window, rank: index + 1, key, count }));
      });
  }
  return lines;
}

const question = (path: string, ...more: string[]): string[] => [
  ...['--input', path, '--format', 'csv', '--columns', 'user,item,behavior,at'],
  ...['--time', 'at', '--time-unit', 's', '--key', 'item', '--where', 'behavior=pv'],
  ...['--size', '1h', '--slide', '5m', '--top', '10', '--json', ...more],
];

describe('the hottest items per sliding hour', () => {
  test('equal a recomputation from scratch', async () => {
    const views = shop(1);
    const { code, out, err } = await demo(question(save('ordered.csv', csv(views))));
    expect(code).toBe(0);
    expect(out.lines).toEqual(recomputed(views));
    expect(err.text).toContain('Finished: 3,000 records');
  });

  test.each([1, 2, 3])(
    'are the same when lines are shuffled within the bound, seed %i',
    async (seed) => {
      const views = shop(seed);
      const path = save(`shuffled-${seed}.csv`, csv(shuffled(views, seed)));
      const { out } = await demo(question(path, '--out-of-orderness', '2m'));
      expect(out.lines).toEqual(recomputed(views));
    },
  );

  test('are the same on several shards', async () => {
    const views = shop(4);
    const path = save('shards.csv', csv(shuffled(views, 4)));
    const { out } = await demo(question(path, '--out-of-orderness', '2m', '--parallelism', '3'));
    expect(out.lines).toEqual(recomputed(views));
  });

  test('are the same on several shards when more keys end at once than a channel holds', async () => {
    const views = shop(9, 10_000).map((view, index) => ({ ...view, item: `i${index}` }));
    const { out } = await demo(question(save('keys.csv', csv(views)), '--parallelism', '2'));
    expect(out.lines).toEqual(recomputed(views));
  });

  test('are right in the end when stragglers mend them', async () => {
    const views = shop(5);
    const path = save('mended.csv', csv(shuffled(views, 5)));
    const { out } = await demo(question(path, '--out-of-orderness', '1s', '--lateness', '1h'));
    const lastTold = new Map<number, string[]>();
    for (const line of out.lines) {
      const { window, rank } = JSON.parse(line) as { window: { end: number }; rank: number };
      const before = rank === 1 ? [] : (lastTold.get(window.end) ?? []);
      lastTold.set(window.end, [...before, line]);
    }
    expect(out.lines.length).toBeGreaterThan(recomputed(views).length);
    expect(
      [...lastTold.keys()].toSorted((a, b) => a - b).flatMap((end) => lastTold.get(end) ?? []),
    ).toEqual(recomputed(views));
  });

  test('are the same from tsv, jsonl and gzip, with the time as ISO text', async () => {
    const views = shop(6, 600);
    const iso = views.map((view) => ({
      ...view,
      at: new Date(view.at * 1000).toISOString().slice(0, 19),
    }));
    const jsonl = iso.map((view) => `${JSON.stringify(view)}\n`).join('');
    const tsv = `item\tat\tbehavior\n${iso.map((view) => `${view.item}\t${view.at}\t${view.behavior}\n`).join('')}`;
    const rest = [
      '--time',
      'at',
      '--time-unit',
      'iso',
      '--key',
      'item',
      '--where',
      'behavior=pv',
      '--json',
    ];
    for (const path of [
      save('views.jsonl', jsonl),
      save('views.jsonl.gz', gzipSync(jsonl)),
      save('views.tsv', tsv),
      save('views.tsv.gz', gzipSync(tsv)),
    ])
      expect((await demo(['--input', path, ...rest])).out.lines).toEqual(recomputed(views));
  });
});

describe('what cannot be counted', () => {
  test('a time that was cut short is late, and named by its line', async () => {
    const views = shop(7);
    const path = save('cut.csv', `${csv(views)}u1,543546,pv,15`);
    const { code, out, err } = await demo(question(path));
    expect(code).toBe(0);
    expect(out.lines).toEqual(recomputed(views));
    expect(err.text).toMatch(/late +1 .*\n +cut\.csv line 3001: 1970-01-01 00:00:15/);
  });

  test('lines that are no records are dead letters, and named by line and reason', async () => {
    const views = shop(8);
    const path = save('torn.csv', `${csv(views)}u1,543546\nu1,5,pv,soon\n`);
    const { code, out, err } = await demo(question(path));
    expect(code).toBe(0);
    expect(out.lines).toEqual(recomputed(views));
    expect(err.text).toMatch(/dead letters +2 /);
    expect(err.text).toMatch(/torn\.csv line 3001: .*columns/);
    expect(err.text).toMatch(/torn\.csv line 3002: .*seconds since 1970.*soon/);
  });
});

describe('errors are one line with a code, and exit code 2', () => {
  const one = async (argv: string[]): Promise<string> => {
    const { code, out, err } = await demo(argv);
    expect(code).toBe(2);
    expect(out.text).toBe('');
    expect(err.lines).toHaveLength(1);
    expect(err.text).not.toMatch(/\n\s+at /);
    return err.text;
  };

  test('a file that is not there', async () => {
    expect(await one(question(join(directory, 'missing.csv')))).toMatch(
      /^SOURCE_FAILED: .*missing\.csv/,
    );
  });

  test('an unknown option', async () => {
    expect(await one(['--colums', 'a'])).toMatch(/^OPTIONS_INVALID: .*--colums/);
  });

  test('an unknown column', async () => {
    const path = save('known.csv', csv(shop(1, 10)));
    expect(await one([...question(path), '--where', 'mood=blue'])).toMatch(
      /^OPTIONS_INVALID: .*mood/,
    );
  });

  test('a field that the header of the file does not name', async () => {
    const path = save('header.csv', 'item,at\n1,2\n');
    const message = await one(['--input', path, '--time', 'at', '--key', 'song']);
    expect(message).toMatch(
      /^OPTIONS_INVALID: expected fields of header.csv: item, at, got "song"/,
    );
  });
});

test('help goes to standard output', async () => {
  const { code, out, err } = await demo(['--help']);
  expect([code, err.text]).toEqual([0, '']);
  expect(out.text).toContain('--out-of-orderness');
});

test('a reader who leaves early is no error', async () => {
  const stdout = new Recorder();
  stdout.onWrite = () => brokenPipe();
  const { code, err } = await demo(question(save('pipe.csv', csv(shop(1)))), { stdout });
  expect(code).toBe(0);
  expect(err.text).toBe('');
});

import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { browserArguments, findBrowser } from './browser.js';
import { playsOf, stage, until } from './service.testing.js';
import type { Stage } from './service.testing.js';

const markup = '<img src=x onerror="document.title=\'broken\'"><b>bold</b>';

let browser: Browser | undefined;
/** Why there is no browser. */
let missing = '';
let page: Page;
let it: Stage;
/** What a developer would see in red. */
let complaints: string[];

beforeAll(async () => {
  const found = findBrowser(process.env);
  if ('missing' in found) ({ missing } = found);
  else
    try {
      browser = await chromium.launch({ executablePath: found.path, args: browserArguments });
    } catch (error) {
      // Some distributions install a script that only says where to get a browser. One that was named must start.
      if ((process.env['TIDEMARK_CHROMIUM'] ?? '') !== '') throw error;
      missing = `${found.path} does not start: ${(error as Error).message.split('\n')[0]}`;
    }
  if (browser === undefined) console.log(`The page is not tested in a browser: ${missing}`);
}, 60_000);

afterAll(() => browser?.close());

beforeEach(async (context) => {
  if (browser === undefined) context.skip(missing);
  it = await stage();
});

afterEach(async () => {
  await page?.close();
  await it?.close();
});

async function openPage(options: Parameters<Browser['newPage']>[0] = {}): Promise<void> {
  if (browser === undefined) throw new Error('no browser');
  page = await browser.newPage({ viewport: { width: 900, height: 800 }, ...options });
  complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(it.url);
}

/** Lets seconds pass with these plays in each, so that the chart has told them. */
async function play(counts: Readonly<Record<string, number>>, seconds = 4): Promise<void> {
  const { status } = await it.post(playsOf(counts, it.clock.now()));
  expect(status).toBe(202);
  it.pass(seconds);
}

interface Row {
  readonly song: string;
  readonly plays: string;
  readonly width: number;
  readonly top: number;
}

/** The rows as they are drawn at this moment, from top to bottom. */
async function rows(): Promise<Row[]> {
  const drawn = await page.locator('.row').evaluateAll((groups) =>
    (groups as unknown as DrawnRow[]).map((group) => ({
      song: group.querySelector('.song').textContent,
      plays: group.querySelector('.plays').textContent,
      width: group.querySelector('.bar').getBoundingClientRect().width,
      top: group.getBoundingClientRect().top,
    })),
  );
  return drawn.toSorted((a, b) => a.top - b.top);
}

/** As much of an element of SVG as is looked at; the project has no types of a browser. */
interface DrawnRow {
  querySelector(selector: string): DrawnRow;
  getBoundingClientRect(): { readonly width: number; readonly top: number };
  readonly textContent: string;
}

const isAtRest = async (): Promise<boolean> =>
  (await page.evaluate('document.getAnimations().length')) === 0;

async function rowsAtRest(songs: readonly string[]): Promise<Row[]> {
  let now: Row[] = [];
  await until(`the chart is ${songs.join(', ')}`, async () => {
    now = await rows();
    return now.map(({ song }) => song).join() === songs.join() && (await isAtRest());
  });
  return now;
}

/** From now on, notes what has moved to its end. */
async function watchMovements(): Promise<void> {
  await page.evaluate(`
    globalThis.movements = [];
    addEventListener('transitionend', ({ target, propertyName }) => {
      movements.push(target.getAttribute('class') + ' ' + propertyName);
    });
  `);
}

async function movements(): Promise<string[]> {
  return (await page.evaluate('movements')) as string[];
}

describe('the page in a browser', { timeout: 60_000 }, () => {
  test('is empty at first, then has a bar for each song, as long as its plays', async () => {
    await openPage();
    await page.getByText('No plays yet').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    await play({ Monsoon: 40, Lantern: 20, Ferry: 10 });
    const [first, second, third] = await rowsAtRest(['Monsoon', 'Lantern', 'Ferry']);
    expect([first?.plays, second?.plays, third?.plays]).toEqual(['40', '20', '10']);
    expect((second?.width ?? 0) / (first?.width ?? 1)).toBeCloseTo(0.5, 2);
    expect((third?.width ?? 0) / (first?.width ?? 1)).toBeCloseTo(0.25, 2);
    await page.getByText('No plays yet').waitFor({ state: 'hidden' });
    expect(await page.locator('#window').textContent()).toMatch(/^\d\d:\d\d:\d\d – \d\d:\d\d:\d\d/);
    expect(complaints).toEqual([]);
  });

  test('moves its bars when more is played: the row itself climbs', async () => {
    await openPage();
    await play({ Monsoon: 40, Lantern: 20 });
    await rowsAtRest(['Monsoon', 'Lantern']);
    const lantern = page.locator('.row', { hasText: 'Lantern' });
    const element = await lantern.elementHandle();
    await watchMovements();
    await play({ Lantern: 60, Ferry: 1 });
    const after = await rowsAtRest(['Lantern', 'Monsoon', 'Ferry']);
    expect(after.map(({ plays }) => plays)).toEqual(['80', '40', '1']);
    expect(await lantern.evaluate((row, same) => row === same, element)).toBe(true);
    await until('row and bar have moved', async () => {
      const moved = await movements();
      return ['row transform', 'bar width'].every((movement) => moved.includes(movement));
    });
    expect(complaints).toEqual([]);
  });

  test('jumps instead of moving where the reader wants rest', async () => {
    await openPage({ reducedMotion: 'reduce' });
    await watchMovements();
    await play({ Monsoon: 40, Lantern: 20 });
    await rowsAtRest(['Monsoon', 'Lantern']);
    await play({ Lantern: 60 });
    await rowsAtRest(['Lantern', 'Monsoon']);
    expect(await movements()).toEqual([]);
  });

  test('lets a song that has left fade out', async () => {
    await openPage();
    await play({ Monsoon: 2 });
    await rowsAtRest(['Monsoon']);
    it.pass(50);
    await play({ Lantern: 1 }, 20);
    await rowsAtRest(['Lantern']);
    expect(complaints).toEqual([]);
  });

  test('shows markup in the name of a song as the text that it is', async () => {
    await openPage();
    await play({ [markup]: 2, Monsoon: 1 });
    await rowsAtRest([markup, 'Monsoon']);
    expect(await page.locator('img, b').count()).toBe(0);
    expect(await page.title()).toBe('Trending now');
    expect(complaints).toEqual([]);
  });

  test('fits a phone: nothing is wider than the screen, long names end in dots', async () => {
    const long = 'The Long and Winding Name of a Song '.repeat(3).trim();
    await openPage({ viewport: { width: 320, height: 640 }, isMobile: true });
    it.trends.take(playsOf({ [long]: 1_234, Monsoon: 600 }, it.clock.now()));
    it.pass(4);
    await until('the chart is there', async () => (await rows()).length === 2 && isAtRest());
    const [first] = await rows();
    expect(first?.song).toMatch(/^The Long and .*…$/);
    expect(first?.plays).toBe('1,234');
    expect(first?.width).toBeGreaterThan(180);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    const [name, plays] = await Promise.all(
      ['.song', '.plays'].map((part) => page.locator(`.row[data-rank="1"] ${part}`).boundingBox()),
    );
    expect((name?.x ?? 0) + (name?.width ?? 0)).toBeLessThan(plays?.x ?? 0);
    expect((plays?.x ?? 0) + (plays?.width ?? 0)).toBeLessThanOrEqual(320);
    await page.setViewportSize({ width: 700, height: 640 });
    await until('the bar has grown', async () => ((await rows())[0]?.width ?? 0) > 500);
    expect(complaints).toEqual([]);
  });

  test.each([
    ['light', 'rgb(246, 247, 248)'],
    ['dark', 'rgb(17, 22, 27)'],
  ] as const)('is %s where the reader wants it', async (colorScheme, ground) => {
    await openPage({ colorScheme });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(ground);
  });

  test('says it when the service stops', async () => {
    await openPage();
    await page.getByText('live', { exact: true }).waitFor();
    const stopped = it.service.stop();
    await page.getByText('the service has stopped').waitFor();
    await stopped;
  });
});

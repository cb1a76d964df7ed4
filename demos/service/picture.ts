/** Makes `docs/images/service.png`: the page after two minutes of an invented evening, on a clock turned by hand. */
import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { Audience } from './audience.js';
import { browserArguments, findBrowser } from './browser.js';
import { ManualClock } from './manual-clock.js';
import { startService } from './service.js';
import { Trends } from './trends.js';

const target = 'docs/images/service.png';
const playsPerSecond = 60;
const seconds = 122;
const bytesMax = 150_000;

const found = findBrowser(process.env);
if ('missing' in found) {
  process.stderr.write(`${found.missing}\n`);
  process.exit(1);
}
const clock = new ManualClock(Date.UTC(2026, 2, 6, 20, 14, 58));
const trends = new Trends(clock);
const audience = new Audience(5, clock.now());
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const service = await startService({ host: '127.0.0.1', port: 0, clock, trends, log });
const browser = await chromium.launch({ executablePath: found.path, args: browserArguments });
try {
  const page = await browser.newPage({
    viewport: { width: 800, height: 640 },
    deviceScaleFactor: 1.5,
    timezoneId: 'UTC',
  });
  for (let second = 0; second < seconds; second += 1) {
    trends.take(audience.plays(playsPerSecond, clock.now()));
    clock.advance(1_000);
  }
  await page.goto(service.url);
  await page.locator('.row').first().waitFor();
  // Bars have come to rest when nothing is under way any more.
  while ((await page.evaluate('document.getAnimations().length')) !== 0);
  const picture = await page.screenshot({ fullPage: true });
  if (picture.length > bytesMax) throw new Error(`${picture.length} bytes are too many`);
  writeFileSync(target, picture);
  process.stdout.write(`${target}: ${picture.length} bytes\n`);
} finally {
  await browser.close();
  await service.stop();
  trends.stop();
}

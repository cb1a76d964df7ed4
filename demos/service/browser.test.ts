import { expect, test } from 'vitest';
import { findBrowser } from './browser.js';

test('the browser that the environment names is taken, and no other', () => {
  const isThere = (path: string): boolean => path !== '/opt/none';
  expect(findBrowser({ TIDEMARK_CHROMIUM: '/opt/mine' }, isThere)).toEqual({ path: '/opt/mine' });
  const none = findBrowser({ TIDEMARK_CHROMIUM: '/opt/none' }, isThere);
  expect(none).toEqual({ missing: expect.stringContaining('no browser at /opt/none') });
});

test('without a name the usual places are tried in order', () => {
  const there = new Set(['/usr/bin/google-chrome', '/usr/bin/chromium-browser']);
  const found = findBrowser({ TIDEMARK_CHROMIUM: '' }, (path) => there.has(path));
  expect(found).toEqual({ path: '/usr/bin/chromium-browser' });
});

test('where there is none, all places that were tried are named', () => {
  expect(findBrowser({}, () => false)).toEqual({
    missing:
      'no browser at /usr/bin/chromium, /usr/bin/chromium-browser, /usr/bin/google-chrome; install chromium, or set TIDEMARK_CHROMIUM',
  });
});

test('a file that cannot be run is no browser', () => {
  const found = findBrowser({ TIDEMARK_CHROMIUM: new URL(import.meta.url).pathname });
  expect(found).toHaveProperty('missing');
});

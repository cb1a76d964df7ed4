import { afterEach, describe, expect, test } from 'vitest';
import { Audience, AudienceLoop } from './audience.js';
import { limits } from './limits.js';
import { heardSeconds } from './pipeline.js';
import { readPlays } from './plays.js';
import { evening, stage, until } from './service.testing.js';
import type { Stage } from './service.testing.js';

/** The favourites over ten seconds. */
function favourites(seed: number, atSecond: number): string[] {
  const audience = new Audience(seed, evening);
  const counts = new Map<string, number>();
  for (let second = atSecond; second < atSecond + 10; second += 1)
    for (const { song } of audience.plays(400, evening + second * 1_000))
      counts.set(song, (counts.get(song) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([song]) => song);
}

describe('an audience', () => {
  test('plays the same for the same seed, and other things for another', () => {
    const plays = (seed: number): unknown => new Audience(seed, evening).plays(50, evening + 5_000);
    expect(plays(3)).toEqual(plays(3));
    expect(plays(3)).not.toEqual(plays(4));
  });

  test('drifts: within two minutes most of its favourites are others', () => {
    const before = favourites(1, 0).slice(0, 5);
    const after = favourites(1, 120).slice(0, 5);
    expect(after.filter((song) => before.includes(song)).length).toBeLessThanOrEqual(3);
    expect(after).not.toEqual(before);
  });

  test('plays what the service takes: some skips, some late, none from the future', () => {
    const now = evening + 60_000;
    const plays = new Audience(1, evening).plays(5_000, now);
    expect(readPlays(JSON.stringify(plays), now)).toEqual(plays);
    const share = (of: (play: (typeof plays)[number]) => boolean): number =>
      plays.filter(of).length / plays.length;
    expect(share(({ seconds }) => seconds < heardSeconds)).toBeCloseTo(0.2, 1);
    expect(share(({ at }) => at >= now - 2_000)).toBeGreaterThan(0.97);
    expect(share(({ at }) => at < now - 65_000)).toBeGreaterThan(0);
    expect(share(({ at }) => at > now)).toBe(0);
  });
});

describe('the loop of an audience', () => {
  let it: Stage;
  let loop: AudienceLoop;

  afterEach(async () => {
    await loop.stop();
    await it.close();
  });

  function begin(perSecond: number, url = it.url): void {
    loop = new AudienceLoop({ url, clock: it.clock, perSecond, seed: 1 });
  }

  test('posts as many plays per second as it is told', async () => {
    it = await stage();
    begin(60);
    for (let tick = 1; tick <= 10; tick += 1) {
      it.clock.advance(100);
      await until('its plays are taken', () => loop.accepted === tick * 6);
    }
    expect([loop.accepted, loop.failed]).toEqual([60, 0]);
  });

  test('has one request under way, of a size that the service takes', async () => {
    it = await stage({ playsPerSecond: 100_000 });
    begin(2_000);
    it.clock.advance(10_000);
    await until('its plays are taken', () => loop.accepted > 0);
    expect(loop.accepted).toBe(200);
    it.clock.advance(100);
    await until('its plays are taken', () => loop.accepted > 200);
    expect(loop.accepted).toBe(700);
    const largest = JSON.stringify(new Audience(1, evening).plays(500, evening + 9_000));
    expect(Buffer.byteLength(largest)).toBeLessThan(limits.bodyBytes);
  });

  test('goes on when it is refused, and when nobody is there', async () => {
    it = await stage({ playsPerSecond: 1 });
    begin(60);
    it.clock.advance(100);
    await until('it is refused', () => loop.failed === 1);
    await it.service.stop();
    it.clock.advance(100);
    await until('nobody is there', () => loop.failed === 2);
  });
});

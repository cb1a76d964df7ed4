import { describe, expect, test } from 'vitest';
import { testHarness } from '../../src/testing/index.js';
import { liveTrends } from './pipeline.js';
import type { Play, Ranking } from './pipeline.js';
import { evening, playsOf } from './service.testing.js';

/** The pipeline in virtual time, with a pulse every second while time passes. */
class Evening {
  readonly t = testHarness(liveTrends(), { start: evening });
  now = evening;

  play(...plays: readonly Play[]): void {
    for (const play of plays) this.t.push(play, { input: 'plays' });
  }

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      this.now += 1_000;
      this.t.advance(1_000);
      this.t.push({ at: this.now }, { input: 'pulse' });
    }
  }

  get charts(): readonly Ranking[] {
    return this.t.output('charts');
  }
}

describe('a chart', () => {
  test('counts the plays of the last minute, most played first, ties by name', () => {
    const it = new Evening();
    it.play(...playsOf({ b: 2, a: 2, c: 3 }, evening + 500));
    it.pass(4);
    const [first] = it.charts;
    expect(first?.top.map(({ key, value }) => [key, value])).toEqual([
      ['c', 3],
      ['a', 2],
      ['b', 2],
    ]);
    expect(first?.top[0]?.window).toEqual({ start: evening - 59_000, end: evening + 1_000 });
  });

  test('leaves skips out, from 30 seconds it is a play', () => {
    const it = new Evening();
    for (const seconds of [0, 29.9, 30, 31]) it.play({ song: 'a', at: evening + 1, seconds });
    it.pass(6);
    expect(it.charts[0]?.top[0]?.value).toBe(2);
  });

  test('forgets a play after a minute, and is not told any more when nothing is left', () => {
    const it = new Evening();
    it.play(...playsOf({ a: 1 }, evening + 500));
    it.pass(90);
    const charts = it.charts;
    expect(charts).toHaveLength(60);
    expect(charts.at(-1)?.per).toBe(evening + 60_000);
    expect(it.t.stateSize()).toBe(0);
  });
});

describe('time', () => {
  test('goes on without plays: after three seconds of silence the pulse alone finishes windows', () => {
    const it = new Evening();
    it.play({ song: 'a', at: evening + 500, seconds: 60 });
    it.pass(2);
    expect(it.charts).toEqual([]);
    it.pass(2);
    expect(it.charts.map(({ per }) => per)).toEqual([evening + 1_000, evening + 2_000]);
  });

  test('is not hurried by a player whose clock runs ahead', () => {
    const it = new Evening();
    it.play({ song: 'ahead', at: evening + 9_000, seconds: 60 });
    it.pass(2);
    expect(it.charts).toEqual([]);
    it.play({ song: 'right', at: evening + 2_000, seconds: 60 });
    expect(it.t.output('late')).toEqual([]);
  });

  test('waits two seconds for stragglers', () => {
    const it = new Evening();
    it.pass(3);
    it.play({ song: 'a', at: evening + 3_000, seconds: 60 });
    it.play({ song: 'b', at: evening + 1_000, seconds: 60 });
    it.pass(4);
    const end = evening + 2_000;
    expect(it.charts.find(({ per }) => per === end)?.top[0]?.key).toBe('b');
  });

  test('is over for a play from a phone that was offline for two minutes', () => {
    const it = new Evening();
    const old = { song: 'a', at: evening - 120_000, seconds: 60 };
    it.pass(4);
    it.play({ song: 'b', at: it.now, seconds: 60 });
    it.play(old);
    expect(it.t.output('late')).toEqual([old]);
  });
});

import { describe, expect, test } from 'vitest';
import { Timers, timerIndex } from './timers.js';

interface Holder {
  readonly name: string;
  readonly live: object;
  timers: number;
}

describe('Timers', () => {
  test('come out in time order, those of one time in the order they were set', () => {
    const timers = new Timers<object, Holder>(false);
    const [a, b, c] = holders();
    for (const [holder, time] of [
      [a, 30],
      [b, 10],
      [c, 20],
      [c, 10],
      [a, -5],
    ] as const)
      timers.set(holder, time);
    expect(drain(timers, 100)).toEqual(['a@-5', 'b@10', 'c@10', 'c@20', 'a@30']);
  });

  test('one holder and time is one timer, however often it is set', () => {
    const timers = new Timers<object, Holder>(false);
    const [a] = holders();
    for (let times = 0; times < 3; times += 1) timers.set(a, 10);
    expect([timers.size, a.timers]).toEqual([1, 1]);
    expect(drain(timers, 10)).toEqual(['a@10']);
    expect([timers.size, a.timers]).toEqual([0, 0]);
  });

  test('are due at their time, not before', () => {
    const timers = new Timers<object, Holder>(false);
    const [a] = holders();
    timers.set(a, 10);
    expect(timers.take(9.999)).toBeUndefined();
    expect(timers.take(10)).toBe(a);
    expect(timers.firedTime).toBe(10);
  });

  test('a deleted timer does not fire, and deleting a missing one changes nothing', () => {
    const timers = new Timers<object, Holder>(false);
    const [a, b] = holders();
    timers.set(a, 10);
    timers.set(b, 10);
    timers.delete(a, 10);
    timers.delete(a, 10);
    timers.delete(a, 11);
    timers.delete(b, NaN);
    expect([timers.size, a.timers, b.timers]).toEqual([1, 0, 1]);
    expect(timers.next()).toBe(10);
    expect(drain(timers, 100)).toEqual(['b@10']);
  });

  test('next is Infinity when nothing is set, or everything was deleted', () => {
    const timers = new Timers<object, Holder>(false);
    const [a] = holders();
    expect(timers.next()).toBe(Infinity);
    timers.set(a, 10);
    timers.delete(a, 10);
    expect(timers.next()).toBe(Infinity);
    expect(timers.take(Infinity)).toBeUndefined();
  });

  test('a timer that was deleted may be set again', () => {
    const timers = new Timers<object, Holder>(false);
    const [a] = holders();
    timers.set(a, 10);
    timers.delete(a, 10);
    timers.next();
    timers.set(a, 10);
    expect(drain(timers, 10)).toEqual(['a@10']);
  });

  test('a timer set while its own time fires comes in the same round, after the others', () => {
    const timers = new Timers<object, Holder>(false);
    const [a, b, c] = holders();
    for (const holder of [a, b]) timers.set(holder, 10);
    expect(timers.take(10)).toBe(a);
    timers.set(c, 10);
    timers.set(a, 10);
    expect(drain(timers, 10)).toEqual(['b@10', 'c@10', 'a@10']);
  });

  test('a timer set at the time that has just been finished fires too', () => {
    const timers = new Timers<object, Holder>(false);
    const [a] = holders();
    timers.set(a, 10);
    expect(timers.take(10)).toBe(a);
    timers.set(a, 10);
    expect(timers.take(10)).toBe(a);
    expect(timers.take(10)).toBeUndefined();
    timers.set(a, 10);
    expect(timers.take(10)).toBe(a);
  });

  test('a timer set for an earlier time while a later one fires comes first', () => {
    const timers = new Timers<object, Holder>(false);
    const [a, b, c] = holders();
    for (const holder of [a, b]) timers.set(holder, 10);
    expect(timers.take(20)).toBe(a);
    timers.set(c, 5);
    expect(drain(timers, 20)).toEqual(['c@5', 'b@10']);
  });

  test('a timer deleted while its time fires does not fire', () => {
    const timers = new Timers<object, Holder>(false);
    const [a, b, c] = holders();
    for (const holder of [a, b, c]) timers.set(holder, 10);
    expect(timers.take(10)).toBe(a);
    timers.delete(b, 10);
    expect(drain(timers, 10)).toEqual(['c@10']);
  });

  test('the ends of time are times too', () => {
    const timers = new Timers<object, Holder>(false);
    const [a, b] = holders();
    timers.set(a, Infinity);
    timers.set(b, -Infinity);
    expect(timers.take(-Infinity)).toBe(b);
    expect(timers.take(Number.MAX_VALUE)).toBeUndefined();
    expect(timers.size).toBe(1);
    expect(timers.take(Infinity)).toBe(a);
    expect(timers.take(Infinity)).toBeUndefined();
  });

  test('-0 and 0 are one time', () => {
    const timers = new Timers<object, Holder>(false);
    const [a] = holders();
    timers.set(a, 0);
    timers.set(a, -0);
    expect(timers.size).toBe(1);
  });

  test('any history gives what a sorted list would', () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 50; round += 1) {
      const timers = new Timers<object, Holder>(false);
      const all = holders();
      const model = new Set<string>();
      let fired = 0;
      for (let move = 0; move < 100; move += 1) {
        const holder = all[random(3)] as Holder;
        const time = random(8);
        const name = `${time} ${holder.name}`;
        if (random(3) > 0) {
          timers.set(holder, time);
          model.add(name);
        } else if (random(2) > 0) {
          timers.delete(holder, time);
          model.delete(name);
        } else {
          const earliest = [...model].map((text) => Number(text.split(' ')[0])).sort()[0];
          expect(timers.next()).toBe(earliest ?? Infinity);
          const taken = timers.take(time);
          expect(taken !== undefined).toBe(earliest !== undefined && earliest <= time);
          if (taken === undefined) continue;
          expect(timers.firedTime).toBe(earliest);
          expect(model.delete(`${timers.firedTime} ${taken.name}`)).toBe(true);
          fired += 1;
        }
      }
      expect(timers.size).toBe(model.size);
      expect(all.reduce((sum, holder) => sum + holder.timers, 0)).toBe(model.size);
      expect(fired).toBeGreaterThan(0);
    }
  });
});

describe('the changes since the last barrier', () => {
  test('are netted: what came and went leaves no trace', () => {
    const timers = new Timers<object, Holder>(true);
    const [a, b, c] = holders();
    timers.set(a, 10);
    timers.set(a, 10);
    timers.set(b, 5);
    timers.set(c, 5);
    timers.delete(a, 10);
    timers.delete(a, 10);
    timers.take(5);
    expect(written(timers)).toEqual(['c@5 added']);
  });

  test('name what fired or was deleted, if an earlier epoch has set it', () => {
    const timers = new Timers<object, Holder>(true);
    const [a, b] = holders();
    timers.set(a, 10);
    timers.set(b, 5);
    written(timers);
    expect(written(timers)).toEqual([]);
    timers.delete(a, 10);
    timers.take(5);
    expect(written(timers)).toEqual(['a@10 removed', 'b@5 removed']);
  });

  test('tell a timer that was removed and set again from a new one', () => {
    const timers = new Timers<object, Holder>(true);
    const [a] = holders();
    timers.put(a, 10);
    timers.delete(a, 10);
    timers.set(a, 10);
    expect(written(timers)).toEqual(['a@10 returned']);
    timers.delete(a, 10);
    timers.set(a, 10);
    timers.delete(a, 10);
    expect(written(timers)).toEqual(['a@10 removed']);
  });

  test('do not hold what was put back from a checkpoint', () => {
    const timers = new Timers<object, Holder>(true);
    const [a] = holders();
    expect(timers.put(a, 10)).toBe(true);
    expect(timers.put(a, 10)).toBe(false);
    expect(written(timers)).toEqual([]);
    expect([timers.size, a.timers]).toEqual([1, 1]);
  });

  test('are not kept where nothing is durable', () => {
    const timers = new Timers<object, Holder>(false);
    timers.set(holders()[0], 10);
    expect(written(timers)).toEqual([]);
  });

  test('applied to the timers of the last barrier they give those of this one, in any history', () => {
    let seed = 3;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const timers = new Timers<object, Holder>(true);
    const all = holders();
    const durable = new Set<string>();
    for (let move = 0; move < 3000; move += 1) {
      const holder = all[random(3)] as Holder;
      const kind = random(10);
      if (kind < 5) timers.set(holder, random(4));
      else if (kind < 8) timers.delete(holder, random(4));
      else if (kind < 9) timers.take(random(4));
      else {
        for (const [time, changed] of timers.takeChanges())
          for (const [{ name }, change] of changed)
            if (change === 'added') durable.add(`${name}@${time}`);
            else if (change === 'removed') durable.delete(`${name}@${time}`);
        const pending = [...timers.entries()].map(([time, { name }]) => `${name}@${time}`);
        expect([...durable].sort()).toEqual(pending.sort());
      }
    }
  });
});

test('entries gives all pending timers', () => {
  const timers = new Timers<object, Holder>(false);
  const [a, b] = holders();
  timers.set(a, 10);
  timers.set(b, 10);
  timers.set(a, 3);
  timers.delete(b, 10);
  const found = [...timers.entries()].map(([time, { name }]) => `${name}@${time}`);
  expect(found.sort()).toEqual(['a@10', 'a@3']);
});

test('operators see the same timers', () => {
  const timers = new Timers<object, Holder>(false);
  const [a] = holders();
  const view = timerIndex(timers);
  timers.set(a, 4);
  expect([view.size, view.next()]).toEqual([1, 4]);
});

function holders(): [Holder, Holder, Holder] {
  return [
    { name: 'a', live: {}, timers: 0 },
    { name: 'b', live: {}, timers: 0 },
    { name: 'c', live: {}, timers: 0 },
  ];
}

function drain(timers: Timers<object, Holder>, until: number): string[] {
  const fired: string[] = [];
  for (let holder = timers.take(until); holder !== undefined; holder = timers.take(until))
    fired.push(`${holder.name}@${timers.firedTime}`);
  return fired;
}

function written(timers: Timers<object, Holder>): string[] {
  return [...timers.takeChanges()]
    .flatMap(([time, changed]) =>
      [...changed].map(([{ name }, change]) => `${name}@${time} ${change}`),
    )
    .sort();
}

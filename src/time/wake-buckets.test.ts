import { describe, expect, test } from 'vitest';
import { TimeOrigin } from './time-origin.js';
import { WakeBuckets, type Waiter } from './wake-buckets.js';

interface Named extends Waiter {
  readonly name: string;
}

describe('WakeBuckets', () => {
  test('nobody waits at first', () => {
    const buckets = bucketsOf();
    expect([buckets.next, buckets.waiting((one) => buckets.timeOf(one))]).toEqual([
      Infinity,
      { count: 0, earliest: Infinity },
    ]);
    expect(buckets.take()).toEqual([]);
  });

  test('gives those of the earliest time together, in the order in which they came', () => {
    const buckets = bucketsOf();
    const [a, b, c, d] = waiters();
    buckets.add(a, 20);
    buckets.add(b, 10);
    buckets.add(c, 20);
    buckets.add(d, 10);
    expect([buckets.next, namesOf(buckets.take())]).toEqual([10, ['b', 'd']]);
    expect([buckets.next, namesOf(buckets.take())]).toEqual([20, ['a', 'c']]);
    expect(buckets.next).toBe(Infinity);
  });

  test('says of a waiter what it waits for', () => {
    const buckets = bucketsOf();
    const [a] = waiters();
    buckets.add(a, -5);
    expect(buckets.timeOf(a)).toBe(-5);
  });

  test('who waits for an earlier time already stays there', () => {
    const buckets = bucketsOf();
    const [a] = waiters();
    buckets.add(a, 10);
    buckets.add(a, 30);
    buckets.add(a, 10);
    expect(buckets.timeOf(a)).toBe(10);
    expect(namesOf(buckets.take())).toEqual(['a']);
    expect(buckets.next).toBe(Infinity);
  });

  test('who moves to an earlier time is passed over at the later one, and not counted there', () => {
    const buckets = bucketsOf();
    const [a, b] = waiters();
    buckets.add(a, 30);
    buckets.add(b, 30);
    buckets.add(a, 10);
    expect(buckets.waiting((one) => buckets.timeOf(one))).toEqual({ count: 2, earliest: 10 });
    expect(due(buckets)).toEqual([10, 'a']);
    expect(buckets.waiting((one) => buckets.timeOf(one))).toEqual({ count: 1, earliest: 30 });
    expect(due(buckets)).toEqual([30, 'b']);
  });

  test('who comes back to a time that it has left is there once', () => {
    const buckets = bucketsOf();
    const [a] = waiters();
    buckets.add(a, 30);
    buckets.add(a, 10);
    expect(due(buckets)).toEqual([10, 'a']);
    buckets.add(a, 30);
    expect(buckets.waiting((one) => buckets.timeOf(one))).toEqual({ count: 1, earliest: 30 });
    expect(due(buckets)).toEqual([30, 'a']);
    expect(due(buckets)).toEqual([Infinity]);
  });

  test('a bucket of which all have moved on does not count as a time that somebody waits for', () => {
    const buckets = bucketsOf();
    const [a, b] = waiters();
    buckets.add(a, 5);
    buckets.add(b, 40);
    a.waits = false;
    expect(buckets.waiting((one) => buckets.timeOf(one))).toEqual({ count: 1, earliest: 40 });
  });

  test('counts only those that are asked for', () => {
    const buckets = bucketsOf();
    const [a, b, c] = waiters();
    buckets.add(a, 10);
    buckets.add(b, 20);
    buckets.add(c, 30);
    expect(buckets.waiting((one) => (one.name === 'a' ? undefined : buckets.timeOf(one)))).toEqual({
      count: 2,
      earliest: 20,
    });
  });

  test('a time can be used again after its bucket has been taken, also at once', () => {
    const buckets = bucketsOf();
    const [a, b] = waiters();
    buckets.add(a, 10);
    const taken = buckets.take();
    a.waits = false;
    buckets.add(b, 10);
    expect(namesOf(taken)).toEqual(['a']);
    expect([buckets.next, namesOf(buckets.take())]).toEqual([10, ['b']]);
  });

  test('nobody can be put under no time', () => {
    const buckets = bucketsOf();
    const [a] = waiters();
    buckets.add(a, Infinity);
    expect([buckets.next, buckets.take()]).toEqual([Infinity, []]);
  });

  test('of a width hold all times of so many ms, and begin at multiples of it', () => {
    const buckets = bucketsOf(100);
    expect([0, 99, 100, -1, -100, Infinity].map((time) => buckets.startOf(time))).toEqual([
      0,
      0,
      100,
      -100,
      -100,
      Infinity,
    ]);
    const [a, b, c, d] = waiters();
    buckets.add(a, 99);
    buckets.add(b, 100);
    buckets.add(c, 5);
    buckets.add(d, 199);
    expect([buckets.next, buckets.waiting((one) => buckets.timeOf(one))]).toEqual([
      0,
      { count: 4, earliest: 5 },
    ]);
    expect(namesOf(buckets.take())).toEqual(['a', 'c']);
    expect([buckets.next, namesOf(buckets.take())]).toEqual([100, ['b', 'd']]);
  });

  test('of a width count whoever moves within one bucket once', () => {
    const buckets = bucketsOf(100);
    const [a] = waiters();
    buckets.add(a, 90);
    buckets.add(a, 20);
    expect(buckets.waiting((one) => buckets.timeOf(one))).toEqual({ count: 1, earliest: 20 });
  });

  test('of no width have a bucket for each time', () => {
    expect([7, -0.5, 1e15].map((time) => bucketsOf().startOf(time))).toEqual([7, -0.5, 1e15]);
  });

  test('says what a sorted list would say, whatever is done in whatever order', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = chance(seed);
      const buckets = bucketsOf();
      const all = Array.from({ length: 6 }, (_, index) => waiter(`w${index}`));
      for (let move = 0; move < 60; move += 1) {
        if (random(3) > 0) {
          const moved = all[random(all.length)] as Named;
          buckets.add(moved, random(8));
        } else {
          const earliest = Math.min(...all.map((one) => buckets.timeOf(one)));
          const expected = namesOf(
            all.filter((one) => buckets.timeOf(one) === earliest && one.waits),
          );
          const [time, ...names] = due(buckets);
          expect([time, ...names.toSorted()], `seed ${seed}`).toEqual([earliest, ...expected]);
        }
      }
    }
  });
});

/** Takes buckets until somebody is in one: its time, and the names of those who waited for it, as operators do. */
function due(buckets: WakeBuckets<Named>): (number | string)[] {
  for (;;) {
    const time = buckets.next;
    if (time === Infinity) return [time];
    const here: string[] = [];
    for (const waiting of buckets.take()) {
      if (buckets.timeOf(waiting) !== time) continue;
      waiting.waits = false;
      here.push(waiting.name);
    }
    if (here.length > 0) return [time, ...here];
  }
}

function waiter(name: string): Named {
  return { name, waits: false, wake: 0 };
}

function waiters(): [Named, Named, Named, Named] {
  return [waiter('a'), waiter('b'), waiter('c'), waiter('d')];
}

function namesOf(named: readonly Named[]): string[] {
  return named.map(({ name }) => name);
}

/** Counts from a time that is nobody's. */
function bucketsOf(widthMs = 0): WakeBuckets<Named> {
  const origin = new TimeOrigin();
  origin.settle(1_436_918_400_000);
  return new WakeBuckets<Named>(origin, widthMs);
}

function chance(seed: number): (below: number) => number {
  let state = seed * 7919;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

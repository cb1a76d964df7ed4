import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { limits } from './limits.js';
import { Readers, chartFrame } from './readers.js';
import type { Outlet } from './readers.js';
import type { Chart } from './trends.js';

/** A socket in small: it buffers until it is told to drain, and is full from `highWaterMark` bytes on. */
class FakeOutlet extends EventEmitter implements Outlet {
  readonly taken: string[] = [];
  readonly highWaterMark: number;
  isEnded = false;
  isDestroyed = false;
  #buffered: string[] = [];

  constructor(highWaterMark = Infinity) {
    super();
    this.highWaterMark = highWaterMark;
  }

  get writableLength(): number {
    return this.#buffered.join('').length;
  }

  write(bytes: Buffer): boolean {
    if (this.isEnded) throw new Error('write after end');
    this.#buffered.push(bytes.toString());
    if (this.writableLength >= this.highWaterMark) return false;
    this.#flush();
    return true;
  }

  end(bytes?: Buffer): void {
    if (bytes !== undefined) this.#buffered.push(bytes.toString());
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }

  drain(): void {
    this.#flush();
    this.emit('drain');
  }

  /** Numbers of the charts that have arrived, and names of other events. */
  get seen(): string[] {
    const text = [...this.taken, ...this.#buffered].join('');
    return [...text.matchAll(/"number":(\d+)|event: (end)|(: still here)/g)].map(
      ([, number, end, beat]) => number ?? end ?? beat ?? '',
    );
  }

  #flush(): void {
    this.taken.push(...this.#buffered);
    this.#buffered = [];
  }
}

function chart(number: number): Chart {
  return { number, window: { start: 0, end: number }, places: [], taken: 0, late: 0 };
}

function open(readers: Readers, highWaterMark?: number): FakeOutlet {
  const outlet = new FakeOutlet(highWaterMark);
  readers.add(outlet);
  return outlet;
}

describe('a reader', () => {
  test('gets the newest chart at once, and then each one', () => {
    const readers = new Readers();
    const early = open(readers);
    readers.tell(chart(1));
    readers.tell(chart(2));
    const late = open(readers);
    readers.tell(chart(3));
    expect([early.seen, late.seen]).toEqual([
      ['1', '2', '3'],
      ['2', '3'],
    ]);
    expect(late.taken[0]).toBe('retry: 2000\n\n');
  });

  test('is told of its charts in the form of the standard, one line of data each', () => {
    const song = 'two\nlines <b>&amp;';
    const frame = chartFrame({ ...chart(1), places: [{ rank: 1, song, plays: 2 }] }).toString();
    const [event = '', data = '', ...rest] = frame.split('\n');
    expect([event, rest]).toEqual(['event: chart', ['', '']]);
    expect(JSON.parse(data.replace(/^data: /, ''))).toMatchObject({ places: [{ song }] });
  });

  test('hears a comment now and then', () => {
    const readers = new Readers();
    const outlet = open(readers);
    readers.beat();
    expect(outlet.seen).toEqual([': still here']);
  });

  test('that has left is forgotten', () => {
    const readers = new Readers({ max: 1 });
    const outlet = open(readers);
    expect([readers.count, readers.isFull]).toEqual([1, true]);
    outlet.emit('error');
    outlet.emit('close');
    expect([readers.count, readers.isFull]).toEqual([0, false]);
    readers.tell(chart(1));
    expect(outlet.seen).toEqual([]);
  });
});

describe('a slow reader', () => {
  test('gets the newest chart when there is room again, and none of those between', () => {
    const readers = new Readers();
    const slow = open(readers, 60);
    const quick = open(readers);
    for (let number = 1; number <= 50; number += 1) readers.tell(chart(number));
    expect(slow.seen).toEqual(['1']);
    slow.drain();
    expect(slow.seen).toEqual(['1', '50']);
    expect(readers.conflated).toBe(48);
    expect(quick.seen).toHaveLength(50);
  });

  test('holds one frame more than its socket does, however many charts there are', () => {
    const readers = new Readers();
    const slow = open(readers, 60);
    for (let number = 1; number <= 1_000; number += 1) readers.tell(chart(number));
    const frame = chartFrame(chart(1_000)).length;
    expect(readers.pendingBytes).toBe(slow.writableLength + frame);
    expect(readers.pendingBytes).toBeLessThan(60 + 2 * frame);
  });

  test('hears no comments, and is let go when it has taken nothing for four of them', () => {
    const readers = new Readers();
    const stuck = open(readers, 60);
    readers.tell(chart(1));
    for (let beat = 1; beat < limits.heartbeatsMissed; beat += 1) readers.beat();
    expect([stuck.isDestroyed, readers.count]).toEqual([false, 1]);
    readers.beat();
    expect([stuck.isDestroyed, readers.count]).toEqual([true, 0]);
    expect(stuck.seen).toEqual(['1']);
  });

  test('that takes something in between is kept', () => {
    const readers = new Readers();
    const slow = open(readers, 60);
    for (let round = 1; round <= 10; round += 1) {
      readers.tell(chart(round));
      for (let beat = 1; beat < limits.heartbeatsMissed; beat += 1) readers.beat();
      slow.drain();
    }
    expect(slow.isDestroyed).toBe(false);
  });
});

describe('the end', () => {
  test('comes behind the newest chart, and nothing comes behind it', () => {
    const readers = new Readers();
    const [quick, slow] = [open(readers), open(readers, 60)];
    for (let number = 1; number <= 5; number += 1) readers.tell(chart(number));
    readers.end('stopping');
    readers.end('stopping');
    readers.tell(chart(6));
    readers.beat();
    slow.emit('drain');
    expect(quick.seen.slice(-2)).toEqual(['5', 'end']);
    expect(slow.seen).toEqual(['1', '5', 'end']);
    expect([quick.isEnded, slow.isEnded]).toEqual([true, true]);
  });
});

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Subject } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from './limits.js';
import { chartFrame } from './readers.js';
import { EventReader, failing, playsOf, poison, evening, stage, until } from './service.testing.js';
import type { Stage } from './service.testing.js';
import type { Chart, ChartSource } from './trends.js';

let it: Stage;
const openSockets: Socket[] = [];

afterEach(async () => {
  for (const socket of openSockets.splice(0)) socket.destroy();
  await it.close();
});

async function openStream(): Promise<EventReader> {
  const response = await fetch(`${it.url}/trends/stream`);
  expect(response.status).toBe(200);
  return new EventReader(response);
}

async function nextChart(stream: EventReader): Promise<Chart> {
  const next = await stream.next();
  expect(next?.event).toBe('chart');
  return JSON.parse(next?.data ?? 'null') as Chart;
}

describe('GET /trends/stream', () => {
  test('is a stream of events that nobody on the way may keep', async () => {
    it = await stage();
    const { headers, body } = await fetch(`${it.url}/trends/stream`);
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store, no-transform');
    expect(headers.get('x-accel-buffering')).toBe('no');
    await body?.cancel();
  });

  test('tells the newest chart at once, and then each new one', async () => {
    it = await stage();
    await it.post(playsOf({ a: 1 }, evening));
    it.pass(4);
    const stream = await openStream();
    const first = await nextChart(stream);
    expect(first).toEqual(it.trends.latest);
    await it.post(playsOf({ b: 5 }, it.clock.now()));
    it.pass(4);
    const numbers = [];
    for (let count = 0; count < 4; count += 1) numbers.push((await nextChart(stream)).number);
    expect(numbers).toEqual([1, 2, 3, 4].map((step) => first.number + step));
    await stream.close();
  });

  test('hears a comment every 15 seconds', async () => {
    it = await stage();
    const stream = await openStream();
    it.clock.advance(limits.heartbeatMs * 3);
    await it.post(playsOf({ a: 1 }, it.clock.now()));
    it.pass(4);
    await nextChart(stream);
    expect(stream.comments).toEqual(['still here', 'still here', 'still here']);
    await stream.close();
  });

  test('refuses one reader too many with 503, until another one has left', async () => {
    it = await stage({ readersMax: 2 });
    const [first, second] = [await openStream(), await openStream()];
    const refused = await fetch(`${it.url}/trends/stream`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    expect(await refused.json()).toMatchObject({ error: { code: 'READERS_TOO_MANY' } });
    await first.close();
    await until('the first reader is forgotten', () => it.service.readers.count === 1);
    await (await openStream()).close();
    await second.close();
  });

  test('takes no place for a HEAD', async () => {
    it = await stage({ readersMax: 1 });
    const { status, headers } = await fetch(`${it.url}/trends/stream`, { method: 'HEAD' });
    expect([status, headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    expect(it.service.readers.count).toBe(0);
  });

  test('ends with a last event when the pipeline fails', async () => {
    it = await stage({ definition: failing() });
    const stream = await openStream();
    await it.post([{ song: 'a' }, { song: poison }]);
    expect((await nextChart(stream)).places[0]?.song).toBe('a');
    expect(await stream.next()).toEqual({ event: 'end', data: '{"reason":"failed"}' });
    expect(await stream.next()).toBeUndefined();
  });
});

describe('a reader that does not read', () => {
  test('costs no more than the buffer of its socket and two charts, and then gets the newest', async () => {
    const charts$ = new Subject<Chart>();
    it = await stage({ trends: sourceOf(charts$) });
    const { readers } = it.service;
    const [slow, answer] = await deafSocket();
    await until('the reader is there', () => readers.count === 1);
    const quick = await openStream();

    // How much the kernel takes for a socket differs; what comes behind that is ours to bound.
    const frame = chartFrame(largeChart(1)).length;
    expect(frame).toBeGreaterThan(20_000);
    let highest = 0;
    let told = 0;
    while (readers.conflated < 200 && told < 5_000) {
      told += 1;
      charts$.next(largeChart(told));
      highest = Math.max(highest, readers.pendingBytes);
      // The quick reader keeps up, whatever the other one does.
      expect((await nextChart(quick)).number).toBe(told);
    }
    expect(readers.conflated).toBe(200);
    const socketBuffer = 64 * 1024;
    expect(highest).toBeLessThan(2 * (socketBuffer + 2 * frame));

    slow.resume();
    await until('the newest chart has arrived', () => numbersIn(answer()).at(-1) === told);
    const numbers = numbersIn(answer());
    expect(numbers).toHaveLength(told - readers.conflated);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    await quick.close();
  });

  test('is cut off after a minute, and its place is free again', async () => {
    const charts$ = new Subject<Chart>();
    it = await stage({ trends: sourceOf(charts$), readersMax: 1 });
    const { readers } = it.service;
    await deafSocket();
    await until('the reader is there', () => readers.count === 1);
    // The kernel takes some of it, in a turn of the event loop; until it takes no more.
    await until('the reader is stuck', async () => {
      charts$.next(largeChart(1));
      await new Promise((resolve) => void setImmediate(resolve));
      return readers.conflated > 50;
    });
    it.clock.advance(limits.heartbeatMs * limits.heartbeatsMissed);
    await until('the reader is forgotten', () => readers.count === 0);
    expect(readers.pendingBytes).toBe(0);
  });
});

/** Opens the stream over a socket that reads nothing until it is told to; and what it has read. */
async function deafSocket(): Promise<[Socket, () => string]> {
  const { port } = new URL(it.url);
  let text = '';
  const socket = connect({ port: Number(port), host: '127.0.0.1' });
  openSockets.push(socket);
  socket.setEncoding('latin1');
  await new Promise<void>((resolve) => void socket.once('connect', resolve));
  socket.on('data', (part: string) => (text += part));
  socket.pause();
  socket.write('GET /trends/stream HTTP/1.1\r\nhost: localhost\r\n\r\n');
  return [socket, () => text];
}

function numbersIn(text: string): number[] {
  return [...text.matchAll(/"number":(\d+)/g)].map(([, number]) => Number(number));
}

function largeChart(number: number): Chart {
  const places = Array.from({ length: 150 }, (_, index) => ({
    rank: index + 1,
    song: `${index} `.padEnd(limits.songLength, 'x'),
    plays: number,
  }));
  return { number, window: { start: 0, end: number }, places, taken: 0, late: 0 };
}

function sourceOf(charts$: Subject<Chart>): ChartSource {
  return { charts$, failure: undefined, latest: largeChart(0), take: () => undefined };
}

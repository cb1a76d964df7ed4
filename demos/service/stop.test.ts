import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { EventReader, evening, playsOf, stage, until } from './service.testing.js';
import type { Stage } from './service.testing.js';

let it: Stage;
const agent = new Agent({ keepAlive: true });

afterEach(async () => {
  await it.close();
  agent.destroy();
});

/** A request over a connection that is kept for the next one. */
function ask(path: string): Promise<{ status: number; text: string; connection: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(it.url + path, { agent }, (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, text, connection: headers.connection ?? '' });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('a service that is stopping', () => {
  test('takes no plays, is not ready, and says so for as long as it lingers', async () => {
    it = await stage({ lingerMs: 2_000 });
    expect((await ask('/readyz')).status).toBe(200);
    let isStopped = false;
    const stopped = it.service.stop().then(() => (isStopped = true));
    const ready = await ask('/readyz');
    expect([ready.status, ready.connection]).toEqual([503, 'close']);
    expect(JSON.parse(ready.text)).toMatchObject({ error: { code: 'STOPPING' } });
    const refused = await it.post({ song: 'a' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await fetch(`${it.url}/trends/stream`)).status).toBe(503);
    expect((await ask('/healthz')).status).toBe(200);
    expect(it.trends.latest.taken).toBe(0);
    expect(isStopped).toBe(false);
    it.clock.advance(2_000);
    await stopped;
    await expect(fetch(`${it.url}/healthz`)).rejects.toThrow();
  });

  test('ends each stream with a last event behind the newest chart', async () => {
    it = await stage();
    const streams = [];
    for (let count = 0; count < 3; count += 1)
      streams.push(new EventReader(await fetch(`${it.url}/trends/stream`)));
    await it.post(playsOf({ a: 1 }, evening));
    it.pass(3);
    await it.service.stop();
    for (const stream of streams) {
      const events = [];
      for (let next = await stream.next(); next !== undefined; next = await stream.next())
        events.push(next);
      expect(events.at(-1)).toEqual({ event: 'end', data: '{"reason":"stopping"}' });
      expect(JSON.parse(events.at(-2)?.data ?? '')).toEqual(it.trends.latest);
    }
  });

  test('does not wait for connections that nobody uses', async () => {
    it = await stage();
    await ask('/healthz');
    await it.service.stop();
    await it.service.stop();
    expect(it.clock.waiting).toBe(1);
  });

  test('cuts off after its bound who does not come to an end', async () => {
    it = await stage({ stopMs: 5_000 });
    const socket = connect(Number(new URL(it.url).port), '127.0.0.1');
    const isClosed = new Promise<void>((resolve) => void socket.on('close', () => resolve()));
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => void socket.once('connect', resolve));
    const head = 'POST /plays HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
    socket.write(`${head}content-length: 20\r\n\r\n{"song":`);
    // The answer to a later request shows that the head of this one has been read.
    await ask('/healthz');
    const stopped = it.service.stop();
    await until('the bound is set', () => it.clock.waiting === 2);
    it.clock.advance(5_000);
    await Promise.all([stopped, isClosed]);
  });

  test('takes no play whose body was still on its way', async () => {
    it = await stage({ lingerMs: 1_000 });
    const answer = new Promise<number>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': '12' };
      const half = request(`${it.url}/plays`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      half.on('error', reject);
      half.write('{"song"', () => {
        void ask('/healthz').then(() => {
          void it.service.stop();
          half.end(':"a"}');
        });
      });
    });
    expect(await answer).toBe(503);
    expect(it.trends.latest.taken).toBe(0);
    it.clock.advance(1_000);
    await it.service.stop();
  });
});

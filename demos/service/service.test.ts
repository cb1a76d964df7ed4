import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { limits } from './limits.js';
import { evening, failing, playsOf, poison, stage } from './service.testing.js';
import type { Stage } from './service.testing.js';

let it: Stage;

afterEach(() => it.close());

interface ErrorBody {
  readonly error: Readonly<Record<'code' | 'expected' | 'got' | 'where' | 'hint', string>>;
}

/** Status and error of a refusal; its four answers must be there. */
async function refusal(response: Response): Promise<[number, ErrorBody['error']]> {
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error } = (await response.json()) as ErrorBody;
  expect(Object.keys(error)).toEqual(['code', 'expected', 'got', 'where', 'hint']);
  for (const answer of Object.values(error)) expect(answer).toMatch(/\S/);
  return [response.status, error];
}

async function codeOf(response: Response): Promise<[number, string]> {
  const [status, { code }] = await refusal(response);
  return [status, code];
}

describe('POST /plays', () => {
  test('takes one play, or an array', async () => {
    it = await stage();
    const one = await it.post({ song: 'a' });
    expect([one.status, await one.json()]).toEqual([202, { taken: 1 }]);
    const many = await it.post(playsOf({ a: 2, b: 3 }, evening));
    expect([many.status, await many.json()]).toEqual([202, { taken: 5 }]);
    const none = await it.post([]);
    expect([none.status, await none.json()]).toEqual([202, { taken: 0 }]);
  });

  test('reads the media type without its parameters, in any case', async () => {
    it = await stage();
    const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
    expect((await it.post({ song: 'a' }, headers)).status).toBe(202);
  });

  test('refuses a bad play with 422, names it, and takes none', async () => {
    it = await stage();
    const [status, error] = await refusal(await it.post([{ song: 'a' }, { song: 7 }]));
    expect([status, error]).toEqual([
      422,
      {
        code: 'RECORD_INVALID',
        expected: 'text of 1 to 120 characters',
        got: '7',
        where: 'plays[1].song',
        hint: 'Correct them; no play of this array has been taken.',
      },
    ]);
    it.trends.take([]);
    it.pass(4);
    expect(it.trends.latest.places).toEqual([]);
  });

  test('refuses what is no JSON with 400', async () => {
    it = await stage();
    expect(await codeOf(await it.post('{"song":'))).toEqual([400, 'BODY_UNREADABLE']);
    expect(await codeOf(await it.post(''))).toEqual([400, 'BODY_UNREADABLE']);
  });

  test.each([
    ['text/plain', {}],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no type at all', undefined],
  ])('refuses %s with 415', async (_name, headers) => {
    it = await stage();
    const response =
      headers === undefined
        ? await fetch(`${it.url}/plays`, { method: 'POST', body: new Uint8Array([123, 125]) })
        : await it.post({ song: 'a' }, headers);
    expect(await codeOf(response)).toEqual([415, 'MEDIA_TYPE_UNKNOWN']);
  });

  test('refuses more than 64 KiB with 413, whether the length is told or not', async () => {
    it = await stage();
    const frame = JSON.stringify({ song: 'a', seconds: 31 });
    const fits = frame + ' '.repeat(limits.bodyBytes - frame.length);
    expect((await it.post(fits)).status).toBe(202);
    expect(await codeOf(await it.post(`${fits} `))).toEqual([413, 'BODY_TOO_LARGE']);
    const unknown = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(32)),
    });
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: unknown, duplex: 'half' };
    const chunked = await fetch(`${it.url}/plays`, init as RequestInit);
    expect(await codeOf(chunked)).toEqual([413, 'BODY_TOO_LARGE']);
  });

  test('refuses more plays than its rate with 429, and says when to come again', async () => {
    it = await stage({ playsPerSecond: 10 });
    const twenty = playsOf({ a: 20 }, evening);
    expect((await it.post(twenty)).status).toBe(202);
    const refused = await it.post(twenty);
    expect(refused.headers.get('retry-after')).toBe('2');
    expect(await codeOf(refused)).toEqual([429, 'PLAYS_TOO_MANY']);
    it.clock.advance(2_000);
    expect((await it.post(twenty)).status).toBe(202);
  });

  test('does not mind a client that hangs up half-way', async () => {
    it = await stage();
    const headers = { 'content-type': 'application/json', 'content-length': '100' };
    await new Promise<void>((resolve) => {
      const half = request(`${it.url}/plays`, { method: 'POST', headers });
      half.on('error', () => resolve());
      half.write('{"song":', () => {
        // An answer to somebody else shows that the half has arrived.
        void it.post({ song: 'a' }).then(() => half.destroy(new Error('gone')));
      });
    });
    for (let count = 0; count < 3; count += 1)
      expect((await it.post({ song: 'a' })).status).toBe(202);
    expect(it.log).toEqual([]);
  });
});

describe('GET /trends', () => {
  test('is empty before the first chart', async () => {
    it = await stage();
    const response = await fetch(`${it.url}/trends`);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'application/json',
    ]);
    expect(await response.json()).toMatchObject({ number: 0, window: null, places: [] });
  });

  test('is the newest chart, with its window', async () => {
    it = await stage();
    await it.post(playsOf({ b: 2, '<img src=x onerror=alert(1)>': 3 }, evening + 100));
    it.pass(4);
    expect(await (await fetch(`${it.url}/trends`)).json()).toMatchObject({
      window: { start: evening - 58_000, end: evening + 2_000 },
      places: [
        { rank: 1, song: '<img src=x onerror=alert(1)>', plays: 3 },
        { rank: 2, song: 'b', plays: 2 },
      ],
    });
  });
});

describe('the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/page.js', 'text/javascript; charset=utf-8', 'EventSource'],
    ['/page.css', 'text/css; charset=utf-8', 'prefers-color-scheme: dark'],
    ['/icon.svg', 'image/svg+xml', '<svg'],
  ])('has %s', async (path, type, part) => {
    it = await stage();
    const response = await fetch(it.url + path);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    expect(await response.text()).toContain(part);
  });

  test('holds no script, no style and no handler of its own', async () => {
    it = await stage();
    const html = await (await fetch(it.url)).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i);
    const script = await (await fetch(`${it.url}/page.js`)).text();
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
  });
});

describe('every answer', () => {
  test('forbids foreign scripts and guesses of its type', async () => {
    it = await stage();
    const answers = await Promise.all([
      fetch(it.url),
      fetch(`${it.url}/trends`),
      fetch(`${it.url}/nowhere`),
      fetch(`${it.url}/trends/stream`, { method: 'HEAD' }),
      it.post('{'),
      it.post(' '.repeat(limits.bodyBytes + 1)),
    ]);
    for (const { headers } of answers) {
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'self'(?:;|$)/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toMatch(/^no-store/);
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 200, 400, 413]);
  });

  test('to an unknown route is 404, to a wrong method 405 with the right ones', async () => {
    it = await stage();
    expect(await codeOf(await fetch(`${it.url}/nowhere`))).toEqual([404, 'ROUTE_UNKNOWN']);
    expect(await codeOf(await fetch(`${it.url}/plays/1`, { method: 'POST' }))).toEqual([
      404,
      'ROUTE_UNKNOWN',
    ]);
    const wrong = await fetch(`${it.url}/plays`);
    expect(wrong.headers.get('allow')).toBe('POST');
    expect(await codeOf(wrong)).toEqual([405, 'METHOD_UNKNOWN']);
    const other = await fetch(`${it.url}/trends`, { method: 'DELETE' });
    expect(other.headers.get('allow')).toBe('GET, HEAD');
    expect(await codeOf(other)).toEqual([405, 'METHOD_UNKNOWN']);
  });

  test.each([
    ['what is no HTTP', 'hello\r\n\r\n'],
    ['a request without a host', 'GET /trends HTTP/1.0\r\n\r\n'],
    ['a target that is no URL', 'GET /a\\b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'],
  ])('to %s is 400', async (_name, text) => {
    it = await stage();
    const answer = await raw(it.url, text);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer.toLowerCase()).toContain('x-content-type-options: nosniff');
    expect(answer).toContain('{"error":{"code":"REQUEST_MALFORMED","expected":');
  });
});

describe('health', () => {
  test('is alive and ready', async () => {
    it = await stage();
    const alive = await fetch(`${it.url}/healthz`);
    expect([alive.status, await alive.json()]).toEqual([200, { status: 'alive' }]);
    const ready = await fetch(`${it.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', readers: 0 }]);
  });

  test('is alive and not ready when the pipeline has failed, and the log says why', async () => {
    it = await stage({ definition: failing() });
    const failed: [number, string] = [503, 'PIPELINE_FAILED'];
    expect(await codeOf(await it.post({ song: poison }))).toEqual(failed);
    expect((await fetch(`${it.url}/healthz`)).status).toBe(200);
    for (const path of ['/readyz', '/trends', '/trends/stream'])
      expect(await codeOf(await fetch(it.url + path))).toEqual(failed);
    expect(await codeOf(await it.post({ song: 'a' }))).toEqual(failed);
    expect(it.log).toEqual([expect.stringContaining('a bug in a function of the user')]);
  });
});

/** Sends bytes as they are, and reads until the other side closes. */
function raw(url: string, text: string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => (answer += part));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

import { request } from 'node:http';
import { register } from 'prom-client';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunMetrics } from '../runtime/metrics.js';
import { serveMetrics, type MetricsServer } from './metrics-server.js';
import { prometheusText } from './prometheus.js';

const metrics: RunMetrics = {
  ...{ job: 'plays', phase: 'running', time: 10_000, uptimeMs: 2500, busyRatio: 0.25 },
  ...{ blockedTasks: 0, records: 10, bytesRead: 100, bytesTotal: undefined, watermark: undefined },
  ...{ epoch: 7, checkpoints: 2, commitAgeMs: 500, commitEveryMs: 1000 },
  ...{
    restarts: 1,
    lastCheckpoint: { epoch: 7, time: 9500, durationMs: 40, bytes: 99, reason: 'interval' },
  },
  ...{ steps: [], splits: [], sinks: [{ uid: 'o"u\nt', records: 8 }] },
};

let server: MetricsServer;
let tell: (next: RunMetrics) => void = () => {};
let isWatched = false;
async function serve(first: RunMetrics | undefined): Promise<void> {
  const run = {
    metrics$: {
      subscribe(next: (look: RunMetrics) => void) {
        tell = next;
        isWatched = true;
        if (first !== undefined) next(first);
        return { unsubscribe: () => (isWatched = false) };
      },
    },
  };
  server = await serveMetrics(run, { port: 0 });
}
afterEach(() => server.close());

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path);
  return { status: response.status, text: await response.text() };
}

describe('/metrics', () => {
  test('is text for Prometheus, with labels escaped', async () => {
    await serve(metrics);
    const { status, text } = await get('/metrics?x=1');
    expect(status).toBe(200);
    expect(text).toContain('# TYPE tidemark_source_records_total counter');
    expect(text).toContain('tidemark_source_records_total{job="plays"} 10');
    expect(text).toContain('tidemark_records_out_total{job="plays",uid="o\\"u\\nt"} 8');
  });

  test('a total is told as it is, however often it is asked for', async () => {
    await serve(metrics);
    await get('/metrics');
    tell({ ...metrics, records: 12 });
    expect((await get('/metrics')).text).toContain('tidemark_source_records_total{job="plays"} 12');
  });

  test('the global registry is left alone, and each text has one of its own', async () => {
    await serve(metrics);
    const [first, second] = [await prometheusText(), await prometheusText()];
    expect(await first.of(metrics)).toBe(await second.of(metrics));
    expect(register.getMetricsAsArray()).toEqual([]);
  });
});

describe('/healthz and /readyz', () => {
  const cases: [string, Partial<RunMetrics>, number, number][] = [
    ['a job that runs', {}, 200, 200],
    ['one that recovers', { phase: 'recovering' }, 200, 503],
    ['one that has failed', { phase: 'failed' }, 503, 503],
    ['one whose last commit is three intervals ago', { commitAgeMs: 10_001 }, 200, 503],
    ['one that commits rarely', { commitAgeMs: 100_000, commitEveryMs: 60_000 }, 200, 200],
    ['one that commits by records', { commitAgeMs: 1e9, commitEveryMs: undefined }, 200, 200],
  ];
  for (const [name, change, healthy, ready] of cases)
    test(name, async () => {
      await serve({ ...metrics, ...change });
      expect([(await get('/healthz')).status, (await get('/readyz')).status]).toEqual([
        healthy,
        ready,
      ]);
    });

  test('before anything is known it is not ready', async () => {
    await serve(undefined);
    expect((await get('/readyz')).status).toBe(503);
  });
});

describe('strangers', () => {
  const ask = (options: object): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const asking = request({ hostname, port, path: '/metrics', ...options }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asking.on('error', reject).end();
    });

  test('a page that has pointed its own name here is turned away', async () => {
    await serve(metrics);
    expect(await ask({ headers: { host: 'evil.example' } })).toBe(403);
    expect(await ask({ headers: { host: 'localhost:1' } })).toBe(200);
  });

  test('nothing can be changed, and other paths are not there', async () => {
    await serve(metrics);
    expect(await ask({ method: 'POST' })).toBe(405);
    expect((await get('/etc')).status).toBe(404);
  });
});

test('it listens on this machine only, and stops watching when it is closed', async () => {
  await serve(metrics);
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(isWatched).toBe(true);
  await server.close();
  expect(isWatched).toBe(false);
});

test('a port that is taken is refused', async () => {
  await serve(metrics);
  const port = Number(new URL(server.url).port);
  const run = { metrics$: { subscribe: () => ({ unsubscribe() {} }) } };
  await expect(serveMetrics(run, { port })).rejects.toThrow(/OPTIONS_INVALID.*EADDRINUSE/);
});

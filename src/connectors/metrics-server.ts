/**
 * Serves the metrics of a run over HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever restarts it.
 *
 * It is read-only and tells nothing about records, but who can reach it learns names and numbers of a job. So it listens
 * on 127.0.0.1 unless told otherwise, and there it answers to local names only: a page in a browser that has got its own
 * name to point here is turned away.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { TidemarkError, show } from '../core/errors.js';
import { checkOptions } from '../dsl/options.js';
import type { RunMetrics } from '../runtime/metrics.js';
import { prometheusText } from './prometheus.js';

export interface MetricsServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** `/readyz` says no when the last commit is older than this many intervals (10 s at least). Default 3. */
  readonly intervalsMax?: number;
}

export interface MetricsServer {
  /** Such as `http://127.0.0.1:9100`. */
  readonly url: string;
  close(): Promise<void>;
}

/** The part of a run that is needed. */
export interface Measured {
  readonly metrics$: {
    subscribe(next: (metrics: RunMetrics) => void): { unsubscribe(): void };
  };
}

const schema = z.strictObject({
  port: z.int().min(0).max(65_535),
  host: z.string().min(1).optional(),
  intervalsMax: z.number().positive().optional(),
});

const READY_MS_MIN = 10_000;
const CONNECTIONS_MAX = 64;

/**
 * Serves the metrics of a run until it is closed. It does not keep the process alive.
 *
 * @example
 * import { collect, iterable, map, pipeline, run, serveMetrics, unchecked } from 'tidemark';
 * const doubled = pipeline('doubled', unchecked<number>(), (numbers) => numbers.pipe(map((n) => n * 2)));
 * const job = run(doubled, { from: iterable([1, 2]), to: collect({ uid: 'out' }) });
 * const server = await serveMetrics(job, { port: 0 });
 * await job.done;
 * const text = await (await fetch(`${server.url}/metrics`)).text();
 * console.log(/^tidemark_source_records_total.*$/m.exec(text)?.[0]); // => tidemark_source_records_total{job="doubled"} 2
 * await server.close();
 *
 * @throws TidemarkError OPTIONS_INVALID, PACKAGE_MISSING without prom-client
 */
export async function serveMetrics(
  run: Measured,
  options: MetricsServerOptions,
): Promise<MetricsServer> {
  const {
    port,
    host = '127.0.0.1',
    intervalsMax = 3,
  } = checkOptions(schema, options, 'serveMetrics()');
  const prometheus = await prometheusText();
  let latest: RunMetrics | undefined;
  const answer = async (path: string): Promise<Answer> => {
    if (latest === undefined) return json(503, { ready: false });
    if (path === '/healthz') return healthOf(latest);
    if (path === '/readyz') return readinessOf(latest, intervalsMax);
    if (path !== '/metrics') return json(404, { paths: ['/metrics', '/healthz', '/readyz'] });
    return { status: 200, type: prometheus.contentType, body: await prometheus.of(latest) };
  };
  const server = createServer((request, response) => {
    void reply(request, response, { answer, isLocal: isLoopback(host) });
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 10_000;
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, port, host);
  server.unref();
  const subscription = run.metrics$.subscribe((metrics) => (latest = metrics));
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${(server.address() as AddressInfo).port}`,
    async close() {
      subscription.unsubscribe();
      server.closeAllConnections();
      if (server.listening) await new Promise((closed) => server.close(closed));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function json(status: number, facts: object): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(facts)}\n` };
}

/** That it answers at all shows that process and event loop live; a job that has failed does not. */
function healthOf({ phase, job }: RunMetrics): Answer {
  return json(phase === 'failed' ? 503 : 200, { healthy: phase !== 'failed', job, phase });
}

/** A job that does not commit is not ready, whatever else it does: its results are seen by nobody. */
function readinessOf(metrics: RunMetrics, intervalsMax: number): Answer {
  const { job, phase, commitAgeMs, commitEveryMs, epoch } = metrics;
  const mostMs =
    commitEveryMs === undefined ? Infinity : Math.max(READY_MS_MIN, commitEveryMs * intervalsMax);
  const ready = (phase === 'running' || phase === 'finishing') && commitAgeMs <= mostMs;
  return json(ready ? 200 : 503, {
    ready,
    job,
    phase,
    epoch,
    commitAgeMs: Math.round(commitAgeMs),
  });
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  how: { readonly answer: (path: string) => Promise<Answer>; readonly isLocal: boolean },
): Promise<void> {
  const { status, type, body } = await answerTo(request, how);
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerTo(
  { method, url = '/', headers }: IncomingMessage,
  how: { readonly answer: (path: string) => Promise<Answer>; readonly isLocal: boolean },
): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return json(405, { allow: 'GET, HEAD' });
  if (how.isLocal && !isLocalName(headers.host ?? ''))
    return json(403, { error: 'not a local name' });
  try {
    return await how.answer(url.split('?')[0] ?? '/');
  } catch (error) {
    return json(500, { error: show(error) });
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function isLocalName(host: string): boolean {
  return isLoopback(host.replace(/:\d*$/, '').replace(/^\[|\]$/g, ''));
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new TidemarkError('OPTIONS_INVALID', {
          expected: 'an address that is free',
          got: show(cause),
          where: `port ${port} of ${host}`,
          hint: 'Take another port; 0 takes a free one.',
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}

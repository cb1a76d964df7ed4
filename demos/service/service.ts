/**
 * The service as a value: a pipeline, an HTTP server in front of it, and the ways to stop both.
 *
 *     POST /plays ──▶ Trends (Subject ▶ pipeline ▶ charts) ──▶ GET /trends, and Readers ──▶ GET /trends/stream
 */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { readAssets } from './assets.js';
import type { ServiceClock } from './clock.js';
import { limits } from './limits.js';
import { Rate } from './rate.js';
import { Readers } from './readers.js';
import { Refusal, answerTo } from './refusals.js';
import type { Answer } from './refusals.js';
import { makeRoutes, safeHeaders } from './routes.js';
import type { ChartSource } from './trends.js';

export interface ServiceOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly clock: ServiceClock;
  readonly trends: ChartSource;
  /** Takes lines for the operator. */
  readonly log: (line: string) => void;
  /** For how long it still answers while it is stopping, in ms, so that a balancer sees it. Default 0. */
  readonly lingerMs?: number;
  /** Default `limits.stopMs`. */
  readonly stopMs?: number;
  /** Default `limits.readers`. */
  readonly readersMax?: number;
  /** Default `limits.playsPerSecond`. */
  readonly playsPerSecond?: number;
}

export interface Service {
  /** Such as `http://127.0.0.1:8787`. */
  readonly url: string;
  readonly readers: Readers;
  /**
   * Takes no more plays, ends the streams with a last event, lingers, and closes. It resolves after `lingerMs` and
   * `stopMs` at the latest: connections that are open then are cut. Repeated calls give the same promise.
   */
  stop(): Promise<void>;
  /** Cuts everything at once. */
  abort(): void;
}

/**
 * Starts it.
 *
 * @throws the error of Node when it cannot listen, such as EADDRINUSE
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { clock, trends, log } = options;
  let stopped: Promise<void> | undefined;
  const readers = new Readers({ max: options.readersMax ?? limits.readers });
  const rate = new Rate(options.playsPerSecond ?? limits.playsPerSecond, clock.now());
  const routes = makeRoutes({
    trends,
    readers,
    rate,
    clock,
    log,
    assets: readAssets(),
    isStopping: () => stopped !== undefined,
  });
  const server = makeServer(routes.fetch);
  await listen(server, options);
  const charts = trends.charts$.subscribe({
    next: (chart) => readers.tell(chart),
    error: (error: unknown) => {
      log(`The pipeline has failed: ${error instanceof Error ? error.message : String(error)}`);
      readers.end('failed');
    },
  });
  const endHeartbeat = clock.every(limits.heartbeatMs, () => readers.beat());
  const close = async (): Promise<void> => {
    charts.unsubscribe();
    endHeartbeat();
    readers.end('stopping');
    await waited(clock, options.lingerMs ?? 0);
    await closed(server, clock, options.stopMs ?? limits.stopMs);
  };
  return {
    url: urlOf(server),
    readers,
    stop: () => (stopped ??= close()),
    abort() {
      charts.unsubscribe();
      endHeartbeat();
      server.close();
      server.closeAllConnections();
    },
  };
}

function makeServer(fetch: Parameters<typeof getRequestListener>[0]): Server {
  const listener = getRequestListener(fetch, {
    // A request without a host, or with a target that is no URL, never reaches the routes.
    errorHandler: () => {
      const { status, headers, body } = malformed();
      const all = { ...safeHeaders, ...headers, 'content-type': 'application/json' };
      return new Response(JSON.stringify(body), { status, headers: all });
    },
  });
  const server = createServer(
    {
      requestTimeout: limits.requestMs,
      headersTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.requestMs / 4,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.maxConnections = limits.connections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // Another answer may be half-way out on this socket; then there is nothing sensible to say.
    if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
      socket.destroy();
      return;
    }
    const text = JSON.stringify(malformed().body);
    const head = Object.entries({
      ...safeHeaders,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
      connection: 'close',
    }).map(([name, value]) => `${name}: ${value}`);
    socket.end(['HTTP/1.1 400 Bad Request', ...head, '', text].join('\r\n'));
  });
  return server;
}

function malformed(): Answer {
  return answerTo(
    new Refusal('REQUEST_MALFORMED', {
      expected: 'a request by the rules of HTTP/1.1',
      got: 'something else, or nothing for too long',
      where: 'the connection',
      hint: 'Use an HTTP client, such as curl or fetch.',
    }),
  );
}

function listen(server: Server, { host, port }: ServiceOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function waited(clock: ServiceClock, ms: number): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** Closes without cutting anybody off for `ms`, and then cuts off whoever is left. */
function closed(server: Server, clock: ServiceClock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
  });
}

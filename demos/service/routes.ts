/** The routes of the service: what each answers, without a socket in sight except for the stream. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Asset } from './assets.js';
import type { ServiceClock } from './clock.js';
import { limits } from './limits.js';
import { readPlays } from './plays.js';
import type { Rate } from './rate.js';
import type { Readers } from './readers.js';
import { Refusal, answerTo, shown } from './refusals.js';
import type { ChartSource } from './trends.js';

export interface RoutesOptions {
  readonly trends: ChartSource;
  readonly readers: Readers;
  readonly rate: Rate;
  readonly clock: ServiceClock;
  readonly assets: readonly Asset[];
  readonly isStopping: () => boolean;
  /** Takes errors that are none of the client's. */
  readonly log: (line: string) => void;
}

type Env = { Bindings: HttpBindings };

/** On every answer. Names of songs come from strangers, so the page may run nothing but its own script. */
export const safeHeaders = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

const streamHeaders = {
  ...safeHeaders,
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // Proxies such as nginx would else collect the stream before they pass it on.
  'x-accel-buffering': 'no',
} as const;

export function makeRoutes(options: RoutesOptions): Hono<Env> {
  const { trends, assets } = options;
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(safeHeaders)) context.header(name, value);
    // A connection that is kept alive would hold up the end.
    if (options.isStopping()) context.header('connection', 'close');
  });
  app.post('/plays', limitBody, (context) => takePlays(context, options));
  app.get('/trends', (context) => {
    refuseIfFailed(trends, 'GET /trends');
    return context.json(trends.latest);
  });
  app.get('/trends/stream', (context) => openStream(context, options));
  app.get('/healthz', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', (context) => {
    refuseIfStopping(options, 'GET /readyz');
    refuseIfFailed(trends, 'GET /readyz');
    return context.json({ status: 'ready', readers: options.readers.count });
  });
  for (const { path, type, text } of assets)
    app.get(path, (context) => context.body(text, 200, { 'content-type': type }));

  const methods = new Map([['/plays', 'POST']]);
  for (const { path } of app.routes) if (!methods.has(path)) methods.set(path, 'GET, HEAD');
  methods.delete('/*');
  app.notFound((context) => refuse(context, unknownRoute(context, methods)));
  app.onError((error, context) => {
    const answer = refuse(context, error);
    // Who hangs up half-way through a body is no fault of ours.
    if (answer.status === 500 && !context.env.outgoing.destroyed)
      options.log(error.stack ?? String(error));
    return answer;
  });
  return app;
}

const limitBody = bodyLimit({
  maxSize: limits.bodyBytes,
  onError: (context) =>
    refuse(
      context,
      new Refusal('BODY_TOO_LARGE', {
        expected: `a body of at most ${limits.bodyBytes} bytes`,
        got: `${context.req.header('content-length') ?? 'more'} bytes`,
        where: 'the body of POST /plays',
        hint: 'Send the plays in several requests.',
      }),
    ),
});

async function takePlays(context: Context<Env>, options: RoutesOptions): Promise<Response> {
  const { trends, rate, clock } = options;
  const where = 'POST /plays';
  refuseIfStopping(options, where);
  refuseIfFailed(trends, where);
  refuseOtherTypes(context.req.header('content-type'));
  const body = await context.req.text();
  const now = clock.now();
  const plays = readPlays(body, now);
  const { waitMs } = rate.take(plays.length, now);
  if (waitMs > 0)
    throw new Refusal('PLAYS_TOO_MANY', {
      expected: `at most ${limits.playsPerSecond} plays per second`,
      got: `${plays.length} more`,
      where,
      hint: 'Send them again after the time in Retry-After; none of them has been taken.',
      headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
    });
  // The stop may have come while the body was on its way.
  refuseIfStopping(options, where);
  trends.take(plays);
  refuseIfFailed(trends, where);
  return context.json({ taken: plays.length }, 202);
}

function openStream(context: Context<Env>, options: RoutesOptions): Response {
  const { readers, trends } = options;
  const where = 'GET /trends/stream';
  refuseIfStopping(options, where);
  refuseIfFailed(trends, where);
  if (readers.isFull)
    throw new Refusal('READERS_TOO_MANY', {
      expected: `fewer than ${readers.max} open streams`,
      got: 'one more',
      where,
      hint: 'Come back later, or ask GET /trends now and then.',
      headers: { 'retry-after': '10' },
    });
  if (context.req.method === 'HEAD') return context.body(null, 200, streamHeaders);
  const { outgoing } = context.env;
  outgoing.writeHead(200, streamHeaders);
  readers.add(outgoing);
  return RESPONSE_ALREADY_SENT;
}

function refuse(context: Context, error: unknown): Response {
  const { status, headers, body } = answerTo(error);
  return context.json(body, status as ContentfulStatusCode, headers);
}

function refuseIfStopping({ isStopping }: RoutesOptions, where: string): void {
  if (!isStopping()) return;
  throw new Refusal('STOPPING', {
    expected: 'a service that is running',
    got: 'one that is stopping',
    where,
    hint: 'Ask another instance, or this one after its restart.',
    headers: { 'retry-after': '5' },
  });
}

function refuseIfFailed({ failure }: ChartSource, where: string): void {
  if (failure === undefined) return;
  throw new Refusal('PIPELINE_FAILED', {
    expected: 'a pipeline that is running',
    got: 'one that has failed',
    where,
    hint: 'The log of the service says why. It starts with empty windows again when it is restarted.',
  });
}

function refuseOtherTypes(given: string | undefined): void {
  if (given?.split(';')[0]?.trim().toLowerCase() === 'application/json') return;
  throw new Refusal('MEDIA_TYPE_UNKNOWN', {
    expected: 'application/json',
    got: shown(given),
    where: 'content-type of POST /plays',
    hint: 'Set the header: content-type: application/json.',
  });
}

function unknownRoute(context: Context, methods: ReadonlyMap<string, string>): Refusal {
  const { method, path } = context.req;
  const where = `${method} ${path.slice(0, 80)}`;
  const allow = methods.get(path);
  if (allow !== undefined)
    return new Refusal('METHOD_UNKNOWN', {
      expected: allow,
      got: method,
      where,
      hint: 'Use another method.',
      headers: { allow },
    });
  return new Refusal('ROUTE_UNKNOWN', {
    expected: [...methods.keys()].join(', '),
    got: shown(path),
    where,
    hint: 'Open / in a browser, or post plays to /plays.',
  });
}

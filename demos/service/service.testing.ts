/** For the tests of the service: a service on a clock turned by hand, plays that make charts, and streams as events. */
import { filter, map, pipeline, unchecked } from '../../src/index.js';
import { ManualClock } from './manual-clock.js';
import type { LiveTrends, Play, Pulse, Ranking } from './pipeline.js';
import { startService } from './service.js';
import type { Service, ServiceOptions } from './service.js';
import { Trends } from './trends.js';

/** Friday, 6 March 2026, 20:00 UTC. */
export const evening = Date.UTC(2026, 2, 6, 20);

export interface Stage {
  readonly url: string;
  readonly service: Service;
  readonly trends: Trends;
  readonly clock: ManualClock;
  /** What the service has told its operator. */
  readonly log: string[];
  /** Posts to `/plays`; a text is sent as it is. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Lets seconds pass, and plays of nobody move event time along, so that charts come. */
  pass(seconds: number): void;
  /** Ends it; for `afterEach`. */
  close(): Promise<void>;
}

export async function stage(
  options: Partial<ServiceOptions> & { readonly definition?: LiveTrends } = {},
): Promise<Stage> {
  const clock = new ManualClock(evening);
  const trends = new Trends(clock, options.definition);
  const log: string[] = [];
  const service = await startService({
    host: '127.0.0.1',
    port: 0,
    clock,
    trends,
    log: (line) => void log.push(line),
    ...options,
  });
  return {
    url: service.url,
    service,
    trends,
    clock,
    log,
    post: (body, headers = { 'content-type': 'application/json' }) =>
      fetch(`${service.url}/plays`, {
        method: 'POST',
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    pass(seconds) {
      for (let second = 0; second < seconds; second += 1) {
        clock.advance(1_000);
        trends.take([{ song: 'a skip', at: clock.now(), seconds: 0 }]);
      }
    },
    async close() {
      service.abort();
      await service.stop();
      trends.stop();
    },
  };
}

/** So many plays of each song at one moment. */
export function playsOf(counts: Readonly<Record<string, number>>, at: number): Play[] {
  return Object.entries(counts).flatMap(([song, count]) =>
    Array.from({ length: count }, () => ({ song, at, seconds: 180 })),
  );
}

export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent events by the rules of the standard, as far as the service uses them. */
export class EventReader {
  readonly comments: string[] = [];
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';

  constructor(response: Response) {
    if (response.body === null) throw new Error('a stream without a body');
    this.#reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end < 0) {
        const { done, value } = await this.#reader.read();
        if (done) return undefined;
        this.#text += this.#decoder.decode(value, { stream: true });
        continue;
      }
      const lines = this.#text.slice(0, end).split('\n');
      this.#text = this.#text.slice(end + 2);
      const event = this.#eventOf(lines);
      if (event !== undefined) return event;
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }

  #eventOf(lines: readonly string[]): StreamEvent | undefined {
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (name === '') this.comments.push(value);
      else fields.set(name, value);
    }
    const data = fields.get('data');
    return data === undefined ? undefined : { event: fields.get('event') ?? 'message', data };
  }
}

/** Asks again and again, for ten seconds at most, until the answer is yes. */
export async function until(
  what: string,
  question: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await question())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
}

/** A pipeline that fails at a song of this name, the way a bug in a function of the user would. */
export const poison = 'poison';

export function failing(): LiveTrends {
  return pipeline(
    'failing-trends',
    { plays: unchecked<Play>(), pulse: unchecked<Pulse>() },
    (inputs) => {
      const plays = inputs.plays.pipe(
        map((play): Play => {
          if (play.song === poison) throw new Error('a bug in a function of the user');
          return play;
        }),
      );
      const charts = plays.pipe(
        map(({ song, at }): Ranking => {
          const window = { start: at - 60_000, end: at };
          return { per: at, top: [{ key: song, window, value: 1 }] };
        }),
      );
      const late = inputs.pulse.pipe(
        filter(() => false),
        map(({ at }): Play => ({ song: '', at, seconds: 0 })),
      );
      return { charts, late };
    },
  );
}

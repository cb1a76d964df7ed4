/**
 * Writes values to the standard output, a line each: for a look at what comes out, and for pipes of a shell.
 *
 * What was printed cannot be taken back, so after a crash lines since the last commit are printed again: the sink is
 * at-least-once, and an exactly-once job refuses it unless it says that repeats are acceptable.
 */
import { z } from 'zod';
import type { Sink, SinkWriter } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { checkName } from '../core/graph.js';
import { checkOptions, functionOption } from '../dsl/options.js';

/** What the sink needs of a stream; those of Node fit. */
export interface LineStream {
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  readonly destroyed?: boolean;
  readonly errored?: Error | null;
}

export interface StdoutOptions<T> {
  /** Names the sink among those of the job. Default `stdout`. */
  readonly uid?: string;
  /** `jsonl`: one JSON value per line. `text`: strings as they are, other values as JSON. Default `jsonl`. */
  readonly format?: 'jsonl' | 'text';
  /** The line for a value instead, without its end; `timestamp` is event time in epoch ms, NaN where there is none. */
  readonly encode?: (value: T, timestamp: number) => string;
  /** Accepts repeats after a crash in an exactly-once job. Default false. */
  readonly allowDuplicates?: boolean;
  /** Another stream, such as `process.stderr`. It is never closed. Default `process.stdout`. */
  readonly stream?: LineStream;
}

const schema = z.strictObject({
  uid: z.string().default('stdout'),
  format: z.enum(['jsonl', 'text']).default('jsonl'),
  encode: functionOption<(value: never, timestamp: number) => string>().optional(),
  allowDuplicates: z.boolean().default(false),
  stream: z
    .custom<LineStream>(
      (value) => typeof (value as Partial<LineStream> | null)?.write === 'function',
      {
        error: 'a writable stream',
      },
    )
    .optional(),
});

/**
 * A sink of lines, at least once over crashes, visible at once. A line counts as written when the stream has taken it:
 * a slow reader of a pipe slows the job down. A reader that goes away (EPIPE, as with `| head`) ends the job with
 * SINK_CLOSED and the state of its last commit.
 *
 * @example
 * import { iterable, map, pipeline, run, stdout, unchecked } from 'tidemark';
 * import { Writable } from 'node:stream';
 * const stream = new Writable({
 *   write(chunk, _encoding, done) {
 *     console.log(String(chunk).trim());
 *     done();
 *   },
 * });
 * const greet = pipeline('greet', unchecked<string>(), (name$) =>
 *   name$.pipe(map((name) => ({ hello: name }))),
 * );
 * await run(greet, {
 *   from: iterable(['Ada']),
 *   to: stdout({ stream, allowDuplicates: true }),
 * }).done;
 * // => {"hello":"Ada"}
 *
 * @throws TidemarkError OPTIONS_INVALID, UID_INVALID at once; SINK_CLOSED; SINK_FAILED when a value cannot be encoded
 */
export function stdout<T>(options: StdoutOptions<T> = {}): Sink<T> {
  const checked = checkOptions(schema, options, 'stdout()');
  const uid = checkName(checked.uid, 'stdout(), uid');
  const stream: LineStream = checked.stream ?? process.stdout;
  const encode =
    (checked.encode as ((value: unknown, timestamp: number) => string) | undefined) ??
    (checked.format === 'text' ? asText : asJson);
  const guard = new ErrorGuard(stream);
  return {
    uid,
    guarantee: 'at-least-once',
    allowDuplicates: checked.allowDuplicates,
    recover: () => Promise.resolve(),
    open() {
      guard.open();
      return Promise.resolve(lineWriter({ stream, uid, encode, close: () => guard.close() }));
    },
  };
}

interface LineWriterOptions {
  readonly stream: LineStream;
  readonly uid: string;
  readonly encode: (value: unknown, timestamp: number) => unknown;
  readonly close: () => void;
}

function lineWriter({ stream, uid, encode, close }: LineWriterOptions): SinkWriter {
  let isOpen = true;
  return {
    write(values, timestamps) {
      const lines = values.map((value, index) => lineOf(value, timestamps[index] ?? NaN));
      return new Promise((resolve, reject) => {
        stream.write(`${lines.join('\n')}\n`, (cause) => {
          if (cause === null || cause === undefined) resolve();
          else reject(closed(uid, cause));
        });
      });
    },
    prepare: () => Promise.resolve(undefined),
    publish: () => Promise.resolve(),
    close() {
      if (isOpen) close();
      isOpen = false;
      return Promise.resolve();
    },
  };

  function lineOf(value: unknown, timestamp: number): string {
    let line: unknown;
    let cause: unknown;
    try {
      line = encode(value, timestamp);
    } catch (error) {
      cause = error;
    }
    if (typeof line === 'string') return line;
    throw new TidemarkError('SINK_FAILED', {
      expected: 'a value that can be encoded as a line of text',
      got: `${show(value)}, which ${cause === undefined ? `gave ${show(line)}` : `failed with ${show(cause)}`}`,
      where: `sink "${uid}"`,
      hint: 'JSON cannot carry undefined, functions, bigints and cycles; map the value before the sink, or give an encode.',
      cause,
    });
  }
}

/** A stream that breaks emits `error` besides; without a listener that would end the whole process. */
class ErrorGuard {
  readonly #stream: LineStream;
  readonly #listener = (): void => undefined;
  #writers = 0;

  constructor(stream: LineStream) {
    this.#stream = stream;
  }

  open(): void {
    if (this.#writers === 0) this.#stream.on('error', this.#listener);
    this.#writers += 1;
  }

  close(): void {
    this.#writers -= 1;
    // One that has broken may say so again, when nobody writes any more.
    if (
      this.#writers === 0 &&
      this.#stream.destroyed !== true &&
      (this.#stream.errored ?? null) === null
    )
      this.#stream.off('error', this.#listener);
  }
}

function closed(uid: string, cause: Error): TidemarkError {
  return new TidemarkError('SINK_CLOSED', {
    expected: 'an output that takes lines',
    got: show(cause),
    where: `sink "${uid}"`,
    hint: 'Whoever read the output has gone. The job goes on from its last commit when it is started again.',
    cause,
  });
}

function asJson(value: unknown): string {
  return JSON.stringify(value);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Reads an async iterable: waits for the first element of a chunk, then takes what comes within the same turn of the event
 * loop. So a fast iterable makes full chunks, and no element of a slow one waits for the next.
 */
import type { SourceChunk, SplitReader } from '../core/connector.js';
import type { Clock } from '../core/clock.js';
import { Interruption } from './interruption.js';
import {
  cursorBehind,
  iterableFailed,
  tooFew,
  type IterableReaderOptions,
} from './iterable-cursor.js';
import { sourceChunk } from './source-chunk.js';

type Next = Promise<IteratorResult<unknown>>;

export function asyncReader(
  values: AsyncIterable<unknown>,
  options: IterableReaderOptions & { readonly clock: Clock },
): SplitReader {
  return new AsyncReader(values[Symbol.asyncIterator](), options);
}

class AsyncReader implements SplitReader {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #options: IterableReaderOptions & { readonly clock: Clock };
  readonly #interruption = new Interruption();
  /** Elements that are still to be left out. */
  #skip: number;
  #position: number;
  #isDone = false;
  /** Asked for, and not taken yet. */
  #asked: Next | undefined;

  constructor(
    iterator: AsyncIterator<unknown>,
    options: IterableReaderOptions & { readonly clock: Clock },
  ) {
    this.#iterator = iterator;
    this.#options = options;
    this.#skip = options.skip;
    this.#position = options.consumed;
  }

  async read(): Promise<SourceChunk | undefined> {
    if (this.#isDone || !(await this.#skipped())) return undefined;
    const first = await this.#wait();
    if (first === undefined) return undefined;
    const values = await this.#gathered(first.value);
    const positions = this.#position + 1;
    this.#position += values.length;
    const cursor = cursorBehind(values, this.#position, this.#options);
    return { chunk: sourceChunk(this.#options.origin, { values, positions }), cursor };
  }

  interrupt(): void {
    this.#interruption.raise();
  }

  async close(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    // Not waited for: a generator in the middle of a wait returns only when that is over.
    this.#iterator.return?.().catch(() => undefined);
  }

  async #skipped(): Promise<boolean> {
    const { skip, origin } = this.#options;
    for (; this.#skip > 0; this.#skip -= 1) {
      if ((await this.#wait()) !== undefined) continue;
      if (this.#interruption.isRaised) return false;
      throw tooFew(skip, skip - this.#skip, origin.name);
    }
    return true;
  }

  /** The next element; undefined at the end, or when interrupted. */
  async #wait(): Promise<{ readonly value: unknown } | undefined> {
    const next = await this.#interruption.or(this.#ask()).catch((cause: unknown) => {
      this.#isDone = true;
      const { name } = this.#options.origin;
      throw iterableFailed(`element ${this.#position + 1} or the end`, cause, name);
    });
    return next === undefined ? undefined : this.#taken(next);
  }

  /** Behind the first, what comes within the same turn. */
  async #gathered(first: unknown): Promise<unknown[]> {
    const values = [first];
    const turn = this.#options.clock.turn();
    while (values.length < this.#options.chunk) {
      // What fails stays asked for: the next read reports it, behind the elements before.
      const next = await Promise.race([this.#ask(), turn]).catch(() => undefined);
      const taken = next === undefined ? undefined : this.#taken(next);
      if (taken === undefined) break;
      values.push(taken.value);
    }
    return values;
  }

  #ask(): Next {
    // Async, so that an iterator that throws at once is like one that rejects.
    this.#asked ??= (async () => this.#iterator.next())();
    this.#asked.catch(() => undefined);
    return this.#asked;
  }

  #taken(next: IteratorResult<unknown>): { readonly value: unknown } | undefined {
    this.#asked = undefined;
    this.#isDone = next.done === true;
    return next.done === true ? undefined : { value: next.value };
  }
}

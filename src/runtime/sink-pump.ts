/** The shell around one writer of a sink: batches what a task emits, and prepares epochs in the order of the stream. */
import type { Prepared, SinkWriter } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import { CHUNK_ELEMENTS_MAX } from '../core/flow.js';
import type { Pressure } from './channel.js';
import type { TaskSink } from './task-spec.js';
import type { Wake } from './wake.js';

/** How long an element may wait for others to be handed on with, ms, while the task has no rest. */
const AGE_MS_MAX = 100;

/** Elements that may wait for a writer before the task stops. */
const WAITING_ELEMENTS_MAX = 4 * CHUNK_ELEMENTS_MAX;

type Work =
  | { readonly values: unknown[]; readonly timestamps: Float64Array }
  | {
      readonly epoch: number;
      readonly done: (prepared: Prepared) => void;
      readonly fail: (error: unknown) => void;
    };

export interface SinkPumpOptions {
  readonly uid: string;
  readonly writer: SinkWriter;
  readonly pressure: Pressure;
  readonly wake: Wake;
  readonly failed: (error: unknown) => void;
}

export class SinkPump implements TaskSink {
  readonly uid: string;
  readonly #options: SinkPumpOptions;
  readonly #work: Work[] = [];
  /** As long as what was handed on last, so that it need not grow; filled up to `#count`. */
  #values: unknown[] = [];
  #count = 0;
  readonly #timestamps = new Float64Array(CHUNK_ELEMENTS_MAX);
  #waiting = 0;
  /** When a round first found elements that had not been handed on; undefined when there are none. */
  #heldSince: number | undefined;
  #isDraining = false;
  #failure: { readonly error: unknown } | undefined;
  #prepared = new Map<number, Promise<Prepared>>();
  /** Elements handed on so far. */
  #received = 0;

  constructor(options: SinkPumpOptions) {
    this.#options = options;
    this.uid = options.uid;
  }

  get isFull(): boolean {
    return this.#waiting >= WAITING_ELEMENTS_MAX;
  }

  /** Whether the writer has not yet taken everything that was handed to it. */
  get isWriting(): boolean {
    return this.#isDraining;
  }

  element(value: unknown, timestamp: number): void {
    const at = this.#count;
    this.#values[at] = value;
    this.#timestamps[at] = timestamp;
    this.#count = at + 1;
    if (at === CHUNK_ELEMENTS_MAX - 1) this.flush();
  }

  /** Elements taken so far. */
  get received(): number {
    return this.#received + this.#count;
  }

  /**
   * Called once per round of the job, so that no element needs a clock of its own. At rest all goes on at once; but under
   * a steady stream of small chunks a task never rests, and what it emits would wait for a full batch or a barrier.
   */
  afterRound(worked: boolean, now: number): void {
    if (!worked) this.flush();
    else if (this.#count === 0) this.#heldSince = undefined;
    else if (this.#heldSince === undefined) this.#heldSince = now;
    else if (now - this.#heldSince >= AGE_MS_MAX || now < this.#heldSince) this.flush();
  }

  /** Hands what has been collected to the writer. */
  flush(): void {
    this.#heldSince = undefined;
    const length = this.#count;
    if (length === 0) return;
    const values = this.#values;
    values.length = length;
    this.#received += length;
    this.#waiting += length;
    if (this.isFull) this.#options.pressure.isFull = true;
    this.#push({ values, timestamps: this.#timestamps.slice(0, length) });
    this.#values = new Array<unknown>(length);
    this.#count = 0;
  }

  barrier(epoch: number): void {
    this.flush();
    const prepared = new Promise<Prepared>((done, fail) => {
      this.#push({ epoch, done, fail });
    });
    // The job hears of a failure in any case; whoever asks for this epoch hears of it too.
    prepared.catch(() => undefined);
    this.#prepared.set(epoch, prepared);
  }

  end(): void {
    this.flush();
  }

  /** What the writer leaves in the commit of an epoch whose barrier it has seen. */
  prepared(epoch: number): Promise<Prepared> {
    const prepared =
      this.#prepared.get(epoch) ?? Promise.reject(new Error(`Tidemark bug: no barrier ${epoch}`));
    this.#prepared.delete(epoch);
    return prepared;
  }

  publish(prepared: Prepared): Promise<void> {
    return guardSink(this.uid, () => this.#options.writer.publish(prepared));
  }

  close(): Promise<void> {
    return guardSink(this.uid, () => this.#options.writer.close());
  }

  #push(work: Work): void {
    this.#work.push(work);
    if (this.#failure !== undefined) this.#failAll(this.#failure.error);
    if (this.#isDraining) return;
    this.#isDraining = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    const { writer, wake, failed, uid } = this.#options;
    try {
      // Peeked first: what fails is still in the queue then, and its epoch is told.
      for (let work = this.#work[0]; work !== undefined; work = this.#work[0]) {
        if ('epoch' in work) {
          work.done(await writer.prepare(work.epoch));
        } else {
          const written = writer.write(work.values, work.timestamps);
          if (written !== undefined) await written;
          this.#waiting -= work.values.length;
          wake.ring();
        }
        this.#work.shift();
      }
      this.#isDraining = false;
    } catch (error) {
      // Stays "draining": nothing may be written behind a hole. The job stops.
      const failure = sinkFailed(error, uid);
      this.#failure = { error: failure };
      this.#failAll(failure);
      failed(failure);
    }
  }

  #failAll(error: unknown): void {
    for (const work of this.#work.splice(0)) if ('epoch' in work) work.fail(error);
  }
}

/** What a sink has reported, as a coded error. */
export function sinkFailed(error: unknown, uid: string): unknown {
  if (error instanceof TidemarkError) return error;
  return new TidemarkError('SINK_FAILED', {
    expected: 'a sink that can be written',
    got: show(error),
    where: `sink "${uid}"`,
    hint: 'The cause is attached; the job can be started again and goes on from the last commit.',
    cause: error,
  });
}

/** Calls a sink; whatever it throws names it. */
export async function guardSink<T>(uid: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw sinkFailed(error, uid);
  }
}

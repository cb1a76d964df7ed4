/**
 * Orders that a service pushes into a log. It dies with its job, and pushes again whatever was not acknowledged; so an
 * order may be in the log twice, and `dedupe` lets it through once.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  dedupe,
  eventTime,
  ingest,
  keyBy,
  lmdb,
  partFiles,
  pipeline,
  process,
  run,
  table,
  unchecked,
  valueState,
  type Ingest,
} from '../../src/index.js';
import { writeLines } from './input.js';
import { commonOptions, unlucky, type TorturedJob } from './job.js';

interface Order {
  readonly n: number;
  readonly amount: number;
}

interface Sum {
  readonly key: number;
  readonly sum: number;
}

const BATCH = 100;

const orders = pipeline('orders', unchecked<Order>(), (order$) => {
  const once = order$.pipe(
    eventTime({ timestamp: ({ n }) => n }),
    dedupe({ uid: 'once', by: ({ n }) => n, within: '1h' }),
  );
  return {
    taken: once,
    sums: once.pipe(
      keyBy(({ n }) => n % 64, { uid: 'by-rest' }),
      process({
        uid: 'sum',
        state: { sum: valueState(0) },
        element({ amount }, { key, state }): Sum[] {
          state.sum.set(state.sum.get() + amount);
          return [{ key, sum: state.sum.get() }];
        },
      }),
    ),
  };
});

export const ingestJob: TorturedJob = {
  name: 'ingest',
  points: [
    ...(['ingest.opened', 'ingest.gathered', 'ingest.written', 'ingest.flushed'] as const),
    ...(['ingest.trimmed', 'table.staged', 'table.published'] as const),
  ],
  shards: [1, 4],
  outputs: [
    { name: 'taken', kind: 'part files' },
    { name: 'sums', kind: 'table', isRepeatable: false },
  ],

  writeInputs: (directory, { records, random }) =>
    writeLines(join(directory, 'orders'), records, () => String(Math.floor(random() * 1000))),

  async start(life) {
    const { inputs, directory } = life;
    const common = commonOptions(life);
    const log = ingest(unchecked<Order>(), {
      directory: join(directory, 'log'),
      runtime: common.runtime,
    });
    const job = run(orders, {
      from: log,
      to: {
        taken: unlucky(
          partFiles<Order>({ uid: 'taken', directory: join(directory, 'taken') }),
          life,
        ),
        sums: table<Sum>({
          uid: 'sums',
          directory: join(directory, 'sums'),
          key: ({ key }) => key,
          value: ({ sum }) => sum,
        }),
      },
      state: lmdb(join(directory, 'state')),
      ...common,
    });
    const shop = new Shop(log, { inputs, directory });
    const ended = job.done.finally(() => shop.close());
    const [summary] = await Promise.all([ended, shop.pushAll()]);
    await log.close();
    return summary;
  },
};

class Shop {
  readonly #log: Ingest<Order>;
  readonly #amounts: readonly string[];
  /** Holds how many orders were acknowledged. */
  readonly #book: string;
  #isClosed = false;

  constructor(log: Ingest<Order>, { inputs, directory }: { inputs: string; directory: string }) {
    this.#log = log;
    this.#amounts = readFileSync(join(inputs, 'orders'), 'utf8').trimEnd().split('\n');
    mkdirSync(directory, { recursive: true });
    this.#book = join(directory, 'acknowledged');
    writeFileSync(this.#book, '', { flag: 'a' });
  }

  async pushAll(): Promise<void> {
    let next = readFileSync(this.#book).byteLength;
    while (next < this.#amounts.length && !this.#isClosed) {
      const batch = this.#amounts.slice(next, next + BATCH);
      const first = next;
      await Promise.all(
        batch.map((amount, at) => this.#log.push({ n: first + at, amount: Number(amount) })),
      );
      next += batch.length;
      // A byte for each: what is appended by one call is there as a whole.
      writeFileSync(this.#book, '.'.repeat(batch.length), { flag: 'a' });
    }
    if (!this.#isClosed) await this.#log.end();
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** Sales whose prices are looked up, in order and out of it, before they are summed in windows: many files to csv. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  asyncMap,
  directory as filesOf,
  eventTime,
  keyBy,
  lmdb,
  map,
  partFiles,
  pipeline,
  run,
  sum,
  tumbling,
  unchecked,
  window,
} from '../../src/index.js';
import { writeLines } from './input.js';
import { commonOptions, unlucky, type TorturedJob } from './job.js';

type Row = Readonly<Record<'item' | 'at' | 'n', string>>;

interface Sale {
  readonly item: string;
  readonly at: number;
  readonly n: number;
}

interface Priced extends Sale {
  readonly price: number;
}

const FILES = 6;
const AT_ONCE = 64;

/** A service that answers when it likes, and fails at the first call of some. */
async function priceOf({ item, n }: Sale, attempt: number): Promise<number> {
  if (n % 7 !== 0) await wait(n % 4);
  if (n % 31 === 0 && attempt === 1) throw new Error('busy');
  return item.length * 100 + (n % 100);
}

const prices = pipeline('prices', unchecked<Row>(), (row$) => {
  const priced = row$.pipe(
    map(({ item, at, n }): Sale => ({ item, at: Number(at), n: Number(n) })),
    eventTime({ timestamp: ({ at }) => at, outOfOrderness: '5s' }),
    asyncMap(
      async (sale, { attempt }): Promise<Priced> => ({
        ...sale,
        price: await priceOf(sale, attempt),
      }),
      { uid: 'price', capacity: AT_ONCE, ordered: false, retry: { attempts: 3, delay: 1 } },
    ),
  );
  return {
    checked: priced.pipe(
      asyncMap((sale) => wait(sale.n % 3, sale), { uid: 'check', capacity: AT_ONCE }),
    ),
    sums: priced.pipe(
      keyBy(({ item }) => item, { uid: 'by-item' }),
      window(
        tumbling({ size: '10s' }),
        sum(({ price }) => price),
        { uid: 'sum' },
      ),
      map(({ key, window: { end }, value }) => ({ item: key, end, value })),
    ),
  };
});

export const asyncJob: TorturedJob = {
  name: 'async',
  points: [],
  shards: [1, 4],
  outputs: [
    { name: 'checked', kind: 'part files' },
    { name: 'sums', kind: 'part files', isRepeatable: false },
  ],

  /** Names ascend with time, and no sale is later than the bound. */
  async writeInputs(directory, { records, random }) {
    await mkdir(join(directory, 'sales'));
    const perFile = Math.ceil(records / FILES);
    for (let file = 0; file < FILES; file += 1)
      await writeLines(join(directory, 'sales', `${file}.csv`), perFile, (line) => {
        const n = file * perFile + line;
        const at = 1_000_000 + n * 10 + Math.floor(random() * 4000);
        return `${'item'.repeat(1 + Math.floor(random() * 40))},${at},${n}`;
      });
  },

  start(life) {
    const { inputs, directory } = life;
    return run(prices, {
      from: filesOf(join(inputs, 'sales'), {
        format: 'csv',
        columns: ['item', 'at', 'n'],
        open: 2,
      }),
      to: {
        checked: unlucky(
          partFiles<Priced>({ uid: 'checked', directory: join(directory, 'checked') }),
          life,
        ),
        sums: partFiles({
          uid: 'sums',
          directory: join(directory, 'sums'),
          format: 'csv',
          columns: ['item', 'end', 'value'],
          header: false,
        }),
      },
      state: lmdb(join(directory, 'state')),
      ...commonOptions(life),
    }).done;
  },
};

/** Accounts whose state is far larger than its share of memory, most of them left on disk; with snapshots on the way. */
import { join } from 'node:path';
import {
  directoryStore,
  file,
  keyBy,
  listState,
  lmdb,
  map,
  mapState,
  partFiles,
  pipeline,
  process,
  run,
  table,
  unchecked,
  valueState,
} from '../../src/index.js';
import { writeLines } from './input.js';
import { commonOptions, unlucky, type TorturedJob } from './job.js';

type Row = Readonly<Record<'account' | 'n', string>>;

interface Booking {
  readonly account: string;
  readonly n: number;
}

interface Statement {
  readonly account: string;
  readonly n: number;
  readonly sum: number;
  readonly bookings: number;
  readonly rests: number;
}

/** What an account holds beside its numbers, so that a few thousand of them outgrow the budget. */
const BALLAST = 'ballast '.repeat(50);

const bank = pipeline('bank', unchecked<Row>(), (row$) =>
  row$.pipe(
    map(({ account, n }): Booking => ({ account, n: Number(n) })),
    keyBy(({ account }) => account, { uid: 'by-account' }),
    process({
      uid: 'account',
      state: {
        sum: valueState(0),
        ballast: valueState(''),
        latest: listState<number>(),
        rests: mapState<number, number>(),
      },
      element({ account, n }, { state }): Statement[] {
        state.sum.set(state.sum.get() + n);
        state.ballast.set(`${account} ${BALLAST}`);
        state.latest.add(n);
        state.rests.set(n % 5, (state.rests.get(n % 5) ?? 0) + 1);
        const bookings = [...state.latest.get()].length;
        const rests = [...state.rests.keys()].length;
        return [{ account, n, sum: state.sum.get(), bookings, rests }];
      },
    }),
  ),
);

export const spillingJob: TorturedJob = {
  name: 'spilling',
  points: ['snapshot.written', 'snapshot.published'],
  shards: [1, 4],
  outputs: [
    { name: 'statements', kind: 'part files' },
    { name: 'accounts', kind: 'table' },
  ],

  /** A few accounts are met all the time, and the others come back after a long while. */
  writeInputs: (directory, { records, random }) =>
    writeLines(join(directory, 'bookings.csv'), records, (n) => {
      const account = Math.floor(random() ** 2 * records * 0.5);
      return `account-${account},${n}`;
    }),

  start(life) {
    const { inputs, directory } = life;
    return run(bank, {
      from: file(join(inputs, 'bookings.csv'), { format: 'csv', columns: ['account', 'n'] }),
      to: [
        unlucky(
          partFiles<Statement>({ uid: 'statements', directory: join(directory, 'statements') }),
          life,
        ),
        table<Statement>({
          uid: 'accounts',
          directory: join(directory, 'accounts'),
          key: ({ account }) => account,
        }),
      ],
      state: lmdb(join(directory, 'state')),
      memory: '256KB',
      snapshots: directoryStore(join(directory, 'snapshots'), { keep: 2 }),
      snapshotEvery: 1,
      ...commonOptions(life),
    }).done;
  },
};

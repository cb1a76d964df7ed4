/**
 * Readings that are weighed by broadcast rules, and leave through a gate that a rule opens.
 *
 * What it emits does not depend on how the two streams meet: a reading is weighed by the rules as of its own time, once
 * the watermark says that all of them are there; and it passes the gate once, by itself or by a visit of its key.
 */
import { join } from 'node:path';
import {
  broadcast,
  connect,
  eventTime,
  file,
  keyBy,
  listState,
  lmdb,
  map,
  mapState,
  partFiles,
  pipeline,
  run,
  unchecked,
} from '../../src/index.js';
import { writeLines } from './input.js';
import { commonOptions, unlucky, type TorturedJob } from './job.js';

type Cells<Name extends string> = Readonly<Record<Name, string>>;

interface Reading {
  readonly at: number;
  readonly key: string;
  readonly n: number;
}

/** From `at` on, readings count `factor` for this rule. */
interface Rule {
  readonly at: number;
  readonly id: string;
  readonly factor: number;
  /** What waits leaves, and what is read from then on leaves at once. */
  readonly opens: boolean;
}

interface Version {
  readonly at: number;
  readonly factor: number;
}

const GATE = 'gate';
const RULE_EVERY = 40;

const weighed = pipeline(
  'weighed',
  {
    readings: unchecked<Cells<'at' | 'key' | 'n'>>(),
    rules: unchecked<Cells<'at' | 'id' | 'factor' | 'opens'>>(),
  },
  ({ readings, rules }) => {
    const rule$ = rules.pipe(
      map(({ at, id, factor, opens }): Rule => ({
        ...{ at: Number(at), id, factor: Number(factor), opens: opens === 'yes' },
      })),
      eventTime({ timestamp: ({ at }) => at, every: 0 }),
    );
    return readings.pipe(
      map(({ at, key, n }): Reading => ({ at: Number(at), key, n: Number(n) })),
      eventTime({ timestamp: ({ at }) => at, every: 0 }),
      keyBy(({ key }) => key, { uid: 'by-key' }),
      connect(broadcast(rule$), {
        uid: 'weighed',
        state: { open: listState<Reading>(), atGate: listState<number>() },
        broadcastState: { rules: mapState<string, readonly Version[]>() },
        first(reading, { state, timers, broadcastState }) {
          state.open.add(reading);
          timers.setEventTime(reading.at);
          if (broadcastState.rules.has(GATE)) return [passed(reading.n)];
          state.atGate.add(reading.n);
          return [];
        },
        second({ at, id, factor, opens }, { broadcastState, visitKeys }) {
          const versions = broadcastState.rules.get(id) ?? [];
          broadcastState.rules.set(id, [...versions, { at, factor }]);
          if (opens && !broadcastState.rules.has(GATE)) broadcastState.rules.set(GATE, []);
          if (opens) visitKeys();
          return [`rule ${id} ${at} ${factor}`];
        },
        eachKey(_rule, { state }) {
          const waiting = [...state.atGate.get()];
          state.atGate.clear();
          return waiting.map(passed);
        },
        timer({ time: now }, { state, broadcastState }) {
          const all = [...state.open.get()];
          state.open.clear();
          for (const reading of all) if (reading.at > now) state.open.add(reading);
          const rulesNow = [...broadcastState.rules.entries()];
          return all
            .filter(({ at }) => at <= now)
            .map(({ at, n }) => `weighed ${n} ${weightAt(rulesNow, at)}`);
        },
      }),
    );
  },
);

function passed(n: number): string {
  return `passed ${n}`;
}

/** The walk over the rules is part of the answer: copies that are walked in another order would show. */
function weightAt(rules: readonly (readonly [string, readonly Version[]])[], at: number): number {
  return rules.reduce((weight, [, versions]) => {
    // Not the last in the list: at-least-once, a version that is read again comes behind later ones.
    const begun = versions.filter((candidate) => candidate.at <= at);
    if (begun.length === 0) return weight;
    const newest = begun.reduce((one, other) => (other.at > one.at ? other : one));
    return (weight * 3 + newest.factor) % 1009;
  }, 0);
}

export const joinedJob: TorturedJob = {
  name: 'joined',
  points: [],
  shards: [1, 2, 4],
  outputs: [{ name: 'answers', kind: 'part files' }],

  /** There are fewer rules, but as many bytes of them, so that both inputs are read to the end together. */
  async writeInputs(directory, { records, random }) {
    await writeLines(join(directory, 'readings.csv'), records, (index) => {
      const key = `key-${Math.floor(random() ** 2 * 60)}`;
      return `${1000 + index * 10},${key},${index}`;
    });
    const filler = 'x'.repeat(RULE_EVERY * 16);
    const rules = Math.floor(records / RULE_EVERY);
    await writeLines(join(directory, 'rules.csv'), rules, (index) => {
      const opens = index > rules / 3 && random() < 0.05 ? 'yes' : 'no';
      const id = `rule-${Math.floor(random() * 8)}`;
      return `${1005 + index * 10 * RULE_EVERY},${id},${Math.floor(random() * 9)},${opens},${filler}`;
    });
  },

  start(life) {
    const { inputs, directory } = life;
    const csv = <Name extends string>(name: string, columns: readonly Name[]) =>
      file(join(inputs, name), { format: 'csv', columns });
    return run(weighed, {
      from: {
        readings: csv('readings.csv', ['at', 'key', 'n']),
        rules: csv('rules.csv', ['at', 'id', 'factor', 'opens', 'filler']),
      },
      to: unlucky(
        partFiles<string>({
          uid: 'answers',
          directory: join(directory, 'answers'),
          encode: (text) => text,
        }),
        life,
      ),
      state: lmdb(join(directory, 'state')),
      ...commonOptions(life),
    }).done;
  },
};

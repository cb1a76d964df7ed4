import { describe, expect, test } from 'vitest';
import { silentLogger } from '../core/runtime.js';
import { JobJournal } from './job-journal.js';
import { addCounters, describeWhence, makeCounters, type DeadRecord } from './records.js';

const dead: DeadRecord = {
  operator: 'map',
  position: 'plays.csv line 3',
  reason: 'USER_FUNCTION_FAILED',
  raw: 'x',
  timestamp: undefined,
};

describe('the breaker', () => {
  test('trips at so many failures in a row', () => {
    const { journal, task } = bench({ share: 1, inARow: 3 });
    for (let times = 0; times < 2; times += 1) fail(journal, task);
    expect(() => fail(journal, task)).toThrow(/DEAD_LETTERS_EXCEEDED.*3 of them in a row/);
  });

  test('a good record in between begins the row anew', () => {
    const { journal, task } = bench({ share: 1, inARow: 3 });
    for (let times = 0; times < 20; times += 1) {
      fail(journal, task);
      fail(journal, task);
      task.records += 1;
    }
    expect(journal.deadSamples.length).toBe(10);
  });

  test('several failures of one record count in the row', () => {
    const { journal, task } = bench({ share: 1, inARow: 3 });
    task.records += 1;
    journal.dead(dead);
    journal.dead(dead);
    expect(() => journal.dead(dead)).toThrow('DEAD_LETTERS_EXCEEDED');
  });

  test('judges the share once there are 1,000 records, and not before', () => {
    const { journal, task } = bench({ share: 0.01, inARow: 100 });
    for (let record = 1; record < 1000; record += 1) {
      if (record % 90 === 0) fail(journal, task);
      else task.records += 1;
    }
    expect(task.records).toBe(999);
    expect(() => fail(journal, task)).toThrow(/expected at most 1 % .*got 12 failed out of 1000/);
  });

  test('a share that is exactly reached is tolerated', () => {
    const { journal, task } = bench({ share: 0.01, inARow: 100 });
    for (let record = 1; record <= 5000; record += 1) {
      if (record % 100 === 0) fail(journal, task);
      else task.records += 1;
    }
    expect(journal.deadSamples.length).toBe(10);
  });

  test('names the record that tripped it', () => {
    const { journal, task } = bench({ share: 0, inARow: 1 });
    expect(() => fail(journal, task)).toThrow(
      /the last one: USER_FUNCTION_FAILED, at plays.csv line 3/,
    );
  });
});

test('ten examples are kept and logged, the rest is only counted', () => {
  const logged: string[] = [];
  const log = { ...silentLogger, warn: (_fields: object, text: string) => logged.push(text) };
  const { journal, task } = bench({ share: 1, inARow: 1000 }, log);
  for (let times = 0; times < 15; times += 1) {
    fail(journal, task);
    journal.late({ operator: 'w', timestamp: 1, watermark: 2, position: 'p', key: 'k' });
  }
  expect([journal.deadSamples.length, journal.lateSamples.length, logged.length]).toEqual([
    10, 10, 20,
  ]);
});

test('counters and records go on from the last commit', () => {
  const base = new Map([['map', { ...makeCounters(), received: 5, accepted: 5 }]]);
  const { journal, task } = bench({ share: 1, inARow: 9 }, silentLogger, base, 5);
  task.records = 2;
  task.counted.set('map', { ...makeCounters(), received: 2, dead: 2 });
  task.counted.set('new', { ...makeCounters(), received: 1 });
  expect(journal.records).toBe(7);
  expect(journal.counters().get('map')).toMatchObject({ received: 7, accepted: 5, dead: 2 });
  expect(journal.counters().get('new')).toMatchObject({ received: 1 });
  expect(base.get('map')).toMatchObject({ received: 5 });
});

test('counters add up field by field', () => {
  const into = makeCounters();
  const all = { received: 1, accepted: 2, late: 3, dead: 4, filtered: 5, refused: 6 };
  addCounters(into, all);
  addCounters(into, all);
  expect(into).toEqual({ received: 2, accepted: 4, late: 6, dead: 8, filtered: 10, refused: 12 });
});

test('a position is told by its origin; a derived one by key and time', () => {
  const line = { name: 'plays.csv', unit: 'line' };
  expect(describeWhence({ origin: line, position: 17, derivedKey: 'ignored' })).toBe(
    'plays.csv line 17',
  );
  const derived = { name: 'window "plays"', unit: 'time' };
  expect(describeWhence({ origin: derived, position: 99, derivedKey: 10n })).toBe(
    'window "plays" key 10n time 99',
  );
});

interface FakeTask {
  records: number;
  readonly counted: Map<string, ReturnType<typeof makeCounters>>;
}

function bench(
  limits: { share: number; inARow: number },
  log = silentLogger,
  base: ReadonlyMap<string, ReturnType<typeof makeCounters>> = new Map(),
  records = 0,
): { journal: JobJournal; task: FakeTask } {
  const journal = new JobJournal({ base, records, log, limits });
  const counted: FakeTask['counted'] = new Map();
  const task = { records: 0, counted, wiring: { counters: () => counted } };
  journal.tasks = [task as never];
  return { journal, task };
}

function fail(journal: JobJournal, task: FakeTask): void {
  task.records += 1;
  journal.dead(dead);
}

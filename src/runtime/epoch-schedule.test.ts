import { describe, expect, test } from 'vitest';
import { EpochSchedule, type EpochLimits, type EpochReason } from './epoch-schedule.js';

const never: EpochLimits = {
  everyMs: Infinity,
  everyRecords: Infinity,
  everyBytes: Infinity,
  minPauseMs: 0,
  timeoutMs: 600_000,
};

function schedule(limits: Partial<EpochLimits>, records = 0): EpochSchedule {
  return new EpochSchedule({ ...never, ...limits }, { now: 0, records });
}

function due(machine: EpochSchedule, now: number, records = 0, bytes = 0): EpochReason | undefined {
  return machine.due(now, { records, bytes: () => bytes });
}

describe('an epoch is due', () => {
  test('after its time, counted from the beginning of the one before', () => {
    const machine = schedule({ everyMs: 100 });
    expect([due(machine, 99), machine.nextAt()]).toEqual([undefined, 100]);
    expect(due(machine, 100)).toBe('interval');
    machine.begun(130, 0);
    expect([due(machine, 1000), machine.isBusy]).toEqual([undefined, true]);
    machine.ended(140);
    expect([due(machine, 229), machine.nextAt()]).toEqual([undefined, 230]);
    expect(due(machine, 230)).toBe('interval');
  });

  test('at once when the one before took longer than the interval', () => {
    const machine = schedule({ everyMs: 100 });
    machine.begun(100, 0);
    machine.ended(350);
    expect(due(machine, 350)).toBe('interval');
  });

  test('after so many records, not counting those of earlier runs', () => {
    const machine = schedule({ everyRecords: 10 }, 1000);
    expect(due(machine, 0, 1009)).toBe(undefined);
    expect(due(machine, 0, 1010)).toBe('records');
    machine.begun(0, 1015);
    machine.ended(1);
    expect(due(machine, 1, 1024)).toBe(undefined);
    expect(due(machine, 1, 1025)).toBe('records');
  });

  test('after so many bytes; nobody counts them otherwise', () => {
    const machine = schedule({ everyBytes: 1000 });
    expect(due(machine, 0, 5, 999)).toBe(undefined);
    expect(due(machine, 0, 5, 1000)).toBe('bytes');
    const counted = (): number => {
      throw new Error('counted');
    };
    expect(schedule({ everyMs: 5 }).due(0, { records: 0, bytes: counted })).toBe(undefined);
  });

  test('when somebody asks, once', () => {
    for (const reason of ['demand', 'forced'] as const) {
      const machine = schedule({});
      machine.ask(reason);
      expect(due(machine, 0)).toBe(reason);
      machine.begun(0, 0);
      machine.ended(1);
      expect(due(machine, 1)).toBe(undefined);
    }
  });

  test('when somebody asks during an epoch, by the next one', () => {
    const machine = schedule({});
    machine.begun(0, 0);
    machine.ask('demand');
    expect(due(machine, 5)).toBe(undefined);
    machine.ended(10);
    expect(due(machine, 10)).toBe('demand');
  });

  test('after the pause, whatever is beyond its limit, unless somebody asks', () => {
    const machine = schedule({ everyMs: 100, everyRecords: 10, minPauseMs: 50 });
    machine.begun(100, 10);
    machine.ended(190);
    expect(due(machine, 239, 500)).toBe(undefined);
    // Woken when the pause is over, not at the interval, because there are enough records already.
    expect(machine.nextAt()).toBe(240);
    expect(due(machine, 240, 500)).toBe('records');
    machine.ask('demand');
    expect(due(machine, 200, 500)).toBe('demand');
  });
});

describe('time', () => {
  test('without an interval there is nothing to wake up for', () => {
    expect(schedule({}).nextAt()).toBe(Infinity);
  });

  test('an epoch that takes too long is noticed, and woken up for', () => {
    const machine = schedule({ everyMs: 100, timeoutMs: 300 });
    expect(machine.hasTimedOut(1e9)).toBe(false);
    machine.begun(100, 0);
    expect([machine.nextAt(), machine.hasTimedOut(399)]).toEqual([400, false]);
    expect(machine.hasTimedOut(400)).toBe(true);
    machine.ended(401);
    expect(machine.hasTimedOut(1e9)).toBe(false);
  });
});

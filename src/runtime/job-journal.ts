/** What a job has seen: counters over all incarnations, and examples of late and dead records. */
import { TidemarkError } from '../core/errors.js';
import type { Counters } from '../core/operator.js';
import type { Logger } from '../core/runtime.js';
import type { DeadLetterLimits } from './job-options.js';
import {
  SAMPLES_MAX,
  addCounters,
  makeCounters,
  type DeadRecord,
  type LateRecord,
} from './records.js';
import type { Task } from './task.js';

/** Below this many records one failure would already be a large share. */
const BREAKER_RECORDS_MIN = 1000;

export class JobJournal {
  readonly lateSamples: LateRecord[] = [];
  readonly deadSamples: DeadRecord[] = [];
  readonly #base: ReadonlyMap<string, Counters>;
  readonly #baseRecords: number;
  readonly #log: Logger;
  readonly #limits: DeadLetterLimits;
  #dead = 0;
  #deadInARow = 0;
  #recordsAtLastDead = -1;
  tasks: readonly Task[] = [];

  /** @param options.base counters of the last commit */
  constructor(options: {
    base: ReadonlyMap<string, Counters>;
    records: number;
    log: Logger;
    limits: DeadLetterLimits;
  }) {
    this.#base = options.base;
    this.#baseRecords = options.records;
    this.#log = options.log;
    this.#limits = options.limits;
  }

  get records(): number {
    return this.#baseRecords + this.#recordsNow();
  }

  late(record: LateRecord): void {
    if (this.lateSamples.length >= SAMPLES_MAX) return;
    this.lateSamples.push(record);
    this.#log.warn({ ...record }, 'a record came too late');
  }

  /** @throws TidemarkError DEAD_LETTERS_EXCEEDED */
  dead(record: DeadRecord): void {
    if (this.deadSamples.length < SAMPLES_MAX) {
      this.deadSamples.push(record);
      this.#log.warn({ ...record }, 'a record became a dead letter');
    }
    const records = this.#recordsNow();
    this.#dead += 1;
    this.#deadInARow = records - this.#recordsAtLastDead <= 1 ? this.#deadInARow + 1 : 1;
    this.#recordsAtLastDead = records;
    const tooMany = records >= BREAKER_RECORDS_MIN && this.#dead > this.#limits.share * records;
    if (this.#deadInARow < this.#limits.inARow && !tooMany) return;
    throw new TidemarkError('DEAD_LETTERS_EXCEEDED', {
      expected: `at most ${this.#limits.share * 100} % failed records and fewer than ${this.#limits.inARow} in a row`,
      got: `${this.#dead} failed out of ${records}, ${this.#deadInARow} of them in a row; the last one: ${record.reason}`,
      where: record.position,
      hint: 'Nothing since the last epoch has been committed. Mend the input or the function, or raise deadLettersMax.',
    });
  }

  counters(): Map<string, Counters> {
    const sums = new Map<string, Counters>();
    const add = (name: string, counters: Counters): void => {
      const sum = sums.get(name) ?? makeCounters();
      addCounters(sum, counters);
      sums.set(name, sum);
    };
    for (const [name, counters] of this.#base) add(name, counters);
    for (const task of this.tasks)
      for (const [name, counters] of task.wiring.counters()) add(name, counters);
    return sums;
  }

  #recordsNow(): number {
    return this.tasks.reduce((sum, task) => sum + task.records, 0);
  }
}

/** Counters of one task, as they are now: an epoch must not see what comes after its barrier. */
export function copyCounters(task: Task): Map<string, Counters> {
  return new Map([...task.wiring.counters()].map(([name, counters]) => [name, { ...counters }]));
}

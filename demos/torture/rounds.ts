/** Tortures one job: rounds from empty state to the end, killed again and again, and compared with a calm run. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crashPoints, type CrashPoint, type Guarantee } from '../../src/index.js';
import { pick, type Random } from '../shared/random.js';
import type { LifeOptions, TorturedJob } from './job.js';
import { differenceOfSets, firstDifference, linesOf } from './lines.js';
import { drawFate, drawRepeatingFate, failuresIn, live, type Fate } from './lives.js';

export interface Settings {
  readonly kills: number;
  readonly records: number;
  /** In epoch ms: no round begins later. */
  readonly until: number;
  readonly random: Random;
  /** Of this job alone. */
  readonly directory: string;
}

/** What has happened to a job. */
export interface Report {
  readonly job: string;
  readonly kills: number;
  readonly stops: number;
  /** Calls of sinks that were made to fail; after each the job began again by itself. */
  readonly failures: number;
  readonly restarts: number;
  readonly points: number;
  readonly pointsInAll: number;
  /** Source records of all exactly-once rounds together. */
  readonly records: number;
  /** Lines that came twice: in the part files of the same job at-least-once; and in what its callback took. */
  readonly duplicates: number;
  readonly repeatedCalls: number;
  /** `exact`, or what is wrong. */
  readonly verdict: string;
}

/** Lives of a round end this way at most, so that each round comes to its end. */
const DEATHS_PER_ROUND = 12;

export async function torture(job: TorturedJob, settings: Settings): Promise<Report> {
  const rounds = new Rounds(job, settings);
  await rounds.prepare();
  const exact = await rounds.run('exactly-once', settings.kills);
  const control = await rounds.run('at-least-once', Math.max(6, Math.ceil(settings.kills / 4)));
  const points = pointsOf(job);
  const missed = points.filter((point) => !exact.points.has(point));
  const difference =
    exact.difference ??
    control.difference ??
    (control.duplicates === 0 ? 'inconclusive: at-least-once shows no duplicates' : undefined) ??
    (missed.length > 0 && exact.kills >= points.length
      ? `never killed at ${missed.join(', ')}`
      : undefined);
  return {
    job: job.name,
    kills: exact.kills,
    stops: exact.stops,
    failures: exact.failures,
    restarts: exact.restarts,
    points: points.length - missed.length,
    pointsInAll: points.length,
    records: settings.records * exact.rounds,
    duplicates: control.duplicates,
    repeatedCalls: exact.repeatedCalls,
    verdict: difference ?? 'exact',
  };
}

function pointsOf(job: TorturedJob): CrashPoint[] {
  return [...crashPoints, ...job.points];
}

interface Tally {
  kills: number;
  stops: number;
  failures: number;
  restarts: number;
  rounds: number;
  duplicates: number;
  repeatedCalls: number;
  readonly points: Set<CrashPoint>;
  /** The first one that was found. */
  difference: string | undefined;
}

class Rounds {
  readonly #job: TorturedJob;
  readonly #settings: Settings;
  #runMs = 0;
  #expected: readonly string[] = [];

  constructor(job: TorturedJob, settings: Settings) {
    this.#job = job;
    this.#settings = settings;
  }

  /** Inputs, and the run that everything is compared with. */
  async prepare(): Promise<void> {
    const inputs = join(this.#settings.directory, 'inputs');
    await mkdir(inputs, { recursive: true });
    await this.#job.writeInputs(inputs, this.#settings);
    const started = Date.now();
    const directory = join(this.#settings.directory, 'calm');
    const ending = await live(this.#life(directory, 'exactly-once'));
    if (ending !== 'finished') throw new Error('the run without kills did not finish');
    this.#runMs = Date.now() - started;
    this.#expected = await linesOf(directory, this.#job.outputs);
    say(`${this.#job.name}: calm: ${this.#runMs} ms, ${this.#expected.length} lines`);
  }

  async run(guarantee: Guarantee, kills: number): Promise<Tally> {
    const tally: Tally = {
      ...{
        kills: 0,
        stops: 0,
        failures: 0,
        restarts: 0,
        rounds: 0,
        duplicates: 0,
        repeatedCalls: 0,
      },
      ...{ points: new Set<CrashPoint>(), difference: undefined },
    };
    // A control without duplicates proves nothing, so it goes on for a while.
    const isEnough = (): boolean =>
      tally.kills >= kills &&
      (guarantee === 'exactly-once' || tally.duplicates > 0 || tally.kills >= 5 * kills);
    while (!isEnough() && tally.difference === undefined) {
      if (tally.rounds > 0 && Date.now() > this.#settings.until) break;
      tally.rounds += 1;
      const directory = join(this.#settings.directory, `${guarantee}-${tally.rounds}`);
      await this.#round(directory, { guarantee, kills, tally });
      tally.failures += await failuresIn(directory);
      await this.#compare(directory, guarantee, tally);
      if (tally.difference === undefined) await rm(directory, { recursive: true, force: true });
      say(`${this.#job.name}, ${guarantee}: ${tally.kills} of ${kills} kills`);
    }
    return tally;
  }

  async #round(
    directory: string,
    { guarantee, kills, tally }: { guarantee: Guarantee; kills: number; tally: Tally },
  ): Promise<void> {
    const { random } = this.#settings;
    const points = pointsOf(this.#job);
    for (let lives = 0; ; lives += 1) {
      if (lives > 0) tally.restarts += 1;
      const isControl = guarantee === 'at-least-once';
      const mayDie =
        (isControl || tally.kills < kills) && lives < (isControl ? 5 : DEATHS_PER_ROUND);
      const missing = points.filter((point) => !tally.points.has(point));
      const chance = { random, runMs: this.#runMs };
      const drawn: Fate =
        guarantee === 'exactly-once'
          ? drawFate({ points, missing }, chance)
          : drawRepeatingFate(chance);
      const { signal, ...fate } = mayDie ? drawn : {};
      const ending = await live({ ...this.#life(directory, guarantee), ...fate }, signal);
      if (ending === 'finished') return;
      if (ending === 'stopped') tally.stops += 1;
      else tally.kills += 1;
      if (ending === 'killed' && signal === undefined && fate.dieAt !== undefined)
        tally.points.add(fate.dieAt.point);
    }
  }

  #life(directory: string, guarantee: Guarantee): LifeOptions {
    const { random, records, directory: home } = this.#settings;
    return {
      ...{ job: this.#job.name, inputs: join(home, 'inputs'), directory, guarantee },
      parallelism: pick(random, this.#job.shards),
      epochRecords: Math.ceil(records / 12),
    };
  }

  /** Part files and tables are as in the calm run; a callback, and all of at-least-once, may come twice. */
  async #compare(directory: string, guarantee: Guarantee, tally: Tally): Promise<void> {
    for (const output of this.#job.outputs) {
      if (guarantee === 'at-least-once' && output.isRepeatable === false) continue;
      const got = await linesOf(directory, [output]);
      const expected = this.#expected.filter((line) => line.startsWith(`${output.name} `));
      const isExact = guarantee === 'exactly-once' && output.kind !== 'calls';
      tally.difference ??= (isExact ? firstDifference : differenceOfSets)(expected, got);
      const duplicates = got.length - new Set(got).size;
      if (output.kind === 'calls') tally.repeatedCalls += duplicates;
      else if (!isExact) tally.duplicates += duplicates;
    }
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * `npm run torture -- --kills N --seed S --job NAME`: kills durable jobs again and again, by SIGKILL, at random moments
 * and at every named crash point; stops them by SIGTERM and lets their sinks fail in between; and compares what they
 * have written with a run that nobody disturbed.
 *
 * The same is then done to each job at-least-once, which must show duplicates: if it does not, the kills hit nothing
 * and the test calls itself inconclusive.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../shared/random.js';
import { jobNamed, jobs } from './jobs.js';
import { torture, type Report } from './rounds.js';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      /** All jobs together. */
      kills: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      /** For each round of a job. */
      records: { type: 'string', default: '20000' },
      job: { type: 'string', multiple: true },
      /** No round begins later than that; then there are fewer kills. */
      minutes: { type: 'string', default: '1000' },
      /** Jobs that are tortured at the same time. */
      'at-once': { type: 'string', default: '2' },
    },
  });
  const chosen = values.job === undefined ? jobs : values.job.map(jobNamed);
  const until = Date.now() + Number(values.minutes) * 60_000;
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-torture-'));
  try {
    const waiting = chosen.map((job, index) => async () => {
      const report = await torture(job, {
        kills: Math.ceil(Number(values.kills) / chosen.length),
        records: Number(values.records),
        until,
        // Each job has a chance of its own, so that a seed means the same whatever else is tortured.
        random: seededRandom(Number(values.seed) * 1000 + index),
        directory: join(directory, job.name),
      });
      console.log(sentence(report));
      return report;
    });
    const reports: Report[] = [];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        reports.push(await next());
    };
    await Promise.all(Array.from({ length: Number(values['at-once']) }, worker));
    return conclude(reports);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function sentence(report: Report): string {
  const { job, kills, stops, failures, restarts, points, pointsInAll, records } = report;
  return [
    `${job}: ${kills} kills, ${stops} stops, ${failures} failed calls of sinks, ${restarts} restarts`,
    `${points} of ${pointsInAll} points, ${records} records, ${report.repeatedCalls} repeated calls`,
    `at-least-once ${report.duplicates} duplicates, ${report.verdict}`,
  ].join(', ');
}

function conclude(reports: readonly Report[]): number {
  const sum = (of: (report: Report) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const wrong = reports.filter(({ verdict }) => verdict !== 'exact');
  const verdict =
    wrong.length === 0 ? 'exact' : `not exact: ${wrong.map(({ job }) => job).join(', ')}`;
  console.log(
    [
      `all: ${sum(({ kills }) => kills)} kills, ${sum(({ stops }) => stops)} stops`,
      `${sum(({ failures }) => failures)} failed calls of sinks, ${sum(({ restarts }) => restarts)} restarts`,
      `${sum(({ records }) => records)} records, ${verdict}`,
    ].join(', '),
  );
  return wrong.length === 0 ? 0 : 1;
}

process.exitCode = await main();

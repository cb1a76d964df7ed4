/** One life of a tortured job: runs until it has finished, is told to stop, or is killed by somebody. */
import { mkdirSync } from 'node:fs';
import type { LifeOptions } from './job.js';
import { jobNamed } from './jobs.js';

const options = JSON.parse(process.argv[2] ?? '{}') as LifeOptions;
mkdirSync(options.directory, { recursive: true });
try {
  const { phase } = await jobNamed(options.job).start(options);
  process.stdout.write(JSON.stringify({ phase }));
} catch (error) {
  console.error(error);
  process.stdout.write(JSON.stringify({ code: (error as { code?: unknown }).code }));
  process.exitCode = 1;
}

/** One life of the tortured job: runs until it has finished, or until somebody kills it. */
import type { TorturedOptions } from './job.js';
import { startTortured } from './job.js';

const options = JSON.parse(process.argv[2] ?? '{}') as TorturedOptions;
const summary = await startTortured(options).done;
process.stdout.write(`${JSON.stringify({ records: summary.records, epoch: summary.epoch })}\n`);

/** Writes to a store and does nothing else, so that the calls of its process can be watched. */
import { seededRandom } from '../shared/random.js';
import { runJob, writeEpochs } from './power-writers.js';

const [directory = '', seed = '1'] = process.argv.slice(2);
await writeEpochs(`${directory}/epochs`, seededRandom(Number(seed)));
await runJob(`${directory}/job`, seededRandom(Number(seed)));

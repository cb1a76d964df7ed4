/** The job that is killed: the trending demo, durable, as a file that `tidemark run` takes. Where it works comes by environment. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineJob, file, lmdb, partFiles } from '../../src/index.js';
import type { Play } from '../trending/generator.js';
import { paced } from '../trending/pacing.js';
import { trending } from '../trending/pipeline.js';
import { inputFile, outputDirectory, stateDirectory } from './places.js';

const directory = process.env['CRASH_DEMO_DIRECTORY'] ?? '.';
const life = process.env['CRASH_DEMO_LIFE'] ?? 'killed';
/** Waits before each chunk of about a thousand plays, so that there is time to press a key. */
const paceMs = Number(process.env['CRASH_DEMO_PACE_MS'] ?? '0');

const plays = file(inputFile(directory), { format: 'jsonl' });

export default defineJob(
  trending<Play>({
    name: 'crash-and-resume',
    timestamp: (play) => play.at,
    key: (play) => play.songId,
    size: '1h',
    slide: '5m',
    top: 10,
    outOfOrderness: '2m',
    lateness: '15m',
  }),
  () => ({
    from: paced(plays, () => (paceMs === 0 ? Promise.resolve() : sleep(paceMs))),
    to: partFiles({ uid: 'charts', directory: outputDirectory(directory, life) }),
    state: lmdb(stateDirectory(directory, life)),
    checkpoint: '500ms',
  }),
);

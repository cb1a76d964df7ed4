/**
 * A job over real files: a bit that has turned anywhere in its state, a state that was cut, a disk that is full. It ends
 * in a coded error, or what it writes is right; and when it is mended the job goes on as if nothing had been.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  count,
  eventTime,
  iterable,
  keyBy,
  lmdb,
  nodeRuntime,
  partFiles,
  pipeline,
  process as step,
  run,
  sliding,
  unchecked,
  valueState,
  window,
  type Run,
} from '../index.js';
import { seededRandom } from '../testing/simulated-world.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-damage-'));
const mounted: string[] = [];
afterAll(() => {
  for (const path of mounted) spawnSync('umount', [path]);
  fs.rmSync(scratch, { recursive: true, force: true });
});

const RECORDS = 1200;

const pages = pipeline('pages', unchecked<number>(), (n$) => {
  const keyed = n$.pipe(
    eventTime({ timestamp: (n) => n * 100 }),
    keyBy((n) => `page-${(n * 7919) % 97}`),
  );
  return {
    views: keyed.pipe(window(sliding({ size: '20s', slide: '10s' }), count(), { uid: 'views' })),
    sums: keyed.pipe(
      step({
        uid: 'sums',
        state: { sum: valueState(0), pad: valueState('') },
        element(n: number, { key, state, timers }) {
          state.sum.set(state.sum.get() + n);
          state.pad.set(`${key} `.repeat(n % 9 === 0 ? 600 : 3));
          timers.setEventTime(n * 100 + 60_000);
        },
        timer: (_timer, { key, state }) => [[key, state.sum.get(), state.pad.get().length]],
      }),
    ),
  };
});

/** Stops in good order once `until` elements were read. */
function start(directory: string, until = Infinity): Run {
  const numbers = function* (): Generator<number> {
    for (let n = 0; n < RECORDS; n += 1) {
      if (n === until) void job.stop();
      yield n;
    }
  };
  const output = join(directory, 'out');
  const job = run(pages, {
    from: iterable(numbers, { chunk: 32 }),
    to: {
      views: partFiles({ uid: 'views-out', directory: output }),
      sums: partFiles({ uid: 'sums-out', directory: output }),
    },
    state: lmdb(join(directory, 'state')),
    checkpoint: { records: 128 },
    maxParallelism: 8,
    runtime: nodeRuntime(),
  });
  return job;
}

function linesOf(directory: string): string[] {
  const names = fs.readdirSync(join(directory, 'out')).filter((name) => !name.startsWith('.'));
  return names
    .flatMap((name) => fs.readFileSync(join(directory, 'out', name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .toSorted();
}

let expected: readonly string[] = [];
const half = join(scratch, 'half');

beforeAll(async () => {
  await start(join(scratch, 'whole')).done;
  expected = linesOf(join(scratch, 'whole'));
  const { phase } = await start(half, RECORDS / 2).done;
  expect([phase, expected.length > 200]).toEqual(['stopped', true]);
});

/** `exact`, the code of the refusal, or the first line that is wrong. */
async function goOn(directory: string): Promise<string> {
  try {
    await start(directory).done;
  } catch (error) {
    return String((error as { code?: string }).code ?? error);
  }
  const lines = linesOf(directory);
  const wrong = expected.findIndex((line, index) => line !== lines[index]);
  return wrong < 0 && lines.length === expected.length ? 'exact' : `wrong: ${lines[wrong]}`;
}

async function withDamage(damage: (file: Buffer) => Buffer): Promise<string> {
  const copy = join(scratch, 'copy');
  fs.rmSync(copy, { recursive: true, force: true });
  fs.cpSync(half, copy, { recursive: true });
  const path = join(copy, 'state', 'data.mdb');
  fs.writeFileSync(path, damage(fs.readFileSync(path)));
  return goOn(copy);
}

test('without damage it goes on, and the output is exact', async () => {
  expect(await withDamage((file) => file)).toBe('exact');
});

test('after each of 240 turned bits anywhere in the file it is refused, or the output is exact', async () => {
  const random = seededRandom(5);
  const outcomes = new Map<string, string[]>();
  for (let turn = 0; turn < 240; turn += 1) {
    const place: string[] = [];
    const outcome = await withDamage((file) => {
      const at = Math.floor(random() * file.length);
      file[at] = (file[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      place.push(`byte ${at}`);
      return file;
    });
    outcomes.set(outcome, [...(outcomes.get(outcome) ?? []), ...place]);
  }
  const bad = [...outcomes].filter(([outcome]) => !['exact', 'STATE_DAMAGED'].includes(outcome));
  expect(bad).toEqual([]);
  // Both happen: some bits lie in pages that nothing refers to.
  expect(outcomes.size).toBe(2);
}, 240_000);

test('a file that was cut anywhere is refused', async () => {
  for (let part = 1; part < 20; part += 1) {
    const outcome = await withDamage((file) => file.subarray(0, (file.length * part) / 20));
    expect(outcome).toBe('STATE_DAMAGED');
  }
}, 120_000);

/** A disk of its own of so many kilobytes; undefined where nobody may mount one. */
function smallDisk(kilobytes: number): string | undefined {
  const path = join(scratch, `disk-${kilobytes}`);
  fs.mkdirSync(path);
  const given = ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', path];
  if (spawnSync('mount', given).status !== 0) return undefined;
  mounted.push(path);
  return path;
}

test('a real disk that is full ends the run with a code; with room again it goes on', async (context) => {
  const outcomes: string[] = [];
  for (const kilobytes of [16, 256, 640, 704, 768, 896, 1024, 1536]) {
    const disk = smallDisk(kilobytes);
    if (disk === undefined) return context.skip('nobody may mount a disk here');
    outcomes.push(await goOn(disk));
    expect(spawnSync('mount', ['-o', 'remount,size=64m', disk]).status).toBe(0);
    expect(await goOn(disk)).toBe('exact');
    if (spawnSync('umount', [disk]).status === 0) mounted.splice(mounted.indexOf(disk), 1);
  }
  for (const outcome of outcomes)
    expect(['STATE_WRITE_FAILED', 'SINK_FAILED', 'exact']).toContain(outcome);
  expect(outcomes.filter((outcome) => outcome !== 'exact').length).toBeGreaterThan(3);
}, 120_000);

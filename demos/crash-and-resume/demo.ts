/** The story of the demo: a run in peace, the same run killed and started again, and a look at what both have written. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { amount } from '../trending/wording.js';
import { plays } from '../trending/generator.js';
import { differenceText, differences, visibleLines } from './compare.js';
import { startLife, type LifeEnd } from './life.js';
import type { CrashOptions } from './options.js';
import { inputFile, outputDirectory } from './places.js';

export interface StoryIo {
  /** A line that stays. */
  readonly say: (line: string) => void;
  /** A line that the next one may take the place of. */
  readonly show: (line: string) => void;
  /** Calls back for each key; undefined where there is no keyboard. */
  readonly onKey: ((listener: () => void) => () => void) | undefined;
}

/** How long the killed run takes on a terminal if nobody kills it. */
const WATCHED_MS = 12_000;
const CHUNK = 1024;
/** A key that is held down must not kill for ever. */
const KILLS_MAX = 20;

/** Resolves with whether both runs have written the same. */
export async function tellStory(
  directory: string,
  options: CrashOptions,
  io: StoryIo,
): Promise<boolean> {
  const { events, seed } = options;
  io.say(`A day of ${amount(events)} plays is written to a file.`);
  await writePlays(inputFile(directory), { events, seed });
  io.say('');
  io.say('1. The job runs in peace: what is hottest in each hour, asked anew every five minutes.');
  const whole = startLife({ ...quiet, directory, name: 'whole', paceMs: 0 });
  await whole.ended;
  const expected = await visibleLines(outputDirectory(directory, 'whole'));
  io.say(`   It has finished, and has written ${amount(expected.length)} charts.`);
  io.say('');
  const how = options.killAt.length === 0 ? 'Press any key to kill it.' : whenText(options.killAt);
  io.say(`2. The same job again, with empty state. It commits every 500 ms. ${how}`);
  const kills = await liveUntilDone(directory, options, io);
  io.say('');
  const written = await visibleLines(outputDirectory(directory, 'killed'));
  const found = differences(expected, written);
  io.say(
    `3. What both have written, line by line: ${amount(expected.length)} and ${amount(written.length)} charts.`,
  );
  for (const line of differenceText(found)) io.say(`   ${line}`);
  if (kills === 0) io.say('   Nobody has killed it, so that shows little.');
  const verdict = found.length === 0 ? 'equal' : `NOT equal: ${amount(found.length)} lines differ`;
  io.say(`kills ${kills}, charts ${written.length}, ${verdict}`);
  return found.length === 0;
}

const quiet = { onStart: () => {}, onProgress: () => {} };

/** Starts the job again after each kill, until it has finished. Returns how often it was killed. */
async function liveUntilDone(
  directory: string,
  options: CrashOptions,
  io: StoryIo,
): Promise<number> {
  const left = [...options.killAt];
  const paceMs = io.onKey === undefined ? 2 : WATCHED_MS / Math.max(1, options.events / CHUNK);
  for (let kills = 0; ; kills += 1) {
    const end = await liveOnce(directory, { paceMs, left, mayDie: kills < KILLS_MAX }, io);
    if (!end.isKilled) {
      io.say(`   It has finished: ${amount(end.records)} plays, epoch ${end.epoch}.`);
      return kills;
    }
    const at = end.percent === undefined ? '' : ` at ${end.percent.toFixed(1)} %`;
    const visible = await visibleLines(outputDirectory(directory, 'killed'));
    io.say(`   KILLED${at}, by SIGKILL. Last commit seen: epoch ${end.epoch}.`);
    io.say(
      `   A reader of the outputs sees ${amount(visible.length)} whole charts of committed epochs.`,
    );
    io.say('   It is started again …');
  }
}

function liveOnce(
  directory: string,
  { paceMs, left, mayDie }: { paceMs: number; left: number[]; mayDie: boolean },
  io: StoryIo,
): Promise<LifeEnd> {
  const life = startLife({
    ...{ directory, name: 'killed', paceMs },
    onStart({ epoch, records }) {
      const from = `goes on after epoch ${epoch}: ${amount(records)} plays need not be read again`;
      io.say(epoch === 0 ? '   It begins.' : `   It ${from}.`);
    },
    onProgress({ percent, records, epoch }) {
      if (percent === undefined) return;
      io.show(
        `   ${bar(percent)} ${percent.toFixed(1).padStart(5)} %  ${amount(records)} plays  epoch ${epoch}`,
      );
      if (left[0] === undefined || percent < left[0] || !mayDie) return;
      left.shift();
      life.kill();
    },
  });
  const deafen = io.onKey?.(() => {
    if (mayDie) life.kill();
  });
  return life.ended.finally(() => deafen?.());
}

function whenText(killAt: readonly number[]): string {
  return `It is killed at ${killAt.map((percent) => `${percent} %`).join(' and at ')}.`;
}

function bar(percent: number): string {
  const full = Math.round(percent / 4);
  return '█'.repeat(full) + '╌'.repeat(25 - full);
}

async function writePlays(path: string, options: { events: number; seed: number }): Promise<void> {
  const file = createWriteStream(path);
  for (const play of plays(options)) {
    // A player with a broken clock has no time; JSON knows no NaN, so it leaves the field empty.
    const accepted = file.write(`${JSON.stringify(play)}\n`);
    if (!accepted) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}

/** The program behind `npm run demo:crash`: a job is killed in the middle, started again, and nothing is lost or doubled. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tellStory, type StoryIo } from './demo.js';
import { parseCrashOptions } from './options.js';

const { stdin, stdout } = process;
const isLive = stdout.isTTY && process.env['TERM'] !== 'dumb';
const hasKeys = stdin.isTTY && isLive;
const options = parseCrashOptions(process.argv.slice(2), hasKeys);

if ('text' in options) {
  (options.code === 0 ? stdout : process.stderr).write(`${options.text}\n`);
  process.exit(options.code);
}

let isLineOpen = false;
const closeLine = (): string => {
  const closing = isLineOpen ? '\r\u001B[K' : '';
  isLineOpen = false;
  return closing;
};
const io: StoryIo = {
  say: (line) => void stdout.write(`${closeLine()}${line}\n`),
  show(line) {
    if (!isLive) return;
    stdout.write(`\r\u001B[K${line.slice(0, stdout.columns - 1)}`);
    isLineOpen = true;
  },
  onKey: hasKeys ? listenToKeys : undefined,
};

const directory = await mkdtemp(join(tmpdir(), 'tidemark-crash-'));
const leave = async (): Promise<void> => {
  if (options.keep) stdout.write(`Input, state and outputs are in ${directory}\n`);
  else await rm(directory, { recursive: true, force: true });
};
try {
  process.exitCode = (await tellStory(directory, options, io)) ? 0 : 1;
} finally {
  await leave();
}

function listenToKeys(listener: () => void): () => void {
  const onKey = (key: Buffer): void => {
    // Ctrl-C is for the demo itself: the job in its process is ended with it.
    if (key[0] === 3) {
      listener();
      stdin.setRawMode(false);
      void leave().finally(() => process.exit(130));
    } else listener();
  };
  stdin.setRawMode(true).resume().on('data', onKey);
  return () => {
    stdin.off('data', onKey);
    stdin.setRawMode(false).pause();
  };
}

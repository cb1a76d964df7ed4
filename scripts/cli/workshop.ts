/** The command line as a real process: compiled once, run in a directory of its own. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with what the pattern has found in standard error. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
}

/** A compiled package, and a directory in which job files lie. */
export class CliWorkshop {
  readonly directory = mkdtempSync(join(tmpdir(), 'tidemark-cli-'));
  readonly #package: string;
  readonly #children: ChildProcess[] = [];

  /** @param name keeps test files apart that compile at the same time */
  constructor(name: string) {
    this.#package = join(root, '.build', `cli-${name}`);
    const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
    const options = [
      '-p',
      'tsconfig.build.json',
      '--declaration',
      'false',
      '--declarationMap',
      'false',
    ];
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(typescript, 'bin', 'tsc'), ...options, '--outDir', this.#package],
      { cwd: root, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`it does not compile:\n${stdout}`);
  }

  /** Writes a file; `tidemark` in it is the compiled package. */
  write(name: string, text: string): string {
    const index = pathToFileURL(join(this.#package, 'index.js')).href;
    const path = join(this.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll("'tidemark'", JSON.stringify(index)));
    return path;
  }

  get main(): string {
    return join(this.#package, 'cli', 'main.js');
  }

  start(...argv: readonly string[]): Started {
    const child = spawn(process.execPath, [this.main, ...argv], { cwd: this.directory });
    this.#children.push(child);
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code) => resolve({ code, out, err }));
    });
    const said = (pattern: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(err);
          if (found !== null) resolve(found);
        };
        look();
        child.stderr.on('data', look);
        void ended.then(() => reject(new Error(`it ended, and has said: ${err}${out}`)));
      });
    return { child, ended, said };
  }

  run(...argv: readonly string[]): Promise<Ended> {
    return this.start(...argv).ended;
  }

  /** What a command says with `--json`, one object per line. */
  async facts(...argv: readonly string[]): Promise<Record<string, unknown>[]> {
    const { out, err } = await this.run(...argv, '--json');
    return `${out}${err}`
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Also ends what a failed test has left behind. */
  remove(): void {
    for (const child of this.#children) if (child.exitCode === null) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(this.#package, { recursive: true, force: true });
  }
}

/** Totals per key of numbers that are `count` many, or without an end. */
export function totalsJob(options: {
  readonly count?: number;
  readonly state?: string;
  readonly change?: number;
}): string {
  const { count = Infinity, state = 'state', change = 0 } = options;
  return `
import { callback, defineJob, eventTime, iterable, keyBy, lmdb, partFiles, pipeline, process, unchecked, valueState } from 'tidemark';
const totals = pipeline('totals', unchecked(), (numbers) =>
  numbers.pipe(
    eventTime({ timestamp: (n) => n, outOfOrderness: '1s' }),
    keyBy((n) => n % 3),
    process({
      uid: 'total',
      state: { total: valueState(0n) },
      element(n, { state, timers, key }) {
        state.total.set(state.total.get() + BigInt(n));
        if (n < 3) timers.setEventTime(4102444800000 + n);
        return n < 3 ? [key] : [];
      },
    }),
  ),
);
const numbers = function* () {
  for (let n = ${change}; n < ${count}; n += 1) yield n;
};
export default defineJob(totals, () => ({
  from: iterable(numbers, { name: 'numbers' }),
  to: partFiles({ uid: 'out', directory: '${state}-out' }),
  state: lmdb('${state}'),
  checkpoint: '50ms',
}));
`;
}

/** For the tests of the demo: runs it against streams that remember what was written to them. */
import { runDemo } from './demo.js';
import type { DemoIo } from './demo.js';
import type { OutputStream } from './outputs.js';

/** A stream that keeps its text. */
export class Recorder implements OutputStream {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 80;
  readonly rows = 30;
  /** Called with each text; what it returns is the error that the write ends with. */
  onWrite: (text: string) => Error | undefined = () => undefined;
  readonly #listeners = new Set<(error: Error) => void>();

  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  write(text: string, written?: (error?: Error | null) => void): boolean {
    const error = this.onWrite(text);
    if (error === undefined) this.text += text;
    // As Node does: the callback first, then the event, both later.
    setImmediate(() => {
      written?.(error ?? null);
      if (error !== undefined) for (const listener of this.#listeners) listener(error);
    });
    return true;
  }

  on(_event: 'error', listener: (error: Error) => void): void {
    this.#listeners.add(listener);
  }

  off(_event: 'error', listener: (error: Error) => void): void {
    this.#listeners.delete(listener);
  }
}

export interface DemoSetting {
  readonly isTTY?: boolean;
  readonly env?: DemoIo['env'];
  readonly stdout?: Recorder;
  /** Given the function that presses Ctrl-C. */
  readonly interrupt?: (press: () => void) => void;
}

export interface DemoResult {
  readonly code: number;
  readonly out: Recorder;
  readonly err: Recorder;
}

export async function demo(
  argv: readonly string[],
  setting: DemoSetting = {},
): Promise<DemoResult> {
  const { isTTY = false, env = {}, interrupt } = setting;
  const out = setting.stdout ?? new Recorder(isTTY);
  const err = new Recorder(isTTY);
  let ms = 0;
  const code = await runDemo(argv, {
    stdout: out,
    stderr: err,
    env,
    onInterrupt(listener) {
      interrupt?.(listener);
      return () => {};
    },
    // Time passes only while somebody sleeps, so that a test waits for nothing.
    now: () => (ms += 0.01),
    async sleep(wait) {
      ms += wait;
      for (let turn = 0; turn < 4; turn += 1)
        await new Promise((resolve) => void setImmediate(resolve));
    },
  });
  return { code, out, err };
}

/** The error of a pipe whose reader has left. */
export function brokenPipe(): Error {
  return Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
}

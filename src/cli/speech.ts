/**
 * How the command line speaks: every sentence is also a fact, and `--json` gives the facts, one object per line.
 *
 * Answers go to standard output. What is said about a run goes to standard error, because standard output belongs to
 * the sinks of the job. The line of progress is redrawn in place on a terminal, and gives way to anything else.
 */
import type { Logger } from '../core/runtime.js';
import { toJson } from '../state/json-value.js';
import { factsOfError, textOfError } from './error-text.js';
import type { CliStream, Fact } from './io.js';

export interface SpeechOptions {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly json: boolean;
  readonly verbose: boolean;
}

const eraseLine = '\r\u001B[K';

/** Standard output was closed by its reader: no failure, and nothing more is to be said. */
export class ReaderLeft extends Error {}

export class Speech {
  readonly #options: SpeechOptions;
  #isLineOpen = false;

  constructor(options: SpeechOptions) {
    this.#options = options;
  }

  get isJson(): boolean {
    return this.#options.json;
  }

  /** Whether somebody watches a terminal on which a line can be redrawn. */
  get isLive(): boolean {
    return !this.#options.json && this.#options.stderr.isTTY === true;
  }

  /**
   * Resolves when more may be said, so that a slow reader is waited for.
   *
   * @throws ReaderLeft when nobody listens any more
   */
  async answer(fact: Fact, text: string): Promise<void> {
    const { stdout, json } = this.#options;
    if (stdout.writable === false) throw new ReaderLeft();
    if (stdout.write(`${json ? jsonLine(fact) : text}\n`)) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        stdout.off('drain', settle);
        stdout.off('close', settle);
        resolve();
      };
      stdout.on('drain', settle);
      stdout.on('close', settle);
    });
  }

  asJson(fact: Fact): string {
    return jsonLine(fact);
  }

  note(fact: Fact, text: string): void {
    const { stderr, json } = this.#options;
    stderr.write(`${this.#closeLine()}${json ? jsonLine(fact) : text}\n`);
  }

  /** On a terminal it takes the place of the line before it. */
  progress(fact: Fact, text: string): void {
    const { stderr } = this.#options;
    if (!this.isLive) return this.note(fact, text);
    // Some terminals say that they are 0 wide, which means that they do not know.
    const width = stderr.columns || 80;
    const line = text.slice(0, Math.max(1, width - 1));
    stderr.write(`${eraseLine}${line}`);
    this.#isLineOpen = true;
  }

  error(error: unknown): void {
    const { json, verbose } = this.#options;
    const fact = factsOfError(error, { verbose });
    this.note(fact, json ? '' : textOfError(error, { verbose }));
  }

  /** What a job logs: warnings and worse, unless everything is asked for. */
  logger(): Logger {
    const { verbose } = this.#options;
    const log =
      (level: string) =>
      (fields: object, sentence: string): void => {
        const shown = JSON.stringify(toJson(fields));
        this.note(
          { type: 'log', level, message: sentence, fields },
          `${level}: ${sentence} ${shown}`,
        );
      };
    const silent = (): void => {};
    return {
      debug: verbose ? log('debug') : silent,
      info: verbose ? log('info') : silent,
      warn: log('warn'),
      error: log('error'),
    };
  }

  #closeLine(): string {
    const closing = this.#isLineOpen ? eraseLine : '';
    this.#isLineOpen = false;
    return closing;
  }
}

/** State is JSON already (`toJson`); a report may hold examples of records, in which anything may stand. */
function jsonLine(fact: Fact): string {
  return JSON.stringify(fact, (_name, value: unknown) =>
    typeof value === 'bigint' || value instanceof Map || value instanceof Set
      ? toJson(value)
      : value,
  );
}

/** A value from state on one line of a terminal: nothing in it may move the cursor. */
export function shown(value: unknown): string {
  const spelled = (control: string): string =>
    `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
  // JSON spells the rest of them out by itself.
  return JSON.stringify(toJson(value)).replace(/[\u007F-\u009F]/g, spelled);
}

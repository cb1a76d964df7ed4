/** One writer of `partFiles`: gathers the outputs of an epoch in a hidden file, and hands it over synced. */
import { createHash } from 'node:crypto';
import type { Guarantee, Prepared, SinkWriter } from '../core/connector.js';
import { TidemarkError, show } from '../core/errors.js';
import type { Files, WritableFile } from '../core/runtime.js';

/** The names of the files of one sink of one job; no two sinks share one. */
export interface PartNames {
  inProgress(instance: number, sequence: number): string;
  pending(epoch: number, instance: number): string;
  /** Visible. `repeat` counts what an at-least-once job wrote for the same epoch in earlier runs. */
  final(epoch: number, instance: number, repeat?: number): string;
  /** Whether it is a hidden file of this sink. */
  isHidden(name: string): boolean;
  /** The epoch of a visible file of this sink, also under another prefix or extension. */
  epochOf(name: string): number | undefined;
}

export interface PartNameOptions {
  readonly job: string;
  readonly uid: string;
  readonly prefix: string;
  readonly extension: string;
}

export function partNames({ job, uid, prefix, extension }: PartNameOptions): PartNames {
  const owner = createHash('sha256').update(`${job}\0${uid}`).digest('hex').slice(0, 8);
  const hidden = `.tidemark-${owner}-`;
  const mark = `-${uid}-${owner}-`;
  // Padded, so that files sort by epoch.
  const numbered = (epoch: number): string => String(epoch).padStart(8, '0');
  return {
    inProgress: (instance, sequence) => `${hidden}${instance}-${sequence}.inprogress`,
    pending: (epoch, instance) => `${hidden}${numbered(epoch)}-${instance}.pending`,
    final: (epoch, instance, repeat = 0) =>
      `${prefix}${mark}${numbered(epoch)}-${instance}${repeat === 0 ? '' : `-${repeat}`}.${extension}`,
    isHidden: (name) => name.startsWith(hidden) && /\.(inprogress|pending)$/.test(name),
    epochOf(name) {
      const at = name.lastIndexOf(mark);
      const match = /^(\d+)-\d+(-\d+)?\./.exec(name.slice(at + mark.length));
      return at <= 0 || match === null ? undefined : Number(match[1]);
    },
  };
}

export interface PartWriterOptions {
  readonly files: Files;
  readonly directory: string;
  readonly names: PartNames;
  readonly instance: number;
  readonly guarantee: Guarantee;
  readonly where: string;
  /** The line for a value; anything but text is refused. */
  encode(value: unknown): unknown;
  /** The first line of each file. */
  readonly header: string | undefined;
  readonly lineEnd: '\n' | '\r\n';
  publish(prepared: Prepared): Promise<void>;
}

/** Lines are gathered up to this many characters before they go to the file. */
const BUFFER_CHARS = 64 * 1024;

export function partWriter(options: PartWriterOptions): SinkWriter {
  return new PartWriter(options);
}

class PartWriter implements SinkWriter {
  readonly #options: PartWriterOptions;
  #lines: string[] = [];
  #chars = 0;
  #open: { readonly file: WritableFile; readonly path: string } | undefined;
  #sequence = 0;
  /** After a failure the file may hold a part of a batch, so nothing of this writer may be committed any more. */
  #failure: TidemarkError | undefined;

  constructor(options: PartWriterOptions) {
    this.#options = options;
  }

  write(values: readonly unknown[]): Promise<void> | void {
    for (const value of values) this.#add(value);
    if (this.#chars >= BUFFER_CHARS) return this.#guarded(() => this.#flush());
  }

  prepare(epoch: number): Promise<Prepared> {
    return this.#guarded(async () => {
      if (this.#lines.length > 0) await this.#flush();
      if (this.#open === undefined) return undefined;
      const { file, path } = this.#open;
      await file.sync();
      await file.close();
      this.#open = undefined;
      return this.#handOver(path, epoch);
    });
  }

  publish(prepared: Prepared): Promise<void> {
    return attempt(this.#options.where, () => this.#options.publish(prepared));
  }

  /** The hidden file stays for the next recovery: removing it here could hit the one of a writer that came after. */
  async close(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    this.#failure ??= sinkError(this.#options.where, new Error('the writer is closed'));
    if (file !== undefined) await attempt(this.#options.where, () => file.close());
  }

  /** Gives the synced file its next name, durably. */
  async #handOver(path: string, epoch: number): Promise<Prepared> {
    const { files, directory, names, instance, guarantee } = this.#options;
    const isHeldBack = guarantee === 'exactly-once';
    const final = isHeldBack ? names.final(epoch, instance) : await this.#freeName(epoch);
    const pending = isHeldBack ? names.pending(epoch, instance) : final;
    await files.rename(path, `${directory}/${pending}`);
    await files.syncDirectory(directory);
    return isHeldBack ? { epoch, instance, pending, final } : undefined;
  }

  /** A run that crashed before its commit has left the same epoch behind: both stay, as at-least-once says. */
  async #freeName(epoch: number): Promise<string> {
    const { files, directory, names, instance } = this.#options;
    for (let repeat = 0; ; repeat += 1) {
      const name = names.final(epoch, instance, repeat);
      if (!(await files.exists(`${directory}/${name}`))) return name;
    }
  }

  async #flush(): Promise<void> {
    const { files, directory, names, instance, header, lineEnd } = this.#options;
    if (this.#open === undefined) {
      this.#sequence += 1;
      const path = `${directory}/${names.inProgress(instance, this.#sequence)}`;
      this.#open = { file: await files.create(path), path };
      if (header !== undefined) this.#lines.unshift(header, lineEnd);
    }
    const bytes = new TextEncoder().encode(this.#lines.join(''));
    this.#lines = [];
    this.#chars = 0;
    await this.#open.file.write(bytes);
  }

  #add(value: unknown): void {
    if (this.#failure !== undefined) throw this.#failure;
    const line = this.#encode(value);
    this.#lines.push(line, this.#options.lineEnd);
    this.#chars += line.length + 1;
  }

  #encode(value: unknown): string {
    let line: unknown;
    let cause: unknown;
    try {
      line = this.#options.encode(value);
    } catch (error) {
      cause = error;
    }
    if (typeof line === 'string') return line;
    this.#failure = new TidemarkError('SINK_FAILED', {
      expected: 'a value that can be encoded as a line of text',
      got: `${show(value)}, which ${cause === undefined ? `gave ${show(line)}` : `failed with ${show(cause)}`}`,
      where: this.#options.where,
      hint: 'JSON cannot carry undefined, functions, bigints and cycles, CSV only named columns; map the value before the sink, or give an encode.',
      cause,
    });
    throw this.#failure;
  }

  async #guarded<Result>(act: () => Promise<Result>): Promise<Result> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await act();
    } catch (cause) {
      this.#failure = sinkError(this.#options.where, cause);
      throw this.#failure;
    }
  }
}

/** Runs a step on files; what the file system says becomes an error that names the sink. */
export async function attempt<Result>(where: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (cause) {
    throw sinkError(where, cause);
  }
}

function sinkError(where: string, cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause;
  return new TidemarkError('SINK_FAILED', {
    expected: 'the file system to do as told',
    got: show(cause),
    where,
    hint: 'See the cause: a full disk, missing permissions or a directory that was removed.',
    cause,
  });
}

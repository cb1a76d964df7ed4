/** What `simulatedFiles` is made of below its names: bytes that may be lost, paths, and errors as Node gives them. */
import type { Random } from '../core/clock.js';
import type { FileStat, ReadableFile } from '../core/runtime.js';

/** A file apart from its names. */
export interface Content {
  /** What `stat` calls it. */
  readonly id: string;
  /** What the process sees, as pieces in order. */
  pieces: Uint8Array[];
  /** What is on disk for certain. */
  durable: Uint8Array;
  /** Emptied since the last sync, so that `durable` is no longer how it begins. */
  emptied: boolean;
}

export function statOf({ id, pieces }: Content): FileStat {
  return { kind: 'file', bytes: pieces.reduce((sum, { byteLength }) => sum + byteLength, 0), id };
}

/** What is left of a file's bytes. The old content of an emptied file is one of the outcomes. */
export function crashContent(content: Content, random: Random): void {
  if (content.emptied && random() < 0.5) return settle(content, content.durable);
  const bytes = joined(content.pieces);
  const safe = content.emptied ? 0 : content.durable.byteLength;
  const survived = safe + Math.floor(random() * (bytes.byteLength - safe + 1));
  settle(content, bytes.slice(0, survived));
}

export function settle(content: Content, bytes: Uint8Array): void {
  content.pieces = [bytes];
  content.durable = bytes;
  content.emptied = false;
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}

/** The content as one piece, not copied: many small reads of a large file would copy it each time. */
export function whole(content: Content): Uint8Array {
  if (content.pieces.length !== 1) content.pieces = [joined(content.pieces)];
  return content.pieces[0] as Uint8Array;
}

/** A directory may be opened and looked at, but not read, as in Node. */
export function openDirectory(path: string): ReadableFile {
  return {
    stat: () => answer(() => ({ kind: 'directory', bytes: 0, id: path })),
    read: () => answer(() => fail('EISDIR', `it is a directory, read '${path}'`)),
    close: () => answer(() => undefined),
  };
}

export function fail(code: string, sentence: string): never {
  throw failure(code, sentence);
}

/** The steps of a path; a leading empty one marks an absolute path. */
export function stepsOf(path: string): string[] {
  const steps = path.split('/').filter((step) => step !== '' && step !== '.');
  return path.startsWith('/') ? ['', ...steps] : steps;
}

export function pathOf(steps: readonly string[]): string {
  return steps.length === 1 && steps[0] === '' ? '/' : steps.join('/');
}

export function parentOf(path: string): string {
  const steps = stepsOf(path);
  return pathOf(steps.slice(0, -1));
}

export function nameOf(path: string): string {
  return stepsOf(path).at(-1) ?? '';
}

/** Runs at once, so that a crash falls between two calls, and answers as a promise. */
export function answer<Result>(act: () => Result): Promise<Result> {
  return new Promise((resolve) => resolve(act()));
}

export function missing(call: string, path: string): Error {
  return failure('ENOENT', `no such file or directory, ${call} '${path}'`);
}

/** An error as Node would give it, so that code which looks at `code` behaves alike on both. */
export function failure(code: string, sentence: string): Error {
  return Object.assign(new Error(`${code}: ${sentence}`), { code });
}

/**
 * A file system in memory that forgets what was not synced, as a machine does whose plug is pulled.
 *
 * What `crash` may lose, and nothing else:
 *
 *     bytes   written since the last `sync` of their file survive as a prefix of any length
 *     names   created, renamed and removed in a directory since its last `syncDirectory` are kept as a prefix of
 *             that log and undone from there on
 *
 * A file system with a journal keeps names in order, so a later rename never survives an earlier one of the same
 * directory; between directories there is no order. A file emptied by `create` without a sync may come back with its
 * old content. A new directory is durable at once, as `nodeFiles` syncs the parents itself.
 */
import type { Random } from '../core/clock.js';
import type { FileStat, Files, ReadableFile, WritableFile } from '../core/runtime.js';
import {
  answer,
  crashContent,
  failure,
  joined,
  missing,
  nameOf,
  openDirectory,
  parentOf,
  pathOf,
  settle,
  statOf,
  stepsOf,
  whole,
  type Content,
} from './simulated-content.js';

export interface SimulatedFiles extends Files {
  /** Pulls the plug: unsynced work is lost as far as chance wants it, and open files stop working. */
  crash(random: Random): void;
}

/**
 * An empty simulated file system. Paths use `/`; `''`, `/` and `.` always exist.
 *
 * @example
 * import { simulatedFiles } from 'tidemark/testing';
 *
 * const files = simulatedFiles();
 * await files.makeDirectory('out');
 * const file = await files.create('out/a.txt');
 * await file.write(new TextEncoder().encode('hello'));
 * await file.sync(); // The bytes are safe now, but the name is not.
 * files.crash(() => 0);
 * console.log((await files.list('out')).length);
 * // => 0
 */
export function simulatedFiles(): SimulatedFiles {
  return new World();
}

/** One change of names; a rename is a removal and a put at once. */
interface NameChange {
  readonly removed?: string;
  readonly put?: readonly [name: string, content: Content];
}

interface Directory {
  names: Map<string, Content>;
  durable: Map<string, Content>;
  /** Changes since the last `syncDirectory`, oldest first. */
  log: NameChange[];
}

class World implements SimulatedFiles {
  readonly #directories = new Map<string, Directory>();
  /** Counts crashes; a file that was opened in an earlier life is dead. */
  #life = 0;
  /** Counts files. */
  #made = 0;

  makeDirectory(path: string): Promise<void> {
    return answer(() => {
      const steps = stepsOf(path);
      for (let depth = 0; depth <= steps.length; depth += 1)
        this.#ensure(pathOf(steps.slice(0, depth)));
    });
  }

  list(path: string): Promise<string[]> {
    return answer(() => {
      const parent = pathOf(stepsOf(path));
      const directory = this.#find(parent);
      if (directory === undefined) return [];
      const below = [...this.#directories.keys()].filter(
        (other) => nameOf(other) !== '' && parentOf(other) === parent,
      );
      return [...directory.names.keys(), ...below.map(nameOf)].toSorted();
    });
  }

  create(path: string): Promise<WritableFile> {
    return answer(() => {
      const [directory, name] = this.#place(path, 'open');
      const existing = directory.names.get(name);
      if (existing !== undefined) {
        existing.pieces = [];
        existing.emptied = true;
        return this.#writable(existing);
      }
      this.#made += 1;
      const content: Content = {
        id: String(this.#made),
        pieces: [],
        durable: new Uint8Array(),
        emptied: false,
      };
      change(directory, { put: [name, content] });
      return this.#writable(content);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return answer(() => {
      const [directory, name] = this.#place(from, 'rename');
      const [target, newName] = this.#place(to, 'rename');
      const content = directory.names.get(name);
      if (content === undefined) throw missing('rename', from);
      if (directory !== target)
        throw failure(
          'EXDEV',
          `a rename is atomic only within a directory, rename '${from}' -> '${to}'`,
        );
      if (name !== newName) change(directory, { removed: name, put: [newName, content] });
    });
  }

  remove(path: string): Promise<void> {
    return answer(() => {
      const directory = this.#find(parentOf(pathOf(stepsOf(path))));
      const name = nameOf(pathOf(stepsOf(path)));
      if (directory?.names.has(name) === true) change(directory, { removed: name });
    });
  }

  exists(path: string): Promise<boolean> {
    return answer(() => {
      const place = pathOf(stepsOf(path));
      return (
        this.#find(place) !== undefined ||
        this.#find(parentOf(place))?.names.has(nameOf(place)) === true
      );
    });
  }

  syncDirectory(path: string): Promise<void> {
    return answer(() => {
      const directory = this.#find(pathOf(stepsOf(path)));
      if (directory === undefined) throw missing('open', path);
      directory.durable = new Map(directory.names);
      directory.log = [];
    });
  }

  read(path: string): Promise<Uint8Array> {
    return answer(() => {
      const [directory, name] = this.#place(path, 'open');
      const content = directory.names.get(name);
      if (content === undefined) throw missing('open', path);
      return joined(content.pieces);
    });
  }

  stat(path: string): Promise<FileStat | undefined> {
    return answer(() => {
      const place = pathOf(stepsOf(path));
      if (this.#find(place) !== undefined) return { kind: 'directory', bytes: 0, id: place };
      const content = this.#find(parentOf(place))?.names.get(nameOf(place));
      return content === undefined ? undefined : statOf(content);
    });
  }

  open(path: string): Promise<ReadableFile> {
    return answer(() => {
      const place = pathOf(stepsOf(path));
      if (this.#find(place) !== undefined) return openDirectory(place);
      const [directory, name] = this.#place(path, 'open');
      const content = directory.names.get(name);
      if (content === undefined) throw missing('open', path);
      return this.#readable(content);
    });
  }

  crash(random: Random): void {
    this.#life += 1;
    for (const directory of this.#directories.values()) {
      const kept = Math.floor(random() * (directory.log.length + 1));
      directory.names = new Map(directory.durable);
      for (const entry of directory.log.slice(0, kept)) apply(directory.names, entry);
      directory.durable = new Map(directory.names);
      directory.log = [];
      for (const content of directory.names.values()) crashContent(content, random);
    }
  }

  #writable(content: Content): WritableFile {
    const life = this.#life;
    let open = true;
    const checked = (act: () => void): Promise<void> =>
      answer(() => {
        if (life !== this.#life) throw failure('EBADF', 'the file was opened before the crash');
        if (!open) throw failure('EBADF', 'the file is closed');
        act();
      });
    return {
      // Copied, because the caller may reuse its bytes; `slice` of a Node buffer would share them.
      write: (bytes) => checked(() => void content.pieces.push(new Uint8Array(bytes))),
      sync: () => checked(() => settle(content, joined(content.pieces))),
      close: () => checked(() => void (open = false)),
    };
  }

  #readable(content: Content): ReadableFile {
    const life = this.#life;
    let open = true;
    const checked = <Result>(act: () => Result): Promise<Result> =>
      answer(() => {
        if (life !== this.#life) throw failure('EBADF', 'the file was opened before the crash');
        if (!open) throw failure('EBADF', 'the file is closed');
        return act();
      });
    return {
      stat: () => checked(() => statOf(content)),
      read: (target, position) =>
        checked(() => {
          const part = whole(content).subarray(position, position + target.length);
          target.set(part);
          return part.length;
        }),
      close: () => checked(() => void (open = false)),
    };
  }

  #ensure(path: string): void {
    const parent = this.#directories.get(parentOf(path));
    if (parent?.names.has(nameOf(path)) === true)
      throw failure('EEXIST', `a file stands in the way, mkdir '${path}'`);
    if (this.#find(path) === undefined) this.#directories.set(path, emptyDirectory());
  }

  #find(path: string): Directory | undefined {
    if (path === '' || path === '/')
      this.#directories.set(path, this.#directories.get(path) ?? emptyDirectory());
    return this.#directories.get(path);
  }

  /** The directory and the name of a path; the directory must exist and the path must not be one. */
  #place(path: string, call: string): [Directory, string] {
    const place = pathOf(stepsOf(path));
    const directory = this.#find(parentOf(place));
    if (directory === undefined) throw missing(call, path);
    if (this.#find(place) !== undefined)
      throw failure('EISDIR', `it is a directory, ${call} '${path}'`);
    return [directory, nameOf(place)];
  }
}

function change(directory: Directory, entry: NameChange): void {
  directory.log.push(entry);
  apply(directory.names, entry);
}

function apply(names: Map<string, Content>, { removed, put }: NameChange): void {
  if (removed !== undefined) names.delete(removed);
  if (put !== undefined) names.set(put[0], put[1]);
}

function emptyDirectory(): Directory {
  return { names: new Map(), durable: new Map(), log: [] };
}

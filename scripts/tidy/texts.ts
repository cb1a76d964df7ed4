/** Gates on every text file of the repository, of whatever kind: nothing in it may belong to one machine. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './source.js';

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** Directories that hold what others made, by name or by path from the root. */
const foreign = new Set([
  'node_modules',
  '.git',
  '.build',
  '.state',
  'dist',
  'coverage',
  'conformance/vectors',
]);

/** Larger files are data. */
const textBytesMax = 2 ** 20;

export function readTexts(root: string): TextFile[] {
  return listTexts(root, '')
    .filter((path) => statSync(join(root, path)).size <= textBytesMax)
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}

/**
 * Home directories, and the very place where this checkout stands: they exist on one machine, and tell who wrote a
 * file. A checkout directly below the file system's root has too common a name to be looked for.
 */
export function checkMachinePaths({ path, text }: TextFile, root: string): Finding[] {
  const places =
    /(?:(?<=file:\/\/)|(?<![\w./-]))(?:\/(?:home|Users|root)\/|[A-Z]:\\+Users\\+)[\w.-]+/g;
  const found = [...text.matchAll(places)].map((match) => ({
    index: match.index,
    place: match[0],
  }));
  const checkout = root.replace(/[\\/]+$/, '');
  if (checkout.split(/[\\/]/).length > 2) {
    for (let at = text.indexOf(checkout); at >= 0; at = text.indexOf(checkout, at + 1)) {
      found.push({ index: at, place: checkout });
    }
  }
  return found.map(({ index, place }) => ({
    file: path,
    line: text.slice(0, index).split('\n').length,
    message: `${place} is a path of one machine; write it from the root of the repository`,
  }));
}

/** Who installs from the lockfile must not be sent to somebody's private mirror. */
export function checkLockfile({ path, text }: TextFile): Finding[] {
  const hosts = /"resolved":\s*"(?!https:\/\/registry\.npmjs\.org\/)(?<url>[^"]*)"/g;
  return [...text.matchAll(hosts)].map(({ index }) => ({
    file: path,
    line: text.slice(0, index).split('\n').length,
    message: 'names a registry of its own; run npm install with omit-lockfile-registry-resolved',
  }));
}

function listTexts(root: string, directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
    if (foreign.has(entry.name) || foreign.has(path)) return [];
    if (entry.isDirectory()) return listTexts(root, path);
    return entry.isFile() ? [path] : [];
  });
}

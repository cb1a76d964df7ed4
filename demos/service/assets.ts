/** The page and what belongs to it, read once from `assets/`, which no compiler touches. */
import { existsSync, readFileSync } from 'node:fs';

export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

const files = [
  { path: '/', file: 'page.html', type: 'text/html; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
] as const;

export function readAssets(): Asset[] {
  // Beside this file in the sources; the compiled program stands in `.build`, three levels below the root.
  const directory = ['assets/', '../../../demos/service/assets/']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(new URL(files[0].file, url)));
  if (directory === undefined)
    throw new Error('demos/service/assets is not there; run the demo from a whole checkout');
  return files.map(({ path, file, type }) => ({
    path,
    type,
    text: readFileSync(new URL(file, directory), 'utf8'),
  }));
}

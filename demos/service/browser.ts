/** Finds a Chromium that is installed already; none is downloaded. */
import { accessSync, constants } from 'node:fs';

const usualPlaces = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * The path of a browser, or why there is none.
 *
 * @param env `TIDEMARK_CHROMIUM` names one; then no other is looked for
 */
export function findBrowser(
  env: Readonly<Record<string, string | undefined>>,
  isThere: (path: string) => boolean = isProgram,
): { readonly path: string } | { readonly missing: string } {
  const named = env['TIDEMARK_CHROMIUM'] ?? '';
  const places = named === '' ? usualPlaces : [named];
  const path = places.find(isThere);
  if (path !== undefined) return { path };
  const missing = `no browser at ${places.join(', ')}; install chromium, or set TIDEMARK_CHROMIUM`;
  return { missing };
}

/** What Chromium needs in a container: no sandbox as root, and no more shared memory than there is. */
export const browserArguments = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

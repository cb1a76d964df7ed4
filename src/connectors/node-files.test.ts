import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesSuite } from '../testing/files-suite.js';
import { nodeFiles } from './node-files.js';

filesSuite(
  'nodeFiles',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-files-'));
    return { files: nodeFiles, root, cleanUp: () => rm(root, { recursive: true }) };
  },
  { describe, test, expect },
);

describe('nodeFiles', () => {
  test('listing a file instead of a directory rejects', async () => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-files-'));
    await (await nodeFiles.create(join(root, 'a'))).close();
    await expect(nodeFiles.list(join(root, 'a'))).rejects.toThrow('ENOTDIR');
    await rm(root, { recursive: true });
  });
});

/** LMDB keeps the contract of backends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { stateBackendSuite } from '../testing/backend-suite.js';
import { lmdb } from './lmdb-backend.js';

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-lmdb-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let directories = 0;
const newDirectory = (): string => join(scratch, `store-${(directories += 1)}`);

stateBackendSuite('lmdb', () => lmdb(newDirectory()), { describe, test, expect });

/**
 * Writes the fixtures of the present formats, where there are none yet. What is there is never written again: it is what
 * a release has left on the disks of others.
 *
 *     npm run fixtures
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { simulatedFiles } from '../../src/testing/index.js';
import { sealRecord } from '../../src/checkpoint/job-record.js';
import { encodeKey } from '../../src/state/key-codec.js';
import { encodeValue } from '../../src/state/value-codec.js';
import { goldenKeys, goldenRecord, goldenValues } from './golden.js';
import { STOP_AT, play, snapshots } from './job.js';

const home = join(process.cwd(), 'conformance', 'state-fixtures', 'format-1');

function write(name: string, bytes: Uint8Array | string): void {
  const path = join(home, name);
  if (existsSync(path)) return console.log(`kept     ${name}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  console.log(`written  ${name}`);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const golden = {
  keys: goldenKeys.map((key) => hex(encodeKey(key))),
  values: goldenValues.map((value) => hex(encodeValue(value))),
  record: hex(sealRecord(goldenRecord)),
};
write('golden.json', `${JSON.stringify(golden, null, 2)}\n`);

const files = simulatedFiles();
const stopped = await play(files, { upTo: STOP_AT, savepoint: '/savepoint' });
const rest = await play(files, { resumeFrom: '/savepoint' });
write('lines-before.json', `${JSON.stringify(stopped.lines, null, 2)}\n`);
write('lines-after.json', `${JSON.stringify(rest.lines, null, 2)}\n`);
await play(files, {
  upTo: STOP_AT,
  snapshots: snapshots('/snapshots'),
  snapshotEvery: { epochs: 1 },
});
for (const directory of ['savepoint', 'snapshots'])
  for (const name of await files.list(`/${directory}`))
    write(`${directory}/${name}`, await files.read(`/${directory}/${name}`));

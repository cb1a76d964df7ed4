/** `npm run power -- --images N --seed S`: power cuts on the real files of LMDB. */
import { parseArgs } from 'node:util';
import { pullPlugs } from './power.js';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  },
});
const report = await pullPlugs(Number(values.images), Number(values.seed));
const { images, transactions, births, skipped, wrong } = report;
for (const line of wrong.slice(0, 10)) console.log(line);
const kinds = [...report.kinds].map(([kind, count]) => `${count} ${kind}`).toSorted();
console.log(`${kinds.join(', ')}; ${births} at birth; ${skipped} looks skipped`);
const verdict = wrong.length === 0 ? 'each a committed prefix' : `${wrong.length} WRONG`;
console.log(`images ${images}, transactions ${transactions}, ${verdict}`);
process.exitCode = wrong.length === 0 ? 0 : 1;

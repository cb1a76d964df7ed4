/** `npm run conformance`: cases of real Flink against Tidemark. Exit code 1 when one fails, or when there are none. */
import { parseArgs } from 'node:util';
import { vectorsFolder } from './case.js';
import { families, runFamily } from './families.js';
import { jsonLines, sumsOf, tableOf, verdictsOf, type FamilyReport } from './report.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    // Only the families whose file name contains it.
    family: { type: 'string', default: '' },
  },
});

const folder = vectorsFolder();
const reports = families
  .filter(({ file }) => file.includes(values.family))
  .map((family): FamilyReport => ({
    name: family.file,
    verdicts:
      family.run === undefined ? 'not run yet' : (runFamily(folder, family) ?? 'no such file'),
  }));
const verdicts = verdictsOf(reports);
const text = values.json ? jsonLines(reports) : tableOf(reports);
// Written whole before the process may end, also into a pipe.
process.stdout.write(text === '' ? '' : `${text}\n`);
if (verdicts.length === 0) process.stderr.write(`no case was found in ${folder}\n`);
process.exitCode = verdicts.length === 0 || sumsOf(verdicts).failed > 0 ? 1 : 0;

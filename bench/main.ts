/** `npm run bench`: each case beside the loop by hand and beside RxJS, in processes of their own. */
import { serveOrders } from './child.js';
import { cases } from './cases.js';
import { figuresOf, type Figure } from './figures.js';
import { readOptions, usage } from './options.js';
import { measureCase } from './rounds.js';
import { jsonLines, tableOf, verdictLines, verdictTable } from './report.js';
import { verdictsOf } from './verdicts.js';

const options = readOptions(process.argv.slice(2));
if (options.child) serveOrders();
else await runBench();

async function runBench(): Promise<void> {
  const chosen = cases.filter(({ name }) => name.startsWith(options.caseName));
  if (chosen.length === 0) {
    const known = cases.map(({ name }) => name).join(', ');
    console.error(`expected --case with one of ${known}, got "${options.caseName}"\n\n${usage}`);
    process.exitCode = 1;
    return;
  }
  const figures: Figure[] = [];
  for (const benchCase of chosen) {
    const measured = await measureCase(benchCase, options);
    const added = figuresOf(measured);
    figures.push(...added);
    console.log(options.json ? jsonLines(added) : tableOf(measured));
  }
  const verdicts = verdictsOf(figures);
  if (verdicts.length > 0)
    console.log(options.json ? verdictLines(verdicts) : verdictTable(verdicts));
}

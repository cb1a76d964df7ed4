// Adds up the tallies of several runs: `node scripts/ci-sum.mjs first.json second.json`. A missing one is a failure.
import { closingLine, readTally, skipLines, sum } from './tally.mjs';

const total = sum(process.argv.slice(2).map(readTally));
console.log([...skipLines(total), closingLine(total)].join('\n'));
process.exitCode = total.failed > 0 ? 1 : 0;

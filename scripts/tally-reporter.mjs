// A Vitest reporter that counts. It leaves a tally in the file that TIDEMARK_TALLY names.
//
// Vitest's own JSON report is not enough for a closing line that can be trusted: it drops the reason of a skip, does
// not count a file that could not be loaded, and does not mention an error that escaped between two tests. Here each
// of those two is one failure.
import { writeFileSync } from 'node:fs';
import { emptyTally } from './tally.mjs';

export default class TallyReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} escapedErrors
   * @param {string} reason 'passed', 'failed' or 'interrupted'
   */
  onTestRunEnd(modules, escapedErrors, reason) {
    const tally = emptyTally();
    for (const testModule of modules) {
      for (const test of testModule.children.allTests()) count(tally, testModule, test);
      tally.failed += failuresOutsideTests(testModule);
    }
    tally.failed += escapedErrors.length;
    if (reason !== 'passed' && tally.failed === 0) tally.failed = 1;
    const path = process.env['TIDEMARK_TALLY'];
    if (path !== undefined && path !== '') writeFileSync(path, JSON.stringify(tally));
  }
}

/** Errors of the file or of a `describe`: an import that failed, a hook that threw. */
function failuresOutsideTests(testModule) {
  let failures = testModule.errors().length;
  for (const suite of testModule.children.allSuites()) failures += suite.errors().length;
  return failures;
}

/** A test that never came to an end (`pending`) has failed, unless it was skipped. */
function count(tally, testModule, test) {
  const { state, note } = test.result();
  if (state === 'passed') tally.passed += 1;
  else if (state === 'skipped') {
    const name = `${testModule.relativeModuleId} > ${test.fullName}`;
    tally.skipped.push({ name, reason: note });
  } else tally.failed += 1;
}

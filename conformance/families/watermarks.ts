/** Watermarks: how those of inputs and of splits are put together, and how they are made. */
import type { Case } from '../case.js';
import { drive, type DriveOptions, type Subject } from '../drive.js';
import { IdlenessSubject, SplitsSubject } from './generators.js';
import { MultiplexerSubject } from './multiplexer.js';
import { timestampsSubject } from './timestamps.js';
import { ValveSubject } from './valve.js';

/** @throws Mismatch, NotApplicable */
export function runWatermarks(testCase: Case, options: DriveOptions): void {
  drive(testCase, () => subjectOf(testCase, options), options);
}

function subjectOf(testCase: Case, { exhaustive }: DriveOptions): Subject {
  const { given } = testCase;
  switch (given['kind']) {
    case 'valve':
      return new ValveSubject(given, { exhaustive });
    case 'multiplexer':
      return new MultiplexerSubject({ exhaustive });
    case 'generator':
    case 'splits':
      return new SplitsSubject(given, { exhaustive });
    case 'idlenessTimer':
      return new IdlenessSubject(given);
    case 'timestampsAndWatermarks':
      return timestampsSubject(testCase);
    default:
      throw new Error(`a kind that this runner does not know: ${String(given['kind'])}`);
  }
}

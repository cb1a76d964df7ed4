/** What lies where in the directory of the demo. */
import { join } from 'node:path';

export const inputFile = (directory: string): string => join(directory, 'plays.jsonl');

/** @param life `whole` or `killed` */
export const outputDirectory = (directory: string, life: string): string =>
  join(directory, `charts-${life}`);

export const stateDirectory = (directory: string, life: string): string =>
  join(directory, `state-${life}`);

/** The ways to run a described pipeline, each reduced to: what happens goes in, items come out. */
import { Subject } from 'rxjs';
import { build, buildTwo } from './build.js';
import type { Description, Item } from './description.js';
import type { Happening } from './oracle-stream.js';

/**
 * Mode (i): a subscription. Gives what came out at each happening: `next` runs through before it returns.
 */
export function inLibrary(
  description: Description,
  happenings: readonly Happening[],
): readonly (readonly Item[])[] {
  const inputs = [new Subject<Item>(), new Subject<Item>()] as const;
  let emitted: Item[] = [];
  const listen = (item: Item): void => void emitted.push(item);
  if (description.inputs === 1) inputs[0].pipe(build(description)).subscribe(listen);
  else {
    const run = buildTwo(description).connect({ first: inputs[0], second: inputs[1] });
    run.outputs.output.subscribe(listen);
    run.start();
  }
  return happenings.map((happening) => {
    emitted = [];
    const input = inputs[happening.input];
    if ('end' in happening) input.complete();
    else input.next(happening.item);
    return emitted;
  });
}

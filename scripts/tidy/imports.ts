/** Gates on who imports whom: floors, cycles, doors to the outside world, and files that nobody reaches. */
import type { Finding, Source } from './source.js';

/** The floors, lowest first. A file imports its own floor or lower. */
const floors: readonly (readonly string[])[] = [
  ['src/core/'],
  ['src/time/', 'src/state/'],
  ['src/dsl/'],
  ['src/checkpoint/'],
  ['src/runtime/', 'src/cluster/'],
  ['src/connectors/'],
  // `run` puts the floors together: it hands the outside world of floor 5 to the job of floor 4.
  ['src/run.ts', 'src/run-options.ts'],
  ['src/cli/', 'src/console/'],
  ['src/index.ts'],
];

/** The side building: it sees every floor, and nobody sees it. */
const testing = 'src/testing/';

/** Laws 1 and 2 of the building. Tests are free: they are not shipped, and may set up whatever they examine. */
export function checkFloors(sources: readonly Source[]): Finding[] {
  return sources.filter(isShipped).flatMap((source) => {
    const from = floorOf(source.path);
    if (from === undefined && !source.path.startsWith(testing)) {
      const message = 'stands on no floor; put it into one of the directories of the architecture';
      return [{ file: source.path, line: 1, message }];
    }
    return source.imports.flatMap(({ target, line }) => {
      const message = target === undefined ? undefined : arrowFault(source.path, from, target);
      return message === undefined ? [] : [{ file: source.path, line, message }];
    });
  });
}

/** No file may reach itself through its imports; type-only imports count, because readers follow them too. */
export function checkCycles(sources: readonly Source[]): Finding[] {
  const graph = importGraph(sources.filter((source) => !source.isTest));
  const reported = new Set<string>();
  const findings: Finding[] = [];
  for (const start of graph.keys()) {
    const cycle = shortestWayBack(graph, start);
    if (cycle === undefined || cycle.some((file) => reported.has(file))) continue;
    for (const file of cycle) reported.add(file);
    const message = `import cycle: ${[...cycle, start].join(' -> ')}; move what they share to a lower file`;
    findings.push({ file: start, line: 1, message });
  }
  return findings;
}

/** A module that only some files may import. Entries of `allowed` end with `/` when they mean a directory. */
export interface Door {
  readonly modules: readonly string[];
  readonly allowed: readonly string[];
  readonly instead: string;
}

/** Tests pass through every door except one: whatever breaks a database belongs beside the file that owns it. */
export function checkDoors(sources: readonly Source[], doors: readonly Door[]): Finding[] {
  return sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, line }) => {
      const door = doors.find(({ modules }) =>
        modules.some((name) => specifier === name || specifier.startsWith(`${name}/`)),
      );
      if (door === undefined || source.isTest) return [];
      if (door.allowed.some((place) => isIn(source.path, place))) return [];
      const places = door.allowed.length === 0 ? 'no file here' : door.allowed.join(', ');
      const message = `imports "${specifier}", which is for ${places}; ${door.instead}`;
      return [{ file: source.path, line, message }];
    }),
  );
}

/** Every shipped file is reachable from an entry, or it is dead. */
export function checkOrphans(sources: readonly Source[], entries: readonly string[]): Finding[] {
  const graph = importGraph(sources.filter((source) => !source.isTest));
  const findings = entries
    .filter((entry) => !graph.has(entry))
    .map((entry) => ({
      file: entry,
      line: 1,
      message: 'is an entry of the package, and is missing',
    }));
  if (findings.length > 0) return findings;
  const reached = new Set<string>(entries);
  for (const file of reached) for (const target of graph.get(file) ?? []) reached.add(target);
  for (const file of graph.keys()) {
    if (reached.has(file)) continue;
    const message = `is reached from none of ${entries.join(', ')}; export it, use it, or delete it`;
    findings.push({ file, line: 1, message });
  }
  return findings;
}

/** Programs that show the library use its doors only, as a stranger would. */
export function checkPublicUse(sources: readonly Source[]): Finding[] {
  const doors = new Set(['src/index.ts', 'src/testing/index.ts']);
  return sources.flatMap((source) =>
    source.imports
      .filter(({ target }) => target?.startsWith('src/') === true && !doors.has(target))
      .map(({ specifier, line }) => ({
        file: source.path,
        line,
        message: `imports "${specifier}"; show the public API only: ${[...doors].join(', ')}`,
      })),
  );
}

/** What is wrong with one arrow, or undefined. */
function arrowFault(file: string, from: number | undefined, target: string): string | undefined {
  if (!target.startsWith('src/'))
    return `imports ${target}, which is outside src and is not shipped`;
  if (file.startsWith(testing)) return undefined;
  if (target.startsWith(testing)) return `imports ${target}; what testing offers is for tests only`;
  const to = floorOf(target);
  if (to === undefined || from === undefined) return `imports ${target}, which stands on no floor`;
  if (file.startsWith('src/runtime/') && target.startsWith('src/cluster/')) {
    return `imports ${target}; cluster may import runtime, never the reverse: define a contract in runtime`;
  }
  if (to <= from) return undefined;
  return `imports ${target}, from floor ${from} up to floor ${to}; move the shared part down or hand it in`;
}

function floorOf(path: string): number | undefined {
  const floor = floors.findIndex((places) => places.some((place) => isIn(path, place)));
  return floor < 0 ? undefined : floor;
}

function isIn(path: string, place: string): boolean {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}

function isShipped(source: Source): boolean {
  return source.path.startsWith('src/') && !source.isTest;
}

/** Who imports whom, among the given files only. */
function importGraph(sources: readonly Source[]): Map<string, string[]> {
  const known = new Set(sources.map(({ path }) => path));
  return new Map(
    sources.map(({ path, imports }) => [
      path,
      imports
        .map(({ target }) => target)
        .filter((target) => target !== undefined && known.has(target)),
    ]),
  ) as Map<string, string[]>;
}

/** The shortest cycle through a file, beginning with it; undefined when there is none. */
function shortestWayBack(
  graph: ReadonlyMap<string, string[]>,
  start: string,
): string[] | undefined {
  const cameFrom = new Map<string, string>();
  for (const file of breadthFirst(graph, start, cameFrom)) {
    if (!(graph.get(file) ?? []).includes(start)) continue;
    const cycle = [file];
    for (let at = file; at !== start; cycle.unshift(at)) at = cameFrom.get(at) ?? start;
    return cycle;
  }
  return undefined;
}

function* breadthFirst(
  graph: ReadonlyMap<string, string[]>,
  start: string,
  cameFrom: Map<string, string>,
): Generator<string> {
  const queue = new Set([start]);
  for (const file of queue) {
    yield file;
    for (const target of graph.get(file) ?? []) {
      if (!queue.has(target)) cameFrom.set(target, file);
      queue.add(target);
    }
  }
}

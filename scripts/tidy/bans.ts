/**
 * The gate on time and chance: one file reads the clock, and everybody else is handed one.
 *
 * One stray `Date.now()` makes a run that cannot be replayed, so each ban names its replacement.
 */
import { isNode, nameOf, walk } from './source.js';
import type { Finding, Source, SyntaxNode } from './source.js';

const clock = 'use runtime.clock (src/core/clock.ts)';
const timer = 'use runtime.clock.setTimer (src/core/clock.ts)';
const turn = 'use runtime.clock.turn (src/core/clock.ts)';
const chance = 'use runtime.random (src/core/clock.ts)';

/** Names that are banned wherever they stand for the global of that name. */
const globals: Readonly<Record<string, string>> = {
  Date: 'use runtime.clock.now, and epoch milliseconds for times (src/core/clock.ts)',
  performance: 'use runtime.clock.elapsed (src/core/clock.ts)',
  setTimeout: timer,
  setInterval: timer,
  setImmediate: turn,
  queueMicrotask: turn,
};

/** Members of `process` that are banned, also when they are imported from `node:process`. */
const processMembers: Readonly<Record<string, string>> = {
  nextTick: turn,
  hrtime: 'use runtime.clock.elapsed (src/core/clock.ts)',
};

/** Names of `node:crypto` that are banned as members of anything, whatever the module was called. */
const cryptoMembers: Readonly<Record<string, string>> = {
  randomUUID: chance,
  randomBytes: chance,
  randomInt: chance,
  getRandomValues: chance,
};

/** RxJS exports that read the real clock by default. */
const timedRxjs = new Set(
  [
    'animationFrameScheduler asapScheduler asyncScheduler interval timer',
    'auditTime bufferTime debounceTime delay sampleTime throttleTime',
    'timeInterval timeout timestamp windowTime',
  ].flatMap((names) => names.split(' ')),
);

/** Modules whose whole content reads the clock. */
const timedModules = new Set(['timers', 'timers/promises', 'perf_hooks']);

export interface BanOptions {
  /**
   * Whether values of type `Date` may be handled: `value instanceof Date` and `new Date(milliseconds)`, which read
   * no clock. `Date.now()`, `Date()` and `new Date()` stay banned.
   */
  readonly allowDateValues?: boolean;
  /** Whether timers are allowed, as in tests that wait for the world; the date and chance stay banned. */
  readonly allowTimers?: boolean;
}

export function checkBans(source: Source, options: BanOptions = {}): Finding[] {
  const findings: Finding[] = [];
  const ban = (node: SyntaxNode, name: string, instead: string): void => {
    if (options.allowTimers === true && [timer, turn, globals['performance']].includes(instead))
      return;
    findings.push({
      file: source.path,
      line: source.lineAt(node.start),
      message: `${name}: ${instead}`,
    });
  };
  walk(source.program, (node, parent, field) => {
    if (node.type === 'Identifier') checkIdentifier(node, parent, field, options, ban);
    if (node.type === 'MemberExpression') checkMember(node, ban);
    if (node.type === 'VariableDeclarator') checkDestructuring(node, ban);
    if (node.type === 'ImportDeclaration') checkImport(node, ban);
  });
  return findings;
}

type Ban = (node: SyntaxNode, name: string, instead: string) => void;

/** A type such as `Map<string, Date>` reads no clock, and a property called `Date` is not the global. */
function checkIdentifier(
  node: SyntaxNode,
  parent: SyntaxNode | undefined,
  field: string,
  options: BanOptions,
  ban: Ban,
): void {
  const name = nameOf(node) ?? '';
  if (!Object.hasOwn(globals, name) || parent === undefined || isName(parent, field)) return;
  if (parent.type === 'TSTypeReference' || parent.type === 'TSQualifiedName') return;
  if (name === 'Date' && options.allowDateValues === true && isDateValue(parent, field)) return;
  ban(node, name, globals[name] ?? clock);
}

/** `Math.random`, `process.nextTick`, `globalThis.setTimeout`, each also with brackets and a string. */
function checkMember(node: SyntaxNode, ban: Ban): void {
  const property = node['computed'] === true ? literal(node['property']) : nameOf(node['property']);
  if (property === undefined) return;
  const object = nameOf(node['object']) ?? '';
  const instead = insteadOfMember(object, property);
  if (instead !== undefined) ban(node, object === '' ? property : `${object}.${property}`, instead);
}

/** `const { random } = Math` and its like. */
function checkDestructuring(node: SyntaxNode, ban: Ban): void {
  const pattern = node['id'];
  const object = nameOf(node['init']);
  if (object === undefined || !isNode(pattern) || pattern.type !== 'ObjectPattern') return;
  const properties = Array.isArray(pattern['properties']) ? pattern['properties'] : [];
  for (const property of properties.filter(isNode)) {
    const key = nameOf(property['key']) ?? '';
    const instead = insteadOfMember(object, key);
    if (instead !== undefined) ban(property, `${object}.${key}`, instead);
  }
}

function checkImport(node: SyntaxNode, ban: Ban): void {
  if (node['importKind'] === 'type') return;
  const from = (nameOf(node['source']) ?? '').replace(/^node:/, '');
  if (timedModules.has(from)) ban(node, from, clock);
  const specifiers = Array.isArray(node['specifiers']) ? node['specifiers'].filter(isNode) : [];
  for (const specifier of specifiers) {
    const name = nameOf(specifier['imported']) ?? '';
    const instead =
      from === 'process' || from === 'crypto' ? insteadOfMember(from, name) : undefined;
    if (instead !== undefined) ban(specifier, `${name} of ${from}`, instead);
    if (/^rxjs(?:\/|$)/.test(from) && timedRxjs.has(name)) ban(specifier, `${name} of rxjs`, timer);
  }
}

/** What to use instead of a member of an object, or undefined when it may be used. */
function insteadOfMember(object: string, property: string): string | undefined {
  if (object === 'Math' && property === 'random') return chance;
  const isGlobalObject = ['globalThis', 'global', 'window', 'self'].includes(object);
  if (isGlobalObject && Object.hasOwn(globals, property)) return globals[property];
  if (object === 'process' && Object.hasOwn(processMembers, property))
    return processMembers[property];
  return Object.hasOwn(cryptoMembers, property) ? cryptoMembers[property] : undefined;
}

/** Whether an identifier is only the name of a property, a method, or an imported or exported thing. */
function isName(parent: SyntaxNode, field: string): boolean {
  if (field === 'imported' || field === 'exported') return true;
  if (field === 'property')
    return parent.type === 'MemberExpression' && parent['computed'] !== true;
  // The key of `{ Date }` is a name as well; its value is visited on its own.
  return field === 'key' && parent['computed'] !== true;
}

/** `x instanceof Date`, and `new Date(…)` with something in the brackets. */
function isDateValue(parent: SyntaxNode, field: string): boolean {
  if (parent.type === 'BinaryExpression')
    return parent['operator'] === 'instanceof' && field === 'right';
  const given: unknown = parent['arguments'];
  return parent.type === 'NewExpression' && Array.isArray(given) && given.length > 0;
}

function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' ? nameOf(node) : undefined;
}

/**
 * Which schemas the states of a job have had, which they have now, and what that means for values on disk. Decided
 * before anything is touched; values are then made present ones by and by, on their first read.
 */
import { TidemarkError, assert, show } from '../core/errors.js';
import { murmur3 } from '../core/murmur3.js';
import type { DeclaredSchema, StateEvolution, StateVersions } from '../core/operator.js';
import type { StoredSchema, StoredSchemas } from './job-record.js';
import { schemaChange, type SchemaDifference } from './schema-change.js';
import { canonicalJson, type JsonSchema } from './schema-keywords.js';

export interface SchemaPlan {
  /** For the record of the next commits. */
  readonly schemas: StoredSchemas;
  /** By uid, then by name of the state. */
  readonly versions: ReadonlyMap<string, ReadonlyMap<string, StateVersions>>;
}

export interface SchemaPlanOptions {
  /** Of the operators of the pipeline, by uid. */
  readonly evolutions: ReadonlyMap<string, StateEvolution>;
  readonly stored: StoredSchemas | undefined;
  /** Uids that the state knows. */
  readonly known: ReadonlySet<string>;
  readonly where: string;
}

/** How many schemas one state may have had. */
const SCHEMAS_MAX = 1000;
const DIFFERENCES_SHOWN = 8;
const UNDECLARED: StoredSchema = { hash: '', json: '' };

/** @throws TidemarkError STATE_INCOMPATIBLE, showing what differs */
export function planSchemas({ evolutions, stored, known, where }: SchemaPlanOptions): SchemaPlan {
  const schemas = new Map([...(stored ?? [])].map(([uid, states]) => [uid, new Map(states)]));
  const versions = new Map<string, Map<string, StateVersions>>();
  for (const [uid, evolution] of evolutions)
    for (const [name, declared] of evolution.schemas) {
      const states = schemas.get(uid) ?? new Map<string, readonly StoredSchema[]>();
      const before = states.get(name) ?? (known.has(uid) && declared ? [UNDECLARED] : []);
      if (before.length === 0 && declared === undefined) continue;
      const place = `${where}, state "${name}" of "${uid}"`;
      const { history, plan } = planState(before, declared, place);
      schemas.set(uid, states.set(name, history));
      versions.set(uid, (versions.get(uid) ?? new Map<string, StateVersions>()).set(name, plan));
    }
  return { schemas, versions };
}

function planState(
  before: readonly StoredSchema[],
  declared: DeclaredSchema | undefined,
  where: string,
): { history: readonly StoredSchema[]; plan: StateVersions } {
  const json = declared?.json();
  const now = json === undefined ? UNDECLARED : storedSchema(json.kept);
  const found = before.findLastIndex((schema) => schema.json === now.json);
  const current = found < 0 ? before.length : found;
  const history = found < 0 ? [...before, now] : before;
  assert(history.length <= SCHEMAS_MAX, `a state has at most ${SCHEMAS_MAX} schemas`);
  const upgrades = new Map<number, (value: unknown) => unknown>();
  for (const [version, schema] of history.entries()) {
    if (version === current || declared === undefined) continue;
    if (declared.migrate === undefined && schema.json !== '' && json !== undefined)
      refuseChange(schema, json.taken, { where, version });
    upgrades.set(version, upgradeFrom(version, declared));
  }
  return { history, plan: { current, upgrades } };
}

function refuseChange(
  was: StoredSchema,
  taken: unknown,
  { where, version }: { where: string; version: number },
): void {
  const change = schemaChange(JSON.parse(was.json) as JsonSchema, taken as JsonSchema);
  if (change.kind !== 'incompatible') return;
  throw new TidemarkError('STATE_INCOMPATIBLE', {
    expected: 'a schema that takes all values of the one that the state was written under',
    got: shown(change.differences),
    where: version === 0 ? where : `${where}, schema number ${version}`,
    hint: 'Add migrate: (old) => new beside the schema, make the schema take the old values, or rename the state.',
  });
}

function upgradeFrom(version: number, declared: DeclaredSchema): (value: unknown) => unknown {
  const { migrate } = declared;
  if (migrate === undefined) return (value) => declared.parse(value);
  return (value) => declared.parse(migrated(value, version, migrate));
}

function migrated(
  value: unknown,
  version: number,
  migrate: NonNullable<DeclaredSchema['migrate']>,
): unknown {
  try {
    return migrate(value, version);
  } catch (cause) {
    throw new TidemarkError('STATE_INCOMPATIBLE', {
      expected: 'a migrate function that does not throw',
      got: show(cause),
      where: `migrate, on a value of schema number ${version}: ${show(value)}`,
      hint: 'Mend it: it is given each value of an older schema once, and must make one of the present schema.',
      cause,
    });
  }
}

function storedSchema(kept: unknown): StoredSchema {
  const json = canonicalJson(kept);
  return { json, hash: murmur3(new TextEncoder().encode(json)).toString(16).padStart(8, '0') };
}

function shown(differences: readonly SchemaDifference[]): string {
  const lines = differences
    .slice(0, DIFFERENCES_SHOWN)
    .map(({ path, was, is }) => `${path}: was ${was}, is ${is}`);
  const more = differences.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

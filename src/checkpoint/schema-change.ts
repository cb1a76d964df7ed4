/**
 * Whether values that were written under one JSON Schema may be read under another: equal, compatible, or not, and
 * where they differ.
 *
 * Compatible means that each value that the old schema admits is admitted by the new one. It is proved keyword by
 * keyword, and what cannot be proved is incompatible: a wrong refusal costs a `migrate`, a wrong admission state.
 * Written down for users in docs/state-format.md.
 */
import {
  admits,
  boundsAreWider,
  branchesOf,
  canonicalJson,
  describe,
  fieldsOf,
  isAny,
  isNever,
  keywordsOf,
  listOf,
  partsOf,
  restIsEqual,
  without,
  type Fields,
  type JsonSchema,
  type Keywords,
} from './schema-keywords.js';

export interface SchemaDifference {
  /** Such as `$.user.age`, `$[]` for elements, `$.*` for the fields of a record. */
  readonly path: string;
  readonly was: string;
  readonly is: string;
}

export interface SchemaChange {
  readonly kind: 'equal' | 'compatible' | 'incompatible';
  /** What is in the way; empty unless incompatible. */
  readonly differences: readonly SchemaDifference[];
}

/**
 * Compares the schema that values were written under with the one that they would be read with.
 */
export function schemaChange(was: JsonSchema, is: JsonSchema): SchemaChange {
  if (canonicalJson(was) === canonicalJson(is)) return { kind: 'equal', differences: [] };
  const comparison = new Comparison(was, is);
  const isCovered = comparison.covers(was, is, '$');
  if (isCovered) return { kind: 'compatible', differences: [] };
  return { kind: 'incompatible', differences: comparison.differences };
}

class Comparison {
  readonly differences: SchemaDifference[] = [];
  readonly #was: JsonSchema;
  readonly #is: JsonSchema;
  /** Pairs under comparison: a recursive schema meets itself again, and then nothing new is to be proved. */
  readonly #underWay = new Map<object, Set<object>>();

  constructor(was: JsonSchema, is: JsonSchema) {
    this.#was = was;
    this.#is = is;
  }

  covers(wasGiven: JsonSchema, isGiven: JsonSchema, path: string): boolean {
    const was = keywordsOf(wasGiven, this.#was);
    const is = keywordsOf(isGiven, this.#is);
    if (isAny(is) || isNever(was)) return true;
    if (this.#underWay.get(was)?.has(is) === true) return true;
    const met = this.#underWay.get(was) ?? new Set();
    this.#underWay.set(was, met.add(is));
    const isCovered = this.#coversBranches(was, is, path);
    met.delete(is);
    return isCovered;
  }

  #coversBranches(was: Keywords, is: Keywords, path: string): boolean {
    const branches = branchesOf(was);
    if (branches !== undefined)
      return branches.map((branch) => this.covers(branch, is, path)).every(Boolean);
    if (isNever(is)) return this.#differ(path, was, is);
    const parts = partsOf(is);
    if (parts !== undefined)
      return parts.map((part) => this.covers(was, part, path)).every(Boolean);
    if (Array.isArray(was['allOf']))
      return (
        this.#isCoveredByOne(
          [...(was['allOf'] as JsonSchema[]), without(was, 'allOf')],
          is,
          path,
        ) || this.#differ(path, was, is)
      );
    if ('const' in was) return admits(is, was['const'], this.#is) || this.#differ(path, was, is);
    const choices = branchesOf(is);
    if (choices === undefined) return this.#coversPlain(was, is, path);
    return (
      choices.some((choice) => this.#quietly(() => this.covers(was, choice, path))) ||
      this.#differ(path, was, is)
    );
  }

  #isCoveredByOne(parts: readonly JsonSchema[], is: Keywords, path: string): boolean {
    return parts.some((part) => this.#quietly(() => this.covers(part, is, path)));
  }

  /** Neither side is a choice between schemas. */
  #coversPlain(was: Keywords, is: Keywords, path: string): boolean {
    if ('const' in is) return this.#differ(path, was, is);
    const [wasType, isType] = [was['type'], is['type']];
    const isWider = wasType === 'integer' && isType === 'number';
    if (isType !== undefined && wasType !== isType && !isWider) return this.#differ(path, was, is);
    if (!boundsAreWider(was, is) || !restIsEqual(was, is)) return this.#differ(path, was, is);
    const fits = [true];
    if (wasType === 'object' || wasType === undefined) fits.push(this.#coversObject(was, is, path));
    if (wasType === 'array' || wasType === undefined) fits.push(this.#coversArray(was, is, path));
    return fits.every(Boolean);
  }

  #coversObject(was: Keywords, is: Keywords, path: string): boolean {
    const [before, now] = [fieldsOf(was), fieldsOf(is)];
    const fits: boolean[] = [];
    for (const name of now.required)
      if (!before.required.has(name)) {
        const field = now.fields[name] ?? {};
        const known = before.fields[name];
        const wasText = known === undefined ? 'missing' : `optional ${describe(known)}`;
        fits.push(this.#say(`${path}.${name}`, wasText, `required ${describe(field)}`));
      }
    for (const [name, field] of Object.entries(now.fields)) {
      const known = before.fields[name] ?? before.others;
      if (known !== false && (name in before.fields || !now.required.has(name)))
        fits.push(this.covers(known, field, `${path}.${name}`));
    }
    for (const [name, field] of Object.entries(before.fields))
      if (!(name in now.fields)) fits.push(this.covers(field, now.others, `${path}.${name}`));
    if (before.others !== false) fits.push(this.covers(before.others, now.others, `${path}.*`));
    if (now.names !== undefined) fits.push(this.#coversNames(before, now.names, path));
    return fits.every(Boolean);
  }

  #coversNames(before: Fields, names: JsonSchema, path: string): boolean {
    const declared = Object.keys(before.fields);
    const refused = declared.find((name) => !admits(names, name, this.#is));
    if (refused !== undefined)
      return this.#say(`${path}.${refused}`, 'a field', `a name that is not ${describe(names)}`);
    return before.others === false || this.covers(before.names ?? {}, names, `${path} (names)`);
  }

  #coversArray(was: Keywords, is: Keywords, path: string): boolean {
    const [before, now] = [listOf(was), listOf(is)];
    // A tuple has a length, although JSON Schema does not say so.
    if (now.first.length !== before.first.length && (now.rest === true || before.rest === true))
      return this.#differ(path, was, is);
    const fits = [this.covers(before.rest, now.rest, `${path}[]`)];
    for (let index = 0; index < Math.max(before.first.length, now.first.length); index += 1)
      fits.push(
        this.covers(
          before.first[index] ?? before.rest,
          now.first[index] ?? now.rest,
          `${path}[${index}]`,
        ),
      );
    return fits.every(Boolean);
  }

  #quietly(attempt: () => boolean): boolean {
    const { length } = this.differences;
    const isCovered = attempt();
    this.differences.length = length;
    return isCovered;
  }

  #differ(path: string, was: JsonSchema, is: JsonSchema): false {
    return this.#say(path, describe(was), describe(is));
  }

  #say(path: string, was: string, is: string): false {
    this.differences.push({ path, was, is });
    return false;
  }
}

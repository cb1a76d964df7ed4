/**
 * How many distinct values there are, from their hashes alone, in bounded memory: a HyperLogLog sketch.
 *
 * A hash is 52 random bits. The first of them choose a register; of the rest, one hash in two begins with a 1, one in
 * four with 01, one in a thousand with nine zeros first. A register remembers the longest such run that it has seen,
 * and from all runs together follows how many hashes there have been. A value that comes again changes nothing.
 *
 *     0110 | 0001011…     register 6 has seen a run of 4 (three zeros and the 1)
 *
 * Registers would be a waste for a few values, so a sketch begins as the sorted hashes themselves, and becomes
 * registers when those would take as many bytes. Either form depends only on which values have been seen, never on
 * their order or on who has merged what with what first: equal sets have equal bytes.
 *
 * After Flajolet, Fusy, Gandouet and Meunier, 2007; the estimate is that of Ertl, 2017, which needs no tables against
 * bias. Its standard error is 1.04 / √registers.
 */
import { createCells, insertAt, placeOf, usedLength } from './sorted-cells.js';

/** Sorted hashes, or registers. */
export type DistinctSketch = Float64Array | Uint8Array;

/** How many bits a hash has. A double holds them, and up to 2^26 values it is not likely that two share one. */
export const HASH_BITS = 52;
/** A hash is two halves, because bits are taken from numbers of 32 bits only. */
const LOW_BITS = HASH_BITS - 32;
const LOW_RANGE = 2 ** LOW_BITS;

/** 1 / (2 ln 2), the limit of the factor that makes the estimate unbiased. */
const UNBIASED = 0.5 / Math.LN2;

export function createSketch(): DistinctSketch {
  return createCells(1);
}

/** One hash out of two of 32 bits. */
export function joinHash(high: number, low: number): number {
  return high * LOW_RANGE + (low >>> (32 - LOW_BITS));
}

/**
 * Whether no hash with this high half can change the sketch: the register has seen a longer run already. So it is with
 * nearly all values once there are registers, and the low half need not be made. `precision` as in `addHash`.
 */
export function isSettled(sketch: DistinctSketch, high: number, precision: number): boolean {
  const rest = high << precision;
  return (
    sketch instanceof Uint8Array &&
    rest !== 0 &&
    Math.clz32(rest) < (sketch[high >>> (32 - precision)] as number)
  );
}

/** Takes a hash in. `precision` is the number of bits that choose a register: 2^precision registers of a byte. */
export function addHash(sketch: DistinctSketch, hash: number, precision: number): DistinctSketch {
  if (sketch instanceof Uint8Array) {
    raise(sketch, hash, precision);
    return sketch;
  }
  const at = placeOf(sketch, hash, 1);
  if (sketch[at] === hash) return sketch;
  const cells = insertAt(sketch, at, hash, 1);
  return usedLength(cells, 1) > hashesMax(precision) ? toRegisters(cells, precision) : cells;
}

/** Both together; may change and give back `into`, never `other`. */
export function mergeSketches(
  into: DistinctSketch,
  other: DistinctSketch,
  precision: number,
): DistinctSketch {
  if (other instanceof Float64Array) {
    let merged = into;
    const used = usedLength(other, 1);
    for (let at = 0; at < used; at += 1) merged = addHash(merged, other[at] as number, precision);
    return merged;
  }
  if (into instanceof Float64Array) return mergeSketches(other.slice(), into, precision);
  for (let index = 0; index < other.length; index += 1) {
    const run = other[index] as number;
    if (run > (into[index] as number)) into[index] = run;
  }
  return into;
}

/** How many distinct hashes there have been: exactly while they are kept, estimated from then on. A whole number. */
export function estimate(sketch: DistinctSketch, precision: number): number {
  return sketch instanceof Float64Array
    ? usedLength(sketch, 1)
    : Math.round(estimateRegisters(sketch, HASH_BITS - precision));
}

/** How many hashes are kept as they are: eight bytes each, so that they never take more than the registers. */
export function hashesMax(precision: number): number {
  return 2 ** precision / 8;
}

function toRegisters(cells: Float64Array, precision: number): Uint8Array {
  const registers = new Uint8Array(2 ** precision);
  const used = usedLength(cells, 1);
  for (let at = 0; at < used; at += 1) raise(registers, cells[at] as number, precision);
  return registers;
}

function raise(registers: Uint8Array, hash: number, precision: number): void {
  const high = Math.floor(hash / LOW_RANGE);
  const index = high >>> (32 - precision);
  const rest = high << precision;
  const run = rest === 0 ? 32 - precision + runOf(hash) : Math.clz32(rest) + 1;
  if (run > (registers[index] as number)) registers[index] = run;
}

/** The run in the low half of a hash; one more than its bits when they are all zero. */
function runOf(hash: number): number {
  return Math.clz32(hash % LOW_RANGE) - (32 - LOW_BITS) + 1;
}

/** `bits` is the length of the part of a hash in which runs are looked for. */
function estimateRegisters(registers: Uint8Array, bits: number): number {
  const counts = new Uint32Array(bits + 2);
  for (let index = 0; index < registers.length; index += 1)
    counts[registers[index] as number] = (counts[registers[index] as number] as number) + 1;
  const size = registers.length;
  let sum = size * upper(1 - (counts[bits + 1] as number) / size);
  for (let run = bits; run >= 1; run -= 1) sum = 0.5 * (sum + (counts[run] as number));
  return (UNBIASED * size * size) / (sum + size * lower((counts[0] as number) / size));
}

/** What registers without any run contribute, by their share. */
function lower(share: number): number {
  if (share === 1) return Infinity;
  let power = share;
  let factor = 1;
  let sum = share;
  for (let before = NaN; sum !== before; factor *= 2) {
    power *= power;
    before = sum;
    sum += power * factor;
  }
  return sum;
}

/** What registers with the longest possible run contribute, by the share of the others. */
function upper(share: number): number {
  if (share === 0 || share === 1) return 0;
  let root = share;
  let factor = 1;
  let sum = 1 - share;
  for (let before = NaN; sum !== before;) {
    root = Math.sqrt(root);
    before = sum;
    factor *= 0.5;
    sum -= (1 - root) ** 2 * factor;
  }
  return sum / 3;
}

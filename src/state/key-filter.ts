/**
 * A Bloom filter over the places of a run: says "surely not here" without a look at the disk, and is wrong about one
 * time in a hundred the other way. Most runs do not hold the key that is asked for, and a new key is in none.
 */

const BITS_PER_KEY = 10;
const PROBES = 6;
const BYTES_MIN = 8;

/** @param places of all keys; only the first `count` count */
export function makeFilter(places: Uint32Array, count: number): Uint8Array {
  const filter = new Uint8Array(Math.max(BYTES_MIN, Math.ceil((count * BITS_PER_KEY) / 8)));
  const bits = filter.length * 8;
  for (let index = 0; index < count; index += 1) {
    let hash = mix(places[index] as number);
    const step = stepOf(hash);
    for (let probe = 0; probe < PROBES; probe += 1) {
      const bit = hash % bits;
      filter[bit >>> 3] = (filter[bit >>> 3] as number) | (1 << (bit & 7));
      hash = (hash + step) >>> 0;
    }
  }
  return filter;
}

/** False: no key with this place was put in. */
export function mayHold(filter: Uint8Array, place: number): boolean {
  const bits = filter.length * 8;
  let hash = mix(place);
  const step = stepOf(hash);
  for (let probe = 0; probe < PROBES; probe += 1) {
    const bit = hash % bits;
    if (((filter[bit >>> 3] as number) & (1 << (bit & 7))) === 0) return false;
    hash = (hash + step) >>> 0;
  }
  return true;
}

/** The places of one part share their first bits, so they are spread anew. */
function mix(place: number): number {
  let hash = place ^ (place >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Odd, so that it never stands still. */
function stepOf(hash: number): number {
  return (Math.imul(hash, 0x9e3779b1) | 1) >>> 0;
}

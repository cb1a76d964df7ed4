/** What an operator may keep at most, and the error for one that keeps more. */
import { TidemarkError, show } from '../core/errors.js';
import type { KeyedStateSpec, StateLimits } from '../core/operator.js';

/** @param got what there is, in words */
export function beyondLimit(
  operator: string,
  limit: { readonly of: 'keys' | 'bytes'; readonly most: number },
  got: string,
): TidemarkError {
  return new TidemarkError('STATE_LIMIT', {
    expected: `at most ${limit.most} ${limit.of} of state, as its limits say`,
    got,
    where: operator === '' ? 'keyed state' : `operator "${operator}"`,
    hint: `Bound its state by a TTL or a window, use fewer keys, or raise limits.${limit.of}.`,
  });
}

/**
 * A spec whose operator may keep so much.
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function withLimits<Live extends object>(
  spec: KeyedStateSpec<Live>,
  limits: StateLimits | undefined,
  where: string,
): KeyedStateSpec<Live> {
  if (limits === undefined) return spec;
  for (const [name, most] of Object.entries(limits))
    if (!['keys', 'bytes'].includes(name) || !(Number(most) > 0))
      throw new TidemarkError('OPTIONS_INVALID', {
        expected: 'limits of keys or bytes, more than 0 each',
        got: `${name}: ${show(most)}`,
        where: `limits of ${where}`,
        hint: 'Leave out what has no limit.',
      });
  return { ...spec, limits };
}

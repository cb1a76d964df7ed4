/** What may be a key: a plain value, equal by value. `10`, `10n` and `'10'` are three keys; `-0` is `0`. */
export type KeyScalar = string | number | boolean | bigint;
export type Key = KeyScalar | readonly KeyScalar[] | { readonly [field: string]: KeyScalar };

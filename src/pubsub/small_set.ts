// A set that mostly holds one thing, or none: many topics have one subscriber, and many subscribers one
// topic, for which a whole `Set` would be most of what a subscription costs.

/** No value, the only one, or a set of them, in the order in which they came. */
export type SmallSet<V extends object> = undefined | V | Set<V>;

/** Whether the value is in the set. */
export function hasValue<V extends object>(set: SmallSet<V>, value: V): boolean {
  return set instanceof Set ? set.has(value) : set === value;
}

/** The set with a value that is not in it yet. */
export function withValue<V extends object>(set: SmallSet<V>, value: V): SmallSet<V> {
  if (set === undefined) return value;
  return set instanceof Set ? set.add(value) : new Set([set, value]);
}

/** The set without a value that is in it. */
export function withoutValue<V extends object>(set: SmallSet<V>, value: V): SmallSet<V> {
  if (!(set instanceof Set)) return undefined;
  set.delete(value);
  if (set.size > 1) return set;
  const [last] = set;
  return last;
}

/** How many values it holds. */
export function countOf<V extends object>(set: SmallSet<V>): number {
  if (set === undefined) return 0;
  return set instanceof Set ? set.size : 1;
}

/** The values, to go through. */
export function valuesOf<V extends object>(set: SmallSet<V>): Iterable<V> {
  if (set === undefined) return [];
  return set instanceof Set ? set : [set];
}

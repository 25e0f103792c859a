// The subscriptions of a server. Memory is proportional to the subscriptions: nothing is stored for
// topics without subscribers or subscribers without topics.

/**
 * No value, one value, or a set of several in insertion order. Many topics have one subscriber, and
 * many subscribers one topic: a `Set` would be most of their cost.
 */
type SmallSet<V extends object> = undefined | V | Set<V>;

/** A topic. Its name is stored once for all subscribers. */
class Topic<S extends object> {
  readonly name: string;
  subscribers: SmallSet<S> = undefined;

  constructor(name: string) {
    // Concatenated, because a slice would keep the whole message in memory.
    this.name = [name.slice(0, 1), name.slice(1)].join("");
  }
}

/** The topics of one server and their subscribers, distinguished by identity. */
export class TopicRegistry<S extends object> {
  readonly #topics: Map<string, Topic<S>> = new Map();
  readonly #memberships: Map<S, SmallSet<Topic<S>>> = new Map();

  /** The number of topics with subscribers. */
  get size(): number {
    return this.#topics.size;
  }

  /** The topics with subscribers. */
  names(): Iterable<string> {
    return this.#topics.keys();
  }

  /** Subscribes; returns whether it was not subscribed before. */
  subscribe(subscriber: S, name: string): boolean {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new Topic(name);
      this.#topics.set(topic.name, topic);
    } else if (hasValue(topic.subscribers, subscriber)) {
      return false;
    }
    topic.subscribers = withValue(topic.subscribers, subscriber);
    this.#memberships.set(subscriber, withValue(this.#memberships.get(subscriber), topic));
    return true;
  }

  /** Unsubscribes; returns whether it was subscribed. */
  unsubscribe(subscriber: S, name: string): boolean {
    const topic = this.#topics.get(name);
    if (topic === undefined || !hasValue(topic.subscribers, subscriber)) return false;
    this.#leave(subscriber, topic);
    const rest = withoutValue(this.#memberships.get(subscriber), topic);
    if (rest === undefined) this.#memberships.delete(subscriber);
    else this.#memberships.set(subscriber, rest);
    return true;
  }

  /** Removes a subscriber from all topics, but keeps the names until `forget`. */
  withdraw(subscriber: S): void {
    for (const topic of valuesOf(this.#memberships.get(subscriber))) this.#leave(subscriber, topic);
  }

  /** Forgets the topics of a withdrawn subscriber. */
  forget(subscriber: S): void {
    this.#memberships.delete(subscriber);
  }

  /** The topics of a subscriber, in subscription order. */
  namesOf(subscriber: S): string[] {
    return Array.from(valuesOf(this.#memberships.get(subscriber)), ({ name }) => name);
  }

  /** The number of topics of a subscriber. */
  countOf(subscriber: S): number {
    return countOf(this.#memberships.get(subscriber));
  }

  /** Whether a subscriber has a topic. */
  has(subscriber: S, name: string): boolean {
    return hasValue(this.#topics.get(name)?.subscribers, subscriber);
  }

  /** The number of subscribers of a topic. */
  count(name: string): number {
    return countOf(this.#topics.get(name)?.subscribers);
  }

  /** The stored name of a topic with subscribers, which is not a slice of a larger string. */
  keptName(name: string): string {
    return this.#topics.get(name)?.name ?? name;
  }

  /** The subscribers of a topic. */
  subscribers(name: string): Iterable<S> {
    return valuesOf(this.#topics.get(name)?.subscribers);
  }

  #leave(subscriber: S, topic: Topic<S>): void {
    topic.subscribers = withoutValue(topic.subscribers, subscriber);
    // A new topic of the same name may exist since this one lost its last subscriber.
    if (topic.subscribers === undefined && this.#topics.get(topic.name) === topic) {
      this.#topics.delete(topic.name);
    }
  }
}

function hasValue<V extends object>(set: SmallSet<V>, value: V): boolean {
  return set instanceof Set ? set.has(value) : set === value;
}

/** Adds a value that is not in the set. */
function withValue<V extends object>(set: SmallSet<V>, value: V): SmallSet<V> {
  if (set === undefined) return value;
  return set instanceof Set ? set.add(value) : new Set([set, value]);
}

/** Removes a value that is in the set. */
function withoutValue<V extends object>(set: SmallSet<V>, value: V): SmallSet<V> {
  if (!(set instanceof Set)) return undefined;
  set.delete(value);
  if (set.size > 1) return set;
  const [last] = set;
  return last;
}

function countOf<V extends object>(set: SmallSet<V>): number {
  if (set === undefined) return 0;
  return set instanceof Set ? set.size : 1;
}

function valuesOf<V extends object>(set: SmallSet<V>): Iterable<V> {
  if (set === undefined) return [];
  return set instanceof Set ? set : [set];
}

// Who listens to which topic. Memory goes with the subscriptions: nothing is kept of a topic that
// nobody listens to, nor of a subscriber that listens to nothing.

import {
  countOf,
  hasValue,
  type SmallSet,
  valuesOf,
  withoutValue,
  withValue,
} from "./small_set.ts";

/** One topic. Its name is here alone, however many subscribers name it. */
class Topic<S extends object> {
  readonly name: string;
  subscribers: SmallSet<S> = undefined;

  constructor(name: string) {
    // A name may be a part of a long message, which it would keep in memory; joined, it is its own.
    this.name = [name.slice(0, 1), name.slice(1)].join("");
  }
}

/** The topics of one server, by subscribers that are told apart by identity. */
export class TopicRegistry<S extends object> {
  readonly #topics: Map<string, Topic<S>> = new Map();
  readonly #memberships: Map<S, SmallSet<Topic<S>>> = new Map();

  /** How many topics have a subscriber. */
  get size(): number {
    return this.#topics.size;
  }

  /** The topics that have a subscriber. */
  names(): Iterable<string> {
    return this.#topics.keys();
  }

  /** Subscribes; returns whether that is new. */
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

  /** Takes a subscriber out of all topics; their names stay known until it is forgotten. */
  withdraw(subscriber: S): void {
    for (const topic of valuesOf(this.#memberships.get(subscriber))) this.#leave(subscriber, topic);
  }

  /** Forgets the names of a subscriber that was withdrawn. */
  forget(subscriber: S): void {
    this.#memberships.delete(subscriber);
  }

  /** The names of a subscriber's topics, in the order of its subscriptions. */
  namesOf(subscriber: S): string[] {
    return Array.from(valuesOf(this.#memberships.get(subscriber)), ({ name }) => name);
  }

  /** How many topics a subscriber has. */
  countOf(subscriber: S): number {
    return countOf(this.#memberships.get(subscriber));
  }

  /** Whether a subscriber has a topic. */
  has(subscriber: S, name: string): boolean {
    return hasValue(this.#topics.get(name)?.subscribers, subscriber);
  }

  /** How many subscribers a topic has. */
  count(name: string): number {
    return countOf(this.#topics.get(name)?.subscribers);
  }

  /** The name of a topic that has a subscriber, as it is kept: no part of anything longer. */
  keptName(name: string): string {
    return this.#topics.get(name)?.name ?? name;
  }

  /** The subscribers of a topic; none may come or go while they are gone through. */
  subscribers(name: string): Iterable<S> {
    return valuesOf(this.#topics.get(name)?.subscribers);
  }

  #leave(subscriber: S, topic: Topic<S>): void {
    topic.subscribers = withoutValue(topic.subscribers, subscriber);
    if (topic.subscribers === undefined) this.#topics.delete(topic.name);
  }
}

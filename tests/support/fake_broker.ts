// A broker in memory that delivers messages between servers, with faults on demand.

import type { Backplane, BackplaneHistory, BackplaneSink } from "../../src/backplane/backplane.ts";
import type { FakeHistory } from "./fake_history.ts";

/** One request of a server to the broker: the method, and the topic if there is one. */
export type Request = [method: keyof Backplane, topic?: string];

/** One server's access to a {@linkcode FakeBroker}. */
export class FakeBackplane implements Backplane {
  readonly #broker: FakeBroker;
  readonly #topics = new Set<string>();
  /** All requests. */
  readonly requests: Request[] = [];
  /** Replaces the normal result of each request. */
  fails: ((method: keyof Backplane) => unknown) | undefined;
  sink!: BackplaneSink;
  /** The history, if the broker has one. */
  readonly history: BackplaneHistory | undefined;

  constructor(broker: FakeBroker) {
    this.#broker = broker;
    this.history = broker.history?.access(broker);
  }

  start(sink: BackplaneSink): unknown {
    this.sink = sink;
    return this.#take(["start"], () => this.#broker.isUp && sink.up());
  }

  publish(topic: string, message: Uint8Array): unknown {
    return this.#take(["publish", topic], () => this.#broker.carry(topic, message));
  }

  subscribe(topic: string): unknown {
    return this.#take(["subscribe", topic], () => this.#topics.add(topic));
  }

  unsubscribe(topic: string): unknown {
    return this.#take(["unsubscribe", topic], () => this.#topics.delete(topic));
  }

  close(): unknown {
    return this.#take(["close"], () => this.#topics.clear());
  }

  /** Delivers a message to the subscribed servers. */
  receive(topic: string, message: Uint8Array, number?: number, previous?: number): void {
    if (this.#topics.has(topic)) this.sink.message(topic, message, number, previous);
  }

  /** The broker forgets its requests, as after a restart. */
  forget(): void {
    this.#topics.clear();
  }

  #take(request: Request, act: () => unknown): unknown {
    this.requests.push(request);
    if (this.fails !== undefined) return this.fails(request[0]);
    act();
    return undefined;
  }
}

/** The broker. */
export class FakeBroker {
  readonly #backplanes: FakeBackplane[] = [];
  /** Every published message, in its encoded form. */
  readonly carried: Uint8Array[] = [];
  /** The history; absent: no history. */
  readonly history: FakeHistory | undefined;
  isUp: boolean;

  constructor(isUp: boolean = true, history: FakeHistory | undefined = undefined) {
    this.isUp = isUp;
    this.history = history;
  }

  /** Access for one more server. */
  backplane(): FakeBackplane {
    const backplane = new FakeBackplane(this);
    this.#backplanes.push(backplane);
    return backplane;
  }

  /** Delivers a message, also to its sender. */
  carry(topic: string, message: Uint8Array): void {
    if (!this.isUp) throw new Error("requested while the broker was down");
    this.carried.push(message);
    this.send(topic, message);
  }

  /** Sends a message to all servers that subscribed to the topic. */
  send(topic: string, message: Uint8Array, number?: number, previous?: number): void {
    for (const backplane of this.#backplanes) {
      const copy = message.slice();
      queueMicrotask(() => backplane.receive(topic, copy, number, previous));
    }
  }

  /** Closes the connection and removes all subscriptions. */
  goAway(error: unknown): void {
    this.isUp = false;
    for (const backplane of this.#backplanes) {
      backplane.forget();
      backplane.sink.down(error);
    }
  }

  /** Reconnects. */
  comeBack(): void {
    this.isUp = true;
    for (const backplane of this.#backplanes) backplane.sink.up();
  }
}

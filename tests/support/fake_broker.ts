// An in-memory broker that delivers messages between servers and simulates faults on demand.

import type { Backplane, BackplaneHistory, BackplaneSink } from "../../src/backplane/backplane.ts";
import type { FakeHistory } from "./fake_history.ts";

/** A request from a server to the broker: the method, and its topic if it has one. */
export type Request = [method: keyof Backplane, topic?: string];

/** One server's access to a {@linkcode FakeBroker}. */
export class FakeBackplane implements Backplane {
  readonly #broker: FakeBroker;
  readonly #topics = new Set<string>();
  /** All requests, in order. */
  readonly requests: Request[] = [];
  /** If set, its result replaces that of each request. */
  fails: ((method: keyof Backplane) => unknown) | undefined;
  sink!: BackplaneSink;
  /** The broker's history; `undefined` if it keeps none. */
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
    return this.#take(["publish", topic], () => this.#broker.deliver(topic, message));
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

  /** Delivers a message, if the server is subscribed to the topic. */
  receive(topic: string, message: Uint8Array, number?: number, previous?: number): void {
    if (this.#topics.has(topic)) this.sink.message(topic, message, number, previous);
  }

  /** Drops the server's subscriptions, as a restarted broker does. */
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
  /** Every published message, encoded. */
  readonly published: Uint8Array[] = [];
  /** The history; `undefined` if the broker keeps none. */
  readonly history: FakeHistory | undefined;
  isUp: boolean;

  constructor(isUp: boolean = true, history: FakeHistory | undefined = undefined) {
    this.isUp = isUp;
    this.history = history;
  }

  /** Creates the backplane of another server. */
  backplane(): FakeBackplane {
    const backplane = new FakeBackplane(this);
    this.#backplanes.push(backplane);
    return backplane;
  }

  /** Delivers a message to all subscribed servers, including its sender. */
  deliver(topic: string, message: Uint8Array): void {
    if (!this.isUp) throw new Error("request while the broker is down");
    this.published.push(message);
    this.send(topic, message);
  }

  /** Delivers a message to all servers that are subscribed to the topic. */
  send(topic: string, message: Uint8Array, number?: number, previous?: number): void {
    for (const backplane of this.#backplanes) {
      const copy = message.slice();
      queueMicrotask(() => backplane.receive(topic, copy, number, previous));
    }
  }

  /** Closes the connection and removes all subscriptions. */
  disconnect(error: unknown): void {
    this.isUp = false;
    for (const backplane of this.#backplanes) {
      backplane.forget();
      backplane.sink.down(error);
    }
  }

  /** Reconnects. */
  reconnect(): void {
    this.isUp = true;
    for (const backplane of this.#backplanes) backplane.sink.up();
  }
}

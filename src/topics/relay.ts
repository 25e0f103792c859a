// Joins the topics of one server to an engine: what is published here goes there, what comes from
// there goes to who listens here, and the engine is asked for those topics only.

import { WebSocketError } from "../errors.ts";
import { PreparedMessage } from "../message/prepared_message.ts";
import type { Backplane, BackplaneQueueOptions, BackplaneSink } from "../pubsub/backplane.ts";
import { type Envelope, readEnvelope, writeEnvelope } from "../pubsub/envelope.ts";
import { OutageQueue } from "../pubsub/outage_queue.ts";
import { Opcode } from "../wire/opcode.ts";
import { show } from "../shared/check.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import type { PublishOptions } from "../connection/publish_options.ts";
import { randomOrigin } from "../shared/random.ts";

/** The server's topics, as a relay sees them. */
export interface RelayOwner {
  /** The names of all topics that somebody listens to. */
  names(): Iterable<string>;
  /** Sends a message to those who listen here. */
  deliver(topic: string, message: PreparedMessage, options: PublishOptions): void;
  /** Hears of what went wrong. */
  reportError(error: unknown): void;
}

/** One server's way to its engine. Nothing that the engine does throws into the server. */
export class Relay implements BackplaneSink {
  readonly #backplane: Backplane;
  readonly #owner: RelayOwner;
  readonly #origin: Uint8Array = randomOrigin();
  readonly #queue: OutageQueue;
  #published = 0;
  #state: "starting" | "up" | "down" | "closed" = "starting";

  /**
   * @param backplane The engine.
   * @param queue The limits of what waits while it is away.
   * @param owner The server.
   */
  constructor(backplane: Backplane, queue: BackplaneQueueOptions | undefined, owner: RelayOwner) {
    this.#backplane = backplane;
    this.#queue = new OutageQueue(queue);
    this.#owner = owner;
  }

  /** Begins. */
  start(): void {
    this.#ask(() => this.#backplane.start(this));
  }

  /** The server is shut down. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#ask(() => this.#backplane.close());
  }

  /** Somebody listens to a topic to which nobody did. */
  subscribe(topic: string): void {
    if (this.#state === "up") this.#ask(() => this.#backplane.subscribe(topic));
  }

  /** Nobody listens to a topic any more. */
  unsubscribe(topic: string): void {
    if (this.#state === "up") this.#ask(() => this.#backplane.unsubscribe(topic));
  }

  /** Something was published here. */
  publish(topic: string, message: PreparedMessage, options: PublishOptions): void {
    if (this.#state === "closed") return;
    const envelope = writeEnvelope({
      origin: this.#origin,
      count: this.#published++,
      except: 0,
      isText: message.opcode === Opcode.Text,
      onSlow: options.onSlow ?? "queue",
      key: options.key ?? "",
      payload: message.payload,
    });
    // Also while those that have waited go out, which it must not overtake.
    if (this.#state !== "up" || this.#queue.size > 0) this.#queue.push(topic, envelope);
    else if (!this.#handOver(topic, envelope)) this.#queue.push(topic, envelope);
  }

  // What the engine tells.

  /** The engine can be used. */
  up(): void {
    if (this.#state === "closed") return;
    this.#state = "up";
    for (const topic of [...this.#owner.names()]) this.subscribe(topic);
    const dropped = this.#queue.takeDropped();
    if (dropped > 0) {
      const what =
        `${dropped} messages that were published while it was away found no room to wait`;
      this.#owner.reportError(
        new WebSocketError("BACKPLANE_OVERFLOW", `The backplane is up; ${what}`),
      );
    }
    this.#flush();
  }

  /** The engine is away. */
  down(error: unknown): void {
    if (this.#state === "closed" || this.#state === "down") return;
    this.#state = "down";
    this.#owner.reportError(
      new WebSocketError("BACKPLANE_DOWN", "The backplane is away", { cause: error }),
    );
  }

  /** A message came. */
  message(topic: string, message: Uint8Array): void {
    if (this.#state === "closed") return;
    const envelope = message instanceof Uint8Array ? readEnvelope(message) : undefined;
    if (envelope === undefined || typeof topic !== "string") {
      const what = `what came for the topic ${show(topic)} is no message of ours`;
      this.#owner.reportError(
        new WebSocketError("BACKPLANE_INVALID_MESSAGE", `From the backplane: ${what}`),
      );
      return;
    }
    if (this.#isOwn(envelope)) return;
    const { isText, payload, onSlow, key } = envelope;
    // Text was found to be UTF-8 in its envelope, and need not become a string.
    const prepared = new PreparedMessage(payload, isText ? Opcode.Text : Opcode.Binary);
    this.#owner.deliver(topic, prepared, { onSlow, key });
  }

  #isOwn({ origin }: Envelope): boolean {
    return origin.every((byte, i) => byte === this.#origin[i]);
  }

  /** Sends what has waited, as long as the engine stays. */
  #flush(): void {
    while (this.#state === "up") {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (!this.#handOver(next.topic, next.message)) this.#queue.putBack(next);
    }
  }

  /** Publishes at the engine; false if that is found to be away by it, and has not taken the message. */
  #handOver(topic: string, message: Uint8Array): boolean {
    const taken = this.#ask(() => this.#backplane.publish(topic, message));
    return taken || this.#state !== "down";
  }

  /** Asks something of the engine, whose failure is nobody's but its own; false if it throws. */
  #ask(request: () => unknown): boolean {
    const failed = (cause: unknown): void => {
      if (this.#state === "down") return;
      this.#owner.reportError(
        new WebSocketError("BACKPLANE_FAILED", "The backplane failed to do what it was asked", {
          cause,
        }),
      );
    };
    try {
      const result = request();
      if (isPromiseLike(result)) result.then(undefined, failed);
      return true;
    } catch (error) {
      failed(error);
      return false;
    }
  }
}

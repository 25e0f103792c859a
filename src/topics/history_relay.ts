// Joins the topics of one server to an engine that numbers and keeps their messages: what is published
// here goes into the history, and comes back from there to those who listen here as well.

import { WebSocketError } from "../errors.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import { AppendLine, type AppendLineOwner } from "../pubsub/append_line.ts";
import type {
  Backplane,
  BackplaneHistory,
  BackplaneQueueOptions,
  BackplaneSink,
  ResumeOptions,
} from "../pubsub/backplane.ts";
import { readEnvelope, writeEnvelope } from "../pubsub/envelope.ts";
import { isMessageNumber, isPosition } from "../pubsub/history_page.ts";
import { Opcode } from "../wire/opcode.ts";
import { show } from "../shared/check.ts";
import { ConnectionNumbers } from "./connection_numbers.ts";
import type { ConnectionDriver } from "../connection/connection_driver.ts";
import { HistoryMessage } from "./history_message.ts";
import { HistoryReads } from "./history_reads.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import type { PublishOptions } from "../connection/publish_options.ts";
import { randomOrigin } from "../shared/random.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { type FollowerContext, type Joinable, TopicFollower } from "./topic_follower.ts";

/** The server's topics, as a relay with a history sees them. */
export interface HistoryRelayOwner {
  /** Sends a message to all that listen here but those that join. */
  deliverNumbered(message: HistoryMessage, topic: Joinable): void;
  /** Sends a message to one of these. */
  deliverTo(receiver: ConnectionDriver, message: HistoryMessage): void;
  /** Tells all that listen here but those that join that they have missed some. */
  missed(name: string, topic: Joinable): void;
  /** Hears of what went wrong. */
  reportError(error: unknown): void;
}

/**
 * Milliseconds in which an engine that refuses a message tells that it is away, if it is: then the
 * message is appended again when it is back, else it is given up.
 */
const REFUSAL_DELAY = 100;

/** One server's way to its engine. Nothing that the engine does throws into the server. */
export class HistoryRelay implements BackplaneSink, AppendLineOwner, FollowerContext, TimerTarget {
  readonly #backplane: Backplane;
  readonly #history: BackplaneHistory;
  readonly #limits: ResumeOptions;
  readonly #owner: HistoryRelayOwner;
  readonly #origin: Uint8Array = randomOrigin();
  readonly #line: AppendLine;
  readonly #followers: Map<string, TopicFollower> = new Map();
  readonly #numbers: ConnectionNumbers = new ConnectionNumbers();
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #published = 0;
  #refusal: Timer | undefined;
  /** What reads. */
  readonly reads: HistoryReads;

  /**
   * @param backplane The engine.
   * @param history Its history.
   * @param limits How much it keeps.
   * @param queue The limits of what waits while it is away.
   * @param owner The server's topics.
   */
  constructor(
    backplane: Backplane,
    history: BackplaneHistory,
    limits: ResumeOptions,
    queue: BackplaneQueueOptions | undefined,
    owner: HistoryRelayOwner,
  ) {
    this.#backplane = backplane;
    this.#history = history;
    this.#limits = { ...limits };
    this.#owner = owner;
    this.#line = new AppendLine(queue, this);
    this.reads = new HistoryReads(history);
  }

  /** Begins. */
  start(): void {
    this.#ask(() => this.#history.keep(this.#limits));
    this.#ask(() => this.#backplane.start(this));
  }

  /** The server is shut down. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#line.down();
    this.reads.stop();
    timers.cancel(this.#refusal);
    for (const follower of this.#followers.values()) follower.end();
    this.#followers.clear();
    this.#ask(() => this.#backplane.close());
  }

  // What the topics ask.

  /** A receiver listens to a topic, or asks for it once more. */
  join(
    receiver: ConnectionDriver,
    name: string,
    after: number | undefined,
    isNew: boolean,
  ): void {
    const known = this.#followers.get(name);
    const follower = known ?? new TopicFollower(name, this);
    if (isNew || after !== undefined) follower.topic.join(receiver, after);
    else follower.topic.confirm(receiver);
    if (known !== undefined) return;
    this.#followers.set(name, follower);
    if (this.#state === "up") follower.subscribe();
  }

  /** A receiver does not listen to a topic any more; `isLast`: nor does anybody else. */
  leave(receiver: ConnectionDriver, name: string, isLast: boolean): void {
    const follower = this.#followers.get(name);
    if (follower === undefined) return;
    follower.topic.leave(receiver);
    if (!isLast) return;
    this.#followers.delete(name);
    if (this.#state === "up") this.#ask(() => this.#backplane.unsubscribe(name));
    follower.end();
  }

  /** A connection is over. */
  forget(receiver: ConnectionDriver): void {
    this.#numbers.forget(receiver);
  }

  /** Something was published here. */
  publish(
    topic: string,
    message: PreparedMessage,
    options: PublishOptions,
    except: ConnectionDriver | undefined,
  ): void {
    if (this.#state === "closed") return;
    const envelope = writeEnvelope({
      origin: this.#origin,
      count: this.#published++,
      except: except?.state === "open" ? this.#numbers.of(except) : 0,
      isText: message.opcode === Opcode.Text,
      onSlow: options.onSlow ?? "queue",
      key: options.key ?? "",
      payload: message.payload,
    });
    this.#line.push(topic, envelope);
  }

  // What the engine tells.

  /** The engine can be used. */
  up(): void {
    if (this.#state === "closed") return;
    // Once more up without a word in between: it may have been away all the same.
    if (this.#state === "up") this.#interrupt();
    this.#state = "up";
    for (const follower of [...this.#followers.values()]) {
      if (this.#state === "up") follower.subscribe();
    }
    if (this.#state === "up") this.#line.up();
  }

  /** The engine is away. */
  down(error: unknown): void {
    if (this.#state === "closed" || this.#state === "down") return;
    this.#state = "down";
    this.#interrupt();
    this.#report("BACKPLANE_DOWN", "The backplane is away", error);
  }

  /** A message came. */
  message(topic: string, message: Uint8Array, number?: number, previous?: number): void {
    if (this.#state === "closed") return;
    if (typeof topic !== "string") {
      this.garbled(`what came for the topic ${show(topic)} is no message of ours`);
    } else if (!isMessageNumber(number) || !isPosition(previous) || previous >= number) {
      this.garbled(`what came for the topic ${show(topic)} has no number`);
    } else {
      this.#followers.get(topic)?.receive(message, number, previous);
    }
  }

  // What the line of messages asks and tells.

  /** Appends a message, as soon as those who listen here can get it. */
  append(topic: string, message: Uint8Array): Promise<unknown> {
    const follower = this.#followers.get(topic);
    if (follower === undefined || !follower.topic.starting) {
      return this.#history.append(topic, message);
    }
    return new Promise((resolve, reject) => {
      follower.whenStarted(() => {
        try {
          this.#history.append(topic, message).then(resolve, reject);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Messages found no room to wait. */
  dropped(count: number): void {
    this.overflowed(`${count} messages that were published found no room to wait for it`);
  }

  /** An append failed. */
  suspect(): void {
    if (this.#refusal?.target === undefined) {
      this.#refusal = timers.start(REFUSAL_DELAY, this, 0);
    }
  }

  /** The engine has not said that it is away. */
  timerFired(): void {
    this.#line.trust();
  }

  // What the topics that are followed ask and tell.

  /** Asks the engine for the messages of a topic. */
  ask(topic: string): unknown {
    return this.#backplane.subscribe(topic);
  }

  /** Makes a message of what the engine brought. */
  parse(topic: string, bytes: unknown, number: number): HistoryMessage | undefined {
    const envelope = bytes instanceof Uint8Array ? readEnvelope(bytes) : undefined;
    if (envelope === undefined) {
      this.garbled(`what came for the topic ${show(topic)} is no message of ours`);
      return undefined;
    }
    const isOwn = envelope.except !== 0 &&
      envelope.origin.every((byte, i) => byte === this.#origin[i]);
    const except = isOwn ? this.#numbers.connection(envelope.except) : undefined;
    return new HistoryMessage(topic, number, envelope, except);
  }

  /** To all that listen here but those that join. */
  deliver(message: HistoryMessage, topic: Joinable): void {
    this.#owner.deliverNumbered(message, topic);
  }

  /** To one of these. */
  deliverTo(receiver: ConnectionDriver, message: HistoryMessage): void {
    this.#owner.deliverTo(receiver, message);
  }

  /** All that listen here but those that join have missed some. */
  missed(name: string, topic: Joinable): void {
    this.#owner.missed(name, topic);
  }

  /** The engine has failed. */
  failed(cause: unknown): void {
    if (this.#state === "down") return;
    this.#report("BACKPLANE_FAILED", "The backplane failed to do what it was asked", cause);
  }

  /** The engine has brought rubbish. */
  garbled(what: string): void {
    this.#report("BACKPLANE_INVALID_MESSAGE", `From the backplane: ${what}`);
  }

  /** More came than there is room for. */
  overflowed(what: string): void {
    this.#report("BACKPLANE_OVERFLOW", `The backplane: ${what}`);
  }

  #interrupt(): void {
    this.#line.down();
    this.reads.stop();
    for (const follower of this.#followers.values()) follower.interrupt();
  }

  #report(
    code:
      | "BACKPLANE_DOWN"
      | "BACKPLANE_FAILED"
      | "BACKPLANE_INVALID_MESSAGE"
      | "BACKPLANE_OVERFLOW",
    message: string,
    cause?: unknown,
  ): void {
    this.#owner.reportError(new WebSocketError(code, message, { cause }));
  }

  /** Asks something of the engine, whose failure is nobody's but its own. */
  #ask(request: () => unknown): void {
    try {
      const result = request();
      if (isPromiseLike(result)) result.then(undefined, (error: unknown) => this.failed(error));
    } catch (error) {
      this.failed(error);
    }
  }
}

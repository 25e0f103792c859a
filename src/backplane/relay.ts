// Connects one server's topics to a broker: sends published messages to it, and delivers its
// messages to local subscribers. The server subscribes only to topics with local subscribers.
//
// Without a history a message is delivered locally at once and sent to the other servers. With a
// history it is delivered after the broker has numbered and returned it, so that all receivers on
// all servers see the same order.

import { WebSocketError } from "../errors.ts";
import type {
  Backplane,
  BackplaneQueueOptions,
  BackplaneSink,
  HistoryOptions,
} from "./backplane.ts";
import { type Envelope, readEnvelope, ReceiverIds, writeEnvelope } from "./envelope.ts";
import { HistoryReader, isMessageNumber, isPosition } from "./history_reader.ts";
import type { OrderedMessage, OrderedTopicLimits } from "./ordered_topic.ts";
import { AppendQueue, type Outgoing, PublishQueue } from "./outgoing.ts";
import { ReplayPace } from "./replay_pace.ts";
import { BrokerSubscriptions } from "./subscriptions.ts";
import { type RelayOwner, TopicHistory, type TopicHistoryContext } from "./topic_history.ts";
import { show } from "../shared/check.ts";
import { isPromiseLike } from "../shared/user_code.ts";
import { randomOrigin } from "../shared/random.ts";

/** A message to publish. */
export type Published = Pick<Envelope, "isText" | "onSlow" | "key" | "payload">;

/** Defaults of {@linkcode HistoryOptions}. */
const MAX_REPLAY_BYTES = 64 << 20;
const REPLAY_RATE = 1 << 20;

/** The maximum bytes of a topic's messages kept during a read. */
const MAX_RECEIVED_BYTES = 1 << 20;

/** A server's access to its broker. Broker errors are never thrown into the server. */
export class Relay<R extends object, M extends OrderedMessage>
  implements BackplaneSink, TopicHistoryContext<R, M> {
  readonly #backplane: Backplane;
  readonly #history: HistoryOptions | undefined;
  readonly #origin: Uint8Array = randomOrigin();
  readonly #outgoing: Outgoing;
  readonly #topics: Map<string, TopicHistory<R, M>> = new Map();
  readonly #ids: ReceiverIds<R> = new ReceiverIds();
  readonly #pace: ReplayPace<R>;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #published = 0;
  readonly #originText: string = String.fromCharCode(...this.#origin);
  /** With a history: topics with messages published here that have not returned. */
  readonly #awaited: Map<string, Awaited> = new Map();
  #closing: Promise<void> | undefined;
  /** The server's topics. */
  readonly owner: RelayOwner<R, M>;
  /** The subscriptions at the broker. */
  readonly subscriptions: BrokerSubscriptions;
  /** The reads of the history. */
  readonly reader: HistoryReader;
  /** The limits of each topic. */
  readonly limits: OrderedTopicLimits;

  /**
   * @param backplane The broker.
   * @param owner The server's topics.
   * @param queue The limits of the queue while the broker is down.
   * @param history The limits of the history; `undefined` if there is none.
   */
  constructor(
    backplane: Backplane,
    owner: RelayOwner<R, M>,
    queue: BackplaneQueueOptions | undefined,
    history: HistoryOptions | undefined,
  ) {
    this.#backplane = backplane;
    this.owner = owner;
    this.#history = history;
    const dropped = (count: number): void =>
      this.overflowed(
        `${count} messages that were published while it was down were dropped, because the queue ` +
          `was full; see the option "backplaneQueue"`,
      );
    this.#outgoing = history === undefined
      ? new PublishQueue(queue, (topic, message) => this.#send(topic, message), dropped)
      : new AppendQueue(
        queue,
        (topic, message) => this.#append(topic, message),
        (error, topic, message) => {
          // Also while the broker is down, since this message is lost.
          this.#report("BACKPLANE_FAILED", "A request to the backplane failed", error);
          const envelope = readEnvelope(message);
          if (envelope !== undefined) this.#returned(topic, envelope.count);
        },
        dropped,
      );
    this.subscriptions = new BrokerSubscriptions(
      backplane,
      (topic) =>
        history === undefined ? this.#subscribe(topic) : this.#topics.get(topic)?.subscribe(),
      (error) => this.requestFailed(error),
    );
    this.reader = new HistoryReader(backplane.history!);
    this.limits = {
      maxReceivedBytes: MAX_RECEIVED_BYTES,
      holding: (difference) => owner.holding?.(difference),
      maxReplayMessages: history?.maxReplayMessages ?? 2 * (history?.maxMessages ?? 0),
      maxReplayBytes: history?.maxReplayBytes ?? MAX_REPLAY_BYTES,
    };
    this.#pace = new ReplayPace(
      history?.replayRate ?? REPLAY_RATE,
      (receiver) => this.resumeReplays(receiver),
    );
  }

  /** Whether messages are stored, and delivered when the broker has numbered them. */
  get hasHistory(): boolean {
    return this.#history !== undefined;
  }

  /** Starts. */
  start(): void {
    if (this.#history !== undefined) {
      const { maxAge, maxMessages } = this.#history;
      this.#request(() => this.#backplane.history!.keep({ maxAge, maxMessages }));
    }
    this.#request(() => this.#backplane.start(this));
  }

  /**
   * The server shuts down. Resolves when all published messages have been sent, or none has been
   * for `timeout` milliseconds; then reports the unsent ones. Never rejects.
   */
  close(timeout: number): Promise<void> {
    return this.#closing ??= this.#close(timeout);
  }

  async #close(timeout: number): Promise<void> {
    for (const topic of this.#topics.values()) topic.end();
    if (this.#outgoing.length > 0) {
      await new Promise<void>((resolve) => this.#outgoing.drain(timeout, resolve));
    }
    const left = this.#outgoing.length + this.#outgoing.takeDropped();
    this.#state = "closed";
    this.#outgoing.down();
    this.reader.stop();
    this.#pace.stop();
    this.subscriptions.stop();
    this.#topics.clear();
    if (left > 0) {
      this.overflowed(
        `${left} messages that were published had not been sent when the server shut down`,
      );
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout);
      const { result } = this.#request(() => this.#backplane.close());
      Promise.resolve(result).then(() => resolve(), () => resolve());
    });
    clearTimeout(timer);
  }

  // Requests of the topics.

  /**
   * A receiver has subscribed to a topic, perhaps again.
   *
   * @param after The number after which it resumes.
   * @param isNew Whether it was not subscribed before.
   */
  subscribe(topic: string, receiver: R, after: number | undefined, isNew: boolean): void {
    if (this.#history === undefined) {
      if (this.#state === "up" && isNew) this.#subscribe(topic);
      return;
    }
    const known = this.#topics.get(topic);
    const history = known ?? new TopicHistory(topic, this);
    if (isNew || after !== undefined) history.join(receiver, after);
    else history.confirm(receiver);
    if (known !== undefined) return;
    this.#topics.set(topic, history);
    if (this.#state === "up") history.subscribe();
  }

  /** A receiver has unsubscribed from a topic; `isLast`: it was the last subscriber. */
  unsubscribe(topic: string, receiver: R, isLast: boolean): void {
    const history = this.#topics.get(topic);
    history?.leave(receiver);
    if (!isLast) return;
    this.subscriptions.forget(topic);
    this.#topics.delete(topic);
    this.#awaited.delete(topic);
    if (this.#state === "up") this.#request(() => this.#backplane.unsubscribe(topic));
    history?.end();
  }

  /** A receiver has disconnected. */
  forget(receiver: R): void {
    this.#ids.forget(receiver);
    this.#pace.forget(receiver);
  }

  /** A receiver has room for more messages of its replays. */
  resumeReplays(receiver: R): void {
    for (const name of this.owner.namesOf(receiver)) {
      const history = this.#topics.get(name);
      if (history?.isPending(receiver)) history.wantRead();
    }
  }

  /** Publishes a message; with a history, skips the receiver `except`. */
  publish(topic: string, message: Published, except: R | undefined): void {
    if (this.#state === "closed") return;
    const { isText, onSlow, key, payload } = message;
    if (this.#topics.has(topic)) this.#await(topic, this.#published);
    this.#outgoing.push(
      topic,
      writeEnvelope({
        origin: this.#origin,
        count: this.#published++,
        except: this.#history === undefined || except === undefined ? 0 : this.#ids.of(except),
        isText,
        onSlow,
        key,
        payload,
      }),
    );
  }

  /**
   * The count of the newest message published here to a topic that has not returned. Messages
   * queued while the broker is down are not awaited.
   */
  awaited(topic: string): number | undefined {
    return this.#state === "up" ? this.#awaited.get(topic)?.newest : undefined;
  }

  /** Whether neither the message with a count nor an earlier one is still awaited. */
  hasSettled(topic: string, count: number): boolean {
    const awaited = this.#awaited.get(topic);
    return this.#state !== "up" || awaited === undefined || awaited.settled >= count;
  }

  // Events of the backplane.

  /** The broker can be used. */
  up(): void {
    if (this.#state === "closed") return;
    // Even without `down` in between, messages and subscriptions may have been lost.
    if (this.#state === "up") this.#interrupt();
    this.#state = "up";
    this.subscriptions.up();
    if (this.#history === undefined) {
      for (const topic of [...this.owner.names()]) this.#subscribe(topic);
    }
    for (const topic of [...this.#topics.values()]) {
      if (this.#state === "up") topic.subscribe();
    }
    if (this.#state === "up") this.#outgoing.up();
  }

  /** The broker is down. */
  down(error: unknown): void {
    if (this.#state === "closed" || this.#state === "down") return;
    this.#state = "down";
    this.subscriptions.down();
    this.#interrupt();
    this.#report("BACKPLANE_DOWN", "The backplane is down", error);
  }

  /** An error unrelated to any request. */
  failed(error: unknown): void {
    if (this.#state !== "closed") {
      this.#report("BACKPLANE_FAILED", "The backplane reported an error", error);
    }
  }

  /** A message arrived. */
  message(topic: string, message: Uint8Array, number?: number, previous?: number): void {
    if (this.#state === "closed") return;
    if (typeof topic !== "string") {
      this.invalid(`a message of the topic ${show(topic)}, which is not a string`);
    } else if (this.#history === undefined) {
      this.#received(topic, message);
    } else if (!isMessageNumber(number) || !isPosition(previous) || previous >= number) {
      this.invalid(`a message of the topic ${show(topic)} without a sequence number`);
    } else {
      this.#topics.get(topic)?.receiveBytes(message, number, previous);
    }
  }

  #received(topic: string, message: Uint8Array): void {
    const envelope = message instanceof Uint8Array ? readEnvelope(message) : undefined;
    if (envelope === undefined) {
      this.invalid(`a message of the topic ${show(topic)} was not sent by a server`);
    } else if (!this.#isOwn(envelope)) {
      // Messages of this server were already delivered on publishing.
      this.owner.deliver(this.owner.createMessage(topic, envelope, 0, undefined));
    }
  }

  // The port of the topics with a history.

  /** Creates a message. */
  createMessage(topic: string, envelope: Envelope, number: number): M {
    const isExcepted = envelope.except !== 0 && this.#isOwn(envelope);
    const except = isExcepted ? this.#ids.receiver(envelope.except) : undefined;
    return this.owner.createMessage(topic, envelope, number, except);
  }

  /** Delivers a message to the topic's subscribers, except the pending ones. */
  deliver(topic: string, message: M, isPending: (receiver: R) => boolean): void {
    this.owner.deliver(message, isPending);
    if (message.origin === this.#originText) this.#returned(topic, message.count);
  }

  /** Delivers a message to a pending subscriber. */
  deliverTo(receiver: R, message: M): void {
    this.#pace.spend(receiver, message.size);
    this.owner.deliverTo(receiver, message);
  }

  /** Whether a subscriber can receive more of a replay. */
  isReady(receiver: R): boolean {
    return this.owner.hasRoom(receiver) && this.#pace.allows(receiver);
  }

  /** A request to the broker failed. */
  requestFailed(cause: unknown): void {
    if (this.#state === "down") return;
    this.#report("BACKPLANE_FAILED", "A request to the backplane failed", cause);
  }

  /** The broker sent something invalid. */
  invalid(what: string): void {
    this.#report("BACKPLANE_INVALID_MESSAGE", `The backplane sent something invalid: ${what}`);
  }

  /** Messages were dropped. */
  overflowed(what: string): void {
    this.#report("BACKPLANE_OVERFLOW", `The backplane: ${what}`);
  }

  #isOwn({ origin }: Envelope): boolean {
    return origin.every((byte, i) => byte === this.#origin[i]);
  }

  #await(topic: string, count: number): void {
    const awaited = this.#awaited.get(topic);
    if (awaited === undefined) this.#awaited.set(topic, { newest: count, settled: -1 });
    else awaited.newest = count;
  }

  /** A message published here has returned or failed. */
  #returned(topic: string, count: number): void {
    const awaited = this.#awaited.get(topic);
    if (awaited === undefined) return;
    awaited.settled = Math.max(awaited.settled, count);
    if (awaited.settled >= awaited.newest) this.#awaited.delete(topic);
    this.owner.settled(topic);
  }

  #interrupt(): void {
    for (const topic of [...this.#awaited.keys()]) this.owner.settled(topic);
    this.#outgoing.down();
    this.reader.stop();
    for (const topic of this.#topics.values()) topic.interrupt();
  }

  /** Subscribes to a topic at the broker, without a history. */
  #subscribe(topic: string): void {
    const { subscriptions } = this;
    subscriptions.request(
      topic,
      () => subscriptions.made(topic),
      (error) => subscriptions.failed(topic, error),
    );
  }

  /** Publishes a message, without a history; `false` if the broker turns out to be down. */
  #send(topic: string, message: Uint8Array): boolean {
    const { isAccepted } = this.#request(() => this.#backplane.publish(topic, message));
    return isAccepted || this.#state !== "down";
  }

  /** Appends a message to the history, once local subscribers can receive it. */
  #append(topic: string, message: Uint8Array): unknown {
    const append = (): unknown => this.#backplane.history!.append(topic, message);
    const history = this.#topics.get(topic);
    if (history === undefined || !history.starting) return append();
    return new Promise((resolve, reject) => {
      history.whenStarted(() => {
        try {
          resolve(append());
        } catch (error) {
          reject(error);
        }
      });
    });
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
    const options = cause === undefined ? undefined : { cause };
    this.owner.reportError(new WebSocketError(code, message, options));
  }

  /** Makes a request to the backplane and reports its failure. */
  #request(request: () => unknown): { isAccepted: boolean; result?: unknown } {
    const failed = (error: unknown): void => this.requestFailed(error);
    try {
      const result = request();
      if (isPromiseLike(result)) result.then(undefined, failed);
      return { isAccepted: true, result };
    } catch (error) {
      failed(error);
      return { isAccepted: false };
    }
  }
}

/** The counts of the messages published here to a topic. */
interface Awaited {
  /** The newest one. */
  newest: number;
  /** The newest one that has returned or failed. */
  settled: number;
}

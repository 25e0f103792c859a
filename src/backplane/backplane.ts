// The port to a message broker that connects the servers of several processes and machines.

/**
 * Receives the events of a {@linkcode Backplane}. Implemented by the server; no method throws.
 *
 * @category Backplanes
 */
export interface BackplaneSink {
  /**
   * A message arrived, as a server passed it to {@linkcode Backplane.publish} or to
   * {@linkcode BackplaneHistory.append}.
   *
   * @param topic The topic.
   * @param message The message.
   * @param number The sequence number, if the message was appended to a history.
   * @param previous The sequence number of the topic's previous message; 0 if none is left.
   */
  message(topic: string, message: Uint8Array, number?: number, previous?: number): void;
  /**
   * The broker is available, for the first time or again. During this call the server subscribes to
   * all of its topics, then publishes the queued messages.
   */
  up(): void;
  /** The broker is unavailable: the server makes no request until {@linkcode BackplaneSink.up}. */
  down(error: unknown): void;
  /** Reports an error unrelated to any request, such as a subscription ended by the broker. */
  failed?(error: unknown): void;
}

/**
 * A message broker between the servers of several processes and machines. Any broker works that
 * preserves the order of messages per publisher and topic. Duplicates from the broker are delivered
 * as duplicates.
 *
 * The methods may return promises, which are not awaited unless noted. If a method throws or
 * rejects, the error is passed to `onError` and the request counts as failed. A backplane may call
 * the sink at any time, even from within its methods.
 *
 * @category Backplanes
 */
export interface Backplane {
  /** Starts the backplane; `sink` receives its events. Called once, before the other methods. */
  start(sink: BackplaneSink): unknown;
  /** Sends a message to all servers that subscribed to the topic, possibly including this one. */
  publish(topic: string, message: Uint8Array): unknown;
  /**
   * Subscribes to a topic: a name of 1 to 1024 bytes of UTF-8 with any characters. With `history` the
   * promise is awaited: messages published after it has resolved must arrive.
   */
  subscribe(topic: string): unknown;
  /** Unsubscribes from a topic. */
  unsubscribe(topic: string): unknown;
  /**
   * Called last, when the server shuts down. The promise is awaited: it should resolve once all
   * published messages have been sent.
   */
  close(): unknown;
  /** The stored messages, if the broker can store any; the option `history` requires it. */
  readonly history?: BackplaneHistory | undefined;
}

/**
 * How much of each topic a broker stores.
 *
 * @category Backplanes
 */
export interface HistoryLimits {
  /** The lifetime of stored messages in milliseconds. */
  maxAge: number;
  /** The number of messages stored per topic: the newest ones. */
  maxMessages: number;
}

/**
 * Limits of the stored history of each topic and of its replay to one client.
 *
 * @category Backplanes
 */
export interface HistoryOptions extends HistoryLimits {
  /**
   * The maximum number of messages in one replay to one client. Beyond it the client receives
   * `missed` and continues with new messages. Default: twice `maxMessages`, because messages arrive
   * during the replay.
   */
  maxReplayMessages?: number | undefined;
  /** The same in bytes. Default: 67108864 (64 MiB). */
  maxReplayBytes?: number | undefined;
  /**
   * Bytes per second that all replays together may send to one client, after a burst of 16 times as
   * much; each message counts 512 bytes more. 0 disables the limit. Default: 1048576 (1 MiB).
   */
  replayRate?: number | undefined;
}

/**
 * The limits of one read of a history.
 *
 * @category Backplanes
 */
export interface ReadLimit {
  /** The maximum number of messages, counted from the oldest after the sequence number. */
  readonly maxMessages: number;
  /** The maximum size of these messages in bytes; the first message may exceed it. */
  readonly maxBytes: number;
}

/**
 * Stored messages with sequence numbers, in the order in which all servers receive them. The
 * numbers of a topic only increase: positive safe integers, not always consecutive.
 *
 * @category Backplanes
 */
export interface BackplaneHistory {
  /** Sets how much to store. Called once, before {@linkcode Backplane.start}. */
  keep(limits: HistoryLimits): void;
  /**
   * Numbers a message, stores it, and sends it to all servers that subscribed to the topic, in one
   * step: they receive the messages of a topic in the order of the numbers. Rejects if the message
   * was not stored or may not have been. Messages are stored in the order of the calls, which do
   * not wait for each other. If a promise rejects while the broker is down, or at most 100 ms
   * before {@linkcode BackplaneSink.down}, its message is appended again when the broker is up. Any
   * other rejected message is dropped.
   */
  append(topic: string, message: Uint8Array): Promise<unknown>;
  /**
   * Reads the messages after a sequence number. Must not store anything for a topic without messages.
   *
   * @param topic The topic.
   * @param after The sequence number; `undefined`: only {@linkcode HistoryPage.last} is read.
   * @param limit The limits of the read. A broker that cannot limit a read may return all messages.
   */
  read(topic: string, after?: number, limit?: ReadLimit): Promise<HistoryPage>;
}

/**
 * The result of a read.
 *
 * @category Backplanes
 */
export interface HistoryPage {
  /**
   * The sequence number of the topic's newest message. For a topic without messages, any number
   * greater than those of all earlier messages and less than those of all later ones.
   */
  readonly last: number;
  /** Whether no message is missing between `after` and the first of the messages. */
  readonly complete: boolean;
  /**
   * The messages in ascending order; the last one is {@linkcode HistoryPage.last} unless the limit
   * was reached.
   */
  readonly messages: readonly NumberedMessage[];
}

/**
 * A stored message.
 *
 * @category Backplanes
 */
export interface NumberedMessage {
  /** The sequence number. */
  readonly number: number;
  /** The message, as it was appended. */
  readonly message: Uint8Array;
}

/**
 * Limits of the queue that holds messages while the broker is down.
 *
 * @category Backplanes
 */
export interface BackplaneQueueOptions {
  /**
   * The maximum size of queued messages in bytes, including their topics. Default: 16777216 (16
   * MiB).
   */
  maxBytes?: number | undefined;
  /** Which message is dropped when the queue is full. Default: `"oldest"`. */
  drop?: "oldest" | "newest" | undefined;
}

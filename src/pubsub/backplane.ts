// The port to an engine that carries published messages between processes and machines.

/** Who hears of a {@linkcode Backplane}: the server that it was given to. None of these throws. */
export interface BackplaneSink {
  /**
   * A message came, as some server handed it to {@linkcode Backplane.publish} or to
   * {@linkcode BackplaneHistory.append}.
   *
   * @param topic Its topic.
   * @param message The message.
   * @param number Its number, if it was appended to a history.
   * @param previous The number of the message before it in its topic; 0 where there is none any more.
   */
  message(topic: string, message: Uint8Array, number?: number, previous?: number): void;
  /**
   * The engine can be used, for the first time or again. All subscriptions are made anew from inside
   * this call, then what has waited is published.
   */
  up(): void;
  /** The engine is away: nothing is asked of it until it is {@linkcode BackplaneSink.up}. */
  down(error: unknown): void;
}

/**
 * An engine that carries published messages to the servers of other processes and machines. Any that
 * delivers the messages of one publisher and topic in order will do; what it delivers twice, arrives
 * twice.
 *
 * The methods may return promises, which are not waited for; one that throws or rejects is reported to
 * `onError`, and what it was to do counts as not done. They may call the sink at any time.
 */
export interface Backplane {
  /** Begins; `sink` hears of everything from here on. Called once, before all others. */
  start(sink: BackplaneSink): unknown;
  /** Sends a message to all servers that subscribed to the topic; whether this one is, is no matter. */
  publish(topic: string, message: Uint8Array): unknown;
  /**
   * Wants the messages of a topic: a name of 1 to 1024 bytes of UTF-8, with any characters. With
   * `resume` the promise is waited for: what is published after it has resolved, arrives.
   */
  subscribe(topic: string): unknown;
  /** Wants them no more. */
  unsubscribe(topic: string): unknown;
  /** The server is shut down; nothing follows. */
  close(): unknown;
  /** What keeps messages for those that come back, where the engine can: `resume` needs it. */
  readonly history?: BackplaneHistory | undefined;
}

/** How much of a topic is kept. */
export interface ResumeOptions {
  /** Milliseconds for which a message is kept. */
  maxAge: number;
  /** Messages that are kept of each topic: the newest. */
  maxMessages: number;
}

/**
 * The messages of a while, numbered in the order in which all servers get them. The numbers of a topic
 * only ever grow: positive integers that are safe in a double, not always one after another.
 */
export interface BackplaneHistory {
  /** Says how much to keep. Called once, before {@linkcode Backplane.start}. */
  keep(limits: ResumeOptions): void;
  /**
   * Numbers a message, keeps it and sends it to all servers that subscribed to the topic, in one step:
   * they get the messages of a topic in the order of the numbers. Rejects when it is not kept; that it
   * was kept nevertheless is possible. Messages go in in the order of the calls, which do not wait for
   * each other. One that rejects while the engine is away, or at most 100 ms before
   * {@linkcode BackplaneSink.down}, is appended again when the engine is up; any other is given up.
   */
  append(topic: string, message: Uint8Array): Promise<unknown>;
  /**
   * Reads what came after a number.
   *
   * @param topic The topic.
   * @param after The number; nothing: only {@linkcode HistoryPage.last} is wanted.
   */
  read(topic: string, after?: number): Promise<HistoryPage>;
}

/** A piece of history. */
export interface HistoryPage {
  /**
   * Where the topic stands: the number of its newest message, or, where it has none (any more), one
   * that is greater than those of all before and smaller than those of all to come.
   */
  readonly last: number;
  /** Whether nothing is missing between the number that was asked for and the first of the messages. */
  readonly complete: boolean;
  /** The messages, in order; their numbers grow, and end at {@linkcode HistoryPage.last}. */
  readonly messages: readonly NumberedMessage[];
}

/** A message of the history. */
export interface NumberedMessage {
  /** Its number. */
  readonly number: number;
  /** The message, as it was appended. */
  readonly message: Uint8Array;
}

/** The messages that wait while the engine is away. */
export interface BackplaneQueueOptions {
  /** Bytes that wait at most, topics included. Default: 16777216 (16 MiB). */
  maxBytes?: number;
  /** What is given up when there is no more room. Default: `"oldest"`. */
  drop?: "oldest" | "newest";
}

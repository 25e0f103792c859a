// The port between the `Connection` that a user holds and what drives it. It has two implementers:
// `Driver`, which speaks the protocol itself over a transport, and the drivers over WebSockets that a
// runtime frames (`src/native`).

import type { WebSocketError } from "../errors.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo, SessionState } from "../session/session.ts";
import type { MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { PublishOptions, PublishResult, WrittenCallback } from "./arguments.ts";

/**
 * A message as it is delivered: text as a string (or, with `text: "bytes"`, as its UTF-8 bytes), binary
 * as bytes.
 *
 * @category Connection
 */
export type Message = string | Uint8Array<ArrayBuffer>;

/**
 * The data of one message: a string is sent as text, bytes of any kind as binary.
 *
 * @category Types
 */
export type MessageData = string | ArrayBuffer | ArrayBufferView;

/**
 * Every form that a message can arrive in, `binaryType: "arraybuffer"` included.
 *
 * @category Types
 */
export type AnyMessage = Message | ArrayBuffer;

/**
 * Drives one connection. All senders return whether more may be sent at once: `false` above
 * `highWaterMark` (the message is accepted), and `false` when the connection is not open (it is
 * dropped). Senders copy the given bytes, and never throw.
 */
export interface ConnectionDriver {
  /** The state of the connection; `"closing"` from the moment at which the user closes it. */
  readonly state: SessionState;
  /** The peer's address, without the port; empty if it has none. */
  readonly remoteAddress: string;
  /** The peer's port; 0 if it has none. */
  readonly remotePort: number;
  /** Bytes accepted that have not left the process, frame headers included. */
  readonly bufferedAmount: number;
  /** Whether more than `highWaterMark` bytes are buffered. */
  readonly slow: boolean;
  /** The topics that the connection can subscribe to: those of its server. */
  readonly topics: ConnectionTopics | undefined;
  /** Receives notices about topics where the client speaks the topics subprotocol. */
  readonly topicListener: TopicAnswers | undefined;

  /** Sends a text message. */
  sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean;
  /** Sends a message of bytes; the bytes of a text message are UTF-8. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean;
  /** Sends a message that was encoded before. */
  sendPrepared(message: PreparedMessage): boolean;
  /** Sends a message that may wait for others (option `delayedWrite`). */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean;
  /**
   * Sends one fragment of the user's own message, which starts with its first fragment and ends with the one
   * that has `fin`: other messages wait until then. A driver whose WebSocket cannot send fragments gathers
   * them.
   */
  sendFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean;
  /**
   * Reserves the connection for one message that is sent as a stream: other messages wait until it ends.
   *
   * @param ended Called if the rest cannot be sent.
   */
  startFragments(ended: () => void): Promise<void>;
  /** Sends the next fragment of that message. */
  sendStreamFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean;
  /** That message is complete, or was given up: messages that waited follow. */
  endFragments(): void;
  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean;
  /** Calls `fn`; its messages leave in one write. */
  cork(fn: () => void): void;
  /** Resolves when at most `highWaterMark` bytes are buffered, or the connection has ended. */
  drained(): Promise<void>;
  /** The same, without messages that wait for the end of a fragmented one. */
  outputDrained(): Promise<void>;
  /**
   * Asks for a call of {@linkcode ConnectionTopics.release} as soon as there is room. A peer for which more
   * than `maxBufferedAmount` bytes wait in all is cut, unless one message alone is the reason.
   *
   * @param bytes Bytes that wait elsewhere.
   * @param newest The bytes of the message that was added there last.
   * @returns `false` when the connection was cut.
   */
  awaitDrain(bytes: number, newest?: number): boolean;
  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void;

  /**
   * Starts the closing handshake. Accepted messages are sent first, while that makes progress. Does
   * nothing unless the connection is open.
   */
  close(code: number, reason: string): void;
  /** Fails the connection because of an error on this side (RFC 6455 section 7.1.7). */
  fail(error: WebSocketError): void;
  /** Cuts the stream at once. */
  terminate(): void;
  /** Stops reading from the socket. */
  pause(): void;
  /** Resumes reading. */
  resume(): void;
  /** Resolves when the connection has ended. */
  whenClosed(): Promise<CloseInfo>;
  /**
   * Starts reading messages. There is one reader at a time.
   *
   * @throws {TypeError} When there is a `message` handler, or another reader.
   */
  openReader(): AsyncIterableIterator<AnyMessage, undefined>;
}

/** The topics of a server, for its connections. */
export interface ConnectionTopics {
  /**
   * Subscribes; returns `false` when the connection is no longer open.
   *
   * @param after The number of the last message that it has, if it wants the messages since then.
   */
  subscribe(receiver: ConnectionDriver, topic: string, after?: number): boolean;
  /** Unsubscribes; returns whether the connection was subscribed. */
  unsubscribe(receiver: ConnectionDriver, topic: string): boolean;
  /** The topics of a connection. */
  namesOf(receiver: ConnectionDriver): string[];
  /** The number of topics of a connection. */
  countOf(receiver: ConnectionDriver): number;
  /** Whether a connection is subscribed to a topic. */
  isSubscribed(receiver: ConnectionDriver, topic: string): boolean;
  /** Sends what waits for a connection that has caught up; returns whether there was any. */
  release(receiver: ConnectionDriver): boolean;
  /** The part of the memory of messages that wait for a connection to catch up. */
  weightOf(receiver: ConnectionDriver): number;
  /** Discards the messages that wait for a connection to catch up. */
  discard(receiver: ConnectionDriver): void;
  /**
   * Whether the Close frame must wait for a message that was published before the close.
   *
   * @param proceed If so, called when it need not wait any longer.
   */
  delaysClose(receiver: ConnectionDriver, proceed: () => void): boolean;
  /** Sends a message to the subscribers of a topic. */
  publish(
    topic: string,
    data: MessageData | PreparedMessage,
    options: PublishOptions,
    except: ConnectionDriver | undefined,
  ): PublishResult;
}

/** A client that subscribes to topics itself, in the topics subprotocol. */
export interface TopicListener {
  /**
   * It is subscribed from here on.
   *
   * @param number The topic's last number, if it has a history: later messages will arrive.
   */
  subscribed(topic: string, number: number | undefined): void;
  /** Some earlier messages are no longer available. */
  missed(topic: string): void;
  /** A message of the topic was the client's own and is not sent to it. */
  passed(topic: string, number: number): void;
}

/** The same, with the answer to a subscription that was rejected. */
export interface TopicAnswers extends TopicListener {
  /** The subscription is rejected, or has ended. */
  refused(topic: string, reason: string): void;
  /** The response to the heartbeat with this number. */
  pong(number: number): void;
}

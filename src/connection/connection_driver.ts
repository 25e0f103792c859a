// The port between the user's `Connection` and its driver. There are two implementations: `Driver`,
// which implements the protocol over a transport, and the drivers over a runtime's WebSockets
// (`src/native`).

import type { HeaderView, WebSocketError } from "../errors.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/end.ts";
import type { SessionState } from "../session/session.ts";
import type { MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { PublishOptions, PublishResult, WrittenCallback } from "./arguments.ts";

/**
 * A received message: text as a string (with `text: "bytes"`, as UTF-8 bytes), binary as bytes.
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
 * All types of received messages, including those of `binaryType: "arraybuffer"`.
 *
 * @category Types
 */
export type AnyMessage = Message | ArrayBuffer;

/**
 * The result of the opening handshake: the negotiated values, and the peer's header fields.
 *
 * @category Connection
 */
export interface HandshakeInfo {
  /** The URL of the connection as requested by the client: `ws://127.0.0.1:8080/chat`. */
  readonly url: string;
  /** The HTTP status code of the response: 101. */
  readonly status: number;
  /** The peer's header fields: the response's on a client, the request's on a server. */
  readonly headers: HeaderView;
  /** The subprotocol, or the empty string. */
  readonly protocol: string;
  /** The extensions in use as the response lists them, or the empty string. */
  readonly extensions: string;
}

/**
 * Drives one connection. All send methods return whether more may be sent: `false` above
 * `highWaterMark` (the message is accepted) or if the connection is not open (the message is
 * dropped). Senders copy the given bytes, and never throw.
 */
export interface ConnectionDriver {
  /** The state of the connection; `"closing"` as soon as the user closes it. */
  readonly state: SessionState;
  /** The peer's address, without the port; empty if it has none. */
  readonly remoteAddress: string;
  /** The peer's port; 0 if it has none. */
  readonly remotePort: number;
  /** Bytes accepted that have not left the process, frame headers included. */
  readonly bufferedAmount: number;
  /** Whether more than `highWaterMark` bytes are buffered. */
  readonly slow: boolean;
  /** The topics of its server. */
  readonly topics: ConnectionTopics | undefined;
  /** Receives topic notices if the client uses the topics subprotocol. */
  readonly topicListener: TopicAnswers | undefined;

  /**
   * Reads the result of the opening handshake from the head of its request; present if the
   * connection was created with that text.
   */
  readHandshake?(head: string): HandshakeInfo;

  /** Sends a text message. */
  sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean;
  /** Sends a message given as bytes: UTF-8 for a text message. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean;
  /** Sends a prepared message. */
  sendPrepared(message: PreparedMessage): boolean;
  /** Sends a message that may be delayed (option `delayedWrite`). */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean;
  /**
   * Sends one fragment of a message; other messages wait until the fragment with `fin`. A driver
   * whose WebSocket cannot send fragments collects them.
   */
  sendFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean;
  /**
   * Reserves the connection for one streamed message; other messages wait until it ends.
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
  /** That message is complete or was aborted: sends the messages that waited for it. */
  endFragments(): void;
  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean;
  /** Calls `fn`; its messages leave in one write. */
  cork(fn: () => void): void;
  /** Resolves when at most `highWaterMark` bytes are buffered, or the connection has ended. */
  drained(): Promise<void>;
  /** The same, excluding messages that wait for the end of a fragmented one. */
  outputDrained(): Promise<void>;
  /**
   * Requests a call of {@linkcode ConnectionTopics.release} as soon as there is room. Disconnects
   * the peer if more than `maxBufferedAmount` bytes are waiting in total, unless a single message
   * accounts for them.
   *
   * @param bytes Bytes that wait elsewhere.
   * @param newest The bytes of the message added there last.
   * @returns `false` when the connection was cut.
   */
  awaitDrain(bytes: number, newest?: number): boolean;
  /** Cuts the connection because the peer reads too slowly. */
  cutSlow(): void;

  /**
   * Starts the closing handshake. Accepted messages are sent first, as long as that makes progress.
   * Does nothing unless the connection is open.
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
   * @param after The number of its last message, to receive all later ones.
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
  /**
   * Sends the messages waiting for a connection that has caught up; returns whether there were any.
   */
  release(receiver: ConnectionDriver): boolean;
  /** A connection's share of the memory of messages waiting for it to catch up. */
  weightOf(receiver: ConnectionDriver): number;
  /** Discards the messages waiting for a connection to catch up. */
  discard(receiver: ConnectionDriver): void;
  /**
   * Whether the Close frame must wait for a message published before the close.
   *
   * @param proceed If so, called when the wait is over.
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
   * It is now subscribed.
   *
   * @param number The topic's last number, if it has a history: later messages will arrive.
   */
  subscribed(topic: string, number: number | undefined): void;
  /** Some earlier messages are no longer available. */
  missed(topic: string): void;
  /** A message of the topic came from the client itself and is not sent to it. */
  passed(topic: string, number: number): void;
}

/** The same, with responses to rejected subscriptions and heartbeats. */
export interface TopicAnswers extends TopicListener {
  /** The subscription is rejected, or has ended. */
  refused(topic: string, reason: string): void;
  /** The response to the heartbeat with this number. */
  pong(number: number): void;
}

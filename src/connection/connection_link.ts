// What stands between the connection that a user holds and the machinery behind it.

import type { WebSocketError } from "../errors.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { SessionState } from "../session/session.ts";
import type { MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { PublishOptions, PublishResult } from "./publish_options.ts";

/** What a message is delivered as: text as a string (or, with `text: "bytes"`, as its UTF-8 bytes). */
export type Message = string | Uint8Array;

/** What sends on a connection. All of the senders return whether more may follow. */
export interface ConnectionSender {
  /** Bytes waiting to be sent. */
  readonly bufferedAmount: number;
  /** Sends a text message. */
  sendText(text: string, compress?: boolean): boolean;
  /** Sends a message of bytes. */
  sendBytes(opcode: MessageOpcode, bytes: Uint8Array, compress?: boolean): boolean;
  /** Sends a message that was encoded before. */
  sendPrepared(message: PreparedMessage): boolean;
  /** Whether more than `highWaterMark` bytes wait to be sent. */
  readonly slow: boolean;
  /**
   * Wants to be asked for what waits elsewhere as soon as the peer has caught up; a peer for which more
   * than `maxBufferedAmount` bytes wait in all is cut.
   *
   * @param bytes What waits elsewhere.
   * @returns Whether it was not cut.
   */
  awaitDrain(bytes: number): boolean;
  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void;
  /** Sends a message that may wait for others. */
  sendDelayed(opcode: MessageOpcode, data: Message): boolean;
  /** Sends a fragment, from inside of the lane. */
  sendFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    last: boolean,
    bytes: Uint8Array,
    compress: boolean,
  ): boolean;
  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean;
  /** Resolves when a message may go out in fragments; `ended` is called if the connection ends then. */
  enterLane(ended: () => void): Promise<void>;
  /** The message in fragments is out. */
  leaveLane(): void;
  /** Calls `fn`; what it sends leaves in one write. */
  cork(fn: () => void): void;
  /** Resolves when no more than `highWaterMark` waits to be sent, or the connection is over. */
  drained(): Promise<void>;
  /** The same, without the messages that wait for the end of one in fragments. */
  outputDrained(): Promise<void>;
}

/** What a connection's inside needs of its sender, too. */
export interface ChannelSender extends ConnectionSender {
  /** Who tells the client about its topics, if it listens to them by itself. */
  readonly topicListener: TopicAnswers | undefined;
  /** Something was written: whoever waits for that is told, unless a handler is running. */
  checkDrained(): void;
  /** The connection is over: nobody waits any longer. */
  end(): void;
}

/** The topics of a server, for its connections. */
export interface ConnectionTopics {
  /**
   * Subscribes; returns `false` when the connection is no longer open.
   *
   * @param after The number of the last message that it knows, where it wants what came since.
   */
  subscribe(receiver: ConnectionControl, topic: string, after?: number): boolean;
  /** Unsubscribes; returns whether the connection was subscribed. */
  unsubscribe(receiver: ConnectionControl, topic: string): boolean;
  /** The topics of a connection. */
  namesOf(receiver: ConnectionControl): string[];
  /** How many topics a connection has. */
  countOf(receiver: ConnectionControl): number;
  /** Whether a connection listens to a topic. */
  isSubscribed(receiver: ConnectionControl, topic: string): boolean;
  /** Sends what waits for a connection that has caught up; returns whether there was any. */
  release(receiver: ConnectionControl): boolean;
  /** Sends a message to the subscribers of a topic. */
  publish(
    topic: string,
    data: string | Uint8Array | ArrayBuffer | PreparedMessage,
    options: PublishOptions,
    except: ConnectionControl | undefined,
  ): PublishResult;
}

/** A client that listens to topics by itself, in the subprotocol for that. */
export interface TopicListener {
  /**
   * It listens from here on.
   *
   * @param number Where the topic stands, if it has a history: what comes after it, will arrive.
   */
  subscribed(topic: string, number: number | undefined): void;
  /** Some of what came before is no longer known. */
  missed(topic: string): void;
  /** A message of the topic was its own and does not come. */
  passed(topic: string, number: number): void;
}

/** The same, with the answer that it would rather not get. */
export interface TopicAnswers extends TopicListener {
  /** It must not listen, or no longer. */
  refused(topic: string, reason: string): void;
  /** The answer to a heartbeat with that number. */
  pong(number: number): void;
}

/** What begins, stops and ends a connection. */
export interface ConnectionControl {
  /** Who is told about its topics, and gets their messages with a label; nobody: plain messages. */
  readonly topicListener: TopicAnswers | undefined;
  /** The topics it can listen to: those of its server. */
  readonly topics: ConnectionTopics | undefined;
  /** What sends on the connection. */
  readonly sender: ConnectionSender;
  /** Where the session stands. */
  readonly state: SessionState;
  /** The peer's address. */
  readonly remoteAddress: string;
  /** The peer's port; 0 where there is none. */
  readonly remotePort: number;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Fails the connection. */
  fail(error: WebSocketError): void;
  /** Cuts the stream. */
  terminate(): void;
  /** Stops reading. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Resolves when the connection is over. */
  whenClosed(): Promise<CloseInfo>;
  /** The messages that wait to be read. */
  reader(): MessageQueue;
}

/** A queue of messages that is read. */
export interface MessageQueue {
  /** The next message. */
  next(): Promise<IteratorResult<Message, undefined>>;
}

export type { ConnectionDriver } from "./connection_driver.ts";

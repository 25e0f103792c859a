// What stands between the connection that a user holds and the machinery behind it.

import type { WebSocketError } from "../errors.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { SessionState } from "../session/session.ts";
import type { MessageOpcode, Opcode } from "../wire/opcode.ts";

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

/** What begins, stops and ends a connection. */
export interface ConnectionControl {
  /** What sends on the connection. */
  readonly sender: ConnectionSender;
  /** Where the session stands. */
  readonly state: SessionState;
  /** The peer's address. */
  readonly remoteAddress: string;
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

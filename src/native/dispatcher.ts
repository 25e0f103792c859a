// Brings what the peer sent to the user: to the handlers, whose failures it contains, or, where there is
// no message handler, to the queue that an iterator reads.

import { WebSocketError } from "../errors.ts";
import type { AnyMessage } from "../connection/connection_driver.ts";
import type { Connection } from "../connection/connection.ts";
import type { Handlers } from "../connection/handlers.ts";
import { MessageQueue, type MessageQueueOwner } from "../connection/incoming.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { SessionEvents, SessionState } from "../session/session.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";

/** What a {@linkcode Dispatcher} needs of its driver. */
export interface DispatcherOwner extends MessageQueueOwner {
  /** The state of the connection. */
  readonly state: SessionState;
  /** Fails the connection. */
  fail(error: WebSocketError): void;
  /** Passes an error of user code on to `onError`. */
  reportError(error: unknown): void;
}

/** The user's end of one connection. */
export class Dispatcher<T> implements SessionEvents {
  readonly #owner: DispatcherOwner;
  readonly #connection: Connection<T>;
  readonly #handlers: Handlers<T>;
  readonly #isBuffer: boolean;
  #queue: MessageQueue | undefined;
  #end: CloseInfo | undefined;

  /**
   * @param owner The driver.
   * @param connection What handlers are called with.
   * @param handlers The handlers.
   * @param binaryType The option.
   */
  constructor(
    owner: DispatcherOwner,
    connection: Connection<T>,
    handlers: Handlers<T>,
    binaryType: "uint8array" | "arraybuffer",
  ) {
    this.#owner = owner;
    this.#connection = connection;
    this.#handlers = handlers;
    this.#isBuffer = binaryType === "arraybuffer";
  }

  /** The connection is open. */
  open(): void {
    this.#call("open", () => this.#handlers.open?.(this.#connection));
  }

  /** A text message came. */
  onText(text: string): void {
    this.#message(text, Opcode.Text);
  }

  /** Another message came, in memory that nothing else writes to. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === Opcode.Binary && this.#isBuffer) {
      this.#message((bytes.slice(start, end) as Uint8Array<ArrayBuffer>).buffer, opcode);
    } else {
      this.#message(bytes.subarray(start, end) as Uint8Array<ArrayBuffer>, opcode);
    }
  }

  /** A ping came. */
  onPing(payload: Uint8Array): void {
    this.#call("ping", () => this.#handlers.ping?.(this.#connection, payload));
  }

  /** A pong came. */
  onPong(payload: Uint8Array): void {
    this.#call("pong", () => this.#handlers.pong?.(this.#connection, payload));
  }

  /** At most `highWaterMark` is buffered again. */
  drain(): void {
    this.#call("drain", () => this.#handlers.drain?.(this.#connection));
  }

  /** The connection has ended. */
  close(info: CloseInfo): void {
    this.#end = info;
    this.#call("close", () => this.#handlers.close?.(this.#connection, info));
    this.#queue?.end(info);
  }

  /** Forgets what waits to be read: the user has closed the connection. */
  discard(): void {
    this.#queue?.clear();
  }

  /**
   * Starts reading messages.
   *
   * @throws {TypeError} When there is a message handler, or another reader.
   */
  openReader(): AsyncIterableIterator<AnyMessage, undefined> {
    if (this.#handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#needQueue().open();
  }

  #message(data: AnyMessage, opcode: MessageOpcode): void {
    if (this.#handlers.message === undefined) this.#needQueue().push(data);
    else {this.#call("message", () =>
        this.#handlers.message!(this.#connection, data as string, opcode));}
  }

  #needQueue(): MessageQueue {
    if (this.#queue === undefined) {
      this.#queue = new MessageQueue(this.#owner);
      if (this.#end !== undefined) this.#queue.end(this.#end);
    }
    return this.#queue;
  }

  /** A handler's promise is not waited for, but its rejection is seen. */
  #call(name: string, handler: () => unknown): void {
    try {
      const result = handler();
      if (result === undefined || !isPromiseLike(result)) return;
      result.then(undefined, (error: unknown) => this.#failed(name, error));
    } catch (error) {
      this.#failed(name, error);
    }
  }

  #failed(name: string, cause: unknown): void {
    // The error of the end itself, which an iterator throws, has been told.
    const ended = this.#end?.error;
    if (ended !== undefined && cause === ended) return;
    if (this.#owner.state === "open") {
      this.#owner.fail(
        // The peer is told this message, and what the handler threw is none of its business.
        new WebSocketError("HANDLER_FAILED", `The ${name} handler failed`, {
          cause,
          closeCode: CloseCode.InternalError,
        }),
      );
    }
    this.#owner.reportError(cause);
  }
}

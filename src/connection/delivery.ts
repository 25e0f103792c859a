// Brings what the peer sent to the user: to the handlers, whose failures it contains, or, where there
// is no message handler, to the queue that an iterator reads.

import { WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { SessionEvents } from "../session/session.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { Connection } from "./connection.ts";
import type { Message } from "./connection_link.ts";
import type { Handlers } from "./handlers.ts";
import { Inbox, type InboxSource } from "./inbox.ts";
import { isPromiseLike } from "../shared/promise_like.ts";

/** What a {@linkcode Delivery} needs of its connection's machinery. */
export interface DeliveryOwner extends InboxSource {
  /** A handler failed while the connection was alive: close it. */
  handlerFailed(error: WebSocketError): void;
  /** An error that has no connection left to go to. */
  reportError(error: unknown): void;
}

/** The user's end of one connection. */
export class Delivery<T> implements SessionEvents {
  readonly #owner: DeliveryOwner;
  readonly #connection: Connection<T>;
  readonly #handlers: Handlers<T>;
  readonly #copiesBelow: number;
  #inbox: Inbox | undefined;
  #end: CloseInfo | undefined;
  /** Whether the user was given views of memory since this was last set to `false`. */
  gaveViews = false;

  /**
   * @param owner The machinery of the connection.
   * @param connection What handlers are called with.
   * @param handlers The handlers.
   * @param copiesBelow Parts of chunks with fewer bytes than this are copied, not viewed.
   */
  constructor(
    owner: DeliveryOwner,
    connection: Connection<T>,
    handlers: Handlers<T>,
    copiesBelow = 0,
  ) {
    this.#copiesBelow = copiesBelow;
    this.#owner = owner;
    this.#connection = connection;
    this.#handlers = handlers;
  }

  /** The connection is open. */
  open(): void {
    if (this.#handlers.open === undefined) return;
    try {
      this.#watch("open", this.#handlers.open(this.#connection));
    } catch (error) {
      this.#failed("open", error);
    }
  }

  /** A text message came. */
  onText(text: string): void {
    this.#message(text, Opcode.Text);
  }

  /** Another message came. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (bytes.length < this.#copiesBelow) {
      this.#message(bytes.slice(start, end), opcode);
      return;
    }
    this.gaveViews = true;
    this.#message(bytes.subarray(start, end), opcode);
  }

  /** A ping came. */
  onPing(payload: Uint8Array): void {
    if (this.#handlers.ping === undefined) return;
    this.gaveViews = true;
    try {
      this.#watch("ping", this.#handlers.ping(this.#connection, payload));
    } catch (error) {
      this.#failed("ping", error);
    }
  }

  /** A pong came. */
  onPong(payload: Uint8Array): void {
    if (this.#handlers.pong === undefined) return;
    this.gaveViews = true;
    try {
      this.#watch("pong", this.#handlers.pong(this.#connection, payload));
    } catch (error) {
      this.#failed("pong", error);
    }
  }

  /** What waited to be sent is at or below `highWaterMark` again. */
  drain(): void {
    if (this.#handlers.drain === undefined) return;
    try {
      this.#watch("drain", this.#handlers.drain(this.#connection));
    } catch (error) {
      this.#failed("drain", error);
    }
  }

  /** The connection is over. */
  close(info: CloseInfo): void {
    this.#end = info;
    try {
      if (this.#handlers.close !== undefined) {
        this.#watch("close", this.#handlers.close(this.#connection, info));
      }
    } catch (error) {
      this.#failed("close", error);
    }
    this.#inbox?.end(info);
  }

  /** The user closed the connection: what waits to be read is of no interest any more. */
  discard(): void {
    this.#inbox?.clear();
  }

  /**
   * The queue for an iterator.
   *
   * @throws {TypeError} When there is a message handler.
   */
  reader(): Inbox {
    if (this.#handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#readable();
  }

  #message(data: Message, opcode: MessageOpcode): void {
    if (this.#handlers.message === undefined) {
      this.#readable().push(data);
      return;
    }
    try {
      this.#watch("message", this.#handlers.message(this.#connection, data, opcode));
    } catch (error) {
      this.#failed("message", error);
    }
  }

  #readable(): Inbox {
    if (this.#inbox === undefined) {
      this.#inbox = new Inbox(this.#owner);
      if (this.#end !== undefined) this.#inbox.end(this.#end);
    }
    return this.#inbox;
  }

  /** A handler's promise is not waited for, but its rejection is seen. */
  #watch(name: string, result: unknown): void {
    if (result !== undefined && isPromiseLike(result)) {
      result.then(undefined, (error: unknown) => this.#failed(name, error));
    }
  }

  #failed(name: string, cause: unknown): void {
    // After the end there is no `close` left to hear of it. That of the end itself, which an iterator
    // throws, has been heard of.
    if (this.#end !== undefined) {
      if (cause !== this.#end.error) this.#owner.reportError(cause);
      return;
    }
    this.#owner.handlerFailed(
      // The peer is told this message, and what the handler threw is none of its business.
      new WebSocketError("HANDLER_FAILED", `The ${name} handler failed`, {
        cause,
        closeCode: CloseCode.InternalError,
      }),
    );
  }
}

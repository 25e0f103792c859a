// The WebSocket interface.

import { CloseEvent } from "./close_event.ts";
import { checkClose, checkProtocols, webSocketUrl } from "./handshake_target.ts";
import {
  clampedUnsignedShort,
  defineInterface,
  messageData,
  messageSize,
  requireArguments,
  usvString,
} from "./webidl.ts";
import {
  type ConnectionEnd,
  type ConnectionOwner,
  ProtocolConnection,
} from "./protocol_connection.ts";
import { socketArguments, type WebSocketOptions } from "./socket_options.ts";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** The runtime's `MessageEvent`, with the members needed here. */
const PlainMessageEvent = MessageEvent as unknown as new (
  type: string,
  init: { data: unknown; origin: string },
) => MessageEvent;

class TaggedMessageEvent extends PlainMessageEvent {
  get [Symbol.toStringTag](): string {
    return "MessageEvent";
  }
}

/** On Node 20 the runtime's class is tagged as a plain `Event`. */
const SocketMessageEvent = Object.hasOwn(MessageEvent.prototype, Symbol.toStringTag)
  ? PlainMessageEvent
  : TaggedMessageEvent;

/**
 * The type of received binary messages.
 *
 * @category WHATWG WebSocket
 */
export type BinaryType = "blob" | "arraybuffer";

/**
 * The events of a {@linkcode WebSocket}, by type.
 *
 * @category WHATWG WebSocket
 */
export interface WebSocketEventMap {
  /** The connection is open. */
  open: Event;
  /** A message was received; `data` is a string, a `Blob` or an `ArrayBuffer`. */
  message: MessageEvent;
  /** The connection failed. A `close` event follows. */
  error: Event;
  /** The connection is closed. */
  close: CloseEvent;
}

/**
 * A handler of one of the events, as in `onmessage`; `null` for none.
 *
 * @category WHATWG WebSocket
 */
export type WebSocketEventHandler<K extends keyof WebSocketEventMap> =
  | ((this: WebSocket, event: WebSocketEventMap[K]) => unknown)
  | null;

/**
 * The `WebSocket` of the WHATWG WebSockets Standard, over the client of this library.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws";
 * import { WebSocket } from "@quickws/quickws/web";
 *
 * const server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * const socket = new WebSocket(server.url);
 * socket.onopen = () => socket.send("hello");
 * socket.onmessage = (event) => {
 *   console.log(event.data); // hello
 *   socket.close();
 * };
 * socket.onclose = () => server.shutdown();
 * ```
 *
 * @category WHATWG WebSocket
 */
export class WebSocket extends EventTarget {
  /** The connection is not established yet: 0. */
  declare static readonly CONNECTING: 0;
  /** Messages can be sent: 1. */
  declare static readonly OPEN: 1;
  /** The closing handshake has started: 2. */
  declare static readonly CLOSING: 2;
  /** The connection is closed, or could not be opened: 3. */
  declare static readonly CLOSED: 3;
  /** The connection is not established yet: 0. */
  declare readonly CONNECTING: 0;
  /** Messages can be sent: 1. */
  declare readonly OPEN: 1;
  /** The closing handshake has started: 2. */
  declare readonly CLOSING: 2;
  /** The connection is closed, or could not be opened: 3. */
  declare readonly CLOSED: 3;

  readonly #url: URL;
  readonly #connection: ProtocolConnection;
  #handlers: EventHandlers | undefined;
  #state: 0 | 1 | 2 | 3 = CONNECTING;
  #binaryType: BinaryType = "blob";
  #protocol = "";
  #extensions = "";

  /**
   * Starts to connect.
   *
   * @param url The URL: `ws:`, `wss:`, `http:` or `https:`, without a fragment.
   * @param protocols The subprotocols to offer (the server must choose one), or the options.
   * @param options The options of this library, such as `headers`, `tls`, `proxy` and `signal`; not
   * part of the standard.
   * @throws {DOMException} `SyntaxError` when the URL or a subprotocol is not valid.
   * @throws {TypeError | RangeError} When an option is wrong.
   */
  constructor(
    url: string | URL,
    protocols: string | Iterable<string> | WebSocketOptions = [],
    options: WebSocketOptions | undefined = undefined,
  ) {
    super();
    requireArguments("the constructor of WebSocket", arguments.length, 1);
    const href = usvString(url);
    const given = socketArguments(protocols, options);
    this.#url = webSocketUrl(href);
    checkProtocols(given.protocols);
    const owner: ConnectionOwner = {
      onOpen: (protocol, extensions) => this.#onOpen(protocol, extensions),
      onMessage: (data) => this.#onMessage(data),
      onClose: (end) => this.#onClose(end),
    };
    this.#connection = new ProtocolConnection(this.#url, given, owner);
  }

  /** The URL of the connection. */
  get url(): string {
    return this.#url.href;
  }

  /** The state: {@linkcode WebSocket.CONNECTING}, `OPEN`, `CLOSING` or `CLOSED`. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#state === OPEN && this.#connection.closing ? CLOSING : this.#state;
  }

  /**
   * Payload bytes of sent messages that had not left the process when the current task began. It
   * does not return to 0 when the connection is closed.
   */
  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }

  /** The extensions in use, or the empty string. */
  get extensions(): string {
    return this.#extensions;
  }

  /** The subprotocol chosen by the server, or the empty string. */
  get protocol(): string {
    return this.#protocol;
  }

  /** The type of received binary messages. Other values are ignored. Default: `"blob"`. */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    const value: string = `${type}`;
    this.#binaryType = value === "blob" || value === "arraybuffer" ? value : this.#binaryType;
  }

  /** The handler of `open`. */
  get onopen(): WebSocketEventHandler<"open"> {
    return this.#handler("open") as WebSocketEventHandler<"open">;
  }

  set onopen(handler: WebSocketEventHandler<"open">) {
    this.#setHandler("open", handler);
  }

  /** The handler of `error`. */
  get onerror(): WebSocketEventHandler<"error"> {
    return this.#handler("error") as WebSocketEventHandler<"error">;
  }

  set onerror(handler: WebSocketEventHandler<"error">) {
    this.#setHandler("error", handler);
  }

  /** The handler of `close`. */
  get onclose(): WebSocketEventHandler<"close"> {
    return this.#handler("close") as WebSocketEventHandler<"close">;
  }

  set onclose(handler: WebSocketEventHandler<"close">) {
    this.#setHandler("close", handler);
  }

  /** The handler of `message`. */
  get onmessage(): WebSocketEventHandler<"message"> {
    return this.#handler("message") as WebSocketEventHandler<"message">;
  }

  set onmessage(handler: WebSocketEventHandler<"message">) {
    this.#setHandler("message", handler);
  }

  /**
   * Closes the connection after earlier messages.
   *
   * @param code 1000 or 3000 to 4999. Default: the Close frame has no code.
   * @param reason At most 123 bytes of UTF-8. Default: empty.
   * @throws {DOMException} `InvalidAccessError` for another code, `SyntaxError` for a longer reason.
   */
  close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
    const state = this.#state;
    const closeCode = code === undefined ? undefined : clampedUnsignedShort(code);
    const closeReason = reason === undefined ? "" : usvString(reason);
    checkClose(closeCode, closeReason);
    if (state >= CLOSING) return;
    this.#state = CLOSING;
    this.#connection.close(closeCode ?? (closeReason === "" ? undefined : 1000), closeReason);
  }

  /**
   * Sends a message: a string as text; a `Blob`, an `ArrayBuffer` or a view of one as binary. On a
   * closing or closed connection the message is dropped, but counted in `bufferedAmount`.
   *
   * @throws {DOMException} `InvalidStateError` while the connection is not established.
   * @throws {TypeError} When the data is in shared or resizable memory.
   */
  send(data: string | ArrayBuffer | ArrayBufferView<ArrayBufferLike> | Blob): void {
    const connection = this.#connection;
    requireArguments("send", arguments.length, 1);
    const converted = messageData(data);
    const state = this.readyState;
    if (state === CONNECTING) {
      throw new DOMException(
        "Cannot send: the connection is not open yet; wait for the open event",
        "InvalidStateError",
      );
    }
    const size = messageSize(converted);
    if (state === OPEN) connection.send(converted, size);
    else connection.count(size);
  }

  #handler(type: string): EventHandlerValue {
    return this.#handlers?.get(type) ?? null;
  }

  #setHandler(type: string, handler: unknown): void {
    (this.#handlers ??= new EventHandlers(this)).set(type, handler);
  }

  #onOpen(protocol: string, extensions: string): void {
    if (this.#state !== CONNECTING) return;
    this.#state = OPEN;
    this.#protocol = protocol;
    this.#extensions = extensions;
    this.dispatchEvent(new Event("open"));
  }

  #onMessage(message: string | ArrayBuffer): void {
    if (this.#state !== OPEN) return;
    const { protocol, host } = this.#url;
    const isBlob = typeof message !== "string" && this.#binaryType === "blob";
    const data = isBlob ? new Blob([message]) : message;
    const origin = `${protocol}//${host}`;
    this.dispatchEvent(new SocketMessageEvent("message", { data, origin }));
  }

  #onClose({ code, reason, clean, failed }: ConnectionEnd): void {
    this.#state = CLOSED;
    if (failed) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(new CloseEvent("close", { wasClean: clean, code, reason }));
  }
}

/**
 * The typed forms of the methods of `EventTarget`.
 *
 * @category WHATWG WebSocket
 */
export interface WebSocket {
  /** Adds a listener of one of the events. */
  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEventMap[K]) => unknown,
    options?: boolean | {
      capture?: boolean;
      once?: boolean;
      passive?: boolean;
      signal?: AbortSignal;
    },
  ): void;
  /** Adds a listener of any event. */
  addEventListener(
    type: string,
    listener: ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null,
    options?: boolean | {
      capture?: boolean;
      once?: boolean;
      passive?: boolean;
      signal?: AbortSignal;
    },
  ): void;
  /** Removes a listener of one of the events. */
  removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEventMap[K]) => unknown,
    options?: boolean | { capture?: boolean },
  ): void;
  /** Removes a listener of any event. */
  removeEventListener(
    type: string,
    listener: ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null,
    options?: boolean | { capture?: boolean },
  ): void;
}

defineInterface(WebSocket, "WebSocket", [
  "url",
  "readyState",
  "bufferedAmount",
  "onopen",
  "onerror",
  "onclose",
  "extensions",
  "protocol",
  "close",
  "onmessage",
  "binaryType",
  "send",
]);

for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
  const constant = { value, enumerable: true };
  Object.defineProperty(WebSocket, name, constant);
  Object.defineProperty(WebSocket.prototype, name, constant);
}

// Event handler IDL attributes: `onopen`, `onmessage`, `onerror`, `onclose`.

/** The value of an attribute. An object that is not a function is kept but never called. */
type EventHandlerValue = object | null;

interface Entry {
  handler: object;
  readonly listener: (event: Event) => void;
}

/**
 * The event handlers of one target. A handler becomes a listener when it is first set, keeps its
 * position when it is replaced, and is removed when it is set to `null`.
 */
class EventHandlers {
  readonly #target: EventTarget;
  readonly #entries = new Map<string, Entry>();

  /** @param target The object whose events the handlers receive. */
  constructor(target: EventTarget) {
    this.#target = target;
  }

  /** The handler of an event type. */
  get(type: string): EventHandlerValue {
    return this.#entries.get(type)?.handler ?? null;
  }

  /** Sets the handler of an event type; anything that is not an object counts as `null`. */
  set(type: string, value: unknown): void {
    const handler = isObject(value) ? value : null;
    const entry = this.#entries.get(type);
    if (handler === null) {
      if (entry === undefined) return;
      this.#target.removeEventListener(type, entry.listener);
      this.#entries.delete(type);
    } else if (entry === undefined) this.#add(type, handler);
    else entry.handler = handler;
  }

  #add(type: string, handler: object): void {
    const entry: Entry = {
      handler,
      listener: (event) => {
        if (typeof entry.handler !== "function") return;
        const result: unknown = entry.handler.call(event.currentTarget, event);
        if (result === false) event.preventDefault();
      },
    };
    this.#entries.set(type, entry);
    this.#target.addEventListener(type, entry.listener);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "function" || typeof value === "object" && value !== null;
}

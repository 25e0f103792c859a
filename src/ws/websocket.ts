// The class `WebSocket` of `ws`: an event emitter over a connection of the library.

import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { ClientRequest } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketError } from "../errors.ts";
import type { Handlers } from "../connection/handlers.ts";
import type { CloseInfo } from "../session/end.ts";
import { randomMask } from "../shared/random.ts";
import { CloseCode } from "../wire/close.ts";
import { Opcode } from "../wire/opcode.ts";
import { ClientHandshake, type ClientOptions } from "./client_handshake.ts";
import {
  addListener,
  attributeOf,
  type BinaryType,
  type CloseEvent,
  type ErrorEvent,
  type Event,
  type EventListener,
  type EventListenerOptions,
  type EventName,
  EventTurns,
  type MessageEvent,
  removeListener,
  setAttribute,
  toBinary,
  type WebSocketEventMap,
  type WebSocketEvents,
} from "./events.ts";
import { EMPTY, type Link, openLink, toWsError } from "./link.ts";
import { maskSource, type ReceiverOptions, RuleSet, type ServerSideOptions } from "./options.ts";
import { agreementOf, type PerMessageDeflateParameters } from "./permessage_deflate.ts";
import {
  type BufferLike,
  checkClose,
  CLOSED,
  CLOSING,
  CONNECTING,
  guard,
  MessageSender,
  OPEN,
  type SendCallback,
  type SendOptions,
  STATE_NAMES,
  throwLater,
} from "./sender.ts";

/** The outcome of the opening handshake. */
export interface Opened {
  /** The subprotocol, or the empty string. */
  readonly protocol: string;
  /** The negotiated compression, if any. */
  readonly deflate: PerMessageDeflateParameters | undefined;
}

const BINARY_TYPES: readonly string[] = ["nodebuffer", "arraybuffer", "fragments", "blob"];

const CLOSED_EARLY = "WebSocket was closed before the connection was established";

/** The handlers of all connections: the WebSocket is the connection's data. */
const HANDLERS: Handlers<WebSocket> = {
  message: ({ data: ws }, data, opcode) => ws._received("message", data as Uint8Array, opcode),
  ping: ({ data: ws }, payload) => ws._received("ping", payload, Opcode.Ping),
  pong: ({ data: ws }, payload) => ws._received("pong", payload, Opcode.Pong),
  close: ({ data: ws }, info) => ws._ended(info),
};

/**
 * A WebSocket with the API of the npm package `ws`: a client, or created by a {@linkcode
 * WebSocketServer}.
 *
 * @example
 * ```ts
 * import { WebSocket, WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 }, () => {
 *   const { port } = server.address() as { port: number };
 *   const ws = new WebSocket(`ws://127.0.0.1:${port}`);
 *   ws.on("message", (data) => {
 *     console.log(String(data)); // welcome
 *     ws.close();
 *     server.close();
 *   });
 * });
 * server.on("connection", (ws) => ws.send("welcome"));
 * ```
 *
 * @category The API of ws
 */
export class WebSocket extends EventEmitter<WebSocketEvents> {
  /** The connection is not yet open. */
  declare static readonly CONNECTING: 0;
  /** The connection is open. */
  declare static readonly OPEN: 1;
  /** The connection is closing. */
  declare static readonly CLOSING: 2;
  /** The connection has ended. */
  declare static readonly CLOSED: 3;
  /** The connection is not yet open. */
  declare readonly CONNECTING: 0;
  /** The connection is open. */
  declare readonly OPEN: 1;
  /** The connection is closing. */
  declare readonly CLOSING: 2;
  /** The connection has ended. */
  declare readonly CLOSED: 3;

  #readyState = CONNECTING;
  #binaryType: BinaryType = "nodebuffer";
  #link: Link<WebSocket> | undefined;
  #socket: Duplex | null = null;
  #opened: Opened | undefined;
  #paused = false;
  #wasClean = false;
  #errorEmitted = false;
  readonly #sender: MessageSender = new MessageSender((error) => this.#blobFailed(error));
  /** The user's limits, until the connection is open; shared by all connections of a server. */
  readonly #options: ReceiverOptions;
  readonly #handshake: ClientHandshake | undefined;
  /** Present if each event has a separate turn of the event loop. */
  #turns: EventTurns | undefined;

  /**
   * Opens a connection.
   *
   * @param address The URL: `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`.
   * @param protocols The subprotocols to offer, or the options.
   * @param options The options, including those of `http.request`.
   * @throws {SyntaxError} When the URL or a subprotocol is invalid.
   * @throws {RangeError} When `protocolVersion` is neither 8 nor 13.
   */
  constructor(
    address: string | URL | null,
    protocols?: string | readonly string[] | ClientOptions | undefined,
    options?: ClientOptions | undefined,
  ) {
    super();
    if (address === null) {
      this.#options = (options ?? {}) as ServerSideOptions;
      return;
    }
    let names: readonly unknown[] = [];
    if (Array.isArray(protocols)) names = protocols;
    else if (typeof protocols === "object" && protocols !== null) {
      options = protocols as ClientOptions;
    } else if (protocols !== undefined) names = [protocols];
    if (names.length === 0 && protocols === options || protocols === undefined) {
      const own = options?.protocols;
      if (own !== undefined) names = [own].flat();
    }
    this._isServer = false;
    this.#options = options ?? {};
    this.#handshake = new ClientHandshake(
      this,
      names,
      options ?? {},
      (error, settled) => {
        this.#readyState = CLOSING;
        settled(() => this.#handshakeFailed(error));
      },
      (socket, head, opened) => this.setSocket(socket, head, opened),
    );
    this.#handshake.start(address);
  }

  /** The type of binary messages: `nodebuffer`, `arraybuffer`, `fragments` or `blob`. */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (BINARY_TYPES.includes(type)) this.#binaryType = type;
  }

  /** Bytes of sent messages that have not left the process, frame headers included. */
  get bufferedAmount(): number {
    this.#link?.flush();
    return this.#sender.heldAmount + (this.#link?.connection.bufferedAmount ?? 0);
  }

  /** The names of the extensions in use: `permessage-deflate` or the empty string. */
  get extensions(): string {
    return this.#opened?.deflate === undefined ? "" : "permessage-deflate";
  }

  /** Whether it is paused. */
  get isPaused(): boolean {
    return this.#paused;
  }

  /** The negotiated subprotocol, or the empty string. */
  get protocol(): string {
    return this.#opened?.protocol ?? "";
  }

  /** The state: {@linkcode WebSocket.CONNECTING} and so on. */
  get readyState(): 0 | 1 | 2 | 3 {
    const link = this.#link;
    if (this.#readyState === OPEN && link !== undefined && link.state !== "open") return CLOSING;
    return this.#readyState as 0 | 1 | 2 | 3;
  }

  /** The URL on the client side; `undefined` on the server side. */
  get url(): string {
    return this.#handshake?.url as string;
  }

  /** Called for `open`. */
  get onopen(): ((event: Event) => void) | null {
    return attributeOf(this, "open") as ((event: Event) => void) | null;
  }

  set onopen(listener: ((event: Event) => void) | null) {
    setAttribute(this, "open", listener);
  }

  /** Called for `message`. */
  get onmessage(): ((event: MessageEvent) => void) | null {
    return attributeOf(this, "message") as ((event: MessageEvent) => void) | null;
  }

  set onmessage(listener: ((event: MessageEvent) => void) | null) {
    setAttribute(this, "message", listener);
  }

  /** Called for `error`. */
  get onerror(): ((event: ErrorEvent) => void) | null {
    return attributeOf(this, "error") as ((event: ErrorEvent) => void) | null;
  }

  set onerror(listener: ((event: ErrorEvent) => void) | null) {
    setAttribute(this, "error", listener);
  }

  /** Called for `close`. */
  get onclose(): ((event: CloseEvent) => void) | null {
    return attributeOf(this, "close") as ((event: CloseEvent) => void) | null;
  }

  set onclose(listener: ((event: CloseEvent) => void) | null) {
    setAttribute(this, "close", listener);
  }

  /** Adds a listener of `open`, `message`, `error` or `close`, like `EventTarget`. */
  addEventListener<K extends EventName>(
    type: K,
    listener: EventListener<WebSocketEventMap[K]>,
    options: EventListenerOptions = {},
  ): void {
    addListener(this, type, listener, options.once === true, false);
  }

  /** Removes a listener added by {@linkcode WebSocket.addEventListener}. */
  removeEventListener<K extends EventName>(
    type: K,
    listener: EventListener<WebSocketEventMap[K]>,
  ): void {
    removeListener(this, type, listener);
  }

  /**
   * Sends a message, or a fragment of one.
   *
   * @param data The message; a string is sent as text.
   * @param options How to send it, or the callback.
   * @param callback Called when it has left the process, or with the error that prevented it.
   * @throws {Error} While connecting.
   * @throws {TypeError} When the data is of another type.
   */
  send(data: BufferLike, callback?: SendCallback): void;
  /** The same, with options. */
  send(data: BufferLike, options: SendOptions | undefined, callback?: SendCallback): void;
  send(
    data?: BufferLike | null,
    options?: SendOptions | SendCallback,
    callback?: SendCallback,
  ): void {
    if (typeof options === "function") {
      callback = options;
      options = undefined;
    }
    this.#sender.send(this.readyState, data, options, callback);
  }

  /**
   * Sends a ping.
   *
   * @param data At most 125 bytes.
   * @param mask Whether it is masked. Default: on the client side.
   * @param callback Called when it has left the process.
   * @throws {Error} While connecting.
   * @throws {RangeError} When the data is too long.
   */
  ping(
    data?: BufferLike | SendCallback | null,
    mask?: boolean | SendCallback,
    callback?: SendCallback,
  ): void {
    this.#sender.control(this.readyState, Opcode.Ping, data, mask, callback);
  }

  /** Sends a pong; the parameters are those of {@linkcode WebSocket.ping}. */
  pong(
    data?: BufferLike | SendCallback | null,
    mask?: boolean | SendCallback,
    callback?: SendCallback,
  ): void {
    this.#sender.control(this.readyState, Opcode.Pong, data, mask, callback);
  }

  /**
   * Starts the closing handshake.
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999. Without one the Close frame is empty.
   * @param reason At most 123 bytes.
   * @throws {TypeError} When the code must not be sent.
   * @throws {RangeError} When the reason is too long.
   */
  close(code?: number, reason?: string | Uint8Array): void {
    const state = this.readyState;
    if (state === CONNECTING) this.#handshake?.abort(CLOSED_EARLY);
    if (state !== OPEN) return;
    const text = checkClose(code, reason);
    this.#readyState = CLOSING;
    this.#sender.inOrder("", undefined, () => this.#link!.close(code ?? CloseCode.NoStatus, text));
  }

  /** Stops reading; messages already read are still delivered. */
  pause(): void {
    if (this.#link === undefined || this.#readyState === CLOSED) return;
    this.#paused = true;
    this.#link.pause();
  }

  /** Resumes reading after {@linkcode WebSocket.pause}. */
  resume(): void {
    if (this.#link === undefined || this.#readyState === CLOSED) return;
    this.#paused = false;
    this.#link.resume();
    // The connection resumes in a later microtask; programs that check the socket see it immediately.
    if (this.#link.state === "open") this.#socket!.resume();
  }

  /** Cuts the socket, without a closing handshake. */
  terminate(): void {
    if (this.#link !== undefined && this.#readyState !== CLOSED) {
      this.#readyState = CLOSING;
      this.#link.flush();
      this.#link.terminate();
    } else if (this.#readyState === CONNECTING) {
      this.#handshake?.abort(CLOSED_EARLY);
    }
  }

  // Private members of `ws` used by many programs.

  /** @internal The socket, once the connection is open. */
  get _socket(): Duplex | null {
    return this.#socket;
  }

  /** @internal The request of the opening handshake, while it is pending. */
  get _req(): ClientRequest | null {
    return this.#handshake?.request ?? null;
  }

  /**
   * @internal Whether this is the server side, whose frames are not masked. `@fastify/websocket`
   * uses this and `setSocket` to make a client of a WebSocket without a URL.
   */
  _isServer = true;

  /** @internal The number of followed redirects. */
  get _redirects(): number {
    return this.#handshake?.redirects ?? 0;
  }

  /** @internal Sends frames encoded by `Sender.frame`. */
  get _sender(): { sendFrame(list: readonly Uint8Array[], callback?: SendCallback): void } {
    return {
      sendFrame: (list, callback) => {
        if (this.readyState !== OPEN) return;
        this.#sender.sendFrames(list.length === 1 ? list[0]! : Buffer.concat(list), callback);
      },
    };
  }

  // Calls of the opening handshake, the connection and the server.

  /** @internal Whether both sides have sent a Close frame. */
  get _wasClean(): boolean {
    return this.#wasClean;
  }

  #handshakeFailed(error: Error): void {
    this.emit("error", error);
    this.#readyState = CLOSED;
    this.emit("close", CloseCode.Abnormal, EMPTY);
  }

  /**
   * @internal The opening handshake is complete: the WebSocket owns the socket. External callers
   * may also pass limits.
   */
  setSocket(socket: Duplex, head: Uint8Array, opened: Partial<Opened> & ReceiverOptions): void {
    const options = this.#options as ClientOptions & Partial<ServerSideOptions>;
    const isServer = this._isServer;
    const { protocol = "", deflate, ...limits } = opened;
    const rules = options.rules ?? new RuleSet({ ...options, ...limits }, isServer);
    const agreement = deflate && agreementOf(deflate, isServer);
    const { generateMask } = options;
    const masks = generateMask === undefined ? randomMask : maskSource(generateMask);
    const stream = socket as Duplex & { setTimeout?(ms: number): void; setNoDelay?(): void };
    stream.setTimeout?.(0);
    stream.setNoDelay?.();
    // Separate memory, because payloads are unmasked in place.
    if (head.length > 0) socket.unshift(Buffer.from(new Uint8Array(head).buffer));
    this.#socket = socket;
    this.#opened = { protocol, deflate };
    this.#link = openLink<WebSocket>({
      socket,
      rules: rules.for(agreement),
      handlers: HANDLERS,
      failing: ({ data: ws }, error) => ws._failing(error),
      masks: isServer ? undefined : masks,
      agreement,
      data: this,
    });
    this.#sender.open(this.#link, isServer);
    if (options.allowSynchronousEvents === false) {
      this.#turns = new EventTurns(this.#link, () => this.#paused);
    }
    this.#readyState = OPEN;
    this.emit("open");
  }

  /** @internal A message or a control frame arrived. */
  _received(event: "message" | "ping" | "pong", bytes: Uint8Array, opcode: number): void {
    const data = bytes.length === 0
      ? EMPTY
      : Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
    if (this.#turns === undefined) this.#emitReceived(event, data, opcode);
    else this.#turns.add(() => this.#emitReceived(event, data, opcode));
  }

  #emitReceived(event: "message" | "ping" | "pong", data: Buffer, opcode: number): void {
    try {
      if (event !== "message") this.emit(event, data);
      else if (opcode === Opcode.Text) this.emit("message", data, false);
      else this.emit("message", toBinary(data, this.#binaryType), true);
    } catch (error) {
      throwLater(error);
    }
  }

  /** @internal The connection fails. */
  _failing(cause: WebSocketError): void {
    const error = toWsError(cause);
    if (error === undefined) return;
    // Send the Close frame first: a listener may cut the connection.
    this.#link!.flush();
    this.#deliver(() => {
      this.#readyState = CLOSING;
      this.#emitError(error);
    });
  }

  /** @internal The connection has ended. */
  _ended(info: CloseInfo): void {
    this.#wasClean = info.clean;
    const failed = toWsError(info.error) !== undefined;
    this.#deliver(() => {
      this.#readyState = CLOSED;
      const received = info.received !== undefined && !failed;
      const code = received ? info.received! : CloseCode.Abnormal;
      const reason = received && info.reason !== "" ? Buffer.from(info.reason) : EMPTY;
      this.emit("close", code, reason);
    });
  }

  /** Emits the first error only; later ones are its consequences. */
  #emitError(error: Error): void {
    if (this.#errorEmitted) return;
    this.#errorEmitted = true;
    guard(() => this.emit("error", error));
  }

  /** Emits an event now, or after events waiting for their turn of the event loop. */
  #deliver(emit: () => void): void {
    if (this.#turns === undefined) guard(emit);
    else this.#turns.add(emit);
  }

  #blobFailed(error: Error): void {
    if (this.#readyState === CLOSED) return;
    this.#readyState = CLOSING;
    this.#link!.fail(new WebSocketError("SOURCE_FAILED", "A blob could not be read"));
    this.#emitError(error);
  }
}

// As in the interface of the web: enumerable constants that cannot be changed.
for (const [value, name] of STATE_NAMES.entries()) {
  Object.defineProperty(WebSocket, name, { enumerable: true, value });
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true, value });
}
for (
  const name of [
    "binaryType",
    "bufferedAmount",
    "extensions",
    "isPaused",
    "onclose",
    "onerror",
    "onmessage",
    "onopen",
    "protocol",
    "readyState",
    "url",
  ]
) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}

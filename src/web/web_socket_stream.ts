// The WebSocketStream interface.

import { checkProtocols, webSocketUrl } from "./handshake_target.ts";
import {
  type ConnectionEnd,
  type ConnectionOwner,
  ProtocolConnection,
} from "./protocol_connection.ts";
import { streamArguments, type WebSocketStreamOptions } from "./socket_options.ts";
import {
  defineInterface,
  messageData,
  messageSize,
  requireArguments,
  usvString,
} from "./webidl.ts";
import {
  checkedCloseInfo,
  receivedError,
  type WebSocketCloseInfo,
  WebSocketError,
} from "./web_socket_error.ts";

/**
 * The streams and negotiated values of an open {@linkcode WebSocketStream}.
 *
 * @category WHATWG WebSocket
 */
export interface WebSocketOpenInfo {
  /** The received messages, with backpressure: strings, or `Uint8Array`s for binary. */
  readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /** Sends each chunk as one message, with backpressure. */
  writable: WritableStream<string | ArrayBuffer | ArrayBufferView<ArrayBufferLike>>;
  /** The extensions in use, or the empty string. */
  extensions: string;
  /** The subprotocol chosen by the server, or the empty string. */
  protocol: string;
}

/** A promise and its functions. */
interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/**
 * A WebSocket connection as a pair of streams, with backpressure in both directions: the
 * `WebSocketStream` of the WHATWG WebSockets Standard.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws";
 * import { WebSocketStream } from "@quickws/quickws/web";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * const socket = new WebSocketStream(server.url);
 * const { readable, writable } = await socket.opened;
 * const writer = writable.getWriter();
 * await writer.write("hello");
 * const { value } = await readable.getReader().read();
 * console.log(value); // hello
 * socket.close({ closeCode: 1000, reason: "done" });
 * console.log((await socket.closed).closeCode); // 1000
 * ```
 *
 * @category WHATWG WebSocket
 */
export class WebSocketStream {
  readonly #url: URL;
  readonly #connection: ProtocolConnection;
  readonly #opened = deferred<WebSocketOpenInfo>();
  readonly #closed = deferred<Required<WebSocketCloseInfo>>();
  readonly #signal: AbortSignal | undefined;
  #readable: ReadableStreamDefaultController<string | Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStreamDefaultController | undefined;
  #state: "connecting" | "open" | "closing" | "closed" = "connecting";
  /** The error of the writable stream. */
  #writableError: DOMException | undefined;
  /** Whether the writable stream was closed or aborted and needs no error at the end. */
  #writableDone = false;

  /**
   * Starts to connect.
   *
   * @param url The URL: `ws:`, `wss:`, `http:` or `https:`, without a fragment.
   * @param options `protocols` and `signal` of the standard, and the options of this library.
   * @throws {DOMException} `SyntaxError` when the URL or a subprotocol is not valid.
   * @throws {TypeError | RangeError} When an option is wrong.
   */
  constructor(url: string | URL, options: WebSocketStreamOptions = {}) {
    requireArguments("the constructor of WebSocketStream", arguments.length, 1);
    const href = usvString(url);
    const given = streamArguments(options);
    this.#url = webSocketUrl(href);
    checkProtocols(given.protocols);
    this.#signal = given.connect.signal;
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

  /**
   * Resolves when the connection is open. Rejects with a {@linkcode WebSocketError} when it fails,
   * and with the signal's reason when it aborts.
   */
  get opened(): Promise<WebSocketOpenInfo> {
    return this.#opened.promise;
  }

  /**
   * Resolves when the connection is closed cleanly, with the code and reason of the peer's Close
   * frame. Rejects with a {@linkcode WebSocketError} otherwise.
   */
  get closed(): Promise<Required<WebSocketCloseInfo>> {
    return this.#closed.promise;
  }

  /**
   * Closes the connection after earlier messages.
   *
   * @param closeInfo The code and reason. Default: the Close frame has no code.
   * @throws {DOMException} `InvalidAccessError` for a code that is not 1000 or 3000 to 4999,
   * `SyntaxError` for a reason over 123 bytes of UTF-8.
   * @throws {TypeError} When the argument is not an object.
   */
  close(closeInfo: WebSocketCloseInfo = {}): void {
    const { closeCode, reason } = checkedCloseInfo(closeInfo);
    this.#close(closeCode, reason);
  }

  #close(code: number | null, reason: string): void {
    if (this.#state !== "connecting" && this.#state !== "open") return;
    this.#state = "closing";
    this.#connection.close(code ?? undefined, reason);
  }

  #closeWith(reason: unknown): void {
    if (reason instanceof WebSocketError) this.#close(reason.closeCode, reason.reason);
    else this.#close(null, "");
  }

  #onOpen(protocol: string, extensions: string): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    const readable = new ReadableStream<string | Uint8Array<ArrayBuffer>>({
      start: (controller) => void (this.#readable = controller),
      pull: () => this.#connection.resume(),
      cancel: (reason) => {
        this.#readable = undefined;
        this.#closeWith(reason);
      },
    });
    const writable = new WritableStream<string | ArrayBuffer | ArrayBufferView<ArrayBufferLike>>({
      start: (controller) => void (this.#writable = controller),
      write: (chunk) => this.#write(chunk),
      close: async () => {
        this.#writableDone = true;
        this.#close(null, "");
        await this.#closed.promise;
      },
      abort: (reason) => {
        this.#writableDone = true;
        this.#closeWith(reason);
      },
    });
    this.#opened.resolve({ readable, writable, extensions, protocol });
  }

  async #write(chunk: unknown): Promise<void> {
    const data = messageData(chunk);
    if (this.#state !== "open") throw closedError();
    if (this.#connection.send(data, messageSize(data))) return;
    await this.#connection.drained();
    if (!this.#connection.closing) return;
    await this.#closed.promise.catch(() => {
      throw this.#writableError;
    });
  }

  #onMessage(data: string | ArrayBuffer): void {
    const controller = this.#readable;
    if (this.#state !== "open" || controller === undefined) return;
    controller.enqueue(typeof data === "string" ? data : new Uint8Array(data));
    if (controller.desiredSize !== null && controller.desiredSize <= 0) this.#connection.pause();
  }

  #onClose(end: ConnectionEnd): void {
    const wasOpen = this.#readable !== undefined || this.#writable !== undefined;
    this.#state = "closed";
    const { code: closeCode, reason } = end;
    const { interrupted } = this.#connection;
    if (!wasOpen) {
      const error = this.#signal?.aborted
        ? this.#signal.reason
        : receivedError("The connection failed", { closeCode: null, reason: "" });
      this.#opened.reject(error);
      this.#closed.reject(error);
    } else if (end.clean && !interrupted) {
      this.#readable?.close();
      if (!this.#writableDone) this.#writable?.error(closedError());
      this.#closed.resolve({ closeCode, reason });
    } else {
      const message = `The connection was not closed cleanly (code ${closeCode})`;
      const error = receivedError(message, { closeCode, reason });
      // A write interrupted by a Close frame counts as a write to a closed connection.
      this.#writableError = interrupted && closeCode !== 1006 ? closedError() : error;
      this.#readable?.error(error);
      this.#writable?.error(this.#writableError);
      this.#closed.reject(error);
    }
  }
}

defineInterface(WebSocketStream, "WebSocketStream", ["url", "opened", "closed", "close"]);

function deferred<T>(): Deferred<T> {
  const { promise, resolve, reject } = withResolvers<T>();
  // An ignored promise must not cause an unhandled rejection.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function withResolvers<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

function closedError(): DOMException {
  return new DOMException("The connection is closing or closed", "InvalidStateError");
}

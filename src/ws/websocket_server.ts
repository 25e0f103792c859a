// The class `WebSocketServer` of `ws`, over a server of `node:http` or `node:https`.

import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { createServer, STATUS_CODES } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { nextTick } from "node:process";
import type { Duplex } from "node:stream";
import { acceptKey, isValidKey } from "../handshake/accept_key.ts";
import type { ClientOptions } from "./client_handshake.ts";
import { extension, subprotocol } from "./headers.ts";
import { type ReceiverOptions, RuleSet, type ServerSideOptions } from "./options.ts";
import { PerMessageDeflate, type PerMessageDeflateParameters } from "./permessage_deflate.ts";
import { WebSocket } from "./websocket.ts";

/**
 * The argument of `verifyClient`.
 *
 * @category The API of ws
 */
export interface ClientInfo {
  /** The value of the field `Origin`. */
  origin: string;
  /** Whether the connection is TLS. */
  secure: boolean;
  /** The request. */
  req: IncomingMessage;
}

/**
 * Accepts or rejects a client, synchronously or with a callback.
 *
 * @category The API of ws
 */
export type VerifyClient =
  | ((info: ClientInfo) => boolean)
  | ((
    info: ClientInfo,
    callback: (
      accepted: boolean,
      status?: number,
      message?: string,
      headers?: OutgoingHttpHeaders,
    ) => void,
  ) => void);

/**
 * The options of a {@linkcode WebSocketServer}. Exactly one of `port`, `server` and `noServer` is
 * required.
 *
 * @category The API of ws
 */
export interface ServerOptions<W extends typeof WebSocket = typeof WebSocket>
  extends ReceiverOptions {
  /** The length of the accept queue. Default: 511. */
  backlog?: number | null | undefined;
  /** Whether to keep open connections in `clients`. Default: `true`. */
  clientTracking?: boolean | undefined;
  /** Chooses a subprotocol; `false` chooses none. Default: the client's first one. */
  handleProtocols?:
    | ((protocols: Set<string>, request: IncomingMessage) => string | false | undefined | void)
    | null
    | undefined;
  /** The address to bind. Default: all. */
  host?: string | null | undefined;
  /**
   * Whether there is no HTTP server and the user calls {@linkcode WebSocketServer.handleUpgrade}.
   */
  noServer?: boolean | undefined;
  /** The path to serve; requests for others get a 400. Default: all. */
  path?: string | null | undefined;
  /** The port to listen on, with a separate HTTP server. */
  port?: number | null | undefined;
  /** An HTTP server whose upgrades to handle. */
  server?: HttpServer | HttpsServer | null | undefined;
  /** Accepts or rejects clients. Default: all are accepted. */
  verifyClient?: VerifyClient | null | undefined;
  /** The class of the connections. Default: {@linkcode WebSocket}. */
  WebSocket?: W | undefined;
}

/**
 * The events of a {@linkcode WebSocketServer} and the arguments of listeners.
 *
 * @category The API of ws
 */
export interface ServerEvents<W extends typeof WebSocket = typeof WebSocket> {
  /** A connection is open. */
  connection: [websocket: InstanceType<W>, request: IncomingMessage];
  /** The fields of the response are about to be sent, and may be changed. */
  headers: [headers: string[], request: IncomingMessage];
  /** The HTTP server listens. */
  listening: [];
  /** The HTTP server failed. */
  error: [error: Error];
  /** The server has closed. */
  close: [];
  /** A handshake is rejected; a listener must respond on the socket. */
  wsClientError: [error: Error, socket: Duplex, request: IncomingMessage];
}

/** A pending handshake. */
interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Uint8Array;
  readonly key: string;
  readonly version: number;
  readonly subprotocols: Set<string>;
  readonly deflate: PerMessageDeflateParameters | undefined;
}

const RUNNING = 0;
const CLOSING = 1;
const CLOSED = 2;

const ONE_SOURCE =
  'One and only one of the "port", "server", or "noServer" options must be specified';
const TWICE =
  "server.handleUpgrade() was called more than once with the same socket, possibly due to a " +
  "misconfiguration";

/** The sockets that belong to a WebSocket. */
const taken: WeakSet<Duplex> = new WeakSet();

/**
 * A WebSocket server with the interface of the npm package `ws`.
 *
 * @example
 * ```ts
 * import { WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 });
 * server.on("connection", (ws) => ws.on("message", (data) => ws.send(data)));
 * server.close();
 * ```
 *
 * @category The API of ws
 */
export class WebSocketServer<W extends typeof WebSocket = typeof WebSocket>
  extends EventEmitter<ServerEvents<W>> {
  /** The options with defaults. */
  readonly options: ServerOptions<W>;
  readonly #connectionOptions: ServerSideOptions;
  /** The open connections; `undefined` without `clientTracking`. */
  declare clients: Set<InstanceType<W>>;
  /** @internal The HTTP server. */
  _server: HttpServer | HttpsServer | null | undefined;
  /** @internal 0: running, 1: closing, 2: closed. */
  _state = RUNNING;
  #stopListening: (() => void) | undefined;
  #closesWithLastClient = false;

  /**
   * Creates a server; with `port` it starts listening.
   *
   * @param options The options.
   * @param listening Called when the server with `port` listens.
   * @throws {TypeError} Unless exactly one of `port`, `server` and `noServer` is given.
   */
  constructor(options?: ServerOptions<W>, listening?: () => void) {
    super();
    options ??= {};
    const { server, noServer = false, clientTracking = true } = options;
    const ownsServer = options.port !== undefined && options.port !== null;
    if (Number(ownsServer) + Number(Boolean(server)) + Number(noServer) !== 1) {
      throw new TypeError(ONE_SOURCE);
    }
    const { perMessageDeflate = false } = options;
    this.options = {
      ...options,
      perMessageDeflate: perMessageDeflate === true ? {} : perMessageDeflate,
      clientTracking,
      noServer,
      WebSocket: options.WebSocket ?? WebSocket as W,
    };
    this.#connectionOptions = { ...this.options, rules: new RuleSet(options, true) };
    if (clientTracking) this.clients = new Set();
    if (ownsServer) this._server = listen(options, listening);
    else if (server) this._server = server;
    if (this._server) this.#listenTo(this._server);
  }

  /**
   * The address of the HTTP server, or `null` once it is closed.
   *
   * @throws {Error} With `noServer`.
   */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this._server?.address() ?? null;
  }

  /**
   * Stops accepting connections. Open ones stay open; `close` is emitted after the last.
   *
   * @param callback Called at `close`, with an error when the server was closed before.
   */
  close(callback?: (error?: Error) => void): void {
    if (this._state === CLOSED) {
      if (callback !== undefined) {
        this.once("close", () => callback(new Error("The server is not running")));
      }
      nextTick(() => this.#emitClose());
      return;
    }
    if (callback !== undefined) this.once("close", callback);
    if (this._state === CLOSING) return;
    this._state = CLOSING;
    const server = this._server;
    this.#stopListening?.();
    this._server = null;
    if (server && !this.options.server) server.close(() => this.#emitClose());
    else if (this.clients?.size > 0) this.#closesWithLastClient = true;
    else nextTick(() => this.#emitClose());
  }

  /** Whether a request matches the option `path`. */
  shouldHandle(request: IncomingMessage): boolean | Promise<boolean> {
    const { path } = this.options;
    return !path || request.url?.split("?", 1)[0] === path;
  }

  /**
   * Takes over the socket of an upgrade request and responds.
   *
   * @param request The request, from the `upgrade` event of an HTTP server.
   * @param socket Its socket.
   * @param head The bytes after the request.
   * @param callback Called with the connection once it is open.
   * @throws {Error} When the socket already belongs to a WebSocket.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    callback: (websocket: InstanceType<W>, request: IncomingMessage) => void,
  ): void {
    socket.on("error", destroySocket);
    const handshake = this.#check(request, socket, head);
    if (handshake === undefined) return;
    const { verifyClient } = this.options;
    if (!verifyClient) {
      this.#complete(handshake, callback);
      return;
    }
    const { authorized, encrypted } = request.socket as {
      authorized?: boolean;
      encrypted?: boolean;
    };
    const name = handshake.version === 8 ? "sec-websocket-origin" : "origin";
    const info: ClientInfo = {
      origin: request.headers[name] as string,
      secure: authorized === true || encrypted === true,
      req: request,
    };
    if (verifyClient.length === 2) {
      verifyClient(info, (accepted, status, message, headers) => {
        if (accepted) this.#complete(handshake, callback);
        else refuse(socket, status || 401, message, headers);
      });
    } else if ((verifyClient as (info: ClientInfo) => boolean)(info)) {
      this.#complete(handshake, callback);
    } else {
      refuse(socket, 401);
    }
  }

  /** Validates the request; if it is rejected, responds and returns `undefined`. */
  #check(request: IncomingMessage, socket: Duplex, head: Uint8Array): Handshake | undefined {
    const { method, headers } = request;
    const key = headers["sec-websocket-key"];
    const version = Number(headers["sec-websocket-version"]);
    const fail = (status: number, message: string, fields?: OutgoingHttpHeaders): undefined => {
      this.#refuseOrEmit(request, socket, status, message, fields);
    };
    if (method !== "GET") return fail(405, "Invalid HTTP method");
    if (headers.upgrade?.toLowerCase() !== "websocket") return fail(400, "Invalid Upgrade header");
    if (key === undefined || !isValidKey(key)) {
      return fail(400, "Missing or invalid Sec-WebSocket-Key header");
    }
    if (version !== 13 && version !== 8) {
      return fail(400, "Missing or invalid Sec-WebSocket-Version header", {
        "Sec-WebSocket-Version": "13, 8",
      });
    }
    if (!this.shouldHandle(request)) {
      refuse(socket, 400);
      return undefined;
    }
    let subprotocols: Set<string>;
    try {
      const named = headers["sec-websocket-protocol"];
      subprotocols = named === undefined ? new Set() : subprotocol.parse(named);
    } catch {
      return fail(400, "Invalid Sec-WebSocket-Protocol header");
    }
    let deflate: PerMessageDeflateParameters | undefined;
    try {
      deflate = this.#acceptDeflate(headers["sec-websocket-extensions"]);
    } catch {
      return fail(400, "Invalid or unacceptable Sec-WebSocket-Extensions header");
    }
    return { request, socket, head, key, version, subprotocols, deflate };
  }

  #acceptDeflate(field: string | undefined): PerMessageDeflateParameters | undefined {
    const { perMessageDeflate } = this.options;
    if (!perMessageDeflate || field === undefined) return undefined;
    const offers = extension.parse(field)[PerMessageDeflate.extensionName];
    if (offers === undefined) return undefined;
    const options = perMessageDeflate === true ? {} : perMessageDeflate;
    return new PerMessageDeflate({ ...options, isServer: true }).accept(offers);
  }

  #complete(
    { request, socket, head, key, subprotocols, deflate }: Handshake,
    callback: (websocket: InstanceType<W>, request: IncomingMessage) => void,
  ): void {
    // The client has already ended its side, so a response is impossible.
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (taken.has(socket)) throw new Error(TWICE);
    if (this._state !== RUNNING) {
      refuse(socket, 503);
      return;
    }
    taken.add(socket);
    const protocol = this.#chooseProtocol(subprotocols, request);
    const headers = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${acceptKey(key)}`,
    ];
    if (protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
    if (deflate !== undefined) {
      const { extensionName } = PerMessageDeflate;
      const field = extension.format({ [extensionName]: { ...deflate } });
      headers.push(`Sec-WebSocket-Extensions: ${field}`);
    }
    this.#emit("headers", headers, request);
    const Class = this.options.WebSocket as typeof WebSocket;
    const options = this.#connectionOptions as unknown as ClientOptions;
    const websocket = new Class(null, undefined, options) as InstanceType<W>;
    socket.write([...headers, "", ""].join("\r\n"));
    socket.removeListener("error", destroySocket);
    websocket.setSocket(socket, head, { protocol, deflate });
    if (this.clients) this.#track(websocket);
    callback(websocket, request);
  }

  #chooseProtocol(subprotocols: Set<string>, request: IncomingMessage): string {
    if (subprotocols.size === 0) return "";
    const { handleProtocols } = this.options;
    if (!handleProtocols) return [...subprotocols][0]!;
    return handleProtocols(subprotocols, request) || "";
  }

  #track(websocket: InstanceType<W>): void {
    this.clients.add(websocket);
    websocket.on("close", () => {
      this.clients.delete(websocket);
      if (this.#closesWithLastClient && this.clients.size === 0) {
        nextTick(() => this.#emitClose());
      }
    });
  }

  #refuseOrEmit(
    request: IncomingMessage,
    socket: Duplex,
    status: number,
    message: string,
    headers: OutgoingHttpHeaders | undefined,
  ): void {
    if (this.listenerCount("wsClientError") > 0) {
      this.#emit("wsClientError", new Error(message), socket, request);
    } else {
      refuse(socket, status, message, headers);
    }
  }

  #listenTo(server: HttpServer | HttpsServer): void {
    const listening = (): void => this.#emit("listening");
    const failed = (error: Error): void => this.#emit("error", error);
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      this.handleUpgrade(request, socket, head, (websocket) => {
        this.#emit("connection", websocket, request);
      });
    };
    server.on("listening", listening);
    server.on("error", failed);
    server.on("upgrade", upgrade);
    this.#stopListening = () => {
      server.removeListener("listening", listening);
      server.removeListener("error", failed);
      server.removeListener("upgrade", upgrade);
    };
  }

  #emitClose(): void {
    this._state = CLOSED;
    this.#emit("close");
  }

  /** The values depend on a class parameter, which the emitter's types cannot express. */
  #emit(name: keyof ServerEvents, ...values: unknown[]): void {
    (this as EventEmitter).emit(name, ...values);
  }
}

/** An HTTP server for WebSockets only. */
function listen(
  { port, host, backlog }: ServerOptions<typeof WebSocket>,
  listening: (() => void) | undefined,
): HttpServer {
  const server = createServer((_, response) => {
    const body = STATUS_CODES[426]!;
    response.writeHead(426, { "Content-Length": body.length, "Content-Type": "text/plain" });
    response.end(body);
  });
  server.listen(port!, host ?? undefined, backlog ?? undefined, listening);
  return server;
}

function destroySocket(this: Duplex): void {
  this.destroy();
}

/** Responds with an error and ends the socket. */
function refuse(
  socket: Duplex,
  status: number,
  message: string = "",
  headers: OutgoingHttpHeaders = {},
): void {
  const reason = STATUS_CODES[status] ?? "";
  const body = message || reason;
  const fields = Object.entries({
    Connection: "close",
    "Content-Type": "text/html",
    "Content-Length": Buffer.byteLength(body),
    ...headers,
  });
  socket.once("finish", () => socket.destroy());
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end([...head, "", body].join("\r\n"));
}

// The client's opening handshake over `node:http`, as in `ws`, with agents, redirects and
// unexpected responses.

import { Buffer } from "node:buffer";
import type { EventEmitter } from "node:events";
import http from "node:http";
import type { Agent, ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import https from "node:https";
import type { RequestOptions } from "node:https";
import net from "node:net";
import { nextTick } from "node:process";
import { unescape } from "node:querystring";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { acceptKey, encodeKey } from "../handshake/accept_key.ts";
import { isToken } from "../handshake/characters.ts";
import { randomNonce } from "../shared/random.ts";
import { extension } from "./headers.ts";
import type { ReceiverOptions } from "./options.ts";
import { PerMessageDeflate, type PerMessageDeflateParameters } from "./permessage_deflate.ts";

/**
 * The options of a client, including those of `http.request` and `https.request`.
 *
 * @category The API of ws
 */
export interface ClientOptions extends Omit<RequestOptions, "agent">, ReceiverOptions {
  /** The agent that opens the socket. Default: none. */
  agent?: Agent | boolean | undefined;
  /** Receives each request before it is sent, and must call its `end`. */
  finishRequest?: ((request: ClientRequest, websocket: never) => void) | undefined;
  /** Whether to follow redirects. Default: `false`. */
  followRedirects?: boolean | undefined;
  /** Fills the 4 bytes of each mask key. Default: random bytes. */
  generateMask?: ((mask: Buffer) => void) | undefined;
  /** The timeout of each request of the opening handshake in milliseconds. Default: no limit. */
  handshakeTimeout?: number | undefined;
  /** The maximum number of redirects. Default: 10. */
  maxRedirects?: number | undefined;
  /** The value of the field `Origin`. */
  origin?: string | undefined;
  /** The value of `Sec-WebSocket-Version`: 13 or 8. Default: 13. */
  protocolVersion?: number | undefined;
  /** The subprotocols to offer, unless given as the second argument. */
  protocols?: string | readonly string[] | undefined;
}

/**
 * Called when the handshake has failed.
 *
 * @param settled Calls back when the failure may be reported: immediately, or when the socket is
 *   closed.
 */
type Failed = (error: Error, settled: (report: () => void) => void) => void;

/** Called when the handshake is complete. */
type Upgraded = (
  socket: Duplex,
  head: Uint8Array,
  opened: { protocol: string; deflate: PerMessageDeflateParameters | undefined },
) => void;

const VERSIONS = [8, 13];

/** The target of the first request, which determines what may be sent to a redirect target. */
interface Origin {
  readonly isSecure: boolean;
  readonly isUnix: boolean;
  /** The host with its port, or the path of the unix socket. */
  readonly host: string;
}

/** The opening handshake of one WebSocket, over all redirects. */
export class ClientHandshake {
  readonly #websocket: EventEmitter;
  readonly #failed: Failed;
  readonly #upgraded: Upgraded;
  readonly #options: ClientOptions;
  readonly #subprotocols: Set<string>;
  readonly #badSubprotocols: boolean;
  #headers: OutgoingHttpHeaders;
  #origin: Origin | undefined;
  #aborted = false;
  /** The pending request. */
  request: ClientRequest | null = null;
  /** The number of followed redirects. */
  redirects = 0;
  /** The URL of the last request. */
  url = "";

  /**
   * @param websocket The WebSocket, which emits the events of the handshake.
   * @param subprotocols The subprotocols to offer.
   * @param options The user's options.
   * @param failed Called when it has failed.
   * @param upgraded Called when it is complete.
   * @throws {RangeError} When the version is not supported.
   */
  constructor(
    websocket: EventEmitter,
    subprotocols: readonly unknown[],
    options: ClientOptions,
    failed: Failed,
    upgraded: Upgraded,
  ) {
    const { protocolVersion = 13 } = options;
    if (!VERSIONS.includes(protocolVersion)) {
      throw new RangeError(
        `Unsupported protocol version: ${protocolVersion} ` +
          `(supported versions: ${VERSIONS.join(", ")})`,
      );
    }
    this.#websocket = websocket;
    this.#failed = failed;
    this.#upgraded = upgraded;
    this.#options = options;
    this.#subprotocols = new Set(subprotocols as string[]);
    this.#badSubprotocols = this.#subprotocols.size < subprotocols.length ||
      !subprotocols.every((name) => typeof name === "string" && isToken(name));
    this.#headers = options.headers as OutgoingHttpHeaders ?? {};
  }

  /**
   * Sends the request.
   *
   * @throws {SyntaxError} When the URL is invalid, unless it came from a redirect, or a subprotocol
   * is not a token or repeated.
   */
  start(address: string | URL): void {
    let url: URL;
    try {
      url = parseUrl(address);
      this.url = url.href;
      checkUrl(url);
    } catch (error) {
      if (this.redirects === 0) throw error;
      this.#fail(error as Error);
      return;
    }
    if (this.#badSubprotocols) {
      throw new SyntaxError("An invalid or duplicated subprotocol was specified");
    }
    this.#send(url);
  }

  /** Aborts with this error message. */
  abort(message: string): void {
    this.#aborted = true;
    const { request } = this;
    this.#failed(new Error(message), (report) => {
      // Node's `destroy` does not close the socket of an answered request.
      request?.destroy();
      request?.socket?.destroy();
      nextTick(report);
    });
  }

  #fail(error: Error): void {
    this.#aborted = true;
    this.request = null;
    this.#failed(error, (report) => report());
  }

  #send(url: URL): void {
    const { handshakeTimeout, finishRequest, maxRedirects: _, ...options } = this.#options;
    const isSecure = url.protocol === "wss:";
    const key = encodeKey(randomNonce());
    const deflate = this.#deflate();
    const target = targetOf(url);
    const { createConnection = isSecure ? connectTls : connectPlain } = options;
    const request: RequestOptions = {
      ...options as RequestOptions,
      protocol: undefined,
      hostname: undefined,
      createConnection,
      defaultPort: options.defaultPort ?? (isSecure ? 443 : 80),
      method: "GET",
      timeout: handshakeTimeout,
      auth: credentialsOf(url) ?? options.auth,
      ...target,
    };
    const headers = { ...this.#headers };
    this.#applyRedirect(url, target.socketPath, headers, request);
    request.headers = { ...headers, ...this.#upgradeHeaders(key, deflate) };
    // Here, because `createConnection` may change the request's options.
    const sent = (isSecure ? https : http).request(request);
    this.request = sent;
    if (this.redirects > 0) this.#websocket.emit("redirect", this.url, sent);
    sent.on("timeout", () => this.abort("Opening handshake has timed out"));
    sent.on("error", (error) => {
      if (this.request === sent && !this.#aborted) this.#fail(error);
    });
    sent.on("response", (response) => this.#answered(sent, response, url));
    sent.on("upgrade", (response, socket, head) => {
      this.#websocket.emit("upgrade", response);
      // A listener may have closed the WebSocket.
      if (this.#aborted) return;
      this.request = null;
      this.#complete(response, socket, head, key, deflate);
    });
    if (finishRequest === undefined) sent.end();
    else finishRequest(sent, this.#websocket as never);
  }

  #deflate(): PerMessageDeflate | undefined {
    const { perMessageDeflate = true } = this.#options;
    if (perMessageDeflate === false) return undefined;
    return new PerMessageDeflate(perMessageDeflate === true ? {} : perMessageDeflate);
  }

  #upgradeHeaders(key: string, deflate: PerMessageDeflate | undefined): OutgoingHttpHeaders {
    const { protocolVersion = 13, origin } = this.#options;
    const headers: OutgoingHttpHeaders = {
      "Sec-WebSocket-Version": protocolVersion,
      "Sec-WebSocket-Key": key,
      Connection: "Upgrade",
      Upgrade: "websocket",
    };
    if (deflate !== undefined) {
      headers["Sec-WebSocket-Extensions"] = extension.format({
        [PerMessageDeflate.extensionName]: deflate.offer(),
      });
    }
    if (this.#subprotocols.size > 0) {
      headers["Sec-WebSocket-Protocol"] = [...this.#subprotocols].join(",");
    }
    if (origin) headers[protocolVersion < 13 ? "Sec-WebSocket-Origin" : "Origin"] = origin;
    return headers;
  }

  /**
   * Omits confidential data in a redirect to another server, unless a redirect listener decides.
   */
  #applyRedirect(
    url: URL,
    socketPath: string | undefined,
    headers: OutgoingHttpHeaders,
    request: RequestOptions,
  ): void {
    if (this.#options.followRedirects !== true) return;
    const here: Origin = {
      isSecure: url.protocol === "wss:",
      isUnix: socketPath !== undefined,
      host: socketPath ?? url.host,
    };
    if (this.#origin === undefined) {
      this.#origin = here;
      for (const [name, value] of Object.entries(headers)) {
        delete headers[name];
        headers[name.toLowerCase()] = value;
      }
      this.#headers = { ...headers };
    } else if (this.#websocket.listenerCount("redirect") === 0) {
      const sameHost = here.isUnix === this.#origin.isUnix && here.host === this.#origin.host;
      if (!sameHost || (this.#origin.isSecure && !here.isSecure)) {
        delete headers.authorization;
        delete headers.cookie;
        if (!sameHost) delete headers.host;
        request.auth = undefined;
      }
    }
    // The credentials of the first URL apply to all requests.
    if (request.auth && this.#headers.authorization === undefined) {
      const { auth } = request;
      this.#headers.authorization = `Basic ${Buffer.from(auth).toString("base64")}`;
    }
  }

  #answered(request: ClientRequest, response: IncomingMessage, url: URL): void {
    const { followRedirects = false, maxRedirects = 10 } = this.#options;
    const { statusCode = 0, headers: { location } } = response;
    if (followRedirects && location !== undefined && statusCode >= 300 && statusCode < 400) {
      if (++this.redirects > maxRedirects) {
        this.abort("Maximum redirects exceeded");
        return;
      }
      this.request = null;
      request.destroy();
      this.#follow(location, url);
    } else if (!this.#websocket.emit("unexpected-response", request, response)) {
      this.abort(`Unexpected server response: ${statusCode}`);
    }
  }

  #follow(location: string, from: URL): void {
    let url: URL;
    try {
      url = new URL(location, from);
    } catch {
      this.#fail(new SyntaxError(`Invalid URL: ${location}`));
      return;
    }
    this.start(url);
  }

  #complete(
    response: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    key: string,
    deflate: PerMessageDeflate | undefined,
  ): void {
    try {
      checkUpgrade(response, key);
      const protocol = this.#checkSubprotocol(response.headers["sec-websocket-protocol"]);
      const extensions = checkExtensions(response.headers["sec-websocket-extensions"], deflate);
      this.#upgraded(socket, head, { protocol, deflate: extensions });
    } catch (error) {
      if (!(error instanceof UpgradeError)) throw error;
      this.#failed(new Error(error.message), (report) => {
        // Socket errors provide no further information.
        socket.on("error", () => {});
        socket.once("close", report);
        socket.destroy();
      });
    }
  }

  #checkSubprotocol(answered: string | string[] | undefined): string {
    const wanted = this.#subprotocols;
    if (answered === undefined) {
      if (wanted.size > 0) throw new UpgradeError("Server sent no subprotocol");
      return "";
    }
    const protocol = String(answered);
    if (wanted.size === 0) {
      throw new UpgradeError("Server sent a subprotocol but none was requested");
    }
    if (!wanted.has(protocol)) throw new UpgradeError("Server sent an invalid subprotocol");
    return protocol;
  }
}

/** The server's response does not match the request. */
class UpgradeError extends Error {}

function parseUrl(address: string | URL): URL {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new SyntaxError(`Invalid URL: ${address}`);
  }
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  return url;
}

function checkUrl(url: URL): void {
  if (!["ws:", "wss:", "ws+unix:"].includes(url.protocol)) {
    throw new SyntaxError(
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    );
  }
  if (url.protocol === "ws+unix:" && url.pathname === "") {
    throw new SyntaxError("The URL's pathname is empty");
  }
  if (url.hash !== "") throw new SyntaxError("The URL contains a fragment identifier");
}

/**
 * The target of a request. A `ws+unix:` URL has the socket path before a colon and the URL path
 * after it.
 */
function targetOf(
  url: URL,
): { host: string; port: string | number; path: string; socketPath: string | undefined } {
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  const defaultPort = url.protocol === "wss:" ? 443 : 80;
  const port = url.port === "" ? defaultPort : url.port;
  const path = url.pathname + url.search;
  if (url.protocol !== "ws+unix:") return { host, port, path, socketPath: undefined };
  const colon = path.indexOf(":");
  return colon === -1
    ? { host, port, path: "", socketPath: path }
    : { host, port, path: path.slice(colon + 1), socketPath: path.slice(0, colon) };
}

function credentialsOf(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  return `${unescape(url.username)}:${unescape(url.password)}`;
}

/** For `net.connect`, `path` is a unix socket; for a request it is the URL path. */
function connectPlain(options: object): net.Socket {
  const { socketPath } = options as { socketPath?: string };
  return net.connect({ ...options, path: socketPath } as net.NetConnectOpts);
}

function connectTls(options: object): tls.TLSSocket {
  const { host = "", servername } = options as { host?: string; servername?: string };
  return tls.connect({
    ...options,
    path: undefined,
    servername: servername ?? (net.isIP(host) > 0 ? "" : host),
  });
}

/** RFC 6455 4.1: the requirements of the response. */
function checkUpgrade(response: IncomingMessage, key: string): void {
  if (response.headers.upgrade?.toLowerCase() !== "websocket") {
    throw new UpgradeError("Invalid Upgrade header");
  }
  if (response.headers["sec-websocket-accept"] !== acceptKey(key)) {
    throw new UpgradeError("Invalid Sec-WebSocket-Accept header");
  }
}

function checkExtensions(
  answered: string | string[] | undefined,
  deflate: PerMessageDeflate | undefined,
): PerMessageDeflateParameters | undefined {
  if (answered === undefined) return undefined;
  if (deflate === undefined) {
    throw new UpgradeError(
      "Server sent a Sec-WebSocket-Extensions header but no extension was requested",
    );
  }
  const invalid = "Invalid Sec-WebSocket-Extensions header";
  const extensions = attempt(() => extension.parse(String(answered)), invalid);
  const name = PerMessageDeflate.extensionName;
  if (Object.keys(extensions).join() !== name) {
    throw new UpgradeError("Server indicated an extension that was not requested");
  }
  return attempt(() => deflate.accept(extensions[name]!), invalid);
}

function attempt<V>(call: () => V, message: string): V {
  try {
    return call();
  } catch {
    throw new UpgradeError(message);
  }
}

// The sockets of a server that is there: the opening handshake on a web Request, and the connections it
// leads to. Each runtime adds how a request becomes one of its WebSockets.

import { HandshakeError } from "../errors.ts";
import type { HandshakeInfo } from "../connection/connection.ts";
import { acceptResponse, refusalResponse } from "../handshake/response.ts";
import { requestFrom } from "../handshake/request_head.ts";
import { checkUpgrade, type ServerRequest } from "../handshake/server.ts";
import { chooseSubprotocol } from "../handshake/subprotocols.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/topic_protocol.ts";
import { ConnectionGroup } from "../server/connection_group.ts";
import { hostRefused, isHostAllowed, isOriginAllowed, originRefused } from "../server/admission.ts";
import { ServerCore } from "../server/server_core.ts";
import { type ServeOptions, serveRules } from "../server/serve_options.ts";
import {
  callHook,
  checkDecision,
  HookFailure,
  isResponse,
  type UpgradeAcceptance,
  type UpgradeRequest,
  type UpgradeResult,
} from "../server/upgrade_hook.ts";
import { headerLines } from "../shared/header_lines.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import { type NativeContext, NativeDriver } from "./driver.ts";
import type { NativeEngine, NativePeer } from "./engine.ts";
import { checkNativeOptions, type NativeLimits } from "./native_options.ts";

/** The options of `createSockets`: those of `serve` that make sense where the runtime has the port. */
export type SocketsOptions<T = undefined> =
  & Omit<
    ServeOptions<T>,
    | "hostname"
    | "port"
    | "unix"
    | "path"
    | "reusePort"
    | "backlog"
    | "tls"
    | "fetch"
    | "maxHandshakeSize"
    | "noDelay"
    | "readBufferSize"
    | "denoSockets"
  >
  & {
    /** The URL path, or the paths, that become WebSockets. Default: all. */
    path?: string | readonly string[];
  };

/** A request that was accepted, for the runtime to upgrade. */
export interface NativeUpgrade<T, S> {
  /** What drives the connection, once it is open. */
  readonly driver: NativeDriver<T, S>;
  /** The subprotocol, or the empty string. */
  readonly subprotocol: string;
  /** Further header fields of the answer. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** How a request becomes a WebSocket; `A` is what the runtime wants as the answer. */
export type PerformUpgrade<T, S, A> = (upgrade: NativeUpgrade<T, S>) => A | Response;

/** The connections that one `createSockets` has accepted, and the way to them. */
export abstract class NativeSockets<T, S> extends ConnectionGroup<T> {
  readonly #core: ServerCore<T>;
  readonly #engine: NativeEngine<S>;
  readonly #paths: ReadonlySet<string> | undefined;
  readonly #context: NativeContext<T>;
  /** Handshakes whose `upgrade` hook has yet to decide, and connections that have yet to open. */
  #opening = 0;

  /** @internal Sockets come from `createSockets`. */
  constructor(options: SocketsOptions<T>, engine: NativeEngine<S>, limits: NativeLimits) {
    const { path, ...others } = checkNativeOptions(options, limits);
    const core = new ServerCore<T>(serveRules<T>(others));
    super(core);
    this.#core = core;
    this.#engine = engine;
    this.#paths = path === undefined
      ? undefined
      : new Set(typeof path === "string" ? [path] : path);
    this.#context = {
      connectionRules: core.connectionRules,
      handlers: core.handlers,
      topics: core.topics,
      reportError: (error) => core.reportError(error),
      connectionOpened: (driver) => {
        this.#opening--;
        if (core.isShuttingDown) return false;
        core.joined(driver);
        return true;
      },
      connectionAbandoned: () => void this.#opening--,
      connectionClosed: (connection) => core.connectionClosed(connection),
    };
    core.begin();
  }

  /** @internal The options once checked. */
  protected get rules(): ServerCore<T>["rules"] {
    return this.#core.rules;
  }

  /** @internal Whether a request asks for a WebSocket of one of our paths. */
  protected isOwn(request: Request): boolean {
    const { headers, method, url } = request;
    if (method !== "GET" || headers.get("upgrade")?.toLowerCase() !== "websocket") return false;
    return this.#paths === undefined || this.#paths.has(pathOf(url));
  }

  /** @internal Decides about a request, and lets the runtime upgrade it. */
  protected take<A>(
    request: Request,
    peer: NativePeer,
    perform: PerformUpgrade<T, S, A>,
  ): Promise<A | Response> {
    try {
      const decided = this.#decide(request, peer, perform);
      return isPromiseLike(decided)
        ? Promise.resolve(decided).catch((error: unknown) => this.#refuse(error))
        : Promise.resolve(decided);
    } catch (error) {
      return Promise.resolve(this.#refuse(error));
    }
  }

  #decide<A>(
    request: Request,
    peer: NativePeer,
    perform: PerformUpgrade<T, S, A>,
  ): A | Response | Promise<A | Response> {
    if (this.#core.isShuttingDown) return shuttingDown();
    this.#checkRoom();
    const { rules } = this.#core;
    const head = checkUpgrade(headOf(request));
    if (!isHostAllowed(rules.allowedHosts, head.host)) throw hostRefused(head.host);
    const upgradeRequest: UpgradeRequest = {
      method: head.method,
      url: request.url.replace(/^http/, "ws"),
      path: pathOf(request.url),
      headers: head.fields,
      remoteAddress: peer.remoteAddress,
      remotePort: peer.remotePort,
      raw: request,
      subprotocols: head.subprotocols,
    };
    const origins = head.fields.getAll("origin");
    const isAllowed = callHook(() =>
      isOriginAllowed(rules.allowedOrigins, origins, head.host, upgradeRequest)
    );
    if (!isAllowed) throw originRefused(origins, upgradeRequest);
    const { upgrade } = rules.options;
    if (upgrade === undefined) return this.#accept(head, upgradeRequest, peer, undefined, perform);
    const decision = callHook(() => upgrade.call(rules.options, upgradeRequest));
    if (!isPromiseLike(decision)) {
      return this.#settle(head, upgradeRequest, peer, decision, perform);
    }
    return this.#whenDecided(
      decision,
      (settled) => this.#settle(head, upgradeRequest, peer, settled, perform),
    );
  }

  /** Waits for a hook, no longer than `handshakeTimeout`. */
  async #whenDecided<V, A>(decision: PromiseLike<V>, then: (value: V) => A): Promise<A> {
    const { handshakeTimeout } = this.#core.rules;
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.#opening++;
    try {
      const late = new Promise<never>((_, reject) => {
        if (handshakeTimeout === 0) return;
        const error = new HandshakeError(
          "HANDSHAKE_TIMEOUT",
          "The server took too long to decide",
          { status: 503 },
        );
        timer = setTimeout(() => reject(error), handshakeTimeout);
      });
      const failed = (cause: unknown): never => {
        throw new HookFailure(cause);
      };
      const value = await Promise.race([Promise.resolve(decision).catch(failed), late]);
      return then(value);
    } finally {
      clearTimeout(timer);
      this.#opening--;
    }
  }

  #settle<A>(
    head: ServerRequest,
    request: UpgradeRequest,
    peer: NativePeer,
    result: UpgradeResult<T>,
    perform: PerformUpgrade<T, S, A>,
  ): A | Response {
    if (isResponse(result)) return result;
    if (result === "pass") {
      throw new TypeError('upgrade returned "pass", which createSockets cannot do: use `path`');
    }
    const decision = result ?? undefined;
    if (decision !== undefined) checkDecision(decision);
    if (decision?.status !== undefined) {
      const { status, headers, body } = decision;
      const lines = headerLines(headers);
      // It checks the status, the fields and the body.
      refusalResponse({ status, headers: lines, body });
      return new Response(body as BodyInit | undefined ?? null, {
        status,
        headers: [...lines ?? []].map(([name, value]) => [name, value]),
      });
    }
    return this.#accept(head, request, peer, decision as UpgradeAcceptance<T> | undefined, perform);
  }

  #accept<A>(
    head: ServerRequest,
    request: UpgradeRequest,
    peer: NativePeer,
    decision: UpgradeAcceptance<T> | undefined,
    perform: PerformUpgrade<T, S, A>,
  ): A | Response {
    // Again, because others may have come, or the server shut down, while a hook decided.
    if (this.#core.isShuttingDown) return shuttingDown();
    this.#checkRoom();
    const { subprotocols } = head;
    const subprotocol = decision?.subprotocol ??
      chooseSubprotocol(this.#core.rules.subprotocols, subprotocols) ?? "";
    const headers = [...headerLines(decision?.headers) ?? []];
    if (decision !== undefined) {
      // It checks that the client offers the subprotocol, and that the fields may be set.
      acceptResponse({
        key: head.key,
        subprotocol: subprotocol === "" ? undefined : subprotocol,
        subprotocols,
        headers,
      });
    }
    head.fields.compact();
    const info: HandshakeInfo = {
      url: request.url,
      status: 101,
      headers: head.fields,
      protocol: subprotocol,
      extensions: "",
    };
    this.#opening++;
    const driver = new NativeDriver<T, S>(
      this.#context,
      this.#engine,
      info,
      decision?.data as T,
      peer,
      decision?.handlers,
      subprotocol === TOPICS_SUBPROTOCOL ? this.#core.topicsLayer : undefined,
    );
    return perform({ driver, subprotocol, headers });
  }

  /** @throws {HandshakeError} When there are too many connections. */
  #checkRoom(): void {
    const { maxConnections } = this.#core.rules;
    if (this.#core.connections + this.#opening >= maxConnections) {
      throw new HandshakeError(
        "TOO_MANY_CONNECTIONS",
        `Connection limit reached (maxConnections: ${maxConnections})`,
        { status: 503 },
      );
    }
  }

  /** The answer to a request that is not accepted. */
  #refuse(error: unknown): Response {
    if (error instanceof HandshakeError) {
      const headers = [...error.headers ?? []].filter(([name]) => !/^connection$/i.test(name));
      return new Response(`${error.message}\n`, { status: error.status ?? 400, headers });
    }
    this.#core.reportError(error instanceof HookFailure ? error.cause : error);
    return new Response("The server failed to decide\n", { status: 500 });
  }
}

function shuttingDown(): Response {
  return new Response("The server shuts down\n", { status: 503 });
}

/** The path of a URL, without its query. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}

/** A web request as the head that the checks of the opening handshake read. */
function headOf(request: Request): ReturnType<typeof requestFrom> {
  const { method, url, headers } = request;
  const rawHeaders: string[] = [];
  for (const [name, value] of headers) rawHeaders.push(name, value);
  const authority = url.indexOf("://") + 3;
  const path = url.indexOf("/", authority);
  // The runtime has taken it from the Host field, or the first line.
  if (!headers.has("host")) rawHeaders.push("host", url.slice(authority, path));
  return requestFrom({ method, target: url.slice(path), version: "HTTP/1.1", rawHeaders });
}

// WebSockets on an existing server: the opening handshake on a web Request, and the resulting
// connections. Each runtime implements the upgrade.

import { HandshakeError, type HeaderView } from "../errors.ts";
import { Relay } from "../backplane/relay.ts";
import { acceptResponse, refusalResponse } from "../handshake/response.ts";
import { checkUpgrade, type ServerRequest } from "../handshake/server.ts";
import { chooseSubprotocol } from "../handshake/subprotocols.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import { checkPolicy, shuttingDown, undecided } from "../server/admission.ts";
import type { PeerAddress } from "../server/client_address.ts";
import { ConnectionGroup } from "../server/connection_group.ts";
import { HandshakeClient } from "../server/handshake_client.ts";
import { ServerCore } from "../server/server_core.ts";
import { type ServeRules, serveRules, type UpgradeOptions } from "../server/serve_options.ts";
import type { ShutdownOptions } from "../server/shutdown.ts";
import {
  callHook,
  checkAnswer,
  checkDecision,
  HookFailure,
  isResponse,
  type Refusal,
  rejectedByHook,
  releaseOf,
  type UpgradeAcceptance,
  type UpgradeRequest,
  type UpgradeResult,
} from "../server/upgrade_hook.ts";
import { headerLines, show } from "../shared/check.ts";
import { isPromiseLike } from "../shared/user_code.ts";
import { type Timer, timers } from "../shared/timer_wheel.ts";
import { NativeDriver } from "./driver.ts";
import type { NativeEngine } from "./engine.ts";
import { checkNativeOptions, type NativeLimits } from "./native_options.ts";
import { NativeHandshakeInfo, pathOf, readHead } from "./request_head.ts";
import type { NativeContext } from "./sender.ts";

/**
 * The options of `createSockets`: the options of `serve` that apply when the runtime owns the port.
 *
 * @category Server
 */
export type SocketsOptions<T = undefined> = UpgradeOptions<T>;

/** A connection that was accepted but is not open yet. */
export interface NativeOpening<T, S> {
  /**
   * The runtime has opened the WebSocket.
   *
   * @param join Makes the driver receive the socket's events; called before the `open` handler.
   */
  opened(socket: S, join: (driver: NativeDriver<T, S>) => void): void;
  /** The connection never opened. */
  abandoned(): void;
}

/** An accepted request for the runtime to upgrade. */
export interface NativeUpgrade<T, S> {
  /** Becomes the connection when the runtime opens its WebSocket. */
  readonly opening: NativeOpening<T, S>;
  /** The subprotocol, or the empty string. */
  readonly subprotocol: string;
  /** Additional header fields of the response. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Upgrades a request to a WebSocket; `A` is the runtime's response type. */
export type PerformUpgrade<T, S, A> = (upgrade: NativeUpgrade<T, S>) => A | Response;

/** Calls back when the client of a request disconnects; returns a function that cancels this. */
export type WatchClient = (left: () => void) => () => void;

/**
 * The connections and upgrades of one `createSockets`.
 *
 * @example
 * ```ts
 * import { createSockets, type NativeSockets } from "@quickws/quickws/deno";
 *
 * function count<T, S>(sockets: NativeSockets<T, S>): number {
 *   return sockets.connections;
 * }
 * console.log(count(createSockets())); // 0
 * ```
 *
 * @category Server
 */
export abstract class NativeSockets<T, S> extends ConnectionGroup<T> {
  readonly #core: NativeCore<T, S>;
  /** Callbacks for shutdown, one per request whose hook has not decided yet. */
  readonly #pendingDecisions: Set<() => void> = new Set();

  /** @internal Created by `createSockets`. */
  constructor(options: SocketsOptions<T>, engine: NativeEngine<S>, limits: NativeLimits) {
    const rules = serveRules<T>(checkNativeOptions(options, limits));
    const core = new NativeCore<T, S>(rules, engine);
    super(core);
    this.#core = core;
    core.begin();
  }

  /** @internal The checked options. */
  protected get rules(): ServerCore<T>["rules"] {
    return this.#core.rules;
  }

  /** Shuts the connections down; see {@linkcode ConnectionGroup.shutdown}. */
  override shutdown(options: ShutdownOptions = {}): Promise<void> {
    const finished = super.shutdown(options);
    for (const end of [...this.#pendingDecisions]) end();
    return finished;
  }

  /** @internal Whether a request is for a WebSocket on one of the paths. */
  protected isOwn(request: Request): boolean {
    // Check header fields last: reading them makes Deno and Bun copy all of them, while method and
    // URL are nearly free (bench/native).
    const method: unknown = request?.method;
    if (typeof method !== "string") throw wrongRequest(request);
    if (method !== "GET") return false;
    // Requests of node:http have no origin.
    if (request.url.startsWith("/")) throw wrongRequest(request);
    const { path } = this.#core.rules;
    if (path !== undefined && !path.includes(pathOf(request.url))) return false;
    const { headers } = request;
    if (typeof headers?.get !== "function") throw wrongRequest(request);
    return headers.get("upgrade")?.toLowerCase() === "websocket";
  }

  /** @internal Decides about a request and lets the runtime upgrade it. */
  protected take<A>(
    request: Request,
    peer: PeerAddress,
    perform: PerformUpgrade<T, S, A>,
    watchClient?: WatchClient,
  ): Promise<A | Response> {
    const handshake = new NativeHandshake<T, S, A>(
      this.#core,
      this.#pendingDecisions,
      request,
      peer,
      perform,
    );
    return handshake.run(watchClient);
  }
}

/** The server core for connections over the runtime's WebSockets. */
class NativeCore<T, S> extends ServerCore<T> implements NativeContext<T, S> {
  readonly engine: NativeEngine<S>;

  constructor(rules: ServeRules<T>, engine: NativeEngine<S>) {
    super(rules, { Relay });
    this.engine = engine;
  }
}

/** One opening handshake on a request read by the runtime. */
class NativeHandshake<T, S, A> implements NativeOpening<T, S> {
  readonly #core: NativeCore<T, S>;
  readonly #pendingDecisions: Set<() => void>;
  readonly #request: Request;
  readonly #perform: PerformUpgrade<T, S, A>;
  readonly #client: HandshakeClient;
  /** The URL of the WebSocket. */
  readonly #url: string;
  #upgradeRequest: UpgradeRequest | undefined;
  #head: ServerRequest | undefined;
  #text = "";
  #decision: UpgradeAcceptance<T> = {};
  #protocol = "";
  #release: (() => unknown) | undefined;
  /** Whether the handshake has finished, successfully or not. */
  #isOver = false;

  constructor(
    core: NativeCore<T, S>,
    undecided: Set<() => void>,
    request: Request,
    peer: PeerAddress,
    perform: PerformUpgrade<T, S, A>,
  ) {
    const { url, headers } = request;
    this.#core = core;
    this.#pendingDecisions = undecided;
    this.#request = request;
    this.#perform = perform;
    this.#client = new HandshakeClient(core.rules, core.count, peer, url.startsWith("https:"));
    this.#client.readScheme(headers);
    this.#url = (this.#client.isSecure ? "wss" : "ws") + url.slice(url.indexOf(":"));
  }

  /** The response; the promise does not reject. */
  run(watchClient: WatchClient | undefined): Promise<A | Response> {
    try {
      const result = this.#decide();
      if (!isPromiseLike(result)) return Promise.resolve(this.#settle(result));
      return this.#awaitDecision(result, watchClient).catch((error: unknown) =>
        this.#refuse(error)
      );
    } catch (error) {
      return Promise.resolve(this.#refuse(error));
    }
  }

  /** Checks the request and calls the hook. */
  #decide(): UpgradeResult<T> | PromiseLike<UpgradeResult<T>> {
    const { rules } = this.#core;
    this.#client.count();
    const { request: head, text } = readHead(this.#request, this.#url);
    const request = checkUpgrade(head);
    this.#head = request;
    this.#text = text;
    this.#client.readAddress(request.fields);
    const upgradeRequest = this.#describe(request.fields, request.subprotocols);
    this.#upgradeRequest = upgradeRequest;
    this.#client.countAddress();
    if (this.#core.isShuttingDown) throw shuttingDown();
    checkPolicy(rules, request, { upgradeRequest });
    return callHook(() => rules.options.upgrade?.(upgradeRequest));
  }

  #describe(headers: HeaderView, subprotocols: readonly string[]): UpgradeRequest {
    const { url, method } = this.#request;
    const { remoteAddress, remotePort } = this.#client.peer;
    return {
      method,
      url: this.#url,
      path: pathOf(url),
      headers,
      remoteAddress,
      remotePort,
      subprotocols,
      raw: this.#request,
    };
  }

  /** Waits for the hook, until `handshakeTimeout`, a client disconnection or a shutdown. */
  async #awaitDecision(
    result: PromiseLike<UpgradeResult<T>>,
    watchClient: WatchClient | undefined,
  ): Promise<A | Response> {
    const { handshakeTimeout } = this.#core.rules;
    let timer: Timer | undefined;
    let forget = (): void => {};
    const over = new Promise<never>((_, reject) => {
      const end = (): void => reject(shuttingDown());
      const forgetClient = watchClient?.(() => reject(clientLeft()));
      this.#pendingDecisions.add(end);
      if (handshakeTimeout > 0) {
        timer = timers.start(handshakeTimeout, { timerFired: () => reject(undecided()) }, 0);
      }
      forget = () => {
        this.#pendingDecisions.delete(end);
        forgetClient?.();
        timers.cancel(timer);
      };
    });
    let isOver = false;
    // After a late decision, `release` must still be called.
    const decided = Promise.resolve(result).then((value) => {
      if (isOver) this.#discard(value);
      return value;
    }, (cause: unknown) => {
      throw new HookFailure(cause);
    });
    try {
      return this.#settle(await Promise.race([decided, over]));
    } finally {
      isOver = true;
      forget();
    }
  }

  #settle(result: UpgradeResult<T>): A | Response {
    if (result === "pass") {
      throw new TypeError(
        'upgrade returned "pass", which is for attach and createUpgrader: here the option "path" ' +
          "selects the requests",
      );
    }
    this.#release = releaseOf(result);
    if (isResponse(result)) {
      checkAnswer(result);
      return this.#reject(result, rejectedByHook(result.status));
    }
    const decision = result === undefined ? {} : result;
    checkDecision(decision);
    if (decision.status === undefined) return this.#accept(decision);
    const { status, headers, body } = decision;
    const lines = headerLines(headers);
    // Validates the status, the fields and the body.
    refusalResponse({ status, headers: lines, body });
    const fields = new Headers([...lines ?? []].map(([name, value]) => [name, value]));
    const response = new Response(body as BodyInit | undefined ?? null, {
      status,
      headers: fields,
    });
    return this.#reject(response, rejectedByHook(status));
  }

  #accept(decision: UpgradeAcceptance<T>): A | Response {
    const core = this.#core;
    const { key, subprotocols } = this.#head!;
    // The server may have shut down meanwhile.
    if (core.isShuttingDown) throw shuttingDown();
    const subprotocol = decision.subprotocol ??
      chooseSubprotocol(core.rules.subprotocols, subprotocols);
    const headers = [...headerLines(decision.headers) ?? []];
    if (subprotocol !== undefined || headers.length > 0) {
      // Validates the subprotocol and the fields.
      acceptResponse({ key, subprotocol, subprotocols, headers });
    }
    this.#decision = decision;
    this.#protocol = subprotocol ?? "";
    return this.#perform({ opening: this, subprotocol: this.#protocol, headers });
  }

  /** The runtime has opened the WebSocket. */
  opened(socket: S, join: (driver: NativeDriver<T, S>) => void): void {
    const core = this.#core;
    const { data, handlers } = this.#decision;
    const driver = new NativeDriver<T, S>(
      core,
      new NativeHandshakeInfo(this.#text, this.#protocol, this.#client.peer),
      data as T,
      handlers,
      this.#protocol === TOPICS_SUBPROTOCOL ? core.topicsLayer : undefined,
    );
    join(driver);
    const accepted = !this.#isOver && !core.isShuttingDown;
    this.#isOver = true;
    if (accepted) {
      this.#client.handOver();
      core.joined(driver, this.#release);
    } else {
      this.#cleanUp();
    }
    driver.opened(socket, accepted);
  }

  /** The request was accepted, but the connection never opened. */
  abandoned(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cleanUp();
  }

  /** Creates the response that rejects a request because of an error. */
  #refuse(error: unknown): Response {
    if (error instanceof HandshakeError) {
      if (error.code === "CONNECTION_LOST") return this.#left();
      const { status = 400, code, message } = error;
      const headers = [...error.headers ?? []].filter(([name]) => !/^connection$/i.test(name));
      return this.#reject(new Response(`${message}\n`, { status, headers }), {
        status,
        code,
        message,
      });
    }
    this.#core.reportError(error instanceof HookFailure ? error.cause : error);
    const message = "A server hook failed";
    return this.#reject(new Response("Internal server error\n", { status: 500 }), {
      status: 500,
      code: "HANDLER_FAILED",
      message,
    });
  }

  /**
   * The client disconnected while the hook decided. This is not a rejection; the response is never
   * sent.
   */
  #left(): Response {
    this.#cleanUp();
    return new Response(null, { status: 400 });
  }

  #reject(response: Response, refusal: Refusal): Response {
    this.#cleanUp();
    this.#core.refused(this.#upgradeRequest ?? this.#describe(this.#request.headers, []), refusal);
    return response;
  }

  /** The hook decided about a request that has already ended. */
  #discard(result: unknown): void {
    const release = releaseOf(result);
    if (release !== undefined) this.#core.release(release);
  }

  /** There will be no connection: releases its counts and timers. */
  #cleanUp(): void {
    this.#client.release();
    const release = this.#release;
    this.#release = undefined;
    if (release !== undefined) this.#core.release(release);
  }
}

function wrongRequest(request: unknown): TypeError {
  let cure = "";
  if (typeof request === "object" && request !== null) {
    if ("httpVersion" in request) {
      cure = ': that is from node:http: use attach from "@quickws/quickws/node"';
    } else if ("req" in request || "header" in request) {
      cure = ": with Hono pass c.req.raw";
    }
  }
  return new TypeError(
    "handle needs the Request that the fetch handler received, as its first argument, got " +
      show(request) + cure,
  );
}

function clientLeft(): HandshakeError {
  return new HandshakeError("CONNECTION_LOST", "The client has disconnected", { status: 400 });
}

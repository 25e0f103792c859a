// The sockets of a server that is there: the opening handshake on a web Request, and the connections it
// leads to. Each runtime adds how a request becomes one of its WebSockets.

import { HandshakeError, type HeaderView } from "../errors.ts";
import { Relay } from "../backplane/relay.ts";
import type { HandshakeInfo } from "../connection/connection.ts";
import { acceptResponse, refusalResponse } from "../handshake/response.ts";
import {
  checkUpgrade,
  requestFrom,
  type RequestHead,
  type ServerRequest,
} from "../handshake/server.ts";
import { chooseSubprotocol } from "../handshake/subprotocols.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import { checkPolicy, shuttingDown, undecided } from "../server/admission.ts";
import type { PeerAddress } from "../server/client_address.ts";
import { ConnectionGroup } from "../server/connection_group.ts";
import { HandshakeClient } from "../server/handshake_client.ts";
import { type ServedConnection, ServerCore } from "../server/server_core.ts";
import { serveRules, type UpgradeOptions } from "../server/serve_options.ts";
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
import { isPromiseLike } from "../shared/promises.ts";
import { type Timer, timers } from "../shared/timer_wheel.ts";
import { NativeDriver, type NativeEntry } from "./driver.ts";
import type { NativeEngine } from "./engine.ts";
import { checkNativeOptions, type NativeLimits } from "./native_options.ts";

/**
 * The options of `createSockets`: those of `serve` that make sense where the runtime has the port.
 *
 * @category Server
 */
export type SocketsOptions<T = undefined> = UpgradeOptions<T>;

/** A request that was accepted, for the runtime to upgrade. */
export interface NativeUpgrade<T, S> {
  /** The driver of the connection, once it is open. */
  readonly driver: NativeDriver<T, S>;
  /** The subprotocol, or the empty string. */
  readonly subprotocol: string;
  /** Further header fields of the answer. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** How a request becomes a WebSocket; `A` is what the runtime wants as the answer. */
export type PerformUpgrade<T, S, A> = (upgrade: NativeUpgrade<T, S>) => A | Response;

/** Calls back when the client of a request leaves; returns what ends that. */
export type WhenLeft = (left: () => void) => () => void;

/**
 * The connections that one `createSockets` has accepted, and the way to them.
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
  readonly #core: ServerCore<T>;
  readonly #engine: NativeEngine<S>;
  /** Called when the server shuts down, by each request whose hook has yet to decide. */
  readonly #undecided: Set<() => void> = new Set();

  /** @internal Sockets come from `createSockets`. */
  constructor(options: SocketsOptions<T>, engine: NativeEngine<S>, limits: NativeLimits) {
    const core = new ServerCore<T>(serveRules<T>(checkNativeOptions(options, limits)), { Relay });
    super(core);
    this.#core = core;
    this.#engine = engine;
    core.begin();
  }

  /** @internal The options once checked. */
  protected get rules(): ServerCore<T>["rules"] {
    return this.#core.rules;
  }

  /** Shuts the connections down; see {@linkcode ConnectionGroup.shutdown}. */
  override shutdown(options: ShutdownOptions = {}): Promise<void> {
    const finished = super.shutdown(options);
    for (const end of [...this.#undecided]) end();
    return finished;
  }

  /** @internal Whether a request asks for a WebSocket of one of our paths. */
  protected isOwn(request: Request): boolean {
    // Header fields come last: asking for them makes Deno and Bun copy all of them, method and URL cost
    // next to nothing (bench/native).
    const method: unknown = request?.method;
    if (typeof method !== "string") throw wrongRequest(request);
    if (method !== "GET") return false;
    // That of node:http has no origin.
    if (request.url.startsWith("/")) throw wrongRequest(request);
    const { path } = this.#core.rules;
    if (path !== undefined && !path.includes(pathOf(request.url))) return false;
    const { headers } = request;
    if (typeof headers?.get !== "function") throw wrongRequest(request);
    return headers.get("upgrade")?.toLowerCase() === "websocket";
  }

  /** @internal Decides about a request, and lets the runtime upgrade it. */
  protected take<A>(
    request: Request,
    peer: PeerAddress,
    perform: PerformUpgrade<T, S, A>,
    whenLeft?: WhenLeft,
  ): Promise<A | Response> {
    const handshake = new NativeHandshake<T, S, A>(
      this.#core,
      this.#engine,
      this.#undecided,
      request,
      peer,
      perform,
    );
    return handshake.run(whenLeft);
  }
}

/** One opening handshake on a request that the runtime has read. */
class NativeHandshake<T, S, A> implements NativeEntry<T> {
  readonly #core: ServerCore<T>;
  readonly #engine: NativeEngine<S>;
  readonly #undecided: Set<() => void>;
  readonly #request: Request;
  readonly #perform: PerformUpgrade<T, S, A>;
  readonly #client: HandshakeClient;
  #upgradeRequest: UpgradeRequest;
  #head: ServerRequest | undefined;
  #release: (() => unknown) | undefined;

  constructor(
    core: ServerCore<T>,
    engine: NativeEngine<S>,
    undecided: Set<() => void>,
    request: Request,
    peer: PeerAddress,
    perform: PerformUpgrade<T, S, A>,
  ) {
    this.#core = core;
    this.#engine = engine;
    this.#undecided = undecided;
    this.#request = request;
    this.#perform = perform;
    this.#client = new HandshakeClient(
      core.rules,
      core.count,
      peer,
      request.url.startsWith("https:"),
    );
    this.#client.readScheme(request.headers);
    this.#upgradeRequest = this.#describe(request.headers, []);
  }

  /** The answer; the promise does not reject. */
  run(whenLeft: WhenLeft | undefined): Promise<A | Response> {
    try {
      const result = this.#decide();
      if (!isPromiseLike(result)) return Promise.resolve(this.#settle(result));
      return this.#whenDecided(result, whenLeft).catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      return Promise.resolve(this.#refuse(error));
    }
  }

  /** Checks the request, and asks the hook. */
  #decide(): UpgradeResult<T> | PromiseLike<UpgradeResult<T>> {
    const { rules } = this.#core;
    this.#client.count();
    const request = checkUpgrade(headOf(this.#request));
    this.#head = request;
    this.#client.readAddress(request.fields);
    this.#upgradeRequest = this.#describe(request.fields, request.subprotocols);
    this.#client.countAddress();
    if (this.#core.isShuttingDown) throw shuttingDown();
    checkPolicy(rules, request, this.#upgradeRequest);
    return callHook(() => rules.options.upgrade?.(this.#upgradeRequest));
  }

  #describe(headers: HeaderView, subprotocols: readonly string[]): UpgradeRequest {
    const { url, method } = this.#request;
    const { isSecure, peer: { remoteAddress, remotePort } } = this.#client;
    return {
      method,
      url: url.replace(/^https?/, isSecure ? "wss" : "ws"),
      path: pathOf(url),
      headers,
      remoteAddress,
      remotePort,
      subprotocols,
      raw: this.#request,
    };
  }

  /** Waits for the hook: no longer than `handshakeTimeout`, the client or the server. */
  async #whenDecided(
    result: PromiseLike<UpgradeResult<T>>,
    whenLeft: WhenLeft | undefined,
  ): Promise<A | Response> {
    const { handshakeTimeout } = this.#core.rules;
    let timer: Timer | undefined;
    let forget = (): void => {};
    const over = new Promise<never>((_, reject) => {
      const end = (): void => reject(shuttingDown());
      const forgetClient = whenLeft?.(() => reject(clientLeft()));
      this.#undecided.add(end);
      if (handshakeTimeout > 0) {
        timer = timers.start(handshakeTimeout, { timerFired: () => reject(undecided()) }, 0);
      }
      forget = () => {
        this.#undecided.delete(end);
        forgetClient?.();
        timers.cancel(timer);
      };
    });
    let isOver = false;
    // A decision that comes too late has still to give back what the hook has taken.
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
          "says which requests are left alone",
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
    // It checks the status, the fields and the body.
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
    const { key, subprotocols, fields } = this.#head!;
    // The server may have been shut down while the hook decided.
    if (core.isShuttingDown) throw shuttingDown();
    const subprotocol = decision.subprotocol ??
      chooseSubprotocol(core.rules.subprotocols, subprotocols);
    const headers = [...headerLines(decision.headers) ?? []];
    // It checks that the client offers the subprotocol, and that the fields may be set.
    acceptResponse({ key, subprotocol, subprotocols, headers });
    fields.compact();
    const info: HandshakeInfo = {
      url: this.#upgradeRequest.url,
      status: 101,
      headers: fields,
      protocol: subprotocol ?? "",
      extensions: "",
    };
    const driver = new NativeDriver<T, S>(
      core,
      this.#engine,
      this,
      info,
      decision.data as T,
      this.#client.peer,
      decision.handlers,
      subprotocol === TOPICS_SUBPROTOCOL ? core.topicsLayer : undefined,
    );
    return this.#perform({ driver, subprotocol: subprotocol ?? "", headers });
  }

  /** The connection is open. Returns whether it may stay. */
  opened(driver: ServedConnection<T>): boolean {
    const core = this.#core;
    if (core.isShuttingDown) {
      this.#giveBack();
      return false;
    }
    this.#client.handOver();
    core.joined(driver, this.#release);
    return true;
  }

  /** The request was accepted, and the connection has never opened. */
  abandoned(): void {
    this.#giveBack();
  }

  /** The answer to a request that is not accepted because of an error. */
  #refuse(error: unknown): Response {
    if (error instanceof HandshakeError) {
      const { status = 400, code, message } = error;
      const headers = [...error.headers ?? []].filter(([name]) => !/^connection$/i.test(name));
      return this.#reject(new Response(`${message}\n`, { status, headers }), {
        status,
        code,
        message,
      });
    }
    this.#core.reportError(error instanceof HookFailure ? error.cause : error);
    const message = "A hook of the server failed";
    return this.#reject(new Response("The server failed to decide\n", { status: 500 }), {
      status: 500,
      code: "HANDLER_FAILED",
      message,
    });
  }

  #reject(response: Response, refusal: Refusal): Response {
    this.#giveBack();
    this.#core.refused(this.#upgradeRequest, refusal);
    return response;
  }

  /** A hook has decided about a request that is over already. */
  #discard(result: unknown): void {
    const release = releaseOf(result);
    if (release !== undefined) this.#core.release(release);
  }

  /** There will be no connection: nothing is counted or kept for it. */
  #giveBack(): void {
    this.#client.giveBack();
    const release = this.#release;
    this.#release = undefined;
    if (release !== undefined) this.#core.release(release);
  }
}

function wrongRequest(request: unknown): TypeError {
  let cure = "";
  if (typeof request === "object" && request !== null) {
    if ("httpVersion" in request) {
      cure = ': that is of node:http: use attach of "@quickws/quickws/node"';
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
  return new HandshakeError("CONNECTION_LOST", "The client has left", { status: 400 });
}

/** The path of a URL, without its query. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}

/** A web request as the head that the checks of the opening handshake read. */
function headOf(request: Request): RequestHead {
  const { method, url, headers } = request;
  const rawHeaders: string[] = [];
  for (const [name, value] of headers) rawHeaders.push(name, value);
  const authority = url.indexOf("://") + 3;
  const path = url.indexOf("/", authority);
  // The runtime has taken it from the Host field, or the first line.
  if (!headers.has("host")) rawHeaders.push("host", url.slice(authority, path));
  return requestFrom({ method, target: url.slice(path), version: "HTTP/1.1", rawHeaders });
}

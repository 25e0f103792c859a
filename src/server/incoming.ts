// The server's end of one opening handshake: from the first byte of a request to an open connection,
// a refusal, or a plain HTTP answer.

import { HandshakeError } from "../errors.ts";
import { acceptDeflate, type DeflateAnswer } from "../handshake/deflate_offer.ts";
import { chooseSubprotocol } from "../handshake/subprotocols.ts";
import { acceptResponse, errorResponse, refusalResponse } from "../handshake/response.ts";
import type { RequestHead } from "../handshake/request_head.ts";
import { checkUpgrade, ServerHandshake, type ServerRequest } from "../handshake/server.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import { answerPlainRequest, toRequest } from "./plain_http.ts";
import type { Handlers } from "../connection/handlers.ts";
import { hostRefused, isHostAllowed } from "./host.ts";
import { headerLines } from "../shared/header_lines.ts";
import { isOriginAllowed, originRefused } from "./origin.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import type {
  ServeRules,
  UpgradeAcceptance,
  UpgradeDecision,
  UpgradeRequest,
} from "./serve_options.ts";
import { callHook, checkDecision, HookFailure } from "./upgrade_hook.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** A request that was accepted, with everything a connection is made of. */
export interface Accepted<T> {
  /** The stream. */
  readonly transport: Transport;
  /** The request. */
  readonly request: ServerRequest;
  /** The 101 answer, which is still to be sent. */
  readonly response: Uint8Array;
  /** The subprotocol, or the empty string. */
  readonly subprotocol: string;
  /** What was agreed about compression, if anything. */
  readonly deflate: DeflateAnswer | undefined;
  /** The URL of the connection. */
  readonly url: string;
  /** What the `upgrade` hook gave along. */
  readonly data: T | undefined;
  /** Handlers of this connection alone. */
  readonly handlers: Handlers<T> | undefined;
  /** What came behind the request. */
  readonly rest: readonly Uint8Array[];
  /** Whether the peer has already ended its direction. */
  readonly ended: boolean;
}

/** The server, as a handshake sees it. */
export interface IncomingOwner<T> {
  /** The checked options. */
  readonly rules: ServeRules<T>;
  /** How many connections are open. */
  readonly connections: number;
  /** The handshake is done. */
  accepted(incoming: Incoming<T>, accepted: Accepted<T>): void;
  /** The handshake ended in a refusal, a plain answer or a lost socket. */
  ended(incoming: Incoming<T>): void;
  /** An error that has no connection to go to. */
  reportError(error: unknown): void;
}

/** Milliseconds that a client has to take a refusal before its socket is cut. */
const LINGER = 2000;

const HANDSHAKE_TIMER = 0;
const LINGER_TIMER = 1;

/** One opening handshake on a server. */
export class Incoming<T> implements TransportSink, TimerTarget {
  readonly #owner: IncomingOwner<T>;
  readonly #transport: Transport;
  readonly #secure: boolean;
  readonly #handshake: ServerHandshake;
  #method = "";
  #state: "head" | "deciding" | "answered" = "head";
  #rest: Uint8Array[] = [];
  #ended = false;
  #timer: Timer | undefined;

  /**
   * @param owner The server.
   * @param transport The stream.
   * @param secure Whether it is TLS, which makes it `wss:`.
   */
  constructor(owner: IncomingOwner<T>, transport: Transport, secure: boolean) {
    this.#owner = owner;
    this.#transport = transport;
    this.#secure = secure;
    const { maxHandshakeSize, handshakeTimeout } = owner.rules;
    this.#handshake = new ServerHandshake({ maxBytes: maxHandshakeSize });
    if (handshakeTimeout > 0) this.#timer = timers.start(handshakeTimeout, this, HANDSHAKE_TIMER);
  }

  /** Begins to read. */
  start(): void {
    this.#transport.start(this);
  }

  /** Begins with a request that another HTTP server has read. */
  startWith(readHead: () => RequestHead): void {
    this.#transport.start(this);
    try {
      this.#take(readHead());
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Gives up: the server shuts down. */
  cancel(): void {
    if (this.#state !== "answered") this.#answer(refusalResponse({ status: 503 }));
  }

  /** Cuts the client: the time of the shutdown is over. */
  cut(): void {
    this.#transport.destroy();
  }

  /** Bytes arrived. */
  data(chunk: Uint8Array): void {
    if (this.#state === "deciding") this.#rest.push(chunk);
    if (this.#state !== "head") return;
    try {
      if (this.#handshake.push(chunk)) this.#take(this.#handshake.request);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Nothing here waits for room to write. */
  drain(): void {}

  /** The peer has ended its direction. */
  end(): void {
    this.#ended = true;
    if (this.#state !== "deciding") this.#transport.end();
  }

  /** The stream is over. */
  closed(): void {
    this.#state = "answered";
    timers.cancel(this.#timer);
    this.#owner.ended(this);
  }

  /** Time is up. */
  timerFired(kind: number): void {
    if (kind === LINGER_TIMER) {
      this.#transport.destroy();
    } else if (this.#state === "head") {
      this.#answer(refusalResponse({ status: 408, body: "The request took too long to arrive\n" }));
    } else {
      this.#answer(refusalResponse({ status: 503, body: "The server took too long to decide\n" }));
    }
  }

  #take(head: RequestHead): void {
    const { fetch } = this.#owner.rules.options;
    this.#state = "deciding";
    if (head.rest.length > 0) this.#rest.push(head.rest);
    this.#method = head.method;
    if (!isHostAllowed(this.#owner.rules.allowedHosts, head.host)) throw hostRefused(head.host);
    if (head.isUpgrade || fetch === undefined) {
      this.#decide(head);
      return;
    }
    const request = toRequest(head, this.#secure);
    this.#waitFor(answerPlainRequest(fetch, request), (bytes) => this.#answer(bytes));
  }

  #decide(head: RequestHead): void {
    const { rules } = this.#owner;
    const request = checkUpgrade(head);
    const upgradeRequest = this.#upgradeRequest(request);
    this.#checkPolicy(request, upgradeRequest);
    // A function among the options may have shut the server down, which has answered then.
    if (this.#state !== "deciding") return;
    if (rules.options.upgrade === undefined) {
      this.#accept(request, upgradeRequest.url, undefined);
      return;
    }
    const decision = callHook(() => rules.options.upgrade!(upgradeRequest));
    if (isPromiseLike(decision)) {
      this.#waitFor(decision, (settled) => this.#settle(request, upgradeRequest.url, settled));
    } else {
      this.#settle(request, upgradeRequest.url, decision);
    }
  }

  #upgradeRequest(request: ServerRequest): UpgradeRequest {
    return {
      method: request.method,
      // Joined, because a template would hold on to the whole head, of which these are parts.
      url: [this.#secure ? "wss://" : "ws://", request.host, request.path].join(""),
      headers: request.fields,
      remoteAddress: this.#transport.remoteAddress,
      subprotocols: request.subprotocols,
    };
  }

  /** @throws {HandshakeError} When the origin is not let in, or there are too many connections. */
  #checkPolicy(request: ServerRequest, upgradeRequest: UpgradeRequest): void {
    const { allowedOrigins: origins } = this.#owner.rules;
    const values = request.fields.getAll("origin");
    const allowed = callHook(() => isOriginAllowed(origins, values, request.host, upgradeRequest));
    if (!allowed) {
      throw originRefused(values, request.host);
    }
    this.#checkRoom();
  }

  /** @throws {HandshakeError} When there are too many connections. */
  #checkRoom(): void {
    if (this.#owner.connections >= this.#owner.rules.maxConnections) {
      throw new HandshakeError("TOO_MANY_CONNECTIONS", "The server has no room for more", {
        status: 503,
      });
    }
  }

  /** Stops reading until a promise of the user's is settled. */
  #waitFor<V>(promise: PromiseLike<V>, then: (value: V) => void): void {
    this.#transport.pause();
    Promise.resolve(promise).then((value) => {
      if (this.#state !== "deciding") return;
      this.#transport.resume();
      then(value);
    }, (cause: unknown) => {
      throw new HookFailure(cause);
    }).catch((error: unknown) => this.#refuse(error));
  }

  #settle(request: ServerRequest, url: string, decision: UpgradeDecision<T> | void): void {
    checkDecision(decision);
    // The hook may have shut the server down, which has answered then.
    if (this.#state !== "deciding") return;
    if (decision?.status !== undefined) {
      const { status, headers, body } = decision;
      this.#answer(refusalResponse({ status, headers: headerLines(headers), body }));
      return;
    }
    this.#accept(request, url, decision as UpgradeAcceptance<T> | undefined);
  }

  #accept(request: ServerRequest, url: string, decision: UpgradeAcceptance<T> | undefined): void {
    // Again, because others may have come while a hook decided.
    this.#checkRoom();
    const { subprotocols } = request;
    const subprotocol = decision?.subprotocol ??
      chooseSubprotocol(this.#owner.rules.subprotocols, subprotocols);
    const { compression } = this.#owner.rules.connection;
    const deflate = compression && acceptDeflate(request.extensions, compression);
    const response = acceptResponse({
      key: request.key,
      subprotocol,
      subprotocols,
      extensions: deflate?.extensions,
      headers: headerLines(decision?.headers),
    });
    this.#state = "answered";
    timers.cancel(this.#timer);
    this.#owner.accepted(this, {
      transport: this.#transport,
      request,
      response,
      subprotocol: subprotocol ?? "",
      deflate,
      url,
      data: decision?.data,
      handlers: decision?.handlers,
      rest: this.#rest,
      ended: this.#ended,
    });
  }

  #refuse(error: unknown): void {
    if (error instanceof HandshakeError) {
      this.#answer(errorResponse(error, this.#method));
      return;
    }
    this.#owner.reportError(error instanceof HookFailure ? error.cause : error);
    const omitBody = this.#method === "HEAD";
    this.#answer(refusalResponse({ status: 500, body: "The server failed to decide\n", omitBody }));
  }

  /** Sends the one and last answer; what the client still sends is read and dropped. */
  #answer(bytes: Uint8Array): void {
    if (this.#state === "answered") return;
    this.#state = "answered";
    this.#rest = [];
    timers.cancel(this.#timer);
    this.#timer = timers.start(LINGER, this, LINGER_TIMER);
    this.#transport.write(bytes, bytes.length);
    this.#transport.end();
    // It may have been stopped for a hook; now its end is to be seen.
    this.#transport.resume();
  }
}

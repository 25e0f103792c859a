// The server's end of one opening handshake: from the first byte of a request to an open connection,
// a rejection, or a plain HTTP response.

import { HandshakeError } from "../errors.ts";
import type { Handlers } from "../connection/handlers.ts";
import { acceptDeflate, type DeflateAnswer } from "../handshake/deflate_offer.ts";
import { HeaderFields } from "../handshake/header_fields.ts";
import { chooseSubprotocol } from "../handshake/subprotocols.ts";
import { acceptResponse, errorResponse, refusalResponse } from "../handshake/response.ts";
import {
  checkUpgrade,
  type RequestHead,
  ServerHandshake,
  type ServerRequest,
} from "../handshake/server.ts";
import { headerLines } from "../shared/check.ts";
import { isPromiseLike } from "../shared/promises.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import {
  checkPolicy,
  type ConnectionCount,
  hostRefused,
  isHostAllowed,
  notFound,
  Place,
  shuttingDown,
} from "./admission.ts";
import { addressed, addressOf, type PeerAddress, ProxyHeaderReader } from "./client_address.ts";
import { cancelBody, type ResponseOwner, ResponseWriter, toRequest } from "./plain_http.ts";
import type { ServeRules } from "./serve_options.ts";
import {
  callHook,
  checkDecision,
  HookFailure,
  isResponse,
  type Refusal,
  rejectedByHook,
  releaseOf,
  type UpgradeAcceptance,
  type UpgradeRequest,
  type UpgradeResult,
  type UpgradeTls,
} from "./upgrade_hook.ts";

/** A socket whose upgrade request another HTTP server has read. */
export interface UpgradeSocket extends PeerAddress {
  /** The TLS session, if there is one. */
  readonly tls: UpgradeTls | undefined;
  /** Calls back when the client leaves before the socket is taken or left. */
  watch(left: () => void): void;
  /**
   * Takes the socket over.
   *
   * @returns The stream, or `undefined` when the client has left.
   * @throws {TypeError} When another listener has answered the request.
   */
  take(): Transport | undefined;
  /** Leaves the socket to other listeners. */
  leave(): void;
  /** The client has left: ends the socket, unless another listener has taken it. */
  drop(): void;
}

/** The values that a caller of `upgrader.upgrade` gives to the connection. */
export interface UpgradeGift<T> {
  /** The first value of `connection.data`, instead of the one that the hook gives. */
  data?: T;
  /** Handlers of this connection alone, instead of those that the hook gives. */
  handlers?: Handlers<T>;
}

/** A request that was accepted, with everything that a connection is made of. */
export interface Accepted<T> {
  /** The stream. */
  readonly transport: Transport;
  /** The request. */
  readonly request: ServerRequest;
  /** The 101 response, which is still to be sent. */
  readonly response: Uint8Array;
  /** The subprotocol, or the empty string. */
  readonly subprotocol: string;
  /** The agreement about compression, if any. */
  readonly deflate: DeflateAnswer | undefined;
  /** The URL of the connection. */
  readonly url: string;
  /** The first value of `connection.data`. */
  readonly data: T | undefined;
  /** Handlers of this connection alone. */
  readonly handlers: Handlers<T> | undefined;
  /** Called when the connection has closed. */
  readonly release: (() => unknown) | undefined;
  /** The bytes behind the request. */
  readonly rest: readonly Uint8Array[];
  /** Whether the peer has already ended its direction. */
  readonly ended: boolean;
}

/** The server, as a handshake sees it. */
export interface HandshakeOwner<T> {
  /** The checked options. */
  readonly rules: ServeRules<T>;
  /** The count of handshakes and connections. */
  readonly count: ConnectionCount;
  /** Whether no connection is opened any more. */
  readonly isShuttingDown: boolean;
  /** The handshake is done. Its place in the count of its address is the connection's now. */
  accepted(handshake: Handshake<T>, accepted: Accepted<T>): void;
  /** The handshake ended without a connection. */
  ended(handshake: Handshake<T>): void;
  /** The request is left to other listeners. */
  passed(handshake: Handshake<T>): void;
  /** The request was rejected. */
  refused(request: UpgradeRequest, refusal: Refusal): void;
  /** Calls a `release` of the user's. */
  release(release: () => unknown): void;
  /** Receives errors that have no connection to go to. */
  reportError(error: unknown): void;
}

/** Milliseconds without progress that a client has to take a rejection before its socket is cut. */
const LINGER = 2000;
/** Milliseconds without progress of a response of the user's, which may be large, before it is cut. */
const RESPONSE_TIMEOUT = 30_000;
/**
 * Milliseconds that a request has beyond its time, once: after a stall of this process it may wait in the
 * kernel, and Deno needs some turns of the event loop to read all sockets.
 */
const GRACE = 100;
/** Bytes behind a request that are read while a hook decides; the peer has to wait with the rest. */
const MAX_REST = 65_536;

/** The purposes of the timers. */
const Kind = { Handshake: 0, Linger: 1, Shutdown: 2 } as const;

/** The stage of a handshake. */
const Phase = {
  /** A PROXY protocol header is read. */
  Proxy: 0,
  /** The head of the request is read. */
  Head: 1,
  /** A hook of the user's decides. */
  Deciding: 2,
  /** A response is sent whose body comes from the user. */
  Responding: 3,
  /** The response was given to the transport, or there is none to give. */
  Answered: 4,
} as const;

/** One opening handshake on a server. */
export class Handshake<T> implements TransportSink, TimerTarget, ResponseOwner {
  readonly #owner: HandshakeOwner<T>;
  readonly #socket: UpgradeSocket | undefined;
  readonly #secure: boolean;
  readonly #gift: UpgradeGift<T>;
  readonly #raw: unknown;
  #transport: Transport | undefined;
  #peer: PeerAddress;
  #proxyHeader: ProxyHeaderReader | undefined;
  #reader: ServerHandshake | undefined;
  #head: RequestHead | undefined;
  #request: UpgradeRequest | undefined;
  #phase: number = Phase.Head;
  /** Whether the request goes to `fetch`. */
  #plain = false;
  #rest: Uint8Array[] = [];
  #restSize = 0;
  #ended = false;
  #over = false;
  readonly #place: Place;
  /** Aborts when the client of a plain request has left. */
  #abort: AbortController | undefined;
  #writer: ResponseWriter | undefined;
  #refusal: HandshakeError | undefined;
  #isUnwanted = false;
  #timer: Timer | undefined;
  #hadGrace = false;
  #shutdownTimer: Timer | undefined;
  #shutdownTimeout = 0;
  #shutdownUnsent = 0;
  /** Output that had not left when progress was last looked for, and the time without progress. */
  #unsent = 0;
  #stuck = 0;
  #patience = LINGER;

  /**
   * @param owner The server.
   * @param source The stream, or the socket of a request that was read already.
   * @param gift Values of the caller for the connection.
   * @param raw The request object of the HTTP server that read it.
   */
  constructor(
    owner: HandshakeOwner<T>,
    source: { transport: Transport; secure: boolean } | { socket: UpgradeSocket },
    gift?: UpgradeGift<T>,
    raw?: unknown,
  ) {
    this.#owner = owner;
    this.#place = new Place(owner.count);
    this.#gift = gift ?? {};
    this.#raw = raw;
    if ("socket" in source) {
      this.#socket = source.socket;
      this.#secure = source.socket.tls !== undefined;
      this.#peer = addressOf(source.socket);
    } else {
      this.#transport = source.transport;
      this.#secure = source.secure;
      this.#peer = addressOf(source.transport);
    }
    const { handshakeTimeout, proxyProtocol } = owner.rules;
    if (proxyProtocol && this.#socket === undefined) {
      this.#proxyHeader = new ProxyHeaderReader();
      this.#phase = Phase.Proxy;
    }
    if (handshakeTimeout > 0) this.#timer = timers.start(handshakeTimeout, this, Kind.Handshake);
  }

  /** Begins to read. */
  start(): void {
    this.#transport!.start(this);
    try {
      this.#count();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /**
   * Begins with a request that another HTTP server has read.
   *
   * @param readHead Gives the head of the request.
   * @param isUnwanted Whether the request is rejected in any case, with 404.
   */
  startWith(readHead: () => RequestHead, isUnwanted: boolean): void {
    this.#isUnwanted = isUnwanted;
    this.#socket!.watch(() => this.#left());
    try {
      this.#deferRefusal(() => this.#count());
      this.#take(readHead());
    } catch (error) {
      this.#refuse(error);
    }
  }

  /**
   * The server shuts down: a request that is not decided yet is rejected; a response has some time left.
   *
   * @param timeout Milliseconds for the response.
   * @param keepHttp Whether plain requests are still answered.
   */
  shutDown(timeout: number, keepHttp: boolean): void {
    if (keepHttp && (this.#plain || this.#phase < Phase.Deciding)) return;
    this.#refuse(shuttingDown());
    if (this.#over) return;
    this.#shutdownTimeout = timeout;
    this.#shutdownUnsent = this.#transport?.bufferedAmount ?? 0;
    this.#shutdownTimer ??= timers.start(timeout, this, Kind.Shutdown);
  }

  // Events of the transport.

  /** Bytes arrived. */
  data(chunk: Uint8Array): void {
    try {
      if (this.#phase === Phase.Proxy) {
        const end = this.#proxyHeader!.push(chunk);
        if (end === -1) return;
        this.#proxied(this.#proxyHeader!.address);
        chunk = chunk.subarray(end);
        if (chunk.length === 0) return;
      }
      if (this.#phase === Phase.Head) {
        this.#reader ??= new ServerHandshake({ maxBytes: this.#owner.rules.maxHandshakeSize });
        if (this.#reader.push(chunk)) this.#take(this.#reader.request);
      } else if (this.#phase === Phase.Deciding && !this.#plain) {
        this.#keep(chunk);
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The transport takes output again. */
  drain(): void {
    this.#writer?.drain();
  }

  /** The peer has ended its direction. */
  end(): void {
    this.#ended = true;
    if (this.#phase === Phase.Deciding || this.#phase === Phase.Responding) {
      // Most likely the client has left, and the hook may give up. But it may still take its response.
      this.#abort?.abort(leftReason());
      // The bytes behind the request may be all that the client sends.
      if (this.#plain || this.#writer !== undefined || this.#rest.length > 0) return;
    }
    this.#left();
  }

  /** The stream has ended. */
  closed(): void {
    this.#over = true;
    this.#left();
    this.#finish();
  }

  /** Time is up. */
  timerFired(kind: number): void {
    if (kind === Kind.Shutdown) {
      this.#shutdownOver();
    } else if (kind === Kind.Linger) {
      this.#checkProgress();
    } else if (this.#phase < Phase.Deciding && !this.#hadGrace) {
      this.#hadGrace = true;
      this.#timer = timers.start(GRACE, this, Kind.Handshake);
    } else {
      this.#refuse(
        new HandshakeError(
          "HANDSHAKE_TIMEOUT",
          this.#phase < Phase.Deciding
            ? "The request did not arrive in time"
            : "The upgrade hook did not decide in time",
          { status: this.#phase < Phase.Deciding ? 408 : 503 },
        ),
      );
    }
  }

  // Events of the response.

  /** The whole response was given to the transport. */
  responseWritten(): void {
    this.#end(RESPONSE_TIMEOUT);
  }

  /** The user's response failed. */
  responseFailed(error: unknown, begun: boolean): void {
    this.#owner.reportError(error);
    if (begun) {
      // The client learns of it by the missing end of the body.
      this.#phase = Phase.Answered;
      this.#cut();
      return;
    }
    this.#phase = Phase.Deciding;
    this.#writer = undefined;
    this.#answer(failed(this.#head?.method));
  }

  // The decision.

  /** @throws {HandshakeError} When there are too many connections. */
  #count(): void {
    const { trustedProxies, proxyProtocol } = this.#owner.rules;
    this.#place.take(this.#peer.remoteAddress);
    // Behind a proxy the client's address comes with the request.
    if (trustedProxies === undefined && !proxyProtocol) this.#countAddress();
  }

  /** @throws {HandshakeError} When there are too many connections from this address. */
  #countAddress(): void {
    this.#place.takeAddress(this.#peer.remoteAddress);
  }

  /** A PROXY protocol header was read. */
  #proxied(address: PeerAddress | undefined): void {
    const { trustedProxies } = this.#owner.rules;
    if (trustedProxies !== undefined && !trustedProxies.has(this.#peer.remoteAddress)) {
      throw new HandshakeError(
        "PROXY_HEADER_INVALID",
        `${this.#peer.remoteAddress} is not a trusted proxy; add it to \`trustedProxies\``,
        { status: 400 },
      );
    }
    this.#phase = Phase.Head;
    if (address !== undefined) this.#peer = address;
    if (trustedProxies === undefined) this.#countAddress();
  }

  #take(head: RequestHead): void {
    const { rules } = this.#owner;
    this.#head = head;
    this.#phase = Phase.Deciding;
    this.#keep(head.rest);
    let secure = this.#secure || rules.secure;
    this.#plain = !head.isUpgrade && rules.options.fetch !== undefined;
    if (rules.trustedProxies !== undefined) {
      secure ||= rules.trustedProxies.isSecure(this.#peer, head.fields);
      this.#peer = rules.trustedProxies.clientOf(this.#peer, head.fields);
      this.#deferRefusal(() => this.#countAddress());
    }
    if (this.#plain) {
      if (!isHostAllowed(rules.allowedHosts, head.host)) throw hostRefused(head.host);
      this.#fetch(head, secure);
      return;
    }
    this.#decide(head, secure);
  }

  /** Lets the user's `fetch` answer. */
  #fetch(head: RequestHead, secure: boolean): void {
    const { options } = this.#owner.rules;
    this.#abort = new AbortController();
    const request = toRequest(head, secure, this.#abort.signal);
    const response = callHook<unknown>(() => options.fetch!(request));
    this.#waitFor(response, (value) => {
      if (!isResponse(value)) {
        throw new TypeError(`fetch must return a Response, got ${typeof value}`);
      }
      this.#respond(value);
    });
  }

  #decide(head: RequestHead, secure: boolean): void {
    const { rules } = this.#owner;
    this.#request = this.#upgradeRequest(head, secure, []);
    const request = checkUpgrade(head);
    const upgradeRequest = this.#upgradeRequest(head, secure, request.subprotocols);
    this.#request = upgradeRequest;
    if (this.#isUnwanted) throw notFound(upgradeRequest);
    if (this.#owner.isShuttingDown) throw shuttingDown();
    this.#deferRefusal(() => checkPolicy(rules, request, upgradeRequest));
    // A function among the options may have shut the server down, which has answered then.
    if (this.#phase !== Phase.Deciding) return;
    const result = callHook(() => rules.options.upgrade?.(upgradeRequest));
    this.#waitFor(result, (value) => {
      if (value !== "pass" && this.#refusal !== undefined) {
        this.#discard(value);
        throw this.#refusal;
      }
      this.#settle(request, upgradeRequest.url, value);
    });
  }

  /**
   * Checks something. On a shared HTTP server a request that this server would reject may be one that the
   * hook leaves to others, so the rejection waits for the hook.
   */
  #deferRefusal(check: () => void): void {
    const { rules } = this.#owner;
    try {
      check();
    } catch (error) {
      const mayPass = this.#socket !== undefined && rules.path === undefined &&
        rules.options.upgrade !== undefined;
      if (!mayPass || !(error instanceof HandshakeError)) throw error;
      this.#refusal ??= error;
    }
  }

  #upgradeRequest(
    head: RequestHead,
    secure: boolean,
    subprotocols: readonly string[],
  ): UpgradeRequest {
    const query = head.path.indexOf("?");
    const tls = this.#secure
      ? this.#socket?.tls ?? { serverName: this.#transport?.serverName }
      : undefined;
    return {
      method: head.method,
      // Joined, because a template would hold on to the whole head, of which these are parts.
      url: [secure ? "wss://" : "ws://", head.host, head.path].join(""),
      path: query === -1 ? head.path : head.path.slice(0, query),
      headers: head.fields,
      remoteAddress: this.#peer.remoteAddress,
      remotePort: this.#peer.remotePort,
      subprotocols,
      ...(tls === undefined ? {} : { tls }),
      ...(this.#raw === undefined ? {} : { raw: this.#raw }),
    };
  }

  /** Continues with the result of a hook, now or when its promise is settled. */
  #waitFor<V>(value: V | PromiseLike<V>, then: (value: V) => void): void {
    if (!isPromiseLike(value)) {
      // The hook may have shut the server down, which has answered then.
      if (this.#phase === Phase.Deciding) then(value);
      else this.#discard(value);
      return;
    }
    Promise.resolve(value).then((settled) => {
      if (this.#phase === Phase.Deciding) then(settled);
      else this.#discard(settled);
    }, (cause: unknown) => {
      throw new HookFailure(cause);
    }).catch((error: unknown) => this.#refuse(error));
  }

  /** A hook has decided about a request that was answered, or has lost its client, before. */
  #discard(result: unknown): void {
    const release = releaseOf(result);
    if (release !== undefined) this.#owner.release(release);
    if (isResponse(result)) cancelBody(result, undefined, undefined);
  }

  #settle(request: ServerRequest, url: string, result: UpgradeResult<T>): void {
    if (result === "pass") {
      this.#pass();
      return;
    }
    if (isResponse(result)) {
      const { status } = result;
      if (!Number.isInteger(status) || status < 200 || status > 599) {
        throw new RangeError(
          `The Response of the upgrade hook must have a status from 200 to 599, got ${status}`,
        );
      }
      const known = this.#request!;
      if (!this.#respond(result)) return;
      this.#owner.refused(known, rejectedByHook(status));
      return;
    }
    const decision = result === undefined ? {} : result;
    try {
      checkDecision(decision);
      if (decision.status === undefined) this.#accept(request, url, decision);
      else {
        const { status, headers, body } = decision;
        const bytes = refusalResponse({ status, headers: headerLines(headers), body });
        this.#reject(bytes, rejectedByHook(status));
      }
    } catch (error) {
      this.#discard(decision);
      throw error;
    }
  }

  #pass(): void {
    if (this.#socket === undefined) {
      throw new TypeError(
        'upgrade returned "pass", but there is no other listener that could take the request: ' +
          "it is for attach and createUpgrader",
      );
    }
    this.#phase = Phase.Answered;
    this.#over = true;
    this.#socket.leave();
    this.#owner.passed(this);
    this.#finish();
  }

  #accept(request: ServerRequest, url: string, decision: UpgradeAcceptance<T>): void {
    const { subprotocols } = request;
    const subprotocol = decision.subprotocol ??
      chooseSubprotocol(this.#owner.rules.subprotocols, subprotocols);
    const { compression } = this.#owner.rules.connection;
    const deflate = compression && acceptDeflate(request.extensions, compression);
    const response = acceptResponse({
      key: request.key,
      subprotocol,
      subprotocols,
      extensions: deflate?.extensions,
      headers: headerLines(decision.headers),
    });
    const release = releaseOf(decision);
    const transport = this.#takeTransport();
    if (transport === undefined) {
      if (release !== undefined) this.#owner.release(release);
      return;
    }
    this.#phase = Phase.Answered;
    this.#stopTimers();
    this.#place.handOver();
    this.#owner.accepted(this, {
      transport: addressed(transport, this.#peer),
      request,
      response,
      subprotocol: subprotocol ?? "",
      deflate,
      url,
      data: this.#gift.data ?? decision.data,
      handlers: this.#gift.handlers ?? decision.handlers,
      release,
      rest: this.#rest,
      ended: this.#ended,
    });
  }

  // The answer.

  /** Rejects the request because of an error, whosever fault it is. */
  #refuse(error: unknown): void {
    const method = this.#head?.method;
    if (this.#abort?.signal.aborted && this.#phase === Phase.Deciding) {
      // An error that the hook throws because its signal aborted is no failure.
      const cause = error instanceof HookFailure ? error.cause : error;
      if (cause === this.#abort.signal.reason || isAbortError(cause)) return this.#left();
    }
    if (error instanceof HandshakeError) {
      const { status = 400, code, message } = error;
      this.#reject(errorResponse(error, method), { status, code, message });
      return;
    }
    this.#owner.reportError(error instanceof HookFailure ? error.cause : error);
    const message = "A hook of the server failed";
    this.#reject(failed(method), { status: 500, code: "HANDLER_FAILED", message });
  }

  #reject(bytes: Uint8Array, refusal: Refusal): void {
    if (this.#phase >= Phase.Responding) return;
    const request = this.#request ?? this.#unknownRequest();
    const answered = this.#answer(bytes);
    if (answered && !this.#plain) this.#owner.refused(request, refusal);
  }

  /** A request of which not all, or nothing, was read. */
  #unknownRequest(): UpgradeRequest {
    const head = this.#head;
    if (head !== undefined) return this.#upgradeRequest(head, this.#secure, []);
    const { remoteAddress, remotePort } = this.#peer;
    const headers = new HeaderFields();
    return { method: "", url: "", path: "", headers, remoteAddress, remotePort, subprotocols: [] };
  }

  /** Sends the only response; further bytes of the client are read and discarded. */
  #answer(bytes: Uint8Array): boolean {
    const transport = this.#takeTransport(this);
    if (transport === undefined) return false;
    transport.write(bytes, bytes.length);
    this.#place.giveBack();
    this.#end(LINGER);
    return true;
  }

  /** Sends a response of the user's. */
  #respond(response: Response): boolean {
    const transport = this.#takeTransport(this);
    if (transport === undefined) {
      cancelBody(response, undefined, undefined);
      return false;
    }
    this.#phase = Phase.Responding;
    this.#stopTimer();
    this.#writer = new ResponseWriter(transport, response, this.#head!, this);
    this.#startLinger(RESPONSE_TIMEOUT);
    this.#writer.start();
    return true;
  }

  /**
   * The stream, which is taken over now where the request came from another HTTP server.
   *
   * @param sink Present: reads from it from now on.
   * @returns The stream, or `undefined` when there is none to answer on.
   */
  #takeTransport(sink?: TransportSink): Transport | undefined {
    if (this.#socket === undefined || this.#transport !== undefined) {
      // It may have been stopped for a hook; now its end is to be seen.
      this.#transport?.resume();
      return this.#over ? undefined : this.#transport;
    }
    if (this.#over) return undefined;
    try {
      this.#transport = this.#socket.take();
    } catch (error) {
      this.#owner.reportError(error);
    }
    if (this.#transport === undefined) {
      this.#over = true;
      this.#phase = Phase.Answered;
      this.#finish();
      return undefined;
    }
    if (sink !== undefined) this.#transport.start(sink);
    return this.#transport;
  }

  /** Nothing is sent any more: what was, has to arrive. */
  #end(timeout: number): void {
    this.#phase = Phase.Answered;
    this.#rest = [];
    this.#writer = undefined;
    this.#transport!.end();
    this.#startLinger(timeout);
  }

  /** The client has left, or has ended its direction. */
  #left(): void {
    const wasAnswered = this.#phase === Phase.Answered;
    this.#phase = Phase.Answered;
    this.#rest = [];
    if (!wasAnswered) {
      const reason = leftReason();
      this.#writer?.cancel(reason);
      this.#writer = undefined;
      this.#abort?.abort(reason);
      this.#stopTimer();
      this.#place.giveBack();
    }
    if (this.#over) return;
    if (this.#transport === undefined) {
      this.#socket!.drop();
      this.#over = true;
      this.#finish();
      return;
    }
    this.#transport.resume();
    this.#transport.end();
    if (!wasAnswered) this.#startLinger(LINGER);
  }

  /** The time of a shutdown has passed. A client that still takes what was written gets more of it. */
  #shutdownOver(): void {
    this.#refuse(shuttingDown());
    const unsent = this.#transport?.bufferedAmount ?? 0;
    if (this.#phase === Phase.Answered && unsent > 0 && unsent < this.#shutdownUnsent) {
      this.#shutdownUnsent = unsent;
      this.#shutdownTimer = timers.start(this.#shutdownTimeout, this, Kind.Shutdown);
      return;
    }
    this.#cut();
  }

  /** Cuts the client off. */
  #cut(): void {
    this.#writer?.cancel(shuttingDown());
    this.#writer = undefined;
    this.#abort?.abort(shuttingDown());
    this.#transport?.destroy();
  }

  #finish(): void {
    this.#stopTimers();
    this.#place.giveBack();
    this.#owner.ended(this);
  }

  #keep(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#plain) return;
    this.#rest.push(chunk);
    this.#restSize += chunk.length;
    if (this.#restSize > MAX_REST) this.#transport?.pause();
  }

  // The time.

  /** Watches over a client that has something to read, and then to leave. */
  #startLinger(timeout: number): void {
    this.#stopTimer();
    this.#patience = timeout;
    this.#unsent = this.#transport!.bufferedAmount;
    this.#stuck = 0;
    this.#timer = timers.start(Math.min(timeout, LINGER), this, Kind.Linger);
  }

  /** Cuts a client that takes nothing of what waits for it, or does not leave when it has it all. */
  #checkProgress(): void {
    const unsent = this.#transport!.bufferedAmount;
    // A client that has ended its direction is not waited for while there is nothing to send.
    const waitsForUser = this.#phase === Phase.Responding && unsent === 0 && !this.#ended;
    this.#stuck = waitsForUser || unsent < this.#unsent ? 0 : this.#stuck + LINGER;
    this.#unsent = unsent;
    if (waitsForUser || this.#stuck < (unsent === 0 ? LINGER : this.#patience)) {
      this.#timer = timers.start(LINGER, this, Kind.Linger);
      return;
    }
    this.#writer?.cancel(new HandshakeError("HANDSHAKE_TIMEOUT", "The client reads too slowly"));
    this.#writer = undefined;
    this.#transport!.destroy();
  }

  #stopTimer(): void {
    timers.cancel(this.#timer);
    this.#timer = undefined;
  }

  #stopTimers(): void {
    this.#stopTimer();
    timers.cancel(this.#shutdownTimer);
    this.#shutdownTimer = undefined;
  }
}

function leftReason(): DOMException {
  return new DOMException("The client has left", "AbortError");
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function failed(method: string | undefined): Uint8Array {
  const body = "The server failed to decide\n";
  return refusalResponse({ status: 500, body, omitBody: method === "HEAD" });
}

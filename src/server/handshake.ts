// The server side of one opening handshake: from the first byte of a request to an open connection,
// a rejection or a plain HTTP response.

import { HandshakeError } from "../errors.ts";
import { acceptDeflate } from "../handshake/deflate_offer.ts";
import { chooseSubprotocol } from "../handshake/subprotocols.ts";
import { acceptResponse, errorResponse, refusalResponse } from "../handshake/response.ts";
import {
  checkUpgrade,
  type RequestHead,
  ServerHandshake,
  type ServerRequest,
} from "../handshake/server.ts";
import { headerLines } from "../shared/check.ts";
import { isPromiseLike } from "../shared/user_code.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import {
  checkPolicy,
  hostRefused,
  isHostAllowed,
  notFound,
  shuttingDown,
  tooSlow,
  undecided,
} from "./admission.ts";
import { Answer } from "./answer.ts";
import { addressed, ProxyHeaderReader } from "./client_address.ts";
import { HandshakeClient } from "./handshake_client.ts";
import { cancelBody, clientLeft, isAbortError, toRequest } from "./plain_http.ts";
import type { ServerCore } from "./server_core.ts";
import {
  type Accepted,
  callHook,
  checkAnswer,
  checkDecision,
  checkFetched,
  describeRequest,
  HOOK_FAILED,
  hookFailed,
  HookFailure,
  isResponse,
  type Refusal,
  rejectedByHook,
  releaseOf,
  type UpgradeAcceptance,
  type UpgradeCallOptions,
  type UpgradeRequest,
  type UpgradeResult,
  type UpgradeSocket,
} from "./upgrade_hook.ts";

/** The outcome of a handshake: a connection, a request left to other listeners, or neither. */
export type HandshakeOutcome<T> = Accepted<T> | "passed" | undefined;

/**
 * Extra milliseconds for a request, once: after a stall of this process it may still be in the
 * kernel, and Deno needs several turns of the event loop to read all sockets.
 */
const GRACE = 100;
/** The maximum bytes after a request to read while a hook decides. */
const MAX_REST = 65_536;

/** The decision if there is no hook, or it returns nothing. */
const ACCEPTED: UpgradeAcceptance<never> = {};

/** The stage of a handshake. */
const Phase = {
  /** Reading a PROXY protocol header. */
  Proxy: 0,
  /** Reading the head of the request. */
  Head: 1,
  /** Waiting for a hook. */
  Deciding: 2,
  /** The response was sent, or is not needed. */
  Answered: 3,
} as const;

/** One opening handshake on a server. */
export class Handshake<T> implements TransportSink, TimerTarget {
  readonly #core: ServerCore<T>;
  readonly #done: (handshake: Handshake<T>, outcome: HandshakeOutcome<T>) => void;
  readonly #socket: UpgradeSocket | undefined;
  readonly #isTls: boolean;
  readonly #client: HandshakeClient;
  readonly #gift: UpgradeCallOptions<T> | undefined;
  readonly #raw: unknown;
  #transport: Transport | undefined;
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
  /** Aborts when the client of a plain request disconnects. */
  #abort: AbortController | undefined;
  #answer: Answer | undefined;
  #refusal: HandshakeError | undefined;
  #isUnwanted = false;
  #timer: Timer | undefined;
  #hadGrace = false;

  /**
   * @param core The server.
   * @param done Called when the handshake has ended. After an outcome, a call without one may
   * follow. The caller then owns the connection's count by address.
   * @param source The stream, or the socket of a request already read.
   * @param gift The caller's values for the connection.
   * @param raw The request object of the HTTP server that read it.
   */
  constructor(
    core: ServerCore<T>,
    done: (handshake: Handshake<T>, outcome: HandshakeOutcome<T>) => void,
    source: { transport: Transport; secure: boolean } | { socket: UpgradeSocket },
    gift?: UpgradeCallOptions<T>,
    raw?: unknown,
  ) {
    this.#core = core;
    this.#done = done;
    this.#gift = gift;
    this.#raw = raw;
    if ("socket" in source) {
      this.#socket = source.socket;
      this.#isTls = source.socket.tls !== undefined;
    } else {
      this.#transport = source.transport;
      this.#isTls = source.secure;
    }
    this.#client = new HandshakeClient(
      core.rules,
      core.count,
      this.#socket ?? this.#transport!,
      this.#isTls,
      (error) => this.#refuse(error),
    );
    const { handshakeTimeout, proxyProtocol } = core.rules;
    if (proxyProtocol && this.#socket === undefined) {
      this.#proxyHeader = new ProxyHeaderReader();
      this.#phase = Phase.Proxy;
    }
    if (handshakeTimeout > 0) this.#timer = timers.start(handshakeTimeout, this, 0);
  }

  /** Starts reading. */
  start(): void {
    this.#transport!.start(this);
    try {
      this.#count();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /**
   * Starts with a request read by another HTTP server.
   *
   * @param readHead Returns the head of the request.
   * @param isUnwanted Whether to reject the request with 404.
   */
  startWith(readHead: () => RequestHead, isUnwanted: boolean): void {
    this.#isUnwanted = isUnwanted;
    this.#socket!.watch(() => this.#left());
    try {
      try {
        this.#count();
      } catch (error) {
        this.#deferRefusal(error);
      }
      this.#take(readHead());
    } catch (error) {
      this.#refuse(error);
    }
  }

  /**
   * The server shuts down: rejects a request without a decision; a response gets some more time.
   *
   * @param timeout The timeout of the response in milliseconds.
   * @param keepHttp Whether plain requests are still answered.
   */
  shutDown(timeout: number, keepHttp: boolean): void {
    if (keepHttp && (this.#plain || this.#phase < Phase.Deciding)) return;
    this.#refuse(shuttingDown());
    if (!this.#over) this.#answer?.shutDown(timeout);
  }

  // Events of the transport.

  /** Bytes arrived. */
  data(chunk: Uint8Array): void {
    try {
      if (this.#phase === Phase.Proxy) {
        const end = this.#proxyHeader!.push(chunk);
        if (end === -1) return;
        this.#client.proxied(this.#proxyHeader!.address);
        this.#phase = Phase.Head;
        if (this.#core.rules.trustedProxies === undefined) this.#client.countAddress();
        chunk = chunk.subarray(end);
        if (chunk.length === 0) return;
      }
      if (this.#phase === Phase.Head) {
        this.#reader ??= new ServerHandshake({ maxBytes: this.#core.rules.maxHandshakeSize });
        if (this.#reader.push(chunk)) this.#take(this.#reader.request);
        else this.#client.hold(this.#reader.held);
      } else if (this.#phase === Phase.Deciding && !this.#plain) {
        this.#keep(chunk);
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The transport accepts output again. */
  drain(): void {
    this.#answer?.drain();
  }

  /** The peer has ended its side of the stream. */
  end(): void {
    this.#ended = true;
    if (this.#answer !== undefined) this.#answer.hasPeerEnded = true;
    if (this.#phase === Phase.Deciding || this.#isResponding) {
      // Most likely the client has disconnected, and the hook may abort. But the client may still
      // read its response.
      this.#abort?.abort(clientLeft());
      // The bytes after the request may be complete input.
      if (this.#plain || this.#isResponding || this.#rest.length > 0) return;
    }
    this.#left();
  }

  /** The stream has ended. */
  closed(): void {
    this.#over = true;
    this.#left();
    this.#finish();
  }

  /** The timeout has expired. */
  timerFired(): void {
    if (this.#phase < Phase.Deciding && !this.#hadGrace) {
      this.#hadGrace = true;
      this.#timer = timers.start(GRACE, this, 0);
    } else {
      this.#refuse(this.#phase < Phase.Deciding ? tooSlow() : undecided());
    }
  }

  /** The user's response failed. */
  #responseFailed(error: unknown, begun: boolean): void {
    this.#core.reportError(error);
    // The client detects the failure by the missing end of the body.
    if (begun) this.#answer!.cut();
    else this.#send(hookFailed(this.#head?.method));
  }

  get #isResponding(): boolean {
    return this.#answer !== undefined && this.#answer.isResponding;
  }

  // The decision.

  /** @throws {HandshakeError} When there are too many connections. */
  #count(): void {
    this.#client.count();
    if (!this.#client.isBehindProxy) this.#client.countAddress();
  }

  #take(head: RequestHead): void {
    const { rules } = this.#core;
    this.#head = head;
    this.#phase = Phase.Deciding;
    this.#client.hold(0);
    this.#keep(head.rest);
    this.#plain = !head.isUpgrade && rules.options.fetch !== undefined;
    if (rules.trustedProxies !== undefined) {
      this.#client.readScheme(head.fields);
      this.#client.readAddress(head.fields);
      try {
        this.#client.countAddress();
      } catch (error) {
        this.#deferRefusal(error);
      }
    }
    if (this.#plain) {
      if (!isHostAllowed(rules.allowedHosts, head.host)) throw hostRefused(head.host);
      this.#fetch(head);
      return;
    }
    this.#decide(head);
  }

  /** Calls the user's `fetch`. */
  #fetch(head: RequestHead): void {
    const { options } = this.#core.rules;
    this.#abort = new AbortController();
    const request = toRequest(head, this.#client.isSecure, this.#abort.signal);
    const response = callHook<unknown>(() => options.fetch!(request));
    this.#waitFor(response, (value) => {
      checkFetched(value);
      this.#respond(value);
    });
  }

  #decide(head: RequestHead): void {
    const { rules } = this.#core;
    const request = checkUpgrade(head);
    const upgradeRequest = this.#upgradeRequest(head, request.subprotocols);
    this.#request = upgradeRequest;
    if (this.#isUnwanted) throw notFound(upgradeRequest);
    if (this.#core.isShuttingDown) throw shuttingDown();
    try {
      checkPolicy(rules, request, upgradeRequest);
    } catch (error) {
      this.#deferRefusal(error);
    }
    // A function in the options may have shut the server down, which has then answered.
    if (this.#phase !== Phase.Deciding) return;
    if (rules.options.upgrade === undefined) this.#settle(request, upgradeRequest.url, undefined);
    else this.#askHook(request, upgradeRequest);
  }

  #askHook(request: ServerRequest, upgradeRequest: UpgradeRequest): void {
    const result = callHook(() => this.#core.rules.options.upgrade!(upgradeRequest));
    this.#waitFor(result, (value) => {
      if (value !== "pass" && this.#refusal !== undefined) {
        this.#discard(value);
        throw this.#refusal;
      }
      this.#settle(request, upgradeRequest.url, value);
    });
  }

  /**
   * A check has failed. On a shared HTTP server the hook may leave the request to other listeners,
   * so the rejection waits for the hook; otherwise throws the error.
   */
  #deferRefusal(error: unknown): void {
    const { rules } = this.#core;
    const mayPass = this.#socket !== undefined && rules.path === undefined &&
      rules.options.upgrade !== undefined;
    if (!mayPass || !(error instanceof HandshakeError)) throw error;
    this.#refusal ??= error;
  }

  /** Creates the request for hooks. */
  #upgradeRequest(
    head: RequestHead | undefined,
    subprotocols: readonly string[],
  ): UpgradeRequest {
    const tls = this.#isTls
      ? this.#socket?.tls ?? { serverName: this.#transport?.serverName }
      : undefined;
    const { isSecure, peer } = this.#client;
    return describeRequest(head, { secure: isSecure, subprotocols, peer, tls, raw: this.#raw });
  }

  /** Continues with the result of a hook, now or when its promise settles. */
  #waitFor<V>(value: V | PromiseLike<V>, then: (value: V) => void): void {
    if (!isPromiseLike(value)) {
      // The hook may have shut the server down, which has then answered.
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

  /** The hook decided after the request was answered or the client disconnected. */
  #discard(result: unknown): void {
    const release = releaseOf(result);
    if (release !== undefined) this.#core.release(release);
    if (isResponse(result)) cancelBody(result, undefined, undefined);
  }

  #settle(request: ServerRequest, url: string, result: UpgradeResult<T>): void {
    if (result === "pass") {
      this.#pass();
      return;
    }
    if (isResponse(result)) {
      checkAnswer(result);
      const known = this.#request!;
      if (this.#respond(result)) this.#core.refused(known, rejectedByHook(result.status));
      return;
    }
    if (result === undefined) {
      this.#accept(request, url, ACCEPTED);
      return;
    }
    const decision = result;
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
    this.#done(this, "passed");
    this.#finish();
  }

  #accept(request: ServerRequest, url: string, decision: UpgradeAcceptance<T>): void {
    const { subprotocols } = request;
    const subprotocol = decision.subprotocol ??
      chooseSubprotocol(this.#core.rules.subprotocols, subprotocols);
    const { compression } = this.#core.rules.connection;
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
      if (release !== undefined) this.#core.release(release);
      return;
    }
    this.#phase = Phase.Answered;
    this.#stopTimer();
    this.#client.handOver();
    this.#done(this, {
      transport: addressed(transport, this.#client.peer),
      request,
      response,
      subprotocol: subprotocol ?? "",
      deflate,
      url,
      data: this.#gift?.data ?? decision.data,
      handlers: this.#gift?.handlers ?? decision.handlers,
      release,
      rest: this.#rest,
      ended: this.#ended,
    });
  }

  // The response.

  /** Rejects the request because of an error. */
  #refuse(error: unknown): void {
    const method = this.#head?.method;
    if (this.#abort?.signal.aborted && this.#phase === Phase.Deciding) {
      // If the hook throws because its signal aborted, it is not a failure.
      const cause = error instanceof HookFailure ? error.cause : error;
      if (cause === this.#abort.signal.reason || isAbortError(cause)) return this.#left();
    }
    if (error instanceof HandshakeError) {
      const { status = 400, code, message } = error;
      this.#reject(errorResponse(error, method), { status, code, message });
    } else {
      this.#core.reportError(error instanceof HookFailure ? error.cause : error);
      this.#reject(hookFailed(method), HOOK_FAILED);
    }
  }

  #reject(bytes: Uint8Array, refusal: Refusal): void {
    if (this.#phase === Phase.Answered) return;
    const request = this.#request ?? this.#upgradeRequest(this.#head, []);
    const answered = this.#send(bytes);
    if (answered && !this.#plain) this.#core.refused(request, refusal);
  }

  /** Sends the only response. */
  #send(bytes: Uint8Array): boolean {
    const answer = this.#beginAnswer();
    if (answer === undefined) return false;
    this.#client.release();
    answer.send(bytes);
    return true;
  }

  /** Sends a user's response. */
  #respond(response: Response): boolean {
    const answer = this.#beginAnswer();
    if (answer === undefined) {
      cancelBody(response, undefined, undefined);
      return false;
    }
    answer.respond(response, this.#head!);
    return true;
  }

  #beginAnswer(): Answer | undefined {
    const transport = this.#takeTransport(this);
    if (transport === undefined) return undefined;
    this.#phase = Phase.Answered;
    this.#rest = [];
    this.#stopTimer();
    return this.#needAnswer(transport);
  }

  #needAnswer(transport: Transport): Answer {
    return this.#answer ??= new Answer(
      transport,
      this.#ended,
      this.#abort,
      (error, begun) => this.#responseFailed(error, begun),
    );
  }

  /**
   * Returns the stream; first takes it over if the request came from another HTTP server.
   *
   * @param sink The new sink, if any.
   * @returns The stream, or `undefined` if there is none.
   */
  #takeTransport(sink?: TransportSink): Transport | undefined {
    if (this.#socket === undefined || this.#transport !== undefined) {
      // Reading may be paused for a hook, but the end must be detected now.
      this.#transport?.resume();
      return this.#over ? undefined : this.#transport;
    }
    if (this.#over) return undefined;
    try {
      this.#transport = this.#socket.take();
    } catch (error) {
      this.#core.reportError(error);
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

  /** The client has disconnected or ended its side of the stream. */
  #left(): void {
    const wasAnswered = this.#phase === Phase.Answered && !this.#isResponding;
    const reason = clientLeft();
    this.#phase = Phase.Answered;
    this.#rest = [];
    if (!wasAnswered) {
      this.#answer?.cancel(reason);
      this.#abort?.abort(reason);
      this.#stopTimer();
      this.#client.release();
    }
    if (this.#over) return;
    if (this.#transport === undefined) {
      this.#socket!.drop();
      this.#over = true;
      this.#finish();
    } else if (wasAnswered) {
      this.#transport.resume();
      this.#transport.end();
    } else {
      this.#needAnswer(this.#transport).leave(reason);
    }
  }

  #finish(): void {
    this.#stopTimer();
    this.#answer?.stop();
    this.#client.release();
    this.#done(this, undefined);
  }

  #keep(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#plain) return;
    this.#rest.push(chunk);
    this.#restSize += chunk.length;
    this.#client.hold(this.#restSize);
    if (this.#restSize > MAX_REST) this.#transport?.pause();
  }

  #stopTimer(): void {
    timers.cancel(this.#timer);
    this.#timer = undefined;
  }
}

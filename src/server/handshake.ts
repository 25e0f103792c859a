// The server side of one opening handshake: from the first byte of a request to an open connection,
// a rejection or a plain HTTP response.

import { HandshakeError } from "../errors.ts";
import { errorResponse, refusalResponse } from "../handshake/response.ts";
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
import { HandshakeClient, type HandshakeOwner } from "./handshake_client.ts";
import { cancelBody, clientLeft, isAbortError, toRequest } from "./plain_http.ts";
import { type Accepted, negotiate } from "./negotiation.ts";
import type { ServerCore } from "./server_core.ts";
import {
  callHook,
  checkAnswer,
  checkDecision,
  checkFetched,
  describeRequest,
  type ForwardedRequest,
  HOOK_FAILED,
  hookFailed,
  HookFailure,
  isResponse,
  type Refusal,
  rejectedByHook,
  releaseOf,
  type UpgradeAcceptance,
  type UpgradeDecision,
  type UpgradeRequest,
  type UpgradeResult,
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
const NO_BYTES: readonly Uint8Array[] = [];

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

/** The server of a handshake. */
export interface HandshakeServer<T> extends ServerCore<T> {
  /** An unused reader, for the next handshake. */
  spareReader: ServerHandshake | undefined;
  /**
   * A handshake has ended. After an outcome, a call without one may follow. The connection then
   * owns its count by address.
   */
  handshakeDone(
    handshake: Handshake<T>,
    outcome: HandshakeOutcome<T>,
    forwarded: ForwardedRequest<T> | undefined,
  ): void;
}

/** One opening handshake on a server. */
export class Handshake<T> implements TransportSink, TimerTarget, HandshakeOwner {
  readonly #core: HandshakeServer<T>;
  /** The request, if read by another HTTP server. */
  readonly #call: ForwardedRequest<T> | undefined;
  readonly #client: HandshakeClient;
  #transport: Transport | undefined;
  #proxyHeader: ProxyHeaderReader | undefined;
  /** The reader of a partial head. */
  #reader: ServerHandshake | undefined;
  #head: RequestHead & Partial<Pick<ServerRequest, "subprotocols">> | undefined;
  #upgradeRequest: UpgradeRequest | undefined;
  #phase: number = Phase.Head;
  /** Whether the request goes to `fetch`. */
  #plain = false;
  /** The bytes after the request. */
  #rest: Uint8Array[] | undefined;
  #ended = false;
  #over = false;
  /** Aborts when the client of a plain request disconnects. */
  #abort: AbortController | undefined;
  #answer: Answer | undefined;
  /** A rejection that waits for the hook. */
  #refusal: HandshakeError | undefined;
  #timer: Timer | undefined;
  #hadGrace = false;

  /**
   * @param core The server.
   * @param transport The stream, unless another HTTP server has read the request.
   * @param call That request.
   */
  constructor(
    core: HandshakeServer<T>,
    transport: Transport | undefined,
    call?: ForwardedRequest<T>,
  ) {
    const { rules } = core;
    this.#core = core;
    this.#transport = transport;
    this.#call = call;
    const isTls = (call === undefined ? rules.options.tls : call.socket.tls) !== undefined;
    this.#client = new HandshakeClient(rules, core.count, call?.socket ?? transport!, isTls, this);
    if (rules.proxyProtocol && call === undefined) {
      this.#proxyHeader = new ProxyHeaderReader();
      this.#phase = Phase.Proxy;
    }
    if (rules.handshakeTimeout > 0) this.#timer = timers.start(rules.handshakeTimeout, this, 0);
  }

  /** Starts reading. */
  start(): void {
    this.#transport!.start(this);
    try {
      this.#client.count();
      if (!this.#client.isBehindProxy) this.#client.countAddress();
    } catch (error) {
      this.refuse(error);
    }
  }

  /** Starts with a request read by another HTTP server. */
  startWith({ socket, readHead }: ForwardedRequest<T>): void {
    socket.watch(() => this.#left());
    try {
      this.#take(readHead());
    } catch (error) {
      this.refuse(error);
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
    this.refuse(shuttingDown());
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
      if (this.#phase === Phase.Head) this.#read(chunk);
      else if (this.#phase === Phase.Deciding && !this.#plain) this.#keep(chunk);
    } catch (error) {
      this.refuse(error);
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
    if (this.#phase === Phase.Deciding || this.#answer?.isResponding) {
      // Most likely the client has disconnected, and the hook may abort. But the client may still
      // read its response.
      this.#abort?.abort(clientLeft());
      // The bytes after the request may be complete input.
      if (this.#plain || this.#answer?.isResponding || this.#rest !== undefined) return;
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
      this.refuse(this.#phase < Phase.Deciding ? tooSlow() : undecided());
    }
  }

  /** The user's response failed. */
  #responseFailed(error: unknown, begun: boolean): void {
    this.#core.reportError(error);
    // The client detects the failure by the missing end of the body.
    if (begun) this.#answer!.cut();
    else this.#send(hookFailed(this.#head?.method));
  }

  // The decision.

  /** Reads the head of the request. */
  #read(chunk: Uint8Array): void {
    const core = this.#core;
    const reader = this.#reader ?? core.spareReader ??
      new ServerHandshake({ maxBytes: core.rules.maxHandshakeSize });
    this.#reader = reader;
    core.spareReader = undefined;
    if (reader.push(chunk)) {
      const { request } = reader;
      reader.reset();
      this.#reader = undefined;
      core.spareReader = reader;
      this.#take(request);
    } else {
      this.#client.hold(reader.held);
    }
  }

  #take(head: RequestHead): void {
    const { rules } = this.#core;
    this.#head = head;
    this.#phase = Phase.Deciding;
    this.#client.hold(0);
    this.#keep(head.rest);
    this.#plain = !head.isUpgrade && rules.options.fetch !== undefined;
    this.#client.readScheme(head.fields);
    this.#client.readAddress(head.fields);
    if (!this.#plain) {
      this.#decide(checkUpgrade(head));
      return;
    }
    this.#client.countAddress();
    if (!isHostAllowed(rules.allowedHosts, head.host)) throw hostRefused(head.host);
    this.#fetch(head);
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

  #decide(request: ServerRequest): void {
    const { rules, isShuttingDown } = this.#core;
    const { upgrade } = rules.options;
    this.#head = request;
    if (this.#call?.isNotFound) throw notFound(request);
    if (isShuttingDown) throw shuttingDown();
    try {
      this.#client.count();
      this.#client.countAddress();
      checkPolicy(rules, request, this);
    } catch (error) {
      // On a shared HTTP server the hook may leave the request to other listeners, so the
      // rejection waits for the hook.
      const mayPass = this.#call !== undefined && rules.path === undefined && upgrade !== undefined;
      if (!mayPass || !(error instanceof HandshakeError)) throw error;
      this.#refusal = error;
    }
    // A function in the options may have shut the server down, which has then answered.
    if (this.#phase !== Phase.Deciding) return;
    if (upgrade === undefined) return this.#accept(request, ACCEPTED);
    const result = callHook(() => rules.options.upgrade!(this.upgradeRequest));
    this.#waitFor(result, (value) => {
      if (value !== "pass" && this.#refusal !== undefined) {
        this.#discard(value);
        throw this.#refusal;
      }
      this.#settle(request, value);
    });
  }

  /** The request for hooks. */
  get upgradeRequest(): UpgradeRequest {
    const call = this.#call;
    const { isSecure: secure, peer } = this.#client;
    const isTls = this.#core.rules.options.tls !== undefined;
    const tls = isTls ? { serverName: this.#transport?.serverName } : undefined;
    return this.#upgradeRequest ??= describeRequest(this.#head, {
      secure,
      subprotocols: this.#head?.subprotocols ?? [],
      peer,
      tls: call === undefined ? tls : call.socket.tls,
      raw: call?.raw,
    });
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
    }).catch((error: unknown) => this.refuse(error));
  }

  /** The hook decided after the request was answered or the client disconnected. */
  #discard(result: unknown): void {
    const release = releaseOf(result);
    if (release !== undefined) this.#core.release(release);
    if (isResponse(result)) cancelBody(result, undefined, undefined);
  }

  #settle(request: ServerRequest, result: UpgradeResult<T>): void {
    if (result === "pass") {
      this.#pass();
    } else if (result === undefined) {
      this.#accept(request, ACCEPTED);
    } else if (isResponse(result)) {
      checkAnswer(result);
      const { upgradeRequest } = this;
      if (this.#respond(result)) this.#core.refused(upgradeRequest, rejectedByHook(result.status));
    } else {
      try {
        this.#applyDecision(request, result);
      } catch (error) {
        this.#discard(result);
        throw error;
      }
    }
  }

  #applyDecision(request: ServerRequest, decision: UpgradeDecision<T>): void {
    checkDecision(decision);
    if (decision.status === undefined) return this.#accept(request, decision);
    const { status, headers, body } = decision;
    const bytes = refusalResponse({ status, headers: headerLines(headers), body });
    this.#reject(bytes, rejectedByHook(status));
  }

  #pass(): void {
    if (this.#call === undefined) {
      throw new TypeError(
        'upgrade returned "pass", but no other listener can take the request: ' +
          '"pass" is for attach and createUpgrader',
      );
    }
    this.#phase = Phase.Answered;
    this.#over = true;
    this.#call.socket.leave();
    this.#done("passed");
    this.#finish();
  }

  #accept(request: ServerRequest, decision: UpgradeAcceptance<T>): void {
    const { isSecure, peer } = this.#client;
    const negotiated = negotiate(request, decision, this.#core.rules, isSecure);
    const release = releaseOf(decision);
    const transport = this.#takeTransport();
    if (transport === undefined) {
      if (release !== undefined) this.#core.release(release);
      return;
    }
    this.#phase = Phase.Answered;
    this.#stopTimer();
    this.#client.handOver();
    const callOptions = this.#call?.callOptions;
    this.#done({
      transport: addressed(transport, peer),
      negotiated,
      response: negotiated.response,
      data: callOptions?.data ?? decision.data,
      handlers: callOptions?.handlers ?? decision.handlers,
      release,
      rest: this.#rest ?? NO_BYTES,
      ended: this.#ended,
    });
  }

  // The response.

  /** Rejects the request because of any error. */
  refuse(error: unknown): void {
    const method = this.#head?.method;
    const cause = error instanceof HookFailure ? error.cause : error;
    if (this.#abort?.signal.aborted && this.#phase === Phase.Deciding) {
      // If the hook throws because its signal aborted, it is not a failure.
      if (cause === this.#abort.signal.reason || isAbortError(cause)) return this.#left();
    }
    if (error instanceof HandshakeError) {
      const { status = 400, code, message } = error;
      this.#reject(errorResponse(error, method), { status, code, message });
    } else {
      this.#core.reportError(cause);
      this.#reject(hookFailed(method), HOOK_FAILED);
    }
  }

  #reject(bytes: Uint8Array, refusal: Refusal): void {
    if (this.#phase === Phase.Answered) return;
    if (this.#send(bytes) && !this.#plain) this.#core.refused(this.upgradeRequest, refusal);
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
    this.#rest = undefined;
    this.#stopTimer();
    return this.#ensureAnswer(transport);
  }

  #ensureAnswer(transport: Transport): Answer {
    return this.#answer ??= new Answer(
      transport,
      this.#ended,
      this.#abort,
      (error, begun) => this.#responseFailed(error, begun),
    );
  }

  /** Returns the stream, if any; first takes it over from another HTTP server, for this sink. */
  #takeTransport(sink?: TransportSink): Transport | undefined {
    const socket = this.#call?.socket;
    if (socket === undefined || this.#transport !== undefined) {
      // Reading may be paused for a hook, but the end must be detected now.
      this.#transport?.resume();
      return this.#over ? undefined : this.#transport;
    }
    if (this.#over) return undefined;
    try {
      this.#transport = socket.take();
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
    const wasAnswered = this.#phase === Phase.Answered && !this.#answer?.isResponding;
    const reason = clientLeft();
    this.#phase = Phase.Answered;
    this.#rest = undefined;
    if (!wasAnswered) {
      this.#answer?.cancel(reason);
      this.#abort?.abort(reason);
      this.#stopTimer();
      this.#client.release();
    }
    if (this.#over) return;
    if (this.#transport === undefined) {
      this.#call!.socket.drop();
      this.#over = true;
      this.#finish();
    } else if (wasAnswered) {
      this.#transport.resume();
      this.#transport.end();
    } else {
      this.#ensureAnswer(this.#transport).leave(reason);
    }
  }

  #finish(): void {
    this.#stopTimer();
    this.#answer?.stop();
    this.#client.release();
    this.#done(undefined);
  }

  #done(outcome: HandshakeOutcome<T>): void {
    this.#core.handshakeDone(this, outcome, this.#call);
  }

  #keep(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#plain) return;
    const size = (this.#rest === undefined ? 0 : this.#client.counted) + chunk.length;
    (this.#rest ??= []).push(chunk);
    this.#client.hold(size);
    if (size > MAX_REST) this.#transport?.pause();
  }

  #stopTimer(): void {
    timers.cancel(this.#timer);
    this.#timer = undefined;
  }
}

// The last stage of an opening handshake without a connection: the response is sent, and the client
// has some time to read it and to disconnect.

import { HandshakeError } from "../errors.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { Transport } from "../transport/transport.ts";
import { shuttingDown } from "./admission.ts";
import { ResponseWriter } from "./plain_http.ts";

/** Milliseconds without progress of a rejection before the client's socket is cut. */
const LINGER = 2000;
/** The same for a response of the user, which may be large. */
const RESPONSE_TIMEOUT = 30_000;

/** The purposes of the timers. */
const Kind = { Linger: 0, Shutdown: 1 } as const;

/** Sends one response, and cuts a client that does not read it, or does not disconnect after it. */
export class Answer implements TimerTarget {
  readonly #transport: Transport;
  readonly #abort: AbortController | undefined;
  readonly #failed: (error: unknown, begun: boolean) => void;
  /** Whether the peer has ended its direction. */
  hasPeerEnded: boolean;
  #writer: ResponseWriter | undefined;
  #isResponding = false;
  #timer: Timer | undefined;
  /** The unsent output at the last check of progress, and the time without progress. */
  #unsent = 0;
  #stuck = 0;
  #patience = LINGER;
  #shutdownTimer: Timer | undefined;
  #shutdownTimeout = 0;
  #shutdownUnsent = 0;

  /**
   * @param transport The stream to the client.
   * @param hasPeerEnded Whether the peer has ended its direction.
   * @param abort Aborts the signal of a plain request, if it is one.
   * @param failed Called when a response of the user fails; see {@linkcode ResponseWriter}.
   */
  constructor(
    transport: Transport,
    hasPeerEnded: boolean,
    abort: AbortController | undefined,
    failed: (error: unknown, begun: boolean) => void,
  ) {
    this.#transport = transport;
    this.hasPeerEnded = hasPeerEnded;
    this.#abort = abort;
    this.#failed = failed;
  }

  /** Whether a response of the user is being sent. */
  get isResponding(): boolean {
    return this.#isResponding;
  }

  /** Sends a whole response, the only one; further bytes of the client are read and discarded. */
  send(bytes: Uint8Array): void {
    this.#transport.write(bytes, bytes.length);
    this.#end(LINGER);
  }

  /** Sends a response of the user to the request with this method and version. */
  respond(
    response: Response,
    request: { readonly method: string; readonly version: string },
  ): void {
    this.#isResponding = true;
    this.#writer = new ResponseWriter(
      this.#transport,
      response,
      request,
      () => this.#end(RESPONSE_TIMEOUT),
      (error, begun) => {
        this.#isResponding = false;
        if (!begun) this.#writer = undefined;
        this.#failed(error, begun);
      },
    );
    this.#linger(RESPONSE_TIMEOUT);
    this.#writer.start();
  }

  /**
   * Ends the stream: the client has disconnected, or has ended its direction. A response is
   * abandoned.
   */
  leave(reason: unknown): void {
    this.cancel(reason);
    this.#transport.resume();
    this.#transport.end();
    this.#linger(LINGER);
  }

  /** Abandons a response of the user. */
  cancel(reason: unknown): void {
    this.#isResponding = false;
    this.#writer?.cancel(reason);
    this.#writer = undefined;
  }

  /** Cuts the client off. */
  cut(): void {
    this.#writer?.cancel(shuttingDown());
    this.#writer = undefined;
    this.#abort?.abort(shuttingDown());
    this.#transport.destroy();
  }

  /**
   * The server shuts down: the client has the given milliseconds, and more while it makes progress.
   */
  shutDown(timeout: number): void {
    this.#shutdownTimeout = timeout;
    this.#shutdownUnsent = this.#transport.bufferedAmount;
    this.#shutdownTimer ??= timers.start(timeout, this, Kind.Shutdown);
  }

  /** The stream has ended. */
  stop(): void {
    timers.cancel(this.#timer);
    timers.cancel(this.#shutdownTimer);
  }

  /** The transport accepts output again. */
  drain(): void {
    this.#writer?.drain();
  }

  /** Time is up. */
  timerFired(kind: number): void {
    if (kind === Kind.Shutdown) this.#shutdownOver();
    else this.#checkProgress();
  }

  /** Nothing more is sent; the buffered output is still delivered. */
  #end(timeout: number): void {
    this.#isResponding = false;
    this.#writer = undefined;
    this.#transport.end();
    this.#linger(timeout);
  }

  /** Starts the timer for a client that has to read the response, and then to disconnect. */
  #linger(timeout: number): void {
    timers.cancel(this.#timer);
    this.#patience = timeout;
    this.#unsent = this.#transport.bufferedAmount;
    this.#stuck = 0;
    this.#timer = timers.start(Math.min(timeout, LINGER), this, Kind.Linger);
  }

  /** Cuts a client that reads nothing of the buffered output, or does not disconnect after it. */
  #checkProgress(): void {
    const unsent = this.#transport.bufferedAmount;
    // A client that has ended its direction is not awaited when there is nothing to send.
    const waitsForUser = this.#isResponding && unsent === 0 && !this.hasPeerEnded;
    this.#stuck = waitsForUser || unsent < this.#unsent ? 0 : this.#stuck + LINGER;
    this.#unsent = unsent;
    if (waitsForUser || this.#stuck < (unsent === 0 ? LINGER : this.#patience)) {
      this.#timer = timers.start(LINGER, this, Kind.Linger);
      return;
    }
    this.#writer?.cancel(new HandshakeError("HANDSHAKE_TIMEOUT", "The client reads too slowly"));
    this.#writer = undefined;
    this.#transport.destroy();
  }

  /** The time of a shutdown has passed. A client that still reads the response gets more time. */
  #shutdownOver(): void {
    const unsent = this.#transport.bufferedAmount;
    if (!this.#isResponding && unsent > 0 && unsent < this.#shutdownUnsent) {
      this.#shutdownUnsent = unsent;
      this.#shutdownTimer = timers.start(this.#shutdownTimeout, this, Kind.Shutdown);
      return;
    }
    this.cut();
  }
}

// The last stage of a rejected or plain request: sends the response, and gives the client some time
// to read it and disconnect.

import { HandshakeError } from "../errors.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { Transport } from "../transport/transport.ts";
import { shuttingDown } from "./admission.ts";
import { ResponseWriter } from "./plain_http.ts";

/** Milliseconds without progress of a rejection until the client's socket is cut. */
const LINGER = 2000;
/** The same for a user's response, which may be large. */
const RESPONSE_TIMEOUT = 30_000;

/** The purposes of the timers. */
const Kind = { Linger: 0, Shutdown: 1 } as const;

/**
 * Sends one response, and cuts a client that does not read it or does not disconnect afterwards.
 */
export class Answer implements TimerTarget {
  readonly #transport: Transport;
  readonly #abort: AbortController | undefined;
  readonly #failed: (error: unknown, begun: boolean) => void;
  /** Whether the peer has ended its side of the stream. */
  hasPeerEnded: boolean;
  #writer: ResponseWriter | undefined;
  #isResponding = false;
  #timer: Timer | undefined;
  /** The unsent output at the last check of progress, and the time without progress. */
  #unsent = 0;
  #stuck = 0;
  #progressTimeout = LINGER;
  #shutdownTimer: Timer | undefined;
  #shutdownTimeout = 0;
  #shutdownUnsent = 0;

  /**
   * @param transport The stream to the client.
   * @param hasPeerEnded Whether the peer has ended its side of the stream.
   * @param abort Aborts the signal of a plain request, if any.
   * @param failed Called when a user's response fails; see {@linkcode ResponseWriter}.
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

  /** Whether a user's response is being sent. */
  get isResponding(): boolean {
    return this.#isResponding;
  }

  /** Sends the only response; further input is read and discarded. */
  send(bytes: Uint8Array): void {
    this.#transport.write(bytes, bytes.length);
    this.#end(LINGER);
  }

  /** Sends a user's response to a request with this method and version. */
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

  /** Ends the stream after the client has disconnected or ended its side; abandons the response. */
  leave(reason: unknown): void {
    this.cancel(reason);
    this.#transport.resume();
    this.#transport.end();
    this.#linger(LINGER);
  }

  /** Abandons a user's response. */
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
   * The server shuts down: the client has `timeout` milliseconds, and more while it makes progress.
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

  /** The timeout has expired. */
  timerFired(kind: number): void {
    if (kind === Kind.Shutdown) this.#shutdownOver();
    else this.#checkProgress();
  }

  /** Ends the output; buffered output is still delivered. */
  #end(timeout: number): void {
    this.#isResponding = false;
    this.#writer = undefined;
    this.#transport.end();
    this.#linger(timeout);
  }

  /** Starts the timer for the client to read the response and disconnect. */
  #linger(timeout: number): void {
    timers.cancel(this.#timer);
    this.#progressTimeout = timeout;
    this.#unsent = this.#transport.bufferedAmount;
    this.#stuck = 0;
    this.#timer = timers.start(Math.min(timeout, LINGER), this, Kind.Linger);
  }

  /** Cuts a client that does not read buffered output, or does not disconnect afterwards. */
  #checkProgress(): void {
    const unsent = this.#transport.bufferedAmount;
    // Do not wait for a client that has ended its side when there is nothing to send.
    const waitsForUser = this.#isResponding && unsent === 0 && !this.hasPeerEnded;
    this.#stuck = waitsForUser || unsent < this.#unsent ? 0 : this.#stuck + LINGER;
    this.#unsent = unsent;
    if (waitsForUser || this.#stuck < (unsent === 0 ? LINGER : this.#progressTimeout)) {
      this.#timer = timers.start(LINGER, this, Kind.Linger);
      return;
    }
    this.#writer?.cancel(new HandshakeError("HANDSHAKE_TIMEOUT", "The client reads too slowly"));
    this.#writer = undefined;
    this.#transport.destroy();
  }

  /** The shutdown timeout has expired. A client that still reads the response gets more time. */
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

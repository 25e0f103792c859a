// Closes a connection over a stream: sends the Close frame after all other output, times the
// closing handshake, and ends the stream.

import type { Session } from "../session/session.ts";
import type { Transport } from "../transport/transport.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { Output } from "./output.ts";
import type { SendingDriver } from "./sending_driver.ts";

/** The purpose of a timer. */
const CLOSE_TIMER = 0;
const LINGER_TIMER = 1;

/** Time without progress is measured in this many steps, and detected at most one step late. */
const STEPS = 4;

/**
 * Milliseconds for the system to deliver its buffered output after the connection was reported as
 * closed: meanwhile the socket is half-closed instead of reset.
 */
const LINGER = 30_000;

/** The number of sent bytes above which the system may still buffer some. */
const LINGER_FROM = 16_384;

/**
 * The maximum number of lingering sockets in the process, which bounds the cost of peers that never
 * answer.
 */
const MAX_LINGERING = 1024;

let lingering = 0;

/** The state of ending this side of the stream. */
type Ending = "no" | "wanted" | "done";

/** Closes one connection; created when it begins to close or fail. */
export class Closing<T> implements TimerTarget {
  readonly #driver: SendingDriver<T>;
  readonly #session: Session;
  readonly #output: Output;
  readonly #transport: Transport;
  /** Whether a method of the transport has thrown; reported once. */
  hasTransportFailed = false;
  /** Whether the user has closed the connection; the Close frame may still be pending. */
  isWanted = false;
  /** The number of accepted messages that were not sent. */
  unsentMessages = 0;
  /** The Close frame, sent after everything else. */
  #pending: { readonly code: number; readonly reason: string } | undefined;
  #ending: Ending = "no";
  #timer: Timer | undefined;
  #timeout = 0;
  /** The bytes sent up to the last check of the closing handshake. */
  #leftBefore = 0;
  #stuckSteps = 0;
  #movedSteps = 0;
  /** Whether the connection has ended for the user, but the socket has not. */
  #isLingering = false;

  /**
   * @param driver The connection.
   * @param session The protocol.
   * @param output The connection's output.
   * @param transport The stream.
   */
  constructor(
    driver: SendingDriver<T>,
    session: Session,
    output: Output,
    transport: Transport,
  ) {
    this.#driver = driver;
    this.#session = session;
    this.#output = output;
    this.#transport = transport;
  }

  /** Whether the connection has ended for the user, but the socket has not. */
  get isLingering(): boolean {
    return this.#isLingering;
  }

  /** Sends the Close frame after all messages accepted before. Returns whether it was sent. */
  send(code: number, reason: string): boolean {
    this.#pending = { code, reason };
    this.#sendIfDue();
    return this.#pending === undefined;
  }

  /** Sends the Close frame unless accepted messages are still pending. */
  #sendIfDue(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    if (this.#session.state !== "open") {
      this.#pending = undefined;
      return;
    }
    const { fragments } = this.#output;
    // The user's unfinished fragmented message remains incomplete.
    if (fragments?.isStreaming) return;
    if (this.#driver.delaysClose(() => this.#sendIfDue())) return;
    this.#pending = undefined;
    this.#output.cork();
    while (!this.#output.slow && this.#driver.releaseWaiting());
    // The rest follows when there is room.
    if (this.#output.slow && this.#driver.releaseWaiting()) this.#pending = pending;
    else this.#session.close(pending.code, pending.reason);
    this.#output.uncork();
  }

  /** Output was written: sends the Close frame or ends the stream if that is next. */
  flushed(): void {
    if (this.#pending !== undefined) this.#sendIfDue();
    if (this.#ending === "wanted" && this.#output.empty && !this.#output.congested) {
      this.#endStream();
    }
  }

  // The time of the closing handshake.

  /** Starts the timer of the closing handshake, unless it has been started. */
  startTimer(timeout: number): void {
    if (this.#timer !== undefined) return;
    this.#timeout = timeout;
    this.#leftBefore = this.#output.left;
    this.#timer = timers.start(timeout / STEPS, this, CLOSE_TIMER);
  }

  /** Stops the timer: the connection has ended. */
  stopTimer(): void {
    if (!this.#isLingering) timers.cancel(this.#timer);
  }

  /** A timer is due. */
  timerFired(kind: number): void {
    if (kind === LINGER_TIMER) this.cut();
    else this.#checkProgress();
  }

  /** One step of the closing handshake: time counts only while no output is sent. */
  #checkProgress(): void {
    const { left } = this.#output;
    // Compression is this side's own delay.
    const moved = left !== this.#leftBefore || this.#output.uncompressed > 0;
    this.#leftBefore = left;
    this.#stuckSteps = moved ? 0 : this.#stuckSteps + 1;
    if (moved) this.#movedSteps++;
    const isOut = this.#output.empty && !this.#output.congested && this.#pending === undefined;
    // The system's buffered output takes about as long as the output sent before it.
    const maxStuckSteps = STEPS + (isOut ? this.#movedSteps : 0);
    if (this.#timeout > 0 && this.#stuckSteps < maxStuckSteps) {
      this.#timer = timers.start(this.#timeout / STEPS, this, CLOSE_TIMER);
      return;
    }
    const mayLinger = isOut && this.#timeout > 0 && left >= LINGER_FROM;
    if (mayLinger && lingering < MAX_LINGERING) this.#linger();
    else this.#session.closeTimedOut();
  }

  /**
   * All output has left the process, but the system may still be delivering it: reports the
   * connection as closed, and half-closes the socket instead of resetting it.
   */
  #linger(): void {
    lingering++;
    this.#isLingering = true;
    this.#timer = timers.start(LINGER, this, LINGER_TIMER);
    if (this.#ending !== "done") this.#endStream();
    this.#output.close();
    this.#session.abandon();
  }

  // The end of the stream.

  /** Ends this side of the stream as soon as the output has been sent. */
  endOutput(): void {
    if (this.#ending === "no") this.#ending = "wanted";
  }

  #endStream(): void {
    this.#ending = "done";
    this.#driver.guard(() => this.#transport.end());
  }

  /** Cuts the stream. */
  cut(): void {
    this.#ending = "done";
    this.#output.close();
    this.#output.giveUpStream();
    this.#driver.guard(() => this.#transport.destroy());
  }

  /** The stream has ended, in both directions. */
  streamClosed(error: Error | undefined): void {
    timers.cancel(this.#timer);
    if (this.#isLingering) {
      this.#isLingering = false;
      lingering--;
      return;
    }
    this.#ending = "done";
    this.#output.close();
    this.#session.streamClosed(error);
  }
}

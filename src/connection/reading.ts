// Pausing and resuming reads: the reasons to pause, the bytes that arrive meanwhile, and reading
// ahead.

import type { Session } from "../session/session.ts";
import type { Transport } from "../transport/transport.ts";
import { bufferDetached } from "../wire/frame_reader.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { continueLater, resetWork, Turns } from "./fair_turns.ts";
import type { Output } from "./output.ts";
import { RateLimiter, type RateLimitRules } from "./rate_limit.ts";
import type { SendingDriver } from "./sending_driver.ts";

/** The reasons to stop reading, as bits because they overlap. The user called `pause`. */
const BY_USER = 1;
/** The message queue is full. */
const BY_QUEUE = 2;
/** A message is slow to decompress: other connections get their turn. */
const BY_WORK = 4;
/** Much was read in this turn of the event loop: other connections get their turn. */
const BY_TURN = 8;
/** The peer has exceeded `rateLimit`. */
const BY_RATE = 16;
/** Much output is waiting for compression. */
const BY_OUTPUT = 32;

/**
 * Bytes to read ahead while the reader is behind, to detect the end of the stream and signs of life
 * behind unread messages.
 */
const READ_AHEAD = 65_536;

/** The maximum additional bytes to read ahead each time a pause has lasted `unreadTimeout`. */
const MAX_READ_AHEAD_STEP = 1_048_576;

/** Controls reading on connections that have paused or have a rate limit. */
export class Reading<T> implements TimerTarget {
  readonly #driver: SendingDriver<T>;
  readonly #session: Session;
  readonly #output: Output;
  readonly #transport: Transport;
  readonly #rate: RateLimiter | undefined;
  #rateTimer: Timer | undefined;
  readonly #turns: Turns = new Turns();
  #reasons = 0;
  /** Chunks, or rests of chunks, that arrived while reading was stopped. */
  #kept: Uint8Array[] | undefined;
  #keptSize = 0;
  /** Whether the end of the stream arrived after them. */
  #keptEnd = false;
  /** The maximum bytes read ahead: more than {@linkcode READ_AHEAD} after a long pause. */
  #readAhead = READ_AHEAD;
  /** Whether it reads ahead despite the user's pause, because the pause is long. */
  #readsInPause = false;
  #transportPaused = false;

  /**
   * @param driver The connection.
   * @param session The protocol.
   * @param output Corked while chunks are read.
   * @param transport The stream.
   * @param rateLimit The option `rateLimit`.
   */
  constructor(
    driver: SendingDriver<T>,
    session: Session,
    output: Output,
    transport: Transport,
    rateLimit: RateLimitRules | undefined,
  ) {
    this.#driver = driver;
    this.#session = session;
    this.#output = output;
    this.#transport = transport;
    this.#rate = rateLimit === undefined
      ? undefined
      : new RateLimiter(rateLimit, performance.now());
  }

  /** Whether reading messages is stopped. */
  get isStopped(): boolean {
    return this.#reasons !== 0;
  }

  /** Whether nothing is read from the socket. */
  get isPaused(): boolean {
    return this.#reasons !== 0 && this.#transportPaused;
  }

  /** Whether the next chunk must be kept behind earlier ones. */
  get isKeeping(): boolean {
    return this.#kept !== undefined;
  }

  /** Bytes that are kept. */
  get size(): number {
    return this.#keptSize;
  }

  /** Keeps a chunk, or the rest of one, to be read later. */
  keep(chunk: Uint8Array): void {
    (this.#kept ??= []).push(chunk);
    this.#keptSize += chunk.length;
    this.#driver.countMemory();
    if (this.#keptSize <= this.#readAhead) return;
    this.#pauseTransport();
    // The end of the stream or a dead peer may be detectable only behind it.
    if (this.#readsInPause) this.#driver.startUnreadTimer();
  }

  /** Discards the kept chunks. */
  drop(): void {
    this.#kept = undefined;
    this.#keptSize = 0;
  }

  // Events of the transport.

  /** The peer has ended its side of the stream. */
  end(): void {
    if (this.#kept === undefined && (this.#reasons & (BY_WORK | BY_OUTPUT)) === 0) {
      this.#driver.receiveEnd();
      return;
    }
    this.#keptEnd = true;
    // The close does not wait for a slow reader, which can still read the queue. It waits for a
    // user's pause, but not indefinitely.
    if (this.#reasons === BY_QUEUE) this.#readAll();
    else if (this.#readsInPause) this.#endUnread();
  }

  /** The stream has ended, in both directions. */
  streamClosed(): void {
    // If the user called `pause()`, keep pending data. If only the iterator's queue is full, add
    // the rest to it.
    if (this.#reasons !== 0 && (this.#reasons & BY_USER) === 0) this.#readAll();
    this.#kept = undefined;
  }

  /** The connection has ended. */
  stop(): void {
    timers.cancel(this.#rateTimer);
  }

  // Reasons to stop.

  /** The user stops reading. */
  pause(): void {
    this.#stop(BY_USER);
  }

  /** The user resumes reading. */
  resume(): void {
    this.#removeReasons(BY_USER);
  }

  /** The message queue is full. */
  queueFull(): void {
    this.#stop(BY_QUEUE);
  }

  /** The message queue has room again. */
  queueHasRoom(): void {
    this.#removeReasons(BY_QUEUE);
  }

  /** Too much output is waiting for compression. */
  outputFull(): void {
    this.#stop(BY_OUTPUT);
  }

  /** Less output is waiting for compression. */
  outputHasRoom(): void {
    this.#removeReasons(BY_OUTPUT);
  }

  /** The connection closes: a stopped reader would never see the peer's Close frame. */
  closing(): void {
    this.#removeReasons(BY_USER | BY_QUEUE | BY_RATE);
  }

  /** The user has paused, or messages have waited for a reader, for too long. */
  unreadTooLong(): void {
    if ((this.#reasons & BY_USER) === 0) return;
    if (this.#keptEnd) {
      this.#endUnread();
      return;
    }
    this.#readsInPause = true;
    if (this.#keptSize > this.#readAhead) {
      // Kept bytes count toward memoryLimit, which ends a peer that never stops sending.
      this.#readAhead = this.#keptSize + Math.min(this.#keptSize, MAX_READ_AHEAD_STEP);
    }
    this.#resumeTransport();
  }

  /** Yields to other connections; remaining and new input waits for the next turn. */
  endTurn(): void {
    resetWork();
    if ((this.#reasons & BY_TURN) !== 0 || this.#session.state === "closed") return;
    if (this.#reasons === 0) this.#session.pause();
    this.#reasons |= BY_TURN;
    this.#turns.end(() => {
      this.#reasons &= ~BY_TURN;
      if (this.#reasons !== 0 || this.#session.state === "closed") return;
      this.#session.resume();
      this.#readKept();
    });
  }

  /** Whether decompression of a message is paused. */
  get #isWorking(): boolean {
    return (this.#reasons & BY_WORK) !== 0;
  }

  /** A message is slow to decompress: continues after the turns of other connections. */
  messagePaused(): void {
    this.#stop(BY_WORK);
    if (this.#isWorking) continueLater(() => this.#continueMessage());
    else this.#session.resume();
  }

  #continueMessage(): void {
    if (!this.#isWorking) return;
    this.#output.cork();
    const isDelivered = this.#session.continueMessage();
    this.#output.uncork();
    if (isDelivered) this.#removeReasons(BY_WORK);
    else continueLater(() => this.#continueMessage());
  }

  /** Counts received bytes toward `rateLimit`. */
  countBytes(count: number): void {
    if (this.#rate === undefined) return;
    this.#rate.takeBytes(count);
    this.#checkRate(this.#rate);
  }

  /** Counts a received message toward `rateLimit`. */
  countMessage(): void {
    if (this.#rate === undefined) return;
    this.#rate.takeMessage();
    this.#checkRate(this.#rate);
  }

  /** Enforces `rateLimit`; calls `onLimit` once per excess. */
  #checkRate(rate: RateLimiter): void {
    const wait = this.#driver.enforceRate(rate);
    if (wait > 0 && rate.onExceed === "pause" && this.#rateTimer === undefined) {
      this.#stop(BY_RATE);
      this.#rateTimer = timers.start(Math.ceil(wait), this, 0);
    }
  }

  /** The rate of the peer is within its limit again. */
  timerFired(): void {
    this.#rateTimer = undefined;
    this.#rate?.wait(performance.now());
    this.#removeReasons(BY_RATE);
  }

  // Pausing and resuming.

  #stop(reason: number): void {
    // While closing, messages are dropped; only the peer's Close frame matters.
    if (this.#driver.state !== "open") return;
    if (this.#reasons === 0) this.#session.pause();
    this.#reasons |= reason;
    if (reason === BY_USER && !this.#readsInPause) {
      this.#pauseTransport();
      this.#driver.startUnreadTimer();
    }
  }

  /** Removes reasons; reading resumes when none is left. */
  #removeReasons(reasons: number): void {
    if (this.#reasons === 0) return;
    this.#reasons &= ~reasons;
    if ((this.#reasons & BY_USER) === 0) {
      this.#readsInPause = false;
      this.#readAhead = READ_AHEAD;
    }
    if (this.#reasons !== 0) return;
    this.#session.resume();
    // Deferred: the caller may be inside a handler or a loop over messages.
    queueMicrotask(() => this.#readKept());
  }

  #readKept(): void {
    if (this.#reasons !== 0) return;
    this.#driver.stopUnreadTimer();
    const chunks = this.#kept;
    this.drop();
    for (let i = 0; chunks !== undefined && i < chunks.length; i++) {
      this.#readChunk(chunks[i]);
      if (this.#reasons !== 0) {
        for (const later of chunks.slice(i + 1)) this.keep(later);
        if ((this.#reasons & BY_USER) === 0) this.#resumeTransport();
        return;
      }
    }
    this.#readKeptEnd();
    this.#resumeTransport();
  }

  /** Reads a kept chunk; it is empty only if the user has detached its memory. */
  #readChunk(chunk: Uint8Array): void {
    if (chunk.length === 0) this.#driver.fail(bufferDetached());
    else this.#driver.data(chunk);
  }

  /** Reads everything that has arrived, even if the queue is full. */
  #readAll(): void {
    const chunks = this.#kept ?? [];
    this.drop();
    this.#reasons &= ~BY_WORK;
    this.#output.cork();
    this.#session.resume();
    for (const chunk of chunks) {
      const { length } = chunk;
      if (length === 0) this.#driver.fail(bufferDetached());
      for (let at = 0; at < length;) {
        this.#session.resume();
        at = this.#session.receive(chunk, at, length);
      }
    }
    this.#output.uncork();
    this.#readKeptEnd();
  }

  #readKeptEnd(): void {
    if (!this.#keptEnd) return;
    this.#keptEnd = false;
    this.#driver.receiveEnd();
  }

  /** The peer has ended its side of the stream; earlier input is discarded. */
  #endUnread(): void {
    this.#kept = undefined;
    this.#keptEnd = false;
    this.#driver.receiveEnd();
  }

  #pauseTransport(): void {
    if (this.#transportPaused) return;
    this.#transportPaused = true;
    this.#driver.guard(() => this.#transport.pause());
  }

  /** Resumes reading from the socket unless too much is kept. */
  #resumeTransport(): void {
    if (this.#keptSize > this.#readAhead || !this.#transportPaused) return;
    this.#transportPaused = false;
    this.#driver.guard(() => this.#transport.resume());
  }
}

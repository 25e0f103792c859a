// What a user sends on one connection, and how much of it may wait: flow control.

import { WebSocketError } from "../errors.ts";
import type { MessageCompression } from "../message/message_compression.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { Session } from "../session/session.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { show } from "../shared/check.ts";
import type { ChannelSender, Message } from "./connection_link.ts";
import type { ConnectionRules } from "./connection_options.ts";
import { Lane } from "./lane.ts";
import type { Outbox } from "./outbox.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** Who hears of an {@linkcode Outflow}. */
export interface OutflowOwner {
  /** What waits is at or below `highWaterMark` again, after a send returned `false`. */
  drained(): void;
  /** There is room for what waits elsewhere. Returns whether any of that was sent. */
  sendWaiting(): boolean;
  /** Something may have been written: see whether the output is to end now. */
  flushed(): void;
}

/** The sending side of one connection. */
export class Outflow implements ChannelSender, TimerTarget {
  readonly #rules: ConnectionRules;
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #owner: OutflowOwner;
  readonly #compression: MessageCompression | undefined;
  #lane: Lane | undefined;
  /** Whom to tell of the end while a message goes out in fragments. */
  #laneEnded: (() => void) | undefined;
  #wantsDrain = false;
  #drainWaiters: Array<() => void> | undefined;
  /** Those who wait for the output alone, not for what waits for them in the lane. */
  #outputWaiters: Array<() => void> | undefined;
  #delayTimer: Timer | undefined;
  #delayedMessages = 0;

  /**
   * @param rules The options.
   * @param session What makes frames of messages.
   * @param outbox Where the session writes them.
   * @param owner Who hears of it.
   * @param compression What compresses messages, where that was negotiated.
   */
  constructor(
    rules: ConnectionRules,
    session: Session,
    outbox: Outbox,
    owner: OutflowOwner,
    compression: MessageCompression | undefined,
  ) {
    this.#rules = rules;
    this.#session = session;
    this.#outbox = outbox;
    this.#owner = owner;
    this.#compression = compression;
  }

  /** The peer does not listen to topics by itself. */
  get topicListener(): undefined {
    return undefined;
  }

  /** Bytes waiting to be sent. */
  get bufferedAmount(): number {
    return this.#outbox.size + (this.#lane?.size ?? 0);
  }

  /** Whether more than `highWaterMark` waits. */
  get slow(): boolean {
    return this.bufferedAmount > this.#rules.highWaterMark;
  }

  /** Sends a text message. */
  sendText(text: string, compress = true): boolean {
    if (this.#lane?.busy) return this.#hold(Opcode.Text, text, compress);
    return this.#session.sendText(text, compress) && this.#accepted();
  }

  /** Sends a message of bytes. */
  sendBytes(opcode: MessageOpcode, bytes: Uint8Array, compress = true): boolean {
    if (this.#lane?.busy) return this.#hold(opcode, bytes, compress);
    return this.#session.sendBytes(opcode, bytes, compress) && this.#accepted();
  }

  /** Sends a message that was encoded before. */
  sendPrepared(message: PreparedMessage): boolean {
    const compression = this.#compression;
    const frame = compression === undefined ? message.frame : message.frameFor(compression);
    // RFC 6455 5.3: a client masks with a new key each time, so that no frame can be sent twice.
    if (frame === undefined || this.#session.isClient || this.#lane?.busy) {
      return this.sendBytes(message.opcode, message.payload);
    }
    if (this.#session.state !== "open") return false;
    this.#outbox.share(frame);
    return this.#accepted();
  }

  /** Sends a message that may wait for others. */
  sendDelayed(opcode: MessageOpcode, data: Message): boolean {
    if (this.#lane?.busy) return this.#hold(opcode, data, true);
    const { maxMessages, maxDelay, bufferSize } = this.#rules.delayedWrite;
    // Those before may have left with other messages.
    if (!this.#outbox.delaying) this.#endBatch();
    this.#outbox.startDelay(bufferSize);
    try {
      const sent = typeof data === "string"
        ? this.#session.sendText(data)
        : this.#session.sendBytes(opcode, data);
      if (!sent) return false;
    } finally {
      this.#outbox.endDelay();
    }
    if (++this.#delayedMessages >= maxMessages) this.#flushDelayed();
    else if (this.#delayTimer?.target === undefined) {
      this.#delayTimer = timers.start(maxDelay, this, 0);
    }
    return this.#accepted();
  }

  /** Sends a fragment. */
  sendFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    last: boolean,
    bytes: Uint8Array,
    compress: boolean,
  ): boolean {
    return this.#session.sendFragment(opcode, last, bytes, compress) && this.#accepted() &&
      this.#outbox.size <= this.#rules.highWaterMark;
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    return this.#session.sendControl(opcode, payload) && this.#accepted();
  }

  /** Resolves when a message may go out in fragments; `ended` is called if the connection ends then. */
  async enterLane(ended: () => void): Promise<void> {
    this.#lane ??= new Lane((opcode, data, compress) => {
      if (typeof data === "string") this.sendText(data, compress);
      else this.sendBytes(opcode, data, compress);
    });
    await this.#lane.enter();
    this.#laneEnded = ended;
  }

  /** The message in fragments is out. */
  leaveLane(): void {
    this.#laneEnded = undefined;
    this.#lane?.leave();
  }

  /** Calls `fn`; what it sends leaves in one write. */
  cork(fn: () => void): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot cork: it takes a function, got ${show(fn)}`);
    }
    this.#outbox.cork();
    try {
      fn();
    } finally {
      this.#outbox.uncork();
      this.#owner.flushed();
    }
  }

  /** Resolves when what waits to be sent is at or below `highWaterMark`, or the connection is over. */
  drained(): Promise<void> {
    if (this.#session.state === "closed" || !this.slow) return Promise.resolve();
    this.#wantsDrain = true;
    return new Promise((resolve) => (this.#drainWaiters ??= []).push(resolve));
  }

  /** Resolves when no more than `highWaterMark` waits in the output, or the connection is over. */
  outputDrained(): Promise<void> {
    if (this.#session.state === "closed" || this.#outbox.size <= this.#rules.highWaterMark) {
      return Promise.resolve();
    }
    this.#wantsDrain = true;
    return new Promise((resolve) => (this.#outputWaiters ??= []).push(resolve));
  }

  /** Wants to be asked for what waits elsewhere as soon as the peer has caught up. */
  awaitDrain(bytes: number): boolean {
    const size = this.bufferedAmount + bytes;
    this.#wantsDrain = true;
    if (size <= this.#rules.maxBufferedAmount) return true;
    this.#cut(size, "maxBufferedAmount");
    return false;
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.#cut(this.bufferedAmount, "highWaterMark");
  }

  /** Something was written: whoever waits for that is told, unless a handler is running. */
  checkDrained(): void {
    if (!this.#wantsDrain || this.#outbox.corked) return;
    if (this.#outbox.size > this.#rules.highWaterMark) return;
    this.#outputWaiters = wakeAll(this.#outputWaiters);
    // As long as all of it leaves at once, nothing else would tell that there is room for more.
    while (!this.slow && this.#owner.sendWaiting());
    if (this.slow) return;
    this.#wantsDrain = false;
    this.#drainWaiters = wakeAll(this.#drainWaiters);
    if (this.#session.state !== "open") return;
    this.#owner.drained();
    // The handler may have sent, and all of it may have left at once; nothing else would tell. Not in
    // this turn of the event loop: a producer without an end would leave none for anybody else.
    if (this.#wantsDrain) setTimeout(() => this.checkDrained());
  }

  /** The connection is over: nobody waits any longer. */
  end(): void {
    this.#endBatch();
    this.#wantsDrain = false;
    this.#outputWaiters = wakeAll(this.#outputWaiters);
    this.#drainWaiters = wakeAll(this.#drainWaiters);
    this.#laneEnded?.();
    this.#lane?.end();
  }

  /** The time of delayed messages is over. */
  timerFired(): void {
    if (this.#outbox.delaying) this.#flushDelayed();
  }

  /** Whether more may be sent, after something was. */
  #accepted(): boolean {
    const size = this.bufferedAmount;
    const { highWaterMark, maxBufferedAmount } = this.#rules;
    if (size <= highWaterMark) return true;
    this.#wantsDrain = true;
    if (size > maxBufferedAmount) this.#cut(size, "maxBufferedAmount");
    return false;
  }

  /** Cuts a peer that reads too slowly, for which so many bytes wait. */
  #cut(size: number, limit: "highWaterMark" | "maxBufferedAmount"): void {
    const message = `The peer reads too slowly: ${size} bytes wait, ${limit} is ${
      this.#rules[limit]
    }`;
    const closeCode = CloseCode.PolicyViolation;
    this.#session.terminate(new WebSocketError("SLOW_CONSUMER", message, { closeCode }));
  }

  /** Lets a message wait for the end of one that goes out in fragments. */
  #hold(opcode: MessageOpcode, data: Message, compress: boolean): boolean {
    if (this.#session.state !== "open") return false;
    this.#lane!.hold(opcode, data, compress);
    return this.#accepted();
  }

  #endBatch(): void {
    timers.cancel(this.#delayTimer);
    this.#delayedMessages = 0;
  }

  #flushDelayed(): void {
    this.#endBatch();
    this.#outbox.flush();
    this.#owner.flushed();
  }
}

function wakeAll(waiters: Array<() => void> | undefined): undefined {
  for (const wake of waiters ?? []) wake();
}

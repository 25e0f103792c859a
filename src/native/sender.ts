// Sends over the runtime's WebSocket: messages, fragments assembled into whole messages, and flow
// control by the runtime's buffered amount.

import { WebSocketError } from "../errors.ts";
import type { WrittenCallback } from "../connection/arguments.ts";
import { checkCork, DriverBase, lost, slowConsumer } from "../connection/driver_base.ts";
import type { DriverContext } from "../connection/driver_context.ts";
import { type FragmentOpcode, FragmentQueue, type QueuedMessage } from "../connection/fragments.ts";
import { MemoryGovernor, type MemoryUse } from "../message/memory_governor.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { SessionState } from "../session/session.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { messageOf } from "./closing.ts";
import type { NativeEngine } from "./engine.ts";

/** Milliseconds between polls of the buffered output of a runtime without a drain event. */
const POLL_INTERVAL = 10;

/** The maximum size of a frame's header in bytes (RFC 6455 section 5.2). */
const MAX_HEADER = 14;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** State shared by the connections of one `createSockets`. */
export interface NativeContext<T, S> extends DriverContext<T> {
  /** The runtime's operations. */
  readonly engine: NativeEngine<S>;
}

/** State of buffered output, fragments and held memory. */
class NativeOutput {
  /** See {@linkcode NativeSender.counted}. */
  counted = 0;
  fragments: FragmentQueue | undefined;
  /** The fragments of an incomplete message: the runtime sends whole messages only. */
  parts: Uint8Array[] = [];
  partsSize = 0;
  isText = false;
  /** Called when everything has been sent. */
  written: WrittenCallback[] = [];
  /** Whether senders are waiting for room. */
  wantsDrain = false;
  drainWaiters: Array<() => void> = [];
  pollTimer: ReturnType<typeof setTimeout> | undefined;

  /** Adds a fragment. */
  gather(opcode: FragmentOpcode, bytes: Uint8Array): void {
    if (opcode !== Opcode.Continuation) {
      this.forget();
      this.isText = opcode === Opcode.Text;
    }
    this.parts.push(bytes.slice());
    this.partsSize += bytes.length;
  }

  /** Takes the assembled message. */
  whole(): Uint8Array {
    const whole = new Uint8Array(this.partsSize);
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.forget();
    return whole;
  }

  /** Discards the fragments of an incomplete message. */
  forget(): void {
    this.parts = [];
    this.partsSize = 0;
  }
}

/** The sending part of `NativeDriver`. */
export abstract class NativeSender<T, S> extends DriverBase<T> {
  declare protected readonly context: NativeContext<T, S>;
  protected socket: S | undefined;
  #output: NativeOutput | undefined;
  /** Whether a call to the runtime is in progress, which may end the connection. */
  protected isCalling = false;

  /** The runtime's operations. */
  protected get engine(): NativeEngine<S> {
    return this.context.engine;
  }

  abstract override readonly state: SessionState;
  /** Whether topic messages accepted before the close are being sent. */
  protected abstract readonly isReleasing: boolean;
  /** The stream that reserved the connection was completed or aborted. */
  protected abstract streamEnded(): void;
  /** Whether the runtime has ended the connection during a call. */
  protected abstract readonly hasEnded: boolean;

  get #more(): NativeOutput {
    return this.#output ??= new NativeOutput();
  }

  /** Bytes that the runtime has accepted and not yet sent. */
  get unsent(): number {
    return this.socket === undefined ? 0 : this.engine.bufferedAmount(this.socket);
  }

  /** Buffered bytes without the fragments of an incomplete message. */
  get #leaving(): number {
    return this.unsent + (this.#output?.fragments?.size ?? 0);
  }

  /** The number of buffered bytes. */
  get bufferedAmount(): number {
    return this.#leaving + (this.#output?.partsSize ?? 0);
  }

  /** Whether more than `highWaterMark` bytes are buffered. */
  get slow(): boolean {
    return this.#output?.wantsDrain === true && this.#leaving > this.rules.highWaterMark;
  }

  /** Whether a fragmented message is in progress, so that others are queued. */
  get #isBusy(): boolean {
    return this.#output?.fragments?.isBusy === true;
  }

  /** Whether a stream is being sent. */
  protected get isStreaming(): boolean {
    return this.#output?.fragments?.isStreaming === true;
  }

  /** Sends a text message. */
  sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean {
    if (this.state !== "open") return this.dropped(written);
    if (this.layer !== undefined) text = this.layer.text(text);
    if (this.#isBusy) {
      return this.hold(Opcode.Text, text, compress !== false, written);
    }
    return this.#sendText(text, compress !== false, written);
  }

  /** Sends a message given as bytes. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean {
    if (this.state !== "open") return this.dropped(written);
    if (this.layer !== undefined) bytes = this.layer.bytes(bytes);
    if (this.#isBusy) {
      return this.hold(opcode, bytes, compress !== false, written);
    }
    return this.#sendBytes(opcode, bytes, compress !== false, written);
  }

  /** Sends a prepared message. */
  sendPrepared(message: PreparedMessage): boolean {
    if (this.state !== "open" && !this.isReleasing) return false;
    if (this.layer !== undefined) message = this.layer.prepared(message);
    const isText = message.opcode === Opcode.Text;
    if (this.#isBusy) {
      return this.hold(message.opcode, isText ? message.text : message.payload, true);
    }
    return isText
      ? this.#sendText(message.text, true)
      : this.#sendBytes(Opcode.Binary, message.payload, true);
  }

  /** Sends a message; the runtime decides about delays. */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean {
    return typeof data === "string" ? this.sendText(data) : this.sendBytes(opcode, data);
  }

  /** Adds a fragment to a message, and sends the message when it is complete. */
  sendStreamFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean {
    if (!this.takesFragments) return false;
    const output = this.#more;
    output.gather(opcode, bytes);
    this.countMemory();
    // Counting memory may have closed this connection.
    if (!this.takesFragments) return false;
    const { partsSize } = output;
    const { highWaterMark, maxBufferedAmount } = this.rules;
    if (fin) {
      const whole = output.whole();
      const message = this.layer === undefined ? whole : this.layer.bytes(whole);
      this.countMemory();
      return this.#sendBytes(output.isText ? Opcode.Text : Opcode.Binary, message, compress);
    }
    // Above it, a stream waits for a turn of the event loop, although nothing is sent before its
    // end.
    if (partsSize <= maxBufferedAmount) return partsSize <= highWaterMark;
    this.fail(
      new WebSocketError(
        "MEMORY_LIMIT",
        `${this.engine.name} sends whole messages only, and ${partsSize} bytes of one in ` +
          `fragments exceed maxBufferedAmount (${maxBufferedAmount})`,
        { closeCode: CloseCode.InternalError },
      ),
    );
    return false;
  }

  /** The stream was completed or aborted. */
  endFragments(): void {
    this.#output?.forget();
    this.countMemory();
    this.#output?.fragments?.leave();
    this.streamEnded();
  }

  /** The connection ends before the stream is complete: discards it. */
  protected giveUpStream(): void {
    this.#output?.fragments?.giveUp();
  }

  protected override ensureFragments(): FragmentQueue {
    return this.#more.fragments ??= new FragmentQueue((message) => this.#sendQueued(message));
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    const isPing = opcode === Opcode.Ping;
    const send = isPing ? this.engine.ping : this.engine.pong;
    if (send === undefined) {
      const name = isPing ? "ping" : "pong";
      throw new TypeError(`Cannot ${name}: ${this.engine.name} cannot send ${name}s`);
    }
    if (this.state !== "open") return false;
    return this.attempt(() => send(this.socket!, payload)) && !this.slow;
  }

  /** Calls `fn` and sends its messages in one write if the runtime can. */
  cork(fn: () => void): void {
    checkCork(fn);
    let isCalled = false;
    const call = (): void => {
      isCalled = true;
      this.callCorked(fn);
    };
    if (this.state !== "open" || this.engine.cork === undefined) return call();
    try {
      this.engine.cork(this.socket!, call);
    } catch (cause) {
      // Errors of the function are thrown to its caller.
      if (isCalled) throw cause;
      this.#sendFailed(cause);
    }
    if (!isCalled) call();
  }

  /** Resolves when at most `highWaterMark` bytes are buffered, or the connection has ended. */
  drained(): Promise<void> {
    const hasRoom = this.#leaving <= this.rules.highWaterMark;
    if (this.state === "closed" || (hasRoom && this.#output?.wantsDrain !== true)) {
      return Promise.resolve();
    }
    this.#wantDrain();
    const drained = new Promise<void>((resolve) => this.#more.drainWaiters.push(resolve));
    // Topic messages that wait for room are sent before the caller's next message.
    if (hasRoom) queueMicrotask(() => this.#checkDrained());
    return drained;
  }

  /** Resolves in a later turn, so that a source that never waits does not block the event loop. */
  outputDrained(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Requests a call of the topics' `release` as soon as there is room. */
  awaitDrain(bytes: number, newest = 0): boolean {
    const size = this.bufferedAmount + bytes;
    this.#wantDrain();
    if (this.state !== "open") return false;
    if (size <= this.rules.maxBufferedAmount || size === newest) return true;
    this.#cut(size, "maxBufferedAmount");
    return false;
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.#cut(this.bufferedAmount, "highWaterMark");
  }

  /** Buffered output has been sent. */
  protected sentMore(): void {
    const output = this.#output;
    if (output !== undefined && output.written.length > 0 && this.unsent === 0) {
      for (const written of output.written.splice(0)) this.callWritten(written);
    }
    this.#checkDrained();
  }

  #sendText(text: string, compress: boolean, written?: WrittenCallback): boolean {
    let waiting: number;
    this.isCalling = true;
    try {
      waiting = this.engine.sendText(this.socket!, text, compress);
    } catch (cause) {
      return this.#sendFailed(cause, written);
    }
    this.isCalling = false;
    if (written !== undefined) this.#whenWritten(waiting, written);
    if (this.hasEnded) return false;
    return waiting === 0 || this.#accepted(waiting, text);
  }

  #sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress: boolean,
    written?: WrittenCallback,
  ): boolean {
    // The runtimes send text as strings only.
    if (opcode === Opcode.Text) return this.#sendText(decoder.decode(bytes), compress, written);
    let waiting: number;
    this.isCalling = true;
    try {
      waiting = this.engine.sendBytes(this.socket!, bytes, compress);
    } catch (cause) {
      return this.#sendFailed(cause, written);
    }
    this.isCalling = false;
    if (written !== undefined) this.#whenWritten(waiting, written);
    if (this.hasEnded) return false;
    return waiting === 0 || this.#accepted(waiting, bytes);
  }

  /** Sends a message queued behind a fragmented one. */
  #sendQueued({ opcode, data, compress, written, fragment }: QueuedMessage): void {
    this.countMemory();
    if (!this.takesFragments) {
      this.dropped(written);
    } else if (fragment !== "no") {
      this.sendStreamFragment(opcode, data as Uint8Array, fragment === "last", compress);
    } else if (typeof data === "string") {
      this.#sendText(data, compress, written);
    } else {
      this.#sendBytes(opcode as MessageOpcode, data, compress, written);
    }
  }

  /** Sends a text message of the layer. */
  protected override sendPlain(text: string): void {
    if (this.state !== "open") return;
    if (this.#isBusy) this.hold(Opcode.Text, text, true);
    else this.#sendText(text, true);
  }

  protected override holdMessage(message: QueuedMessage): boolean {
    this.ensureFragments().hold(message);
    this.countMemory();
    if (!this.takesFragments) return false;
    const size = this.bufferedAmount;
    const { highWaterMark, maxBufferedAmount } = this.rules;
    if (size <= highWaterMark) return true;
    this.#wantDrain();
    if (size > maxBufferedAmount) this.#cut(size, "maxBufferedAmount");
    return false;
  }

  /** Returns whether more may be sent after an accepted message. */
  #accepted(waiting: number, message: string | Uint8Array): boolean {
    const { highWaterMark, maxBufferedAmount } = this.rules;
    if (waiting === -1) {
      const why = `${this.engine.name} has dropped a message: too much output is buffered`;
      const closeCode = CloseCode.PolicyViolation;
      this.terminateWith(new WebSocketError("SLOW_CONSUMER", why, { closeCode }));
      return false;
    }
    if (waiting <= highWaterMark) return true;
    this.#wantDrain();
    if (!this.takesFragments) return false;
    // A single message never exceeds the limit.
    if (waiting > maxBufferedAmount && waiting > byteLengthOf(message) + MAX_HEADER) {
      this.#cut(waiting, "maxBufferedAmount");
    }
    return false;
  }

  #cut(size: number, limit: "highWaterMark" | "maxBufferedAmount"): void {
    this.terminateWith(slowConsumer(size, limit, this.rules[limit]));
  }

  /** The runtime rejected a message. */
  #sendFailed(cause: unknown, written?: WrittenCallback): boolean {
    this.isCalling = false;
    // Called with the error when the connection ends.
    if (written !== undefined) this.#more.written.push(written);
    if (!this.hasEnded) {
      this.terminateWith(lost(`${this.engine.name} cannot send: ${messageOf(cause)}`, cause));
    }
    return false;
  }

  /**
   * Calls the runtime; a failure ends the connection. Returns whether the connection is still
   * usable.
   */
  protected attempt(call: () => void): boolean {
    this.isCalling = true;
    try {
      call();
    } catch (cause) {
      return this.#sendFailed(cause);
    }
    this.isCalling = false;
    return !this.hasEnded;
  }

  #whenWritten(waiting: number, written: WrittenCallback): void {
    if (waiting === 0 && !this.hasEnded) {
      queueMicrotask(() => this.callWritten(written));
      return;
    }
    this.#more.written.push(written);
    this.#poll();
  }

  #wantDrain(): void {
    this.#more.wantsDrain = true;
    this.countMemory();
    this.#poll();
  }

  /** Polls the buffered output if the runtime has no drain event. */
  #poll(): void {
    if (this.engine.reportsDrain || this.state === "closed") return;
    const output = this.#more;
    output.pollTimer ??= setTimeout(() => {
      output.pollTimer = undefined;
      this.sentMore();
      if (output.written.length > 0) this.#poll();
    }, POLL_INTERVAL);
  }

  #checkDrained(): void {
    const output = this.#output;
    if (output === undefined || !output.wantsDrain || this.state === "closed") return;
    this.countMemory();
    if (this.#leaving > this.rules.highWaterMark) return this.#poll();
    const { topics } = this.context;
    while (!this.slow && this.state === "open" && topics?.release(this));
    if (this.slow) return this.#poll();
    output.wantsDrain = false;
    this.countMemory();
    for (const wake of output.drainWaiters.splice(0)) wake();
    if (this.state === "open") this.call("drain", this.handlers.drain);
  }

  // Memory. Messages in the runtime's buffer are counted while it holds more than `highWaterMark`.

  /** The memory last counted for the connection, in bytes. */
  get counted(): number {
    return this.#output?.counted ?? 0;
  }

  /** The bytes that closing the connection would free. */
  get weight(): number {
    return this.counted + this.#conflated;
  }

  /** The memory of buffered output in bytes. */
  protected get heldOutput(): number {
    return this.#queuedSize + this.#outputSize + this.#conflated;
  }

  /** Its share of the memory of messages waiting for it to catch up. */
  get #conflated(): number {
    return this.context.topics?.weightOf(this) ?? 0;
  }

  get #unreadSize(): number {
    return this.extra?.queue?.size ?? 0;
  }

  /** The size of messages queued behind a fragmented one, in bytes. */
  get #queuedSize(): number {
    return this.#output?.fragments?.size ?? 0;
  }

  get #outputSize(): number {
    const output = this.#output;
    if (output === undefined) return 0;
    return output.partsSize + (output.wantsDrain ? this.unsent : 0);
  }

  /** Recounts the memory of the connection and adds it to `use`. */
  addTo(use: MemoryUse): void {
    if (this.state === "closed") return;
    this.countMemory(Infinity);
    use.unreadMessages += this.#unreadSize;
    use.queuedMessages += this.#queuedSize;
    use.output += this.#outputSize;
  }

  /** Counts the memory of the connection. */
  countMemory(limit: number = this.rules.memoryLimit): void {
    if (this.state === "closed") return;
    const held = this.#unreadSize + this.#queuedSize + this.#outputSize;
    if (held === 0 && this.#output === undefined) return;
    const output = this.#more;
    const difference = held - output.counted;
    output.counted = held;
    MemoryGovernor.ofProcess.count(this, difference, limit);
  }

  /** The connection has ended: its memory no longer counts. */
  protected forgetMemory(): void {
    const output = this.#output;
    if (output === undefined) return;
    MemoryGovernor.ofProcess.remove(this);
    output.counted = 0;
  }

  /** Closes the connection because it holds the most memory and the total exceeds the limit. */
  abstract giveUp(error: WebSocketError): void;

  /** Discards buffered output. */
  protected discardOutput(): void {
    this.context.topics?.discard(this);
    const output = this.#output;
    if (output === undefined) return;
    output.forget();
    output.wantsDrain = false;
    for (const { written } of output.fragments?.end() ?? []) this.dropped(written);
  }

  /** The connection has ended: stops sending. Returns the accepted messages that were not sent. */
  protected stopSending(): QueuedMessage[] {
    clearTimeout(this.#output?.pollTimer);
    return this.#output?.fragments?.end() ?? [];
  }

  /** Calls pending `written` callbacks, with the cause unless the close was clean. */
  protected giveUpOutput(unsent: readonly QueuedMessage[], error: Error | undefined): void {
    for (const written of this.#output?.written.splice(0) ?? []) {
      queueMicrotask(() => this.callWritten(written, error));
    }
    for (const { written } of unsent) this.dropped(written);
    this.giveUpStream();
  }

  /** Wakes callers waiting for room. */
  protected wakeDrained(): void {
    for (const wake of this.#output?.drainWaiters.splice(0) ?? []) wake();
  }
}

/** The size of a message in bytes. */
export function byteLengthOf(message: string | Uint8Array): number {
  return typeof message === "string" ? encoder.encode(message).length : message.length;
}

// Sending over a stream: writes messages, fragments and control frames to the output, and handles
// its events.

import type { MessageSlices } from "../message/message_compression.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import { encodeLongText } from "../message/utf8.ts";
import type { Session } from "../session/session.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { WrittenCallback } from "./arguments.ts";
import type { Transport } from "../transport/transport.ts";
import { checkCork, DriverBase, slowConsumer } from "./driver_base.ts";
import type { FragmentOpcode, FragmentQueue, QueuedMessage } from "./fragments.ts";
import type { Output, OutputOwner } from "./output.ts";
import { Slicing } from "./slicing.ts";

/**
 * The size from which a message is compressed in slices; a shorter one takes a few milliseconds.
 */
const LONG_MESSAGE = 256 * 1024;

/** The sending part of `Driver`. `Reading` and `Closing` use this type. */
export abstract class SendingDriver<T> extends DriverBase<T> implements OutputOwner {
  abstract readonly transport: Transport;
  protected abstract readonly output: Output;
  protected abstract readonly session: Session;
  /** Whether the user has closed the connection and the Close frame waits for earlier messages. */
  protected abstract readonly isFlushing: boolean;
  /** An accepted message will not be sent. */
  protected abstract notSent(): void;
  /** The number of bytes waiting for compression has changed. */
  protected abstract uncompressedChanged(): void;

  /** The long message being compressed in slices; later messages wait. */
  #long: { readonly slicing: Slicing; readonly send: () => void } | undefined;

  // For `Reading` and `Closing`. None of these throw.

  /** Reads a chunk. Returns whether its memory may be reused for reading. */
  abstract data(chunk: Uint8Array): boolean;
  /** Processes the end of the peer's side. */
  abstract receiveEnd(): void;
  /** Calls a function of the transport. */
  abstract guard(call: () => void): void;

  // Events of the output.

  /** Output was written, perhaps all of it. */
  abstract flushed(): void;
  /** A method of the transport threw, which violates its contract. */
  abstract transportFailed(error: unknown): void;
  /** There is room for topic messages waiting elsewhere. Returns whether any were sent. */
  abstract releaseWaiting(): boolean;

  /** At most `highWaterMark` is buffered again. */
  callDrain(): void {
    if (this.state !== "open" || this.handlers.drain === undefined) return;
    this.output.cork();
    this.call("drain", this.handlers.drain);
    this.output.uncork(false);
  }

  /** The limit for slow peers was exceeded. */
  tooSlow(size: number, limit: "highWaterMark" | "maxBufferedAmount"): void {
    this.session.terminate(slowConsumer(size, limit, this.rules[limit]));
  }

  /** A callback of the user has thrown. */
  callbackFailed(error: unknown): void {
    this.reportError(error);
  }

  /**
   * Whether the Close frame must wait for an accepted topic message.
   *
   * @param proceed If so, called when the wait is over.
   */
  delaysClose(proceed: () => void): boolean {
    return this.context.topics?.delaysClose(this, proceed) === true;
  }

  // Sending.

  /** Bytes that have not left the process. */
  get bufferedAmount(): number {
    return this.output.bufferedAmount;
  }

  /** Whether more than `highWaterMark` bytes are buffered. */
  get slow(): boolean {
    return this.output.slow;
  }

  /** Sends a text message. */
  sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean {
    const session = this.session;
    if (session.state !== "open" || this.isFlushing) return this.dropped(written);
    if (this.layer !== undefined) text = this.layer.text(text);
    if (this.output.fragments?.isBusy || this.#isLong(text.length, compress)) {
      return this.hold(Opcode.Text, text, compress !== false, written);
    }
    session.writer.text(text, compress !== false);
    if (written !== undefined) this.output.whenWritten(written);
    return this.output.accepted(text.length);
  }

  /** Sends a message given as bytes. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean {
    const session = this.session;
    if (session.state !== "open" || this.isFlushing) return this.dropped(written);
    if (this.layer !== undefined) bytes = this.layer.bytes(bytes);
    if (this.output.fragments?.isBusy || this.#isLong(bytes.length, compress)) {
      return this.hold(opcode, bytes, compress !== false, written);
    }
    session.writer.bytes(opcode, bytes, compress !== false);
    if (written !== undefined) this.output.whenWritten(written);
    return this.output.accepted(bytes.length);
  }

  /** Sends a prepared message. */
  sendPrepared(message: PreparedMessage): boolean {
    const session = this.session;
    if (session.state !== "open" || this.isFlushing) return false;
    if (this.layer !== undefined) message = this.layer.prepared(message);
    const { fragments } = this.output;
    if (fragments?.isBusy || this.#isLong(message.frame.length) && !this.#isReady(message)) {
      return this.#holdPrepared(message);
    }
    this.#writePrepared(message);
    return this.output.accepted(message.frame.length);
  }

  #writePrepared(message: PreparedMessage): void {
    const { compression, isClient, writer } = this.session;
    const frame = compression === undefined ? message.frame : message.frameFor(compression);
    // RFC 6455 5.3: a client uses a new masking key for each frame, so no frame can be sent twice.
    if (frame === undefined || isClient) writer.bytes(message.opcode, message.payload);
    else this.output.share(frame);
  }

  /** Sends a message that may be delayed. */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean {
    const session = this.session;
    const output = this.output;
    if (session.state !== "open" || this.isFlushing) return false;
    const layer = this.layer;
    if (layer !== undefined) {
      data = typeof data === "string" ? layer.text(data) : layer.bytes(data);
    }
    if (output.fragments?.isBusy || this.#isLong(data.length)) return this.hold(opcode, data, true);
    output.startDelayed();
    if (typeof data === "string") session.writer.text(data);
    else session.writer.bytes(opcode, data);
    output.endDelay();
    output.delayedAdded();
    return output.accepted(data.length);
  }

  /** Sends a fragment of the stream that has reserved the connection. */
  sendStreamFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean {
    const session = this.session;
    if (session.state !== "open") return false;
    if (this.layer !== undefined && opcode !== Opcode.Continuation) {
      bytes = this.layer.bytes(bytes);
    }
    session.writer.fragment(opcode, fin, bytes, compress);
    return this.output.accepted(bytes.length);
  }

  /** The stream was completed or aborted. */
  endFragments(): void {
    this.output.leaveFragments();
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.session.sendControl(opcode, payload);
    return this.output.accepted(payload.length);
  }

  /** Calls `fn`; its messages leave in one write. */
  cork(fn: () => void): void {
    checkCork(fn);
    this.output.cork();
    try {
      this.callCorked(fn);
    } finally {
      this.output.uncork();
    }
  }

  /** Resolves when at most `highWaterMark` bytes are buffered, or the connection has ended. */
  drained(): Promise<void> {
    return this.output.drainedPromise();
  }

  /** The same, excluding messages that wait for the end of a fragmented one. */
  outputDrained(): Promise<void> {
    return this.output.outputDrained();
  }

  /** Requests a call of the topics' `release` as soon as there is room. */
  awaitDrain(bytes: number, newest = 0): boolean {
    return this.output.awaitDrain(bytes, newest);
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.output.cutSlow();
  }

  /** Sends a queued message, or compresses it first. */
  sendQueued(message: QueuedMessage): void {
    const { opcode, data, compress, written, fragment, prepared, isLong } = message;
    const { state, writer } = this.session;
    if (isLong) {
      this.#compressLong(message);
      return;
    }
    if (state !== "open") {
      this.notSent();
      this.dropped(written);
      return;
    }
    if (fragment !== "no") {
      this.sendStreamFragment(opcode, data as Uint8Array, fragment === "last", compress);
      return;
    }
    if (prepared !== undefined) this.#writePrepared(prepared);
    else if (typeof data === "string") writer.text(data, compress);
    else writer.bytes(opcode as MessageOpcode, data, compress);
    if (written !== undefined) this.output.whenWritten(written);
    this.output.accepted(data.length);
  }

  // Long messages, which are compressed in slices (`slicing.ts`).

  /** Whether a message of this size is compressed in slices. */
  #isLong(length: number, compress?: boolean): boolean {
    if (length < LONG_MESSAGE || compress === false) return false;
    const { compression } = this.session;
    return compression?.deflateSlices !== undefined && compression.wants(length);
  }

  /** Whether a prepared message has already been compressed for another connection. */
  #isReady(message: PreparedMessage): boolean {
    const { compression, isClient } = this.session;
    return !isClient && compression?.shareKey !== undefined &&
      message.slicesFor(compression) === undefined;
  }

  /**
   * Compresses a long message in later turns of the event loop. If the connection closes first, it
   * remains in the queue and counts as unsent like the messages behind it.
   */
  #compressLong(message: QueuedMessage): void {
    const { state, compression, isClient } = this.session;
    if (state !== "open") return;
    const { data, prepared } = message;
    const bytes = typeof data === "string" ? encodeLongText(data) : data;
    const isShared = prepared !== undefined && !isClient && compression!.shareKey !== undefined;
    const slices = isShared ? prepared.slicesFor(compression!) : compression!.deflateSlices!(bytes);
    const send = () => {
      this.giveUpLong();
      if (this.session.state === "open") this.#longCompressed(message, bytes, slices);
    };
    if (slices === undefined) {
      send();
      return;
    }
    const slicing = Slicing.of(slices);
    this.#long = { slicing, send };
    slicing.add(send);
  }

  #longCompressed(
    { opcode, written, prepared }: QueuedMessage,
    bytes: Uint8Array,
    slices: MessageSlices | undefined,
  ): void {
    const { compression, writer, isClient } = this.session;
    const isShared = prepared !== undefined && !isClient && compression!.shareKey !== undefined;
    if (isShared) this.#writePrepared(prepared);
    else if (slices!.isSmaller) writer.slices(opcode as MessageOpcode, slices!);
    else writer.bytes(opcode as MessageOpcode, bytes, false);
    if (written !== undefined) this.output.whenWritten(written);
    this.output.accepted(slices?.size ?? bytes.length);
    this.output.leaveFragments();
    this.countMemory();
    this.uncompressedChanged();
  }

  /** Compresses everything that waits for compression immediately. */
  protected finishLong(): void {
    while (this.#long !== undefined && this.session.state === "open") this.#long.slicing.finish();
  }

  /** Stops compressing the long message, which was sent or dropped. */
  protected giveUpLong(): void {
    this.#long?.slicing.remove(this.#long.send);
    this.#long = undefined;
  }

  /** The memory of the compressed slices in bytes, shared or not. */
  protected get slicesSize(): number {
    return this.#long?.slicing.slices.byteLength ?? 0;
  }

  /** Calls back when everything sent so far has left the process, or with an error. */
  whenWritten(call: WrittenCallback): void {
    if (this.session.state === "closed") this.dropped(call);
    else this.output.whenWritten(call);
  }

  /** Writes buffered output, even inside a handler. */
  flush(): void {
    this.output.flushNow();
  }

  /** Sends encoded frames. */
  sendFrames(bytes: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.output.append(bytes);
    return this.output.accepted(bytes.length);
  }

  /** Sends a message of the layer. */
  protected override sendPlain(text: string): void {
    if (this.state !== "open") return;
    if (this.output.fragments?.isBusy) {
      this.hold(Opcode.Text, text, true);
      return;
    }
    this.session.writer.text(text);
    this.output.accepted(text.length);
  }

  protected override ensureFragments(): FragmentQueue {
    return this.output.ensureFragments();
  }

  protected override get takesFragments(): boolean {
    return this.session.state === "open";
  }

  #holdPrepared(message: PreparedMessage): boolean {
    return this.holdMessage({
      opcode: message.opcode,
      data: message.payload,
      compress: true,
      written: undefined,
      fragment: "no",
      prepared: message,
    });
  }

  protected override holdMessage(message: QueuedMessage): boolean {
    const { data, compress, fragment } = message;
    const isLong = fragment === "no" && this.#isLong(data.length, compress);
    const fragments = this.output.ensureFragments();
    fragments.hold(isLong ? { ...message, isLong } : message);
    if (isLong) {
      fragments.begin();
      this.uncompressedChanged();
    }
    this.countMemory();
    return this.output.accepted(data.length);
  }
}

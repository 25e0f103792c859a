// Sending over a stream: messages, fragments of messages and control frames, into the output.

import type { PreparedMessage } from "../message/prepared_message.ts";
import type { Session } from "../session/session.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { WrittenCallback } from "./connection_driver.ts";
import { checkCork, DriverBase } from "./driver_base.ts";
import type { FragmentOpcode, FragmentQueue, QueuedMessage } from "./fragments.ts";
import type { Output } from "./output.ts";

/** The sending of a driver whose protocol is the session's. */
export abstract class SendingDriver<T> extends DriverBase<T> {
  protected abstract readonly output: Output;
  protected abstract readonly session: Session;
  /** Whether the user has closed the connection, and the Close frame waits for what was accepted. */
  protected abstract readonly isFlushing: boolean;
  /** A message that was accepted is not sent. */
  protected abstract notSent(): void;
  /** Counts the memory that the connection holds. */
  abstract countMemory(): void;

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
    if (this.output.fragments?.isBusy) {
      return this.hold(Opcode.Text, text, compress !== false, written);
    }
    session.writer.text(text, compress !== false);
    if (written !== undefined) this.output.whenWritten(written);
    return this.output.accepted(text.length);
  }

  /** Sends a message of bytes. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean {
    const session = this.session;
    if (session.state !== "open" || this.isFlushing) return this.dropped(written);
    if (this.layer !== undefined) bytes = this.layer.bytes(bytes);
    if (this.output.fragments?.isBusy) {
      return this.hold(opcode, bytes, compress !== false, written);
    }
    session.writer.bytes(opcode, bytes, compress !== false);
    if (written !== undefined) this.output.whenWritten(written);
    return this.output.accepted(bytes.length);
  }

  /** Sends a message that was encoded before. */
  sendPrepared(message: PreparedMessage): boolean {
    const session = this.session;
    if (session.state !== "open" || this.isFlushing) return false;
    if (this.layer !== undefined) message = this.layer.prepared(message);
    const { compression } = session;
    const frame = compression === undefined ? message.frame : message.frameFor(compression);
    if (this.output.fragments?.isBusy) return this.hold(message.opcode, message.payload, true);
    // RFC 6455 5.3: a client masks with a new key each time, so that no frame can be sent twice.
    if (frame === undefined || session.isClient) {
      session.writer.bytes(message.opcode, message.payload);
    } else {
      this.output.share(frame);
    }
    return this.output.accepted(message.frame.length);
  }

  /** Sends a message that may wait for others. */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean {
    const session = this.session;
    const output = this.output;
    if (session.state !== "open" || this.isFlushing) return false;
    const layer = this.layer;
    if (layer !== undefined) {
      data = typeof data === "string" ? layer.text(data) : layer.bytes(data);
    }
    if (output.fragments?.isBusy) return this.hold(opcode, data, true);
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

  /** The stream is complete or given up. */
  endFragments(): void {
    this.output.leaveFragments();
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.session.sendControl(opcode, payload);
    return this.output.accepted(payload.length);
  }

  /** Calls `fn`; what it sends leaves in one write. */
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

  /** The same, without messages that wait for the end of a fragmented one. */
  outputDrained(): Promise<void> {
    return this.output.outputDrained();
  }

  /** Asks for a call of `release` of the topics as soon as there is room. */
  awaitDrain(bytes: number, newest = 0): boolean {
    return this.output.awaitDrain(bytes, newest);
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.output.cutSlow();
  }

  /** Sends a message that waited for the end of a fragmented one. */
  sendQueued({ opcode, data, compress, written, fragment }: QueuedMessage): void {
    const { state, writer } = this.session;
    if (state !== "open") {
      this.notSent();
      this.dropped(written);
      return;
    }
    if (fragment !== "no") {
      this.sendStreamFragment(opcode, data as Uint8Array, fragment === "last", compress);
      return;
    }
    if (typeof data === "string") writer.text(data, compress);
    else writer.bytes(opcode as MessageOpcode, data, compress);
    if (written !== undefined) this.output.whenWritten(written);
    this.output.accepted(data.length);
  }

  /** Calls back when what was sent up to here has left the process, or with an error. */
  whenWritten(call: WrittenCallback): void {
    if (this.session.state === "closed") this.dropped(call);
    else this.output.whenWritten(call);
  }

  /** Writes what waits to be written, also inside of a handler. */
  flush(): void {
    this.output.flushNow();
  }

  /** Sends bytes that are frames already. */
  sendFrames(bytes: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.output.append(bytes);
    return this.output.accepted(bytes.length);
  }

  /** Sends what the layer itself has to say. */
  protected override sendPlain(text: string): void {
    if (this.state !== "open") return;
    if (this.output.fragments?.isBusy) {
      this.hold(Opcode.Text, text, true);
      return;
    }
    this.session.writer.text(text);
    this.output.accepted(text.length);
  }

  protected override needFragments(): FragmentQueue {
    return this.output.needFragments();
  }

  protected override get takesFragments(): boolean {
    return this.session.state === "open";
  }

  protected override hold(
    opcode: FragmentOpcode,
    data: string | Uint8Array,
    compress: boolean,
    written?: WrittenCallback,
    fragment: QueuedMessage["fragment"] = "no",
  ): boolean {
    this.output.needFragments().hold({ opcode, data, compress, written, fragment });
    this.countMemory();
    return this.output.accepted(data.length);
  }
}

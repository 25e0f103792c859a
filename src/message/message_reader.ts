// Assembles frames into messages (RFC 6455 5.4): control frames may arrive between fragments, and
// text is validated as it arrives.

import { releaseMemory } from "../deflate/release_memory.ts";
import type { FrameSink } from "../wire/frame_reader.ts";
import { copyBytes } from "../wire/frame_writer.ts";
import { compressedLimit } from "../wire/header.ts";
import {
  CONTROL,
  FIN,
  MAX_CONTROL_PAYLOAD,
  type MessageOpcode,
  Opcode,
  OPCODE_BITS,
  RSV1,
} from "../wire/opcode.ts";
import { spendWork, WORK_LATER, workAtFirst } from "./inflate_budget.ts";
import { touchedSize } from "./memory_governor.ts";
import type { MessageCompression } from "./message_compression.ts";
import { checkUtf8, checkUtf8End, decodeText, UTF8_COMPLETE } from "./utf8.ts";

/**
 * The rules for incoming messages.
 *
 * @category Messages
 */
export interface MessageRules {
  /** The type of delivered text messages. */
  readonly text: "string" | "bytes";
  /** Whether text is validated as UTF-8. `false` requires `text: "bytes"`. */
  readonly utf8Check: boolean;
  /** The maximum size of a message in bytes; the frame reader rejects more. */
  readonly maxMessageSize: number;
}

/**
 * Receives messages and control frames from a {@linkcode MessageReader}.
 *
 * @category Messages
 */
export interface MessageSink {
  /** A text message, if text is delivered as strings. */
  textMessage(text: string): void;

  /**
   * Any other message: `bytes[start..end)`. This memory is never written again, so views of it may
   * be kept indefinitely.
   */
  bytesMessage(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void;

  /** A Close, Ping or Pong frame with the payload `bytes[start..end)`, which may also be kept. */
  controlFrame(opcode: Opcode, bytes: Uint8Array, start: number, end: number): void;

  /**
   * A compressed message is slow and was paused. Nothing may be read until {@linkcode
   * MessageReader.resume} returns `true`. Absent: messages never pause.
   */
  messagePaused?(): void;
}

/** A control frame that arrives in several chunks. */
class SplitControl {
  readonly bytes: Uint8Array;
  length = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }
}

/**
 * Assembles frames into messages and delivers them; the sink of a `FrameReader`.
 *
 * @example
 * ```ts
 * import { FrameReader, MessageReader } from "@quickws/quickws/core";
 *
 * const limits = { maxMessageSize: 1024, maxFragments: 16 };
 * const messages = new MessageReader({ text: "string", utf8Check: true, ...limits }, {
 *   textMessage: (text) => console.log(text), // hello
 *   bytesMessage: () => {},
 *   controlFrame: () => {},
 * });
 * const frames = new FrameReader({ masked: false, rsv1: false, ...limits }, messages);
 * frames.read(Uint8Array.of(0x01, 2, 0x68, 0x65)); // "he", and more to come
 * frames.read(Uint8Array.of(0x80, 3, 0x6c, 0x6c, 0x6f)); // "llo", the last fragment
 * ```
 *
 * @category Messages
 */
export class MessageReader implements FrameSink {
  readonly #rules: MessageRules;
  readonly #sink: MessageSink;
  readonly #compression: MessageCompression | undefined;
  /** The partial message. */
  #message: UnfinishedMessage | undefined;
  #ordinal = 0;
  /** The first header byte of the frame that arrives in pieces. */
  #first = 0;
  /** The size of the message including the current frame. */
  #expected = 0;
  #control: SplitControl | undefined;
  /** The type of the paused message, if any. */
  #pausedOpcode: MessageOpcode | undefined;

  /**
   * Creates a reader at the start of a stream.
   *
   * @param rules The rules for messages.
   * @param sink Receives them.
   * @param compression Decompresses messages, if negotiated.
   */
  constructor(rules: MessageRules, sink: MessageSink, compression?: MessageCompression) {
    this.#rules = rules;
    this.#sink = sink;
    this.#compression = compression;
  }

  /** The ordinal of the partial message; 0 without one. */
  get partial(): number {
    return this.#message === undefined ? 0 : this.#ordinal;
  }

  /** Drops the partial message: the rest of it will not arrive. */
  drop(): void {
    this.#message?.drop();
    this.#message = undefined;
  }

  /** Whether a message is paused until {@linkcode MessageReader.resume}. */
  get isPaused(): boolean {
    return this.#pausedOpcode !== undefined;
  }

  /** The memory of the partial message in bytes. */
  get held(): number {
    return this.#message?.held ?? 0;
  }

  /**
   * A whole frame.
   *
   * @throws {InvalidPayloadError} When text is not UTF-8.
   */
  frame(first: number, bytes: Uint8Array, start: number, end: number): void {
    const opcode = (first & OPCODE_BITS) as Opcode;
    if ((opcode & CONTROL) !== 0) {
      this.#sink.controlFrame(opcode, bytes, start, end);
    } else if ((first & FIN) !== 0 && this.#message === undefined) {
      if ((first & RSV1) === 0) this.#deliver(opcode as MessageOpcode, bytes, start, end);
      else this.#deliverCompressed(opcode as MessageOpcode, bytes, start, end);
    } else {
      this.frameStart(first, end - start);
      if (end > start) this.framePiece(bytes, start, end);
      this.frameEnd();
    }
  }

  /** A frame that arrives in pieces begins. */
  frameStart(first: number, length: number): void {
    this.#first = first;
    const opcode = (first & OPCODE_BITS) as Opcode;
    if ((opcode & CONTROL) !== 0) {
      this.#control = new SplitControl(Math.min(length, MAX_CONTROL_PAYLOAD));
      return;
    }
    if (opcode !== Opcode.Continuation) {
      this.#message = new UnfinishedMessage(opcode as MessageOpcode, (first & RSV1) !== 0);
      this.#ordinal++;
    }
    this.#expected = this.#message!.length + length;
  }

  /**
   * The next piece of the frame.
   *
   * @throws {InvalidPayloadError} As soon as a byte makes a text invalid.
   */
  framePiece(bytes: Uint8Array, start: number, end: number): void {
    if ((this.#first & CONTROL) !== 0) {
      const control = this.#control!;
      copyBytes(bytes, start, end, control.bytes, control.length);
      control.length += end - start;
      return;
    }
    const message = this.#message!;
    // RFC 6455 8.1: invalid UTF-8 fails the connection, detected before the message or even the
    // frame is complete.
    if (this.#checksText(message)) message.utf8 = checkUtf8(message.utf8, bytes, start, end);
    message.add(bytes, start, end, this.#maxLength(message));
  }

  /**
   * The frame is complete.
   *
   * @throws {InvalidPayloadError} When a text message ends inside a character.
   */
  frameEnd(): void {
    const opcode = (this.#first & OPCODE_BITS) as Opcode;
    if ((opcode & CONTROL) !== 0) {
      const { bytes, length } = this.#control!;
      this.#control = undefined;
      this.#sink.controlFrame(opcode, bytes, 0, length);
    } else if ((this.#first & FIN) !== 0) {
      this.#deliverGathered(this.#message!);
    }
  }

  #checksText({ opcode, compressed }: UnfinishedMessage): boolean {
    return opcode === Opcode.Text && this.#rules.utf8Check && !compressed;
  }

  /** The maximum size of the partial message. */
  #maxLength({ compressed }: UnfinishedMessage): number {
    // The header of the last fragment determines the size of the message.
    if ((this.#first & FIN) !== 0) return this.#expected;
    const { maxMessageSize } = this.#rules;
    return compressed ? compressedLimit(maxMessageSize) : maxMessageSize;
  }

  #deliverGathered(message: UnfinishedMessage): void {
    const { opcode, length } = message;
    const bytes = message.take();
    this.#message = undefined;
    if (this.#checksText(message)) checkUtf8End(message.utf8);
    if (message.compressed) this.#deliverCompressed(opcode, bytes, 0, length, true);
    else if (opcode === Opcode.Text && this.#rules.text === "string") {
      this.#sink.textMessage(decodeText(bytes, 0, length));
    } else {
      this.#sink.bytesMessage(opcode, bytes, 0, length);
    }
  }

  #deliverCompressed(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isOwn = false,
  ): void {
    const compression = this.#compression!;
    const { maxMessageSize } = this.#rules;
    if (this.#sink.messagePaused === undefined || compression.inflateWithin === undefined) {
      this.#deliverInflated(opcode, compression.inflate(bytes, start, end, maxMessageSize));
      return;
    }
    const work = workAtFirst();
    const inflated = compression.inflateWithin(bytes, start, end, maxMessageSize, work, isOwn);
    spendWork(inflated === undefined ? work : inflated.length);
    if (inflated !== undefined) {
      this.#deliverInflated(opcode, inflated);
    } else {
      this.#pausedOpcode = opcode;
      this.#sink.messagePaused();
    }
  }

  /**
   * Resumes the paused message.
   *
   * @returns Whether it was delivered; if not, call it again.
   * @throws {InvalidPayloadError} When the message is corrupt.
   * @throws {MessageTooBigError} When it inflates to more than `maxMessageSize` bytes.
   */
  resume(): boolean {
    const opcode = this.#pausedOpcode!;
    const inflated = this.#compression!.resumeInflate!(WORK_LATER);
    if (inflated === undefined) return false;
    this.#pausedOpcode = undefined;
    // A long message already has separate memory; another copy would cost as much as a slice of
    // work.
    const { length } = inflated;
    const isLoose = inflated.buffer.byteLength > 2 * length;
    this.#deliver(opcode, isLoose ? inflated.slice() : inflated, 0, length);
    return true;
  }

  #deliverInflated(opcode: MessageOpcode, inflated: Uint8Array): void {
    // The next message overwrites this output; strings are already copies.
    const isString = opcode === Opcode.Text && this.#rules.text === "string";
    const message = isString ? inflated : inflated.slice();
    this.#deliver(opcode, message, 0, message.length);
  }

  #deliver(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === Opcode.Text) {
      if (this.#rules.text === "string") {
        this.#sink.textMessage(decodeText(bytes, start, end));
        return;
      }
      if (this.#rules.utf8Check) checkUtf8End(checkUtf8(UTF8_COMPLETE, bytes, start, end));
    }
    this.#sink.bytesMessage(opcode, bytes, start, end);
  }
}

// A partial message: its bytes so far, in memory that grows with the received bytes.

/** The initial size of a message buffer, unless the message is known to be shorter. */
const GATHER_MIN = 1024;

/**
 * The maximum ratio of a message buffer to the received bytes. Headers reserve no memory: it grows
 * with the bytes that a peer has actually sent.
 */
const GATHER_GROWTH = 4;

/** One partial message. */
export class UnfinishedMessage {
  readonly opcode: MessageOpcode;
  /** Whether it is compressed. */
  readonly compressed: boolean;
  /** The number of received bytes. */
  length = 0;
  /** The state of the UTF-8 validation, if enabled. */
  utf8 = UTF8_COMPLETE;
  #bytes: Uint8Array | undefined;

  /**
   * @param opcode The type of the message.
   * @param compressed Whether it is compressed.
   */
  constructor(opcode: MessageOpcode, compressed: boolean) {
    this.opcode = opcode;
    this.compressed = compressed;
  }

  /** Its memory in bytes. */
  get held(): number {
    return this.#bytes === undefined ? 0 : touchedSize(this.#bytes.length, this.length);
  }

  /**
   * Adds a piece.
   *
   * @param maxLength The maximum size of the message.
   */
  add(bytes: Uint8Array, start: number, end: number, maxLength: number): void {
    const target = this.#reserve(this.length + end - start, maxLength);
    copyBytes(bytes, start, end, target, this.length);
    this.length += end - start;
  }

  /** Takes its buffer; the first {@linkcode UnfinishedMessage.length} bytes are used. */
  take(): Uint8Array {
    const bytes = this.#bytes ?? new Uint8Array(0);
    this.drop();
    // The user may keep it for long, so at most half of the memory may be unused.
    if (bytes.length <= 2 * this.length) return bytes;
    const tight = bytes.slice(0, this.length);
    releaseMemory(bytes);
    return tight;
  }

  /** Releases its memory. */
  drop(): void {
    this.#bytes = undefined;
  }

  #reserve(needed: number, maxLength: number): Uint8Array {
    const old = this.#bytes;
    if (old !== undefined && old.length >= needed) return old;
    const capacity = Math.min(Math.max(GATHER_MIN, needed * GATHER_GROWTH), maxLength);
    const grown = new Uint8Array(capacity);
    if (old !== undefined) {
      grown.set(old.subarray(0, this.length));
      releaseMemory(old);
    }
    return this.#bytes = grown;
  }
}

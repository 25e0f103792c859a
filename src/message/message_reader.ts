// Frames to messages (RFC 6455 5.4): fragments are gathered, control frames pass in between, text is
// checked as it comes.

import type { WebSocketError } from "../errors.ts";
import type { FrameSink } from "../wire/frame_reader.ts";
import { copyBytes } from "../wire/frame_writer.ts";
import {
  CONTROL,
  FIN,
  MAX_CONTROL_PAYLOAD,
  type MessageOpcode,
  Opcode,
  OPCODE_BITS,
  RSV1,
} from "../wire/opcode.ts";
import { compressedLimit } from "../wire/header.ts";
import type { MessageCompression } from "./message_compression.ts";
import { type MemoryHolder, UnfinishedMemory } from "./unfinished_memory.ts";
import { checkUtf8, checkUtf8End, decodeText, UTF8_COMPLETE } from "./utf8.ts";

/** How messages are delivered. */
export interface MessageRules {
  /** What a text message arrives as. */
  readonly text: "string" | "bytes";
  /** Whether text is checked as UTF-8. `false` is for `text: "bytes"` alone. */
  readonly utf8Check: boolean;
  /** Bytes of one message at most; the frame reader refuses more. */
  readonly maxMessageSize: number;
  /**
   * Bytes that messages of this process that are not whole yet may hold together. Default: no limit.
   */
  readonly maxUnfinishedMemory?: number;
}

/** Where a {@linkcode MessageReader} delivers messages and control frames. */
export interface MessageSink {
  /** A text message, where text is delivered as strings. */
  textMessage(text: string): void;

  /**
   * Any other message: `bytes[start..end)`. Nobody writes to this memory again, so views of it may
   * be kept for ever.
   */
  bytesMessage(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void;

  /** A Close, Ping or Pong frame with the payload `bytes[start..end)`, which may be kept as well. */
  controlFrame(opcode: Opcode, bytes: Uint8Array, start: number, end: number): void;

  /**
   * Must be there where `maxUnfinishedMemory` is. The message under way was given up: the messages of
   * all connections together exceeded that limit, and this one was the largest.
   */
  messageGivenUp?(error: WebSocketError): void;
}

/** The first size of a gathering buffer, unless the message is known to be shorter. */
const GATHER_MIN = 1024;

/**
 * How many times what has arrived a gathering buffer may be large. A header alone reserves nothing:
 * memory grows with the bytes that a peer has really sent.
 */
const GATHER_GROWTH = 4;

/**
 * Gathers frames into messages and hands them on; the sink of a `FrameReader`.
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
 */
export class MessageReader implements FrameSink, MemoryHolder {
  readonly #rules: MessageRules;
  readonly #sink: MessageSink;
  readonly #compression: MessageCompression | undefined;
  /** The opcode of the message that is being gathered; `Continuation` while there is none. */
  #opcode: Opcode = Opcode.Continuation;
  /** Whether it is compressed. */
  #compressed = false;
  #gathered: Uint8Array | undefined;
  #length = 0;
  #ordinal = 0;
  #utf8 = UTF8_COMPLETE;
  /** The frame that comes in pieces. */
  #first = 0;
  #expected = 0;
  #control: Uint8Array | undefined;
  #controlLength = 0;

  /**
   * Makes a reader at the start of a stream.
   *
   * @param rules How messages are delivered.
   * @param sink Where they are delivered.
   * @param compression What decompresses messages, where that was negotiated.
   */
  constructor(rules: MessageRules, sink: MessageSink, compression?: MessageCompression) {
    this.#rules = rules;
    this.#sink = sink;
    this.#compression = compression;
  }

  /** Bytes that are held for the message under way. */
  get held(): number {
    return this.#gathered?.length ?? 0;
  }

  /** The number of the message that is under way in several pieces; 0 while there is none. */
  get underWay(): number {
    return this.#opcode === Opcode.Continuation ? 0 : this.#ordinal;
  }

  /** Forgets the message under way: there will be no more of it. */
  drop(): void {
    if (this.#gathered !== undefined) UnfinishedMemory.ofProcess.release(this);
    this.#gathered = undefined;
    this.#length = 0;
    this.#utf8 = UTF8_COMPLETE;
    this.#opcode = Opcode.Continuation;
  }

  /** Forgets the message under way, because memory ran out. */
  giveUp(error: WebSocketError): void {
    this.drop();
    this.#sink.messageGivenUp?.(error);
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
    } else if ((first & FIN) !== 0 && this.#opcode === Opcode.Continuation) {
      if ((first & RSV1) === 0) this.#deliver(opcode as MessageOpcode, bytes, start, end);
      else this.#deliverCompressed(opcode as MessageOpcode, bytes, start, end);
    } else {
      this.frameStart(first, end - start);
      if (end > start) this.framePiece(bytes, start, end);
      this.frameEnd();
    }
  }

  /** A frame begins that comes in pieces. */
  frameStart(first: number, length: number): void {
    this.#first = first;
    const opcode = (first & OPCODE_BITS) as Opcode;
    if ((opcode & CONTROL) !== 0) {
      this.#control = new Uint8Array(Math.min(length, MAX_CONTROL_PAYLOAD));
      this.#controlLength = 0;
      return;
    }
    if (opcode !== Opcode.Continuation) {
      this.#opcode = opcode;
      this.#ordinal++;
      this.#compressed = (first & RSV1) !== 0;
    }
    this.#expected = this.#length + length;
  }

  /**
   * The next piece of the frame.
   *
   * @throws {InvalidPayloadError} As soon as a byte makes a text invalid.
   * @throws {WebSocketError} `MEMORY_LIMIT` when `maxUnfinishedMemory` is exceeded.
   */
  framePiece(bytes: Uint8Array, start: number, end: number): void {
    if ((this.#first & CONTROL) !== 0) {
      copyBytes(bytes, start, end, this.#control!, this.#controlLength);
      this.#controlLength += end - start;
      return;
    }
    // RFC 6455 8.1: text that is not UTF-8 fails the connection; it is seen here before its message
    // or even its frame is whole.
    if (this.#checksText) this.#utf8 = checkUtf8(this.#utf8, bytes, start, end);
    const target = this.#reserve(end - start);
    copyBytes(bytes, start, end, target, this.#length);
    this.#length += end - start;
  }

  /**
   * The frame is complete.
   *
   * @throws {InvalidPayloadError} When a text message ends inside a character.
   */
  frameEnd(): void {
    const opcode = (this.#first & OPCODE_BITS) as Opcode;
    if ((opcode & CONTROL) !== 0) {
      const control = this.#control!;
      this.#control = undefined;
      this.#sink.controlFrame(opcode, control, 0, this.#controlLength);
    } else if ((this.#first & FIN) !== 0) {
      this.#deliverGathered();
    }
  }

  get #checksText(): boolean {
    return this.#opcode === Opcode.Text && this.#rules.utf8Check && !this.#compressed;
  }

  #reserve(size: number): Uint8Array {
    const needed = this.#length + size;
    const old = this.#gathered;
    if (old !== undefined && old.length >= needed) return old;
    const wished = Math.max(GATHER_MIN, needed * GATHER_GROWTH);
    // The last fragment's header says where the message ends; before it, more may come.
    const { maxMessageSize } = this.#rules;
    const limit = this.#compressed ? compressedLimit(maxMessageSize) : maxMessageSize;
    const most = (this.#first & FIN) !== 0 ? this.#expected : limit;
    const capacity = Math.min(wished, most);
    const { maxUnfinishedMemory = Infinity } = this.#rules;
    UnfinishedMemory.ofProcess.take(this, capacity - this.held, maxUnfinishedMemory);
    const grown = new Uint8Array(capacity);
    if (old !== undefined) grown.set(old.subarray(0, this.#length));
    this.#gathered = grown;
    return grown;
  }

  #deliverGathered(): void {
    const opcode = this.#opcode as MessageOpcode;
    const bytes = this.#trimmed();
    const length = this.#length;
    if (this.#checksText) checkUtf8End(this.#utf8);
    this.drop();
    if (this.#compressed) this.#deliverCompressed(opcode, bytes, 0, length);
    else if (opcode === Opcode.Text && this.#rules.text === "string") {
      this.#sink.textMessage(decodeText(bytes, 0, length));
    } else {
      this.#sink.bytesMessage(opcode, bytes, 0, length);
    }
  }

  /** What was gathered, without more memory behind it than in it: the user may keep it for long. */
  #trimmed(): Uint8Array {
    const bytes = this.#gathered ?? new Uint8Array(0);
    return bytes.length > 2 * this.#length ? bytes.slice(0, this.#length) : bytes;
  }

  #deliverCompressed(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const inflated = this.#compression!.inflate(bytes, start, end, this.#rules.maxMessageSize);
    // The next message overwrites what came out; only a string is a copy by itself.
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

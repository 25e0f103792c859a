// Converts the peer's bytes to the events of a transcript. It checks every protocol rule in every
// case.

import {
  FrameReader,
  InvalidPayloadError,
  MessageReader,
  type MessageSink,
  Opcode,
  parseClosePayload,
  PermessageDeflate,
  WebSocketError,
} from "@quickws/quickws/core";
import type { DeflateAgreement, MessageOpcode } from "@quickws/quickws/core";
import type { Role } from "./case.ts";
import type { Transcript } from "./transcript.ts";

/** The upper limit for any echo. */
const MAX_MESSAGE_SIZE = 512 * 1024 * 1024;

/** The end of a sync flush, which a sender omits (RFC 7692 7.2.1). */
const TAIL = [0x00, 0x00, 0xff, 0xff];

/** The doctor's compression, which also rejects messages that still have the tail of a sync flush. */
class StrictDeflate extends PermessageDeflate {
  override inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array {
    // No message without the tail ends like this: its last bits are those of an empty block's type
    // and the padding, all 0.
    if (end - start >= TAIL.length && TAIL.every((octet, at) => bytes[end - 4 + at] === octet)) {
      throw new InvalidPayloadError(
        "INVALID_DEFLATE_DATA",
        "a compressed message ends in 00 00 ff ff, which the sender must remove " +
          "(RFC 7692 7.2.1)",
      );
    }
    return super.inflate(bytes, start, end, limit);
  }
}

/** The doctor's compression: always on if it was negotiated. */
export function deflateFor(agreement: DeflateAgreement): PermessageDeflate {
  return new StrictDeflate(
    {
      compress: true,
      decompress: true,
      threshold: 0,
      level: "auto",
      memoryLimit: Number.MAX_SAFE_INTEGER,
    },
    agreement.inbound,
    agreement.outbound,
  );
}

/** Records the peer's frames in a transcript. */
export class Inbound implements MessageSink {
  readonly #transcript: Transcript;
  readonly #reader: FrameReader;
  readonly #onPing: (payload: Uint8Array) => void;

  /**
   * Creates a reader for the bytes after the opening handshake.
   *
   * @param role The role of the peer.
   * @param transcript Records the events.
   * @param deflate The negotiated compression.
   * @param onPing Called for each ping of the peer.
   */
  constructor(
    role: Role,
    transcript: Transcript,
    deflate: PermessageDeflate | undefined,
    onPing: (payload: Uint8Array) => void,
  ) {
    const rules = {
      masked: role === "client",
      rsv1: deflate !== undefined,
      maxMessageSize: MAX_MESSAGE_SIZE,
      maxFragments: Number.MAX_SAFE_INTEGER,
      text: "bytes",
      utf8Check: true,
    } as const;
    this.#transcript = transcript;
    this.#onPing = onPing;
    this.#reader = new FrameReader(rules, new MessageReader(rules, this, deflate));
  }

  /** Whether reading has stopped, after Close or a violation. */
  get done(): boolean {
    return this.#transcript.close !== undefined || this.#transcript.violation !== undefined;
  }

  /** Reads the next bytes. */
  read(chunk: Uint8Array): void {
    if (this.done) {
      // RFC 6455 5.5.1: "The application MUST NOT send any more data frames after sending a Close".
      if (chunk.length > 0) this.#transcript.violation ??= "sent data after its Close frame";
      return;
    }
    try {
      const at = this.#reader.read(chunk);
      if (at < chunk.length) this.#transcript.violation ??= "sent data after its Close frame";
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#transcript.violation = error.message;
    }
  }

  /** Text is delivered as bytes. */
  textMessage(): void {}

  /** A message. */
  bytesMessage(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    this.#transcript.events.push({ is: "message", opcode, payload: bytes.subarray(start, end) });
  }

  /** A control frame. */
  controlFrame(opcode: Opcode, bytes: Uint8Array, start: number, end: number): void {
    if (opcode === Opcode.Close) {
      this.#transcript.close = parseClosePayload(bytes, start, end);
      this.#reader.stop();
    } else if (opcode === Opcode.Pong) {
      this.#transcript.events.push({ is: "pong", payload: bytes.subarray(start, end) });
    } else {
      this.#onPing(bytes.subarray(start, end));
    }
  }
}

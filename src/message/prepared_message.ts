// A message that is encoded once and sent to many.

import { FIN, type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { frameHeaderSize, sealFrame } from "../wire/frame_writer.ts";
import { encodeLongText } from "./utf8.ts";

/**
 * A message that is encoded once, by `prepareMessage`, for many connections. It is never changed;
 * connections may hold on to its bytes until they have sent them.
 */
export class PreparedMessage {
  /** Whether it is text or binary. */
  readonly opcode: MessageOpcode;
  /** The whole frame as a server sends it, header and unmasked payload. */
  readonly frame: Uint8Array;
  readonly #payloadStart: number;

  /**
   * Encodes a message.
   *
   * @param data A string is sent as text, bytes as binary; bytes are copied.
   */
  constructor(data: string | Uint8Array) {
    const payload = typeof data === "string" ? encodeLongText(data) : data;
    this.opcode = typeof data === "string" ? Opcode.Text : Opcode.Binary;
    this.#payloadStart = frameHeaderSize(payload.length, false);
    this.frame = new Uint8Array(this.#payloadStart + payload.length);
    this.frame.set(payload, this.#payloadStart);
    sealFrame(this.frame, 0, FIN | this.opcode, payload.length, undefined);
  }

  /** The payload, which a client has to mask anew for every connection. */
  get payload(): Uint8Array {
    return this.frame.subarray(this.#payloadStart);
  }
}

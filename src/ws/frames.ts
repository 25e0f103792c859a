// Frames made outside of a connection, for `Sender.frame` of `ws` and its option `mask`.

import { Buffer } from "node:buffer";
import { randomMask } from "../shared/random.ts";
import { frameHeaderSize, sealFrame } from "../wire/frame_writer.ts";
import { FIN, RSV1 } from "../wire/opcode.ts";

/**
 * The options of a frame.
 *
 * @category The API of ws
 */
export interface FrameOptions {
  /** The opcode: 1 for text, 2 for binary. */
  opcode: number;
  /** Whether it is the last of its message. Default: `false`. */
  fin?: boolean | undefined;
  /** Whether it is masked, with a random key. Default: `false`. */
  mask?: boolean | undefined;
  /** Whether the data is a compressed message. Default: `false`. */
  rsv1?: boolean | undefined;
  /** Whether the data must not be changed. Has no effect: it never is. */
  readOnly?: boolean | undefined;
}

/** Makes the frame of a message, header and payload. */
export function frame(data: string | Uint8Array, options: FrameOptions): Buffer[] {
  const { opcode, fin = false, mask = false, rsv1 = false } = options;
  const payload = typeof data === "string" ? Buffer.from(data) : data;
  const start = frameHeaderSize(payload.length, mask);
  const bytes = Buffer.from(new ArrayBuffer(start + payload.length));
  bytes.set(payload, start);
  const first = (fin ? FIN : 0) | (rsv1 ? RSV1 : 0) | opcode;
  sealFrame(bytes, 0, first, payload.length, mask ? randomMask : undefined);
  return [bytes];
}

/**
 * The part of the class `Sender` of `ws` that other packages use: they frame a message once and send it
 * to many, by `_sender.sendFrame`.
 *
 * @category The API of ws
 */
export const Sender: {
  /** Makes the frame of a message, in one buffer. */
  frame(data: string | Uint8Array, options: FrameOptions): Buffer[];
} = { frame };

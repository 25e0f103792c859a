// Sending: validation and conversion of data, and ordering behind blobs being read; and frames
// without a connection, for `Sender.frame` and the option `mask` of `ws`.

import { Buffer } from "node:buffer";
import { nextTick } from "node:process";
import { randomMask } from "../shared/random.ts";
import { isCloseCode, MAX_CLOSE_REASON } from "../wire/close.ts";
import { frameHeaderSize, sealFrame } from "../wire/frame_writer.ts";
import { FIN, MAX_CONTROL_PAYLOAD, type MessageOpcode, Opcode, RSV1 } from "../wire/opcode.ts";
import { EMPTY, type Link } from "./link.ts";

/**
 * Data to send: bytes of any kind, or a value that `Buffer.from` accepts. A number is sent as text.
 *
 * @category The API of ws
 */
export type BufferLike =
  | string
  | number
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | Blob
  | readonly unknown[];

/**
 * The options of a message.
 *
 * @category The API of ws
 */
export interface SendOptions {
  /** Whether it is binary. Default: unless it is a string or a number. */
  binary?: boolean | undefined;
  /** Whether it may be compressed. Default: `true`, if compression was negotiated. */
  compress?: boolean | undefined;
  /** Whether it is the last fragment of a message. Default: `true`. */
  fin?: boolean | undefined;
  /** Whether it is masked. Default: on the client side, as required by RFC 6455 section 5.1. */
  mask?: boolean | undefined;
}

/**
 * Called with `null` when the bytes have left the process, or with the error that prevented it.
 *
 * @category The API of ws
 */
export type SendCallback = (error?: Error) => void;

/** `null`, which the types of `ws` do not include. */
const NO_ERROR = null as unknown as undefined;

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
  /** Accepted without effect: the data is never changed. */
  readOnly?: boolean | undefined;
}

/** Encodes the frame of a message, header and payload. */
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
 * The part of the class `Sender` of `ws` that other packages use to encode a message once for many
 * connections (`_sender.sendFrame`).
 *
 * @category The API of ws
 */
export const Sender: {
  /** Encodes the frame of a message, in one buffer. */
  frame(data: string | Uint8Array, options: FrameOptions): Buffer[];
} = { frame };

/** A value of `readyState`: the connection is not yet open. */
export const CONNECTING = 0;
/** The connection is open. */
export const OPEN = 1;
/** The connection is closing. */
export const CLOSING = 2;
/** The connection has ended. */
export const CLOSED = 3;

/** The names of the values of `readyState`. */
export const STATE_NAMES: readonly string[] = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"];

/** A send that waits for a blob, its own or an earlier one. */
interface Queued {
  /** The data. */
  readonly value: string | Uint8Array | Blob;
  /** Sends it. */
  readonly send: (value: string | Uint8Array) => void;
  /** Called with the error when it cannot be sent. */
  readonly callback: SendCallback | undefined;
}

/** Sends the messages and control frames of one WebSocket, in order. */
export class MessageSender {
  readonly #blobRejected: (error: Error) => void;
  /** The connection, once it is open. */
  #link: Link<unknown> | undefined;
  #isServer = false;
  /** Output that waits until a blob, the first item, has been read. */
  #queue: Queued[] | undefined;
  #queuedAmount = 0;
  /** Bytes of sends after the close. */
  #lateAmount = 0;
  /** Whether the next send continues a message. */
  #fragmented = false;

  /** @param blobRejected Called when a blob cannot be read, after the callbacks of all queued sends. */
  constructor(blobRejected: (error: Error) => void) {
    this.#blobRejected = blobRejected;
  }

  /**
   * The connection is open.
   *
   * @param link The connection.
   * @param isServer Whether this is the server side, whose frames are not masked.
   */
  open(link: Link<unknown>, isServer: boolean): void {
    this.#link = link;
    this.#isServer = isServer;
  }

  /** Bytes that wait for a blob, and those of sends after the close. */
  get heldAmount(): number {
    return this.#queuedAmount + this.#lateAmount;
  }

  /**
   * Sends a message, or a fragment of one, if the WebSocket is open.
   *
   * @param state Its state.
   * @throws {Error} While connecting.
   * @throws {TypeError} When the data is of another type.
   */
  send(
    state: number,
    data: BufferLike | null | undefined,
    options: SendOptions | undefined,
    callback: SendCallback | undefined,
  ): void {
    const value = this.#check(state, data, callback);
    if (value === undefined) return;
    const { binary = typeof value !== "string", compress = true, fin = true, mask } = options ?? {};
    const opcode = binary ? Opcode.Binary : Opcode.Text;
    if (this.#queue === undefined && !(value instanceof Blob)) {
      this.#sendMessage(opcode, value, compress, fin, mask, callback);
    } else {
      this.inOrder(value, callback, (sent) => {
        this.#sendMessage(opcode, sent, compress, fin, mask, callback);
      });
    }
  }

  /**
   * Sends a ping or a pong, if the WebSocket is open.
   *
   * @param state Its state.
   * @throws {Error} While connecting.
   * @throws {RangeError} When the data is too long.
   */
  control(
    state: number,
    opcode: typeof Opcode.Ping | typeof Opcode.Pong,
    data: BufferLike | SendCallback | null | undefined,
    mask: boolean | SendCallback | undefined,
    callback: SendCallback | undefined,
  ): void {
    if (typeof data === "function") {
      callback = data;
      data = mask = undefined;
    } else if (typeof mask === "function") {
      callback = mask;
      mask = undefined;
    }
    const value = this.#check(state, data ?? "", callback);
    if (value === undefined) return;
    if (sizeOf(value) > MAX_CONTROL_PAYLOAD) {
      throw new RangeError("The data size must not be greater than 125 bytes");
    }
    this.inOrder(value, callback, (sent) => {
      this.#sendControl(opcode, sent, mask as boolean | undefined, callback);
    });
  }

  /** Returns the data if it can be sent; `undefined` if it was dropped. */
  #check(
    state: number,
    data: BufferLike | null | undefined,
    callback: SendCallback | undefined,
  ): string | Uint8Array | Blob | undefined {
    if (state === CONNECTING) throw notOpen(state);
    const value = toSendable(data);
    if (state === OPEN) return value;
    this.#lateAmount += sizeOf(value);
    if (callback !== undefined) nextTick(callback, notOpen(state));
    return undefined;
  }

  #sendControl(
    opcode: typeof Opcode.Ping | typeof Opcode.Pong,
    value: string | Uint8Array,
    mask: boolean | undefined,
    callback: SendCallback | undefined,
  ): void {
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    if (mask !== undefined && mask === this.#isServer) {
      this.sendFrames(Buffer.concat(frame(bytes, { opcode, fin: true, mask })), callback);
      return;
    }
    this.#link!.sendControl(opcode, bytes);
    if (callback !== undefined) this.#whenWritten(callback);
  }

  /** Sends encoded frames. */
  sendFrames(bytes: Uint8Array, callback: SendCallback | undefined): void {
    this.#link!.sendFrames(bytes);
    if (callback !== undefined) this.#whenWritten(callback);
  }

  /** Sends now, or after pending blobs. */
  inOrder(
    value: string | Uint8Array | Blob,
    callback: SendCallback | undefined,
    send: (value: string | Uint8Array) => void,
  ): void {
    if (this.#queue === undefined && !(value instanceof Blob)) {
      send(value);
      return;
    }
    this.#queuedAmount += sizeOf(value);
    const queued = { value, send, callback };
    if (this.#queue === undefined) {
      this.#queue = [queued];
      this.#sendQueued();
    } else {
      this.#queue.push(queued);
    }
  }

  /** Sends queued items up to the next blob, which is read first. */
  #sendQueued(): void {
    while (this.#queue !== undefined) {
      const { value, send } = this.#queue[0]!;
      if (value instanceof Blob) {
        value.arrayBuffer().then((buffer) => this.#blobRead(buffer), (error: Error) => {
          this.#giveUp(error);
          this.#blobRejected(error);
        });
        return;
      }
      this.#takeQueued();
      send(value);
    }
  }

  #takeQueued(): Queued {
    const queued = this.#queue!.shift()!;
    if (this.#queue!.length === 0) this.#queue = undefined;
    this.#queuedAmount -= sizeOf(queued.value);
    return queued;
  }

  #blobRead(buffer: ArrayBuffer): void {
    if (this.#link!.state !== "open") {
      this.#giveUp(new Error("The socket was closed while the blob was being read"));
      return;
    }
    this.#takeQueued().send(new Uint8Array(buffer));
    this.#sendQueued();
  }

  /** Fails all queued items with an error. */
  #giveUp(error: Error): void {
    while (this.#queue !== undefined) {
      const { callback } = this.#takeQueued();
      if (callback !== undefined) guard(() => callback(error));
    }
  }

  #sendMessage(
    opcode: MessageOpcode,
    value: string | Uint8Array,
    compress: boolean,
    fin: boolean,
    mask: boolean | undefined,
    callback: SendCallback | undefined,
  ): void {
    const link = this.#link!;
    const isFragment = !fin || this.#fragmented;
    const first = this.#fragmented ? Opcode.Continuation : opcode;
    this.#fragmented = !fin;
    const hasOtherMask = mask !== undefined && mask === this.#isServer;
    if (typeof value === "string" && opcode === Opcode.Text && !isFragment && !hasOtherMask) {
      link.sendText(value, compress);
    } else {
      const bytes = typeof value === "string" ? Buffer.from(value) : value;
      if (hasOtherMask) {
        this.sendFrames(Buffer.concat(frame(bytes, { opcode: first, fin, mask })), callback);
        return;
      }
      if (isFragment) link.sendStreamFragment(first, bytes, fin, compress);
      else link.sendBytes(opcode, bytes, compress);
    }
    if (callback !== undefined) this.#whenWritten(callback);
  }

  #whenWritten(callback: SendCallback): void {
    // `ws` forwards the argument of `socket.write`, which is `null` on success.
    this.#link!.whenWritten((error) => guard(() => callback(error ?? NO_ERROR)));
  }
}

function notOpen(state: number): Error {
  return new Error(`WebSocket is not open: readyState ${state} (${STATE_NAMES[state]})`);
}

/**
 * Calls a function that may run user code. Its errors become uncaught errors of the process, as in
 * `ws`.
 */
export function guard(call: () => void): void {
  try {
    call();
  } catch (error) {
    throwLater(error);
  }
}

/** Throws an error as an uncaught error of the process. */
export function throwLater(error: unknown): void {
  nextTick(() => {
    throw error;
  });
}

/** Converts a value to sendable data: any value accepted by `Buffer.from`. */
export function toSendable(data: BufferLike | null | undefined): string | Uint8Array | Blob {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  if (typeof data === "number") return String(data);
  if (!data) return EMPTY;
  if (data instanceof Blob) return data;
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return Buffer.from(data as ArrayBuffer);
}

/** The size of a value in bytes. */
export function sizeOf(value: string | Uint8Array | Blob): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  return value instanceof Blob ? value.size : value.length;
}

/**
 * Checks the arguments of `close`, and returns the reason as text.
 *
 * @throws {TypeError} When the code must not be sent.
 * @throws {RangeError} When the reason is too long.
 */
export function checkClose(
  code: number | undefined,
  reason: string | Uint8Array | undefined,
): string {
  if (code === undefined) return "";
  if (typeof code !== "number" || !isCloseCode(code)) {
    throw new TypeError("First argument must be a valid error code number");
  }
  const text = reason === undefined ? "" : String(
    typeof reason === "string"
      ? reason
      : Buffer.from(reason.buffer, reason.byteOffset, reason.byteLength),
  );
  if (Buffer.byteLength(text) > MAX_CLOSE_REASON) {
    throw new RangeError("The message must not be greater than 123 bytes");
  }
  return text;
}

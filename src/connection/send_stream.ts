// A stream as one message: its chunks are the fragments (RFC 6455 5.4).

import { WebSocketError } from "../errors.ts";
import { checkUtf8, encodeLongText, UTF8_COMPLETE } from "../message/utf8.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { toBytes } from "../shared/bytes.ts";
import { show } from "../shared/check.ts";
import type { ConnectionControl, Message } from "./connection_link.ts";
import { type SendOptions, wantsCompression } from "./send_options.ts";

const NO_BYTES = new Uint8Array(0);

/**
 * Sends the chunks of `source` as the fragments of one message.
 *
 * @param opcode Text or binary; without it, what the first chunk is.
 * @param options How to send it.
 * @returns Whether all was sent; `false` when the connection ended before, and then the source was
 * cancelled.
 * @throws {TypeError} When an argument is of the wrong type.
 * @throws {unknown} What `source` throws; the connection is closed with 1011 then if something was
 * sent, because half a message cannot be taken back.
 */
export async function sendStream(
  control: ConnectionControl,
  source: AsyncIterable<Message>,
  opcode: MessageOpcode | undefined,
  options: SendOptions | undefined,
): Promise<boolean> {
  checkArguments(source, opcode);
  const compress = wantsCompression("sendStream", options);
  const message = new FragmentedMessage(control, opcode, compress);
  const over = new Ending();
  await control.sender.enterLane(() => over.come());
  let chunks: Chunks | undefined;
  try {
    chunks = chunksOf(source);
    for (;;) {
      const next = control.state === "open" ? await over.unlessFirst(chunks.next()) : undefined;
      if (next === undefined) {
        chunks.cancel();
        return false;
      }
      if (next.done) return message.end();
      if (!message.add(next.value)) await control.sender.outputDrained();
    }
  } catch (cause) {
    message.fail(cause);
    chunks?.cancel();
    throw cause;
  } finally {
    control.sender.leaveLane();
  }
}

function checkArguments(source: unknown, opcode: unknown): void {
  if (typeof source !== "object" || source === null || !(Symbol.asyncIterator in source)) {
    throw new TypeError(
      `Cannot send: the source must be a ReadableStream or another async iterable, got ${
        show(source)
      }`,
    );
  }
  if (opcode !== undefined && opcode !== Opcode.Text && opcode !== Opcode.Binary) {
    throw new TypeError(
      `Cannot send: the opcode must be Opcode.Text or Opcode.Binary, got ${show(opcode)}`,
    );
  }
}

/** A source, whatever it is, that can be called off. */
interface Chunks {
  next(): Promise<{ done?: boolean | undefined; value?: Message | undefined }>;
  /** Nothing more is wanted. Not waited for: a source that is stuck may never answer. */
  cancel(): void;
}

function chunksOf(source: AsyncIterable<Message>): Chunks {
  if (source instanceof ReadableStream) {
    // The stream's own iterator would end only after the chunk that it waits for.
    const reader: ReadableStreamDefaultReader<Message> = source.getReader();
    return {
      next: () => reader.read(),
      cancel: () => cancelQuietly(() => reader.cancel()),
    };
  }
  const iterator = source[Symbol.asyncIterator]();
  return {
    next: () => Promise.resolve(iterator.next()),
    cancel: () => cancelQuietly(() => Promise.resolve(iterator.return?.())),
  };
}

/** Why the source is cancelled matters, and not what it says to that. */
function cancelQuietly(cancel: () => Promise<unknown>): void {
  try {
    cancel().catch(() => {});
  } catch {
    // The same, from a source that throws instead of rejecting.
  }
}

/** A message of which some may be sent. */
class FragmentedMessage {
  readonly #control: ConnectionControl;
  readonly #compress: boolean;
  #opcode: MessageOpcode | undefined;
  #started = false;
  /** The first half of a character that a string chunk's end has cut in two. */
  #surrogate = "";
  #utf8 = UTF8_COMPLETE;

  constructor(control: ConnectionControl, opcode: MessageOpcode | undefined, compress: boolean) {
    this.#control = control;
    this.#compress = compress;
    this.#opcode = opcode;
  }

  /** Sends a chunk. Returns whether more may follow at once. */
  add(chunk: unknown): boolean {
    this.#opcode ??= typeof chunk === "string" ? Opcode.Text : Opcode.Binary;
    if (typeof chunk === "string") {
      this.#checkWhole();
      return this.#send(this.#encode(chunk), false);
    }
    const bytes = toBytes(chunk);
    if (this.#opcode === Opcode.Text) this.#check(bytes);
    this.#sendSurrogate();
    return this.#send(bytes, false);
  }

  /** Sends the end. Returns whether all of the message was sent. */
  end(): boolean {
    this.#checkWhole();
    this.#sendSurrogate();
    this.#send(NO_BYTES, true);
    return this.#control.state === "open";
  }

  /** The source failed. */
  fail(cause: unknown): void {
    if (!this.#started) return;
    this.#control.fail(
      new WebSocketError("SOURCE_FAILED", "The source of a message failed", {
        cause,
        closeCode: CloseCode.InternalError,
      }),
    );
  }

  #send(bytes: Uint8Array, last: boolean): boolean {
    const opcode = this.#started ? Opcode.Continuation : this.#opcode ?? Opcode.Binary;
    this.#started = true;
    return this.#control.sender.sendFragment(opcode, last, bytes, this.#compress);
  }

  #encode(chunk: string): Uint8Array {
    const text = this.#surrogate + chunk;
    const last = text.charCodeAt(text.length - 1);
    const cut = last >= 0xd800 && last <= 0xdbff;
    this.#surrogate = cut ? text.slice(-1) : "";
    return encodeLongText(cut ? text.slice(0, -1) : text);
  }

  /** A character whose second half did not come is U+FFFD. */
  #sendSurrogate(): void {
    const surrogate = this.#surrogate;
    this.#surrogate = "";
    if (surrogate !== "") this.#send(encodeLongText(surrogate), false);
  }

  #check(bytes: Uint8Array): void {
    try {
      this.#utf8 = checkUtf8(this.#utf8, bytes, 0, bytes.length);
    } catch (cause) {
      throw notUtf8(cause);
    }
  }

  /** @throws {TypeError} When bytes given as text have ended inside a character. */
  #checkWhole(): void {
    if (this.#utf8 !== UTF8_COMPLETE) throw notUtf8();
  }
}

function notUtf8(cause?: unknown): TypeError {
  return new TypeError("Cannot send text: the bytes are not UTF-8", { cause });
}

/** The end of a connection, for those who wait for something else. */
class Ending {
  #over = false;
  #wake: (() => void) | undefined;

  /** The connection is over. */
  come(): void {
    this.#over = true;
    this.#wake?.();
  }

  /** What the promise gives, or `undefined` when the connection is over first. */
  unlessFirst<V>(promise: Promise<V>): Promise<V | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined);
      promise.then(resolve, reject);
    });
  }
}

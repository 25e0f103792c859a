// Messages that are sent in fragments (RFC 6455 5.4), and long ones that are compressed in slices:
// no other message may begin until such a message is sent, so that later messages wait here, in
// order.

import { WebSocketError } from "../errors.ts";
import { MemoryGovernor } from "../message/memory_governor.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import { checkUtf8, encodeLongText, UTF8_COMPLETE } from "../message/utf8.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { toBytes } from "../shared/bytes.ts";
import { show } from "../shared/check.ts";
import type { ConnectionDriver, MessageData } from "./connection_driver.ts";
import { type StreamOptions, wantsCompression, type WrittenCallback } from "./arguments.ts";

const NO_BYTES = new Uint8Array(0);

/** The opcode of a fragment. */
export type FragmentOpcode = MessageOpcode | typeof Opcode.Continuation;

/** A message, or a fragment of one, that waits. */
export interface QueuedMessage {
  readonly opcode: FragmentOpcode;
  readonly data: string | Uint8Array;
  readonly compress: boolean;
  readonly written: WrittenCallback | undefined;
  /** Whether it is a fragment, and if so, whether it is the last one. */
  readonly fragment: "no" | "more" | "last";
  /** The message shared by several connections that has `data` as its payload, if there is one. */
  readonly prepared?: PreparedMessage | undefined;
  /** Whether it has to be compressed in slices first. */
  readonly isLong?: boolean;
}

/** The frames that several connections hold, counted for the whole process. */
const { frames } = MemoryGovernor.ofProcess;

/** A sender of a fragmented message that waits for its turn. */
type Waiter = () => void;

/**
 * The order of messages on a connection that sends some of them in fragments, or compresses them in slices.
 * The connection is reserved by a stream (from {@linkcode FragmentQueue.enter} to {@linkcode
 * FragmentQueue.leave}), by a long message until it is compressed, or by the user's own fragments until the
 * last of them.
 */
export class FragmentQueue {
  readonly #send: (message: QueuedMessage) => void;
  #reserved: "no" | "stream" | "fragments" = "no";
  #size = 0;
  #sharedSize = 0;
  #uncompressed = 0;
  #queue: Array<QueuedMessage | Waiter> = [];
  /** The message that is compressed in slices. */
  #long: QueuedMessage | undefined;
  /** Called if no more of the current stream can be sent. */
  #ended: (() => void) | undefined;

  /** @param send Sends a message, or a fragment, that had to wait. */
  constructor(send: (message: QueuedMessage) => void) {
    this.#send = send;
  }

  /** Whether messages have to wait. */
  get isBusy(): boolean {
    return this.#reserved !== "no";
  }

  /** Whether a fragment has to wait. */
  get isStreaming(): boolean {
    return this.#reserved === "stream";
  }

  /** The approximate bytes of the messages that wait. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory that they take for this connection alone. */
  get held(): number {
    return this.#size - this.#sharedSize;
  }

  /** The part of the messages of several connections that this one accounts for, in bytes. */
  get sharedWeight(): number {
    if (this.#sharedSize === 0) return 0;
    let sum = 0;
    for (const next of this.#queue) {
      if (typeof next === "object" && next.prepared) sum += frames.shareOf(next.prepared.frame);
    }
    const prepared = this.#long?.prepared;
    return prepared === undefined ? sum : sum + frames.shareOf(prepared.frame);
  }

  /** Bytes of the messages that wait because they are long. */
  get uncompressed(): number {
    return this.#uncompressed;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** Resolves when a stream may send its fragments; {@linkcode FragmentQueue.leave} must follow. */
  enter(): Promise<void> {
    if (this.isBusy) return new Promise((resolve) => this.#queue.push(resolve));
    this.#reserved = "stream";
    return Promise.resolve();
  }

  /** Calls `ended` if the stream that has entered is given up. */
  watch(ended: () => void): void {
    this.#ended = ended;
  }

  /** No more messages can be sent: ends the stream that has entered. */
  giveUp(): void {
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.();
  }

  /**
   * The stream or the long message is sent: waiting messages follow, up to the next stream or long
   * one.
   */
  leave(): void {
    this.#ended = undefined;
    this.#reserved = "no";
    if (this.#long !== undefined) this.#count(this.#long, -1);
    this.#long = undefined;
    this.#release();
  }

  /** Sends what waits, unless the connection is reserved. */
  begin(): void {
    if (!this.isBusy) this.#release();
  }

  /** The user sends a fragment. */
  pass(fin: boolean): void {
    this.#reserved = fin ? "no" : "fragments";
    if (fin) this.#release();
  }

  /** Lets a message wait; bytes are copied, unless they are those of a prepared message. */
  hold(message: QueuedMessage): void {
    const { data, prepared } = message;
    const isKept = typeof data === "string" || prepared !== undefined;
    this.#queue.push(isKept ? message : { ...message, data: new Uint8Array(data) });
    this.#count(message, 1);
  }

  /** A message waits (1), or no longer does (-1). */
  #count({ data, prepared, isLong }: QueuedMessage, sign: 1 | -1): void {
    const change = sign * data.length;
    this.#size += change;
    if (isLong) this.#uncompressed += change;
    if (prepared === undefined) return;
    this.#sharedSize += change;
    if (sign > 0) frames.hold(prepared.frame);
    else frames.release(prepared.frame);
  }

  /**
   * The connection has closed: wakes all pending writers.
   *
   * @returns The messages that are not sent.
   */
  end(): QueuedMessage[] {
    const waiting = this.#queue;
    this.#queue = [];
    const unsent: QueuedMessage[] = this.#long === undefined ? [] : [this.#long];
    this.#long = undefined;
    for (const next of waiting) {
      if (typeof next === "function") next();
      else unsent.push(next);
    }
    for (const message of unsent) this.#count(message, -1);
    return unsent;
  }

  #release(): void {
    for (;;) {
      const index = this.#nextIndex();
      if (index === -1) return;
      const [next] = this.#queue.splice(index, 1);
      if (typeof next === "function") {
        this.#reserved = "stream";
        next();
        return;
      }
      if (next.isLong) {
        this.#reserved = "stream";
        this.#long = next;
        this.#send(next);
        return;
      }
      this.#count(next, -1);
      if (next.fragment !== "no") this.#reserved = next.fragment === "last" ? "no" : "fragments";
      this.#send(next);
    }
  }

  /** The first that may be sent: while a message is in fragments, its next fragment. */
  #nextIndex(): number {
    if (this.#reserved === "no") return this.#queue.length > 0 ? 0 : -1;
    return this.#queue.findIndex((next) => typeof next === "object" && next.fragment !== "no");
  }
}

/**
 * Sends the chunks of `source` as the fragments of one message.
 *
 * @param opcode Text or binary. Default: the kind of the first chunk.
 * @param options How to send it.
 * @returns Whether all was sent; `false` when the connection ended before, and then the source was
 * canceled.
 * @throws {TypeError} When an argument is of the wrong type.
 * @throws {unknown} The error of `source`; the connection is closed with 1011 then if something was
 * sent, because a partial message cannot be withdrawn.
 */
export async function sendStream(
  driver: ConnectionDriver,
  source: AsyncIterable<MessageData>,
  opcode: MessageOpcode | undefined,
  options: StreamOptions | undefined,
): Promise<boolean> {
  checkArguments(source, opcode);
  const compress = wantsCompression("sendStream", options, ["compress"]);
  const ending = new Ending();
  const isOpen = driver.state === "open";
  await driver.startFragments(() => ending.come());
  const message = new FragmentedMessage(opcode, (opcode, bytes, fin) => {
    if (!ending.hasCome) return driver.sendStreamFragment(opcode, bytes, fin, compress);
    return false;
  });
  let chunks: Chunks | undefined;
  try {
    chunks = chunksOf(source);
    for (;;) {
      const next = isOpen && !ending.hasCome ? await ending.unlessFirst(chunks.next()) : undefined;
      if (next === undefined) {
        chunks.cancel();
        return false;
      }
      if (next.done) {
        message.end();
        return !ending.hasCome;
      }
      if (!message.add(next.value)) await ending.unlessFirst(driver.outputDrained());
    }
  } catch (cause) {
    if (message.started) {
      driver.fail(
        new WebSocketError("SOURCE_FAILED", "The source of a message failed", {
          cause,
          closeCode: CloseCode.InternalError,
        }),
      );
    }
    chunks?.cancel();
    throw cause;
  } finally {
    driver.endFragments();
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

/** A source of any kind that can be canceled. */
interface Chunks {
  next(): Promise<{ done?: boolean | undefined; value?: MessageData | undefined }>;
  /** Cancels the source. Not awaited, because a source that hangs may never settle. */
  cancel(): void;
}

function chunksOf(source: AsyncIterable<MessageData>): Chunks {
  if (source instanceof ReadableStream) {
    // The stream's own iterator would end only after the chunk that it waits for.
    const reader: ReadableStreamDefaultReader<MessageData> = source.getReader();
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

/** The cause of the cancellation matters, not the source's reaction. */
function cancelQuietly(cancel: () => Promise<unknown>): void {
  try {
    cancel().catch(() => {});
  } catch {
    // The same, for a source that throws instead of rejecting.
  }
}

/** Chunks of text or bytes to the fragments of one message, text checked and cut at characters. */
export class FragmentedMessage {
  readonly #send: (opcode: FragmentOpcode, bytes: Uint8Array, fin: boolean) => boolean;
  #opcode: MessageOpcode | undefined;
  /** Whether a fragment was sent. */
  started = false;
  /** The first half of a surrogate pair that the end of a string chunk has split. */
  #surrogate = "";
  #utf8 = UTF8_COMPLETE;

  /**
   * @param opcode Text or binary. Default: the kind of the first chunk.
   * @param send Sends a fragment.
   */
  constructor(
    opcode: MessageOpcode | undefined,
    send: (opcode: FragmentOpcode, bytes: Uint8Array, fin: boolean) => boolean,
  ) {
    this.#send = send;
    this.#opcode = opcode;
  }

  /** Text or binary, once that is known. */
  get opcode(): MessageOpcode | undefined {
    return this.#opcode;
  }

  /**
   * Sends a chunk. Returns whether more may follow at once.
   *
   * @throws {TypeError} When the chunk is of another type, or bytes of a text are not UTF-8.
   */
  add(chunk: unknown): boolean {
    this.#opcode ??= typeof chunk === "string" ? Opcode.Text : Opcode.Binary;
    const bytes = this.#bytesOf(chunk);
    this.#sendSurrogate(typeof chunk === "string");
    return this.#write(bytes, false);
  }

  /**
   * Sends the last chunk, in one fragment with the rest.
   *
   * @throws {TypeError} As {@linkcode FragmentedMessage.add}, and when a text ends inside a character.
   */
  finish(chunk: unknown): boolean {
    this.#opcode ??= typeof chunk === "string" ? Opcode.Text : Opcode.Binary;
    const bytes = this.#bytesOf(chunk);
    this.#checkWhole();
    this.#sendSurrogate(typeof chunk === "string");
    if (this.#surrogate === "") return this.#write(bytes, true);
    this.#write(bytes, false);
    const rest = encodeLongText(this.#surrogate);
    this.#surrogate = "";
    return this.#write(rest, true);
  }

  /** Sends the end. */
  end(): void {
    this.#checkWhole();
    this.#sendSurrogate(false);
    this.#write(NO_BYTES, true);
  }

  #write(bytes: Uint8Array, fin: boolean): boolean {
    const opcode = this.started ? Opcode.Continuation : this.#opcode ?? Opcode.Binary;
    this.started = true;
    return this.#send(opcode, bytes, fin);
  }

  #bytesOf(chunk: unknown): Uint8Array {
    if (typeof chunk === "string") {
      this.#checkWhole();
      return this.#encode(chunk);
    }
    const bytes = toBytes(chunk);
    if (this.#opcode === Opcode.Text) this.#check(bytes);
    return bytes;
  }

  #encode(chunk: string): Uint8Array {
    const text = this.#surrogate + chunk;
    this.#surrogate = "";
    const last = text.charCodeAt(text.length - 1);
    const cut = last >= 0xd800 && last <= 0xdbff;
    if (cut) this.#surrogate = text.slice(-1);
    return encodeLongText(cut ? text.slice(0, -1) : text);
  }

  /** A character without its second half is U+FFFD; the next text chunk may still contain it. */
  #sendSurrogate(isText: boolean): void {
    if (isText || this.#surrogate === "") return;
    const surrogate = this.#surrogate;
    this.#surrogate = "";
    this.#write(encodeLongText(surrogate), false);
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

/** The close of a connection, to race against other promises. */
class Ending {
  /** Whether the connection has ended. */
  hasCome = false;
  #wake: (() => void) | undefined;

  /** The connection has ended. */
  come(): void {
    this.hasCome = true;
    this.#wake?.();
  }

  /** The value of the promise, or `undefined` if the connection closes first. */
  unlessFirst<V>(promise: Promise<V>): Promise<V | undefined> {
    if (this.hasCome) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined);
      promise.then(resolve, reject);
    });
  }
}

// Queues messages behind a fragmented message (RFC 6455 5.4) or a long one compressed in slices: no
// other message may begin until it is sent.

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

/** A queued message or fragment. */
export interface QueuedMessage {
  readonly opcode: FragmentOpcode;
  readonly data: string | Uint8Array;
  readonly compress: boolean;
  readonly written: WrittenCallback | undefined;
  /** Whether it is a fragment, and if so, whether it is the last one. */
  readonly fragment: "no" | "more" | "last";
  /** The prepared message with `data` as its payload, if any. */
  readonly prepared?: PreparedMessage | undefined;
  /** Whether it must be compressed in slices first. */
  readonly isLong?: boolean;
}

/** The frames shared by connections, counted for the whole process. */
const { frames } = MemoryGovernor.ofProcess;

/** A queued sender of a fragmented message. */
type Waiter = () => void;

/**
 * Keeps messages in order on a connection with fragmented or sliced messages. The connection is
 * reserved by a stream (from {@linkcode FragmentQueue.enter} to {@linkcode FragmentQueue.leave}),
 * by a long message until it is compressed, or by the user's fragments until the last one.
 */
export class FragmentQueue {
  readonly #send: (message: QueuedMessage) => void;
  #reserved: "no" | "stream" | "fragments" = "no";
  #size = 0;
  #sharedSize = 0;
  #uncompressed = 0;
  #queue: Array<QueuedMessage | Waiter> = [];
  /** The message being compressed in slices. */
  #long: QueuedMessage | undefined;
  /** Called if the rest of the current stream cannot be sent. */
  #ended: (() => void) | undefined;

  /** @param send Sends a queued message or fragment. */
  constructor(send: (message: QueuedMessage) => void) {
    this.#send = send;
  }

  /** Whether new messages must be queued. */
  get isBusy(): boolean {
    return this.#reserved !== "no";
  }

  /** Whether new fragments must be queued. */
  get isStreaming(): boolean {
    return this.#reserved === "stream";
  }

  /** The approximate size of queued messages in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Their memory used by this connection only, in bytes. */
  get held(): number {
    return this.#size - this.#sharedSize;
  }

  /** This connection's share of messages shared with others, in bytes. */
  get sharedWeight(): number {
    if (this.#sharedSize === 0) return 0;
    let sum = 0;
    for (const next of this.#queue) {
      if (typeof next === "object" && next.prepared) sum += frames.shareOf(next.prepared.frame);
    }
    const prepared = this.#long?.prepared;
    return prepared === undefined ? sum : sum + frames.shareOf(prepared.frame);
  }

  /** The size of queued messages that wait for compression, in bytes. */
  get uncompressed(): number {
    return this.#uncompressed;
  }

  /** The number of queued messages. */
  get length(): number {
    return this.#queue.length;
  }

  /** Resolves when a stream may send its fragments; {@linkcode FragmentQueue.leave} must follow. */
  enter(): Promise<void> {
    if (this.isBusy) return new Promise((resolve) => this.#queue.push(resolve));
    this.#reserved = "stream";
    return Promise.resolve();
  }

  /** Calls `ended` if the current stream is aborted. */
  watch(ended: () => void): void {
    this.#ended = ended;
  }

  /** No more messages can be sent: aborts the current stream. */
  giveUp(): void {
    const ended = this.#ended;
    this.#ended = undefined;
    ended?.();
  }

  /**
   * The stream or long message has been sent: sends queued messages, up to the next stream or long
   * one.
   */
  leave(): void {
    this.#ended = undefined;
    this.#reserved = "no";
    if (this.#long !== undefined) this.#count(this.#long, -1);
    this.#long = undefined;
    this.#release();
  }

  /** Sends queued messages, unless the connection is reserved. */
  begin(): void {
    if (!this.isBusy) this.#release();
  }

  /** The user sends a fragment. */
  pass(fin: boolean): void {
    this.#reserved = fin ? "no" : "fragments";
    if (fin) this.#release();
  }

  /** Queues a message; copies its bytes, unless the message is prepared. */
  hold(message: QueuedMessage): void {
    const { data, prepared } = message;
    const isKept = typeof data === "string" || prepared !== undefined;
    this.#queue.push(isKept ? message : { ...message, data: new Uint8Array(data) });
    this.#count(message, 1);
  }

  /** Counts a message as queued (1) or no longer queued (-1). */
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
   * @returns The unsent messages.
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

  /** The index of the next message to send; within a fragmented message, of its next fragment. */
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
 * @returns Whether everything was sent; `false` if the connection ended first and the source was
 * canceled.
 * @throws {TypeError} When an argument is of the wrong type.
 * @throws {unknown} The error of `source`. If something was sent, the connection is closed with
 * 1011, because a partial message cannot be withdrawn.
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
  await driver.startFragments(() => ending.end());
  const message = new FragmentedMessage(opcode, (opcode, bytes, fin) => {
    if (!ending.hasEnded) return driver.sendStreamFragment(opcode, bytes, fin, compress);
    return false;
  });
  let chunks: Chunks | undefined;
  try {
    chunks = chunksOf(source);
    for (;;) {
      const next = isOpen && !ending.hasEnded ? await ending.race(chunks.next()) : undefined;
      if (next === undefined) {
        chunks.cancel();
        return false;
      }
      if (next.done) {
        message.end();
        return !ending.hasEnded;
      }
      if (!message.add(next.value)) await ending.race(driver.outputDrained());
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

/** A cancelable source of any kind. */
interface Chunks {
  next(): Promise<{ done?: boolean | undefined; value?: MessageData | undefined }>;
  /** Cancels the source without waiting, because a hanging source may never settle. */
  cancel(): void;
}

function chunksOf(source: AsyncIterable<MessageData>): Chunks {
  if (source instanceof ReadableStream) {
    // The stream's own iterator would end only after the next chunk.
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
    // Also if the source throws instead of rejecting.
  }
}

/**
 * Converts chunks of text or bytes to fragments of one message; validates text and splits it
 * between characters.
 */
export class FragmentedMessage {
  readonly #send: (opcode: FragmentOpcode, bytes: Uint8Array, fin: boolean) => boolean;
  #opcode: MessageOpcode | undefined;
  /** Whether a fragment has been sent. */
  started = false;
  /** The first half of a surrogate pair split by the end of a string chunk. */
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

  /** Text or binary, once known. */
  get opcode(): MessageOpcode | undefined {
    return this.#opcode;
  }

  /**
   * Sends a chunk. Returns whether more may be sent.
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
   * Sends the last chunk in the final fragment.
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

  /** A lone surrogate becomes U+FFFD; the next text chunk may still contain its second half. */
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

  /** @throws {TypeError} When the bytes of a text message end inside a character. */
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
  hasEnded = false;
  #wake: (() => void) | undefined;

  /** The connection has ended. */
  end(): void {
    this.hasEnded = true;
    this.#wake?.();
  }

  /** Resolves to the value of the promise, or `undefined` if the connection closes first. */
  race<V>(promise: Promise<V>): Promise<V | undefined> {
    if (this.hasEnded) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined);
      promise.then(resolve, reject);
    });
  }
}

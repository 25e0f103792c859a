// The doctor's end of one stream: it sends and receives arbitrary bytes, records both, and limits
// the time of waits.

import type { Stream, StreamSink } from "./network.ts";
import { Recording } from "./recording.ts";

/** Who gets the bytes that the peer sends. */
export type Reader = (chunk: Uint8Array) => void;

/** A stream in the doctor's hands. */
export class Peer implements StreamSink {
  readonly #stream: Stream;
  /** What has passed. */
  readonly recording: Recording = new Recording();
  #reader: Reader | undefined;
  /** Data received before there was a reader. */
  #unread: Uint8Array[] = [];
  #waiters: Array<() => void> = [];
  #writing = false;
  #sending: Promise<boolean> = Promise.resolve(true);
  #ended = false;
  #over = false;

  /**
   * Begins to read.
   *
   * @param stream The stream.
   */
  constructor(stream: Stream) {
    this.#stream = stream;
    stream.start(this);
  }

  /** Whether the peer has ended its direction, or the stream is closed. */
  get ended(): boolean {
    return this.#ended || this.#over;
  }

  /** Whether nothing can be sent any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Passes received data, buffered data first, to `reader`. */
  read(reader: Reader): void {
    this.#reader = reader;
    const unread = this.#unread;
    this.#unread = [];
    for (const chunk of unread) reader(chunk);
  }

  /** Stops reading: the peer has to wait. */
  pause(): void {
    this.#stream.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#stream.resume();
  }

  /**
   * Sends bytes, and waits until the stream takes more.
   *
   * @param patience Milliseconds without any movement before it gives up.
   * @returns `false` if the wait timed out or the stream is closed.
   */
  send(bytes: Uint8Array, patience: number): Promise<boolean> {
    // Serialize the writes of all callers.
    return this.#sending = this.#sending.then(() => this.#send(bytes, patience));
  }

  async #send(bytes: Uint8Array, patience: number): Promise<boolean> {
    if (this.#over || !await this.until(() => !this.#writing, patience)) return false;
    if (this.#over) return false;
    this.recording.add(true, bytes);
    // The stream keeps what has not left: these bytes are never touched again.
    this.#writing = !this.#stream.write(bytes, bytes.length);
    return await this.until(() => !this.#writing, patience) && !this.#over;
  }

  /** Ends the doctor's direction. */
  finish(): void {
    this.#stream.end();
  }

  /** Cuts the stream. */
  cut(): void {
    if (this.#over) return;
    this.#stream.destroy();
  }

  /**
   * Waits for a condition, which is looked at whenever something happens to the stream.
   *
   * @param patience Milliseconds without anything happening after which it gives up.
   * @returns Whether the condition was met.
   */
  async until(isMet: () => boolean, patience: number): Promise<boolean> {
    while (!isMet()) {
      if (this.#over) return false;
      const { bufferedAmount } = this.#stream;
      const changed = await this.#change(patience);
      // A long write moves without a word until it is through.
      if (!changed && this.#stream.bufferedAmount === bufferedAmount) return isMet();
    }
    return true;
  }

  /** Lets the event loop have its turn. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
  }

  /** Waits for so long, or until the peer ends the stream. */
  async pass(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    while (!this.ended) {
      const left = end - performance.now();
      if (left <= 0) return;
      await this.#change(left);
    }
  }

  /** Bytes arrived. */
  data(chunk: Uint8Array): void {
    this.recording.add(false, chunk);
    if (this.#reader === undefined) this.#unread.push(chunk);
    else this.#reader(chunk);
    this.#wake();
  }

  /** There is room to write. */
  drain(): void {
    this.#writing = false;
    this.#wake();
  }

  /** The peer has ended its direction. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Handles the end of the stream. */
  closed(): void {
    this.#over = true;
    this.#wake();
  }

  #change(patience: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== wake);
        resolve(false);
      }, patience);
      const wake = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      this.#waiters.push(wake);
    });
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

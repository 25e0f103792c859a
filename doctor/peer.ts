// The doctor's end of one stream: it sends and receives arbitrary bytes, records both, and limits
// the time of waits.

import type { Stream, StreamSink } from "./network.ts";
import { Recording } from "./recording.ts";

/** Receives the bytes that the peer sends. */
export type Reader = (chunk: Uint8Array) => void;

/** The doctor's end of a stream. */
export class Peer implements StreamSink {
  readonly #stream: Stream;
  /** The recorded traffic. */
  readonly recording: Recording = new Recording();
  #reader: Reader | undefined;
  /** Data received before there was a reader. */
  #unread: Uint8Array[] = [];
  #waiters: Array<() => void> = [];
  #writing = false;
  #sending: Promise<boolean> = Promise.resolve(true);
  #ended = false;
  #isClosed = false;

  /**
   * Starts reading.
   *
   * @param stream The stream.
   */
  constructor(stream: Stream) {
    this.#stream = stream;
    stream.start(this);
  }

  /** Whether the peer has ended its side, or the stream is closed. */
  get ended(): boolean {
    return this.#ended || this.#isClosed;
  }

  /** Whether sending is impossible. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Passes received data, buffered data first, to `reader`. */
  read(reader: Reader): void {
    this.#reader = reader;
    const unread = this.#unread;
    this.#unread = [];
    for (const chunk of unread) reader(chunk);
  }

  /** Stops reading, which applies backpressure to the peer. */
  pause(): void {
    this.#stream.pause();
  }

  /** Resumes reading. */
  resume(): void {
    this.#stream.resume();
  }

  /**
   * Sends bytes, and waits until the stream accepts more.
   *
   * @param timeout The timeout without progress, in milliseconds.
   * @returns `false` if the wait timed out or the stream is closed.
   */
  send(bytes: Uint8Array, timeout: number): Promise<boolean> {
    // Serialize the writes of all callers.
    return this.#sending = this.#sending.then(() => this.#send(bytes, timeout));
  }

  async #send(bytes: Uint8Array, timeout: number): Promise<boolean> {
    if (this.#isClosed || !await this.until(() => !this.#writing, timeout)) return false;
    if (this.#isClosed) return false;
    this.recording.add(true, bytes);
    // The stream keeps unsent bytes, so they are never changed.
    this.#writing = !this.#stream.write(bytes, bytes.length);
    return await this.until(() => !this.#writing, timeout) && !this.#isClosed;
  }

  /** Ends the doctor's side. */
  finish(): void {
    this.#stream.end();
  }

  /** Cuts the stream. */
  cut(): void {
    if (this.#isClosed) return;
    this.#stream.destroy();
  }

  /**
   * Waits for a condition, which is checked after each event of the stream.
   *
   * @param timeout The timeout without an event, in milliseconds.
   * @returns Whether the condition was met.
   */
  async until(isMet: () => boolean, timeout: number): Promise<boolean> {
    while (!isMet()) {
      if (this.#isClosed) return false;
      const { bufferedAmount } = this.#stream;
      const changed = await this.#change(timeout);
      // A long write makes progress without an event until it is complete.
      if (!changed && this.#stream.bufferedAmount === bufferedAmount) return isMet();
    }
    return true;
  }

  /** Yields to the event loop. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
  }

  /** Waits for a time, or until the peer ends the stream. */
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

  /** The stream accepts more writes. */
  drain(): void {
    this.#writing = false;
    this.#wake();
  }

  /** The peer has ended its side. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Handles the end of the stream. */
  closed(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #change(timeout: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== wake);
        resolve(false);
      }, timeout);
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

/*
 * A Deno connection as a transport: one read under way unless paused, one write under way at most,
 * and everything that ends either of them is an input.
 */

import { ReadBuffer } from "./deno_read_buffer.ts";
import type { Transport, TransportSink } from "./transport.ts";

/** The part of `Deno.Conn` that the transport uses, so that no runtime type is exported. */
export interface DenoConn {
  read(room: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** A Deno connection as a {@linkcode Transport}. */
export class DenoTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #conn: DenoConn;
  readonly #buffer: ReadBuffer;
  #sink: TransportSink | undefined;
  #bufferedAmount = 0;
  #error: Error | undefined;
  /** Wakes the reading loop of a paused connection. */
  #wake: (() => void) | undefined;
  #reading = false;
  #paused = false;
  #ended = false;
  /** The FIN is out. */
  #shut = false;
  #peerEnded = false;
  #over = false;
  #told = false;

  /**
   * @param conn The open connection.
   * @param peer The peer's address and port.
   * @param readBufferSize The first size in bytes of the read buffer.
   */
  constructor(
    conn: DenoConn,
    peer: Pick<Transport, "remoteAddress" | "remotePort">,
    readBufferSize?: number,
  ) {
    this.#conn = conn;
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort ?? 0;
    this.#buffer = new ReadBuffer(readBufferSize);
  }

  /** Deno writes through promises. */
  get writesLater(): boolean {
    return true;
  }

  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  start(sink: TransportSink): void {
    const first = this.#sink === undefined;
    this.#sink = sink;
    if (this.#over) queueMicrotask(() => this.#tell());
    else if (first) void this.#read();
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.#ended || this.#over || length === 0) return true;
    this.#bufferedAmount = length;
    void this.#write(length === bytes.length ? bytes : bytes.subarray(0, length));
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
  }

  end(): void {
    if (this.#ended || this.#over) return;
    this.#ended = true;
    if (this.#bufferedAmount === 0) void this.#shutdown();
  }

  destroy(error?: Error): void {
    if (this.#over) return;
    this.#close(error);
    queueMicrotask(() => this.#tell());
  }

  /**
   * Gives the connection up to someone else, who closes it: the transport then does nothing any
   * more and tells nothing. That needs a transport at rest, paused and with nothing left to write.
   *
   * @param isWanted Whether this kind of connection is of use.
   * @returns The connection, or `undefined` when the transport keeps it.
   */
  release<T extends object>(isWanted: (conn: object) => conn is T): T | undefined {
    const conn: object = this.#conn;
    const atRest = !this.#reading && this.#bufferedAmount === 0 && !this.#ended && !this.#over;
    if (!atRest || !isWanted(conn)) return undefined;
    this.#over = this.#told = true;
    this.resume();
    return conn;
  }

  async #read(): Promise<void> {
    const buffer = this.#buffer;
    try {
      for (;;) {
        while (this.#paused) await this.#resumed();
        if (this.#over) return;
        const room = buffer.room();
        this.#reading = true;
        const count = await this.#conn.read(room);
        this.#reading = false;
        // The read was under way when the pause came: what it got has to wait.
        while (this.#paused) await this.#resumed();
        if (this.#over) return;
        if (count === null) break;
        if (this.#sink!.data(buffer.filled(room, count)) !== true) buffer.give(count);
      }
      this.#peerEnded = true;
      this.#sink!.end();
      if (this.#shut) this.#finish();
    } catch (error) {
      this.#finish(error as Error);
    }
  }

  #resumed(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      let rest = bytes;
      for (;;) {
        const count = await this.#conn.write(rest);
        if (this.#over) return;
        this.#bufferedAmount -= count;
        if (this.#bufferedAmount === 0) break;
        rest = rest.subarray(count);
      }
    } catch (error) {
      this.#finish(error as Error);
      return;
    }
    if (this.#ended) void this.#shutdown();
    this.#sink?.drain();
  }

  async #shutdown(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      this.#finish(error as Error);
      return;
    }
    this.#shut = true;
    if (this.#peerEnded) this.#finish();
  }

  #finish(error?: Error): void {
    if (this.#over) return;
    this.#close(error);
    this.#tell();
  }

  #close(error: Error | undefined): void {
    this.#over = true;
    this.#error = error;
    this.#bufferedAmount = 0;
    this.#paused = false;
    this.#wake?.();
    // Reads and writes under way reject now, and find that it is over.
    this.#conn.close();
  }

  #tell(): void {
    if (this.#told || this.#sink === undefined) return;
    this.#told = true;
    this.#sink.closed(this.#error);
  }
}

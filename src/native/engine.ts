// The port to the runtime's WebSockets: Bun.serve, Deno.serve, Workers and pages.

/**
 * A runtime's operations on its native WebSockets. One object serves all connections.
 *
 * @typeParam S The runtime's socket.
 */
export interface NativeEngine<S> {
  /** The name of the native API in errors: `Bun.serve`. */
  readonly name: string;
  /**
   * Sends a text message.
   *
   * @returns The number of buffered bytes: 0 if there are none or the runtime does not report them;
   * -1 if the runtime dropped the message.
   */
  sendText(socket: S, text: string, compress: boolean): number;
  /** Sends a binary message, which is copied; returns the same. */
  sendBytes(socket: S, bytes: Uint8Array, compress: boolean): number;
  /** The number of buffered bytes. */
  bufferedAmount(socket: S): number;
  /**
   * Starts the closing handshake; the code is valid and the reason fits a Close frame.
   *
   * @param failed Called if it fails after returning.
   */
  close(socket: S, code: number, reason: string, failed: (cause: unknown) => void): void;
  /** Cuts the stream, as far as the runtime can. */
  terminate(socket: S): void;
  /** Sends a ping. Absent: the runtime cannot. */
  readonly ping?: (socket: S, payload: Uint8Array) => void;
  /** Sends a pong. Absent: the runtime cannot. */
  readonly pong?: (socket: S, payload: Uint8Array) => void;
  /** Calls `fn` and sends its messages in one write. Absent: the runtime schedules writes. */
  readonly cork?: (socket: S, fn: () => void) => void;
  /** Whether the runtime reports when buffered output was sent; otherwise it is polled. */
  readonly reportsDrain: boolean;
  /** Whether the runtime can send this close code. */
  canClose(code: number): boolean;
}

/** A runtime's report of the end of a connection. */
export interface NativeEnd {
  /** The peer's close code: 1005 if the Close frame had none, 1006 without a Close frame. */
  readonly code: number;
  /** The peer's reason. */
  readonly reason: string;
  /** The error, if the runtime reports one. */
  readonly cause?: unknown;
}

// The port to WebSockets of the runtime: Bun.serve, Deno.serve, Workers and pages.

/**
 * The operations of a runtime on its native WebSockets. One object serves all connections, without
 * an adapter for each.
 *
 * @typeParam S The runtime's socket.
 */
export interface NativeEngine<S> {
  /** The native API, as errors name it: `Bun.serve`. */
  readonly name: string;
  /**
   * Sends a text message.
   *
   * @returns Bytes that wait to be sent: 0 if none do, or the runtime does not report them; -1 if
   * the runtime has dropped the message.
   */
  sendText(socket: S, text: string, compress: boolean): number;
  /** Sends a binary message, which is copied; returns the same. */
  sendBytes(socket: S, bytes: Uint8Array, compress: boolean): number;
  /** Bytes that wait to be sent. */
  bufferedAmount(socket: S): number;
  /**
   * Starts the closing handshake; the code has been checked and the reason fits a Close frame.
   *
   * @param failed Called if it fails after it has returned.
   */
  close(socket: S, code: number, reason: string, failed: (cause: unknown) => void): void;
  /** Cuts the stream, as far as the runtime can. */
  terminate(socket: S): void;
  /** Sends a ping. Absent: the runtime cannot. */
  readonly ping?: (socket: S, payload: Uint8Array) => void;
  /** Sends a pong. Absent: the runtime cannot. */
  readonly pong?: (socket: S, payload: Uint8Array) => void;
  /** Calls `fn`; its messages leave in one write. Absent: the runtime decides about writes. */
  readonly cork?: (socket: S, fn: () => void) => void;
  /** Whether the runtime reports when the buffered output has left; otherwise it is polled. */
  readonly reportsDrain: boolean;
  /** Whether the closing handshake may have this code. */
  canClose(code: number): boolean;
}

/** How a runtime reports the end of a connection. */
export interface NativeEnd {
  /** The close code of the peer; 1005 without one, 1006 when the connection ended without a Close frame. */
  readonly code: number;
  /** The reason of the peer. */
  readonly reason: string;
  /** The error, if the runtime reports one. */
  readonly cause?: unknown;
}

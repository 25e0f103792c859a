// The result of a connection: the argument of its `close` handler.

/**
 * How a connection ended.
 *
 * @category Connection
 */
export interface CloseInfo {
  /**
   * The close code (RFC 6455 section 7.4): the one the peer sent; the one we sent when we failed the
   * connection; 1005 when the peer's Close frame had none; 1006 when the connection ended without one.
   */
  readonly code: number;
  /** The reason received with the code; for a local failure, the error's message. */
  readonly reason: string;
  /** Whether both sides sent a Close frame and there was no error. */
  readonly clean: boolean;
  /** The side that started the close. */
  readonly initiator: "local" | "remote";
  /** The code of the Close frame we sent, 1005 for one without a code; `undefined` when we sent none. */
  readonly sent?: number | undefined;
  /** The code of the Close frame we received, 1005 for one without; `undefined` when none came. */
  readonly received?: number | undefined;
  /** The error, unless the close was clean. */
  readonly error?: Error;
}

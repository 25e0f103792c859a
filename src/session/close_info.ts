// The result of a connection: the argument of its `close` handler.

/**
 * How a connection ended.
 *
 * @category Connection
 */
export interface CloseInfo {
  /**
   * The close code (RFC 6455 section 7.4): the peer's; the local one if this side failed the
   * connection; 1005 if the peer's Close frame had none; 1006 if the connection ended without a
   * Close frame.
   */
  readonly code: number;
  /** The reason received with the code; for a local failure, the error's message. */
  readonly reason: string;
  /** Whether both sides sent a Close frame and there was no error. */
  readonly clean: boolean;
  /** The side that started the close. */
  readonly initiator: "local" | "remote";
  /**
   * The code of the sent Close frame, 1005 for one without a code; `undefined` if none was sent.
   */
  readonly sent?: number | undefined;
  /**
   * The code of the received Close frame, 1005 for one without; `undefined` if none was received.
   */
  readonly received?: number | undefined;
  /** The error, unless the close was clean. */
  readonly error?: Error;
}

// The WebSocketError interface.

import { checkClose } from "./handshake_target.ts";
import { defineInterface, dictionary, enforcedUnsignedShort, usvString } from "./webidl.ts";

/**
 * The close code and reason, received or to be sent.
 *
 * @category WHATWG WebSocket
 */
export interface WebSocketCloseInfo {
  /** The close code; to be sent: 1000 or 3000 to 4999. Default: none, or 1000 with a reason. */
  closeCode?: number;
  /** The close reason: at most 123 bytes of UTF-8. Default: empty. */
  reason?: string;
}

/** A converted and validated close code and reason. */
export interface CheckedCloseInfo {
  /** The code; `null` for none. */
  readonly closeCode: number | null;
  /** The reason. */
  readonly reason: string;
}

/**
 * Converts a `WebSocketCloseInfo`.
 *
 * @throws {TypeError} When it is not an object, or the code is not an integer from 0 to 65535.
 * @throws {DOMException} As `checkClose` does.
 */
export function checkedCloseInfo(value: unknown): CheckedCloseInfo {
  const members = dictionary("The close info", value);
  const code = members.closeCode === undefined
    ? undefined
    : enforcedUnsignedShort("closeCode", members.closeCode);
  const reason = members.reason === undefined ? "" : usvString(members.reason);
  checkClose(code, reason);
  return { closeCode: code ?? (reason === "" ? null : 1000), reason };
}

/** Set while the library creates an error from the peer's unvalidated code. */
let received: CheckedCloseInfo | undefined;

/**
 * The error of a {@linkcode WebSocketStream} whose connection was not closed cleanly. Passed to
 * `abort` or `cancel` of one of its streams, it determines the code and reason of the close.
 *
 * This is the standard's class, a `DOMException`, unlike the main entry's class of the same name.
 *
 * @example
 * ```ts
 * import { WebSocketError } from "@quickws/quickws/web";
 *
 * const error = new WebSocketError("The user left", { closeCode: 4001, reason: "left" });
 * console.log(error.name, error.closeCode, error.reason); // WebSocketError 4001 left
 * ```
 *
 * @category Errors
 */
export class WebSocketError extends DOMException {
  readonly #closeCode: number | null;
  readonly #reason: string;

  /**
   * Creates an error.
   *
   * @param message The description. Default: empty.
   * @param init The close code and reason. Default: none.
   * @throws {TypeError | DOMException} As `close` of {@linkcode WebSocketStream} does.
   */
  constructor(message: string = "", init: WebSocketCloseInfo = {}) {
    super(message, "WebSocketError");
    const info = received ?? checkedCloseInfo(init);
    this.#closeCode = info.closeCode;
    this.#reason = info.reason;
  }

  /** The close code, or `null`. */
  get closeCode(): number | null {
    return this.#closeCode;
  }

  /** The close reason, or the empty string. */
  get reason(): string {
    return this.#reason;
  }
}

defineInterface(WebSocketError, "WebSocketError", ["closeCode", "reason"]);

/** Creates an error with the peer's code, or 1006. */
export function receivedError(message: string, info: CheckedCloseInfo): WebSocketError {
  received = info;
  try {
    return new WebSocketError(message);
  } finally {
    received = undefined;
  }
}

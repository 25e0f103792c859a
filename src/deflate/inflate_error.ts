// The one error of this folder: what was wrong with a compressed message.

/**
 * Why a message could not be inflated: `"corrupt"` when its bytes are not what RFC 1951 allows,
 * `"too-big"` when there is more in it than the caller's limit.
 *
 * @category Errors
 */
export type InflateErrorCode = "corrupt" | "too-big";

/**
 * A message that cannot be inflated. Nothing else is ever thrown for what the bytes of a message
 * say.
 *
 * @example
 * ```ts
 * import { inflate, InflateError } from "@quickws/quickws/core";
 *
 * try {
 *   inflate(Uint8Array.of(0x07), 0, 1, 1024);
 * } catch (error) {
 *   console.log(error instanceof InflateError && error.code); // corrupt
 * }
 * ```
 *
 * @category Errors
 */
export class InflateError extends Error {
  /** The name of the class, also in serialized errors. */
  override readonly name = "InflateError";
  /** Why it failed, for the caller to tell a broken peer from a limit. */
  readonly code: InflateErrorCode;

  /**
   * Makes the error.
   *
   * @param code Why it failed.
   * @param message The broken rule, or the limit, in words.
   */
  constructor(code: InflateErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Throws the error for bytes that RFC 1951 does not allow. */
export function corrupt(message: string): never {
  throw new InflateError("corrupt", message);
}

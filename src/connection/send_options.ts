// How one message is sent.

import { MAX_CONTROL_PAYLOAD } from "../wire/opcode.ts";
import { toBytes } from "../shared/bytes.ts";
import { checkNames, checkType } from "../shared/check.ts";
import type { WrittenCallback } from "./connection_driver.ts";

/**
 * How a stream is sent as one message.
 *
 * @category Connection
 */
export interface StreamOptions {
  /** `false` sends it uncompressed on a connection that has compression. Default: `true`. */
  compress?: boolean | undefined;
}

/**
 * How one message is sent by `send`.
 *
 * @category Connection
 */
export interface SendOptions extends StreamOptions {
  /**
   * Called once, when the message has left the process, or with the error that prevented that.
   * Never called from inside `send`.
   */
  written?(error?: Error): void;
}

/**
 * How a fragment is sent.
 *
 * @category Connection
 */
export interface FragmentOptions extends StreamOptions {
  /** Whether it is the last fragment of its message. Default: `false`. */
  fin?: boolean | undefined;
}

const SEND_OPTIONS = ["compress", "written"] as const;

/**
 * Whether a message may be compressed.
 *
 * @throws {TypeError} When the options are of the wrong type.
 */
export function wantsCompression(
  method: string,
  options: StreamOptions | undefined,
  names: readonly string[] = SEND_OPTIONS,
): boolean {
  if (options === undefined) return true;
  checkNames(`The options of ${method}`, options, names);
  checkType("compress", options.compress, "boolean");
  checkType("written", (options as SendOptions).written, "function");
  return options.compress !== false;
}

/** The callback of `written` among checked options, bound to them. */
export function writtenOf(options: SendOptions | undefined): WrittenCallback | undefined {
  if (options?.written === undefined) return undefined;
  return (error) => options.written!(error);
}

/**
 * The payload of a ping or a pong.
 *
 * @throws {RangeError} When it is too long for a control frame.
 */
export function controlPayload(payload: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : toBytes(payload);
  if (bytes.length > MAX_CONTROL_PAYLOAD) {
    throw new RangeError(
      `Cannot send: a ping or pong takes at most ${MAX_CONTROL_PAYLOAD} bytes, got ${bytes.length}`,
    );
  }
  return bytes;
}

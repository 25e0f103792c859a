// How one message is sent.

import { checkNames, checkType } from "../shared/check.ts";

/** How one message is sent, by `send` or `sendStream`. */
export interface SendOptions {
  /** `false` sends it as it is on a connection that has compression. Default: `true`. */
  compress?: boolean;
}

/**
 * Whether a message may be compressed.
 *
 * @throws {TypeError} When the options are of the wrong type.
 */
export function wantsCompression(method: string, options: SendOptions | undefined): boolean {
  if (options === undefined) return true;
  checkNames(`The options of ${method}`, options, ["compress"]);
  checkType("compress", options.compress, "boolean");
  return options.compress !== false;
}

// How a server is shut down: the options of `shutdown`, and their check.

import { CloseCode } from "../wire/close.ts";
import { checkInteger, checkNames, wrongType } from "../shared/check.ts";
import { MAX_INT32 } from "../connection/connection_options.ts";

/** How a server is shut down. */
export interface ShutdownOptions {
  /**
   * Milliseconds that connections have for the closing handshake before they are cut. Default: the
   * option `closeTimeout` of `serve`. With `drainPeriod` each has them from its own Close frame on.
   */
  timeout?: number;
  /**
   * Milliseconds over which the connections are closed, evenly, in the order in which they were opened,
   * so that their clients do not come back all at once. Default: 0, all at once.
   */
  drainPeriod?: number;
  /**
   * The close code: 1001, "going away", or 1012, "service restart", after which clients wait for 5 to 30
   * seconds before they come back. Default: 1001.
   */
  code?: 1001 | 1012;
}

/** @throws {TypeError | RangeError} When an option is unknown, of another type or out of range. */
export function checkShutdownOptions(options: ShutdownOptions): void {
  checkNames("The options of shutdown", options, ["timeout", "drainPeriod", "code"]);
  checkInteger("timeout", options.timeout, 0, MAX_INT32, "milliseconds");
  checkInteger("drainPeriod", options.drainPeriod, 0, MAX_INT32, "milliseconds");
  const { code } = options as { code?: unknown };
  if (code === undefined || code === CloseCode.GoingAway || code === CloseCode.ServiceRestart) {
    return;
  }
  if (typeof code !== "number") throw wrongType("code", "1001 or 1012", code);
  throw new RangeError(`Option "code" must be 1001 or 1012, got ${code}`);
}

// Rejects options that a runtime's WebSockets cannot honor, by name and with the reason.

import { LISTENING_OPTIONS } from "../server/serve_options.ts";
import { show } from "../shared/check.ts";

/** The options that a runtime's WebSockets cannot support, each with the reason. */
export interface NativeLimits {
  /** The name of the runtime's API in errors: `Bun.serve`. */
  readonly name: string;
  /** The reason for each rejected option. */
  readonly refused: Readonly<Record<string, string>>;
  /** The maximum `maxMessageSize`, if the runtime has a fixed limit. */
  readonly maxMessageSize?: number;
}

/** Options of the runtime's own server. */
const SERVER_OPTIONS = [...LISTENING_OPTIONS, "http2"] as const;

/** The reasons common to all native WebSockets. */
export const WHOLE_MESSAGES: Readonly<Record<string, string>> = {
  utf8Check: "it always checks UTF-8 itself",
  maxFragments: "it delivers whole messages and hides their fragments",
  messageTimeout: "it delivers whole messages and hides when their first byte arrived",
  readTimeout: "it delivers whole messages and hides the bytes that arrive",
  autoPong: "it always answers pings itself",
  delayedWrite: "it decides when messages are sent",
};

/** The reasons if pings cannot be sent. */
export const NO_PINGS: Readonly<Record<string, string>> = {
  pingInterval: "it has no way to send pings",
  pongTimeout: "it has no way to send pings",
  ping: "it answers pings itself and does not report them",
  pong: "it does not report pongs",
};

/**
 * Checks that the runtime can honor all given options.
 *
 * @throws {TypeError | RangeError} When it cannot.
 */
export function checkNativeOptions<O extends object>(
  options: O,
  limits: NativeLimits,
): O {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`The options of createSockets must be an object, got ${show(options)}`);
  }
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of SERVER_OPTIONS) {
    if (given[name] !== undefined) {
      throw new TypeError(
        `Option "${name}" cannot be given to createSockets: it is an option of ${limits.name}`,
      );
    }
  }
  for (const [name, reason] of Object.entries(limits.refused)) {
    // A default value has no effect.
    const isDefault = given[name] === undefined || given[name] === 0 ||
      (name === "utf8Check" || name === "autoPong") && given[name] === true ||
      name === "compression" && given[name] === false;
    if (isDefault) continue;
    throw new TypeError(`Option "${name}" cannot be given with ${limits.name}: ${reason}`);
  }
  checkOnExceed(given.rateLimit, limits.name);
  const { maxMessageSize } = limits;
  const wanted = given.maxMessageSize;
  if (maxMessageSize !== undefined && typeof wanted === "number" && wanted > maxMessageSize) {
    throw new RangeError(
      `Option "maxMessageSize" must be at most ${maxMessageSize} with ${limits.name}, which has ` +
        `that limit itself, got ${wanted}`,
    );
  }
  return options;
}

/** @throws {TypeError} When a rate over the limit would pause reading. */
function checkOnExceed(rateLimit: unknown, name: string): void {
  if (typeof rateLimit !== "object" || rateLimit === null) return;
  const { onExceed = "pause" } = rateLimit as { readonly onExceed?: unknown };
  if (onExceed !== "pause") return;
  throw new TypeError(
    `Option "rateLimit" cannot have onExceed: "pause", the default, with ${name}: it delivers ` +
      'messages as they arrive and cannot make the peer wait; use onExceed: "close" or "report"',
  );
}

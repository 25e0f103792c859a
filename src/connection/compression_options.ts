// The option `compression`: defaults and validation.

import type { DeflateConfig } from "../handshake/deflate_offer.ts";
import type { CompressionCodec } from "../message/codec.ts";
import type { PermessageRules } from "../message/permessage.ts";
import {
  checkInteger,
  checkNames,
  checkOneOf,
  checkType,
  show,
  wrongType,
} from "../shared/check.ts";

/**
 * Compression of messages (RFC 7692, permessage-deflate), if the peer supports it.
 *
 * Enable it for text of a few hundred bytes or more. Do not compress a secret together with data an
 * attacker controls: the length reveals the secret (CRIME, BREACH).
 *
 * @category Compression
 */
export interface CompressionOptions {
  /** Whether outgoing messages are compressed. Default: `true`. */
  compress?: boolean | undefined;
  /**
   * Whether compressed messages are accepted. `false` is for peers known to send none: a compressed
   * message then closes the connection with 1003. Default: `true`.
   */
  decompress?: boolean | undefined;
  /**
   * Messages smaller than this many bytes are sent uncompressed. Default: 256, and 0 with context
   * takeover.
   */
  threshold?: number | undefined;
  /**
   * `"fast"` takes the least time, `"best"` gives the smallest messages, `"auto"` chooses by
   * message size. Default: `"auto"`.
   */
  level?: "auto" | "fast" | "best" | undefined;
  /**
   * Whether the server's messages may refer to earlier ones: small messages become much smaller, at
   * the cost of a few KiB of memory per connection (RFC 7692 section 7.1.1). Default: `false`.
   */
  serverContextTakeover?: boolean | undefined;
  /** The same for the client's messages. Default: `false`. */
  clientContextTakeover?: boolean | undefined;
  /**
   * The base-2 logarithm of the window size of the server's messages: 8 to 15 (RFC 7692 section
   * 7.1.2). Default: 15.
   */
  serverMaxWindowBits?: number | undefined;
  /**
   * The same for the client's messages. Default: 15; on a server with `clientContextTakeover` 12,
   * which limits each connection's window to 4 KiB.
   */
  clientMaxWindowBits?: number | undefined;
  /**
   * Replaces the built-in codec. It compresses each message independently, and cannot be combined
   * with `level`, context takeover or a smaller window for outgoing messages. Fragmented messages
   * are sent uncompressed. Default: the built-in codec.
   */
  codec?: CompressionCodec | undefined;
}

/**
 * The options of `compression: "compatible"`. Both sides may use context takeover, so that the
 * response is a plain `permessage-deflate`: the clients of Jetty, Netty and Tornado do not honor
 * `client_no_context_takeover` unless they have requested it.
 */
const COMPATIBLE: CompressionOptions = {
  serverContextTakeover: true,
  clientContextTakeover: true,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** The checked option. */
export interface CompressionRules extends PermessageRules, DeflateConfig {
  /** Replaces the built-in codec. */
  readonly codec?: CompressionCodec;
}

const NAMES = [
  "compress",
  "decompress",
  "threshold",
  "level",
  "serverContextTakeover",
  "clientContextTakeover",
  "serverMaxWindowBits",
  "clientMaxWindowBits",
  "codec",
] as const;

const MAX_WINDOW_BITS = 15;

/** The window size for clients on a server with `clientContextTakeover`. */
const SMALL_WINDOW_BITS = 12;

/**
 * Checks the option and fills in the defaults.
 *
 * @param option The user's value.
 * @param isServer Whether it is for a server.
 * @param memoryLimit The option `memoryLimit`, in bytes.
 * @returns `undefined` if compression is off.
 * @throws {TypeError | RangeError} When a value has the wrong type or is out of range.
 */
export function compressionRules(
  option: boolean | "compatible" | CompressionOptions | undefined,
  isServer: boolean,
  memoryLimit: number,
): CompressionRules | undefined {
  if (option === undefined || option === false) return undefined;
  if (option !== true && option !== "compatible" && typeof option !== "object") {
    throw wrongType("compression", 'a boolean, "compatible" or an object', option);
  }
  const named = option === "compatible" ? COMPATIBLE : option;
  const options = named === true ? {} : named;
  checkOptions(options);
  if (options.codec !== undefined) checkCodec(options, isServer);
  const rules = {
    compress: options.compress ?? true,
    decompress: options.decompress ?? true,
    threshold: options.threshold,
    level: options.level ?? "auto",
    serverContextTakeover: options.serverContextTakeover ?? false,
    clientContextTakeover: options.clientContextTakeover ?? false,
    serverMaxWindowBits: options.serverMaxWindowBits ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: options.clientMaxWindowBits ??
      (isServer && options.clientContextTakeover === true ? SMALL_WINDOW_BITS : MAX_WINDOW_BITS),
    memoryLimit,
    ...(options.codec === undefined ? undefined : { codec: options.codec, hasFixedWindow: true }),
  };
  // RFC 7692 has no parameter to disable both directions, so the extension is not negotiated.
  return rules.compress || rules.decompress ? rules : undefined;
}

function checkOptions(options: CompressionOptions): void {
  checkNames('Option "compression"', options, NAMES);
  for (
    const name of [
      "compress",
      "decompress",
      "serverContextTakeover",
      "clientContextTakeover",
    ] as const
  ) {
    checkType(`compression.${name}`, options[name], "boolean");
  }
  checkInteger("compression.threshold", options.threshold, 0, 0x7fffffff, "bytes");
  checkOneOf("compression.level", options.level, ["auto", "fast", "best"]);
  for (const name of ["serverMaxWindowBits", "clientMaxWindowBits"] as const) {
    checkInteger(`compression.${name}`, options[name], 8, MAX_WINDOW_BITS, "bits");
  }
}

/** @throws {TypeError} When it is not a codec, or another option cannot be combined with one. */
function checkCodec(options: CompressionOptions, isServer: boolean): void {
  const { codec } = options;
  const isCodec = typeof codec === "object" && codec !== null &&
    typeof codec.name === "string" && typeof codec.deflate === "function" &&
    (codec.inflate === undefined || typeof codec.inflate === "function");
  if (!isCodec) {
    const what = "an object with a name, a function deflate and perhaps a function inflate";
    throw wrongType("compression.codec", what, codec);
  }
  const window = isServer ? "serverMaxWindowBits" : "clientMaxWindowBits";
  for (
    const [name, isPossible] of [
      ["serverContextTakeover", options.serverContextTakeover !== true],
      ["clientContextTakeover", options.clientContextTakeover !== true],
      ["level", options.level === undefined],
      [window, (options[window] ?? MAX_WINDOW_BITS) === MAX_WINDOW_BITS],
    ] as const
  ) {
    if (isPossible) continue;
    throw new TypeError(
      `Option "compression.${name}" cannot be ${show(options[name])} together with a codec, ` +
        `which compresses each message alone and by its own settings; remove one of them`,
    );
  }
}

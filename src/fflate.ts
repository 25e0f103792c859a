/**
 * Compression with the npm package `fflate`: a codec for the option `compression`, created from
 * your own copy of it. The built-in codec is the default and faster at every message size.
 *
 * @example
 * ```ts
 * import * as fflate from "fflate";
 * import { serve } from "@quickws/quickws";
 * import { fflateCodec } from "@quickws/quickws/fflate";
 *
 * await using server = await serve({
 *   port: 0,
 *   compression: { codec: fflateCodec(fflate, { level: 6 }) },
 * });
 * ```
 *
 * @module
 */

import type { CompressionCodec } from "./message/codec.ts";
import { checkInteger, checkNames, show } from "./shared/check.ts";

export type { CompressionCodec };

/**
 * The compression effort of `fflate`.
 *
 * @category Compression
 */
export interface FflateOptions {
  /** The level: 0 does not compress, 9 is the best compression. Default: 6. */
  level?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
  /** The memory level, 0 to 12. Default: chosen by message size. */
  mem?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;
}

/**
 * The part of `fflate` used here.
 *
 * @category Compression
 */
export interface Fflate {
  /** Compresses bytes to raw DEFLATE, which ends with a final block. */
  deflateSync(data: Uint8Array, options?: FflateOptions): Uint8Array;
}

/**
 * Creates a codec from `fflate`, version 0.8 or later.
 *
 * It compresses with the one-shot `deflateSync`; each message ends with a final block, as RFC 7692
 * section 7.2.3.4 allows. Its streams are not used because flushing them writes data that no other
 * inflater can read. The built-in codec decompresses, because `fflate` accepts some corrupt data
 * and has no size limit.
 *
 * @param library The module, from `import * as fflate from "fflate"`.
 * @param options The level and the memory level.
 * @throws {TypeError | RangeError} When the library has no `deflateSync`, or an option is wrong.
 *
 * @example
 * ```ts
 * import * as fflate from "fflate";
 * import { fflateCodec } from "@quickws/quickws/fflate";
 *
 * const codec = fflateCodec(fflate);
 * console.log(codec.deflate(new TextEncoder().encode("Hello".repeat(100))).length < 30); // true
 * ```
 *
 * @category Compression
 */
export function fflateCodec(library: Fflate, options: FflateOptions = {}): CompressionCodec {
  if (typeof library?.deflateSync !== "function") {
    throw new TypeError(
      `fflateCodec takes the module fflate, which has a function deflateSync; got ${show(library)}`,
    );
  }
  checkNames("fflateCodec", options, ["level", "mem"]);
  checkInteger("level", options.level, 0, 9, "levels");
  checkInteger("mem", options.mem, 0, 12, "levels");
  const settings = { ...options };
  return {
    name: "fflate",
    deflate(message): Uint8Array {
      const blocks = library.deflateSync(message, settings);
      // RFC 7692 7.2.3.4: after a final block, the header of an empty block that is not final.
      const payload = new Uint8Array(blocks.length + 1);
      payload.set(blocks);
      return payload;
    },
  };
}

// The connection options of `ws`, and the rules derived from them.

import { Buffer } from "node:buffer";
import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import {
  type ConnectionRules,
  connectionRules,
  MAX_INT32,
} from "../connection/connection_options.ts";
import type { MaskSource } from "../wire/frame_writer.ts";
import type { PerMessageDeflateOptions } from "./permessage_deflate.ts";

/**
 * The connection options common to clients and servers.
 *
 * @category The API of ws
 */
export interface ReceiverOptions {
  /**
   * Whether several `message`, `ping` and `pong` events may be emitted in one turn of the event loop.
   * Default: `true`.
   */
  allowSynchronousEvents?: boolean | undefined;
  /** Whether pings are answered. Default: `true`. */
  autoPong?: boolean | undefined;
  /** The timeout of the closing handshake in milliseconds. Default: 30000. */
  closeTimeout?: number | undefined;
  /** Accepted without effect: a message is always one buffer. */
  maxBufferedChunks?: number | undefined;
  /** The maximum frames per message; 0 disables the limit. Default: 16384. */
  maxFragments?: number | undefined;
  /** The maximum message size in bytes; 0 disables the limit. Default: 104857600 (100 MiB). */
  maxPayload?: number | undefined;
  /**
   * Accepted without effect: while a peer does not read, only the pong to its latest ping is kept.
   */
  maxPendingAutoPongs?: number | undefined;
  /** Whether to skip UTF-8 validation for a trusted peer. Default: `false`. */
  skipUTF8Validation?: boolean | undefined;
  /** Compression: `true`, `false` or its parameters. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
}

/** The rules of all connections with the same options. */
export class RuleSet {
  readonly #plain: ConnectionRules;
  readonly #options: PerMessageDeflateOptions;
  /** The rules with compression: without and with outgoing context takeover. */
  #alone: ConnectionRules | undefined;
  #takeover: ConnectionRules | undefined;

  /**
   * @param options The options of `ws`.
   * @param isServer Whether it is the server's side.
   */
  constructor(options: ReceiverOptions, isServer: boolean) {
    const rules = connectionRules(
      {
        text: "bytes",
        utf8Check: options.skipUTF8Validation !== true,
        maxMessageSize: limit(options.maxPayload, 100 << 20),
        maxFragments: limit(options.maxFragments, 16 << 10),
        autoPong: options.autoPong ?? true,
        closeTimeout: options.closeTimeout ?? 30_000,
        // `send` of `ws` reports no backpressure, so slow peers are never disconnected.
        maxBufferedAmount: MAX_INT32,
      },
      isServer,
    );
    const closesLikeWs = true;
    const whenCompressed = { ...rules.whenCompressed, closesLikeWs };
    this.#plain = { ...rules, whenCompressed, closesLikeWs };
    const { perMessageDeflate } = options;
    this.#options = typeof perMessageDeflate === "object" ? perMessageDeflate : {};
  }

  /** The rules of a connection with its negotiated compression. */
  for(agreement: DeflateAgreement | undefined): ConnectionRules {
    if (agreement === undefined) return this.#plain;
    // `ws` compresses messages of any size with context takeover.
    return agreement.outbound.takeover
      ? this.#takeover ??= this.#compressed(0)
      : this.#alone ??= this.#compressed(this.#options.threshold ?? 1024);
  }

  #compressed(threshold: number): ConnectionRules {
    const level = levelOf(this.#options.zlibDeflateOptions?.level ?? 6);
    const { compression } = connectionRules({ compression: { threshold, level } }, true);
    return { ...this.#plain, compression };
  }
}

/** Converts a compression level of zlib, whose default is -1. */
function levelOf(zlibLevel: number): "best" | "fast" | "auto" {
  if (zlibLevel >= 7) return "best";
  return zlibLevel >= 0 && zlibLevel <= 3 ? "fast" : "auto";
}

/** The parameters of the server's side of a connection. */
export interface ServerSideOptions extends ReceiverOptions {
  /** The rules of all connections of the server. */
  readonly rules: RuleSet;
}

/** Converts a limit of `ws`: a 32-bit integer; 0 disables it. */
function limit(value: number | undefined, otherwise: number): number {
  const number = (value ?? otherwise) | 0;
  return number > 0 ? number : MAX_INT32;
}

/** Creates the source of mask keys for the option `generateMask`. */
export function maskSource(generateMask: (mask: Buffer) => void): MaskSource {
  const bytes = Buffer.alloc(4);
  return () => {
    generateMask(bytes);
    return bytes.readInt32LE(0);
  };
}

// Creates the compression of a connection, with the built-in or the user's codec. This module is
// loaded only if an option needs it, because the codec and its tables are slow to load.

import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import { CodecCompression } from "../message/codec.ts";
import type { MessageCompression } from "../message/message_compression.ts";
import { PermessageDeflate } from "../message/permessage.ts";
import type { CompressionRules } from "./compression_options.ts";

/** Creates the compression of one connection: {@linkcode compressionFor}. */
export type CompressionFactory = typeof compressionFor;

/**
 * Creates the compression of one connection.
 *
 * @param rules The option, checked.
 * @param agreement The negotiated parameters.
 */
export function compressionFor(
  rules: CompressionRules,
  { inbound, outbound }: DeflateAgreement,
): MessageCompression {
  return rules.codec === undefined
    ? new PermessageDeflate(rules, inbound, outbound)
    : new CodecCompression(rules.codec, rules, inbound, outbound);
}

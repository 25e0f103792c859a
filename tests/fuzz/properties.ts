// All properties, with their weights.

import type fc from "fast-check";
import * as handshake from "./handshake_properties.ts";
import * as payload from "./payload_properties.ts";
import * as guarantee from "./guarantee_properties.ts";
import * as proxy from "./proxy_properties.ts";
import * as server from "./server_properties.ts";
import * as session from "./session_properties.ts";
import * as topic from "./topic_properties.ts";

/** A property to check. */
export type AnyProperty = fc.IRawProperty<unknown, boolean>;

/** A property with its name. */
export interface NamedProperty {
  /** The property as a sentence. */
  readonly name: string;
  readonly property: AnyProperty;
  /** Its relative number of runs. */
  readonly weight: number;
}

function named<T>(name: string, property: fc.IRawProperty<T, boolean>, weight = 1): NamedProperty {
  return { name, property: property as AnyProperty, weight };
}

/** Properties of whole connections in virtual time, which are the slowest. */
export const guarantees: readonly NamedProperty[] = [
  named("no accepted message is lost while the peer makes progress", guarantee.delivered, 2),
  named("every connection ends and reports the correct result", guarantee.ended, 2),
  named("each error of user code reaches onError once", guarantee.errors, 2),
  named("no error of one connection affects another", guarantee.isolated, 2),
  named("all messages that a server has accepted arrive before it closes", server.shutDown, 2),
];

/** All other properties. */
export const properties: readonly NamedProperty[] = [
  named("a legal conversation is received unchanged", session.legalStreams, 3),
  named(
    "a damaged conversation has the same outcome for every chunk split",
    session.damagedStreams,
    5,
  ),
  named("invalid frames have the same outcome for every chunk split", session.invalidStreams, 5),
  named("random bytes have the same outcome for every chunk split", session.noise, 2),
  named("each side receives the messages of the other", session.conversations, 3),
  named("a request has the same outcome for every chunk split", handshake.requestHeads, 4),
  named("a request parsed by another server is accepted or rejected", handshake.requestsOfOthers),
  named("a response has the same outcome for every chunk split", handshake.responseHeads, 4),
  named("each side accepts the other's handshake", handshake.opening, 2),
  named("a list in a header field is parsed or rejected", handshake.fieldLists, 2),
  named("no user input breaks out of the head that contains it", handshake.injection),
  named("a SOCKS5 proxy may send any response", proxy.socks5, 2),
  named("an HTTP proxy may send any response", proxy.httpConnect, 2),
  named("a line of the topics subprotocol is parsed or rejected", topic.readings, 3),
  named("a client that subscribes to topics may send any input", topic.requests, 3),
  named("masking in parts equals masking the whole", payload.masks),
  named("a length is written and read back unchanged", payload.lengths),
  named("a length field is parsed or rejected", payload.lengthFields),
  named("all decoders agree on valid UTF-8", payload.utf8Texts, 2),
  named("a close payload is parsed or rejected", payload.closes),
  named("a reason is truncated at a code point boundary", payload.closeReasons),
  named("compressed data decompresses to the original", payload.codec, 2),
  named("any bytes are decompressed or rejected", payload.compressedNoise, 3),
];

// All properties by name, with their shares of the time.

import type fc from "fast-check";
import * as handshake from "./handshake_properties.ts";
import * as payload from "./payload_properties.ts";
import * as promise from "./promise_properties.ts";
import * as proxy from "./proxy_properties.ts";
import * as server from "./server_properties.ts";
import * as session from "./session_properties.ts";
import * as topic from "./topic_properties.ts";

/** Any property that can be checked. */
export type AnyProperty = fc.IRawProperty<unknown, boolean>;

/** One property. */
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

/** Properties of whole connections in virtual time, the slowest. */
export const promises: readonly NamedProperty[] = [
  named("no accepted message is lost while the peer makes progress", promise.delivered, 2),
  named("every connection ends and reports the correct result", promise.ended, 2),
  named("each error of user code reaches onError once", promise.errors, 2),
  named("no error of one connection touches another", promise.isolated, 2),
  named("all that a server has accepted arrives before its end", server.shutDown, 2),
];

/** All other properties. */
export const properties: readonly NamedProperty[] = [
  named("a legal conversation is received as it was sent", session.legalStreams, 3),
  named("a damaged conversation has one outcome for every chunk split", session.damagedStreams, 5),
  named("wild frames have one outcome for every chunk split", session.wildStreams, 5),
  named("noise has one outcome for every chunk split", session.noise, 2),
  named("each side receives the messages of the other", session.conversations, 3),
  named("a request has one outcome for every chunk split", handshake.requestHeads, 4),
  named("a request parsed by another server is accepted or rejected", handshake.requestsOfOthers),
  named("an answer has one outcome for every chunk split", handshake.responseHeads, 4),
  named("a handshake that one side writes the other reads", handshake.opening, 2),
  named("a list in a header field is parsed or rejected", handshake.fieldLists, 2),
  named("no user input breaks out of the head that contains it", handshake.injection),
  named("a SOCKS5 proxy may answer anything", proxy.socks5, 2),
  named("an HTTP proxy may answer anything", proxy.httpConnect, 2),
  named("a line of the topics subprotocol is parsed or rejected", topic.readings, 3),
  named("a client that listens to topics may send anything", topic.requests, 3),
  named("masking in parts equals masking at once", payload.masks),
  named("a length that is written is read", payload.lengths),
  named("a length field is parsed or rejected", payload.lengthFields),
  named("all decoders agree on valid UTF-8", payload.utf8Texts, 2),
  named("a close payload is parsed or rejected", payload.closes),
  named("a reason is cut at a code point", payload.closeReasons),
  named("compressed data decompresses to the original", payload.codec, 2),
  named("any bytes are decompressed or rejected", payload.compressedNoise, 3),
];

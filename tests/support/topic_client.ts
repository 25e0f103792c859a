// A raw client over an in-memory network that offers the topics subprotocol.

import assert from "node:assert/strict";
import { TOPICS_SUBPROTOCOL } from "../../src/pubsub/protocol.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import type { Server } from "../../src/server/serve.ts";
import { upgradeRequest } from "./raw_peer.ts";
import type { Harness, Side } from "./socket_harness.ts";

/** The header line that offers the subprotocol. */
export const OFFER = `Sec-WebSocket-Protocol: ${TOPICS_SUBPROTOCOL}`;

/** The server side of a connection whose client uses the topics subprotocol. */
export type TopicSide<T = undefined> = Side<T> & { readonly server: Server<T> };

/** Opens a connection. Unless the options restrict it, the client may subscribe to any topic. */
export async function topicSide<T = undefined>(
  t: Harness,
  options: ServeOptions<T> = {},
  lines: readonly string[] = [],
): Promise<TopicSide<T>> {
  const server = await t.serve({ clientTopics: { allow: () => true }, ...options });
  return await openAnotherSide(t, server, lines);
}

/** Opens another connection to a server. */
export async function openAnotherSide<T>(
  t: Harness,
  server: Server<T>,
  lines: readonly string[] = [],
): Promise<TopicSide<T>> {
  const peer = t.rawClient(server);
  peer.send(upgradeRequest([OFFER, ...lines]));
  const { status, headers } = await peer.answer();
  assert.equal(status, 101);
  assert.equal(headers.get("sec-websocket-protocol"), TOPICS_SUBPROTOCOL);
  const transport = peer.transport.peer;
  transport.writes.length = 0;
  return { server, conn: [...server.clients()].at(-1)!, peer, transport };
}

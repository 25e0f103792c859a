// Shared by the quickws programs.

import type { CompressionOptions, Connection } from "../../../mod.ts";
import type { CompressionMode, InteropClient, Received } from "../conversation.ts";

const takeover = { serverContextTakeover: true, clientContextTakeover: true };

/** The quickws options for each mode. */
export const COMPRESSION_OPTIONS: Record<CompressionMode, CompressionOptions | false> = {
  off: false,
  alone: {},
  takeover,
  windows: { ...takeover, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
};

async function* each(pieces: string[]): AsyncGenerator<string, void> {
  yield* pieces;
}

/** Adapts a connection of either side to {@linkcode InteropClient}. */
export function asInteropClient(
  conn: Connection,
  received: Received,
  pongs: Received,
): InteropClient {
  return {
    extensions: conn.extensions,
    send: (message) => void conn.send(message),
    async sendFragments(pieces) {
      await conn.sendStream(each(pieces));
    },
    async ping() {
      conn.ping("are you there?");
      const payload = await pongs.next() as Uint8Array;
      if (new TextDecoder().decode(payload) !== "are you there?") throw new Error("another pong");
    },
    receive: () => received.next(),
    close: (code, reason) => conn.close(code, reason),
    closed: conn.closed.then(({ code, reason, clean }) => ({ code, reason, clean })),
  };
}

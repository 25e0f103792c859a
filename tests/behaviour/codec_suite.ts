// Compression with fflate (`compression: { codec }`) over real sockets. The other side uses the
// runtime's zlib or the library's codec.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inflateRawSync } from "node:zlib";
import * as fflate from "fflate";
import { connect, type Message, MessageTooBigError, prepareMessage } from "../../mod.ts";
import { fflateCodec } from "../../src/fflate.ts";
import { bomb } from "../support/bomb.ts";
import { compressed, RSV1 } from "../support/deflated.ts";
import { liveCases, Queue } from "../support/live_harness.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { BINARY, closePayload, TEXT, utf8, type WireFrame } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const LONG = "All work and no play makes Jack a dull boy. ".repeat(12);

const compression = { codec: fflateCodec(fflate) };

/** Decompresses a frame that ends with a final block. */
function finalBlock({ payload, rsv }: WireFrame): string {
  assert.equal(rsv, RSV1);
  // RFC 7692 7.2.3.4: a zero byte follows the final block.
  assert.equal(payload.at(-1), 0);
  return inflateRawSync(Buffer.from(payload.subarray(0, -1))).toString();
}

export const cases: Cases = liveCases({
  "compresses messages with fflate, each with a final block": async (t) => {
    const server = await t.serve({ compression, open: (conn) => void conn.send(LONG) });
    const peer = await t.rawClient(server);
    peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
    const { headers } = await peer.answer();
    assert.equal(
      headers.get("sec-websocket-extensions"),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    );
    assert.equal(finalBlock((await peer.frame())!), LONG);
    const [conn] = server.clients();
    conn!.send(LONG, { compress: false });
    conn!.send("short");
    conn!.send(utf8(LONG));
    conn!.sendPrepared(prepareMessage(LONG));
    assert.deepEqual((await peer.frame())!.payload, utf8(LONG));
    assert.deepEqual((await peer.frame())!.payload, utf8("short"));
    const binary = (await peer.frame())!;
    assert.equal(binary.opcode, BINARY);
    assert.equal(finalBlock(binary), LONG);
    assert.equal(finalBlock((await peer.frame())!), LONG);
  },

  "both codecs interoperate on either side": async (t) => {
    for (const [onServer, onClient] of [[compression, true], [true, compression]] as const) {
      const server = await t.serve({
        compression: onServer,
        message: (conn, data) => void conn.send(data),
      });
      const got = new Queue<Message>();
      const conn = await connect(server.url, {
        compression: onClient,
        message: (_, data) => got.push(data),
      });
      const sent = [LONG, "", utf8(LONG), LONG.repeat(500), new Uint8Array(100_000)];
      for (const data of sent) conn.send(data);
      await conn.sendStream(new Blob([LONG, LONG]).stream());
      assert.deepEqual(await got.atLeast(6), [...sent, utf8(LONG + LONG)]);
      conn.close();
      await conn.closed;
    }
  },

  "closes with 1009 on a bomb and with 1007 on corrupt data": async (t) => {
    const errors = new Queue<Error | undefined>();
    const server = await t.serve({
      compression,
      maxMessageSize: 100_000,
      message() {},
      close: (_, { error }) => errors.push(error),
    });
    for (const [payload, code] of [[bomb(), 1009], [utf8("not compressed"), 1007]] as const) {
      const peer = await t.rawClient(server);
      peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
      await peer.answer();
      const small = payload.subarray(0, 50_000);
      peer.send({ opcode: TEXT, rsv: RSV1, payload: small });
      assert.deepEqual((await peer.frame())!.payload.subarray(0, 2), closePayload(code));
      peer.end();
    }
    const [tooBig, corrupt] = await errors.atLeast(2);
    assert.ok(tooBig instanceof MessageTooBigError);
    assert.equal((corrupt as { code?: string }).code, "INVALID_DEFLATE_DATA");
  },

  "decompresses messages of zlib with and without a final block": async (t) => {
    const got = new Queue<Message>();
    const server = await t.serve({ compression, message: (_, data) => got.push(data) });
    const peer = await t.rawClient(server);
    peer.send(upgradeRequest(["Sec-WebSocket-Extensions: permessage-deflate"]));
    await peer.answer();
    const final = compression.codec.deflate(utf8(LONG));
    peer.send(
      { opcode: TEXT, rsv: RSV1, payload: compressed(LONG) },
      { opcode: TEXT, rsv: RSV1, payload: final },
    );
    assert.deepEqual(await got.atLeast(2), [LONG, LONG]);
  },
});

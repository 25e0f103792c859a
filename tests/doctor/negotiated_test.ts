// Validates a server's response to the client's offers.

import assert from "node:assert/strict";
import { checkChoices, formatOffers } from "../../doctor/negotiated.ts";
import { HeaderFields } from "../../src/core.ts";

const EXTENSIONS = "Sec-WebSocket-Extensions";
const PROTOCOL = "Sec-WebSocket-Protocol";

function check(asked: [string, string][], answered: [string, string][]): unknown {
  return checkChoices(new HeaderFields(asked), new HeaderFields(answered));
}

Deno.test("offers request parameters for the peer's messages", () => {
  assert.equal(
    formatOffers([
      { noContextTakeover: true, maxWindowBits: 9 },
      { noContextTakeover: false, maxWindowBits: 0 },
    ]),
    "permessage-deflate; client_max_window_bits; server_no_context_takeover; " +
      "server_max_window_bits=9, permessage-deflate; client_max_window_bits",
  );
});

Deno.test("accepts a response without an extension", () => {
  assert.equal(check([], []), undefined);
  assert.equal(check([[EXTENSIONS, "permessage-deflate"], [PROTOCOL, "a"]], []), undefined);
});

Deno.test("reads the agreement from the response", () => {
  const offer = "permessage-deflate; client_max_window_bits";
  const answer = "permessage-deflate; client_max_window_bits=10; server_no_context_takeover";
  assert.deepEqual(check([[EXTENSIONS, offer]], [[EXTENSIONS, answer]]), {
    inbound: { takeover: false, windowBits: 15 },
    outbound: { takeover: true, windowBits: 10 },
  });
});

Deno.test("accepts a response to any of the offers", () => {
  const offers = "permessage-deflate; server_max_window_bits=9, permessage-deflate";
  assert.ok(check([[EXTENSIONS, offers]], [[EXTENSIONS, "permessage-deflate"]]));
});

const wrong: [title: string, asked: [string, string][], answered: [string, string][]][] = [
  ["an extension without an offer", [], [[EXTENSIONS, "x-other"]]],
  [
    "an extension twice",
    [[EXTENSIONS, "permessage-deflate"]],
    [[EXTENSIONS, "permessage-deflate, permessage-deflate"]],
  ],
  [
    "a client window that the client did not offer",
    [[EXTENSIONS, "permessage-deflate"]],
    [[EXTENSIONS, "permessage-deflate; client_max_window_bits=10"]],
  ],
  [
    "a larger window than requested",
    [[EXTENSIONS, "permessage-deflate; server_max_window_bits=9"]],
    [[EXTENSIONS, "permessage-deflate; server_max_window_bits=10"]],
  ],
  [
    "a missing window that the client requested",
    [[EXTENSIONS, "permessage-deflate; server_max_window_bits=9"]],
    [[EXTENSIONS, "permessage-deflate"]],
  ],
  [
    "takeover that the offer disabled",
    [[EXTENSIONS, "permessage-deflate; server_no_context_takeover"]],
    [[EXTENSIONS, "permessage-deflate"]],
  ],
  ["an unrequested subprotocol", [[PROTOCOL, "a, b"]], [[PROTOCOL, "c"]]],
  ["a list of subprotocols", [[PROTOCOL, "a, b"]], [[PROTOCOL, "a, b"]]],
  ["two subprotocols", [[PROTOCOL, "a, b"]], [[PROTOCOL, "a"], [PROTOCOL, "b"]]],
];

for (const [title, asked, answered] of wrong) {
  Deno.test(`rejects a response: ${title}`, () => {
    assert.throws(() => check(asked, answered), { name: "HandshakeError" });
  });
}

// Generates heads of requests and responses that are similar to an opening handshake.

import fc from "fast-check";
import type { DeflateConfig } from "../../src/handshake/deflate_offer.ts";
import { concat, utf8 } from "../support/vectors.ts";
import { characters, shortBytes } from "./bytes.ts";

/** The key of the example in RFC 6455 section 1.3. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~09azAZ";

/** Tokens (RFC 9110 5.6.2). */
export const tokens: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...TOKEN_CHARACTERS),
  minLength: 1,
  maxLength: 12,
});

/** Names of header fields, including the relevant ones. */
export const fieldNames: fc.Arbitrary<string> = fc.oneof(
  tokens,
  fc.constantFrom(
    "Host",
    "Upgrade",
    "Connection",
    "Origin",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
    "Location",
    "__proto__",
    "constructor",
  ),
);

/** Valid and invalid values of header fields. */
export const fieldValues: fc.Arbitrary<string> = fc.oneof(
  tokens,
  fc.string({ unit: "binary-ascii", maxLength: 40 }),
  fc.constantFrom(
    "websocket",
    "Upgrade",
    "keep-alive, Upgrade",
    "13",
    "8",
    KEY,
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "chat, superchat",
    "permessage-deflate; client_max_window_bits",
    'permessage-deflate; server_max_window_bits="16"',
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "0",
    "99999999999999999999",
    "chunked",
    "",
  ),
);

/** Lines of a head, sometimes folded or without a colon. */
const fieldLines = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fieldNames, fieldValues).map((line) => line.join(": ")) },
  { weight: 1, arbitrary: fc.string({ unit: characters, maxLength: 20 }) },
);

/** Heads with some of the lines of a valid handshake, mixed with other lines. */
function heads(start: fc.Arbitrary<string>, lines: readonly string[]): fc.Arbitrary<Uint8Array> {
  return fc.record({
    start,
    lines: fc.oneof(
      { weight: 3, arbitrary: fc.constant([...lines]) },
      { weight: 1, arbitrary: fc.subarray([...lines]) },
    ),
    more: fc.array(fieldLines, { maxLength: 5 }),
    rest: fc.oneof({ weight: 2, arbitrary: fc.constant(new Uint8Array(0)) }, shortBytes),
  }).map(({ start, lines, more, rest }) =>
    concat(utf8([start, ...lines, ...more, "", ""].join("\r\n")), rest)
  );
}

/** Requests similar to an opening handshake. */
export const requests: fc.Arbitrary<Uint8Array> = heads(
  fc.oneof(
    fc.constant("GET /chat?room=1 HTTP/1.1"),
    fc.constantFrom("GET http://a.example/chat HTTP/1.1", "POST / HTTP/1.1", "GET / HTTP/1.0"),
    fc.string({ unit: "binary-ascii", maxLength: 30 }),
  ),
  [
    "Host: a.example",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Version: 13",
  ],
);

/** Responses, sometimes after interim responses. */
export const responses: fc.Arbitrary<Uint8Array> = fc.tuple(
  fc.array(heads(fc.constant("HTTP/1.1 103 Early Hints"), []), { maxLength: 2 }),
  heads(
    fc.oneof(
      fc.constant("HTTP/1.1 101 Switching Protocols"),
      fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.1 302 Found", "HTTP/1.0 101 No", "HTTP/1.1 403"),
      fc.string({ unit: "binary-ascii", maxLength: 30 }),
    ),
    [
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ],
  ),
).map(([interim, final]) => concat(...interim, final));

/** The compression options of a side. */
export const configs: fc.Arbitrary<DeflateConfig> = fc.record({
  serverContextTakeover: fc.boolean(),
  clientContextTakeover: fc.boolean(),
  serverMaxWindowBits: fc.integer({ min: 8, max: 15 }),
  clientMaxWindowBits: fc.integer({ min: 8, max: 15 }),
});

// Group 27: the opening handshake responses that a client must accept or reject.

import type { Case, Opening, Outcome } from "../case.ts";
import { concat, echoes, expectText, nonStrict, rejects, text, utf8 } from "../steps.ts";

const STEPS = [text("Hello, world!")];
const ECHO = echoes(expectText("Hello, world!"));

/** Without it, a client might wait for a body. */
const NO_BODY = { "Content-Length": "0" };

type Row = [title: string, opening: Opening, rfc: string, outcomes?: Outcome[]];

const GOOD: Row[] = [
  ["A plain response", {}, "4.1"],
  [
    "Upgrade and Connection in different letter case",
    { fields: { Upgrade: "WEBSOCKET", Connection: "uPGRADE" } },
    "4.1",
  ],
  [
    "Connection: keep-alive, Upgrade",
    { fields: { Connection: "keep-alive, Upgrade" } },
    "4.1",
  ],
  ["Another reason phrase", { startLine: "HTTP/1.1 101 Why Not" }, "4.1; RFC 9112 4"],
  ["No reason phrase", { startLine: "HTTP/1.1 101 " }, "4.1; RFC 9112 4"],
  ["Unknown fields", { fields: { Server: "doctor", "X-Empty": "" } }, "4.1"],
  [
    "A 103 before the 101",
    { interim: "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" },
    "RFC 9110 15.2",
    [ECHO, nonStrict(rejects(), "a client must be able to read interim responses")],
  ],
];

const BAD: Row[] = [
  [
    "A wrong Sec-WebSocket-Accept",
    { fields: { "Sec-WebSocket-Accept": "dGhlIHNhbXBsZSBub25jZQ==" } },
    "4.1",
  ],
  ["No Sec-WebSocket-Accept", { fields: { "Sec-WebSocket-Accept": null } }, "4.1"],
  ["An empty Sec-WebSocket-Accept", { fields: { "Sec-WebSocket-Accept": "" } }, "4.1"],
  ["No Upgrade", { fields: { Upgrade: null } }, "4.1"],
  ["Upgrade: h2c", { fields: { Upgrade: "h2c" } }, "4.1"],
  ["No Connection", { fields: { Connection: null } }, "4.1"],
  ["Connection: close", { fields: { Connection: "close" } }, "4.1"],
  ["The status 200", { startLine: "HTTP/1.1 200 OK", fields: NO_BODY }, "4.1"],
  ["The status 404", { startLine: "HTTP/1.1 404 Not Found", fields: NO_BODY }, "4.1"],
  ["The status 500", { startLine: "HTTP/1.1 500 Internal Server Error", fields: NO_BODY }, "4.1"],
  [
    "The status 401",
    {
      startLine: "HTTP/1.1 401 Unauthorized",
      fields: { ...NO_BODY, "WWW-Authenticate": "Basic realm=x" },
    },
    "4.1",
  ],
  ["HTTP/1.0 101", { startLine: "HTTP/1.0 101 Switching Protocols" }, "4.1; RFC 9110 7.8", [
    rejects(),
    nonStrict(ECHO, "only the examples of RFC 6455 require HTTP/1.1"),
  ]],
  ["A subprotocol that was not requested", { subprotocols: ["nobody-asked"] }, "4.1"],
  ["An extension that was not offered", { extensions: "x-nobody-offered" }, "4.1, 9.1"],
  [
    "A window of 16 bits",
    { extensions: "permessage-deflate; server_max_window_bits=16" },
    "RFC 7692 7.1.2.1",
  ],
  [
    "A window of 7 bits",
    { extensions: "permessage-deflate; server_max_window_bits=7" },
    "RFC 7692 7.1.2.1",
  ],
  [
    "A window size that is not a number",
    { extensions: "permessage-deflate; server_max_window_bits=abc" },
    "RFC 7692 7.1.2.1",
  ],
  [
    "An unknown parameter",
    { extensions: "permessage-deflate; x_unknown=1" },
    "RFC 7692 7.1",
  ],
  [
    "permessage-deflate twice",
    { extensions: "permessage-deflate, permessage-deflate" },
    "9.1; RFC 7692 5.2",
  ],
  ["Not HTTP", { instead: utf8("what do you want?\r\n\r\n") }, "4.1"],
  [
    "Non-ASCII bytes in Sec-WebSocket-Protocol",
    { rawLines: [concat([utf8("Sec-WebSocket-Protocol: "), Uint8Array.of(0xff, 0xfe)])] },
    "4.1",
  ],
  ["The end of the stream in the middle of the head", { only: 60 }, "4.1"],
];

function of(group: number, rows: Row[], outcomes: Outcome[]): Case[] {
  return rows.map(([title, opening, rfc, other], index) => ({
    id: `27.${group}.${index + 1}`,
    title,
    rfc: rfc.startsWith("RFC") ? rfc : `RFC 6455 ${rfc}`,
    role: "client",
    opening,
    steps: STEPS,
    outcomes: other ?? outcomes,
  }));
}

/** The cases of group 27. */
export const answers: readonly Case[] = [
  ...of(1, GOOD, [ECHO]),
  ...of(2, BAD, [
    rejects(),
    nonStrict(rejects({ lingers: true }), "the connection is neither used nor closed"),
  ]),
];

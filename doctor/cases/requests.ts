// Group 26: requests that a server must accept, and requests that it must reject.

import type { Case, Opening, Outcome } from "../case.ts";
import {
  concat,
  echoes,
  expectText,
  fails,
  informational,
  nonStrict,
  rejects,
  text,
  utf8,
} from "../steps.ts";

const STEPS = [text("Hello, world!")];
const ECHO = echoes(expectText("Hello, world!"));

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

type Row = [title: string, opening: Opening, rfc: string, outcomes?: Outcome[]];

const FIELD_NAMES = {
  host: "Host",
  upgrade: "Upgrade",
  connection: "Connection",
  key: "Sec-WebSocket-Key",
  version: "Sec-WebSocket-Version",
} as const;

const GOOD: Row[] = [
  ["Connection: keep-alive, Upgrade", { fields: { Connection: "keep-alive, Upgrade" } }, "4.2.1"],
  ["Connection: upgrade in lower case", { fields: { Connection: "upgrade" } }, "4.2.1"],
  [
    "Connection on two lines",
    { fields: { Connection: ["keep-alive", "Upgrade"] } },
    "4.2.1; RFC 9110 5.3",
  ],
  [
    "Connection with empty elements and no spaces: ,Upgrade,,keep-alive",
    { fields: { Connection: ",Upgrade,,keep-alive" } },
    "4.2.1; RFC 9110 5.6.1",
  ],
  ["Upgrade: WebSocket in mixed case", { fields: { Upgrade: "WebSocket" } }, "4.2.1"],
  [
    "Upgrade with a second protocol: h2c, websocket",
    { fields: { Upgrade: "h2c, websocket" } },
    "4.2.1; RFC 9110 7.8",
    [ECHO, nonStrict(rejects(), "only a single protocol is understood")],
  ],
  [
    "Field names in lower case",
    {
      fields: {
        ...Object.fromEntries(Object.values(FIELD_NAMES).map((name) => [name, null])),
        "host": "doctor.example",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": KEY,
        "sec-websocket-version": "13",
      },
    },
    "4.2.1; RFC 9110 5.1",
  ],
  [
    "Spaces and tabs around the values",
    { fields: { Upgrade: " \t websocket \t", Connection: "\t Upgrade  " } },
    "4.2.1; RFC 9112 5",
  ],
  ["A query in the target", { startLine: "GET %s?a=1&b=%20 HTTP/1.1" }, "4.2.1"],
  [
    "Unknown fields",
    { fields: { "User-Agent": "doctor", "X-Empty": "", "X-Long": "x".repeat(2000) } },
    "4.2.1",
  ],
  [
    "A target in absolute form",
    { startLine: "GET http://doctor.example%s HTTP/1.1" },
    "4.2.1; RFC 9112 3.2.2",
    [ECHO, nonStrict(rejects(), "a server MUST accept the absolute form")],
  ],
  ["An empty body: Content-Length: 0", { fields: { "Content-Length": "0" } }, "4.2.1", [
    ECHO,
    informational(rejects(), "rejected"),
  ]],
  ["No Origin, as from clients that are not browsers", { fields: { Origin: null } }, "4.2.1"],
];

const REFUSED = [rejects()];
const BAD_REQUEST = [rejects({ statuses: [400, 404, 405, 411, 413, 426, 501, 505, -1] })];
const WRONG_VERSION: Outcome[] = [rejects({ field: ["Sec-WebSocket-Version", "13"] })];

const REQUIRED: Row[] = [
  ["No Host", { fields: { Host: null } }, "4.2.1; RFC 9112 3.2"],
  ["Two Host fields", { fields: { Host: ["a.example", "b.example"] } }, "RFC 9112 3.2"],
  ["No Upgrade", { fields: { Upgrade: null } }, "4.2.1"],
  ["Upgrade: h2c", { fields: { Upgrade: "h2c" } }, "4.2.1"],
  [
    "Upgrade: websockets, which only starts with the token",
    { fields: { Upgrade: "websockets" } },
    "4.2.1",
  ],
  ["No Connection", { fields: { Connection: null } }, "4.2.1"],
  ["Connection: keep-alive", { fields: { Connection: "keep-alive" } }, "4.2.1"],
  ["Connection: not-Upgrade", { fields: { Connection: "not-Upgrade" } }, "4.2.1"],
  ["No key", { fields: { [FIELD_NAMES.key]: null } }, "4.2.1"],
  ["An empty key", { fields: { [FIELD_NAMES.key]: "" } }, "4.2.1"],
  ["A key that is not base64", { fields: { [FIELD_NAMES.key]: "not base64 at all!!!" } }, "4.2.1"],
  ["A key of 15 bytes", { fields: { [FIELD_NAMES.key]: "dGhlIHNhbXBsZSBub25j" } }, "4.2.1"],
  ["A key of 17 bytes", { fields: { [FIELD_NAMES.key]: "dGhlIHNhbXBsZSBub25jZTE=" } }, "4.2.1"],
  ["A key without its padding", { fields: { [FIELD_NAMES.key]: KEY.slice(0, 22) } }, "4.2.1"],
  ["Two keys", { fields: { [FIELD_NAMES.key]: [KEY, KEY] } }, "11.3.1"],
  ["The method POST", { startLine: "POST %s HTTP/1.1" }, "4.2.1"],
  ["A lower-case method", { startLine: "get %s HTTP/1.1" }, "4.2.1; RFC 9110 9.1"],
  ["HTTP/1.0", { startLine: "GET %s HTTP/1.0" }, "4.2.1"],
];

const VERSIONS: Row[] = [
  ["No version", { fields: { [FIELD_NAMES.version]: null } }, "4.2.1", REFUSED],
  ...["0", "7", "8", "12", "14", "130", "abc"].map((version): Row => [
    `Version ${version}: rejected with Sec-WebSocket-Version: 13`,
    { fields: { [FIELD_NAMES.version]: version } },
    "4.2.2, 4.4",
    WRONG_VERSION,
  ]),
  [
    "Two versions: 8 and 13",
    { fields: { [FIELD_NAMES.version]: ["8", "13"] } },
    "11.3.5",
    REFUSED,
  ],
];

const HTTP: Row[] = [
  [
    "A body: Content-Length: 5",
    { fields: { "Content-Length": "5" } },
    "4.2.1",
    [
      rejects(),
      informational(fails(), "accepted, and failed later"),
      informational(ECHO, "the body was ignored"),
    ],
  ],
  [
    "A body: Transfer-Encoding: chunked",
    { fields: { "Transfer-Encoding": "chunked" } },
    "4.2.1",
    [
      rejects(),
      informational(fails(), "accepted, and failed later"),
      informational(ECHO, "the body was ignored"),
    ],
  ],
  [
    "A space before the colon",
    { rawLines: [utf8("X-Space : 1")] },
    "RFC 9112 5.1",
    BAD_REQUEST,
  ],
  [
    "A field over two lines (obs-fold)",
    { rawLines: [utf8("X-Folded: one"), utf8(" two")] },
    "RFC 9112 5.2",
    [...BAD_REQUEST, informational(ECHO, "unfolded")],
  ],
  [
    "A NUL in a value",
    { rawLines: [concat([utf8("X-Nul: a"), Uint8Array.of(0), utf8("b")])] },
    "RFC 9110 5.5",
    [...BAD_REQUEST, nonStrict(ECHO, "a NUL must be rejected or replaced")],
  ],
  [
    "A bare carriage return in a value",
    { rawLines: [utf8("X-Cr: a\rb")] },
    "RFC 9112 2.2",
    [...BAD_REQUEST, nonStrict(ECHO, "a bare CR must be rejected or replaced")],
  ],
  ["A line without a colon", { rawLines: [utf8("no colon here")] }, "RFC 9112 5", BAD_REQUEST],
  [
    "Lines that end with a bare LF",
    { lineEnd: "\n" },
    "RFC 9112 2.2",
    [...BAD_REQUEST, informational(ECHO, "accepted, which is allowed")],
  ],
  [
    "Non-ASCII bytes in Sec-WebSocket-Protocol: a well-formed response",
    { rawLines: [concat([utf8("Sec-WebSocket-Protocol: "), Uint8Array.of(0xff, 0xfe, 0xe4)])] },
    "11.3.4; RFC 9110 5.5",
    [rejects(), { ...ECHO, note: "no subprotocol was selected" }],
  ],
  [
    "Non-ASCII bytes in Sec-WebSocket-Extensions: a well-formed response",
    { rawLines: [concat([utf8("Sec-WebSocket-Extensions: "), Uint8Array.of(0xff, 0xc3, 0xa4)])] },
    "9.1; RFC 9110 5.5",
    [rejects(), { ...ECHO, note: "no extension was accepted" }],
  ],
  [
    "A head of 1 MiB: rejected, not buffered",
    { fields: { "X-Long": "x".repeat(1 << 20) } },
    "RFC 9110 5.4; RFC 6585 5",
    [rejects(), informational(ECHO, "a field of 1 MiB was accepted")],
  ],
  [
    "Ten thousand header fields",
    { rawLines: Array.from({ length: 10_000 }, (_, index) => utf8(`X-${index}: ${index}`)) },
    "RFC 9110 5.4; RFC 6585 5",
    [rejects(), informational(ECHO, "all were accepted")],
  ],
  [
    "Not HTTP",
    { instead: utf8("hello, is this a WebSocket?\r\n\r\n") },
    "RFC 9112 3",
    BAD_REQUEST,
  ],
  [
    "A TLS handshake on a plain port, or plain HTTP on a TLS port",
    { instead: concat([Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0), utf8("\r\n\r\n")]) },
    "RFC 9112 3",
    BAD_REQUEST,
  ],
];

function of(group: number, rows: Row[], outcomes: Outcome[], steps = STEPS): Case[] {
  return rows.map(([title, opening, rfc, other], index) => ({
    id: `26.${group}.${index + 1}`,
    title,
    rfc: rfc.startsWith("RFC") ? rfc : `RFC 6455 ${rfc}`,
    role: "server",
    opening,
    steps,
    outcomes: other ?? outcomes,
  }));
}

/** The cases of group 26. */
export const requests: readonly Case[] = [
  ...of(1, GOOD, [ECHO]),
  ...of(2, REQUIRED, REFUSED),
  ...of(3, VERSIONS, REFUSED),
  ...of(4, HTTP, REFUSED),
];

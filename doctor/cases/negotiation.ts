// Group 28: a server's choice among offered subprotocols and extensions.

import type { Case, HandshakeCheck, Opening, Outcome } from "../case.ts";
import { echoes, expectText, nonStrict, rejects, text } from "../steps.ts";

const STEPS = [text("Hello, world!")];
const ECHO = echoes(expectText("Hello, world!"));

type Row = [
  title: string,
  opening: Opening,
  rfc: string,
  check?: HandshakeCheck,
  outcomes?: Outcome[],
  otherwise?: "INFORMATIONAL",
];

const NONE: HandshakeCheck = { noExtensions: true };
const DEFLATE = "permessage-deflate";

/** Parameters that require a server to decline the offer (RFC 7692 7.1). */
const BAD_PARAMETERS = [
  "server_max_window_bits=7",
  "server_max_window_bits=16",
  "server_max_window_bits=08",
  "server_max_window_bits=abc",
  "server_max_window_bits",
  "server_max_window_bits=-9",
  "client_max_window_bits=7",
  "client_max_window_bits=16",
  "client_max_window_bits=1000000000000000000000",
  "server_no_context_takeover=1",
  "client_no_context_takeover=true",
  "server_no_context_takeover; server_no_context_takeover",
  "client_max_window_bits; client_max_window_bits=9",
  "x_unknown",
  "__proto__=1",
];

const EXTENSIONS: Row[] = [
  ["An unknown extension is not accepted", { extensions: "x-unknown; a=1" }, "9.1", NONE],
  [
    "Three unknown extensions are not accepted",
    { extensions: 'x-one, x-two; b, x-three; c="d"' },
    "9.1",
    NONE,
  ],
  [
    "An unknown extension before permessage-deflate, which may be accepted",
    { extensions: `x-unknown, ${DEFLATE}` },
    "9.1",
  ],
  [
    "An invalid offer of permessage-deflate, then a valid one, which may be accepted",
    { extensions: `${DEFLATE}; server_max_window_bits=7, ${DEFLATE}` },
    "RFC 7692 5.1, 7.1",
    undefined,
    [ECHO, nonStrict(rejects(), "the valid offer was ignored")],
  ],
  [
    "Offers on two lines",
    { fields: { "Sec-WebSocket-Extensions": ["x-unknown", DEFLATE] } },
    "9.1, 11.3.2",
  ],
  [
    "permessage-deflate without parameters: the response has no client_max_window_bits",
    { extensions: DEFLATE },
    "RFC 7692 7.1.2.2",
  ],
  [
    "server_max_window_bits=8, the smallest window: accepted with 8, or declined",
    { extensions: `${DEFLATE}; server_max_window_bits=8` },
    "RFC 7692 7.1.2.1",
  ],
  [
    "A malformed list: rejected or ignored",
    { extensions: `${DEFLATE}; ; =, ;` },
    "9.1",
    NONE,
    [ECHO, rejects()],
  ],
  [
    "A thousand offers",
    { extensions: Array.from({ length: 1000 }, (_, index) => `x-${index}`).join(", ") },
    "9.1",
    NONE,
    [ECHO, rejects()],
  ],
];

const SUBPROTOCOLS: Row[] = [
  [
    "Unknown subprotocols: none is selected",
    { subprotocols: ["x-doctor-unknown-1", "x-doctor-unknown-2"] },
    "4.2.2",
    { subprotocols: [] },
    [ECHO, rejects()],
    "INFORMATIONAL",
  ],
  [
    "Subprotocols on two lines",
    { fields: { "Sec-WebSocket-Protocol": ["x-doctor-1", "x-doctor-2"] } },
    "4.1, 11.3.4",
    { subprotocols: [] },
    [ECHO, rejects()],
    "INFORMATIONAL",
  ],
  [
    "No subprotocol is requested: none is selected",
    {},
    "4.2.2",
    { subprotocols: [] },
  ],
  [
    "A subprotocol that is not a token: rejected or ignored",
    { fields: { "Sec-WebSocket-Protocol": "a b, c/d" } },
    "4.1",
    { subprotocols: [] },
    [ECHO, rejects()],
  ],
  [
    "The same subprotocol twice: rejected or ignored",
    { fields: { "Sec-WebSocket-Protocol": "x-doctor, x-doctor" } },
    "4.1",
    { subprotocols: ["x-doctor"] },
    [ECHO, rejects()],
  ],
];

function of(group: number, rows: Row[]): Case[] {
  return rows.map(([title, opening, rfc, check, outcomes, otherwise], index) => ({
    id: `28.${group}.${index + 1}`,
    title,
    rfc: rfc.startsWith("RFC") ? rfc : `RFC 6455 ${rfc}`,
    role: "server",
    opening,
    steps: STEPS,
    outcomes: outcomes ?? [ECHO],
    ...(check === undefined ? {} : { check }),
    ...(otherwise === undefined ? {} : { otherwise }),
  }));
}

/** The cases of group 28. */
export const negotiation: readonly Case[] = [
  ...of(1, EXTENSIONS),
  ...of(
    2,
    BAD_PARAMETERS.map((parameters): Row => [
      `An offer that must be declined: ${parameters}`,
      { extensions: `${DEFLATE}; ${parameters}` },
      "RFC 7692 7.1",
      NONE,
      [ECHO, rejects()],
    ]),
  ),
  ...of(3, SUBPROTOCOLS),
];

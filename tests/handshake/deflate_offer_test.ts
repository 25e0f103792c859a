import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateAgreement,
  type DeflateConfig,
  offerDeflate,
} from "../../src/handshake/deflate_offer.ts";
import { parseExtensions } from "../../src/handshake/extensions.ts";

const DEFAULTS: DeflateConfig = {
  serverContextTakeover: false,
  clientContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** The largest windows, and context takeover in both directions. */
const GENEROUS: DeflateConfig = {
  ...DEFAULTS,
  serverContextTakeover: true,
  clientContextTakeover: true,
};

/** Negotiates as a server. */
function accept(offers: string | string[], config: Partial<DeflateConfig> = {}) {
  return acceptDeflate(parseExtensions([offers].flat()), { ...DEFAULTS, ...config });
}

/**
 * Formats an agreement as `takeover bits` or `alone bits`, inbound, then outbound.
 */
function short(agreement: DeflateAgreement | undefined): string | undefined {
  if (agreement === undefined) return undefined;
  const { inbound, outbound } = agreement;
  return [inbound, outbound]
    .map(({ takeover, windowBits }) => `${takeover ? "takeover" : "alone"} ${windowBits}`)
    .join(", ");
}

/** Checks a response as a client, and returns the agreement. */
function check(answer: string, config: Partial<DeflateConfig> = {}): string | undefined {
  return short(checkDeflateAnswer(parseExtensions([answer]), { ...DEFAULTS, ...config }));
}

const BARE = "permessage-deflate";
const ALONE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** Offers of real clients, and the server's response to each. */
const CLIENTS: readonly {
  clients: string;
  offer: string;
  /** The response with the default options. */
  alone: string;
  /**
   * The response with takeover in both directions; the server then requests a window of 12 bits.
   */
  takeover: string;
  agreed: string;
}[] = [
  {
    clients: "Chrome, Edge, Node.js (undici), ws, Bun, Python websockets",
    offer: "permessage-deflate; client_max_window_bits",
    alone: ALONE,
    takeover: "permessage-deflate; client_max_window_bits=12",
    agreed: "takeover 12, takeover 15",
  },
  {
    clients: "Firefox, Safari",
    offer: "permessage-deflate",
    alone: ALONE,
    // The client cannot limit its window, so the server disables its takeover instead.
    takeover: "permessage-deflate; client_no_context_takeover",
    agreed: "alone 15, takeover 15",
  },
  {
    clients: "older Safari, which also offers the predecessor",
    offer: "x-webkit-deflate-frame, permessage-deflate",
    alone: ALONE,
    takeover: "permessage-deflate; client_no_context_takeover",
    agreed: "alone 15, takeover 15",
  },
  {
    clients: "gorilla",
    offer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    alone: ALONE,
    takeover: ALONE,
    agreed: "alone 15, alone 15",
  },
  {
    clients: "Python websockets with windows of 12 bits",
    offer: "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
    alone: `${ALONE}; server_max_window_bits=12; client_max_window_bits=12`,
    takeover: "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
    agreed: "takeover 12, takeover 12",
  },
  {
    clients: "ws with every option",
    offer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; " +
      "server_max_window_bits=10; client_max_window_bits=11",
    alone: `${ALONE}; server_max_window_bits=10; client_max_window_bits=11`,
    takeover: `${ALONE}; server_max_window_bits=10; client_max_window_bits=11`,
    agreed: "alone 11, alone 10",
  },
];

for (const { clients, offer, alone, takeover, agreed } of CLIENTS) {
  Deno.test(`the server accepts the offer of ${clients} and uses it`, () => {
    assert.equal(accept(offer)!.extensions, alone);
    const config = { ...GENEROUS, clientMaxWindowBits: 12 };
    const answer = accept(offer, config)!;
    assert.equal(answer.extensions, takeover);
    assert.equal(short(answer.agreement), agreed);
  });
}

Deno.test("accepts no extension if permessage-deflate is not offered", () => {
  assert.equal(accept([]), undefined);
  assert.equal(accept("x-webkit-deflate-frame, permessage-bzip2; a=1"), undefined);
  assert.equal(accept("Permessage-Deflate"), undefined, "extension names are case-sensitive");
});

Deno.test("accepts the first valid one of several offers, in one line or in several", () => {
  const offers = ["server_max_window_bits=10", "server_max_window_bits=9", ""];
  const full = offers.map((parameters) => `${BARE}${parameters && `; ${parameters}`}`);
  for (const lines of [full, [full.join(", ")], ["foo; a, bar", ...full]]) {
    assert.match(accept(lines)!.extensions, /server_max_window_bits=10/);
  }
  assert.match(accept(full.toReversed())!.extensions, /client_no_context_takeover$/);
});

/** Parameters that are invalid in offers and in responses, and the client's error. */
const MALFORMED: readonly [parameters: string, problem: RegExp][] = [
  ["server_no_context_takeover; server_no_context_takeover", /appears twice/],
  ["client_no_context_takeover; client_no_context_takeover", /appears twice/],
  ["server_max_window_bits=10; server_max_window_bits=10", /appears twice/],
  ["client_max_window_bits=10; client_max_window_bits=10", /appears twice/],
  ["client_max_window_bits=9; server_max_window_bits=9; client_max_window_bits=8", /twice/],
  ["server_no_context_takeover=true", /has a value/],
  ["client_no_context_takeover=1", /has a value/],
  ['client_no_context_takeover="x"', /is quoted/],
  ["server_max_window_bits", /not a number from 8 to 15/],
  ['server_max_window_bits="10"', /is quoted/],
  ['client_max_window_bits="10"', /is quoted/],
  ...["7", "16", "0", "-8", "+8", "08", "010", "8.0", "1e1", "0xa", "10a", "ten", "150"]
    .flatMap((value): [string, RegExp][] => [
      [`server_max_window_bits=${value}`, /not a number from 8 to 15/],
      [`client_max_window_bits=${value}`, /not a number from 8 to 15/],
    ]),
  ["server_max_window_bits=99999999999999999999", /not a number from 8 to 15/],
  ["unknown", /unknown parameter/],
  ["unknown=10", /unknown parameter/],
  ["Server_No_Context_Takeover", /unknown parameter/],
  ["server_no_context_takeover; mode=fast", /unknown parameter/],
  ["__proto__", /unknown parameter/],
  ["constructor; toString=8", /unknown parameter/],
];

for (const [parameters, problem] of MALFORMED) {
  Deno.test(`declines an offer with ${parameters} and accepts the next one`, () => {
    const offer = `${BARE}; ${parameters}`;
    assert.equal(accept(offer), undefined);
    assert.equal(accept(`${offer}, ${BARE}`)!.extensions, ALONE);
    assert.equal(accept([offer, offer, BARE])!.extensions, ALONE);
  });

  Deno.test(`rejects a response with ${parameters}`, () => {
    for (const config of [DEFAULTS, GENEROUS]) {
      assert.throws(() => check(`${BARE}; ${parameters}`, config), (error) => {
        assert.ok(error instanceof HandshakeError);
        assert.equal(error.code, "EXTENSION_UNEXPECTED");
        assert.match(error.message, problem);
        return true;
      });
    }
  });
}

Deno.test("the error quotes only part of a long response", () => {
  assert.throws(() => check(`${BARE}; ${"x".repeat(10_000)}`), (error) => {
    assert.ok(error instanceof HandshakeError && error.message.length < 400);
    return true;
  });
});

const YES_NO = [true, false];
const BITS = [8, 9, 12, 15];

/** Yields all combinations of options, with the minimum, a medium and the maximum window. */
function* allConfigs(): Generator<DeflateConfig> {
  for (const serverContextTakeover of YES_NO) {
    for (const clientContextTakeover of YES_NO) {
      for (const serverMaxWindowBits of BITS) {
        for (const clientMaxWindowBits of BITS) {
          yield {
            serverContextTakeover,
            clientContextTakeover,
            serverMaxWindowBits,
            clientMaxWindowBits,
          };
        }
      }
    }
  }
}

Deno.test("both sides agree on the smaller value of their options", () => {
  for (const client of allConfigs()) {
    const offer = parseExtensions([offerDeflate(client)]);
    for (const server of allConfigs()) {
      const { agreement, extensions } = acceptDeflate(offer, server)!;
      const { inbound, outbound } = checkDeflateAnswer(parseExtensions([extensions]), client)!;
      // The outbound direction of one side is the inbound direction of the other.
      assert.deepEqual([inbound, outbound], [agreement.outbound, agreement.inbound]);
      assert.deepEqual(inbound, {
        takeover: client.serverContextTakeover && server.serverContextTakeover,
        windowBits: Math.min(client.serverMaxWindowBits, server.serverMaxWindowBits),
      });
      assert.deepEqual(outbound, {
        takeover: client.clientContextTakeover && server.clientContextTakeover,
        windowBits: Math.min(client.clientMaxWindowBits, server.clientMaxWindowBits),
      });
    }
  }
});

for (
  const [config, offer] of [
    [{}, `${ALONE}; client_max_window_bits`],
    [GENEROUS, `${BARE}; client_max_window_bits`],
    [
      { serverContextTakeover: true },
      `${BARE}; client_no_context_takeover; client_max_window_bits`,
    ],
    [
      { clientContextTakeover: true },
      `${BARE}; server_no_context_takeover; client_max_window_bits`,
    ],
    [
      { ...GENEROUS, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
      `${BARE}; server_max_window_bits=9; client_max_window_bits=10`,
    ],
  ] as const
) {
  Deno.test(`a client with the options ${JSON.stringify(config)} offers ${offer}`, () => {
    assert.equal(offerDeflate({ ...DEFAULTS, ...config }), offer);
  });
}

/** The server's options, an offer, the response and the agreement. */
for (
  const [config, offer, answer, agreed] of [
    [{}, "", "server_no_context_takeover; client_no_context_takeover", "alone 15, alone 15"],
    [GENEROUS, "", "", "takeover 15, takeover 15"],
    [GENEROUS, "server_no_context_takeover", "server_no_context_takeover", "takeover 15, alone 15"],
    [GENEROUS, "client_no_context_takeover", "client_no_context_takeover", "alone 15, takeover 15"],
    [{ serverContextTakeover: true }, "", "client_no_context_takeover", "alone 15, takeover 15"],
    [{ clientContextTakeover: true }, "", "server_no_context_takeover", "takeover 15, alone 15"],
    [
      { ...GENEROUS, serverMaxWindowBits: 10 },
      "server_max_window_bits=12",
      "server_max_window_bits=10",
      "takeover 15, takeover 10",
    ],
    [
      { ...GENEROUS, serverMaxWindowBits: 12 },
      "server_max_window_bits=10",
      "server_max_window_bits=10",
      "takeover 15, takeover 10",
    ],
    // The client has requested the largest value, so the server confirms it.
    [
      GENEROUS,
      "server_max_window_bits=15",
      "server_max_window_bits=15",
      "takeover 15, takeover 15",
    ],
    // A server may limit its own window without a request (7.1.2.1).
    [
      { ...GENEROUS, serverMaxWindowBits: 8 },
      "",
      "server_max_window_bits=8",
      "takeover 15, takeover 8",
    ],
    [
      { ...GENEROUS, clientMaxWindowBits: 12 },
      "client_max_window_bits=9",
      "client_max_window_bits=9",
      "takeover 9, takeover 15",
    ],
    [GENEROUS, "client_max_window_bits=9", "client_max_window_bits=9", "takeover 9, takeover 15"],
    [GENEROUS, "client_max_window_bits=15", "", "takeover 15, takeover 15"],
    [
      { ...GENEROUS, clientMaxWindowBits: 9 },
      "client_max_window_bits=15",
      "client_max_window_bits=9",
      "takeover 9, takeover 15",
    ],
    // If the client does not support the parameter, the server cannot limit its window and
    // disables its takeover instead.
    [
      { ...GENEROUS, clientMaxWindowBits: 14 },
      "",
      "client_no_context_takeover",
      "alone 15, takeover 15",
    ],
  ] as const
) {
  const [offered, answered] = [offer, answer].map((text) =>
    text === "" ? BARE : `${BARE}; ${text}`
  );
  Deno.test(`a server with the options ${JSON.stringify(config)} answers ${offered} with ${answered}`, () => {
    const given = accept(offered, config)!;
    assert.equal(given.extensions, answered);
    assert.equal(short(given.agreement), agreed);
  });
}

/** The client's options, a response and the agreement. */
for (
  const [config, answer, agreed] of [
    [GENEROUS, "", "takeover 15, takeover 15"],
    [GENEROUS, "server_no_context_takeover", "alone 15, takeover 15"],
    [GENEROUS, "client_no_context_takeover", "takeover 15, alone 15"],
    // A server may limit its own window. It may also limit the client's, as every offer allows it.
    [GENEROUS, "server_max_window_bits=8", "takeover 8, takeover 15"],
    [GENEROUS, "client_max_window_bits=8", "takeover 15, takeover 8"],
    [{}, "server_no_context_takeover; client_no_context_takeover", "alone 15, alone 15"],
    // A client may disable its own context takeover (7.1.1.2).
    [{}, "server_no_context_takeover", "alone 15, alone 15"],
    // The client's own limit applies with or without confirmation.
    [{ ...GENEROUS, clientMaxWindowBits: 9 }, "", "takeover 15, takeover 9"],
    [
      { ...GENEROUS, clientMaxWindowBits: 9 },
      "client_max_window_bits=8",
      "takeover 15, takeover 8",
    ],
    // The client can decompress the output of a server that ignores the requested parameters.
    [{}, "", "takeover 15, alone 15"],
    [{}, "client_no_context_takeover", "takeover 15, alone 15"],
    [{ ...GENEROUS, serverMaxWindowBits: 12 }, "", "takeover 15, takeover 15"],
    [
      { ...GENEROUS, serverMaxWindowBits: 12 },
      "server_max_window_bits=13",
      "takeover 13, takeover 15",
    ],
    [
      { ...GENEROUS, clientMaxWindowBits: 12 },
      "client_max_window_bits=13",
      "takeover 15, takeover 12",
    ],
    [
      { ...GENEROUS, serverMaxWindowBits: 12 },
      "server_max_window_bits=12",
      "takeover 12, takeover 15",
    ],
  ] as const
) {
  const answered = answer === "" ? BARE : `${BARE}; ${answer}`;
  Deno.test(`a client with the options ${JSON.stringify(config)} accepts ${answered}`, () => {
    assert.equal(check(answered, config), agreed);
  });
}

// RFC 7692 7.1.2.2: the value is optional only in an offer.
Deno.test("a client rejects client_max_window_bits without a value", () => {
  assert.throws(() => check(`${BARE}; client_max_window_bits`, GENEROUS), {
    code: "EXTENSION_UNEXPECTED",
    message: /client_max_window_bits is not a number/,
  });
});

Deno.test("a response without permessage-deflate disables compression", () => {
  assert.equal(checkDeflateAnswer([], DEFAULTS), undefined);
});

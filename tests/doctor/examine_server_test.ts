// Servers with one fault each, which the doctor must detect.

import assert from "node:assert/strict";
import type { Verdict } from "../../doctor/case.ts";
import { allCases } from "../../doctor/cases.ts";
import {
  checkReachable,
  examineServer,
  type ServerExamination,
} from "../../doctor/examine_server.ts";
import { acceptResponse, checkUpgrade, ServerHandshake } from "../../src/core.ts";

/** How a faulty server responds to a request, and to the first frame after it. */
interface Behavior {
  readonly answer?: (key: string) => string | Uint8Array;
  /** The reply to the first frame. If undefined, the server does not reply. */
  readonly reply?: readonly number[];
  /** Whether the server then ends the stream. */
  readonly ends?: boolean;
}

const ECHO = [0x81, 5, ...new TextEncoder().encode("Hello")];
const CLOSE = [0x88, 2, 0x03, 0xe8];

async function serveConnection(conn: Deno.Conn, { answer, reply, ends }: Behavior): Promise<void> {
  const handshake = new ServerHandshake();
  const buffer = new Uint8Array(65536);
  const write = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
  };
  let open = false;
  for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
    if (open) {
      if (reply !== undefined) await write(Uint8Array.from(reply));
      if (ends) break;
      continue;
    }
    if (!handshake.push(buffer.slice(0, size))) continue;
    open = true;
    const { key } = checkUpgrade(handshake.request);
    const bytes = (answer ?? ((key) => acceptResponse({ key })))(key);
    await write(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
  }
}

/** Examines a faulty server in one case. */
async function examineFaulty(
  behavior: Behavior,
  id: string,
): Promise<{ verdict: Verdict; note: string }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.Conn[] = [];
  const serving = (async (): Promise<void> => {
    for await (const conn of listener) {
      conns.push(conn);
      serveConnection(conn, behavior).catch(() => {}).finally(() =>
        conns.includes(conn) && conn.close()
      );
    }
  })();
  const settings: ServerExamination = {
    url: new URL(`ws://127.0.0.1:${listener.addr.port}/`),
    insecure: false,
    jobs: 1,
    timeout: 1000,
  };
  try {
    // Replaces the longer time limits of some cases.
    const cases = allCases({ fast: false }).filter((one) => one.id === id)
      .map((one) => ({ ...one, timeout: settings.timeout }));
    const [result] = await examineServer(cases, settings, () => {});
    return result!;
  } finally {
    listener.close();
    await serving;
  }
}

const FAULTY: [title: string, id: string, behavior: Behavior, verdict: Verdict, note: RegExp][] = [
  ["does not answer", "1.1.1", {}, "FAIL", /nothing more, and the connection stayed open/],
  ["echoes something else", "1.1.1", { reply: ECHO }, "FAIL", /text message of 5 bytes/],
  ["masks its frames", "2.1", { reply: [0x8a, 0x80, 1, 2, 3, 4] }, "FAIL", /masked/],
  [
    "sends a length that is not minimal",
    "2.1",
    { reply: [0x8a, 126, 0, 0] },
    "FAIL",
    /longer than 125 bytes/,
  ],
  ["sends text that is not UTF-8", "1.1.1", { reply: [0x81, 1, 0xff] }, "FAIL", /UTF-8/],
  ["ends without a Close frame", "20.3.10", { ends: true }, "FAIL", /without a Close frame/],
  ["answers Close and stays connected", "20.3.10", { reply: CLOSE }, "FAIL", /stayed open/],
  ["does not echo a huge message and stays connected", "24.3.2", {}, "NON-STRICT", /stayed open/],
  ["answers Close and ends", "7.3.1", { reply: CLOSE, ends: true }, "PASS", /^$/],
  [
    "answers Close and sends more",
    "7.3.1",
    { reply: [...CLOSE, ...ECHO], ends: true },
    "FAIL",
    /sent data after its Close frame/,
  ],
  ["drops the stream on a violation", "20.1.1", { ends: true }, "NON-STRICT", /without a Close/],
  [
    "closes with another code on a violation",
    "20.1.1",
    { reply: CLOSE, ends: true },
    "NON-STRICT",
    /code is different/,
  ],
  [
    "closes with the right code",
    "20.1.1",
    { reply: [0x88, 2, 0x03, 0xea], ends: true },
    "PASS",
    /^$/,
  ],
  [
    "sends an accept value for another key",
    "1.1.1",
    { answer: () => acceptResponse({ key: "AAAAAAAAAAAAAAAAAAAAAA==" }) },
    "FAIL",
    /does not match the key/,
  ],
  [
    "selects a subprotocol that was not requested",
    "28.3.3",
    {
      answer: (key) =>
        acceptResponse({ key, headers: [["X-Ill", "yes"]] }).reduce(
          (text, byte) => text + String.fromCharCode(byte),
          "",
        ).replace("X-Ill: yes", "Sec-WebSocket-Protocol: chat"),
    },
    "FAIL",
    /not requested/,
  ],
  [
    "accepts an extension that was not offered",
    "1.1.1",
    { answer: (key) => acceptResponse({ key, extensions: "permessage-deflate" }) },
    "FAIL",
    /not offered/,
  ],
  [
    "accepts an offered window that is too large",
    "28.2.2",
    {
      answer: (key) =>
        acceptResponse({ key, extensions: "permessage-deflate; server_max_window_bits=16" }),
    },
    "FAIL",
    /server_max_window_bits/,
  ],
  ["speaks no HTTP", "1.1.1", { answer: () => "what?\r\n\r\n" }, "FAIL", /cannot be read|status/],
  ["declines compression", "12.1.1", { reply: CLOSE, ends: true }, "UNIMPLEMENTED", /declined/],
];

for (const [title, id, behavior, verdict, note] of FAULTY) {
  Deno.test(`a server that ${title}: ${verdict} in ${id}`, async () => {
    const result = await examineFaulty(behavior, id);
    assert.equal(result.verdict, verdict, result.note);
    assert.match(result.note, note);
  });
}

Deno.test("reports an unreachable server", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL(`ws://127.0.0.1:${listener.addr.port}/`);
  listener.close();
  assert.ok(
    await checkReachable({ url, insecure: false, jobs: 1, timeout: 1000 }) instanceof Error,
  );
});

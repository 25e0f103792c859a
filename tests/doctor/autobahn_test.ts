// Where the Autobahn test suite deviates from the text of RFC 6455, the doctor follows the suite,
// in the frames it sends and in the verdicts of group 7.

import assert from "node:assert/strict";
import type { Case, Step } from "../../doctor/case.ts";
import { allCases, groupOf } from "../../doctor/cases.ts";
import { payloadSize } from "../../doctor/corpus.ts";
import { examineServer } from "../../doctor/examine_server.ts";
import type { Result } from "../../doctor/report.ts";
import {
  acceptResponse,
  checkUpgrade,
  formatClosePayload,
  FrameReader,
  Opcode,
  ServerHandshake,
} from "../../src/core.ts";

const cases = allCases({ fast: false });

function caseOf(id: string): Case {
  return cases.find((one) => one.id === id)!;
}

/** The server's reply to a Close frame. If undefined, it ends the stream without a reply. */
type Reply = Uint8Array | undefined;

const CLOSE = 0x88;

function frameOf(first: number, payload: Uint8Array): Uint8Array {
  return Uint8Array.of(first, payload.length, ...payload);
}

/** Serves one connection: echoes short messages, and sends `reply` to any Close frame. */
async function serveConnection(conn: Deno.Conn, reply: Reply, staysOpen: boolean): Promise<void> {
  const handshake = new ServerHandshake();
  const buffer = new Uint8Array(65536);
  const written: Uint8Array[] = [];
  let hasClosed = false;
  const answer = (first: number, payload: Uint8Array): void => {
    if (hasClosed) return;
    if ((first & 15) !== Opcode.Close) {
      if (first === 0x81 && payload.length < 126) {
        written.push(frameOf(0x81, payload));
      }
      return;
    }
    hasClosed = true;
    if (reply !== undefined) written.push(reply);
  };
  let first = 0;
  const reader = new FrameReader(
    { masked: true, rsv1: false, maxMessageSize: 1 << 20, maxFragments: 99 },
    {
      frame: (byte, bytes, start, end) => answer(byte, bytes.slice(start, end)),
      frameStart: (byte) => first = byte,
      framePiece: () => {},
      frameEnd: () => answer(first, new Uint8Array(126)),
    },
  );
  let open = false;
  try {
    for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
      const chunk = buffer.slice(0, size);
      if (open) {
        try {
          if (!hasClosed) reader.read(chunk);
        } catch {
          // A Close frame that is too long, or a frame after a Close frame.
          answer(CLOSE, chunk);
        }
      } else if (handshake.push(chunk)) {
        open = true;
        written.push(acceptResponse({ key: checkUpgrade(handshake.request).key }));
      }
      for (const bytes of written.splice(0)) await conn.write(bytes);
      if (hasClosed && !staysOpen) break;
    }
  } catch {
    // The doctor has closed the stream.
  } finally {
    conn.close();
  }
}

async function examine(
  ids: (id: string) => boolean,
  reply: Reply,
  staysOpen = false,
): Promise<Result[]> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const attending: Promise<void>[] = [];
  const serving = (async (): Promise<void> => {
    for await (const conn of listener) attending.push(serveConnection(conn, reply, staysOpen));
  })();
  try {
    return await examineServer(cases.filter(({ id }) => ids(id)), {
      url: new URL(`ws://127.0.0.1:${listener.addr.port}/`),
      insecure: false,
      jobs: 8,
      timeout: 1000,
    }, () => {});
  } finally {
    listener.close();
    await serving;
    await Promise.all(attending);
  }
}

function withVerdict(results: readonly Result[], verdict: string): string[] {
  return results.filter((result) => result.verdict === verdict).map(({ id }) => id);
}

/** Selects group 7 without the informational cases. */
const judged = (id: string): boolean =>
  groupOf(id) === "7" && !["7.1.6", "7.13.1", "7.13.2"].includes(id);

const INVALID = cases.map(({ id }) => id).filter((id) =>
  id.startsWith("7.9.") || ["7.3.2", "7.3.6", "7.5.1"].includes(id)
);

Deno.test("a server that replies 1001 to every Close frame fails 33 of the 34 cases in group 7", async () => {
  const results = await examine(judged, frameOf(CLOSE, formatClosePayload(1001, "")));
  assert.equal(results.length, 34);
  assert.deepEqual(withVerdict(results, "PASS"), ["7.7.2"]);
  assert.equal(withVerdict(results, "FAIL").length, 33);
});

Deno.test("accepts 1000 in reply to valid Close frames only", async () => {
  const results = await examine(judged, frameOf(CLOSE, formatClosePayload(1000, "")));
  assert.deepEqual(withVerdict(results, "FAIL"), INVALID);
  assert.equal(withVerdict(results, "PASS").length, 34 - INVALID.length);
});

Deno.test("accepts 1002 in reply to invalid Close frames, and to a valid one with 1002", async () => {
  const results = await examine(judged, frameOf(CLOSE, formatClosePayload(1002, "")));
  assert.deepEqual(
    withVerdict(results, "PASS"),
    cases.map(({ id }) => id).filter((id) => INVALID.includes(id) || id === "7.7.3"),
  );
});

Deno.test("accepts a Close frame without a code as a reply in all cases of group 7", async () => {
  const results = await examine(judged, frameOf(CLOSE, new Uint8Array(0)));
  assert.deepEqual(withVerdict(results, "PASS").length, 34);
});

Deno.test("ending the stream without a Close frame is NON-STRICT in reply to a valid Close frame", async () => {
  const results = await examine(judged, undefined);
  assert.deepEqual(withVerdict(results, "PASS"), INVALID);
  assert.equal(withVerdict(results, "NON-STRICT").length, 34 - INVALID.length);
});

Deno.test("an illegal Close frame as a reply passes 7.3.6 and fails 20.1.17", async () => {
  const echo = Uint8Array.of(CLOSE, 126, 0, 126, 0x03, 0xe8, ...new Uint8Array(124).fill(0x2a));
  const results = await examine((id) => id === "7.3.6" || id === "20.1.17", echo);
  assert.deepEqual(results.map(({ id, verdict }) => [id, verdict]), [
    ["7.3.6", "PASS"],
    ["20.1.17", "FAIL"],
  ]);
});

Deno.test("an incomplete closing handshake is NON-STRICT in groups 1 to 13 and FAIL in group 20", async () => {
  const ids = (id: string): boolean => ["1.1.2", "7.7.1", "20.3.1"].includes(id);
  const dropped = await examine(ids, undefined);
  assert.deepEqual(dropped.map(({ verdict }) => verdict), ["NON-STRICT", "NON-STRICT", "FAIL"]);
  const staying = await examine(ids, frameOf(CLOSE, formatClosePayload(1000, "")), true);
  assert.deepEqual(staying.map(({ verdict }) => verdict), ["NON-STRICT", "NON-STRICT", "FAIL"]);
});

/** Returns the payload sizes of a case's data frames. */
function sizesOf(id: string): number[] {
  const frames = (step: Step): number[] =>
    step.do === "frames"
      ? step.frames.flatMap(frames)
      : step.do === "frame"
      ? [payloadSize(step.payload)]
      : [];
  return caseOf(id).steps.flatMap(frames);
}

for (
  const [id, count, last] of [
    ["9.3.1", 65537, 0],
    ["9.3.2", 16385, 0],
    ["9.3.3", 4097, 0],
    ["9.3.8", 5, 0],
    ["9.3.9", 1, 4 << 20],
    ["9.4.1", 65537, 0],
    ["9.4.9", 1, 4 << 20],
    ["10.1.1", 51, 65536 % 1300],
    ["6.2.4", 12, 0],
    ["6.3.2", 21, 0],
  ] as const
) {
  Deno.test(`${id} sends ${count} frames, the last with ${last} bytes`, () => {
    const sizes = sizesOf(id);
    assert.equal(sizes.length, count);
    assert.equal(sizes.at(-1), last);
  });
}

Deno.test("7.1.1 closes after the echo, 7.1.2 sends an empty second Close frame", () => {
  assert.equal(caseOf("7.1.1").steps.length, 1);
  assert.deepEqual(sizesOf("7.1.2"), [2, 0]);
});

Deno.test("sends compressed messages of 8 KiB to 128 KiB in fragments of 256 bytes", () => {
  const fragments = [11, 12, 13, 14, 15, 16, 17, 18].map((index) => {
    const [step] = caseOf(`12.1.${index}`).steps;
    return step?.do === "roundTrips" ? [step.size, step.fragment] : [];
  });
  assert.deepEqual(fragments, [
    ...[[8192, 256], [16384, 256], [32768, 256], [65536, 256]],
    ...[[131072, 256], [131072, 1024], [131072, 4096], [131072, 32768]],
  ]);
});

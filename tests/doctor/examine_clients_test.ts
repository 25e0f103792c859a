// Clients with one fault each, and the doctor's reports to clients.

import assert from "node:assert/strict";
import type { Verdict } from "../../doctor/case.ts";
import { allCases } from "../../doctor/cases.ts";
import { ClientExaminer } from "../../doctor/examine_clients.ts";
import { encodeFrame } from "../../doctor/encode_frame.ts";
import type { Result } from "../../doctor/report.ts";
import { concat, frame, text } from "../../doctor/steps.ts";
import { buildRequest, encodeKey, Opcode } from "../../src/core.ts";

interface Listening extends Disposable {
  readonly port: number;
  readonly examiner: ClientExaminer;
  /** The results reported so far. */
  readonly results: Result[];
  /** Resolves with the results when a client has finished. */
  readonly reported: Promise<Result[]>;
}

async function listen(...ids: string[]): Promise<Listening> {
  const cases = allCases({ fast: true }).filter(({ id }) => ids.includes(id));
  const results: Result[] = [];
  let report = (_results: Result[]): void => {};
  const reported = new Promise<Result[]>((resolve) => report = resolve);
  const examiner = new ClientExaminer(
    cases,
    { hostname: "127.0.0.1", port: 0, timeout: 1000 },
    {
      onResult: (_agent, result) => void results.push(result),
      onReport: (_agent, all) => report(all),
    },
  );
  const port = await examiner.listen();
  return { port, examiner, results, reported, [Symbol.dispose]: () => examiner.close() };
}

/** Opens a WebSocket, echoes messages, and returns the received texts. */
function visit(port: number, target: string): Promise<string[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`);
  const texts: string[] = [];
  return new Promise((resolve) => {
    socket.onmessage = ({ data }): void => {
      texts.push(data);
      socket.send(data);
    };
    socket.onerror = (): void => {};
    socket.onclose = (): void => resolve(texts);
  });
}

/** Sends a request, and sends `reply` when it receives data after the response head. */
async function visitRaw(
  port: number,
  request: Uint8Array | string,
  reply?: readonly number[],
): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(typeof request === "string" ? new TextEncoder().encode(request) : request);
  const buffer = new Uint8Array(65536);
  let text = "";
  let replied = reply === undefined;
  for (let size = await conn.read(buffer); size !== null; size = await conn.read(buffer)) {
    text += new TextDecoder().decode(buffer.subarray(0, size));
    if (replied || text.endsWith("\r\n\r\n")) continue;
    replied = true;
    await conn.write(Uint8Array.from(reply!));
  }
  return text;
}

function requestFor(target: string): Uint8Array {
  return buildRequest({
    host: "doctor.example",
    target,
    key: encodeKey(crypto.getRandomValues(new Uint8Array(16))),
  });
}

Deno.test("reports the number of cases, the cases and their outcomes to a client", async () => {
  using doctor = await listen("1.1.2", "2.1");
  assert.deepEqual(await visit(doctor.port, "/getCaseCount"), ["2"]);
  const [info] = await visit(doctor.port, "/getCaseInfo?case=2");
  assert.deepEqual(JSON.parse(info!), { id: "2.1", description: "A ping without a payload" });
  const status = async (): Promise<string> =>
    JSON.parse((await visit(doctor.port, "/getCaseStatus?case=1&agent=x"))[0]!).behavior;
  assert.equal(await status(), "MISSING");
  await visit(doctor.port, "/runCase?case=1&agent=x");
  await visit(doctor.port, "/updateReports?agent=x");
  assert.deepEqual((await doctor.reported).map(({ id, verdict }) => [id, verdict]), [
    ["1.1.2", "PASS"],
  ]);
  assert.equal(await status(), "PASS");
});

Deno.test("distinguishes clients by name", async () => {
  using doctor = await listen("1.1.2", "2.1");
  await visit(doctor.port, "/runCase?case=1&agent=a");
  await visit(doctor.port, "/runCase?case=2&agent=b");
  await visit(doctor.port, "/updateReports?agent=b");
  assert.deepEqual((await doctor.reported).map(({ id }) => id), ["2.1"]);
  assert.deepEqual(doctor.examiner.results("a").map(({ id }) => id), ["1.1.2"]);
});

Deno.test("rejects an unknown case and an unknown page", async () => {
  using doctor = await listen("2.1");
  assert.deepEqual(await visit(doctor.port, "/runCase?case=7&agent=x"), []);
  assert.match(await visitRaw(doctor.port, requestFor("/nonsense")), /^HTTP\/1\.1 404 /);
  assert.deepEqual(doctor.results, []);
});

const FAULTY: [title: string, id: string, reply: number[], verdict: Verdict, note: RegExp][] = [
  ["does not mask its pong", "2.1", [0x8a, 0], "FAIL", /not masked/],
  ["answers with something else", "2.1", [0x81, 0x80, 0, 0, 0, 0], "FAIL", /text message/],
  ["does not answer", "2.1", [], "FAIL", /nothing more, and the connection stayed open/],
  [
    "uses a connection with an unproven handshake",
    "27.2.1",
    [0x81, 0x80, 0, 0, 0, 0],
    "FAIL",
    /The client sent: a text message/,
  ],
  [
    "does not end a connection with an unproven handshake",
    "27.2.1",
    [],
    "NON-STRICT",
    /neither used nor closed/,
  ],
];

for (const [title, id, reply, verdict, note] of FAULTY) {
  Deno.test(`a client that ${title}: ${verdict} in ${id}`, async () => {
    using doctor = await listen(id);
    await visitRaw(doctor.port, requestFor("/runCase?case=1&agent=faulty"), reply).catch(() => {});
    await visit(doctor.port, "/updateReports?agent=faulty");
    const [result] = await doctor.reported;
    assert.equal(result?.verdict, verdict, result?.note);
    assert.match(result!.note, note);
  });
}

Deno.test("a client that reuses a mask key: FAIL in 21.3.4", async () => {
  using doctor = await listen("21.3.4");
  const echoes = Array.from(
    { length: 10 },
    (_, index) => encodeFrame(text(`message ${index}`, { maskKey: 0x1234 }), "server"),
  );
  const pong = encodeFrame(frame(Opcode.Pong, "Hello, world!", { maskKey: 1 }), "server");
  const close = encodeFrame(frame(Opcode.Close, "", { maskKey: 2 }), "server");
  const request = requestFor("/runCase?case=1&agent=faulty");
  await visitRaw(doctor.port, request, [...concat([...echoes, pong, close])]).catch(() => {});
  await visit(doctor.port, "/updateReports?agent=faulty");
  const [result] = await doctor.reported;
  assert.equal(result?.verdict, "FAIL");
  assert.match(result!.note, /mask key was used twice/);
});

Deno.test("an invalid request determines the outcome of the case", async () => {
  using doctor = await listen("2.1");
  const request = "GET /runCase?case=1&agent=faulty HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n" +
    "Connection: Upgrade\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n";
  assert.match(await visitRaw(doctor.port, request), /^HTTP\/1\.1 400 /);
  const [result] = doctor.results;
  assert.equal(result?.verdict, "FAIL");
  assert.match(result!.note, /invalid: .*Sec-WebSocket-Key/);
});

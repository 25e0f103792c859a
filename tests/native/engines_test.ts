// The WebSockets of Bun, Deno and workerd with other requests, entries of another runtime, invalid
// input, and every kind of end. The close handler must be called once, with the correct code,
// reason and error.

import assert from "node:assert/strict";
import { join } from "node:path";
import { Example } from "../project/example_process.ts";
import { root } from "../project/source_files.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { runtimeCommand } from "../support/runtimes.ts";
import { CLOSE, closePayload, type FrameParts, TEXT } from "../support/vectors.ts";
import { startWorkerd } from "../support/workerd.ts";
import type { RecordedEnd } from "./engine_app.ts";

type EngineName = "bun" | "deno" | "workers";

/** A running engine. */
interface Engine extends AsyncDisposable {
  readonly name: EngineName;
  readonly port: number;
}

const WORKER = `
import { answer, createSockets, options } from "./tests/native/engine_app.ts";
const sockets = createSockets.workers(options);
export class Room {}
export default { fetch: (request, env) => answer(sockets, request, env) };
`;

async function start(name: EngineName): Promise<Engine> {
  if (name === "workers") {
    const workerd = await startWorkerd(WORKER);
    return {
      name,
      port: workerd.port,
      [Symbol.asyncDispose]: () => workerd[Symbol.asyncDispose](),
    };
  }
  const { command, args } = runtimeCommand(name, join(root, "tests", "native", "engine_server.ts"));
  const server = new Example([command, ...args], root, {});
  const port = Number((await server.printed(/port \d+/)).slice(5));
  return { name, port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

let connections = 0;

/** Opens a connection. Returns it with the id of its recorded end. */
async function open({ port }: Engine): Promise<{ readonly peer: RawSocket; readonly id: string }> {
  const id = String(connections++);
  const peer = await RawSocket.open({ port });
  peer.send(upgradeRequest([], `/ws?id=${id}`));
  assert.equal((await peer.answer()).status, 101);
  return { peer, id };
}

async function recorded({ port }: Engine, id: string): Promise<RecordedEnd[]> {
  return await (await fetch(`http://127.0.0.1:${port}/ends?id=${id}`)).json();
}

/** Returns the end of a connection. Fails if it is reported twice. */
async function endOf(engine: Engine, id: string): Promise<RecordedEnd> {
  while ((await recorded(engine, id)).length === 0);
  // A second report would arrive within the next turns.
  for (let i = 0; i < 5; i++) await recorded(engine, id);
  const ends = await recorded(engine, id);
  assert.equal(ends.length, 1, "close is called once");
  return ends[0]!;
}

/** Returns the code and reason of the next Close frame, or `undefined` if the stream ends. */
async function closeFrame(peer: RawSocket): Promise<[code: number, reason: string] | undefined> {
  const frame = await peer.frame();
  if (frame === undefined) return undefined;
  assert.equal(frame.opcode, CLOSE);
  if (frame.payload.length === 0) return [1005, ""];
  const code = frame.payload[0]! << 8 | frame.payload[1]!;
  return [code, new TextDecoder().decode(frame.payload.subarray(2))];
}

/** Answers a Close frame and ends the stream. */
function answerClose(peer: RawSocket, code: number): void {
  peer.send({ opcode: CLOSE, payload: closePayload(code) });
  peer.end();
}

async function statusOf({ port }: Engine, request: string): Promise<[number, string]> {
  const peer = await RawSocket.open({ port });
  peer.send(request);
  const { status, headers } = await peer.answer();
  const body = await peer.take(Number(headers.get("content-length") ?? 0));
  peer.destroy();
  return [status, new TextDecoder().decode(body)];
}

/** Invalid frames, with the expected close and error codes. */
const BROKEN: Record<
  string,
  { readonly frame: FrameParts | Uint8Array; readonly code: number; readonly error: string }
> = {
  "a reserved bit": { frame: { opcode: TEXT, rsv: 2 }, code: 1002, error: "RESERVED_BITS" },
  "a reserved opcode": { frame: { opcode: 3 }, code: 1002, error: "RESERVED_OPCODE" },
  "a continuation without a message": {
    frame: { opcode: 0 },
    code: 1002,
    error: "CONTINUATION_UNEXPECTED",
  },
  "text that is not UTF-8": {
    frame: { opcode: TEXT, payload: Uint8Array.of(0xff) },
    code: 1007,
    error: "INVALID_UTF8",
  },
  "a message over the engine's limit": {
    // A header that announces 100 MiB.
    frame: Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 6, 0x40, 0, 0, 1, 2, 3, 4),
    code: 1009,
    error: "MESSAGE_TOO_BIG",
  },
};

for (const name of ["bun", "deno", "workers"] as const) {
  Deno.test(`invalid input and ends over createSockets on ${name}`, async (t) => {
    await using engine = await start(name);

    await t.step("the application handles other paths, other methods and plain HTTP", async () => {
      for (const path of ["/", "/wsx", "/ws/", "/?path=/ws"]) {
        assert.deepEqual(await statusOf(engine, upgradeRequest([], path)), [200, "plain"], path);
      }
      const plain = "GET /ws HTTP/1.1\r\nHost: a.example\r\n\r\n";
      assert.deepEqual(await statusOf(engine, plain), [200, "plain"]);
      const url = `http://127.0.0.1:${engine.port}/ws`;
      assert.equal(await (await fetch(url, { method: "POST", body: "x" })).text(), "plain");
    });

    await t.step("rejects an invalid handshake", async () => {
      const request = upgradeRequest([], "/ws?id=none").replace("Version: 13", "Version: 12");
      const [status] = await statusOf(engine, request);
      assert.equal(status, 426);
      assert.deepEqual(await recorded(engine, "none"), []);
    });

    await t.step(
      "another runtime's entry throws a TypeError that names the correct entry",
      async () => {
        for (const entry of ["bun", "deno", "workers"] as const) {
          if (entry === name) continue;
          const request = upgradeRequest([], `/wrong?entry=${entry}`);
          const [status, body] = await statusOf(engine, request);
          assert.equal(status, 200);
          const thrown = JSON.parse(body);
          assert.equal(thrown.name, "TypeError", entry);
          assert.match(thrown.message, new RegExp(`"@quickws/quickws/${name}"`), entry);
        }
      },
    );

    await t.step("the peer closes: its code and reason are echoed", async () => {
      const { peer, id } = await open(engine);
      peer.send({ opcode: CLOSE, payload: closePayload(4010, "bye") });
      const [code] = (await closeFrame(peer))!;
      assert.equal(code, 4010);
      peer.end();
      const end = await endOf(engine, id);
      assert.deepEqual(end, {
        code: 4010,
        reason: "bye",
        clean: true,
        initiator: "remote",
        sent: [false],
      });
    });

    await t.step("the peer closes without a code", async () => {
      const { peer, id } = await open(engine);
      peer.send({ opcode: CLOSE });
      await closeFrame(peer);
      peer.end();
      const { code, clean, initiator } = await endOf(engine, id);
      assert.deepEqual([code, clean, initiator], [1005, true, "remote"]);
    });

    await t.step("the peer disconnects: 1006", async () => {
      const { peer, id } = await open(engine);
      peer.destroy();
      const { code, clean, initiator, error, sent } = await endOf(engine, id);
      assert.deepEqual([code, clean, initiator, error], [1006, false, "remote", "CONNECTION_LOST"]);
      assert.deepEqual(sent, [false]);
    });

    await t.step("closes once; send returns false afterwards", async () => {
      const { peer, id } = await open(engine);
      peer.send({ opcode: TEXT, payload: "close" });
      assert.deepEqual(await closeFrame(peer), [4001, "first"]);
      answerClose(peer, 4001);
      const { code, clean, initiator, sent } = await endOf(engine, id);
      assert.deepEqual([code, clean, initiator, sent], [4001, true, "local", [false, false]]);
    });

    await t.step("a handler fails: 1011 without details of the error", async () => {
      const { peer, id } = await open(engine);
      peer.send({ opcode: TEXT, payload: "fail" });
      assert.deepEqual(await closeFrame(peer), [1011, "The message handler failed"]);
      answerClose(peer, 1011);
      const { code, initiator, error } = await endOf(engine, id);
      assert.deepEqual([code, initiator, error], [1011, "local", "HANDLER_FAILED"]);
    });

    await t.step("the peer exceeds rateLimit: 1008", async () => {
      const { peer, id } = await open(engine);
      const messages = Array.from(
        { length: 10 },
        (): FrameParts => ({ opcode: TEXT, payload: "x" }),
      );
      peer.send(...messages);
      for (const { payload } of await peer.frames(5)) assert.equal(payload[0], 0x78);
      const reason = "The peer sends more than rateLimit allows";
      assert.deepEqual(await closeFrame(peer), [1008, reason]);
      answerClose(peer, 1008);
      const end = await endOf(engine, id);
      assert.deepEqual([end.code, end.initiator, end.error], [1008, "local", "RATE_LIMITED"]);
      assert.equal(end.reason, reason);
    });

    await t.step("a message exceeds maxMessageSize: 1009", async () => {
      const { peer, id } = await open(engine);
      peer.send({ opcode: TEXT, payload: "x".repeat(1_000_001) });
      const frame = await closeFrame(peer);
      if (name !== "bun") {
        const reason = "message of 1000001 bytes exceeds maxMessageSize (1000000)";
        assert.deepEqual(frame, [1009, reason]);
        answerClose(peer, 1009);
      }
      peer.end();
      const { code, initiator, error, clean } = await endOf(engine, id);
      assert.deepEqual([code, initiator, error, clean], [1009, "local", "MESSAGE_TOO_BIG", false]);
    });

    if (name === "bun") {
      await t.step("the application closes the runtime's socket in a handler", async () => {
        const { peer, id } = await open(engine);
        peer.send({ opcode: TEXT, payload: "cut" });
        assert.equal(await closeFrame(peer), undefined);
        const { code, clean, error, sent } = await endOf(engine, id);
        assert.deepEqual([code, clean, error], [1006, false, "CONNECTION_LOST"]);
        assert.ok(!sent.includes(true));
      });
    }

    for (const [rule, { frame, code, error }] of Object.entries(BROKEN)) {
      if (name === "workers" && error === "INVALID_UTF8") continue;
      await t.step(`the peer sends ${rule}: ${code}`, async () => {
        const { peer, id } = await open(engine);
        peer.send(frame);
        const told = await closeFrame(peer);
        peer.end();
        const end = await endOf(engine, id);
        // Deno sends no Close frame. The reasons differ between engines.
        assert.equal(told?.[0], name === "deno" ? undefined : code);
        assert.equal(end.initiator, "local");
        assert.deepEqual([end.code, end.error, end.clean], [code, error, false]);
      });
    }

    if (name === "workers") {
      await t.step("workerd replaces invalid UTF-8 in text", async () => {
        const { peer, id } = await open(engine);
        peer.send({ opcode: TEXT, payload: Uint8Array.of(0x61, 0xff) });
        const { payload } = (await peer.frame())!;
        assert.equal(new TextDecoder().decode(payload), "a\ufffd");
        peer.send({ opcode: CLOSE, payload: closePayload(1000) });
        await closeFrame(peer);
        peer.end();
        assert.equal((await endOf(engine, id)).clean, true);
      });
    }
  });
}

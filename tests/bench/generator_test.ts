// The load generators must detect a server that drops or changes messages. Otherwise such a server
// would look faster.

import assert from "node:assert/strict";
import { Opcode } from "../../src/core.ts";
import type { Workload } from "../../bench/catalog/workloads.ts";
import { framesOf } from "../../bench/load/frames.ts";
import { findGenerator, type Generator, nodeGenerator } from "../../bench/load/generator.ts";
import type { Load, LoadResult } from "../../bench/load/load.ts";

const WORKLOAD: Workload = { kind: "echo", connections: 3, payload: 100, depth: 4 };
/** The header size of a masked frame of up to 125 bytes. */
const HEADER = 6;

/** Returns the server's reply to a frame, or `undefined` to drop the frame. */
type Answer = (frame: Uint8Array, number: number) => Uint8Array | undefined;

const unchanged: Answer = (frame) => frame;

/** A server for raw frames of equal size. */
class FrameServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #size: number;
  readonly #answer: Answer;

  constructor(size: number, answer: Answer) {
    this.#size = size;
    this.#answer = answer;
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) void this.#serve(conn).catch(() => conn.close());
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const frame = new Uint8Array(this.#size);
    for (let number = 0;; number++) {
      for (let at = 0; at < frame.length;) {
        const count = await conn.read(frame.subarray(at));
        if (count === null) return conn.close();
        at += count;
      }
      const reply = this.#answer(frame.slice(), number);
      if (reply !== undefined) await conn.write(reply);
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

/** Runs a generator against a server. Rejects with the generator's error. */
async function run(generator: Generator, answer: Answer): Promise<LoadResult> {
  const { bytes, sizes, prelude } = framesOf(WORKLOAD, "client");
  const frames = await Deno.makeTempFile();
  await Deno.writeFile(frames, bytes);
  using server = new FrameServer(sizes[0]!, answer);
  const load: Load = {
    ...WORKLOAD,
    pids: [Deno.pid],
    port: server.port,
    webSocket: false,
    extensions: "",
    frames,
    sizes,
    prelude,
    opcode: Opcode.Binary,
    reply: WORKLOAD.payload,
    chunk: 0,
    burst: 1,
    warmUp: 50,
    duration: 50,
    timeout: 200,
  };
  const [program, ...args] = generator.command(JSON.stringify(load));
  try {
    const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(frames);
  }
}

const generators = new Set([findGenerator(), nodeGenerator]);

for (const generator of generators) {
  Deno.test(`the generator in ${generator.name} counts replies`, async () => {
    const { messages, lost, seconds, p50, p99 } = await run(generator, unchanged);
    assert.ok(messages > 0 && seconds > 0 && p50 > 0 && p99 >= p50);
    assert.equal(lost, 0);
  });

  Deno.test(`the generator in ${generator.name} detects a dropped message`, async () => {
    const { lost } = await run(generator, (frame, number) => number === 9 ? undefined : frame);
    assert.equal(lost, WORKLOAD.connections);
  });

  Deno.test(`the generator in ${generator.name} detects a changed byte`, async () => {
    const changed = run(generator, (frame) => {
      frame[HEADER + 70]! ^= 1;
      return frame;
    });
    await assert.rejects(changed, /byte 70 of a reply differs from the sent message/);
  });

  Deno.test(`the generator in ${generator.name} detects a reply of the wrong size`, async () => {
    const shortened = run(generator, (frame, number) => {
      if (number < 5) return frame;
      frame[1]! -= 1;
      return frame.subarray(0, -1);
    });
    await assert.rejects(shortened, /a reply has 99 bytes of payload instead of 100/);
  });

  Deno.test(`the generator in ${generator.name} detects a reply with the wrong opcode`, async () => {
    const changed = run(generator, (frame) => {
      frame[0]! ^= Opcode.Binary ^ Opcode.Text;
      return frame;
    });
    await assert.rejects(changed, /a reply has opcode 1 instead of 2/);
  });
}

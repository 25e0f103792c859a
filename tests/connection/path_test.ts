// Counts, in stack traces, the library functions that a message passes through.

import assert from "node:assert/strict";
import { socketTest } from "../support/socket_harness.ts";
import { BINARY } from "../support/vectors.ts";

/** Returns the library functions in a stack trace, outermost first. */
function functionsOf(stack: string): string[] {
  return stack.split("\n")
    .filter((line) => line.includes("/src/"))
    .map((line) => /^\s*at (?:async )?(\S+) \(.*\/src\/(.*?):\d+/.exec(line))
    .map((match) => match === null ? "?" : `${match[1]} (${match[2]})`)
    .reverse();
}

async function documented(heading: string): Promise<string[]> {
  const page = await Deno.readTextFile(new URL("../../docs/architecture.md", import.meta.url));
  const section = page.slice(page.indexOf(`### ${heading}`));
  return /```text\n([\s\S]*?)\n```/.exec(section)![1].split("\n");
}

socketTest(
  "a received message passes through at most 8 functions, including the handler",
  async (t) => {
    const traced = Promise.withResolvers<string>();
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 50;
    const { peer } = await t.accept({
      message: function onMessage() {
        traced.resolve(new Error("here").stack!);
      },
    });
    peer.send({ opcode: BINARY, payload: new Uint8Array(300) });
    const functions = functionsOf(await traced.promise);
    Error.stackTraceLimit = limit;
    assert.ok(functions.length + 1 <= 8, functions.join("\n"));
    assert.deepEqual(
      [...functions, "your message handler"],
      await documented("A received message"),
    );
  },
);

socketTest(
  "a sent message passes through at most 7 functions, including the transport's write",
  async (t) => {
    const { conn, transport } = await t.accept({ message: () => {} });
    let stack = "";
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 50;
    const write = transport.write.bind(transport);
    transport.write = (bytes, length) => {
      stack ||= new Error("here").stack!;
      return write(bytes, length);
    };
    // Large enough to be written immediately instead of at the end of the tick.
    conn.send(new Uint8Array(200_000));
    const functions = functionsOf(stack);
    Error.stackTraceLimit = limit;
    assert.ok(functions.length + 1 <= 7, functions.join("\n"));
    assert.deepEqual([...functions, "the transport's write"], await documented("A sent message"));
  },
);

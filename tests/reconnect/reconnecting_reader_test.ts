// A queue of messages that goes from one connection to the next.

import assert from "node:assert/strict";
import type { CloseInfo } from "../../src/session/close_info.ts";
import { ReconnectingReader } from "../../src/reconnect/reconnecting_reader.ts";

const CLEAN: CloseInfo = { code: 1000, reason: "", clean: true, initiator: "local" };

class FakeConnection {
  readonly log: string[] = [];

  pause(): void {
    this.log.push("pause");
  }

  resume(): void {
    this.log.push("resume");
  }
}

Deno.test("a reader that is behind stops the connection that there is, and each that follows", async () => {
  const reader = new ReconnectingReader();
  const [first, second, third] = [1, 2, 3].map(() => new FakeConnection());
  reader.opened(first);
  for (let n = 0; n < 256; n++) reader.push(String(n));
  assert.deepEqual(first.log, ["pause"]);
  reader.closed();
  reader.opened(second);
  assert.deepEqual(second.log, ["pause"]);
  const iterator = reader.reader();
  for (let n = 0; n < 256; n++) {
    assert.equal((await iterator.next()).value, String(n));
  }
  assert.deepEqual([first.log, second.log], [["pause"], ["pause", "resume"]]);
  reader.closed();
  reader.opened(third);
  assert.deepEqual(third.log, []);
});

Deno.test("who waits gets the message of the next connection", async () => {
  const reader = new ReconnectingReader();
  const next = reader.reader().next();
  reader.opened(new FakeConnection());
  reader.push("hello");
  assert.equal((await next).value, "hello");
});

Deno.test("what waits can be read after the end, unless it was cleared", async () => {
  for (const clear of [false, true]) {
    const reader = new ReconnectingReader();
    reader.push("last");
    if (clear) reader.clear();
    reader.end(CLEAN);
    const iterator = reader.reader();
    assert.equal((await iterator.next()).done, clear);
    assert.equal((await iterator.next()).done, true);
  }
});

Deno.test("who comes late sees the end", async () => {
  const reader = new ReconnectingReader();
  const error = new Error("lost");
  reader.clear();
  reader.end({ ...CLEAN, error });
  await assert.rejects(reader.reader().next(), error);
  assert.equal((await reader.reader().next()).done, true);
});

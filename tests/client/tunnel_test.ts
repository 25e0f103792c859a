import assert from "node:assert/strict";
import { ConnectionError } from "../../src/errors.ts";
import { NOTHING, type ProxyDialogue } from "../../src/proxy/dialogue.ts";
import { openTunnel } from "../../src/client/proxy.ts";
import { type MemoryTransport, transportPair } from "../support/memory_network.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { nextMacrotask } from "../support/socket_harness.ts";
import { concat, utf8 } from "../support/vectors.ts";

/**
 * A minimal tunnel handshake: sends "begin", answers each "q" with "again", completes at "!", and
 * rejects at "?".
 */
class LetterDialogue implements ProxyDialogue {
  done = false;
  rest: Uint8Array = NOTHING;

  begin(): Uint8Array {
    return utf8("begin");
  }

  receive(chunk: Uint8Array): Uint8Array {
    assert.equal(this.done, false, "a completed handshake received more bytes");
    let output = NOTHING;
    for (let i = 0; i < chunk.length; i++) {
      const letter = String.fromCharCode(chunk[i]);
      if (letter === "?") throw new ConnectionError("PROXY_REFUSED", "No.");
      if (letter === "q") output = concat(output, utf8("again"));
      if (letter !== "!") continue;
      this.done = true;
      this.rest = chunk.subarray(i + 1);
      break;
    }
    return output;
  }
}

/** Starts a tunnel handshake. Returns the tunnel and its proxy. */
function begin(): { transport: MemoryTransport; proxy: RawPeer; tunnel: Promise<Uint8Array> } {
  const [transport, far] = transportPair();
  return {
    transport,
    proxy: new RawPeer(far),
    tunnel: openTunnel(transport, new LetterDialogue()),
  };
}

Deno.test("completes the handshake with the proxy", async () => {
  const { proxy, tunnel } = begin();
  await proxy.until(() => proxy.text === "begin");
  proxy.send("q");
  await proxy.until(() => proxy.text === "beginagain");
  proxy.send("!");
  assert.equal((await tunnel).length, 0);
});

Deno.test("delivers bytes that follow the handshake immediately or later", async () => {
  const { transport, proxy, tunnel } = begin();
  proxy.send("!first ");
  proxy.send("second");
  const rest = await tunnel;
  assert.equal(new TextDecoder().decode(rest), "first ");
  await nextMacrotask();
  assert.equal(transport.paused, true);

  const next = new RawPeer(transport);
  transport.resume();
  await next.until(() => next.text === "second");
  next.send("hello");
  await proxy.until(() => proxy.text.endsWith("hello"));
});

Deno.test("reports an end of the stream after the handshake to the next reader", async () => {
  const { transport, proxy, tunnel } = begin();
  proxy.send("!");
  proxy.transport.end();
  await tunnel;
  const next = new RawPeer(transport);
  transport.resume();
  await next.until(() => next.ended);
  assert.equal(transport.isClosed, false);
});

Deno.test("releases the transport when the tunnel is established", async () => {
  const { transport, proxy, tunnel } = begin();
  proxy.send("!");
  await tunnel;
  transport.resume();
  proxy.send("?");
  proxy.transport.end();
  await nextMacrotask();
  assert.equal(transport.isClosed, false);
});

Deno.test("a rejection by the proxy disconnects and rejects with the error", async () => {
  const { transport, proxy, tunnel } = begin();
  proxy.send("?!");
  await assert.rejects(tunnel, { name: "ConnectionError", code: "PROXY_REFUSED", message: "No." });
  assert.equal(transport.isClosed, true);
  // Later input must have no effect.
  proxy.send("!");
  await nextMacrotask();
});

Deno.test("rejects if the proxy ends the stream before the tunnel is established", async () => {
  for (const answer of ["", "q"]) {
    const { transport, proxy, tunnel } = begin();
    proxy.send(answer);
    proxy.transport.end();
    await assert.rejects(tunnel, {
      name: "ConnectionError",
      code: "PROXY_FAILED",
      message: "The proxy disconnected before the tunnel was established",
    });
    assert.equal(transport.isClosed, true);
  }
});

Deno.test("rejects with the cause if the proxy resets the connection", async () => {
  const { proxy, tunnel } = begin();
  proxy.transport.destroy();
  await assert.rejects(tunnel, (error: Error) => {
    assert.equal(
      error.message,
      "The proxy disconnected before the tunnel was established: reset by peer",
    );
    assert.equal((error.cause as Error).message, "reset by peer");
    return true;
  });
});

Deno.test("destroying the transport aborts the handshake", async () => {
  const { transport, tunnel } = begin();
  transport.destroy(new Error("aborted"));
  await assert.rejects(tunnel, { code: "PROXY_FAILED", message: /: aborted$/ });
});

Deno.test("sends replies created during a pending write after the write, in order", async () => {
  const [transport, far] = transportPair();
  transport.blocked = true;
  const proxy = new RawPeer(far);
  const tunnel = openTunnel(transport, new LetterDialogue());
  proxy.send("q");
  await nextMacrotask();
  proxy.send("q");
  await nextMacrotask();
  assert.equal(proxy.text, "");
  transport.unblock();
  await proxy.until(() => proxy.text === "beginagainagain");
  proxy.send("!");
  await tunnel;
});

Deno.test("resolves only after a pending write, and stops reading until then", async () => {
  const [transport, far] = transportPair();
  transport.blocked = true;
  const proxy = new RawPeer(far);
  let stands = false;
  const tunnel = openTunnel(transport, new LetterDialogue()).then(() => stands = true);
  proxy.send("!");
  await nextMacrotask();
  proxy.send("of the target");
  proxy.transport.end();
  await nextMacrotask();
  assert.equal(stands, false);
  transport.unblock();
  await tunnel;

  const next = new RawPeer(transport);
  transport.resume();
  await next.until(() => next.ended);
  assert.equal(next.text, "of the target");
});

import assert from "node:assert/strict";
import { connectOver } from "../../src/client/connect.ts";
import type { ConnectOptions } from "../../src/client/connect_options.ts";
import { type Dialled, dialThroughProxy, findProxy } from "../../src/client/proxy.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import type { DialOptions, TlsClientOptions, Transport } from "../../src/transport/transport.ts";
import { MemoryNetwork, type MemoryTransport } from "../support/memory_network.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { nextMacrotask } from "../support/socket_harness.ts";
import { concat, hex, TEXT, toHex } from "../support/vectors.ts";

const REASON = new Error("aborted");
const never = (): Promise<never> => new Promise(() => {});
const ESTABLISHED = "HTTP/1.1 200 OK\r\n\r\n";

/** A network with a proxy on port 3128 that the test drives, fake DNS and fake TLS. */
class ProxyNetwork extends MemoryNetwork {
  /** The proxy ends of the connections, in order. */
  readonly proxies: RawPeer[] = [];
  readonly secured: { transport: Transport; options: TlsClientOptions }[] = [];
  readonly lookedUp: string[] = [];
  /** Functions whose promises delay the lookup, the dial and the TLS handshake. */
  gates: Partial<Record<"lookup" | "dial" | "tls", () => Promise<unknown>>> = {};

  static async open(): Promise<ProxyNetwork> {
    const network = new ProxyNetwork();
    const accept = (transport: Transport): void => {
      network.proxies.push(new RawPeer(transport as MemoryTransport));
    };
    await network.listen({ hostname: "proxy.example", port: 3128, noDelay: true }, {
      accept,
      error: () => {},
    });
    return network;
  }

  override async dial(options: DialOptions): Promise<Transport> {
    await this.gates.dial?.();
    return super.dial(options);
  }

  override async startTls(transport: Transport, options: TlsClientOptions): Promise<Transport> {
    this.secured.push({ transport, options });
    await this.gates.tls?.();
    return transport;
  }

  override async lookup(hostname: string): Promise<string> {
    this.lookedUp.push(hostname);
    await this.gates.lookup?.();
    return "192.0.2.7";
  }

  /** Waits until the next connection's proxy has received this number of bytes, and returns it. */
  async proxy(bytes = 1): Promise<RawPeer> {
    while (this.proxies.length === 0) await nextMacrotask();
    const peer = this.proxies.at(-1)!;
    await peer.until(() => peer.bytes.length >= bytes);
    return peer;
  }
}

function dial(
  network: ProxyNetwork,
  proxy: string,
  address?: Partial<DialOptions>,
  tls?: TlsClientOptions,
): Promise<Dialled> {
  const target = { hostname: "a.example", port: 80, noDelay: true, ...address };
  return dialThroughProxy(network, findProxy(proxy, "ws://a.example/")!, target, tls);
}

Deno.test("dials the proxy and sends it the target", async () => {
  const network = await ProxyNetwork.open();
  const { signal } = new AbortController();
  const address = { noDelay: false, readBufferSize: 100, signal };
  const dialing = dial(network, "http://proxy.example:3128", address);
  const proxy = await network.proxy();
  assert.match(await proxy.head(), /^CONNECT a\.example:80 HTTP\/1\.1\r\nHost: a\.example:80\r\n/);
  proxy.send(`${ESTABLISHED}and the server's first words`);
  const { transport, rest } = await dialing;
  assert.equal(new TextDecoder().decode(rest), "and the server's first words");
  assert.equal(transport, proxy.transport.peer);
  assert.deepEqual(network.dialed, [
    { hostname: "proxy.example", port: 3128, tls: undefined, ...address },
  ]);
  assert.deepEqual(network.secured, []);
});

Deno.test("starts TLS after the proxy handshake, with the URL's host or tls.serverName", async () => {
  for (
    const [hostname, given, serverName] of [
      ["a.example", undefined, "a.example"],
      ["2001:db8::1", undefined, "2001:db8::1"],
      ["192.0.2.1", "b.example", "b.example"],
    ]
  ) {
    const network = await ProxyNetwork.open();
    const tls = { caCerts: ["ca"], cert: "cert", key: "key", serverName: given };
    const dialing = dial(network, "http://proxy.example:3128", { hostname, tls }, tls);
    const proxy = await network.proxy();
    assert.deepEqual(network.secured, []);
    proxy.send(ESTABLISHED);
    const { transport } = await dialing;
    assert.deepEqual(network.secured, [{ transport, options: { ...tls, serverName } }]);
  }
});

Deno.test("connects to an https proxy over TLS, with the proxy's name and certificates", async () => {
  const network = await ProxyNetwork.open();
  const tls = {
    caCerts: ["ca"],
    rejectUnauthorized: false,
    cert: "cert",
    key: "key",
    serverName: "b.example",
  };
  // The same applies to a target without TLS.
  for (const address of [{ tls }, {}]) {
    network.proxies.length = 0;
    const dialing = dial(network, "https://proxy.example:3128", address, tls);
    (await network.proxy()).send(ESTABLISHED);
    await dialing;
    assert.deepEqual(network.dialed.pop()!.tls, { caCerts: ["ca"], rejectUnauthorized: false });
  }
  assert.equal(network.secured.length, 1);
});

for (
  const [scheme, hostname, lookedUp, address] of [
    ["socks5", "a.example", ["a.example"], "01 c0000207"],
    ["socks5h", "a.example", [], "03 09 612e6578616d706c65"],
    ["socks5", "192.0.2.1", [], "01 c0000201"],
    ["socks5h", "192.0.2.1", [], "01 c0000201"],
    ["socks5", "::1", [], "04 00000000000000000000000000000001"],
  ] as const
) {
  Deno.test(`${scheme} sends ${hostname} ${lookedUp.length > 0 ? "as an address" : "unresolved"}`, async () => {
    const network = await ProxyNetwork.open();
    const dialing = dial(network, `${scheme}://proxy.example:3128`, { hostname });
    const proxy = await network.proxy(3);
    proxy.bytes = new Uint8Array(0);
    proxy.send(hex("0500"));
    await proxy.until(() => proxy.bytes.length > 0);
    assert.equal(toHex(proxy.bytes), `050100 ${address} 0050`.replaceAll(" ", ""));
    proxy.send(hex("05000001000000000000"), "first");
    const { rest } = await dialing;
    assert.equal(new TextDecoder().decode(rest), "first");
    assert.deepEqual(network.lookedUp, lookedUp);
  });
}

Deno.test("rejects bytes that a proxy sends before the TLS handshake", async () => {
  const network = await ProxyNetwork.open();
  const dialing = dial(network, "http://proxy.example:3128", { tls: {} });
  const proxy = await network.proxy();
  proxy.send(`${ESTABLISHED}HTTP/1.1 302 Found\r\nLocation: ws://evil.example/\r\n\r\n`);
  await assert.rejects(dialing, {
    name: "ConnectionError",
    code: "PROXY_FAILED",
    message: "The proxy sent 52 bytes before the TLS handshake with the target began",
  });
  assert.equal(proxy.transport.isClosed, true);
  assert.deepEqual(network.secured, []);
});

Deno.test("the error for an unreachable proxy omits its credentials", async () => {
  const network = await ProxyNetwork.open();
  for (
    const [url, name] of [
      ["http://user:secret@proxy.example:1", "http://proxy.example:1"],
      ["socks5://user:secret@[::1]:1", "socks5://[::1]:1"],
    ]
  ) {
    await assert.rejects(dial(network, url), (error: Error & { code?: string }) => {
      assert.equal(error.name, "ConnectionError");
      assert.equal(error.code, "PROXY_FAILED");
      assert.equal(error.message, `Cannot connect to the proxy ${name}: connection refused`);
      assert.equal((error.cause as Error).message, "connection refused");
      return true;
    });
  }
});

Deno.test("a failed lookup rejects with the network's error before dialing the proxy", async () => {
  const network = await ProxyNetwork.open();
  network.gates.lookup = () => Promise.reject(new Error("no such host"));
  await assert.rejects(dial(network, "socks5://proxy.example:3128"), { message: "no such host" });
  assert.deepEqual(network.dialed, []);
});

Deno.test("disconnects when the proxy rejects the request", async () => {
  const network = await ProxyNetwork.open();
  const dialing = dial(network, "http://proxy.example:3128");
  const proxy = await network.proxy();
  proxy.send("HTTP/1.1 403 Forbidden\r\n\r\n");
  await assert.rejects(dialing, { name: "ConnectionError", code: "PROXY_REFUSED" });
  assert.equal(proxy.transport.isClosed, true);
});

Deno.test("a failed TLS handshake rejects with the network's error and disconnects", async () => {
  const network = await ProxyNetwork.open();
  network.gates.tls = () => Promise.reject(new Error("self-signed certificate"));
  const dialing = dial(network, "http://proxy.example:3128", { tls: {} });
  const proxy = await network.proxy();
  proxy.send(ESTABLISHED);
  await assert.rejects(dialing, { message: "self-signed certificate" });
  await proxy.until(() => proxy.isClosed);
});

Deno.test("the signal aborts the lookup and discards its result", async () => {
  const network = await ProxyNetwork.open();
  network.gates.lookup = never;
  const controller = new AbortController();
  const { signal } = controller;
  const dialing = dial(network, "socks5://proxy.example:3128", { signal });
  controller.abort(REASON);
  await assert.rejects(dialing, REASON);
  assert.deepEqual(network.dialed, []);
});

Deno.test("the signal aborts dialing, even if the network ignores it", async () => {
  const network = await ProxyNetwork.open();
  const gate = Promise.withResolvers<void>();
  network.gates.dial = () => gate.promise;
  const controller = new AbortController();
  const { signal } = controller;
  const dialing = dial(network, "http://proxy.example:3128", { signal });
  await nextMacrotask();
  controller.abort(REASON);
  await assert.rejects(dialing, (error: Error) => error.cause === REASON);
  gate.resolve();
  // A connection that opens after the abort must be destroyed.
  await nextMacrotask();
  assert.equal(network.proxies[0].isClosed, true);
});

Deno.test("the signal aborts the proxy handshake", async () => {
  const network = await ProxyNetwork.open();
  const controller = new AbortController();
  const { signal } = controller;
  const dialing = dial(network, "http://proxy.example:3128", { signal });
  const proxy = await network.proxy();
  controller.abort(REASON);
  await assert.rejects(dialing, { code: "PROXY_FAILED" });
  assert.equal(proxy.transport.isClosed, true);
});

Deno.test("the signal aborts the TLS handshake, even if the network ignores it", async () => {
  const network = await ProxyNetwork.open();
  network.gates.tls = never;
  const controller = new AbortController();
  const { signal } = controller;
  const dialing = dial(network, "http://proxy.example:3128", { tls: {}, signal });
  const proxy = await network.proxy();
  proxy.send(ESTABLISHED);
  await nextMacrotask();
  controller.abort(REASON);
  await assert.rejects(dialing, REASON);
  assert.equal(proxy.transport.isClosed, true);
});

Deno.test("the signal has no effect after dial has resolved", async () => {
  const network = await ProxyNetwork.open();
  const controller = new AbortController();
  const { signal } = controller;
  const dialing = dial(network, "http://proxy.example:3128", { signal });
  const proxy = await network.proxy();
  proxy.send(ESTABLISHED);
  await dialing;
  controller.abort(REASON);
  await nextMacrotask();
  assert.equal(proxy.transport.isClosed, false);
});

function connect(
  network: ProxyNetwork,
  options: ConnectOptions,
  url = "ws://a.example/",
): ReturnType<typeof connectOver> {
  return connectOver(network, url, options);
}

Deno.test("opens a connection through the tunnel and sends the server no proxy fields", async () => {
  const network = await ProxyNetwork.open();
  const connecting = connect(network, { proxy: "http://eve:hunter2@proxy.example:3128" });
  const proxy = await network.proxy();
  assert.ok((await proxy.head()).includes(`Proxy-Authorization: Basic ${btoa("eve:hunter2")}\r\n`));
  const before = proxy.transport.peer.writes.length;
  proxy.send(ESTABLISHED);
  const request = await proxy.acceptUpgrade([], proxy.encode({ opcode: TEXT, payload: "hi" }));
  assert.match(request, /^GET \/ HTTP\/1\.1\r\nHost: a\.example\r\n/);
  const connection = await connecting;
  connection.send("hello");
  assert.equal((await connection[Symbol.asyncIterator]().next()).value, "hi");
  const [first] = await proxy.framesOf(1);
  assert.equal(first.opcode, TEXT);
  assert.equal(new TextDecoder().decode(first.payload), "hello");
  const written = new TextDecoder().decode(concat(...proxy.transport.peer.writes.slice(before)));
  for (const secret of ["Proxy-", "eve", "hunter2", btoa("eve:hunter2"), "proxy.example"]) {
    assert.ok(!written.includes(secret), secret);
  }
  connection.terminate();
  await connection.closed;
  assert.equal(proxy.transport.isClosed, true);
});

Deno.test("delivers bytes that a server sends immediately through the tunnel", async () => {
  const network = await ProxyNetwork.open();
  const connecting = connect(network, { proxy: "http://proxy.example:3128" });
  const proxy = await network.proxy();
  // An overloaded server may respond before the request, in the same chunk as the proxy's reply.
  proxy.send(`${ESTABLISHED}HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull`);
  await assert.rejects(connecting, { name: "HandshakeError", status: 503, body: "full" });
  assert.equal(proxy.transport.isClosed, true);
});

Deno.test("caCerts apply to an https proxy when the target has no TLS", async () => {
  const network = await ProxyNetwork.open();
  const tls = { caCerts: ["ca"] };
  const connecting = connect(network, { proxy: "https://proxy.example:3128", tls });
  (await network.proxy()).send("HTTP/1.1 403 Forbidden\r\n\r\n");
  await assert.rejects(connecting, { code: "PROXY_REFUSED" });
  assert.deepEqual(network.dialed[0].tls, { caCerts: ["ca"], rejectUnauthorized: undefined });
  assert.deepEqual(network.secured, []);
});

Deno.test("a function selects the proxy for each URL", async () => {
  const network = await ProxyNetwork.open();
  const asked: string[] = [];
  const proxy = (url: URL): string | undefined => {
    asked.push(url.href);
    return url.hostname === "far.example" ? "http://proxy.example:3128" : undefined;
  };
  await assert.rejects(connect(network, { proxy }, "ws://user:pass@near.example:1/"), {
    code: "CONNECT_FAILED",
  });
  assert.deepEqual(network.dialed.pop()!.hostname, "near.example");
  const connecting = connect(network, { proxy }, "ws://far.example/x");
  (await network.proxy()).transport.destroy();
  await assert.rejects(connecting, { code: "PROXY_FAILED" });
  // Credentials in a URL are for the server, so the function does not receive them.
  assert.deepEqual(asked, ["ws://near.example:1/", "ws://far.example/x"]);
});

Deno.test("a failed TLS handshake through a tunnel fails with CONNECT_FAILED", async () => {
  const network = await ProxyNetwork.open();
  network.gates.tls = () => Promise.reject(new Error("self-signed certificate"));
  const proxy = "http://proxy.example:3128";
  const connecting = connect(network, { proxy }, "wss://a.example/");
  (await network.proxy()).send(ESTABLISHED);
  await assert.rejects(connecting, {
    name: "ConnectionError",
    code: "CONNECT_FAILED",
    message: /^Cannot connect to wss:\/\/a\.example\/: self-signed certificate\. .*tls\.caCerts$/,
  });
});

/** Steps that stall. */
const STALLED: readonly [step: string, prepare: (network: ProxyNetwork) => void | Promise<void>][] =
  [
    ["the name lookup", (network) => {
      network.gates.lookup = never;
    }],
    ["the connection to the proxy", (network) => {
      network.gates.dial = never;
    }],
    ["the proxy handshake", () => {}],
    ["the TLS handshake", async (network) => {
      network.gates.tls = never;
      await answerSocks(network);
    }],
    ["the opening handshake", (network) => answerSocks(network)],
  ];

async function answerSocks(network: ProxyNetwork): Promise<void> {
  const proxy = await network.proxy(3);
  proxy.send(hex("0500"));
  await proxy.until(() => proxy.bytes.length > 3);
  proxy.send(hex("05000001000000000000"));
}

for (const [step, prepare] of STALLED) {
  Deno.test(`handshakeTimeout covers ${step}, through a proxy`, async () => {
    const network = await ProxyNetwork.open();
    const options = { proxy: "socks5://proxy.example:3128", handshakeTimeout: 20 };
    const connecting = connect(network, options, "wss://a.example/");
    void prepare(network);
    await assert.rejects(connecting, { name: "TimeoutError", code: "HANDSHAKE_TIMEOUT" });
    for (const { transport } of network.proxies) assert.equal(transport.isClosed, true);
    assert.equal(timers.size, 0);
  });

  Deno.test(`the signal aborts ${step}, through a proxy`, async () => {
    const network = await ProxyNetwork.open();
    const controller = new AbortController();
    const options = { proxy: "socks5://proxy.example:3128", signal: controller.signal };
    const connecting = connect(network, options, "wss://a.example/");
    void prepare(network);
    for (let i = 0; i < 5; i++) await nextMacrotask();
    controller.abort(REASON);
    await assert.rejects(connecting, REASON);
    for (const { transport } of network.proxies) assert.equal(transport.isClosed, true);
    assert.equal(timers.size, 0);
  });
}

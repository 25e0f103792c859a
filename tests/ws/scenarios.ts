// The scenarios of the differential suite.

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { deflateRawSync } from "node:zlib";
import {
  type AnyWebSocket,
  type ConnectOptions,
  connectSides,
  type Implementations,
  next,
  rawExchange,
  rawFrame,
  rawServer,
  recordEvents,
  type Scenario,
  type Transcript,
  upgradeRequest,
} from "./harness.ts";

/** Echoes each message with its type. */
function echo(ws: AnyWebSocket): void {
  ws.on("message", (data, isBinary) => ws.send(data as Buffer, { binary: isBinary }));
}

function simple(
  name: string,
  options: ConnectOptions,
  act: (
    implementations: { client: AnyWebSocket; server: AnyWebSocket },
    transcript: Transcript,
  ) => Promise<unknown> | void,
): Scenario {
  return {
    name,
    async run(implementations, transcript) {
      const meeting = await connectSides(implementations, transcript, options);
      await act(meeting, transcript);
      await meeting.finish();
    },
  };
}

const MESSAGES: [name: string, value: unknown][] = [
  ["text", "hello"],
  ["an empty text", ""],
  ["long text", "h\u00e4".repeat(40_000)],
  ["a number", 42],
  ["zero", 0],
  ["nothing", undefined],
  ["null", null],
  ["a Buffer", Buffer.from("buffer")],
  ["an ArrayBuffer", Uint8Array.of(1, 2, 3).buffer],
  ["a view in the middle", new Uint16Array([1, 2, 3, 4]).subarray(1, 3)],
  ["a DataView", new DataView(Uint8Array.of(9, 8, 7).buffer, 1)],
  ["an array", [1, 2, 3]],
  ["a Blob", new Blob(["of a blob"])],
];

const sending: Scenario[] = MESSAGES.map(([name, value]) =>
  simple(`sends ${name}`, { client: { perMessageDeflate: false } }, async ({ client, server }) => {
    echo(server);
    const answer = next(client, "message");
    client.send(value as string);
    await answer;
    client.close();
  })
);

const binaryTypes: Scenario[] = ["nodebuffer", "arraybuffer", "fragments", "blob"].map((type) =>
  simple(`delivers binary as ${type}`, {}, async ({ client, server }) => {
    client.binaryType = type as "nodebuffer";
    const binary = next(client, "message");
    server.send(Buffer.from("binary"));
    await binary;
    const text = next(client, "message");
    server.send("text");
    await text;
    server.close();
  })
);

const CLOSES: [name: string, close: (ws: AnyWebSocket) => void][] = [
  ["without a code", (ws) => ws.close()],
  ["with 1000", (ws) => ws.close(1000)],
  ["with a code and a reason", (ws) => ws.close(4001, "r\u00e9ason")],
  ["with a reason of bytes", (ws) => ws.close(1001, Buffer.from("bytes"))],
  ["by terminate", (ws) => ws.terminate()],
  ["twice", (ws) => (ws.close(1000, "first"), ws.close(1001, "second"))],
  ["and sends after it", (ws) => (ws.close(), ws.send("late"), ws.ping("late"))],
];

const closing: Scenario[] = CLOSES.flatMap(([name, close]) =>
  (["client", "server"] as const).map((side) =>
    simple(`the ${side} closes ${name}`, {}, (implementations) => close(implementations[side]))
  )
);

const others: Scenario[] = [
  simple("delivers messages between both Close frames", {}, async ({ client, server }) => {
    server.on("message", () => {
      for (let i = 0; i < 3; i++) server.send(`still ${i}`);
      server.ping("still");
    });
    client.send("go");
    client.close(1000, "enough");
    await next(client, "close");
  }),
  simple(
    "sends fragments",
    { client: { perMessageDeflate: false } },
    async ({ client, server }) => {
      const text = next(server, "message");
      client.send("one ", { fin: false });
      client.send(Buffer.from("two "), { fin: false });
      client.ping("between");
      client.send("three");
      await text;
      const binary = next(server, "message");
      client.send(Buffer.from([1]), { fin: false });
      client.send("2", { fin: true });
      await binary;
      client.close();
    },
  ),
  simple(
    "does not use property names that users may define",
    {},
    async ({ client, server }, transcript) => {
      const own = { wasClean: "own", failed: true, failing: true };
      for (const ws of [client, server]) {
        transcript.add(
          "properties",
          Object.assign(ws, own) === ws,
        );
      }
      client.close(1000);
      await next(client, "close");
    },
  ),
  simple("honors the option binary of send", {}, async ({ client, server }) => {
    const first = next(server, "message");
    client.send("text", { binary: true });
    await first;
    const second = next(server, "message");
    client.send(Buffer.from("bytes"), { binary: false });
    await second;
    client.close();
  }),
  simple("calls back in order", {}, async ({ client }, transcript) => {
    const calls = Array.from(
      { length: 5 },
      (_, i) =>
        new Promise<void>((resolve) =>
          client.send(`message ${i}`, (error) => {
            transcript.add("callbacks", i, String(error));
            resolve();
          })
        ),
    );
    const control = [
      new Promise<void>((resolve) =>
        client.ping("p", true, (error) => {
          transcript.add("callback of ping", String(error));
          resolve();
        })
      ),
      new Promise<void>((resolve) => client.pong(() => resolve())),
    ];
    await Promise.all([...calls, ...control]);
    client.close();
  }),
  simple("keeps the order of blobs and other messages", {}, async ({ client, server }) => {
    let left = 5;
    const all = new Promise<void>((resolve) =>
      server.on("message", () => --left === 0 && resolve())
    );
    client.send("before");
    client.send(new Blob(["blob 1"]));
    client.send("between");
    client.send(new Blob(["blob 2"]));
    client.ping("behind");
    client.send(Buffer.from("after"));
    client.close(1000, "behind all");
    await all;
  }),
  simple("sends messages before terminate", {}, async ({ client, server }) => {
    server.on("message", () => {
      server.send("last words");
      server.terminate();
    });
    client.send("speak");
    await next(client, "close");
  }),
  {
    name: "sends the Close frame for an error whose listener calls terminate",
    async run(implementations, transcript) {
      const meeting = await connectSides(implementations, transcript, {
        server: { maxPayload: 10 },
      });
      meeting.server.on("error", () => meeting.server.terminate());
      meeting.client.send("much too long");
      await meeting.finish();
    },
  },
  simple("pings and pongs", {}, async ({ client, server }) => {
    const pong = next(client, "pong");
    client.ping("data");
    await pong;
    const answered = next(server, "pong");
    server.ping();
    await answered;
    const unasked = next(server, "pong");
    client.pong(1234);
    await unasked;
    client.close();
  }),
  simple("does not answer pings without autoPong", {
    server: { autoPong: false },
    client: { autoPong: false },
  }, async ({ client, server }) => {
    const pings = [next(server, "ping"), next(client, "ping")];
    client.ping("one");
    server.ping("two");
    await Promise.all(pings);
    client.close();
  }),
  simple("reports data that cannot be sent", {}, async ({ client }, transcript) => {
    const attempt = (call: () => void): void => {
      try {
        call();
      } catch (error) {
        transcript.add("errors", error);
      }
    };
    attempt(() => client.ping(Buffer.alloc(126)));
    attempt(() => client.pong("x".repeat(126)));
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, "1000"]) {
      attempt(() => client.close(code as number));
    }
    attempt(() => client.close(1000, "x".repeat(124)));
    client.close();
    const errors = [
      new Promise((resolve) => client.send("late", resolve)),
      new Promise((resolve) => client.send("late", { compress: false }, resolve)),
      new Promise((resolve) => client.ping("late", false, resolve)),
      new Promise((resolve) => client.pong(resolve)),
    ];
    for (const error of await Promise.all(errors)) transcript.add("errors", error);
    transcript.add("errors", client.bufferedAmount);
    await next(client, "close");
    await new Promise<void>((resolve) =>
      client.send("later", (error) => {
        transcript.add("errors", error);
        resolve();
      })
    );
    transcript.add("errors", client.bufferedAmount);
  }),
  simple("pauses and resumes", {}, async ({ client, server }, transcript) => {
    client.pause();
    transcript.add("client", "paused", client.isPaused);
    server.send("held back");
    const ping = next(server, "ping");
    client.ping();
    await ping;
    transcript.add("client", "resumes");
    const pong = next(client, "pong");
    client.resume();
    await pong;
    transcript.add("client", "paused", client.isPaused);
    client.close();
  }),
  simple("emits one event per turn without allowSynchronousEvents", {
    client: { allowSynchronousEvents: false },
    server: { allowSynchronousEvents: false },
  }, async ({ client, server }, transcript) => {
    let turn = 0;
    let left = 6;
    const all = new Promise<void>((resolve) =>
      client.on("message", () => {
        const before = turn;
        Promise.resolve().then(() => turn++);
        transcript.add("turns", before);
        if (--left === 0) resolve();
      })
    );
    for (let i = 0; i < 6; i++) server.send(String(i));
    await all;
    server.close(1000, "all");
  }),
  simple("implements the EventTarget interface", {}, async ({ client, server }, transcript) => {
    const log = (event: { type: string }): void => {
      const { type, data, code, reason, wasClean, message } = event as Record<string, unknown>;
      transcript.add("target", type, data, code, reason, wasClean, message);
    };
    client.onmessage = log as never;
    client.addEventListener("message", log as never, { once: true });
    client.addEventListener("message", { handleEvent: log as never });
    client.addEventListener("close", log as never);
    client.onerror = log as never;
    transcript.add("target", client.listenerCount("message"), typeof client.onmessage);
    for (const text of ["one", "two"]) {
      const came = next(client, "message");
      server.send(text);
      await came;
    }
    client.removeEventListener("message", log as never);
    client.onmessage = null;
    transcript.add("target", client.listenerCount("message"), client.onmessage, client.onclose);
    client.emit("error", new Error("forced"));
    const binary = next(client, "message");
    client.binaryType = "arraybuffer";
    server.send(Buffer.from("bytes"));
    await binary;
    client.close(1000);
  }),
  {
    name: "distinguishes servers and connections",
    async run(implementations, transcript) {
      const meeting = await connectSides(implementations, transcript, { protocols: ["b", "a"] });
      const { client, server, wss, request } = meeting;
      for (const [who, ws] of [["client", client], ["server", server]] as const) {
        const url = ws.url?.replace(/\d+/, "").replace(/:\d+/, ":PORT");
        transcript.add(who, ws.protocol, ws.extensions, ws.binaryType, ws.bufferedAmount, url);
        transcript.add(who, ws.CONNECTING, ws.OPEN, ws.CLOSING, ws.CLOSED, ws.isPaused);
      }
      transcript.add("server", wss.clients.size, wss.clients.has(server), request.url);
      client.close();
      await meeting.finish();
      transcript.add("server", wss.clients.size, wss.address());
      await new Promise<void>((resolve) =>
        wss.close((error) => {
          transcript.add("server", error);
          resolve();
        })
      );
    },
  },
];

const COMPRESSION: [name: string, client: unknown, server: unknown][] = [
  ["on neither side", false, false],
  ["on the client", true, false],
  ["on the server", false, true],
  ["on both", true, true],
  ["without takeover", { clientNoContextTakeover: true, serverNoContextTakeover: true }, true],
  ["without takeover by the server", true, {
    clientNoContextTakeover: true,
    serverNoContextTakeover: true,
  }],
  ["with small windows", { serverMaxWindowBits: 10, clientMaxWindowBits: 12 }, true],
  ["with small windows of the server", true, { serverMaxWindowBits: 9, clientMaxWindowBits: 11 }],
  ["with a threshold", { threshold: 0 }, { threshold: 10, serverNoContextTakeover: true }],
];

const compression: Scenario[] = COMPRESSION.map(([name, client, server]) => ({
  name: `compresses ${name}`,
  async run(implementations, transcript) {
    const meeting = await connectSides(implementations, transcript, {
      client: { perMessageDeflate: client },
      server: { perMessageDeflate: server },
      prepare: (side, ws) =>
        side === "client" && ws.on("upgrade", ({ headers }) => {
          transcript.add("client", headers["sec-websocket-extensions"]);
        }),
    });
    transcript.add("server", meeting.request.headers["sec-websocket-extensions"]);
    transcript.add("server", meeting.server.extensions, meeting.client.extensions);
    echo(meeting.server);
    for (const text of ["short", "long ".repeat(1000), "long ".repeat(1000), "", "x"]) {
      for (const options of [{}, { compress: false }, { binary: true }]) {
        const answer = next(meeting.client, "message");
        meeting.client.send(text, options);
        await answer;
      }
    }
    const answer = next(meeting.client, "message");
    meeting.client.send("long ".repeat(100), { fin: false });
    meeting.client.send("long ".repeat(100), { fin: false });
    meeting.client.send("", { fin: true });
    await answer;
    meeting.client.close();
    await meeting.finish();
  },
}));

const TOO_LONG = rawFrame(0x82, Buffer.alloc(2000));
const BOMB = rawFrame(0xc2, deflateRawSync(Buffer.alloc(5000), { finishFlush: 2 }).subarray(0, -4));

/** Frames that a server must reject. */
const FAULTS: [name: string, frames: Uint8Array, options?: Record<string, unknown>][] = [
  ["RSV1", rawFrame(0xc1, "x")],
  ["RSV2", rawFrame(0xa1, "x")],
  ["RSV3", rawFrame(0x91, "x")],
  ["RSV1 on a ping", rawFrame(0xc9, "x"), { perMessageDeflate: true }],
  ["RSV1 on a continuation", Buffer.concat([rawFrame(0x01, "x"), rawFrame(0xc0, "x")]), {
    perMessageDeflate: true,
  }],
  ["opcode 3", rawFrame(0x83, "x")],
  ["opcode 7", rawFrame(0x87, "x")],
  ["opcode 11", rawFrame(0x8b, "x")],
  ["opcode 15", rawFrame(0x8f, "x")],
  ["a continuation without a message", rawFrame(0x80, "x")],
  ["a text frame inside a message", Buffer.concat([rawFrame(0x01, "x"), rawFrame(0x81, "x")])],
  ["a binary frame inside a message", Buffer.concat([rawFrame(0x01, "x"), rawFrame(0x82, "x")])],
  ["a fragmented ping", rawFrame(0x09, "x")],
  ["a fragmented Close frame", rawFrame(0x08, "")],
  ["a long ping", rawFrame(0x89, Buffer.alloc(126))],
  ["no mask", rawFrame(0x81, "x", false)],
  ["text that is not UTF-8", rawFrame(0x81, Buffer.from([0xc3, 0x28]))],
  ["a Close frame of one byte", rawFrame(0x88, "x")],
  ["a Close frame with 1005", rawFrame(0x88, Buffer.from([3, 0xed]))],
  ["a Close frame with 2999", rawFrame(0x88, Buffer.from([0x0b, 0xb7]))],
  ["a Close reason that is not UTF-8", rawFrame(0x88, Buffer.from([3, 0xe8, 0xc3, 0x28]))],
  ["a length of 63 bits", Buffer.from("82ff7fffffffffffffff00000000", "hex")],
  ["a message over the limit", TOO_LONG, { maxPayload: 1000 }],
  [
    "fragments over the limit",
    Buffer.concat([rawFrame(0x02, Buffer.alloc(600)), rawFrame(0x80, Buffer.alloc(600))]),
    {
      maxPayload: 1000,
    },
  ],
  ["a bomb", BOMB, { maxPayload: 1000, perMessageDeflate: true }],
  ["corrupt compression", rawFrame(0xc2, Buffer.from("22faec78", "hex")), {
    perMessageDeflate: true,
  }],
  ["too many fragments", Buffer.concat([0x01, 0, 0, 0, 0].map((first) => rawFrame(first, "x"))), {
    maxFragments: 3,
  }],
  ["a message, then RSV2", Buffer.concat([rawFrame(0x81, "good"), rawFrame(0xa1, "x")])],
  [
    "a Close frame, then other frames",
    Buffer.concat([rawFrame(0x88, Buffer.from([3, 0xe8])), rawFrame(0x81, "x")]),
  ],
  ["a Close frame with a reason", rawFrame(0x88, Buffer.from("\x03\xe8why", "latin1"))],
  ["an empty Close frame", rawFrame(0x88, "")],
];

/** Removes the Date and Server fields of a response, because they may differ. */
function afterHead(answer: Buffer): Buffer {
  return answer.subarray(answer.indexOf("\r\n\r\n") + 4);
}

const faults: Scenario[] = FAULTS.map(([name, frames, options]) => ({
  name: `a server receives ${name}`,
  async run({ server: Server }, transcript) {
    const wss = new Server.WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
    await once(wss, "listening");
    let closed!: Promise<unknown>;
    wss.on("connection", (ws) => {
      recordEvents(transcript, "server", ws);
      closed = new Promise((resolve) => ws.on("close", resolve));
    });
    const { port } = wss.address() as AddressInfo;
    const head = upgradeRequest({ "Sec-WebSocket-Extensions": "permessage-deflate" });
    const answer = await rawExchange(port, head, frames);
    transcript.add("peer", afterHead(answer));
    await closed;
    await new Promise<void>((resolve) => wss.close(() => resolve()));
  },
}));

const clientFaults: Scenario[] = FAULTS.filter(([, , options]) =>
  options?.perMessageDeflate !== true
).map(([name, frames, options]) => ({
  name: `a client receives ${name}`,
  async run({ client: Client }, transcript) {
    const received: Buffer[] = [];
    let ended!: Promise<unknown>;
    const { server, port } = await rawServer((accept, _, socket) => {
      ended = new Promise((resolve) => socket.on("close", resolve));
      socket.on("data", (chunk: Buffer) => received.push(chunk));
      socket.on("end", () => socket.end());
      socket.write(switching(accept));
      socket.write(name === "no mask" ? rawFrame(0x81, "x") : unmasked(frames));
    });
    const ws = new Client(`ws://127.0.0.1:${port}`, {
      perMessageDeflate: false,
      generateMask: (mask: Buffer) => mask.fill(0),
      ...options,
    });
    recordEvents(transcript, "client", ws);
    const closed = next(ws, "close");
    await Promise.all([closed, ended]);
    transcript.add("peer", Buffer.concat(received));
    server.close();
  },
}));

/** Removes the zero mask keys from frames. */
function unmasked(frames: Uint8Array): Buffer {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < frames.length;) {
    const size = frames[at + 1]! & 0x7f;
    const long = size === 127 ? 8 : size === 126 ? 2 : 0;
    const length = size === 126 ? frames[at + 2]! << 8 | frames[at + 3]! : size === 127 ? 0 : size;
    const masked = frames[at + 1]! & 0x80;
    const head = Buffer.from(frames.subarray(at, at + 2 + long));
    head[1]! &= 0x7f;
    const start = at + 2 + long + (masked ? 4 : 0);
    parts.push(head, frames.subarray(start, start + length));
    at = start + length;
  }
  return Buffer.concat(parts);
}

function switching(accept: string, ...fields: string[]): string {
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    ...fields,
    "",
    "",
  ].join("\r\n");
}

/** Requests, and the options of the server. */
const REQUESTS: [name: string, request: string, options?: Record<string, unknown>][] = [
  ["a plain request", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
  ["another method", upgradeRequest({}, "POST /")],
  ["another upgrade", upgradeRequest({ Upgrade: "h2c" })],
  ["an upgrade in capitals", upgradeRequest({ Upgrade: "WebSocket" })],
  ["no key", upgradeRequest({ "Sec-WebSocket-Key": "-" })],
  ["a short key", upgradeRequest({ "Sec-WebSocket-Key": "dGhl" })],
  ["no version", upgradeRequest({ "Sec-WebSocket-Version": "-" })],
  ["version 12", upgradeRequest({ "Sec-WebSocket-Version": "12" })],
  ["version 8", upgradeRequest({ "Sec-WebSocket-Version": "8" })],
  ["another path", upgradeRequest({}, "GET /other"), { path: "/path" }],
  ["the path with a query", upgradeRequest({}, "GET /path?a=b"), { path: "/path" }],
  ["a malformed subprotocol", upgradeRequest({ "Sec-WebSocket-Protocol": "a;b" })],
  ["a subprotocol twice", upgradeRequest({ "Sec-WebSocket-Protocol": "a, a" })],
  ["two subprotocols", upgradeRequest({ "Sec-WebSocket-Protocol": "a, b" })],
  [
    "subprotocols, and the server selects one",
    upgradeRequest({ "Sec-WebSocket-Protocol": "a, b" }),
    {
      handleProtocols: (names: Set<string>) => [...names].pop(),
    },
  ],
  [
    "subprotocols, and the server selects none",
    upgradeRequest({ "Sec-WebSocket-Protocol": "a, b" }),
    {
      handleProtocols: () => false,
    },
  ],
  ["an unknown extension", upgradeRequest({ "Sec-WebSocket-Extensions": "x; y" }), {
    perMessageDeflate: true,
  }],
  ["a malformed extension", upgradeRequest({ "Sec-WebSocket-Extensions": "x; =" }), {
    perMessageDeflate: true,
  }],
  [
    "a bad parameter",
    upgradeRequest({ "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=7" }),
    { perMessageDeflate: true },
  ],
  [
    "two offers",
    upgradeRequest({
      "Sec-WebSocket-Extensions":
        "permessage-deflate; server_max_window_bits=8, permessage-deflate",
    }),
    { perMessageDeflate: { serverMaxWindowBits: 10 } },
  ],
  ["a client that is rejected", upgradeRequest(), { verifyClient: () => false }],
  ["a client that is accepted", upgradeRequest({ Origin: "http://o" }), {
    verifyClient: ({ origin, secure }: { origin: string; secure: boolean }) =>
      origin === "http://o" && !secure,
  }],
  ["a client that is rejected asynchronously", upgradeRequest(), {
    verifyClient: (_: unknown, done: (...values: unknown[]) => void) =>
      setTimeout(() => done(false, 429, "slow down", { "Retry-After": 9 })),
  }],
  ["a client that is accepted asynchronously", upgradeRequest(), {
    verifyClient: (_: unknown, done: (...values: unknown[]) => void) =>
      setTimeout(() => done(true)),
  }],
];

const requests: Scenario[] = REQUESTS.map(([name, request, options]) => ({
  name: `a server answers ${name}`,
  async run({ server: Server }, transcript) {
    const wss = new Server.WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
    await once(wss, "listening");
    wss.on("headers", (headers) => headers.push("X-Added: yes"));
    wss.on("connection", (ws) => {
      transcript.add("server", "connection", ws.protocol, ws.extensions);
      ws.close(1000, "bye");
    });
    const { port } = wss.address() as AddressInfo;
    const answer = await rawExchange(port, request, rawFrame(0x88, Buffer.from([3, 0xe8])));
    transcript.add("answer", answer.toString("latin1").replace(/Date: .*\r\n/, ""));
    await new Promise<void>((resolve) => wss.close(() => resolve()));
  },
}));

const wsClientErrors: Scenario[] = REQUESTS.slice(1, 8).map(([name, request]) => ({
  name: `a listener of wsClientError answers ${name}`,
  async run({ server: Server }, transcript) {
    const wss = new Server.WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(wss, "listening");
    wss.on("connection", (ws) => ws.terminate());
    wss.on("wsClientError", (error, socket, { url }) => {
      transcript.add("server", error, url);
      socket.end("HTTP/1.1 418 Teapot\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
    const { port } = wss.address() as AddressInfo;
    const answer = await rawExchange(port, request);
    transcript.add("answer", answer.toString("latin1").split("\r\n")[0]);
    await new Promise<void>((resolve) => wss.close(() => resolve()));
  },
}));

/** Responses, and the options of the client. */
const ANSWERS: [
  name: string,
  answer: (accept: string) => string,
  protocols?: string[],
  options?: Record<string, unknown>,
][] = [
  ["404", () => "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"],
  ["200", () => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"],
  ["another upgrade", () => switching("").replace("websocket", "h2c")],
  ["a wrong accept", () => switching("x")],
  [
    "a subprotocol that was not requested",
    (accept) => switching(accept, "Sec-WebSocket-Protocol: x"),
  ],
  ["another subprotocol", (accept) => switching(accept, "Sec-WebSocket-Protocol: x"), ["a"]],
  ["no subprotocol", (accept) => switching(accept), ["a"]],
  [
    "an extension that was not offered",
    (accept) => switching(accept, "Sec-WebSocket-Extensions: x"),
    [],
    {
      perMessageDeflate: false,
    },
  ],
  ["an unknown extension", (accept) => switching(accept, "Sec-WebSocket-Extensions: x")],
  ["a malformed extension", (accept) => switching(accept, "Sec-WebSocket-Extensions: x;=")],
  [
    "a bad parameter",
    (accept) =>
      switching(accept, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7"),
  ],
  ["a redirect", () => "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"],
  ["endless redirects", () => "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", [], {
    followRedirects: true,
    maxRedirects: 3,
  }],
  ["a redirect to an invalid URL", () => "HTTP/1.1 302 Found\r\nLocation: http://\r\n\r\n", [], {
    followRedirects: true,
  }],
  ["a redirect to another scheme", () => "HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\n\r\n", [], {
    followRedirects: true,
  }],
];

const answers: Scenario[] = ANSWERS.map(([name, answer, protocols = [], options]) => ({
  name: `a client gets a response with ${name}`,
  async run({ client: Client }, transcript) {
    const { server, port } = await rawServer((accept, { headers, url }, socket) => {
      const { connection, upgrade, origin, ...others } = headers;
      const fields = Object.entries(others).filter(([key]) =>
        key.startsWith("sec-websocket-") && key !== "sec-websocket-key"
      ).map(([key, value]) => `${key}: ${value}`).sort();
      transcript.add("request", url, connection, upgrade, origin, ...fields);
      socket.end(answer(accept));
    });
    const ws = new Client(`ws://127.0.0.1:${port}/start?q`, protocols, options);
    ws.on("redirect", (url) => transcript.add("client", "redirect", new URL(url).pathname));
    recordEvents(transcript, "client", ws);
    await next(ws, "close");
    server.close();
  },
}));

const more: Scenario[] = [
  {
    name: "follows a redirect",
    async run({ client: Client, server: Server }, transcript) {
      const wss = new Server.WebSocketServer({ noServer: true });
      const server = createServer();
      server.on("upgrade", (request, socket, head) => {
        transcript.add("server", request.url, request.headers.authorization);
        if (request.url === "/start") {
          socket.end("HTTP/1.1 307 Temporary Redirect\r\nLocation: /end\r\n\r\n");
        } else {
          wss.handleUpgrade(request, socket, head, (ws) => ws.close(1000, "there"));
        }
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const ws = new Client(`ws://user:pass%20word@127.0.0.1:${port}/start`, {
        followRedirects: true,
      });
      recordEvents(transcript, "client", ws);
      await next(ws, "close");
      transcript.add("client", new URL(ws.url).pathname);
      server.close();
    },
  },
  {
    name: "is closed while connecting",
    async run({ client: Client }, transcript) {
      for (const end of ["close", "terminate"] as const) {
        const { server, port } = await rawServer(() => {});
        const ws = new Client(`ws://127.0.0.1:${port}/`);
        recordEvents(transcript, end, ws);
        for (const call of [() => ws.send("x"), () => ws.ping(), () => ws.pong()]) {
          try {
            call();
          } catch (error) {
            transcript.add(end, error);
          }
        }
        ws[end]();
        transcript.add(end, ws.readyState);
        await next(ws, "close");
        server.close();
        server.closeAllConnections();
      }
    },
  },
  {
    name: "aborts the opening handshake",
    async run({ client: Client }, transcript) {
      const { server, port } = await rawServer(() => {});
      const ws = new Client(`ws://127.0.0.1:${port}/`, { handshakeTimeout: 50 });
      recordEvents(transcript, "client", ws);
      await next(ws, "close");
      server.close();
      server.closeAllConnections();
    },
  },
  {
    name: "passes an unexpected response to a listener",
    async run({ client: Client }, transcript) {
      const { server, port } = await rawServer((_, __, socket) =>
        socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!")
      );
      const ws = new Client(`ws://127.0.0.1:${port}/`);
      recordEvents(transcript, "client", ws);
      const closed = next(ws, "close");
      ws.on("unexpected-response", (_, response) => {
        transcript.add("client", response.statusCode, ws.readyState);
        response.on("data", (chunk: Buffer) => transcript.add("client", chunk));
        response.on("end", () => ws.terminate());
      });
      await closed;
      server.close();
    },
  },
  {
    name: "rejects invalid arguments",
    run({ client: Client, server: Server }, transcript) {
      const calls: [string, () => unknown][] = [
        ["no URL", () => new Client("x")],
        ["a scheme", () => new Client("ftp://x")],
        ["a fragment", () => new Client("ws://x/#y")],
        ["no path", () => new Client("ws+unix:")],
        ["a version", () => new Client("ws://x", { protocolVersion: 7 })],
        ["a subprotocol", () => new Client("ws://x", "a b")],
        ["subprotocols", () => new Client("ws://x", ["a", "a"])],
        ["no options", () => new Server.WebSocketServer(undefined as never)],
        ["no source", () => new Server.WebSocketServer({})],
        ["two sources", () => new Server.WebSocketServer({ port: 0, noServer: true })],
        ["no address", () => new Server.WebSocketServer({ noServer: true }).address()],
      ];
      for (const [name, call] of calls) {
        try {
          transcript.add(name, call());
        } catch (error) {
          transcript.add(name, error);
        }
      }
      return Promise.resolve();
    },
  },
  {
    name: "shares an HTTP server",
    async run({ client: Client, server: Server }, transcript) {
      const server = createServer((_, response) => response.end("plain"));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const wss = new Server.WebSocketServer({ server, path: "/ws", clientTracking: false });
      let closed: Promise<unknown> | undefined;
      wss.on("connection", (ws) => {
        recordEvents(transcript, "server", ws);
        echo(ws);
        closed = next(ws, "close");
      });
      transcript.add("server", wss.clients, wss.shouldHandle({ url: "/ws?x" } as never));
      const ws = new Client(`ws://127.0.0.1:${port}/ws`);
      recordEvents(transcript, "client", ws);
      ws.on("open", () => ws.send("over it"));
      await next(ws, "message");
      const plain = httpRequest({ port, host: "127.0.0.1", agent: false });
      plain.end();
      const [response] = await once(plain, "response");
      transcript.add("server", response.statusCode);
      response.resume();
      ws.close();
      await next(ws, "close");
      await closed;
      await new Promise<void>((resolve) => wss.close(() => resolve()));
      transcript.add("server", server.listenerCount("upgrade"), server.listening);
      server.close();
    },
  },
  {
    name: "upgrades a socket once",
    async run({ client: Client, server: Server }, transcript) {
      const server = createServer();
      const wss = new Server.WebSocketServer({ noServer: true });
      server.on("upgrade", (request, socket: Duplex, head) => {
        wss.handleUpgrade(request, socket, head, (ws) => {
          try {
            wss.handleUpgrade(request, socket, head, () => {});
          } catch (error) {
            transcript.add("server", error);
          }
          ws.close(1000, "once");
        });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const ws = new Client(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      recordEvents(transcript, "client", ws);
      await next(ws, "close");
      server.close();
    },
  },
  {
    name: "closes a server with open connections",
    async run(implementations, transcript) {
      const meeting = await connectSides(implementations, transcript);
      meeting.wss.on("close", () => transcript.add("server", "closed"));
      const refused = new Promise<void>((resolve) => {
        meeting.wss.close();
        const late = new implementations.client(`ws://127.0.0.1:${meeting.port}/`);
        late.on("error", (error) => {
          transcript.add("late", (error as { code?: string }).code);
          resolve();
        });
      });
      await refused;
      transcript.add("server", "still", meeting.server.readyState);
      meeting.client.close();
      await meeting.finish();
    },
  },
  {
    name: "is a duplex stream",
    async run(implementations, transcript) {
      const meeting = await connectSides(implementations, transcript);
      const stream = implementations.server.createWebSocketStream(meeting.server);
      stream.on("end", () => transcript.add("stream", "end"));
      stream.on("finish", () => transcript.add("stream", "finish"));
      stream.on("close", () => transcript.add("stream", "close"));
      stream.on("data", (chunk: Buffer) => {
        transcript.add("stream", chunk);
        stream.write(chunk.subarray(1));
      });
      for (const text of ["first", "second"]) {
        const answer = next(meeting.client, "message");
        meeting.client.send(text);
        await answer;
      }
      const closed = once(stream, "close");
      stream.end("last");
      await closed;
      await meeting.finish();
    },
  },
  {
    name: "reports an error of a duplex stream",
    async run(implementations, transcript) {
      const meeting = await connectSides(implementations, transcript, {
        client: { maxPayload: 10 },
      });
      const stream = implementations.client.createWebSocketStream(meeting.client, {
        encoding: "utf8",
      });
      stream.on("data", (chunk: string) => transcript.add("stream", chunk));
      stream.on("error", (error) => transcript.add("stream", error));
      const closed = new Promise((resolve) => stream.on("close", () => resolve(undefined)));
      meeting.server.send("short");
      meeting.server.send("much too long for it");
      await closed;
      transcript.add("stream", stream.destroyed);
      await meeting.finish();
    },
  },
  {
    name: "negotiates",
    run({ server: { extension, subprotocol, PerMessageDeflate } }, transcript) {
      const record = (name: string, call: () => unknown): void => {
        try {
          transcript.add(name, JSON.stringify(call()));
        } catch (error) {
          transcript.add(name, (error as Error).name);
        }
      };
      for (const field of ["a", "a;b", "a;b=1;b", 'a;b="1",c', "a;=", "a b", "a;b c"]) {
        record(`extension ${field}`, () => extension.parse(field));
      }
      record(
        "format",
        () => extension.format({ a: { b: true, c: 1 }, d: [{}, { e: ["f", true] }] }),
      );
      for (const field of ["a", "a, b", "a,a", "a;b", "", "a,"]) {
        record(`subprotocol ${field}`, () => [...subprotocol.parse(field)]);
      }
      const optionSets = [
        {},
        { serverNoContextTakeover: true, clientNoContextTakeover: true },
        { serverNoContextTakeover: false, clientNoContextTakeover: false },
        { serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
        { serverMaxWindowBits: false, clientMaxWindowBits: false },
        { clientMaxWindowBits: true },
      ];
      const fields = [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits=12",
      ];
      for (const [i, options] of optionSets.entries()) {
        record(`offer ${i}`, () => new PerMessageDeflate(options).offer());
        for (const field of fields) {
          for (const isServer of [true, false]) {
            record(`accept ${i} ${isServer} ${field}`, () => {
              const offers = extension.parse(field)["permessage-deflate"]!;
              return new PerMessageDeflate({ ...options, isServer }).accept(offers);
            });
          }
        }
      }
      return Promise.resolve();
    },
  },
];

/** All scenarios. */
export const scenarios: readonly Scenario[] = [
  ...sending,
  ...binaryTypes,
  ...closing,
  ...others,
  ...compression,
  ...faults,
  ...clientFaults,
  ...requests,
  ...wsClientErrors,
  ...answers,
  ...more,
];

export type { Implementations };

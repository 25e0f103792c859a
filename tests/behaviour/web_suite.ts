// The classes of the entry `./web`, checked against the WHATWG WebSockets Standard over real
// sockets.

import assert from "node:assert/strict";
import { ConnectionError, HandshakeError, type ServeOptions } from "../../mod.ts";
import {
  CloseEvent,
  install,
  WebSocket,
  WebSocketError,
  type WebSocketOptions,
  WebSocketStream,
  type WebSocketStreamOptions,
} from "../../src/web.ts";
import { Deferred, type Live, liveCases, Queue } from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import { BINARY, CLOSE, closePayload, TEXT, utf8 } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const ECHO: ServeOptions = { message: (conn, data) => void conn.send(data) };

/** Queues the events of a socket. */
class RecordedSocket {
  readonly socket: WebSocket;
  readonly events = new Queue<Event>();

  constructor(t: Live, url: string, protocols?: string | string[] | WebSocketOptions) {
    this.socket = new WebSocket(url, protocols);
    for (const type of ["open", "message", "error", "close"]) {
      this.socket.addEventListener(type, this.events.push);
    }
    t.context.after(async () => {
      if (this.socket.readyState < WebSocket.CLOSING) this.socket.close();
      await this.closed();
    });
  }

  /** Returns the next event, which must be of this type. */
  async next(type: string): Promise<Event> {
    const event = await this.events.next();
    assert.equal(event.type, type);
    return event;
  }

  async message(): Promise<MessageEvent> {
    return await this.next("message") as MessageEvent;
  }

  async close(): Promise<[wasClean: boolean, code: number, reason: string]> {
    const event = await this.next("close");
    assert.ok(event instanceof CloseEvent);
    return [event.wasClean, event.code, event.reason];
  }

  /** Waits until the socket is closed, ignoring other events. */
  async closed(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    await new Promise((resolve) => this.socket.addEventListener("close", resolve));
  }
}

/** Opens a socket to a server that the test drives. */
async function openClient(
  t: Live,
  protocols?: string | string[] | WebSocketOptions,
  ...answer: string[]
): Promise<{ watched: RecordedSocket; socket: WebSocket; peer: RawSocket; request: string }> {
  const server = await t.rawServer();
  const watched = new RecordedSocket(t, server.url, protocols);
  const peer = await server.accept();
  t.context.after(() => peer.destroy());
  const request = await peer.acceptUpgrade(answer);
  await watched.next("open");
  return { watched, socket: watched.socket, peer, request };
}

/** Opens a stream to a server that the test drives. */
async function reachStream(t: Live, options?: WebSocketStreamOptions): Promise<
  & { stream: WebSocketStream; peer: RawSocket }
  & Awaited<WebSocketStream["opened"]>
> {
  const server = await t.rawServer();
  const stream = new WebSocketStream(server.url, options);
  const peer = await server.accept();
  await peer.acceptUpgrade();
  return { stream, peer, ...await stream.opened };
}

/** Returns the name of the error that a function throws. */
function thrown(run: () => void): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DOMException || error instanceof TypeError, String(error));
    return error.name;
  }
  return "nothing";
}

const bytes = Uint8Array.of.bind(Uint8Array);

/** Waits for one turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

const constructorCases = liveCases({
  "the URL is mapped to ws: and wss:, and kept with its user information": async (t) => {
    const server = await t.serve(ECHO);
    const watched = new RecordedSocket(t, server.url.replace("ws:", "http:"));
    assert.equal(watched.socket.url, server.url);
    await watched.next("open");
    const withUser = new RecordedSocket(t, server.url.replace("//", "//ada:love@"));
    assert.equal(withUser.socket.url, server.url.replace("//", "//ada:love@"));
    await withUser.next("open");
  },

  "throws a SyntaxError for an invalid URL or subprotocol": async () => {
    const urls = [
      "",
      "//x",
      "ftp://a.example/",
      "ws://a b/",
      "ws://a.example/#",
      "ws://a.example/#b",
    ];
    for (const url of urls) assert.equal(thrown(() => new WebSocket(url)), "SyntaxError", url);
    for (const protocols of ["", "a b", "a,b", "\u00e9", ["a", "a"], ["a", "A"]]) {
      const make = (): unknown => new WebSocket("ws://a.example/", protocols);
      assert.equal(thrown(make), "SyntaxError", String(protocols));
    }
    await Promise.resolve();
  },

  "throws a TypeError for arguments of the wrong type": async () => {
    const Untyped = WebSocket as unknown as new (...values: unknown[]) => WebSocket;
    assert.equal(thrown(() => new Untyped()), "TypeError");
    assert.equal(thrown(() => new Untyped(Symbol("url"))), "TypeError");
    for (
      const options of [
        { onlyTypo: 1 },
        { headers: 1 },
        { headers: { "X-A": "line\nbreak" } },
        { headers: { Upgrade: "h2c" } },
        { message: () => {} },
        { targetAddressSpace: "private" },
        { tls: { ca: "x" } },
      ]
    ) {
      assert.equal(thrown(() => new Untyped("ws://a.example/", options)), "TypeError");
      assert.equal(thrown(() => new Untyped("ws://a.example/", [], options)), "TypeError");
    }
    await Promise.resolve();
  },

  "ignores a third argument that is not an object": async (t) => {
    const server = await t.serve(ECHO);
    const Untyped = WebSocket as unknown as new (...values: unknown[]) => WebSocket;
    const socket = new Untyped(server.url, [], "stray");
    await new Promise((resolve) => socket.onopen = resolve);
    socket.close();
    await new Promise((resolve) => socket.onclose = resolve);
  },

  "protocols may be a string, a list or a member of the options": async (t) => {
    const server = await t.serve({ subprotocols: ["v2", "v1"] });
    for (const given of ["v1", ["v1"], { protocols: "v1" }, { protocols: new Set(["v1"]) }]) {
      const watched = new RecordedSocket(t, server.url, given as string);
      assert.equal(watched.socket.protocol, "");
      await watched.next("open");
      assert.equal(watched.socket.protocol, "v1");
    }
  },

  "accepts quickws's options in the second or the third argument": async (t) => {
    const requests = new Queue<string | null>();
    const server = await t.serve({
      upgrade: (request) => requests.push(request.headers.get("x-who")),
    });
    const bag = new RecordedSocket(t, server.url, { headers: { "X-Who": "bag" } });
    await bag.next("open");
    const third = new WebSocket(server.url, [], { headers: { "X-Who": "third" } });
    await new Promise((resolve) => third.onopen = resolve);
    third.close();
    await new Promise((resolve) => third.onclose = resolve);
    assert.deepEqual(requests.all, ["bag", "third"]);
  },

  "accepts TLS options as an extension, such as a private authority": async (t) => {
    const { cert, key, ca } = t.context.fixtures.certificates;
    const server = await t.serve({ ...ECHO, tls: { cert, key } });
    const trusted = new RecordedSocket(t, server.url, { tls: { caCerts: [ca] } });
    await trusted.next("open");
    trusted.socket.send("over TLS");
    const { data, origin } = await trusted.message();
    assert.deepEqual([data, `${origin}/`], ["over TLS", server.url]);
    const distrusted = new RecordedSocket(t, server.url);
    await distrusted.next("error");
    assert.deepEqual(await distrusted.close(), [false, 1006, ""]);
  },

  "targetAddressSpace rejects servers in other address spaces": async (t) => {
    const server = await t.serve(ECHO);
    const near = new RecordedSocket(t, server.url, { targetAddressSpace: "loopback" });
    await near.next("open");
    const far = new RecordedSocket(t, server.url, { targetAddressSpace: "public" });
    await far.next("error");
    assert.deepEqual(await far.close(), [false, 1006, ""]);
  },

  "offers and uses compression unless disabled": async (t) => {
    const server = await t.serve({ ...ECHO, compression: true });
    const watched = new RecordedSocket(t, server.url);
    await watched.next("open");
    assert.match(watched.socket.extensions, /^permessage-deflate/);
    watched.socket.send("long ".repeat(1000));
    assert.equal((await watched.message()).data, "long ".repeat(1000));
    const plain = new RecordedSocket(t, server.url, { compression: false });
    await plain.next("open");
    assert.equal(plain.socket.extensions, "");
  },

  "the class and its objects have read-only constants": async () => {
    const names = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"] as const;
    for (const [value, name] of names.entries()) {
      for (const place of [WebSocket, WebSocket.prototype]) {
        assert.equal(place[name], value);
        const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(
          place,
          name,
        )!;
        assert.deepEqual([writable, enumerable, configurable], [false, true, false]);
      }
    }
    await Promise.resolve();
  },
});

const eventCases = liveCases({
  "open, message and close are events of their classes, in order": async (t) => {
    const server = await t.serve({
      open: (conn) => {
        conn.send("text");
        conn.send(bytes(1, 2, 3));
        conn.close(4001, "enough");
      },
    });
    const watched = new RecordedSocket(t, server.url);
    const opened = await watched.next("open");
    assert.equal(String(opened), "[object Event]");
    const text = await watched.message();
    assert.equal(String(text), "[object MessageEvent]");
    assert.deepEqual([text.data, `${text.origin}/`], ["text", server.url]);
    const { data } = await watched.message();
    assert.ok(data instanceof Blob);
    assert.deepEqual(new Uint8Array(await data.arrayBuffer()), bytes(1, 2, 3));
    assert.deepEqual(await watched.close(), [true, 4001, "enough"]);
    assert.equal(watched.socket.readyState, WebSocket.CLOSED);
  },

  "delivers each message of one chunk in a separate task": async (t) => {
    const { watched, socket, peer } = await openClient(t);
    const order: string[] = [];
    socket.onmessage = ({ data }) => {
      order.push(data);
      Promise.resolve().then(() => 0).then(() => order.push(`after ${data}`));
    };
    peer.send({ opcode: TEXT, payload: utf8("a") }, {
      opcode: TEXT,
      payload: utf8("b"),
    });
    await watched.message();
    await watched.message();
    await turn();
    assert.deepEqual(order, ["a", "after a", "b", "after b"]);
  },

  "applies binaryType when the event fires, and accepts only its two values": async (t) => {
    const { watched, socket, peer } = await openClient(t);
    assert.equal(socket.binaryType, "blob");
    (socket as { binaryType: string }).binaryType = "uint8array";
    assert.equal(socket.binaryType, "blob");
    socket.onmessage = () => socket.binaryType = "arraybuffer";
    const frame = { opcode: BINARY, payload: bytes(7, 8) };
    peer.send(frame, frame);
    assert.ok((await watched.message()).data instanceof Blob);
    const { data } = await watched.message();
    assert.deepEqual(new Uint8Array(data), bytes(7, 8));
    assert.equal(data.byteLength, 2, "the buffer contains only the message");
  },

  "fires no message after close()": async (t) => {
    const { watched, socket, peer } = await openClient(t);
    const frame = { opcode: TEXT, payload: utf8("x") };
    socket.onmessage = () => socket.close();
    peer.send(frame, frame, frame);
    await watched.message();
    assert.equal(socket.readyState, WebSocket.CLOSING);
    const { opcode } = (await peer.frame())!;
    assert.equal(opcode, CLOSE);
    peer.send({ opcode: CLOSE });
    peer.end();
    assert.deepEqual(await watched.close(), [true, 1005, ""]);
  },

  "the state becomes closing once the messages before the peer's Close frame are delivered": async (
    t,
  ) => {
    const { watched, socket, peer } = await openClient(t);
    const states: number[] = [];
    socket.onmessage = () => states.push(socket.readyState);
    const frame = { opcode: TEXT, payload: utf8("x") };
    peer.send(frame, frame, { opcode: CLOSE, payload: closePayload(1000) });
    assert.equal((await peer.frame())!.opcode, CLOSE);
    await watched.message();
    await watched.message();
    assert.deepEqual(states, [WebSocket.OPEN, WebSocket.OPEN]);
    await turn();
    assert.equal(socket.readyState, WebSocket.CLOSING);
    peer.end();
    assert.deepEqual(await watched.close(), [true, 1000, ""]);
  },

  "handlers keep their position when replaced, and lose it when set to null": async (t) => {
    const { watched, socket, peer } = await openClient(t);
    const order: string[] = [];
    socket.onmessage = () => order.push("never");
    socket.addEventListener("message", () => order.push("listener"));
    socket.onmessage = () => order.push("handler");
    const frame = { opcode: TEXT, payload: utf8("x") };
    peer.send(frame);
    await watched.message();
    socket.onmessage = null;
    socket.onmessage = () => order.push("last");
    peer.send(frame);
    await watched.message();
    await turn();
    assert.deepEqual(order, ["handler", "listener", "listener", "last"]);
  },

  "a handler is an object or null; an object that is not a function is not called": async (t) => {
    const { socket } = await openClient(t);
    const untyped = socket as unknown as { onerror: unknown };
    assert.equal(untyped.onerror, null);
    const object = { handleEvent: () => assert.fail("called") };
    untyped.onerror = object;
    assert.equal(untyped.onerror, object);
    socket.dispatchEvent(new Event("error"));
    untyped.onerror = 5;
    assert.equal(untyped.onerror, null);
  },

  "does not reveal the cause of a failure": async (t) => {
    const raw = await t.rawServer();
    const endings = new Queue<[string, ...unknown[]]>();
    const watch = async (name: string, url: string, protocols?: string[]): Promise<void> => {
      const watched = new RecordedSocket(t, url, protocols);
      const error = await watched.next("error");
      assert.equal(String(error), "[object Event]");
      assert.deepEqual(Object.keys(error).filter((key) => key !== "isTrusted"), []);
      endings.push([name, ...await watched.close()]);
    };
    const answer = async (text: string): Promise<void> => {
      const peer = await raw.accept();
      await peer.head();
      peer.send(text);
      peer.end();
    };
    const chosen = async (line: string): Promise<void> => {
      const peer = await raw.accept();
      await peer.acceptUpgrade([line]);
    };
    const refused = await t.rawServer();
    const { url } = refused;
    refused.close();
    await watch("refused", url);
    await watch("blocked port", "ws://127.0.0.1:22/");
    await Promise.all([answer("HTTP/1.1 404 Not Found\r\n\r\n"), watch("404", raw.url)]);
    await Promise.all([answer("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"), watch("302", raw.url)]);
    await Promise.all([answer("no HTTP"), watch("no HTTP", raw.url)]);
    await Promise.all([chosen("X-Y: z"), watch("no subprotocol", raw.url, ["a"])]);
    await Promise.all([chosen("Sec-WebSocket-Protocol: b"), watch("another", raw.url, ["a"])]);
    await Promise.all([chosen("Sec-WebSocket-Extensions: x"), watch("an extension", raw.url)]);
    const { watched, peer } = await openClient(t);
    peer.destroy();
    await watched.next("error");
    endings.push(["cut", ...await watched.close()]);
    for (const [name, ...ending] of endings.all) assert.deepEqual(ending, [false, 1006, ""], name);
  },

  "calls the option onError with the cause before the events": async (t) => {
    const raw = await t.rawServer();
    const order = new Queue<unknown>();
    const fail = async (url: string, answer?: string, protocols?: string[]): Promise<unknown> => {
      const socket = new WebSocket(url, protocols, { onError: order.push });
      socket.onerror = () => order.push("error");
      const closed = new Promise((resolve) => socket.onclose = resolve);
      if (answer !== undefined) {
        const peer = await raw.accept();
        if (answer === "101") await peer.acceptUpgrade();
        else {
          await peer.head();
          peer.send(answer);
          peer.end();
        }
      }
      await closed;
      const cause = await order.next();
      assert.equal(await order.next(), "error");
      return cause;
    };
    const refused = await fail(raw.url, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert.ok(refused instanceof HandshakeError && refused.status === 403);
    const missing = await fail(raw.url, "101", ["chat"]);
    assert.ok(missing instanceof HandshakeError);
    assert.match(missing.message, /none of the subprotocols offered \(chat\)/);
    const blocked = await fail("ws://127.0.0.1:25/");
    assert.ok(blocked instanceof ConnectionError);
    assert.match(blocked.message, /port 25/);
    const watched = new RecordedSocket(t, raw.url, { onError: order.push });
    watched.socket.close();
    await watched.closed();
    assert.equal(order.all.length, 6, "an abort is not an error");
  },

  "protocol errors fail the connection without details for the script": async (t) => {
    const { watched, peer } = await openClient(t);
    peer.send({ opcode: 3 });
    assert.deepEqual((await peer.frame())!.payload.subarray(0, 2), closePayload(1002));
    peer.end();
    await watched.next("error");
    assert.deepEqual(await watched.close(), [false, 1006, ""]);
  },

  "signal aborts the opening handshake, and has no effect on an open connection": async (t) => {
    const server = await t.rawServer();
    const giveUp = new AbortController();
    const watched = new RecordedSocket(t, server.url, { signal: giveUp.signal });
    await server.accept();
    giveUp.abort();
    await watched.next("error");
    assert.deepEqual(await watched.close(), [false, 1006, ""]);
    const late = new AbortController();
    const open = await openClient(t, { signal: late.signal });
    late.abort();
    open.peer.send({ opcode: TEXT, payload: utf8("still open") });
    assert.equal((await open.watched.message()).data, "still open");
  },
});

const closeCases = liveCases({
  "close() without arguments sends a Close frame without a body": async (t) => {
    const { watched, socket, peer } = await openClient(t);
    socket.close(undefined, undefined);
    assert.equal(socket.readyState, WebSocket.CLOSING);
    const { opcode, payload } = (await peer.frame())!;
    assert.deepEqual([opcode, payload.length], [CLOSE, 0]);
    peer.send({ opcode: CLOSE, payload: closePayload(3000, "back") });
    peer.end();
    assert.deepEqual(await watched.close(), [true, 3000, "back"]);
  },

  "close sends code and reason, with lone surrogates replaced; a reason alone is sent with 1000":
    async (
      t,
    ) => {
      const wrong = "\ud800";
      for (
        const [code, reason, sent] of [
          [4000, "bye", closePayload(4000, "bye")],
          [1000, wrong, closePayload(1000, "\ufffd")],
          [undefined, "bye", closePayload(1000, "bye")],
          // [Clamp] rounds to the nearest integer.
          [3000.4, undefined, closePayload(3000)],
        ] as const
      ) {
        const { socket, peer } = await openClient(t);
        socket.close(code, reason);
        assert.deepEqual((await peer.frame())!.payload, sent);
        peer.end();
      }
    },

  "close validates its arguments in every state": async (t) => {
    const server = await t.serve(ECHO);
    const watched = new RecordedSocket(t, server.url);
    const { socket } = watched;
    const check = (): void => {
      const codes: unknown[] = [0, 999, 1001, 1005, 2999, 5000, null, "no", 65536 + 1000];
      for (const code of codes) {
        assert.equal(thrown(() => socket.close(code as number)), "InvalidAccessError", `${code}`);
      }
      assert.equal(thrown(() => socket.close(1000, "\u00e9".repeat(62))), "SyntaxError");
    };
    check();
    await watched.next("open");
    check();
    socket.close(1000, "\u00e9".repeat(61));
    check();
    assert.deepEqual(await watched.close(), [true, 1000, ""]);
    check();
    socket.close();
  },

  "close while connecting fails the connection, in a later task": async (t) => {
    const server = await t.rawServer();
    const watched = new RecordedSocket(t, server.url);
    watched.socket.close();
    assert.equal(watched.socket.readyState, WebSocket.CLOSING);
    assert.deepEqual(watched.events.all, []);
    await watched.next("error");
    assert.deepEqual(await watched.close(), [false, 1006, ""]);
  },

  "messages sent before close, including Blobs, are sent before the Close frame": async (t) => {
    const { watched, socket, peer } = await openClient(t, { compression: false });
    socket.send(new Blob(["blob"]));
    socket.send("text");
    const view = bytes(1);
    socket.send(view);
    view[0] = 2;
    socket.send(new Blob([]));
    socket.close(1000);
    const frames = await peer.frames(5);
    assert.deepEqual(
      frames.map(({ opcode, payload }) => [opcode, new TextDecoder().decode(payload)]),
      [
        [BINARY, "blob"],
        [TEXT, "text"],
        [BINARY, "\x01"],
        [BINARY, ""],
        [CLOSE, "\x03\xe8".replace("\xe8", "\ufffd")],
      ],
    );
    peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    peer.end();
    assert.deepEqual(await watched.close(), [true, 1000, ""]);
  },

  "a peer that does not answer Close causes an unclean close without an error event": async (t) => {
    const { watched, socket, peer } = await openClient(t, { closeTimeout: 20 });
    socket.close(1000);
    assert.equal((await peer.frame())!.opcode, CLOSE);
    assert.deepEqual(await watched.close(), [false, 1006, ""]);
  },

  "a Close frame with an illegal reason fails the connection": async (t) => {
    const { watched, peer } = await openClient(t);
    peer.send({ opcode: CLOSE, payload: bytes(0x03, 0xe8, 0xff) });
    await peer.frame();
    peer.end();
    await watched.next("error");
    assert.deepEqual(await watched.close(), [false, 1006, ""]);
  },
});

const sendCases = liveCases({
  "replies of any type to a burst of messages keep their order and are sent before Close": async (
    t,
  ) => {
    const { watched, socket, peer } = await openClient(t, { compression: false });
    const count = 200;
    let answered = 0;
    socket.onmessage = async ({ data }) => {
      socket.send(`${data} at once`);
      if (answered % 7 === 0) socket.send(new Blob([`${data} blob`]));
      if (answered % 5 === 0) socket.send(new Uint8Array(2000));
      const scratch = bytes(answered);
      socket.send(scratch);
      scratch[0] = 255;
      await Promise.resolve();
      socket.send(`${data} later`);
      if (++answered === count) socket.close(1000);
    };
    const numbers = Array.from({ length: count }, (_, index) => index);
    peer.send(...numbers.map((number) => ({ opcode: TEXT, payload: `${number}` })));
    for (const number of numbers) {
      const expected: Array<string | Uint8Array> = [`${number} at once`];
      if (number % 7 === 0) expected.push(utf8(`${number} blob`));
      if (number % 5 === 0) expected.push(new Uint8Array(2000));
      expected.push(bytes(number), `${number} later`);
      for (const message of expected) {
        const { opcode, payload } = (await peer.frame())!;
        assert.equal(opcode, typeof message === "string" ? TEXT : BINARY);
        const content = typeof message === "string" ? utf8(message) : message;
        assert.deepEqual(payload, content, `message ${number}`);
      }
    }
    assert.deepEqual((await peer.frame())!.payload, closePayload(1000));
    while (socket.bufferedAmount > 0) await turn();
    peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    peer.end();
    await watched.closed();
  },

  "send accepts strings, buffers, views and Blobs, and converts other values to strings": async (
    t,
  ) => {
    const { socket, peer } = await openClient(t, { compression: false });
    const buffer = bytes(1, 2, 3, 4).buffer;
    const untyped = socket as unknown as { send(value: unknown): void };
    const values: Array<[unknown, number, Uint8Array]> = [
      ["a\ud800b", TEXT, utf8("a\ufffdb")],
      [buffer, BINARY, bytes(1, 2, 3, 4)],
      [new DataView(buffer, 1, 2), BINARY, bytes(2, 3)],
      [new Uint16Array(buffer, 2, 1), BINARY, bytes(3, 4)],
      [new Blob(["xy"]), BINARY, utf8("xy")],
      [null, TEXT, utf8("null")],
      [5, TEXT, utf8("5")],
      [["a", "b"], TEXT, utf8("a,b")],
    ];
    for (const [value] of values) untyped.send(value);
    for (const [value, opcode, payload] of values) {
      const frame = (await peer.frame())!;
      assert.deepEqual([frame.opcode, frame.payload], [opcode, payload], String(value));
    }
  },

  "send rejects shared memory and symbols, and any data while connecting": async (t) => {
    const server = await t.serve(ECHO);
    const watched = new RecordedSocket(t, server.url);
    const untyped = watched.socket as unknown as { send(...values: unknown[]): void };
    assert.equal(thrown(() => untyped.send("x")), "InvalidStateError");
    assert.equal(thrown(() => untyped.send()), "TypeError");
    assert.equal(thrown(() => untyped.send(Symbol("x"))), "TypeError");
    const shared = new Uint8Array(new SharedArrayBuffer(1));
    assert.equal(thrown(() => untyped.send(shared)), "TypeError");
    await watched.next("open");
  },

  "bufferedAmount counts payload bytes, and only falls between tasks": async (t) => {
    const { watched, socket, peer } = await openClient(t, { compression: false });
    socket.send("\u00e9\u20ac\u{1f600}\udc00");
    assert.equal(socket.bufferedAmount, 12);
    socket.send(new Uint8Array(100));
    socket.send(new Blob(["1234"]));
    assert.equal(socket.bufferedAmount, 116);
    await Promise.resolve();
    assert.equal(socket.bufferedAmount, 116);
    while (socket.bufferedAmount > 0) await turn();
    assert.equal((await peer.frames(3)).length, 3);
    peer.end();
    await watched.closed();
  },

  "bufferedAmount grows when the connection is closing or closed, and never falls": async (t) => {
    const server = await t.serve(ECHO);
    const watched = new RecordedSocket(t, server.url);
    const { socket } = watched;
    await watched.next("open");
    socket.close();
    socket.send("123");
    assert.equal(socket.bufferedAmount, 3);
    await watched.close();
    socket.send(new Uint8Array(4));
    socket.send(new Blob(["12345"]));
    await turn();
    assert.equal(socket.bufferedAmount, 12);
  },
});

const streamCases = liveCases({
  "transfers strings and bytes in both directions": async (t) => {
    const server = await t.serve({ ...ECHO, subprotocols: ["v1"] });
    const stream = new WebSocketStream(server.url, { protocols: ["v1"] });
    assert.equal(stream.url, server.url);
    const { readable, writable, protocol, extensions } = await stream.opened;
    assert.deepEqual([protocol, extensions], ["v1", ""]);
    const writer = writable.getWriter();
    const reader = readable.getReader();
    await writer.write("text");
    assert.equal((await reader.read()).value, "text");
    await writer.write(bytes(1, 2));
    const { value } = await reader.read();
    assert.ok(value instanceof Uint8Array);
    assert.deepEqual([value, value.buffer.byteLength], [bytes(1, 2), 2]);
    stream.close({ closeCode: 4000, reason: "done" });
    assert.deepEqual(await stream.closed, { closeCode: 4000, reason: "" });
    assert.equal((await reader.read()).done, true);
    const late = await writer.write("late").catch((error: unknown) => error);
    assert.ok(late instanceof DOMException && late.name === "InvalidStateError", String(late));
  },

  "closing, aborting or canceling a stream closes the connection": async (t) => {
    const wanted = new WebSocketError("left", { closeCode: 4002, reason: "left" });
    const endings: Array<[(info: Awaited<WebSocketStream["opened"]>) => unknown, Uint8Array]> = [
      [({ writable }) => writable.close(), bytes()],
      [({ writable }) => writable.abort(), bytes()],
      [({ readable }) => readable.cancel({ closeCode: 4002 }), bytes()],
      [({ writable }) => writable.abort(wanted), closePayload(4002, "left")],
      [({ readable }) => readable.cancel(wanted), closePayload(4002, "left")],
    ];
    for (const [end, payload] of endings) {
      const { stream, peer, ...info } = await reachStream(t);
      end(info);
      assert.deepEqual((await peer.frame())!.payload, payload);
      peer.send({ opcode: CLOSE, payload });
      peer.end();
      const expected = payload.length > 0 ? [4002, "left"] : [1005, ""];
      const { closeCode, reason } = await stream.closed;
      assert.deepEqual([closeCode, reason], expected);
    }
  },

  "an unclean close produces the same WebSocketError everywhere": async (t) => {
    const { stream, peer, readable, writable } = await reachStream(t);
    peer.destroy();
    const error = await stream.closed.catch((error: unknown) => error);
    assert.ok(error instanceof WebSocketError);
    assert.deepEqual([error.name, error.closeCode, error.reason], ["WebSocketError", 1006, ""]);
    assert.equal(await readable.getReader().read().catch((error: unknown) => error), error);
    assert.equal(await writable.getWriter().closed.catch((error: unknown) => error), error);
  },

  "a connection that cannot be opened rejects both promises": async (t) => {
    const server = await t.rawServer();
    const { url } = server;
    server.close();
    const stream = new WebSocketStream(url);
    const opened = await stream.opened.catch((error: unknown) => error);
    assert.ok(opened instanceof WebSocketError);
    assert.equal(await stream.closed.catch((error: unknown) => error), opened);
  },

  "signal rejects with its reason, before and during the handshake": async (t) => {
    const server = await t.rawServer();
    const reason = new Error("changed my mind");
    const aborted = new WebSocketStream(server.url, { signal: AbortSignal.abort(reason) });
    assert.equal(await aborted.opened.catch((error: unknown) => error), reason);
    const giveUp = new AbortController();
    const stream = new WebSocketStream(server.url, { signal: giveUp.signal });
    await server.accept();
    assert.equal(server.sockets.length, 1, "an aborted signal opens no connection");
    giveUp.abort(reason);
    assert.equal(await stream.opened.catch((error: unknown) => error), reason);
    assert.equal(await stream.closed.catch((error: unknown) => error), reason);
  },

  "a slow peer applies backpressure to the writer": async (t) => {
    const { peer, writable, stream } = await reachStream(t, { compression: false });
    peer.pause();
    const writer = writable.getWriter();
    const size = 32 << 20;
    let written = false;
    const writing = writer.write(new Uint8Array(size)).then(() => void (written = true));
    await turn();
    assert.equal(written, false);
    peer.discards = true;
    peer.resume();
    await writing;
    await peer.until(() => peer.received >= size);
    peer.destroy();
    await stream.closed.catch(() => {});
  },

  "a slow reader applies backpressure to the peer": async (t) => {
    const received = new Deferred<void>();
    const size = 1 << 20;
    const count = 64;
    let sent = 0;
    const server = await t.serve({
      maxBufferedAmount: 128 << 20,
      open: async (conn) => {
        for (; sent < count; sent++) {
          conn.send(new Uint8Array(size));
          await conn.drained();
        }
        received.resolve();
      },
    });
    const stream = new WebSocketStream(server.url, { compression: false });
    const reader = (await stream.opened).readable.getReader();
    await reader.read();
    for (let turns = 0; turns < 100; turns++) await turn();
    assert.ok(sent < count, `${sent} messages were sent to a reader that read one`);
    for (let taken = 1; taken < count; taken++) {
      assert.equal((await reader.read()).value?.length, size);
    }
    await received.promise;
    stream.close();
    await stream.closed;
  },

  "a Close frame in the middle of a write is not clean": async (t) => {
    const { stream, peer, writable } = await reachStream(t, { compression: false });
    peer.pause();
    const writing = writable.getWriter().write(new Uint8Array(32 << 20));
    const failed = writing.catch((error: unknown) => error);
    peer.send({ opcode: CLOSE, payload: closePayload(4567, "no more") });
    await turn();
    peer.discards = true;
    peer.resume();
    await peer.until(() => peer.received >= 32 << 20);
    peer.end();
    const error = await stream.closed.catch((error: unknown) => error);
    assert.ok(error instanceof WebSocketError, String(error));
    assert.deepEqual([error.closeCode, error.reason], [4567, "no more"]);
    const interrupted = await failed;
    assert.ok(interrupted instanceof DOMException);
    assert.equal(interrupted.name, "InvalidStateError");
  },

  "a write interrupted by the end of the stream fails with the connection's error": async (
    t,
  ) => {
    const { stream, peer, writable } = await reachStream(t, { compression: false });
    peer.pause();
    const writing = writable.getWriter().write(new Uint8Array(32 << 20));
    const failed = writing.catch((error: unknown) => error);
    await turn();
    peer.destroy();
    const error = await stream.closed.catch((error: unknown) => error);
    assert.ok(error instanceof WebSocketError, String(error));
    assert.equal(error.closeCode, 1006);
    assert.equal(await failed, error);
  },

  "checks arguments immediately": async () => {
    const Untyped = WebSocketStream as unknown as new (...values: unknown[]) => WebSocketStream;
    const url = "ws://a.example/";
    assert.equal(thrown(() => new Untyped()), "TypeError");
    assert.equal(thrown(() => new Untyped("invalid:")), "SyntaxError");
    assert.equal(thrown(() => new Untyped(url, true)), "TypeError");
    assert.equal(thrown(() => new Untyped(url, { protocols: "v1" })), "TypeError");
    assert.equal(thrown(() => new Untyped(url, { protocols: ["a", "a"] })), "SyntaxError");
    assert.equal(thrown(() => new Untyped(url, { signal: 1 })), "TypeError");
    await Promise.resolve();
  },
});

const globalCases = liveCases({
  "install sets the globals and returns a function that restores them": async () => {
    const names = ["WebSocket", "CloseEvent", "WebSocketStream", "WebSocketError"] as const;
    const scope = globalThis as unknown as Record<string, unknown>;
    const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
    const undo = install();
    assert.deepEqual(names.map((name) => scope[name]), [
      WebSocket,
      CloseEvent,
      WebSocketStream,
      WebSocketError,
    ]);
    undo();
    undo();
    const after = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
    assert.deepEqual(after, before);
    await Promise.resolve();
  },

  "restoring keeps a global that was replaced in the meantime": async () => {
    const target: Record<string, unknown> = { WebSocket: 1 };
    const undo = install(target);
    target.WebSocket = 2;
    undo();
    assert.equal(target.WebSocket, 2);
    await Promise.resolve();
  },

  "a page's location is the base of URLs and the origin of requests": async (t) => {
    const before = Object.getOwnPropertyDescriptor(globalThis, "location");
    t.context.after(() => {
      if (before !== undefined) Object.defineProperty(globalThis, "location", before);
      else Reflect.deleteProperty(globalThis, "location");
    });
    const server = await t.rawServer();
    const page = server.url.replace("ws:", "http:");
    Object.defineProperty(globalThis, "location", {
      value: new URL("a/b", page),
      configurable: true,
    });
    const watched = new RecordedSocket(t, "c?d");
    assert.equal(watched.socket.url, `${server.url}a/c?d`);
    const peer = await server.accept();
    const request = await peer.acceptUpgrade();
    assert.match(request, new RegExp(`\r\nOrigin: ${page.slice(0, -1)}\r\n`));
    await watched.next("open");
    peer.destroy();
  },
});

export const cases: Cases = {
  ...constructorCases,
  ...eventCases,
  ...closeCases,
  ...sendCases,
  ...streamCases,
  ...globalCases,
};

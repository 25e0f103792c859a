// Common user mistakes. The errors must contain the value, the cause and a fix, in the same words
// on every runtime, and no secrets.

import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { existsSync, linkSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { Buffer } from "node:buffer";
import {
  type CloseInfo,
  connect,
  ConnectionError,
  type ConnectOptions,
  HandshakeError,
  Opcode,
  serve,
  type ServeOptions,
  type Transport,
  WebSocketError,
} from "../../mod.ts";
import { makeCertificates } from "../support/certificates.ts";
import { type Live, liveCases, Queue } from "../support/live_harness.ts";
import type { Cases } from "./harness.ts";

/** Returns the reason of a rejected promise. */
async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof Error, "no error");
  return error;
}

/** Checks an error's class, code and message. */
function assertError(
  error: Error,
  kind: new (...args: never[]) => Error,
  code: string | undefined,
  ...words: RegExp[]
): void {
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  assert.equal((error as { code?: string }).code, code);
  for (const word of words) assert.match(error.message, word);
}

/** Starts a TLS server with an untrusted certificate, and returns its URL. */
async function selfSigned(t: Live): Promise<string> {
  const { cert, key } = t.context.fixtures.certificates;
  return (await t.serve({ tls: { cert, key } })).url;
}

const closeCases = liveCases({
  "close rejects an invalid code or a long reason, and the error has the value": async (t) => {
    const { near } = await t.pair();
    const reconnecting = await t.connectReconnecting(near.url, { reconnect: true });
    const wrong: [code: unknown, reason: unknown, kind: typeof TypeError, message: RegExp][] = [
      ["1000", "", TypeError, /the code must be an integer .*1000-1003.*3000-4999, got "1000"$/],
      [1000.5, "", TypeError, /the code must be an integer .*, got 1000\.5$/],
      [NaN, "", TypeError, /got NaN$/],
      [null, "", TypeError, /got null$/],
      [1000n, "", TypeError, /got 1000$/],
      [Symbol("1000"), "", TypeError, /got a symbol$/],
      [Object.create(null), "", TypeError, /got an object$/],
      [1005, "", RangeError, /3000-4999, got 1005$/],
      [1006, "", RangeError, /got 1006$/],
      [65_536 + 1000, "", RangeError, /got 66536$/],
      [-1, "", RangeError, /got -1$/],
      [1000, 5, TypeError, /the reason must be a string, got 5$/],
      [1000, null, TypeError, /the reason must be a string, got null$/],
      [1000, new Uint8Array(2), TypeError, /the reason must be a string, got an object$/],
      [1000, "\u20ac".repeat(42), RangeError, /at most 123 bytes of UTF-8, got 126$/],
    ];
    for (const conn of [near, reconnecting]) {
      for (const [code, reason, kind, message] of wrong) {
        const close = (): void => conn.close(code as number, reason as string);
        assert.throws(close, (error: Error) => {
          assertError(error, kind, undefined, /^Cannot close: /, message);
          return true;
        });
        assert.equal(conn.readyState, "open");
      }
      conn.close(1000, "\u20ac".repeat(41));
      assert.equal((await conn.closed).clean, true);
    }
  },
});

const tlsCases = liveCases({
  "the error for an unreadable TLS certificate or key names it without its content": async (t) => {
    const { cert, key } = t.context.fixtures.certificates;
    const other = makeCertificates().key;
    const wrong: [tls: NonNullable<ServeOptions["tls"]>, message: RegExp][] = [
      [
        { cert: "garbage", key },
        /^Option "tls\.cert" must be a certificate in PEM form, .* got a text of 7 char/,
      ],
      [
        { cert: "", key },
        /^Option "tls\.cert" must be a certificate in PEM form, .* got a text of 0 char/,
      ],
      [
        { cert, key: "garbage" },
        /^Option "tls\.key" must be a private key in PEM form .* got a text of 7 char/,
      ],
      [{ cert: key, key: cert }, /^Option "tls\.cert" must be .*, got a private key$/],
      [{ cert, key: cert }, /^Option "tls\.key" must be .*, got a certificate$/],
      [
        { cert: "./cert.pem", key },
        /got "\.\/cert\.pem": pass the content of the file, not its name$/,
      ],
      [
        { cert: cert.replace("MII", "!!!"), key },
        /^Option "tls\.cert" cannot be read as a certificate: /,
      ],
      [
        { cert, key: key.replace("MI", "!!") },
        /^Option "tls\.key" cannot be read as a private key: /,
      ],
      [{ cert, key: other }, /^Option "tls\.key": the private key does not belong to "tls\.cert"$/],
    ];
    for (const [tls, message] of wrong) {
      const error = await errorOf(serve({ tls }));
      assertError(error, TypeError, (error as { code?: string }).code, message);
      assert.ok(!error.message.includes(key.slice(40, 80)), error.message);
    }
    const options = (tls: ConnectOptions["tls"]): ConnectOptions => ({
      tls,
      handshakeTimeout: 5000,
    });
    const url = await selfSigned(t);
    for (const caCerts of [["garbage"], [cert, ""], [key]]) {
      const error = await errorOf(connect(url, options({ caCerts })));
      assertError(
        error,
        TypeError,
        undefined,
        /^Option "tls\.caCerts\[[01]\]" must be a certificate in PEM form/,
      );
    }
    const error = await errorOf(connect(url, options({ cert: "garbage", key })));
    assertError(
      error,
      TypeError,
      undefined,
      /^Option "tls\.cert" must be a certificate in PEM form/,
    );
  },

  "an encrypted key requires its passphrase": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    const encrypted = createPrivateKey(key).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "secret",
    }) as string;
    const without = await errorOf(serve({ tls: { cert, key: encrypted } }));
    assertError(
      without,
      TypeError,
      undefined,
      /^Option "tls\.key" is encrypted: give "tls\.passphrase"$/,
    );
    const wrong = await errorOf(serve({ tls: { cert, key: encrypted, passphrase: "sesame" } }));
    assertError(
      wrong,
      TypeError,
      undefined,
      /^Option "tls\.key" cannot be read as a private key with this "tls\.passphrase": /,
    );
    assert.doesNotMatch(wrong.message, /sesame/);
    const server = await t.serve({ tls: { cert, key: encrypted, passphrase: "secret" } });
    const tls = { caCerts: [ca], cert, key: encrypted, passphrase: "secret" };
    const conn = await t.connect(server.url, { tls });
    assert.equal(conn.readyState, "open");
  },

  "the error for an untrusted certificate names tls.caCerts": async (t) => {
    const error = await errorOf(connect(await selfSigned(t)));
    assertError(
      error,
      ConnectionError,
      "CONNECT_FAILED",
      /^Cannot connect to wss:/,
      /tls\.caCerts/,
    );
    assert.ok(error.cause instanceof Error);
  },

  "the error for a certificate name mismatch names tls.serverName": async (t) => {
    const caCerts = [t.context.fixtures.certificates.ca];
    const tls = { caCerts, serverName: "other.example" };
    const error = await errorOf(connect(await selfSigned(t), { tls }));
    assertError(error, ConnectionError, "CONNECT_FAILED", /for another name/, /tls\.serverName/);
  },

  "rejects an empty tls.serverName, with and without a proxy": async (t) => {
    const caCerts = [t.context.fixtures.certificates.ca];
    const url = (await selfSigned(t)).replace("127.0.0.1", "localhost");
    for (const proxy of [undefined, "http://127.0.0.1:1", "socks5h://127.0.0.1:1"]) {
      const options: ConnectOptions = { tls: { caCerts, serverName: "" } };
      if (proxy !== undefined) options.proxy = proxy;
      const error = await errorOf(connect(url, options));
      assertError(
        error,
        TypeError,
        undefined,
        /^Option "tls\.serverName" must be a host name or an IP address, got ""$/,
      );
    }
  },

  "the error for an expired certificate suggests its renewal": async (t) => {
    const { ca, cert, key } = makeCertificates(undefined, -1);
    const { url } = await t.serve({ tls: { cert, key } });
    const error = await errorOf(connect(url, { tls: { caCerts: [ca] } }));
    assertError(error, ConnectionError, "CONNECT_FAILED", /wss:\/\/127/, /expired/i, /renewed/);
    assert.ok(error.cause instanceof Error);
  },

  "the error for ws:// to a TLS server suggests wss://": async (t) => {
    const error = await errorOf(connect((await selfSigned(t)).replace("wss:", "ws:")));
    assert.match(error.message, /wss:\/\//);
    // Many servers respond with a TLS alert.
    const raw = await t.rawServer();
    const refused = errorOf(connect(raw.url));
    const peer = await raw.accept();
    await peer.head();
    peer.send(Uint8Array.of(0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46));
    peer.end();
    assertError(await refused, HandshakeError, "HEAD_MALFORMED", /answered with TLS: use wss:\/\//);
  },

  "the error for wss:// to a server without TLS suggests ws://": async (t) => {
    const server = await t.serve();
    const error = await errorOf(connect(server.url.replace("ws:", "wss:")));
    assertError(error, ConnectionError, "CONNECT_FAILED", /does not speak TLS .* use ws:\/\//);
  },
});

const addressCases = liveCases({
  "the error for a port in use names the address, with and without TLS": async (t) => {
    const { cert, key } = t.context.fixtures.certificates;
    const { port } = await t.serve();
    const more: ServeOptions[] = [{}, { tls: { cert, key } }];
    if (t.context.runtime === "deno") more.push({ denoSockets: "Deno.listen" });
    for (const options of more) {
      const error = await errorOf(serve({ ...options, port }));
      const words = new RegExp(
        `^Cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*another address or port$`,
      );
      assertError(error, ConnectionError, "LISTEN_FAILED", words);
      assert.equal((error.cause as { code?: string }).code, "EADDRINUSE");
    }
  },

  "the error names an unknown interface or an invalid unix socket": async (t) => {
    const foreign = await errorOf(serve({ hostname: "192.0.2.1" }));
    assertError(
      foreign,
      ConnectionError,
      "LISTEN_FAILED",
      /^Cannot listen on 192\.0\.2\.1:0: .*No network interface/,
    );
    const { directory } = t.context.fixtures;
    const missing = join(directory, "missing", "x.sock");
    const error = await errorOf(serve({ unix: missing }));
    assertError(
      error,
      ConnectionError,
      "LISTEN_FAILED",
      /^Cannot listen on .*x\.sock: .*directory of (the|a) socket/,
    );
    const path = join(directory, "used.sock");
    await t.serve({ unix: path });
    const used = await errorOf(serve({ unix: path }));
    assertError(used, ConnectionError, "LISTEN_FAILED", /used\.sock: .*EADDRINUSE/);
  },

  "reports the status and body of a response that is not an upgrade": async (t) => {
    const server = createServer((_, response) => response.end("<html>hello</html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.context.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const error = await errorOf(connect(`ws://127.0.0.1:${port}/`));
    assertError(
      error,
      HandshakeError,
      "STATUS_UNEXPECTED",
      /^The server answered 200 OK, .*not a WebSocket endpoint/,
      /<html>hello/,
    );
  },
});

/** Creates a unix socket file without a listener, as a killed process leaves behind. */
async function staleSocketFile(directory: string): Promise<string> {
  const [bound, path] = [join(directory, "bound.sock"), join(directory, "left.sock")];
  const listener = createNetServer();
  await new Promise<void>((resolve) => listener.listen(bound, resolve));
  linkSync(bound, path);
  await new Promise((resolve) => listener.close(resolve));
  return path;
}

/** Detaches a buffer, as a transfer to a worker does. */
function transfer(data: Uint8Array<ArrayBuffer>): void {
  structuredClone(data, { transfer: [data.buffer] });
}

const inputCases = liveCases({
  "rejects a unix socket path that is too long, and the error shows the limit": async (t) => {
    const limit = process.platform === "linux" ? 107 : 103;
    const { directory } = t.context.fixtures;
    const long = join(directory, "\u00e9".repeat(limit));
    const size = Buffer.byteLength(long);
    const message = new RegExp(`at most ${limit} bytes.*got ${size}: .*[Cc]hoose a shorter path`);
    for (
      const attempt of [
        serve({ unix: long }),
        connect("ws://a.example/", { unix: long }),
        connect(`ws+unix:${encodeURI(long)}:/`),
        connect("ws://a.example/", { unix: long, reconnect: true }),
      ]
    ) {
      assertError(await errorOf(attempt), RangeError, undefined, message);
    }
    const room = limit - Buffer.byteLength(join(directory, "x")) + 1;
    const longest = join(directory, "l".repeat(room));
    assert.equal(Buffer.byteLength(longest), limit);
    const server = await t.serve({ unix: longest, open: (conn) => void conn.send("here") });
    assert.ok(existsSync(longest));
    const conn = await t.connect(server.url);
    for await (const data of conn) {
      assert.equal(data, "here");
      break;
    }
  },

  "distinguishes unix socket files with and without a listener": async (t) => {
    const path = await staleSocketFile(t.context.fixtures.directory);
    const left = await errorOf(serve({ unix: path }));
    assertError(left, ConnectionError, "LISTEN_FAILED", /left\.sock: .*EADDRINUSE/);
    assert.match(left.message, /No server listens there: .*killed, remove the file$/);
    rmSync(path);
    await t.serve({ unix: path });
    const used = await errorOf(serve({ unix: path }));
    assert.match(used.message, /Another server listens there: stop it, or choose another path$/);
  },

  "the error for a transferred buffer of a ping or pong suggests slice()": async (t) => {
    for (const event of ["ping", "pong"] as const) {
      const ends = new Queue<CloseInfo>();
      const server = await t.serve({
        binaryType: "arraybuffer",
        closeTimeout: 100,
        [event]: (_: unknown, payload: Uint8Array<ArrayBuffer>) => transfer(payload),
        close: (_, info) => ends.push(info),
        onError: () => {},
      });
      const peer = await t.rawClient(server);
      await peer.upgrade();
      const frame = { opcode: event === "ping" ? 9 : 10, payload: "payload" };
      const several = Array.from({ length: 50 }, () => frame);
      peer.send(...several);
      const { error } = await ends.next();
      assertError(error!, WebSocketError, "BUFFER_DETACHED", /ping or pong .*data\.slice\(\)/);
    }
  },

  "ignores empty lines before a request, and counts them": async (t) => {
    const server = await t.serve({ maxHandshakeSize: 512 });
    for (const count of [1, 2, 4]) {
      const peer = await t.rawClient(server);
      peer.send("\r\n".repeat(count));
      assert.equal((await peer.upgrade()).status, 101);
      peer.send({ opcode: 8, payload: "" });
    }
    const many = await t.rawClient(server);
    many.send("\r\n".repeat(5));
    assert.equal((await many.answer()).status, 400);
    const large = await t.rawClient(server);
    large.send(`\r\n\r\nGET /${"x".repeat(508 - "GET /".length)}`);
    assert.equal((await large.answer()).status, 431);
  },

  "the error for a function passed as the URL names the option reconnect": async (t) => {
    const { url } = await t.serve();
    const error = await errorOf(connect((() => url) as unknown as string));
    assertError(error, TypeError, undefined, /got a function: .*needs the option "reconnect"/);
  },

  "rejects options that are a promise, a Map or a Date": async (t) => {
    const { url } = await t.serve();
    const bags: [unknown, RegExp][] = [
      [Promise.resolve({}), /is an await missing/],
      [new Map(), /type Map/],
      [new Set(), /type Set/],
      [new Date(), /type Date/],
      [[], /an array/],
    ];
    const both = ["compression", "delayedWrite", "rateLimit", "tls"];
    for (const [bag, message] of bags) {
      for (const name of [...both, "clientTopics", "history", "backplaneQueue"]) {
        const error = await errorOf(serve({ [name]: bag }));
        assertError(error, TypeError, undefined, new RegExp(name));
        assert.match(error.message, message, name);
      }
      for (const name of [...both, "reconnect"]) {
        const error = await errorOf(connect(url, { [name]: bag } as ConnectOptions));
        assertError(error, TypeError, undefined, new RegExp(name));
        assert.match(error.message, message, name);
      }
      assert.match((await errorOf(serve(bag as ServeOptions))).message, message);
      assert.match((await errorOf(connect(url, bag as ConnectOptions))).message, message);
    }
  },

  "a rejected first fragment does not begin a message": async (t) => {
    const { near, far } = await t.pair();
    assert.throws(() => near.sendFragment(Opcode.Text, undefined as unknown as string), TypeError);
    assert.throws(() => near.sendFragment(Opcode.Text, Uint8Array.of(0xff)), TypeError);
    assert.throws(() => near.sendFragment(Opcode.Continuation, "x"), /first fragment/);
    near.sendFragment(Opcode.Binary, Uint8Array.of(1));
    near.sendFragment(Opcode.Continuation, Uint8Array.of(2), { fin: true });
    for await (const data of far) {
      assert.deepEqual(data, Uint8Array.of(1, 2));
      break;
    }
  },

  "shows a 63-bit length exactly": async (t) => {
    const ends = new Queue<CloseInfo>();
    const server = await t.serve({ closeTimeout: 100, close: (_, info) => ends.push(info) });
    const peer = await t.rawClient(server);
    await peer.upgrade();
    peer.send(Uint8Array.of(0x82, 0xff, 0x7f, ...new Array<number>(7).fill(0xff), 0, 0, 0, 0));
    const { error } = await ends.next();
    assertError(error!, WebSocketError, "MESSAGE_TOO_BIG", /a frame of 9223372036854775807 bytes/);
  },
});

const SECRET = "s3cr3t";

const secretCases = liveCases({
  "no error from connect exposes a password or a query": async (t) => {
    const raw = await t.rawServer();
    const { host } = new URL(raw.url);
    raw.close();
    const urls = [
      `ws://ada:${SECRET}@${host}/chat?token=${SECRET}`,
      `ws://ada:${SECRET}@${host}/chat?token=${SECRET}#${SECRET}`,
      `wss//ada:${SECRET}@${host}/?token=${SECRET}`,
      `ftp://ada:${SECRET}@${host}/?token=${SECRET}`,
      `ws://ada:${SECRET}@ho st/?token=${SECRET}`,
      `ws://ada:%${SECRET}@${host}/?token=${SECRET}`,
    ];
    const proxies = [
      `http://ada:${SECRET}@${host}`,
      `ftp://ada:${SECRET}@${host}`,
      `//ada:${SECRET}@x`,
    ];
    const attempts: [string, ConnectOptions][] = [
      ...urls.map((url): [string, ConnectOptions] => [url, {}]),
      ...proxies.map((proxy): [string, ConnectOptions] => [urls[0], { proxy }]),
      [urls[0], { headers: `Authorization: ${SECRET}` as unknown as Headers }],
    ];
    for (const [url, options] of attempts) {
      for (let error: unknown = await errorOf(connect(url, options)); error instanceof Error;) {
        assert.ok(!error.message.includes(SECRET), error.message);
        assert.ok(!error.stack?.includes(SECRET), error.stack);
        error = error.cause;
      }
    }
  },

  "shows a redirect without its query": async (t) => {
    const raw = await t.rawServer();
    const refused = errorOf(connect(raw.url));
    const peer = await raw.accept();
    await peer.head();
    peer.send(
      `HTTP/1.1 302 Found\r\nLocation: /login?token=${SECRET}\r\nContent-Length: 0\r\n\r\n`,
    );
    const error = await refused;
    assert.match(error.message, /redirects to \/login/);
    assert.ok(!error.message.includes(SECRET), error.message);
  },
});

/** The methods in which a custom transport throws. */
const THROWING = ["start", "write", "resume", "destroy"] as const;

const valueCases = liveCases({
  "the error shows an invalid message and lists the accepted types": async (t) => {
    const server = await t.serve({ message() {} });
    const conn = await t.connect(server.url);
    const far = [...server.clients()][0];
    const misuse: [call: () => unknown, message: RegExp][] = [
      [
        () => conn.send(Promise.resolve("x") as never),
        /^Cannot send: .*got a promise \(is an await missing\?\)$/,
      ],
      [
        () => conn.send({ a: 1 } as never),
        /string, an ArrayBuffer or a view of one .*got an object$/,
      ],
      [() => conn.send(undefined as never), /^Cannot send: .*got undefined$/],
      [
        () => server.publish("hello", undefined as never),
        /^Cannot publish\(topic, data\): no data was given for "hello"$/,
      ],
      [
        () => far.publish("hello", undefined as never),
        /^Cannot publish\(topic, data\): no data was given for "hello"$/,
      ],
      [() => server.publish("t", Promise.resolve("x") as never), /got a promise/],
      [() => server.broadcast(undefined as never), /got undefined$/],
    ];
    for (const [call, message] of misuse) {
      assert.throws(call, (error: Error) => {
        assertError(error, TypeError, undefined, message);
        return true;
      });
    }
    assert.equal(conn.readyState, "open");
  },

  "sends views of any type, and rejects a detached one with a TypeError": async (t) => {
    const received: unknown[] = [];
    const done = new Promise<void>((resolve) => {
      t.serve({
        message(conn, data) {
          if (received.push(data) === 4) resolve();
          conn.send("ok");
        },
      }).then(async (server) => {
        const conn = await t.connect(server.url);
        const memory = Uint8Array.of(1, 2, 3, 4).buffer;
        conn.send(memory);
        conn.send(new DataView(memory, 1, 2) as never);
        conn.send(new Uint16Array(memory) as never);
        const own = new Uint8Array(memory);
        structuredClone(memory, { transfer: [memory] });
        for (const data of [memory, own]) {
          assert.throws(() => conn.send(data), {
            name: "TypeError",
            message: /detached.*slice\(\)/,
          });
        }
        conn.send("last");
      });
    });
    await done;
    assert.deepEqual(received, [
      Uint8Array.of(1, 2, 3, 4),
      Uint8Array.of(2, 3),
      Uint8Array.of(1, 2, 3, 4),
      "last",
    ]);
  },

  "suggests the intended name for an unknown option": async (t) => {
    const { url } = await t.serve();
    const wrong: [call: () => Promise<unknown>, message: string][] = [
      [
        () => connect(url, { onMessage() {} } as never),
        'Unknown option "onMessage". Did you mean "message"?',
      ],
      [
        () => connect(url, { onopen() {} } as never),
        'Unknown option "onopen". Did you mean "open"?',
      ],
      [
        () => connect(url, { header: {} } as never),
        'Unknown option "header". Did you mean "headers"?',
      ],
      [
        () => connect(url, { tls: { caCert: "" } } as never),
        'Unknown option "tls.caCert". Did you mean "tls.caCerts"?',
      ],
      [
        () => connect(url, { compression: { treshold: 1 } } as never),
        'Unknown option "compression.treshold". Did you mean "compression.threshold"?',
      ],
      [
        () => connect(url, { reconnect: { maxdelay: 1 } } as never),
        'Unknown option "reconnect.maxdelay". Did you mean "reconnect.maxDelay"?',
      ],
      [() => serve({ prot: 1 } as never), 'Unknown option "prot". Did you mean "port"?'],
      [
        () => serve({ maxConnection: 1 } as never),
        'Unknown option "maxConnection". Did you mean "maxConnections"?',
      ],
      [
        () => serve({ delayedWrite: { maxMessage: 1 } } as never),
        'Unknown option "delayedWrite.maxMessage". Did you mean "delayedWrite.maxMessages"?',
      ],
    ];
    for (const [call, message] of wrong) {
      assertError(await errorOf(call()), TypeError, undefined);
      assert.equal((await errorOf(call())).message, message);
    }
  },

  "connect rejects when a custom transport throws": async (t) => {
    for (const method of THROWING) {
      const server = await t.serve();
      const dial: ConnectOptions["dial"] = async (address) => {
        const transport = await t.context.network.dial(address);
        t.context.after(() => transport.destroy());
        const own: Transport = {
          remoteAddress: "",
          remotePort: 0,
          bufferedAmount: 0,
          start: (sink) => transport.start(sink),
          write: (bytes, length) => transport.write(bytes, length),
          pause: () => transport.pause(),
          resume: () => transport.resume(),
          end: () => transport.end(),
          destroy: () => transport.destroy(),
        };
        own[method] = (): never => {
          throw new Error(`no ${method}`);
        };
        return own;
      };
      const refuse = method === "destroy" ? { subprotocols: ["none"], handshakeTimeout: 1 } : {};
      const error = await errorOf(
        connect(method === "destroy" ? (await t.rawServer()).url : server.url, { dial, ...refuse }),
      );
      if (method === "destroy") assert.match(error.message, /was not open within 1 ms/);
      else assertError(error, ConnectionError, "CONNECTION_LOST", new RegExp(`no ${method}`));
    }
  },

  "rejects a result of dial that is not a transport": async () => {
    for (const given of [undefined, {}, "socket", { write() {} }]) {
      const dial = (() => given) as unknown as ConnectOptions["dial"];
      const error = await errorOf(connect("ws://a.example/", { dial }));
      assertError(
        error,
        ConnectionError,
        "CONNECT_FAILED",
        /dial must return a Transport, with the methods start, write/,
      );
    }
  },
});

export const cases: Cases = {
  ...closeCases,
  ...tlsCases,
  ...addressCases,
  ...inputCases,
  ...secretCases,
  ...valueCases,
};

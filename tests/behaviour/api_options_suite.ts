// serve and connect validate the name, type and range of every option immediately. Errors name the
// option, the value and the allowed values.

import assert from "node:assert/strict";
import { type ConnectOptions, serve, type ServeOptions } from "../../mod.ts";
import { connect, liveCases } from "../support/live_harness.ts";
import type { Cases } from "./harness.ts";

type Kind = typeof TypeError | typeof RangeError;

/** An option, an invalid value, and the error class. */
type InvalidOption = readonly [option: string, value: unknown, kind: Kind];

const MAX = 0x7fffffff;

/** Numeric options with their minimum and maximum. */
const NUMBERS = {
  both: [
    ["maxMessageSize", 1, MAX],
    ["maxFragments", 1, MAX],
    ["closeTimeout", 0, MAX],
    ["pingInterval", 0, MAX],
    ["pongTimeout", 0, MAX],
    ["unreadTimeout", 0, MAX],
    ["maxLifetime", 0, MAX],
    ["readTimeout", 0, MAX],
    ["writeTimeout", 0, MAX],
    ["messageTimeout", 0, MAX],
    ["memoryLimit", 0, Number.MAX_SAFE_INTEGER],
    ["highWaterMark", 0, MAX],
    ["maxBufferedAmount", 0, MAX],
    ["readBufferSize", 512, 1 << 20],
    ["delayedWrite.maxMessages", 1, MAX],
    ["delayedWrite.maxDelay", 1, MAX],
    ["delayedWrite.bufferSize", 1, 1 << 20],
    ["compression.threshold", 0, MAX],
    ["compression.serverMaxWindowBits", 8, 15],
    ["compression.clientMaxWindowBits", 8, 15],
    ["handshakeTimeout", 0, MAX],
  ],
  serve: [
    ["port", 0, 65535],
    ["backlog", 1, MAX],
    ["maxHandshakeSize", 256, MAX],
    ["maxConnections", 1, MAX],
    ["maxConnectionsPerAddress", 1, MAX],
  ],
} as const;

const BOOLEANS = {
  both: [
    "utf8Check",
    "autoPong",
    "noDelay",
    "compression.compress",
    "compression.decompress",
    "compression.serverContextTakeover",
    "compression.clientContextTakeover",
  ],
  serve: ["reusePort", "proxyProtocol", "reportOnly", "secure"],
  connect: ["tls.rejectUnauthorized"],
} as const;

const STRINGS = {
  serve: ["hostname", "unix", "tls.cert", "tls.key"],
  connect: ["origin", "tls.serverName", "tls.cert", "tls.key"],
} as const;

const FUNCTIONS = {
  both: ["open", "message", "ping", "pong", "drain", "close", "onError", "onLimit"],
  serve: ["onRefused", "upgrade", "fetch"],
  connect: ["dial"],
} as const;

/** Other invalid values. */
const OTHERS: Record<"both" | "serve" | "connect", readonly InvalidOption[]> = {
  both: [
    ["text", "buffer", TypeError],
    ["text", 1, TypeError],
    ["subprotocols", "chat", TypeError],
    ["subprotocols", [1], TypeError],
    ["subprotocols", ["no token"], TypeError],
    ["subprotocols", ["a", "a"], TypeError],
    ["signal", {}, TypeError],
    ["delayedWrite", 10, TypeError],
    ["delayedWrite.maxMessage", 10, TypeError],
    ["compression", "yes", TypeError],
    ["compression", 1, TypeError],
    ["compression.windowBits", 15, TypeError],
    ["compression.level", 9, TypeError],
    ["tls", "cert", TypeError],
    ["tls.certificate", "cert", TypeError],
    ["mesage", () => {}, TypeError],
    ["Message", () => {}, TypeError],
  ],
  serve: [
    ["denoSockets", "net", TypeError],
    ["denoSockets", true, TypeError],
    ["path", "chat", TypeError],
    ["path", ["/chat", "/a?b"], TypeError],
    ["path", 7, TypeError],
    ["trustedProxies", "10.0.0.1", TypeError],
    ["trustedProxies", ["10.0.0.0/33"], TypeError],
    ["trustedProxies", ["proxy.example"], TypeError],
    ["allowedOrigins", "https://app.example", TypeError],
    ["allowedOrigins", [1], TypeError],
    ["allowedHosts", "localhost", TypeError],
    ["allowedHosts", ["localhost:80"], TypeError],
    ["allowedOrigins", ["app.example"], TypeError],
    ["allowedOrigins", ["https://app.example/"], TypeError],
    ["headers", {}, TypeError],
    ["proxy", "http://proxy.example", TypeError],
  ],
  connect: [
    ["headers", "Cookie: a", TypeError],
    ["headers", { "Bad Name": "x" }, TypeError],
    ["headers", { "X-Line": "a\r\nb" }, TypeError],
    ["tls.caCerts", "pem", TypeError],
    ["tls.caCerts", [1], TypeError],
    ["proxy", "ftp://proxy.example", TypeError],
    ["proxy", 1, TypeError],
    ["port", 80, TypeError],
    ["maxConnections", 1, TypeError],
  ],
};

/** Returns an options object, nested if the name has a dot. */
function optionsOf(name: string, value: unknown): Record<string, unknown> {
  const [outer, inner] = name.split(".");
  if (inner === undefined) return { [outer]: value };
  const whole = outer === "tls" && (inner === "cert" || inner === "key")
    ? { cert: "cert", key: "key" }
    : {};
  return { [outer]: { ...whole, [inner]: value } };
}

function wrongNumbers(table: ReadonlyArray<readonly [string, number, number]>): InvalidOption[] {
  return table.flatMap(([name, least, most]): InvalidOption[] => [
    [name, "1", TypeError],
    [name, null, TypeError],
    [name, least - 1, RangeError],
    [name, most + 1, RangeError],
    [name, least + 0.5, RangeError],
    [name, NaN, RangeError],
    [name, Infinity, RangeError],
  ]);
}

function wrongValues(names: readonly string[], values: readonly unknown[]): InvalidOption[] {
  return names.flatMap((name) => values.map((value): InvalidOption => [name, value, TypeError]));
}

const NO_FUNCTION = ["onmessage", 1, {}];

const BOTH: InvalidOption[] = [
  ...wrongNumbers(NUMBERS.both),
  ...wrongValues(BOOLEANS.both, ["true", 0, null]),
  ...wrongValues(FUNCTIONS.both, NO_FUNCTION),
  ...OTHERS.both,
];

const TABLES: Record<"serve" | "connect", readonly InvalidOption[]> = {
  serve: [
    ...BOTH,
    ...wrongNumbers(NUMBERS.serve),
    ...wrongValues(BOOLEANS.serve, ["true", 0]),
    ...wrongValues(STRINGS.serve, [1, {}]),
    ...wrongValues(FUNCTIONS.serve, NO_FUNCTION),
    ...OTHERS.serve,
  ],
  connect: [
    ...BOTH,
    ...wrongValues(BOOLEANS.connect, ["true", 0]),
    ...wrongValues(STRINGS.connect, [1, {}]),
    ...wrongValues(FUNCTIONS.connect, NO_FUNCTION),
    ...OTHERS.connect,
  ],
};

/** Calls serve, and closes a server that starts unexpectedly. */
async function tryServe(options: unknown): Promise<void> {
  const server = await serve(options as ServeOptions);
  await server.shutdown({ timeout: 0 });
}

async function tryConnect(url: string, options: unknown): Promise<void> {
  const conn = await connect(url, options as ConnectOptions);
  conn.terminate();
  await conn.closed;
}

/** Returns the name that the error must contain: the option's last part, or a header field's. */
function shown(name: string, value: unknown): string {
  const fields = name === "headers" && typeof value === "object" ? Object.keys(value!) : [];
  return fields[0] ?? name.split(".").at(-1)!;
}

function assertRefused(error: unknown, [name, value, kind]: InvalidOption): true {
  const title = `${name}: ${String(value)}`;
  assert.equal((error as Error).constructor, kind, `${title}: ${error}`);
  assert.ok((error as Error).message.includes(shown(name, value)), `${title}: ${error}`);
  return true;
}

export const cases: Cases = liveCases({
  "serve rejects every option of the wrong type or range by name": async () => {
    for (const wrong of TABLES.serve) {
      await assert.rejects(
        tryServe(optionsOf(wrong[0], wrong[1])),
        (error) => assertRefused(error, wrong),
        `${wrong[0]}: ${String(wrong[1])}`,
      );
    }
  },

  "connect rejects every option of the wrong type or range by name": async (t) => {
    const { url } = await t.serve();
    for (const wrong of TABLES.connect) {
      await assert.rejects(
        tryConnect(url, optionsOf(wrong[0], wrong[1])),
        (error) => assertRefused(error, wrong),
        `${wrong[0]}: ${String(wrong[1])}`,
      );
    }
  },

  "accepts the minimum and maximum of each option": async (t) => {
    const tooLarge = ["readBufferSize", "port", "backlog"];
    for (const [name, least, most] of [...NUMBERS.both, ...NUMBERS.serve]) {
      for (const value of [least, most]) {
        if (tooLarge.includes(name) && value === most) continue;
        const room = name === "highWaterMark" && value === most ? { maxBufferedAmount: most } : {};
        const none = name === "maxBufferedAmount" && value === least ? { highWaterMark: 0 } : {};
        const ping = name === "pongTimeout" ? { pingInterval: 1000 } : {};
        await tryServe({ ...optionsOf(name, value), ...room, ...none, ...ping });
      }
    }
    const { url } = await t.serve();
    for (const [name, least, most] of NUMBERS.both) {
      if (name === "maxBufferedAmount") continue;
      const value = name === "highWaterMark" ? least : most;
      const ping = name === "pongTimeout" ? { pingInterval: 1000 } : {};
      await tryConnect(url, { ...optionsOf(name, value), ...ping });
    }
  },

  "rejects contradictory options": async (t) => {
    const { url } = await t.serve();
    const { cert } = t.context.fixtures.certificates;
    const dial = (): never => assert.fail("must not dial");
    await assert.rejects(tryServe({ unix: "/tmp/x.sock", port: 1 }), TypeError);
    await assert.rejects(tryServe({ unix: "/tmp/x.sock", hostname: "::1" }), TypeError);
    const tls = t.context.fixtures.certificates;
    await assert.rejects(
      tryServe({ tls: { cert: tls.cert, key: tls.key }, proxyProtocol: true }),
      { name: "TypeError", message: /"proxyProtocol".*"tls"/ },
    );
    await assert.rejects(tryServe({ tls: { cert } }), { name: "TypeError", message: /tls\.key/ });
    await assert.rejects(tryConnect(url, { tls: { cert } }), TypeError);
    await assert.rejects(tryConnect(url, { dial, proxy: "http://p.example" }), {
      name: "TypeError",
      message: /"proxy".*"dial"/,
    });
    for (const attempt of [tryServe, (options: unknown) => tryConnect(url, options)]) {
      await assert.rejects(attempt({ utf8Check: false }), { name: "TypeError", message: /text/ });
      await assert.rejects(attempt({ highWaterMark: 100, maxBufferedAmount: 99 }), RangeError);
      await assert.rejects(attempt(null), TypeError);
      await assert.rejects(attempt("options"), TypeError);
    }
  },

  "rejects an unknown name and lists the known ones": async (t) => {
    const { url } = await t.serve();
    await assert.rejects(tryServe({ onMessage() {} }), {
      name: "TypeError",
      message: /"onMessage".*message/,
    });
    await assert.rejects(tryConnect(url, { timeout: 1 }), {
      name: "TypeError",
      message: /"timeout".*handshakeTimeout/,
    });
  },

  "rejects an invalid URL with a TypeError": async () => {
    const urls = ["", "no url", "ftp://a.example/", "ws://a.example/#part", "ws://", 1, null, {}];
    for (const url of urls) {
      await assert.rejects(tryConnect(url as string, {}), TypeError, String(url));
    }
  },

  "methods of a server validate their arguments": async (t) => {
    const server = await t.serve();
    assert.throws(() => server.broadcast(1 as unknown as string), TypeError);
    assert.throws(() => server.broadcast("x", { excpet: 1 } as never), TypeError);
    for (
      const [timeout, kind] of [["1", TypeError], [-1, RangeError], [NaN, RangeError]] as const
    ) {
      assert.throws(() => void server.shutdown({ timeout: timeout as number }), kind);
    }
    assert.throws(() => void server.shutdown({ tiemout: 1 } as never), TypeError);
  },
});

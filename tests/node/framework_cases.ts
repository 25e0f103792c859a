// Test cases for WebSockets on an existing HTTP server, run for each of the three ways to add them.

import assert from "node:assert/strict";
import { get, type Server } from "node:http";
import { get as getOverTls } from "node:https";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Connection, ConnectOptions } from "../../mod.ts";
import {
  attach,
  connect,
  createUpgrader,
  HandshakeError,
  type Message,
  upgrade,
  type UpgradeOptions,
} from "../../src/node.ts";
import type { Certificates } from "../support/certificates.ts";
import { Queue } from "../support/live_harness.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { RawSocket } from "../support/raw_socket.ts";
import { BINARY, MASK_KEY, TEXT } from "../support/vectors.ts";
import { type FrameworkName, greeting, isSecure } from "./framework_names.ts";
import { frameworks } from "./frameworks.ts";

/** The WebSockets that were added to a server. */
interface Sockets {
  /** Removes them from the server. */
  detach(): Promise<void>;
}

/** Adds WebSockets to a server. */
type Way = (server: Server, options: UpgradeOptions) => Sockets;

/** The ways to add WebSockets, by name. */
const ways: Record<string, Way> = {
  attach(server, options) {
    const upgrader = attach(server, options);
    return { detach: () => upgrader.shutdown() };
  },

  createUpgrader(server, options) {
    const upgrader = createUpgrader(options);
    const listener: Parameters<Server["on"]>[1] = (request, socket, head) =>
      void upgrader.upgrade(request, socket, head);
    server.on("upgrade", listener);
    return {
      async detach() {
        server.removeListener("upgrade", listener);
        await upgrader.shutdown();
      },
    };
  },

  upgrade(server, options) {
    const connections = new Set<Connection<undefined>>();
    const listener: Parameters<Server["on"]>[1] = async (request, socket, head) => {
      const connection = await upgrade(request, socket, head, options);
      if (connection !== undefined) connections.add(connection);
    };
    server.on("upgrade", listener);
    return {
      async detach() {
        server.removeListener("upgrade", listener);
        for (const connection of connections) connection.close(1001);
        await Promise.all([...connections].map((connection) => connection.closed));
      },
    };
  },
};

/** A server with WebSockets. */
class Site {
  readonly #server: Server;
  readonly #name: FrameworkName;
  readonly #certificates: Certificates;
  readonly #connections: Connection<undefined>[] = [];
  readonly #sockets: Socket[] = [];

  constructor(name: FrameworkName, server: Server, certificates: Certificates) {
    this.#name = name;
    this.#server = server;
    this.#certificates = certificates;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Opens a WebSocket. */
  async connect(path: string, options: ConnectOptions = {}): Promise<Connection<undefined>> {
    const scheme = isSecure(this.#name) ? "wss" : "ws";
    const tls = { caCerts: [this.#certificates.ca] };
    const url = `${scheme}://127.0.0.1:${this.#port}${path}`;
    const connection = await connect(url, { ...options, tls });
    this.#connections.push(connection);
    return connection;
  }

  /** Opens a raw TCP connection. */
  raw(): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const address = { host: "127.0.0.1", port: this.#port };
      const opened = (): void => resolve(new RawSocket(socket, MASK_KEY));
      const socket = isSecure(this.#name)
        ? connectTls({ ...address, ca: this.#certificates.ca }, opened)
        : connectTcp(address, opened);
      socket.once("error", reject);
      this.#sockets.push(socket);
    });
  }

  /** Asserts that the server still answers plain HTTP requests. */
  async assertGreets(): Promise<void> {
    const fetch = isSecure(this.#name) ? getOverTls : get;
    const options = {
      host: "127.0.0.1",
      port: this.#port,
      path: "/hello",
      ca: this.#certificates.ca,
      agent: false,
    };
    const body = await new Promise((resolve, reject) => {
      fetch(options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => text += chunk);
        response.on("end", () => resolve(text));
      }).once("error", reject);
    });
    assert.equal(body, greeting(this.#name));
  }

  /** Closes the connections that the case has left open. */
  end(): void {
    for (const connection of this.#connections) connection.terminate();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

type Case = (site: Site, sockets: Sockets, messages: Queue<Message>) => Promise<void>;

/** Options that reject `/private` and echo on any other path. */
function options(messages: Queue<Message>): UpgradeOptions {
  return {
    upgrade(request) {
      if (!request.url.endsWith("/private")) return;
      return { status: 401, headers: { "WWW-Authenticate": "Bearer" }, body: "Log in first" };
    },
    message(conn, data) {
      messages.push(data);
      conn.send(data);
    },
  };
}

const checks: Record<string, Case> = {
  "a WebSocket echoes, and the server answers plain HTTP before, during and after it": async (
    site,
  ) => {
    await site.assertGreets();
    const conn = await site.connect("/chat");
    await site.assertGreets();
    const replies = conn[Symbol.asyncIterator]();
    for (const data of ["hello", new Uint8Array(1 << 20).fill(7)]) {
      conn.send(data);
      assert.deepEqual((await replies.next()).value, data);
    }
    conn.close();
    assert.equal((await conn.closed).clean, true);
    await site.assertGreets();
  },

  "the upgrade hook rejects with its own response": async (site) => {
    await assert.rejects(
      site.connect("/private"),
      (error) =>
        error instanceof HandshakeError && error.status === 401 &&
        error.headers!.get("www-authenticate") === "Bearer" && error.body === "Log in first",
    );
    await site.assertGreets();
  },

  "delivers frames that arrive together with the request": async (site, _, messages) => {
    const raw = await site.raw();
    const payload = Uint8Array.from({ length: 3000 }, (_, i) => i * 31);
    raw.send(upgradeRequest(), { opcode: TEXT, payload: "at once" }, { opcode: BINARY, payload });
    assert.equal((await raw.answer()).status, 101);
    assert.deepEqual(await messages.atLeast(2), ["at once", payload]);
    const echoes = await raw.frames(2);
    assert.deepEqual(echoes[1].payload, payload);
  },

  "detach closes the connections with 1001, and the server continues to answer plain HTTP": async (
    site,
    sockets,
  ) => {
    const conn = await site.connect("/chat");
    await sockets.detach();
    const { code, clean } = await conn.closed;
    assert.deepEqual([code, clean], [1001, true]);
    await site.assertGreets();
    await assert.rejects(site.connect("/chat"), HandshakeError);
  },
};

/** Runs every case on a server and reports each result. */
export async function runCases(
  name: FrameworkName,
  certificates: Certificates,
  report: (title: string, error?: unknown) => void,
): Promise<void> {
  for (const [way, put] of Object.entries(ways)) {
    for (const [title, check] of Object.entries(checks)) {
      const server = await frameworks[name](certificates);
      const site = new Site(name, server, certificates);
      const messages = new Queue<Message>();
      const sockets = put(server, options(messages));
      try {
        await check(site, sockets, messages);
        report(`${way}: ${title}`);
      } catch (error) {
        report(`${way}: ${title}`, error);
      } finally {
        site.end();
      }
    }
  }
}

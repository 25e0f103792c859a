// A server on Bun or Deno with HTTP and an echo on one port: with the runtime's own handlers,
// `createSockets` or crossws. `bench/native/main.ts` starts it.

import process from "node:process";

/** The code that handles the WebSockets. */
export type Variant = "native" | "createSockets" | "crossws";

const [variant] = process.argv.slice(2);
const isBun = "Bun" in globalThis;

type Handler = (request: Request, info: never) => unknown;

/** A variant's handlers for `Bun.serve` or `Deno.serve`. */
interface Handlers {
  readonly handle: (request: Request, info: never) => unknown;
  readonly websocket?: unknown;
  readonly publish: (text: string) => void;
}

/** The part of `Bun` used here. */
interface BunApi {
  serve(options: object): { port: number; publish(topic: string, text: string): number };
  gc(isSync: boolean): void;
}

const bun = (globalThis as unknown as { Bun: BunApi }).Bun;

async function quickws(): Promise<Handlers> {
  const { createSockets } = isBun
    ? await import("../../src/bun.ts")
    : await import("../../src/deno.ts");
  const sockets = createSockets({
    path: "/ws",
    open: (conn) => void conn.subscribe("all"),
    message: (conn, data) => conn.send(data),
  });
  return {
    handle: (request, info) => sockets.handle(request, info),
    websocket: "websocket" in sockets ? sockets.websocket : undefined,
    publish: (text) => void sockets.publish("all", text),
  };
}

/** A WebSocket of either runtime. */
interface Socket {
  send(data: string | Uint8Array<ArrayBuffer>): unknown;
  subscribe(topic: string): void;
}

function native(): Handlers {
  if (isBun) {
    return {
      handle(request, server: never): unknown {
        if (!request.url.endsWith("/ws")) return undefined;
        return (server as { upgrade(request: Request): boolean }).upgrade(request)
          ? Promise.resolve(undefined)
          : new Response("no", { status: 400 });
      },
      websocket: {
        open: (socket: Socket) => socket.subscribe("all"),
        message: (socket: Socket, data: string | Uint8Array<ArrayBuffer>) => void socket.send(data),
        idleTimeout: 0,
      },
      publish: (text) => void server.publish?.("all", text),
    };
  }
  const all = new Set<WebSocket>();
  return {
    handle(request): unknown {
      if (!request.url.endsWith("/ws")) return undefined;
      const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
      socket.binaryType = "arraybuffer";
      socket.onopen = () => all.add(socket);
      socket.onclose = () => all.delete(socket);
      socket.onmessage = ({ data }) => socket.send(data);
      return response;
    },
    publish(text) {
      for (const socket of all) socket.send(text);
    },
  };
}

async function crossws(): Promise<Handlers> {
  const hooks = {
    open: (peer: { subscribe(topic: string): void }) => peer.subscribe("all"),
    message: (peer: { send(data: unknown): void }, message: { rawData: unknown }) =>
      void peer.send(message.rawData),
  };
  const name = isBun ? "crossws/adapters/bun" : "crossws/adapters/deno";
  const { default: adapter } = await import(name);
  const sockets = adapter({ hooks });
  return {
    handle: (request, info) =>
      request.url.endsWith("/ws") ? sockets.handleUpgrade(request, info) : undefined,
    websocket: sockets.websocket,
    publish: (text) => void sockets.publish("all", text),
  };
}

const chosen = variant === "createSockets"
  ? await quickws()
  : variant === "crossws"
  ? await crossws()
  : native();

const answer: Handler = (request, info) => {
  if (request.url.endsWith("/usage")) {
    const { user, system } = process.cpuUsage();
    return Response.json({ cpu: user + system });
  }
  if (request.url.endsWith("/memory")) {
    if (isBun) bun.gc(true);
    else (globalThis as { gc?: () => void }).gc?.();
    return Response.json({ resident: process.memoryUsage.rss() });
  }
  if (request.url.endsWith("/publish")) {
    chosen.publish("x".repeat(128));
    return new Response("published");
  }
  return chosen.handle(request, info) ?? new Response("plain HTTP");
};

const server: { port?: number; publish?(topic: string, text: string): number } = isBun
  ? bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer, websocket: chosen.websocket })
  : {
    port:
      Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer as never).addr.port,
  };

console.log(server.port);

// An application for engines_test.ts, on Bun, Deno and workerd. It uses createSockets and records
// how its connections end.

import type { CloseInfo, WebSocketError } from "../../src/public.ts";
import { BunSockets } from "../../src/native/bun.ts";
import { DenoServeSockets } from "../../src/native/deno.ts";
import { WorkerSockets } from "../../src/native/workers.ts";
import type { SocketsOptions } from "../../src/native/sockets.ts";

/** A recorded end of a connection, as JSON. */
export interface RecordedEnd {
  readonly code: number;
  readonly reason: string;
  readonly clean: boolean;
  readonly initiator: string;
  readonly error?: string;
  /** The results of `send` before and in the `close` handler. */
  readonly sent: readonly boolean[];
}

/** The result of `createSockets`, with the `fetch` arguments of any runtime. */
interface Sockets {
  handle(request: Request, second: never): Promise<Response | undefined> | undefined;
}

/** `createSockets` of each runtime's entry. */
export const createSockets = {
  bun: (options: SocketsOptions<string>): BunSockets<string> => new BunSockets(options),
  deno: (options: SocketsOptions<string>): DenoServeSockets<string> =>
    new DenoServeSockets(options),
  workers: (options: SocketsOptions<string>): WorkerSockets<string> => new WorkerSockets(options),
} as const;

/** Functions that close a connection's socket without the library. */
export const disconnects: Map<string, () => void> = new Map();

const ends = new Map<string, RecordedEnd[]>();
const errors: string[] = [];

/** The options of the sockets. The client names its connection with `?id=`. */
export const options: SocketsOptions<string> = {
  path: ["/ws", "/other"],
  maxMessageSize: 1_000_000,
  rateLimit: { messages: 5, interval: 60_000, onExceed: "close" },
  closeTimeout: 30_000,
  onError: (error) => void errors.push((error as Error).message),
  upgrade: ({ url }) => ({ data: new URL(url).searchParams.get("id")! }),
  message(conn, data) {
    if (data === "close") {
      conn.close(4001, "first");
      conn.close(4002, "second");
      record(conn.data, conn.send("late"));
    } else if (data === "cut") {
      disconnects.get(conn.data)!();
      record(conn.data, conn.send("late"));
    } else if (data === "fail") {
      throw new Error("a secret of the handler");
    } else {
      conn.send(data);
    }
  },
  close(conn, info: CloseInfo) {
    const { code, reason, clean, initiator } = info;
    const error = (info.error as WebSocketError | undefined)?.code;
    const sent = [...results.get(conn.data) ?? [], conn.send("late")];
    const before = ends.get(conn.data) ?? [];
    ends.set(conn.data, [...before, { code, reason, clean, initiator, error, sent }]);
  },
};

const results = new Map<string, boolean[]>();

function record(id: string, sent: boolean): void {
  results.set(id, [...results.get(id) ?? [], sent]);
}

/** Answers a request with an upgrade, the recorded ends, or the errors of other entries. */
export function answer(
  sockets: Sockets,
  request: Request,
  second: unknown,
): Promise<Response | undefined> | Response {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/ends") return Response.json(ends.get(searchParams.get("id")!) ?? []);
  if (pathname === "/wrong") return Response.json(thrownBy(request, second));
  return sockets.handle(request, second as never) ?? new Response("plain");
}

/** Returns the errors that the entries of other runtimes throw. */
function thrownBy(request: Request, second: unknown): Record<string, string> {
  const thrown: Record<string, string> = {};
  const { entry } = Object.fromEntries(new URL(request.url).searchParams) as {
    entry: keyof typeof createSockets;
  };
  try {
    const sockets: Sockets = createSockets[entry]({ upgrade: () => ({ data: "" }) });
    sockets.handle(request, second as never);
  } catch (error) {
    thrown.name = (error as Error).name;
    thrown.message = (error as Error).message;
  }
  return thrown;
}

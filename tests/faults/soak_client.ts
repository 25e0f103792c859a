// The clients of the soak test, all in one process. Each connects, sends messages, checks the
// echoes and disconnects in one of several ways, then another client starts.

import { setTimeout } from "node:timers";
import { connect, type Connection, WebSocketError } from "../../mod.ts";
import { Random } from "../support/random.ts";
import { Ledger } from "./ledger.ts";
import { measureResources } from "./measure.ts";
import { CLOSE_REQUEST, isSame, messageOf } from "./messages.ts";
import { executeCommands } from "./commands.ts";
import type { SocketsKind } from "./soak_server.ts";

/** The parameters of the load. Times are in milliseconds. */
export interface Load {
  readonly type: "load";
  /** The sockets of the servers. */
  readonly kinds: readonly SocketsKind[];
  /** The ports of the proxies: the same number for each server, in the order of `kinds`. */
  readonly ports: readonly number[];
  readonly seed: number;
  /** The number of simultaneous connections. */
  readonly concurrency: number;
  /** The number of connections to open. */
  readonly connections?: number;
  /** The duration of the load. */
  readonly duration?: number;
  /** The maximum lifetime of a connection. */
  readonly lifetime: number;
  /** The maximum delay between two messages of a connection. */
  readonly gap: number;
  /** The maximum silence of the server, which sends pings more often. */
  readonly readTimeout: number;
}

/** The commands for the clients. */
export type ClientCommand = Load | "resources" | "report" | "counts" | "quit";

/** Counts echoed messages. */
const ledger = new Ledger();
const sent = new Uint32Array(ledger.counts.length);
let nextId = 0;
let peak = 0;

/** The maximum number of pending opening handshakes. */
const MAX_OPENING = 200;
let opening = 0;
const waiting: Array<() => void> = [];

async function open(load: Load, id: number): Promise<Connection | undefined> {
  if (opening === MAX_OPENING) await new Promise<void>((resolve) => waiting.push(resolve));
  opening++;
  const { kinds, ports } = load;
  const kind = kinds[id % kinds.length];
  const perServer = ports.length / kinds.length;
  const port = ports[kinds.indexOf(kind) * perServer + Math.floor(id / kinds.length) % perServer];
  const takeover = { serverContextTakeover: true, clientContextTakeover: true };
  try {
    return await connect(`ws://127.0.0.1:${port}/?id=${id}`, {
      compression: id % 3 === 0 ? takeover : id % 3 === 1,
      handshakeTimeout: load.readTimeout,
      readTimeout: load.readTimeout,
      open: () => ledger.open(id),
      message(_, data) {
        if (!isSame(data, messageOf(id, ledger.counts[id]))) {
          ledger.addViolation(`connection ${id}: wrong echo`);
        }
        ledger.message(id);
      },
      close(_, { code, clean, error }) {
        const ending = clean ? `clean ${code}` : (error as { code?: string }).code ?? "?";
        ledger.close(id, `${kind}: ${ending}`, clean);
      },
    });
  } catch (error) {
    if (!(error instanceof WebSocketError)) ledger.addViolation(`connect: ${error}`);
    else ledger.count(`not opened: ${error.code}`);
    return undefined;
  } finally {
    opening--;
    waiting.shift()?.();
  }
}

async function runClient(load: Load, id: number): Promise<void> {
  const random = new Random(load.seed * 1_000_003 + id + 1);
  const conn = await open(load, id);
  if (conn === undefined) return;
  peak = Math.max(peak, ledger.opened - ledger.closed);
  const end = performance.now() + random.below(load.lifetime);
  const next = (): void => {
    if (conn.readyState !== "open") return;
    if (performance.now() >= end) return endConnection(conn, random);
    conn.send(messageOf(id, sent[id]++));
    setTimeout(next, 1 + random.below(load.gap));
  };
  next();
  await conn.closed;
}

/** Ends a connection in a random way. */
function endConnection(conn: Connection, random: Random): void {
  switch (random.below(4)) {
    case 0:
      conn.send(CLOSE_REQUEST);
      break;
    case 1:
      conn.terminate();
      break;
    default:
      conn.close(1000, "done");
  }
}

async function runLoad(load: Load): Promise<void> {
  const last = nextId + (load.connections ?? Infinity);
  const end = performance.now() + (load.duration ?? Infinity);
  const worker = async (): Promise<void> => {
    while (nextId < last && performance.now() < end) await runClient(load, nextId++);
  };
  await Promise.all(Array.from({ length: load.concurrency }, worker));
}

async function execute(command: unknown): Promise<unknown> {
  const request = command as ClientCommand;
  switch (request) {
    case "resources":
      return await measureResources();
    case "report":
      return { ...ledger.report(), tried: nextId, peak };
    case "counts":
      return { ...ledger.perConnection(nextId), sent: [...sent.subarray(0, nextId)] };
    case "quit":
      return null;
    default:
      return await runLoad(request);
  }
}

executeCommands(execute);

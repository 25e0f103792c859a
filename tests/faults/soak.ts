// The soak test: a quickws server and clients on one runtime, in separate processes, with fault
// proxies between them. Asserts the invariants and returns figures.

import assert from "node:assert/strict";
import type { RuntimeName } from "../support/runtimes.ts";
import { type FaultKind, faultKinds, type FaultRules } from "./faults.ts";
import type { LedgerReport } from "./ledger.ts";
import type { FaultProxyOptions, ProxyCommand, ProxyReport } from "./fault_proxy.ts";
import type { Resources } from "./measure.ts";
import type { Load } from "./soak_client.ts";
import type { ListenCommand, SocketsKind } from "./soak_server.ts";
import { Worker } from "./worker.ts";

/** The load and its faults. */
export interface SoakPlan {
  readonly load: Omit<Load, "type" | "kinds" | "ports" | "seed">;
  /** The smaller load before the first memory measurement. */
  readonly warmUp: Partial<Load>;
  readonly faults: FaultRules;
  readonly seed: number;
  readonly pingInterval: number;
  readonly pongTimeout: number;
  /**
   * The allowed growth of live objects between the warm-up and the end of the load, in bytes. It
   * must be small enough to detect a leak of some kilobytes per connection.
   */
  readonly heapSlack: number;
}

/** The resources of a process at the start, after the warm-up, and after the load. */
export interface SideFigures extends LedgerReport {
  readonly fresh: Resources;
  readonly before: Resources;
  readonly after: Resources;
}

/** The results of a run. */
export interface SoakFigures {
  readonly runtime: RuntimeName;
  readonly seconds: number;
  readonly connections: number;
  readonly peak: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly server: SideFigures;
  readonly client: SideFigures;
}

/** The number of connections per proxy. Each uses two file descriptors of the proxy. */
const CONNECTIONS_OF_PROXY = 5000;

/**
 * The allowed growth of resident memory, in bytes, to detect leaks outside the heap. It is large
 * because allocators' reserves vary.
 */
const RSS_SLACK = 96 << 20;
const RSS_FACTOR = 1.3;

/** The number of files that the runtime may open during the test. */
const FILE_SLACK = 2;

/**
 * Runs a plan on a runtime.
 *
 * @param kinds The sockets of the servers: `native` for Bun.serve or Deno.serve with
 * `createSockets`. There is one server for each kind, and clients connect to them in turn. Clients
 * always use the library's sockets. The assertions differ only in one close code on Deno. For the
 * differences in server options, see `optionsFor` in `soak_server.ts`.
 */
export async function soak(
  runtime: RuntimeName,
  plan: SoakPlan,
  kinds: readonly SocketsKind[],
): Promise<SoakFigures> {
  const began = performance.now();
  await using server = new Worker(runtime, "soak_server");
  await using client = new Worker(runtime, "soak_client");
  const both = [server, client];
  const { pingInterval, pongTimeout } = plan;
  const listen: ListenCommand = { type: "listen", kinds, pingInterval, pongTimeout };
  const ports = await server.ask<number[]>(listen);
  const fresh = await resourcesOf(both);

  await using route = await Route.open(ports, plan);
  await client.ask(loadOf(plan, kinds, route, plan.warmUp));
  await route.report("cut");
  await server.ask("emptied");
  const before = await resourcesOf(both);

  await client.ask(loadOf(plan, kinds, route, {}));
  const faults = await route.report("stop");
  await server.ask("emptied");
  const after = await resourcesOf(both);

  const reports = [
    await server.ask<LedgerReport & { connections: number }>("report"),
    await client.ask<LedgerReport & { tried: number; peak: number }>("report"),
  ] as const;
  const [serverReport, clientReport] = reports;
  assert.equal(serverReport.connections, 0, "the server still has connections");
  await assertMessageCounts(server, client);
  reports.forEach((report, i) => {
    assert.deepEqual(report.violations, []);
    assert.equal(report.closed, report.opened, "each connection closes exactly once");
    assertCleanCodes(report, (kind) => cleanCodesOf(i === 0 ? "server" : "client", runtime, kind));
    assertResourcesReleased(i === 0 ? "server" : "client", before[i], after[i], plan.heapSlack);
  });
  for (const worker of both) {
    await worker.ask("quit");
    await worker.ended();
  }
  return {
    runtime,
    seconds: Math.round((performance.now() - began) / 1000),
    connections: clientReport.tried,
    peak: clientReport.peak,
    faults,
    server: { ...serverReport, fresh: fresh[0], before: before[0], after: after[0] },
    client: { ...clientReport, fresh: fresh[1], before: before[1], after: after[1] },
  };
}

function resourcesOf(workers: readonly Worker[]): Promise<Resources[]> {
  return Promise.all(workers.map((worker) => worker.ask<Resources>("resources")));
}

function loadOf(
  plan: SoakPlan,
  kinds: readonly SocketsKind[],
  route: Route,
  change: Partial<Load>,
): Load {
  return { type: "load", kinds, ports: route.ports, seed: plan.seed, ...plan.load, ...change };
}

/** The proxies of a run. */
class Route implements AsyncDisposable {
  readonly #proxies: readonly Worker[];

  /** The ports of the proxies, those of the first server first. */
  private constructor(proxies: readonly Worker[], readonly ports: readonly number[]) {
    this.#proxies = proxies;
  }

  static async open(targets: readonly number[], plan: SoakPlan): Promise<Route> {
    const count = Math.ceil(plan.load.concurrency / CONNECTIONS_OF_PROXY);
    const proxies = Array.from({ length: count }, (_, i) => {
      const from = `127.0.0.${1 + i}`;
      const orders: FaultProxyOptions = {
        targets,
        from,
        seed: plan.seed * 31 + i + 1,
        rules: plan.faults,
      };
      return new Worker("node", "fault_proxy", JSON.stringify(orders));
    });
    const answers = await Promise.all(proxies.map((proxy) => proxy.answer<{ ports: number[] }>()));
    return new Route(proxies, targets.flatMap((_, i) => answers.map(({ ports }) => ports[i])));
  }

  /**
   * Closes the remaining connections and returns the faults injected since the last report. `stop`
   * also ends the proxies.
   */
  async report(command: ProxyCommand): Promise<Record<FaultKind, number>> {
    const reports: ProxyReport[] = [];
    for (const proxy of this.#proxies) {
      reports.push(await proxy.ask(command));
      if (command === "stop") await proxy.ended();
    }
    const sum = (kind: FaultKind): number => reports.reduce((n, { faults }) => n + faults[kind], 0);
    return Object.fromEntries(faultKinds.map((kind) => [kind, sum(kind)])) as Record<
      FaultKind,
      number
    >;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
  }
}

interface ConnectionCounts {
  readonly counts: readonly number[];
  readonly clean: readonly number[];
}

/**
 * Compares the message counts of both sides, which have already checked message order and gaps. The
 * server received every message that it echoed, the client sent every message that arrived, and
 * after a clean close on both sides every sent message has arrived.
 */
async function assertMessageCounts(server: Worker, client: Worker): Promise<void> {
  const serverCounts = await server.ask<ConnectionCounts>("counts");
  const clientCounts = await client.ask<ConnectionCounts & { sent: readonly number[] }>("counts");
  clientCounts.sent.forEach((sent, id) => {
    const acknowledged = clientCounts.counts[id] ?? 0;
    const arrived = serverCounts.counts[id] ?? 0;
    assert.ok(
      acknowledged <= arrived && arrived <= sent,
      `connection ${id}: ${sent} sent, ${arrived} arrived, ${acknowledged} acknowledged`,
    );
    if (clientCounts.clean[id] === 1 && serverCounts.clean[id] === 1) assert.equal(arrived, sent);
  });
}

/**
 * Returns the codes of clean closes. Deno.serve sends a Close frame to a peer that does not answer
 * its ping. The library disconnects such a peer. If the peer disconnects while Deno.serve sends
 * that frame, Deno.serve reports an empty Close frame of the peer.
 */
function cleanCodesOf(
  side: "server" | "client",
  runtime: RuntimeName,
  kind: SocketsKind,
): number[] {
  const isDeno = runtime === "deno" && kind === "native";
  return [1000, 4000, ...(isDeno ? [side === "client" ? 1001 : 1005] : [])];
}

/** Asserts that clean closes have known codes. A disconnect must not be reported as clean. */
function assertCleanCodes(
  { endings, opened }: LedgerReport,
  codesOf: (kind: SocketsKind) => readonly number[],
): void {
  for (const ending of Object.keys(endings)) {
    const [, kind, code] = /^(own|native): clean (\d+)$/.exec(ending) ?? [];
    const isKnown = kind === undefined || codesOf(kind as SocketsKind).includes(Number(code));
    assert.ok(isKnown, `"${ending}" was reported`);
    // No peer sends an empty Close frame, so only a rare disconnect can look like one.
    if (code === "1005") {
      assert.ok(endings[ending] <= opened / 100, `${endings[ending]} times 1005`);
    }
  }
}

function assertResourcesReleased(
  side: string,
  before: Resources,
  after: Resources,
  heapSlack: number,
): void {
  const figures = `${JSON.stringify(before)} before, ${JSON.stringify(after)} after`;
  assert.equal(after.timers, 0, `timers of the ${side}: ${figures}`);
  assert.ok(after.files <= before.files + FILE_SLACK, `files of the ${side}: ${figures}`);
  assert.ok(after.heap <= before.heap + heapSlack, `heap of the ${side}: ${figures}`);
  assert.ok(after.buffers <= before.buffers + heapSlack, `buffers of the ${side}: ${figures}`);
  assert.ok(after.rss <= before.rss * RSS_FACTOR + RSS_SLACK, `rss of the ${side}: ${figures}`);
}

// A TCP proxy in which things go wrong, as a process on Node: it prints its port, then, for each line it
// is sent, what has gone wrong so far; `stop` ends it.

import net from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { Random } from "../support/random.ts";
import { type FaultKind, faultKinds, type FaultRules, nextFault } from "./faults.ts";
import { Flow } from "./flow.ts";

/** What it is started with, as JSON. */
export interface ProxyOrders {
  /** The port behind it. */
  readonly target: number;
  /** The address it connects from, so that ports do not run out. */
  readonly from: string;
  readonly seed: number;
  readonly rules: FaultRules;
}

/** What has happened so far. */
export interface ProxyReport {
  readonly connections: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
}

const orders: ProxyOrders = JSON.parse(process.argv[2]);
const random = new Random(orders.seed);
const faults = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
let connections = 0;

function accept(near: net.Socket): void {
  connections++;
  const fault = nextFault(random, orders.rules);
  const towardsServer = random.below(2) === 0;
  const far = net.connect({
    port: orders.target,
    host: "127.0.0.1",
    localAddress: orders.from,
    allowHalfOpen: true,
    noDelay: true,
  });
  const happened = (): void => void (fault && faults[fault.kind]++);
  new Flow(near, far, towardsServer ? fault : undefined, happened);
  new Flow(far, near, towardsServer ? undefined : fault, happened);
  for (const [one, other] of [[near, far], [far, near]]) {
    one.on("error", () => other.resetAndDestroy());
    one.on("close", () => other.destroy());
  }
}

const listener = net.createServer({ allowHalfOpen: true, noDelay: true }, accept);
listener.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(JSON.stringify({ port: (listener.address() as net.AddressInfo).port }));
});

createInterface(process.stdin).on("line", (line) => {
  const report: ProxyReport = { connections, faults };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => {
    if (line === JSON.stringify("stop")) process.exit();
  });
});
